/*
 * Lending server connections. See pool.h for the picture and permits.h for what the whole process
 * agrees on.
 */
#include "proxy/backend/pool.h"

#include "proxy/backend/parcel.h"
#include "health/topology.h"
#include "protocol/capability.h"
#include "proxy/client/environment.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <assert.h>
#include <utlist.h>

enum { IDLE_LOOK_MAX = 16 }; /* idle connections looked at for one that is in the wanted state */

struct pool *pool_new(struct worker *worker, const struct pool_events *events)
{
    struct pool *pool = mem_calloc(1, sizeof *pool);

    pool->worker = worker;
    pool->events = events;
    return pool;
}

void pool_free(struct pool *pool)
{
    struct group *next;

    if (pool == NULL) {
        return;
    }
    assert(pool->backend_count == 0);
    for (struct group *group = pool->groups; group != NULL; group = next) {
        next = group->next;
        mem_free(group);
    }
    mem_free(pool);
}

struct group *pool_group(struct pool *pool, struct account *account, uint64_t capabilities,
                         bool has_schema)
{
    /* The capabilities that shape the protocol fit in 38 bits, see protocol/capability.h. */
    uint64_t id = (uint64_t)has_schema << 63 | (uint64_t)account->number << 40 |
                  (capabilities & CAPABILITIES_SHAPING);
    struct group *group;

    for (group = pool->groups; group != NULL; group = group->next) {
        if (group->id == id) {
            return group;
        }
    }
    group = mem_calloc(1, sizeof *group);
    group->id = id;
    group->has_schema = has_schema;
    group->account = account;
    group->capabilities = capabilities & CAPABILITIES_SHAPING;
    group->next = pool->groups;
    pool->groups = group;
    return group;
}

static struct permits *permits_of(const struct pool *pool)
{
    return pool->worker->process->permits;
}

/* ---- idle connections ---- */

static void publish_idle(struct pool *pool, unsigned server)
{
    permits_set_idle(permits_of(pool), pool->worker->number, server, pool->servers[server].idle);
}

static void idle_add(struct pool *pool, struct backend *backend, uint64_t now)
{
    struct group_server *here = &backend->group->servers[backend->server];

    DL_PREPEND2(here->idle, backend, previous, next);
    here->idle_count++;
    pool->servers[backend->server].idle++;
    backend->idle_ns = now;
    publish_idle(pool, backend->server);
}

static void idle_remove(struct pool *pool, struct backend *backend)
{
    struct group_server *here = &backend->group->servers[backend->server];

    DL_DELETE2(here->idle, backend, previous, next);
    here->idle_count--;
    pool->servers[backend->server].idle--;
    publish_idle(pool, backend->server);
}

bool pool_is_too_old(const struct backend *backend, const struct lease *lease)
{
    return (int)(backend->era - lease->era) < 0; /* the count may wrap */
}

bool pool_is_of_an_older_era(const struct backend *backend)
{
    return backend->era !=
           atomic_load_explicit(&backend->worker->process->era, memory_order_relaxed);
}

/* The best idle connection for the lease: one the session had, one as old as it and in its state,
 * one as old as it, one in its state, any. */
static struct backend *idle_find(const struct lease *lease)
{
    struct backend *backend = lease->group->servers[lease->server].idle;
    struct backend *best = NULL;
    unsigned best_points = 0;

    for (unsigned seen = 0; backend != NULL && (seen < IDLE_LOOK_MAX || best == NULL);
         backend = backend->next, seen++) {
        unsigned points = 1 + (backend->era == lease->era ? 2u : 0u) +
                          (backend->environment == lease->wanted ? 1u : 0u);

        if (pool_is_too_old(backend, lease)) {
            continue;
        }
        if (lease->last_session != 0 && backend->last_session == lease->last_session) {
            return backend;
        }
        if (points > best_points) {
            best = backend;
            best_points = points;
        }
        if (points == 4 && lease->last_session == 0) {
            return backend;
        }
    }
    return best;
}

