/*
 * Watching connections. See visits.h.
 */
#include "proxy/http/visits.h"

#include "proxy/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

struct visit {
    bool is_open;
    int fd;
    time_t until_s; /* CLOCK_MONOTONIC */
};

struct visits {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t stop;
    bool is_stopping;
    unsigned limit, patience_s;
    struct visit visits[];
};

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

/* The lock is held while a socket is shut down, so that it is not closed in between and its number
 * given to another connection. */
static void *look_after(void *argument)
{
    struct visits *self = argument;
    struct timespec time = now();

    pthread_mutex_lock(&self->lock);
    while (!self->is_stopping) {
        for (unsigned i = 0; i < self->limit; i++) {
            if (self->visits[i].is_open && self->visits[i].until_s < time.tv_sec) {
                shutdown(self->visits[i].fd, SHUT_RDWR);
            }
        }
        time.tv_sec++;
        pthread_cond_timedwait(&self->stop, &self->lock, &time);
        time = now();
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void dispose(struct visits *self)
{
    pthread_cond_destroy(&self->stop);
    pthread_mutex_destroy(&self->lock);
    mem_free(self);
}

struct visits *visits_start(unsigned limit, unsigned patience_s)
{
    struct visits *self = mem_calloc(1, sizeof *self + limit * sizeof self->visits[0]);
    pthread_condattr_t monotonic;

    self->limit = limit;
    self->patience_s = patience_s;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&self->thread, NULL, look_after, self) != 0) {
        dispose(self);
        return NULL;
    }
    return self;
}

void visits_stop(struct visits *self)
{
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_signal(&self->stop);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    dispose(self);
}

struct visit *visits_begin(struct visits *self, int fd)
{
    struct visit *visit = NULL;

    pthread_mutex_lock(&self->lock);
    for (unsigned i = 0; i < self->limit && visit == NULL; i++) {
        visit = self->visits[i].is_open ? NULL : &self->visits[i];
    }
    if (visit != NULL) {
        *visit = (struct visit){
            .is_open = true, .fd = fd, .until_s = now().tv_sec + (time_t)self->patience_s};
    }
    pthread_mutex_unlock(&self->lock);
    return visit;
}

void visits_renew(struct visits *self, struct visit *visit)
{
    if (visit == NULL) {
        return;
    }
    pthread_mutex_lock(&self->lock);
    visit->until_s = now().tv_sec + (time_t)self->patience_s;
    pthread_mutex_unlock(&self->lock);
}

void visits_end(struct visits *self, struct visit *visit)
{
    if (visit == NULL) {
        return;
    }
    pthread_mutex_lock(&self->lock);
    visit->is_open = false;
    pthread_mutex_unlock(&self->lock);
}
