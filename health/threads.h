/*
 * The inside of `struct health`: one lock around all that is known, and two threads per server that
 * hold it only to think, never while they talk to a server.
 *
 * The threads belong to a crew, not to the server's number: a removed server's crew is told to
 * end and leaves the number at once, while its threads may still hang in a query. What they bring
 * from there nobody takes any more.
 */
#ifndef HEALTH_THREADS_H
#define HEALTH_THREADS_H

#include "health/account.h"
#include "health/cluster.h"
#include "health/demand.h"
#include "health/health.h"
#include "health/probe.h"
#include "health/watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct crew;

/* One thread for one server, looking or waiting. */
struct watcher {
    struct health *health;
    struct crew *crew;
    pthread_t thread;
    pthread_cond_t wake; /* with the health lock */
    int wake_fd;         /* interrupts the probe */
    bool is_running;
    struct account *account; /* of the probe; shared ref; its own thread only */
    struct probe *probe;     /* its own thread only */
    bool look_now;           /* under the lock */
    uint64_t last_look;      /* ns, 0: never; the following: its own thread only */
    uint64_t last_sample;    /* ns */
    uint64_t facts_read;     /* ns; 0: not yet */
    uint64_t catalog_read;   /* ns */
    uint64_t catalog_gap;    /* ns: not again before */
    bool told_blind;         /* an event said that the account does not see others' threads */
    bool applier_ran;        /* at the last look: filters can change only while it stands */
};

/* The two threads of one server. */
struct crew {
    struct health *health;
    size_t number;
    struct server_record *record; /* shared ref */
    struct watcher monitor;
    struct watcher waiter;
    struct watch_list watches; /* under the lock, as the following */
    bool is_ending;
    unsigned running;  /* threads that have not come to their end */
    struct crew *next; /* of those that are ending */
};

struct health {
    pthread_mutex_t lock;
    struct cluster cluster;
    struct demand demand;
    atomic_bool relist;
    struct health_options options; /* callbacks and `tracked` (owned); the rest is elsewhere */
    const struct probe_ops *ops;
    struct account *account; /* shared ref; under the lock, as the following */
    uint64_t poll_ns;
    uint64_t sample_min_ns;
    struct crew *crews[HEALTH_SERVERS]; /* owner; NULL: an empty slot */
    struct crew *ending;                /* owner */
};

uint64_t health_now(void);

/* Between health_lock() and health_unlock() the cluster may be changed; the latter wakes whom the
 * change concerns and calls the callbacks, without the lock. */
void health_lock(struct health *health);
void health_unlock(struct health *health);

/* Starts the threads for a server, under the lock. NULL: they cannot be started. */
struct crew *crew_start(struct health *health, size_t number, struct server_record *record);

/* Tells the threads to end, under the lock; the crew goes to those that are ending. */
void crew_end(struct crew *crew);

/* Takes from those that are ending the ones whose threads have ended, under the lock. */
struct crew *crews_take_ended(struct health *health);

/* Waits for the end of all threads in a list, and frees it; without the lock. */
void crews_free(struct crew *first);

/* Sleeps on a watcher's condition, with the lock held, until woken or `until` (ns). */
void watcher_sleep(struct watcher *watcher, uint64_t until);

/* Under the lock: the probe was opened with an account that is no longer the one. */
bool watcher_is_outdated(const struct watcher *watcher);

/* Closes the probe and opens another with the present account; its own thread, without the lock. */
void watcher_renew(struct watcher *watcher);

/* The last thing a watcher's thread does. */
void watcher_finish(struct watcher *watcher);

/* Thread bodies. */
void *monitor_run(void *watcher);
void *waiter_run(void *watcher);

/* As health_start(), with other probes. */
struct health *health_start_with(const struct health_options *options, const struct probe_ops *ops);

#endif
