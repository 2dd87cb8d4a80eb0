/*
 * An arena is a list of blocks, each twice as large as the one before up to a limit; what does not
 * fit gets a block of its own. Nothing in it is freed singly.
 */
#include "health/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 1 << 10, LARGEST_BLOCK = 1 << 18 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

struct arena {
    struct block *blocks; /* the newest first */
};

static void *or_die(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *health_alloc(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *health_realloc(void *old, size_t count, size_t size)
{
    return or_die(reallocarray(old, count ? count : 1, size));
}

char *health_text(const char *text, size_t size)
{
    char *copy = health_alloc(size + 1, 1);

    if (size)
        memcpy(copy, text, size);
    return copy;
}

struct arena *arena_new(void)
{
    return health_alloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

static struct block *block_for(struct arena *arena, size_t bytes)
{
    struct block *newest = arena->blocks;

    if (newest && newest->size - newest->used >= bytes)
        return newest;
    size_t size = newest ? 2 * newest->size : FIRST_BLOCK;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < bytes)
        size = bytes;
    struct block *block = health_alloc(1, sizeof(*block) + size);
    block->size = size;
    block->next = newest;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    const size_t align = _Alignof(max_align_t);

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4)
        or_die(NULL);
    bytes = (bytes + align - 1) / align * align;
    struct block *block = block_for(arena, bytes);
    void *memory = (char *)block->data + block->used;
    block->used += bytes;
    return memory;
}

const char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_text_of(arena, text, strlen(text)) : NULL;
}

const char *arena_text_of(struct arena *arena, const char *text, size_t size)
{
    char *copy = arena_alloc(arena, size + 1, 1);

    if (size)
        memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}
