/*
 * The inside of `struct health`: one lock around all that is known, and two threads per server that
 * hold it only to think, never while they talk to a server.
 */
#ifndef HEALTH_THREADS_H
#define HEALTH_THREADS_H

#include "health/cluster.h"
#include "health/demand.h"
#include "health/health.h"
#include "health/probe.h"
#include "health/watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One thread for one server, looking or waiting. */
struct watcher {
    struct health *health;
    size_t server;
    pthread_t thread;
    pthread_cond_t wake; /* with the health lock */
    int wake_fd;         /* interrupts the probe */
    bool is_running;
    struct probe *probe;   /* used by its own thread only */
    bool look_now;         /* under the lock */
    uint64_t next_look;    /* ns; the following: its own thread only */
    uint64_t last_sample;  /* ns */
    uint64_t facts_read;   /* ns; 0: not yet */
    uint64_t catalog_read; /* ns */
    uint64_t catalog_gap;  /* ns: not again before */
    bool told_blind;       /* an event said that the account does not see others' threads */
    bool applier_ran;      /* at the last look: filters can change only while it stands */
};

struct health {
    pthread_mutex_t lock;
    struct cluster cluster;
    struct demand demand;
    bool is_stopping;
    atomic_bool relist;
    struct health_options options; /* strings are owned */
    const struct probe_ops *ops;
    uint64_t poll_ns;
    uint64_t sample_min_ns;
    size_t count;
    struct watcher *monitors;
    struct watcher *waiters;
    struct watch_list *watches; /* per server */
};

uint64_t health_now(void);

/* Between health_lock() and health_unlock() the cluster may be changed; the latter wakes whom the
 * change concerns and calls the callbacks, without the lock. */
void health_lock(struct health *health);
void health_unlock(struct health *health);

/* Sleeps on a watcher's condition, with the lock held, until woken or `until` (ns). */
void watcher_sleep(struct watcher *watcher, uint64_t until);

/* Thread bodies. */
void *monitor_run(void *watcher);
void *waiter_run(void *watcher);

/* As health_start(), with other probes. */
struct health *health_start_with(const struct health_options *options, const struct probe_ops *ops);

#endif
