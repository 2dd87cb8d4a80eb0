/*
 * See locked.h. Three sizes of pieces, each cut from blocks of libsodium's: a block lies between
 * pages that must not be touched, with a canary. Blocks stay until the program ends.
 */
#include "proxy/locked.h"

#include "proxy/memory.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

/* A block and libsodium's canary of 16 bytes fill whole pages, or nearly so. */
static const struct size {
    size_t piece, block;
} sizes[] = {{64, 4032}, {320, 3840}, {LOCKED_MAX, LOCKED_MAX}};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

struct block {
    struct block *next;
    uint8_t *memory; /* owner */
    unsigned size;   /* index of `sizes` */
};

/* What a piece holds while nobody has it. */
struct free_piece {
    struct free_piece *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static struct block *blocks;
static struct free_piece *free_pieces[SIZES];
static bool is_refused;

static void put(unsigned size, void *piece)
{
    struct free_piece *freed = piece;

    freed->next = free_pieces[size];
    free_pieces[size] = freed;
}

/* As much as the system lets us have. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &limit);
    }
}

static void add_block(unsigned size)
{
    struct block *block = mem_alloc(sizeof *block);

    if (blocks == NULL) {
        raise_limit();
    }

    *block = (struct block){.next = blocks, .size = size};
    /* Harmless when it was called before; without it sodium_malloc does not know the page size. */
    block->memory = sodium_init() >= 0 ? sodium_malloc(sizes[size].block) : NULL;
    if (block->memory == NULL) {
        mem_die();
    }
    /* It has tried by itself, but does not say with what success. */
    is_refused = sodium_mlock(block->memory, sizes[size].block) != 0 || is_refused;
    blocks = block;
    for (size_t at = sizes[size].block; at > 0; at -= sizes[size].piece) {
        put(size, block->memory + at - sizes[size].piece);
    }
}

void *locked_alloc(size_t size)
{
    struct free_piece *piece;
    unsigned i = 0;

    assert(size <= LOCKED_MAX);
    while (size > sizes[i].piece) {
        i++;
    }
    pthread_mutex_lock(&lock);
    if (free_pieces[i] == NULL) {
        add_block(i);
    }
    piece = free_pieces[i];
    free_pieces[i] = piece->next;
    pthread_mutex_unlock(&lock);
    sodium_memzero(piece, sizes[i].piece);
    return piece;
}

/* The block that the piece is from, or NULL. */
static const struct block *block_of(const void *piece)
{
    for (const struct block *block = blocks; block != NULL; block = block->next) {
        if ((uintptr_t)piece >= (uintptr_t)block->memory &&
            (uintptr_t)piece < (uintptr_t)block->memory + sizes[block->size].block) {
            return block;
        }
    }
    return NULL;
}

void locked_free(void *piece)
{
    const struct block *block;

    if (piece == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    block = block_of(piece);
    assert(block != NULL);
    if (block != NULL) {
        sodium_memzero(piece, sizes[block->size].piece);
        put(block->size, piece);
    }
    pthread_mutex_unlock(&lock);
}

bool locked_has(const void *memory)
{
    bool has;

    pthread_mutex_lock(&lock);
    has = block_of(memory) != NULL;
    pthread_mutex_unlock(&lock);
    return has;
}

bool locked_is_held(void)
{
    bool held;

    pthread_mutex_lock(&lock);
    held = !is_refused;
    pthread_mutex_unlock(&lock);
    return held;
}
