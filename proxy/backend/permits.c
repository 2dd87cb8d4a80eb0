/*
 * Permits and the queue for them. See permits.h for the rules.
 *
 * Two pairs of "write mine, then read yours" make that nobody is forgotten, with sequentially
 * consistent atomics on both sides:
 *   - a waiter counts itself as queued, then looks for a free permit; whoever frees a permit counts
 *     it as free, then looks for waiters.
 *   - a waiter counts itself as queued, then looks for idle connections elsewhere; whoever makes a
 *     connection idle counts it, then looks for waiters.
 */
#include "proxy/backend/permits.h"

#include "proxy/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <utlist.h>

struct server_permits {
    atomic_uint used;
    atomic_uint queued;
    atomic_uint returning; /* of the used ones: announced by permits_announce */
    atomic_uint limit;
    struct waiter *queue; /* oldest first; guarded by the lock */
};

/* What a worker tells the others; each counter is written by its own worker, or is a request. */
struct worker_permits {
    atomic_uint *idle;      /* per server */
    atomic_bool *asked;     /* per server */
    struct waiter *granted; /* guarded by the lock */
};

struct permits {
    pthread_mutex_t lock;
    size_t server_count, worker_count;
    struct server_permits *servers;
    struct worker_permits *workers;
    void (*wake)(void *context, unsigned worker);
    void *context;
};

struct permits *permits_new(size_t workers, size_t servers, const unsigned *limits,
                            void (*wake)(void *context, unsigned worker), void *context)
{
    struct permits *permits = mem_calloc(1, sizeof *permits);

    pthread_mutex_init(&permits->lock, NULL);
    permits->server_count = servers;
    permits->worker_count = workers;
    permits->servers = mem_calloc(servers, sizeof *permits->servers);
    permits->workers = mem_calloc(workers, sizeof *permits->workers);
    permits->wake = wake;
    permits->context = context;
    for (size_t i = 0; i < servers; i++) {
        atomic_init(&permits->servers[i].limit, limits[i]);
    }
    for (size_t i = 0; i < workers; i++) {
        permits->workers[i].idle = mem_calloc(servers, sizeof(atomic_uint));
        permits->workers[i].asked = mem_calloc(servers, sizeof(atomic_bool));
    }
    return permits;
}

void permits_free(struct permits *permits)
{
    if (permits == NULL) {
        return;
    }
    for (size_t i = 0; i < permits->worker_count; i++) {
        mem_free(permits->workers[i].idle);
        mem_free(permits->workers[i].asked);
    }
    mem_free(permits->workers);
    mem_free(permits->servers);
    pthread_mutex_destroy(&permits->lock);
    mem_free(permits);
}

static bool take(struct server_permits *server)
{
    unsigned used = atomic_load(&server->used);

    while (used < atomic_load(&server->limit)) {
        if (atomic_compare_exchange_weak(&server->used, &used, used + 1)) {
            return true;
        }
    }
    return false;
}

bool permits_try(struct permits *permits, unsigned server)
{
    struct server_permits *s = &permits->servers[server];

    return atomic_load(&s->queued) == 0 && take(s);
}

/* Puts a served waiter on its worker's list. The lock is held; the caller wakes the worker. */
static void grant(struct permits *permits, struct waiter *waiter, struct backend_parcel *parcel)
{
    waiter->state = WAITER_GRANTED;
    waiter->parcel = parcel;
    DL_APPEND2(permits->workers[waiter->worker].granted, waiter, previous, next);
    permits->wake(permits->context, waiter->worker);
}

static void leave_queue(struct server_permits *server, struct waiter *waiter)
{
    DL_DELETE2(server->queue, waiter, previous, next);
    atomic_fetch_sub(&server->queued, 1);
}

/* Gives free permits to the oldest waiters. The lock is held. */
static void serve_queue(struct permits *permits, struct server_permits *server)
{
    while (server->queue != NULL && take(server)) {
        struct waiter *oldest = server->queue;

        leave_queue(server, oldest);
        grant(permits, oldest, NULL);
    }
}

/* How many of those in the queue, from its front, get a permit from the connections that are being
 * closed. Where the limit was lowered not every permit that comes back may be used again. */
static unsigned served_soon(const struct server_permits *server)
{
    unsigned limit = atomic_load(&server->limit);
    unsigned returning = atomic_load(&server->returning);
    unsigned used = atomic_load(&server->used);
    unsigned staying = used > returning ? used - returning : 0;
    unsigned room = limit > staying ? limit - staying : 0;

    return room < returning ? room : returning;
}

bool permits_enqueue(struct permits *permits, struct waiter *waiter)
{
    struct server_permits *server = &permits->servers[waiter->server];
    bool taken;

    assert(waiter->state == WAITER_NONE);
    pthread_mutex_lock(&permits->lock);
    atomic_fetch_add(&server->queued, 1);
    /* Only the first in the queue may take a permit at once: nobody overtakes. */
    taken = server->queue == NULL && take(server);
    if (taken) {
        atomic_fetch_sub(&server->queued, 1);
    } else {
        waiter->state = WAITER_QUEUED;
        waiter->parcel = NULL;
        DL_APPEND2(server->queue, waiter, previous, next);
    }
    pthread_mutex_unlock(&permits->lock);
    return taken;
}

struct backend_parcel *permits_cancel(struct permits *permits, struct waiter *waiter)
{
    struct server_permits *server = &permits->servers[waiter->server];
    struct backend_parcel *parcel = NULL;