/* ---- leases ---- */

static void hold(struct pool *pool, struct lease *lease, struct backend *backend)
{
    lease->group->servers[lease->server].leased++;
    pool->servers[lease->server].leased++;
    lease->state = LEASE_HELD;
    lease->backend = backend;
}

static void expect(struct lease *lease)
{
    DL_APPEND2(lease->group->servers[lease->server].expecting, lease, previous, next);
    lease->state = LEASE_EXPECTING;
}

static void stop_expecting(struct lease *lease)
{
    DL_DELETE2(lease->group->servers[lease->server].expecting, lease, previous, next);
    lease->state = LEASE_NONE;
}

static void queue(struct pool *pool, struct lease *lease)
{
    DL_APPEND2(pool->waiting, lease, previous, next);
    lease->group->servers[lease->server].queued_count++;
    lease->state = LEASE_QUEUED;
}

static void unqueue(struct pool *pool, struct lease *lease)
{
    DL_DELETE2(pool->waiting, lease, previous, next);
    lease->group->servers[lease->server].queued_count--;
    lease->state = LEASE_NONE;
}

/* Opens a connection with a permit that is ours. */
void pool_open_one(struct pool *pool, struct group *group, unsigned server)
{
    group->servers[server].opening++;
    pool->servers[server].opening++;
    pool->backend_count++;
    backend_open(pool->worker, group, server);
}

/* The idle connection to the server that was used longest ago, of whatever group. NULL: none here.
 */
static struct backend *idle_to_give_up(const struct pool *pool, unsigned server)
{
    struct backend *oldest = NULL;

    for (const struct group *group = pool->groups; group != NULL; group = group->next) {
        struct backend *idle = group->servers[server].idle;

        /* The last of a list is the first one's predecessor, see utlist.h. */
        if (idle != NULL && (oldest == NULL || idle->previous->idle_ns < oldest->idle_ns)) {
            oldest = idle->previous;
        }
    }
    return oldest;
}

void pool_discard_idle(struct pool *pool, struct backend *backend, const char *reason)
{
    idle_remove(pool, backend);
    backend_close(backend, reason);
}

bool pool_lease(struct pool *pool, struct lease *lease, struct group *group, unsigned server,
                const struct environment *wanted)
{
    struct permits *permits = permits_of(pool);
    bool nobody_waits = permits_lacking(permits, server) == 0;
    struct backend *backend;

    lease->group = group;
    lease->server = server;
    lease->wanted = wanted;
    lease->backend = NULL;
    backend = nobody_waits ? idle_find(lease) : NULL;
    if (backend != NULL) {
        idle_remove(pool, backend);
        hold(pool, lease, backend);
        return true;
    }
    lease->since_ns = worker_now(pool->worker);
    if (nobody_waits && permits_try(permits, server)) {
        expect(lease);
        pool_open_one(pool, group, server);
        return false;
    }
    lease->waiter.worker = pool->worker->number;
    lease->waiter.server = server;
    lease->waiter.group = group->id;
    if (permits_enqueue(permits, &lease->waiter)) {
        expect(lease);
        pool_open_one(pool, group, server);
        return false;
    }
    queue(pool, lease);
    if (permits_lacking(permits, server) == 0) {
        return false;
    }
    backend = idle_to_give_up(pool, server);
    if (backend != NULL) {
        pool_discard_idle(pool, backend, "made room for another user or schema");
    } else {
        permits_ask(permits, pool->worker->number, server);
    }
    return false;
}

void pool_cancel(struct pool *pool, struct lease *lease)
{
    struct backend_parcel *parcel;

    switch (lease->state) {
    case LEASE_NONE:
        break;
    case LEASE_EXPECTING:
        stop_expecting(lease);
        break;
    case LEASE_QUEUED:
        unqueue(pool, lease);
        parcel = permits_cancel(permits_of(pool), &lease->waiter);
        if (parcel != NULL) {
            pool->backend_count++;
            backend_unpack(pool->worker, lease->group, lease->server, parcel, false);
        }
        break;
    case LEASE_HELD: /* it must be given back */
        assert(lease->state != LEASE_HELD);
        break;
    }
}

