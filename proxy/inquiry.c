/*
 * Inquiries. See inquiry.h.
 */
#include "proxy/inquiry.h"

#include "proxy/memory.h"
#include "proxy/worker_thread.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* What one worker has to do. */
struct part {
    struct inquiry *inquiry; /* borrower */
    struct worker_thread *thread;
    void *state;
    bool is_done; /* guarded by the lock */
};

struct inquiry {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t outstanding; /* workers that have not finished */
    bool is_abandoned;  /* the asker has let go: whoever finishes last frees it */
    size_t count;
    struct part *parts; /* owner */
    uint8_t *states;    /* owner; NULL: the asker's memory is used */
    size_t state_size;
    void (*dispose)(void *state);
};

static struct inquiry *inquiry_new(struct worker_thread *const *workers, size_t count, void *states,
                                   size_t state_size)
{
    struct inquiry *inquiry = mem_calloc(1, sizeof *inquiry);
    pthread_condattr_t monotonic;

    inquiry->outstanding = inquiry->count = count;
    inquiry->state_size = state_size;
    inquiry->parts = mem_calloc(count, sizeof *inquiry->parts);
    for (size_t i = 0; i < count; i++) {
        inquiry->parts[i] = (struct part){
            .inquiry = inquiry, .thread = workers[i], .state = (uint8_t *)states + i * state_size};
    }
    pthread_mutex_init(&inquiry->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&inquiry->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return inquiry;
}

static void inquiry_free(struct inquiry *inquiry)
{
    for (size_t i = 0; inquiry->dispose != NULL && i < inquiry->count; i++) {
        inquiry->dispose(inquiry->parts[i].state);
    }
    pthread_cond_destroy(&inquiry->done);
    pthread_mutex_destroy(&inquiry->lock);
    mem_free(inquiry->states);
    mem_free(inquiry->parts);
    mem_free(inquiry);
}

static void on_done(void *context)
{
    struct part *part = context;
    struct inquiry *inquiry = part->inquiry;
    bool is_last;

    pthread_mutex_lock(&inquiry->lock);
    part->is_done = true;
    if (--inquiry->outstanding == 0) {
        pthread_cond_signal(&inquiry->done);
    }
    is_last = inquiry->outstanding == 0 && inquiry->is_abandoned;
    pthread_mutex_unlock(&inquiry->lock);
    if (is_last) {
        inquiry_free(inquiry);
    }
}

static void ask_all(struct inquiry *inquiry, inquiry_job *job)
{
    for (size_t i = 0; i < inquiry->count; i++) {
        struct part *part = &inquiry->parts[i];

        worker_thread_ask(part->thread, job, part->state, on_done, part);
    }
}

void inquiry_run(struct worker_thread *const *workers, size_t count, inquiry_job *job, void *states,
                 size_t state_size)
{
    struct inquiry *inquiry = inquiry_new(workers, count, states, state_size);

    ask_all(inquiry, job);
    pthread_mutex_lock(&inquiry->lock);
    while (inquiry->outstanding > 0) {
        pthread_cond_wait(&inquiry->done, &inquiry->lock);
    }
    pthread_mutex_unlock(&inquiry->lock);
    inquiry_free(inquiry);
}

struct inquiry *inquiry_begin(struct worker_thread *const *workers, size_t count, inquiry_job *job,
                              size_t state_size, void (*dispose)(void *state))
{
    uint8_t *states = mem_calloc(count, state_size);
    struct inquiry *inquiry = inquiry_new(workers, count, states, state_size);

    inquiry->states = states;
    inquiry->dispose = dispose;
    ask_all(inquiry, job);
    return inquiry;
}

bool inquiry_wait(struct inquiry *inquiry, unsigned patience_ms)
{
    struct timespec until;
    bool are_done;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += patience_ms / 1000;
    until.tv_nsec += (long)(patience_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&inquiry->lock);
    while (inquiry->outstanding > 0 &&
           pthread_cond_timedwait(&inquiry->done, &inquiry->lock, &until) == 0) {
    }
    are_done = inquiry->outstanding == 0;
    pthread_mutex_unlock(&inquiry->lock);
    return are_done;
}

void *inquiry_state(struct inquiry *inquiry, size_t i)
{
    bool is_done;

    pthread_mutex_lock(&inquiry->lock);
    is_done = inquiry->parts[i].is_done;
    pthread_mutex_unlock(&inquiry->lock);
    return is_done ? inquiry->parts[i].state : NULL;
}

void inquiry_end(struct inquiry *inquiry)
{
    bool is_last;

    /* It cannot be freed meanwhile: nobody but this thread sets is_abandoned, below. */
    for (size_t i = 0; i < inquiry->count; i++) {
        struct part *part = &inquiry->parts[i];

        if (inquiry_state(inquiry, i) == NULL && worker_thread_revoke(part->thread, part)) {
            on_done(part);
        }
    }
    pthread_mutex_lock(&inquiry->lock);
    is_last = inquiry->outstanding == 0;
    inquiry->is_abandoned = true;
    pthread_mutex_unlock(&inquiry->lock);
    if (is_last) {
        inquiry_free(inquiry);
    }
}
