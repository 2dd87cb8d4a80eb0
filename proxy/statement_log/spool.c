/*
 * Lines to a file. See spool.h.
 */
#include "proxy/statement_log/spool.h"

#include "proxy/log.h"
#include "proxy/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 100,   /* how long a line may lie in a ring */
    COMPLAIN_S = 60, /* a file that cannot be written is in the log this often */
    RING_MASK = SPOOL_RING_BYTES - 1,
};

/* Positions count up for ever; their low bits are places in `data`. */
struct ring {
    uint8_t *data;                      /* owner; made when there is a file for the first time */
    _Alignas(64) atomic_size_t filled;  /* written by the worker */
    _Alignas(64) atomic_size_t emptied; /* written by the spool's thread */
    atomic_ullong dropped;
    uint64_t told; /* of those, in the file; the thread's own */
};

struct spool {
    struct ring *rings;
    size_t ring_count;
    atomic_bool is_open;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; the thread holds it while it writes */
    pthread_cond_t wake;
    bool is_ending;
    char *path; /* owner */
    int file;   /* -1: none */
    time_t complained;
};

/* ---- the workers' side ---- */

bool spool_is_open(const struct spool *spool)
{
    return atomic_load_explicit(&spool->is_open, memory_order_acquire);
}

void spool_write(struct spool *spool, unsigned worker, struct bytes line)
{
    struct ring *ring = &spool->rings[worker];
    size_t filled = atomic_load_explicit(&ring->filled, memory_order_relaxed);
    size_t emptied = atomic_load_explicit(&ring->emptied, memory_order_acquire);
    size_t at = filled & RING_MASK;
    size_t first = SPOOL_RING_BYTES - at;

    if (line.size == 0 || line.size > SPOOL_LINE_MAX ||
        line.size > SPOOL_RING_BYTES - (filled - emptied)) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return;
    }
    if (first > line.size) {
        first = line.size;
    }
    memcpy(ring->data + at, line.data, first);
    memcpy(ring->data, line.data + first, line.size - first);
    atomic_store_explicit(&ring->filled, filled + line.size, memory_order_release);
}

uint64_t spool_dropped(const struct spool *spool)
{
    uint64_t dropped = 0;

    for (size_t i = 0; i < spool->ring_count; i++) {
        dropped += atomic_load_explicit(&spool->rings[i].dropped, memory_order_relaxed);
    }
    return dropped;
}

/* ---- the file's side; the lock is held ---- */

static void complain(struct spool *spool)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (spool->complained == 0 || now.tv_sec - spool->complained >= COMPLAIN_S) {
        spool->complained = now.tv_sec;
        log_error(log_name("proxy", NULL), "cannot write the statement log %s: %s", spool->path,
                  strerror(errno));
    }
}

/* False: the rest is to be tried again later. */
static bool write_whole(struct spool *spool, const uint8_t *data, size_t size, size_t *written)
{
    while (*written < size) {
        ssize_t some = write(spool->file, data + *written, size - *written);

        if (some < 0 && errno == EINTR) {
            continue;
        }
        if (some <= 0) {
            complain(spool);
            return false;
        }
        *written += (size_t)some;
    }
    return true;
}

static void empty(struct spool *spool, struct ring *ring)
{
    size_t emptied = atomic_load_explicit(&ring->emptied, memory_order_relaxed);
    size_t filled = atomic_load_explicit(&ring->filled, memory_order_acquire);
    bool good = true;

    while (good && emptied != filled) {
        size_t at = emptied & RING_MASK;
        size_t size = filled - emptied;
        size_t written = 0;

        if (size > SPOOL_RING_BYTES - at) {
            size = SPOOL_RING_BYTES - at;
        }
        good = write_whole(spool, ring->data + at, size, &written);
        emptied += written;
        atomic_store_explicit(&ring->emptied, emptied, memory_order_release);
    }
}