    pthread_mutex_lock(&permits->lock);
    switch (waiter->state) {
    case WAITER_NONE:
        break;
    case WAITER_QUEUED:
        leave_queue(server, waiter);
        break;
    case WAITER_GRANTED:
        DL_DELETE2(permits->workers[waiter->worker].granted, waiter, previous, next);
        parcel = waiter->parcel;
        if (parcel == NULL) {
            atomic_fetch_sub(&server->used, 1);
            serve_queue(permits, server);
        }
        break;
    }
    waiter->state = WAITER_NONE;
    waiter->parcel = NULL;
    pthread_mutex_unlock(&permits->lock);
    return parcel;
}

void permits_release(struct permits *permits, unsigned server)
{
    struct server_permits *s = &permits->servers[server];

    atomic_fetch_sub(&s->used, 1);
    if (atomic_load(&s->queued) > 0) {
        pthread_mutex_lock(&permits->lock);
        serve_queue(permits, s);
        pthread_mutex_unlock(&permits->lock);
    }
}

void permits_announce(struct permits *permits, unsigned server)
{
    atomic_fetch_add(&permits->servers[server].returning, 1);
}

void permits_release_announced(struct permits *permits, unsigned server)
{
    struct server_permits *s = &permits->servers[server];

    /* In one step for permits_claim, to which the permit would else be neither coming nor there. */
    pthread_mutex_lock(&permits->lock);
    atomic_fetch_sub(&s->used, 1);
    atomic_fetch_sub(&s->returning, 1);
    serve_queue(permits, s);
    pthread_mutex_unlock(&permits->lock);
}

void permits_set_limit(struct permits *permits, unsigned server, unsigned limit)
{
    struct server_permits *s = &permits->servers[server];

    pthread_mutex_lock(&permits->lock);
    atomic_store(&s->limit, limit);
    serve_queue(permits, s);
    pthread_mutex_unlock(&permits->lock);
}

bool permits_are_exceeded(const struct permits *permits, unsigned server)
{
    return permits_used(permits, server) > permits_limit(permits, server);
}

/* Who gets a connection of `group` that became free: the oldest of those who are next. These are
 * the waiters who get a permit soon and the one behind them; each of them is served now, so none is
 * overtaken. NULL: none of them wants this group. The lock is held. */
static struct waiter *next_of_group(const struct server_permits *server, uint64_t group)
{
    unsigned next = served_soon(server) + 1;

    for (struct waiter *waiter = server->queue; waiter != NULL && next > 0;
         waiter = waiter->next, next--) {
        if (waiter->group == group) {
            return waiter;
        }
    }
    return NULL;
}

enum claim permits_claim(struct permits *permits, unsigned server, unsigned worker, uint64_t group,
                         struct waiter **waiter)
{
    struct server_permits *s = &permits->servers[server];
    struct waiter *next;
    enum claim claim;

    *waiter = NULL;
    if (atomic_load(&s->queued) == 0) {
        return CLAIM_NOBODY;
    }
    pthread_mutex_lock(&permits->lock);
    next = next_of_group(s, group);
    if (next == NULL) {
        claim = permits_lacking(permits, server) > 0 ? CLAIM_CLOSE : CLAIM_NOBODY;
    } else if (next->worker == worker) {
        leave_queue(s, next);
        next->state = WAITER_NONE;
        *waiter = next;
        claim = CLAIM_HERE;
    } else {
        /* It stays queued, so that its session may still give up; permits_deliver takes it. */
        claim = CLAIM_MOVE;
    }
    pthread_mutex_unlock(&permits->lock);
    return claim;
}

bool permits_deliver(struct permits *permits, unsigned server, uint64_t group,
                     struct backend_parcel *parcel)
{
    struct server_permits *s = &permits->servers[server];
    struct waiter *next;

    pthread_mutex_lock(&permits->lock);
    next = next_of_group(s, group);
    if (next != NULL) {
        leave_queue(s, next);
        grant(permits, next, parcel);
    }
    pthread_mutex_unlock(&permits->lock);
    return next != NULL;
}

struct waiter *permits_collect(struct permits *permits, unsigned worker)
{
    struct waiter *waiter;

    pthread_mutex_lock(&permits->lock);
    waiter = permits->workers[worker].granted;
    if (waiter != NULL) {
        DL_DELETE2(permits->workers[worker].granted, waiter, previous, next);
        waiter->state = WAITER_NONE;
    }
    pthread_mutex_unlock(&permits->lock);
    return waiter;
}

void permits_set_idle(struct permits *permits, unsigned worker, unsigned server, unsigned idle)
{
    atomic_store(&permits->workers[worker].idle[server], idle);
}

void permits_ask(struct permits *permits, unsigned worker, unsigned server)
{
    for (size_t i = 1; i < permits->worker_count; i++) {
        unsigned other = (unsigned)((worker + i) % permits->worker_count);
        struct worker_permits *asked = &permits->workers[other];

        if (atomic_load(&asked->idle[server]) > 0) {
            atomic_store(&asked->asked[server], true);
            permits->wake(permits->context, other);
            return;
        }
    }
}

bool permits_asked(struct permits *permits, unsigned worker, unsigned server)
{
    return atomic_exchange(&permits->workers[worker].asked[server], false);
}

bool permits_are_awaited(const struct permits *permits, unsigned server)
{
    return atomic_load(&permits->servers[server].queued) > 0;
}

unsigned permits_lacking(const struct permits *permits, unsigned server)
{
    const struct server_permits *s = &permits->servers[server];
    unsigned queued = atomic_load(&s->queued);
    unsigned soon = queued > 0 ? served_soon(s) : 0;

    return queued > soon ? queued - soon : 0;
}

unsigned permits_used(const struct permits *permits, unsigned server)
{
    return atomic_load(&permits->servers[server].used);
}

unsigned permits_limit(const struct permits *permits, unsigned server)
{
    return atomic_load(&permits->servers[server].limit);
}

unsigned permits_queued(const struct permits *permits, unsigned server)
{
    return atomic_load(&permits->servers[server].queued);
}
