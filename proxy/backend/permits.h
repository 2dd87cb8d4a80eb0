/*
 * How many connections each server may have is a promise about the whole process, so it is kept in
 * one place that all workers share: a counter of permits per server, and one queue per server of
 * those who found none.
 *
 *     a connection that is opening, idle or leased holds one permit of its server, and so does
 *     one that is being closed while the server may still count it
 *     free permit, nobody queued        -> permits_try: one atomic addition, no lock
 *     none free                         -> permits_enqueue: first come, first served, all workers
 *     a connection closes               -> its permit goes to the oldest waiter, or is free
 *     a connection is going to close    -> permits_announce: that permit comes back soon, so many
 *                                          at the queue's front need nobody else's connection
 *     a connection is given back        -> permits_claim: the next waiter, if any, decides:
 *                                          same group here: it gets the connection itself;
 *                                          same group, other worker: the connection moves there;
 *                                          another group: the connection is closed, see above
 *
 * The data path only reads two atomics (is anybody queued, is a permit free). The lock is taken
 * when somebody has to wait, and by whoever serves those who wait.
 *
 * A waiter that was served (state WAITER_GRANTED) is put on its worker's list and that worker is
 * woken; it takes its waiters from there with permits_collect.
 */
#ifndef TIDEMARK_PROXY_BACKEND_PERMITS_H
#define TIDEMARK_PROXY_BACKEND_PERMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend_parcel; /* proxy/backend/parcel.h: a connection on its way to another worker */
struct permits;

enum waiter_state { WAITER_NONE, WAITER_QUEUED, WAITER_GRANTED };

struct waiter {
    struct waiter *next, *previous;
    unsigned worker;               /* whose session waits */
    unsigned server;               /* for a connection to which server */
    uint64_t group;                /* identity of the wanted group, equal on all workers */
    enum waiter_state state;       /* guarded by the lock while not WAITER_NONE */
    struct backend_parcel *parcel; /* owner, when granted: the connection itself; NULL: a permit */
};

/* What whoever gives a connection back has to do with it. */
enum claim {
    CLAIM_NOBODY, /* nobody waits, or all get a permit soon: keep it idle */
    CLAIM_HERE,   /* hand it to the waiter, which left the queue */
    CLAIM_MOVE,   /* pack it and call permits_deliver */
    CLAIM_CLOSE,  /* somebody with another group waits: close it */
};

/* `limits[i]` connections to server i; `wake(context, worker)` makes a worker run permits_collect
 * and permits_asked soon, and is called from any thread. */
struct permits *permits_new(size_t workers, size_t servers, const unsigned *limits,
                            void (*wake)(void *context, unsigned worker), void *context);
void permits_free(struct permits *permits);

/* Takes a permit if one is free and nobody is queued for it. */
bool permits_try(struct permits *permits, unsigned server);

/* Takes a permit, or queues the waiter. True: a permit was taken, the waiter is not queued. */
bool permits_enqueue(struct permits *permits, struct waiter *waiter);

/* The waiter gives up. What it had been granted goes on to the next; a parcel is handed to the
 * caller, who owns it then (and its permit), else NULL. */
struct backend_parcel *permits_cancel(struct permits *permits, struct waiter *waiter);

/* A permit is no longer used: its connection is closed, or was never opened. */
void permits_release(struct permits *permits, unsigned server);

/* A permit comes back soon: its connection is being closed. It is still in use until
 * permits_release_announced. */
void permits_announce(struct permits *permits, unsigned server);
void permits_release_announced(struct permits *permits, unsigned server);

/* For a connection of `group` that just became free on `worker`; see enum claim. */
enum claim permits_claim(struct permits *permits, unsigned server, unsigned worker, uint64_t group,
                         struct waiter **waiter);

/* After CLAIM_MOVE: grants the packed connection to the next waiter, if there still is one that
 * wants this group. False: nobody does any more, and the caller keeps the parcel. */
bool permits_deliver(struct permits *permits, unsigned server, uint64_t group,
                     struct backend_parcel *parcel);

/* The next waiter of `worker` that was granted something, no longer on any list; or NULL. */
struct waiter *permits_collect(struct permits *permits, unsigned worker);

/* How many idle connections `worker` has to `server`; called at each change. */
void permits_set_idle(struct permits *permits, unsigned worker, unsigned server, unsigned idle);

/* Asks another worker that has an idle connection to `server`, if any, to give one up. */
void permits_ask(struct permits *permits, unsigned worker, unsigned server);

/* Was `worker` asked to give up an idle connection to `server`? Forgets the request. */
bool permits_asked(struct permits *permits, unsigned worker, unsigned server);

/* Another limit from now on. A lower one closes nothing by itself: see permits_are_exceeded. */
void permits_set_limit(struct permits *permits, unsigned server, unsigned limit);

/* More permits are in use than are allowed now: connections that come free are to be closed. */
bool permits_are_exceeded(const struct permits *permits, unsigned server);

/* How many wait for whom no permit comes back soon: so many connections have to be given up. */
unsigned permits_lacking(const struct permits *permits, unsigned server);

bool permits_are_awaited(const struct permits *permits, unsigned server);
unsigned permits_used(const struct permits *permits, unsigned server);
unsigned permits_limit(const struct permits *permits, unsigned server);
unsigned permits_queued(const struct permits *permits, unsigned server);

#endif