static void lend(struct pool *pool, struct lease *lease, struct backend *backend)
{
    lease->state = LEASE_NONE;
    hold(pool, lease, backend);
    pool->events->on_ready(lease);
}

/* A connection is free: to the oldest who waits for it, here or elsewhere, else it is idle. */
static void offer(struct pool *pool, struct backend *backend, uint64_t now)
{
    struct group_server *here = &backend->group->servers[backend->server];
    struct waiter *waiter;
    struct backend_parcel *parcel;

    if (pool_is_of_an_older_era(backend)) {
        /* Those who wait may not be as old. */
        idle_add(pool, backend, now);
        if (permits_lacking(permits_of(pool), backend->server) > 0) {
            pool_discard_idle(pool, backend, "made room for a newer one");
        }
        return;
    }
    switch (permits_claim(permits_of(pool), backend->server, pool->worker->number,
                          backend->group->id, &waiter)) {
    case CLAIM_NOBODY:
        break;
    case CLAIM_HERE:
        unqueue(pool, (struct lease *)waiter);
        lend(pool, (struct lease *)waiter, backend);
        return;
    case CLAIM_MOVE:
        parcel = backend_pack(backend);
        if (parcel == NULL) {
            backend_close(backend, "made room for another worker");
        } else if (!permits_deliver(permits_of(pool), backend->server, backend->group->id,
                                    parcel)) {
            pool->backend_count++;
            backend_unpack(pool->worker, backend->group, backend->server, parcel, false);
        }
        return;
    case CLAIM_CLOSE:
        backend_close(backend, "made room for another user");
        return;
    }
    if (here->expecting != NULL) {
        struct lease *lease = here->expecting;

        stop_expecting(lease);
        lend(pool, lease, backend);
        return;
    }
    idle_add(pool, backend, now);
    if (permits_lacking(permits_of(pool), backend->server) > 0) {
        /* Somebody queued up between the two looks and did not see this one idle. */
        idle_remove(pool, backend);
        offer(pool, backend, now);
    }
}

void pool_opened(struct backend *backend)
{
    struct pool *pool = backend->worker->pool;
    struct group_server *here = &backend->group->servers[backend->server];
    struct lease *lease = here->expecting;

    if (backend->is_opening) {
        backend->is_opening = false;
        here->opening--;
        pool->servers[backend->server].opening--;
    }
    if (pool->closed) {
        backend_close(backend, "shutting down");
    } else if (!backend_is_wanted(backend) && lease == NULL) {
        backend_close(backend, "its server was removed");
    } else if (lease != NULL) {
        stop_expecting(lease);
        lend(pool, lease, backend);
    } else {
        offer(pool, backend, worker_now(pool->worker));
    }
}

void pool_forget_idle(struct backend *backend)
{
    idle_remove(backend->worker->pool, backend);
}

void pool_quitting(struct backend *backend)
{
    struct pool *pool = backend->worker->pool;

    pool->servers[backend->server].closing++;
    permits_announce(permits_of(pool), backend->server);
}

void pool_closed(struct backend *backend, const struct sql_error *error)
{
    struct pool *pool = backend->worker->pool;
    struct group *group = backend->group;
    unsigned server = backend->server;
    struct group_server *here = &group->servers[server];

    pool->backend_count--;
    if (backend->has_quit) {
        pool->servers[server].closing--;
        permits_release_announced(permits_of(pool), server);
    } else if (backend->has_permit) {
        permits_release(permits_of(pool), server);
    }
    if (backend->is_opening) {
        here->opening--;
        pool->servers[server].opening--;
        /* One opening fewer: one of those who expect one has none coming any more. */
        if (here->expecting != NULL) {
            struct lease *lease = here->expecting;

            stop_expecting(lease);
            pool->events->on_failed(lease, error, true);
        }
    }
}

