/*
 * Inquiries. See inquiry.h.
 */
#include "proxy/inquiry.h"

#include "proxy/worker_thread.h"

#include <pthread.h>
#include <stdint.h>

struct inquiry {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t outstanding; /* workers that have not finished */
};

static void on_done(void *context)
{
    struct inquiry *inquiry = context;

    pthread_mutex_lock(&inquiry->lock);
    if (--inquiry->outstanding == 0) {
        pthread_cond_signal(&inquiry->done);
    }
    pthread_mutex_unlock(&inquiry->lock);
}

void inquiry_run(struct worker_thread *const *workers, size_t count, inquiry_job *job, void *states,
                 size_t state_size)
{
    struct inquiry inquiry = {.outstanding = count};

    pthread_mutex_init(&inquiry.lock, NULL);
    pthread_cond_init(&inquiry.done, NULL);
    for (size_t i = 0; i < count; i++) {
        worker_thread_ask(workers[i], job, (uint8_t *)states + i * state_size, on_done, &inquiry);
    }
    pthread_mutex_lock(&inquiry.lock);
    while (inquiry.outstanding > 0) {
        pthread_cond_wait(&inquiry.done, &inquiry.lock);
    }
    pthread_mutex_unlock(&inquiry.lock);
    pthread_cond_destroy(&inquiry.done);
    pthread_mutex_destroy(&inquiry.lock);
}