/* After a ring was emptied to its end, so that the line stands where others are missing. */
static void tell_dropped(struct spool *spool, struct ring *ring)
{
    uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    char line[64];
    size_t written = 0;
    int size;

    if (dropped == ring->told || atomic_load_explicit(&ring->emptied, memory_order_relaxed) !=
                                     atomic_load_explicit(&ring->filled, memory_order_acquire)) {
        return;
    }
    size = snprintf(line, sizeof line, "{\"dropped\":%llu}\n",
                    (unsigned long long)(dropped - ring->told));
    if (write_whole(spool, (const uint8_t *)line, (size_t)size, &written)) {
        ring->told = dropped;
    }
}

static void empty_all(struct spool *spool)
{
    for (size_t i = 0; i < spool->ring_count && spool->file >= 0; i++) {
        empty(spool, &spool->rings[i]);
        tell_dropped(spool, &spool->rings[i]);
    }
}

static void *run(void *argument)
{
    struct spool *spool = argument;

    pthread_mutex_lock(&spool->lock);
    while (!spool->is_ending) {
        struct timespec until;

        if (spool->file < 0) {
            pthread_cond_wait(&spool->wake, &spool->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&spool->wake, &spool->lock, &until);
        empty_all(spool);
    }
    empty_all(spool);
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

/* ---- life ---- */

struct spool *spool_new(size_t workers)
{
    struct spool *spool = mem_calloc(1, sizeof *spool);
    pthread_condattr_t monotonic;
    sigset_t all;
    sigset_t before;
    int status;

    spool->file = -1;
    spool->path = mem_text("");
    spool->ring_count = workers;
    spool->rings = mem_calloc(workers, sizeof *spool->rings);
    pthread_mutex_init(&spool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&spool->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    /* Signals are for the control thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    status = pthread_create(&spool->thread, NULL, run, spool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0) {
        mem_free(spool->rings);
        mem_free(spool->path);
        mem_free(spool);
        return NULL;
    }
    return spool;
}

void spool_free(struct spool *spool)
{
    if (spool == NULL) {
        return;
    }
    pthread_mutex_lock(&spool->lock);
    spool->is_ending = true;
    pthread_cond_signal(&spool->wake);
    pthread_mutex_unlock(&spool->lock);
    pthread_join(spool->thread, NULL);
    if (spool->file >= 0) {
        close(spool->file);
    }
    for (size_t i = 0; i < spool->ring_count; i++) {
        mem_free(spool->rings[i].data);
    }
    pthread_cond_destroy(&spool->wake);
    pthread_mutex_destroy(&spool->lock);
    mem_free(spool->rings);
    mem_free(spool->path);
    mem_free(spool);
}

/* The lock is held. */
static int open_file(struct spool *spool, const char *path)
{
    /* A pipe that nobody reads is an error, and no reason to wait with the lock held. */
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    if (file < 0) {
        return -errno;
    }
    empty_all(spool);
    if (spool->file >= 0) {
        close(spool->file);
    }
    for (size_t i = 0; i < spool->ring_count; i++) {
        if (spool->rings[i].data == NULL) {
            spool->rings[i].data = mem_alloc(SPOOL_RING_BYTES);
        }
    }
    spool->file = file;
    spool->complained = 0;
    atomic_store_explicit(&spool->is_open, true, memory_order_release);
    pthread_cond_signal(&spool->wake);
    return 0;
}

int spool_open(struct spool *spool, const char *path)
{
    int status = 0;

    pthread_mutex_lock(&spool->lock);
    if (strcmp(path, spool->path) == 0) {
        /* It is what there is already. */
    } else if (path[0] != '\0') {
        status = open_file(spool, path);
    } else if (spool->file >= 0) {
        atomic_store_explicit(&spool->is_open, false, memory_order_release);
        empty_all(spool);
        close(spool->file);
        spool->file = -1;
    }
    if (status == 0) {
        char *old = spool->path;

        spool->path = mem_text(path);
        mem_free(old);
    }
    pthread_mutex_unlock(&spool->lock);
    return status;
}

int spool_reopen(struct spool *spool)
{
    int status = 0;

    pthread_mutex_lock(&spool->lock);
    if (spool->file >= 0) {
        status = open_file(spool, spool->path);
    }
    pthread_mutex_unlock(&spool->lock);
    return status;
}