bool pool_has_old_secret(const struct backend *backend)
{
    return backend->credential !=
           atomic_load_explicit(&backend->group->account->keeping.generation, memory_order_relaxed);
}

void pool_give_back(struct pool *pool, struct lease *lease, bool clean)
{
    struct backend *backend = lease->backend;

    assert(lease->state == LEASE_HELD);
    lease->state = LEASE_NONE;
    lease->backend = NULL;
    lease->group->servers[lease->server].leased--;
    pool->servers[lease->server].leased--;
    backend_take_back(backend);
    if (backend->state == BACKEND_CLOSING) {
        return;
    }
    if (backend->environment != NULL &&
        backend->group->has_schema != (environment_schema(backend->environment).size > 0)) {
        /* While it was lent its schema has come or gone. */
        backend->group = pool_group(pool, backend->group->account, backend->group->capabilities,
                                    !backend->group->has_schema);
    }
    if (pool->closed || backend->discard || backend->is_cut) {
        backend_close(backend, pool->closed ? "shutting down" : "its state cannot be shared");
    } else if (!backend_is_wanted(backend)) {
        backend_close(backend, "its server was removed");
    } else if (pool_has_old_secret(backend)) {
        backend_close(backend, "its password is not known to be right any more");
    } else if (permits_are_exceeded(permits_of(pool), backend->server)) {
        backend_close(backend, "max_connections was lowered");
    } else if (backend->kills_under_way > 0) {
        backend_close(backend, "a KILL could still hit what runs here next");
    } else if (backend_has_steps(backend)) {
        backend_close(backend, "left in the middle of an answer");
    } else if (!clean || backend->environment == NULL) {
        backend_reset(backend); /* pool_opened follows */
    } else if (backend->expires_ns != 0 && pool->worker->recent_ns >= backend->expires_ns) {
        backend_close(backend, "max_lifetime_ms");
    } else {
        offer(pool, backend, pool->worker->recent_ns);
    }
}

bool pool_has_room(const struct pool *pool, const struct group *group, unsigned server)
{
    const struct permits *permits = permits_of(pool);

    return permits_lacking(permits, server) == 0 &&
           (group->servers[server].idle != NULL ||
            permits_used(permits, server) < permits_limit(permits, server) ||
            pool->servers[server].idle > 0);
}

/* Offers one idle connection for each of those who wait and get no permit from one that is being
 * closed. */
static void give_up_idle(struct pool *pool, unsigned server)
{
    unsigned lacking = permits_lacking(permits_of(pool), server);
    struct backend *backend;

    while (lacking-- > 0 && (backend = idle_to_give_up(pool, server)) != NULL) {
        idle_remove(pool, backend);
        offer(pool, backend, worker_now(pool->worker));
    }
}

void pool_collect(struct pool *pool)
{
    struct permits *permits = permits_of(pool);
    struct waiter *waiter;

    while ((waiter = permits_collect(permits, pool->worker->number)) != NULL) {
        struct lease *lease = (struct lease *)waiter;

        unqueue(pool, lease);
        expect(lease);
        if (waiter->parcel != NULL) {
            struct backend_parcel *parcel = waiter->parcel;

            waiter->parcel = NULL;
            pool->backend_count++;
            lease->group->servers[lease->server].opening++;
            pool->servers[lease->server].opening++;
            backend_unpack(pool->worker, lease->group, lease->server, parcel, true);
        } else {
            pool_open_one(pool, lease->group, lease->server);
        }
    }
    for (unsigned server = 0; server < pool->server_count; server++) {
        if (permits_asked(permits, pool->worker->number, server)) {
            give_up_idle(pool, server);
        }
    }
}

void pool_close(struct pool *pool)
{
    pool->closed = true;
    for (struct backend *backend = pool->backends; backend != NULL; backend = backend->next_all) {
        backend_stop_waiting(backend);
    }
    for (struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            while (group->servers[server].idle != NULL) {
                pool_discard_idle(pool, group->servers[server].idle, "shutting down");
            }
        }
    }
}
