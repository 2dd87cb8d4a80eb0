/*
 * What time does to a pool: leases that waited too long, openings that hang, connections that are
 * idle or old, and the few that are kept ready.
 */
#include "health/topology.h"
#include "proxy/backend/pool.h"
#include "proxy/worker.h"

static const uint64_t RETRY_NS = 1000000000; /* between attempts to fill up to min_idle */

static void fail_overdue(struct pool *pool, uint64_t now)
{
    const struct config *config = worker_config(pool->worker);
    uint64_t limit = (uint64_t)config->pool.wait_timeout_ms * 1000000;

    while (pool->waiting != NULL && now >= pool->waiting->since_ns + limit) {
        struct lease *lease = pool->waiting;
        struct permits *permits = pool->worker->process->permits;
        const char *name = worker_server_name(pool->worker, lease->server);
        struct sql_error error =
            error_make(ERROR_TOO_MANY_CONNECTIONS,
                       "no connection to server %s within %u ms: all %u are in use, %u waiting "
                       "([server %s] max_connections, [pool] wait_timeout_ms)",
                       name, config->pool.wait_timeout_ms, permits_limit(permits, lease->server),
                       permits_queued(permits, lease->server), name);

        pool_cancel(pool, lease);
        pool->events->on_failed(lease, &error, false);
    }
}

/* Where no users are configured only those who are there are worth connections in advance. */
static bool may_be_kept_ready(const struct pool *pool, const struct group *group)
{
    const struct roster *roster = pool->worker->roster;
    struct account *account = group->account;

    return roster_user(roster, account->number) != NULL &&
           (!roster->is_open ||
            (atomic_load(&account->clients) > 0 && !atomic_load(&account->keeping.is_refused)));
}

static void tidy(struct pool *pool, struct group *group, unsigned server, uint64_t now)
{
    const struct config_pool *config = &worker_config(pool->worker)->pool;
    struct group_server *here = &group->servers[server];
    uint64_t idle_limit = (uint64_t)config->idle_timeout_ms * 1000000;
    const struct server_info *info = worker_server(pool->worker, server);
    bool is_draining = info != NULL && info->state == STATE_DRAINING;
    unsigned min_idle = may_be_kept_ready(pool, group) ? config->min_idle : 0;
    struct backend *next;

    for (struct backend *backend = here->idle; backend != NULL; backend = next) {
        next = backend->next;
        if (pool_has_old_secret(backend)) {
            pool_discard_idle(pool, backend, "its password is not known to be right any more");
        } else if (backend->expires_ns != 0 && now >= backend->expires_ns) {
            pool_discard_idle(pool, backend, "max_lifetime_ms");
        } else if (is_draining) {
            pool_discard_idle(pool, backend, "its server is being drained");
        } else if (permits_are_exceeded(pool->worker->process->permits, server)) {
            pool_discard_idle(pool, backend, "max_connections was lowered");
        } else if (idle_limit != 0 && now >= backend->idle_ns + idle_limit &&
                   (here->idle_count > min_idle || pool_is_of_an_older_era(backend))) {
            pool_discard_idle(pool, backend, "idle_timeout_ms");
        }
    }
}

/* Keeps [pool] min_idle connections of each group at hand, where that asks nobody to wait. */
static void fill_up(struct pool *pool, struct group *group, unsigned server, uint64_t now)
{
    unsigned min_idle = worker_config(pool->worker)->pool.min_idle;
    struct group_server *here = &group->servers[server];
    const struct server_info *info = worker_server(pool->worker, server);

    if (info == NULL || !info->usable || now < here->retry_ns ||
        roster_server(pool->worker->roster, server) == NULL || !may_be_kept_ready(pool, group)) {
        return;
    }
    if (here->idle_count + here->opening < min_idle && here->leased + here->opening < min_idle &&
        permits_try(pool->worker->process->permits, server)) {
        here->retry_ns = now + RETRY_NS;
        pool_open_one(pool, group, server);
    }
}

/* Ends openings that take too long, and waits for servers that do not close. */
static void end_slow(struct pool *pool, uint64_t now)
{
    struct backend *next;

    for (struct backend *backend = pool->backends; backend != NULL; backend = next) {
        next = backend->next_all;
        if (backend->stream == NULL) {
            backend_bury_stillborn(backend);
        } else if (backend->deadline_ns != 0 && now >= backend->deadline_ns &&
                   backend->state < BACKEND_IDLE) {
            struct sql_error error = error_make(
                ERROR_SERVER_LOST, "server %s did not complete the login within %u ms",
                backend_server(backend)->name, worker_config(pool->worker)->pool.wait_timeout_ms);

            backend_fail(backend, &error);
        } else if (backend->state == BACKEND_QUITTING && now >= backend->deadline_ns) {
            backend_stop_waiting(backend);
        }
    }
}

/* What was asked of others when a lease queued up may have gone to somebody else meanwhile. */
static void ask_again(struct pool *pool)
{
    for (const struct lease *lease = pool->waiting; lease != NULL; lease = lease->next) {
        struct permits *permits = pool->worker->process->permits;

        if (permits_lacking(permits, lease->server) > 0) {
            permits_ask(permits, pool->worker->number, lease->server);
        }
    }
}

/* ---- a new roster ---- */

static void end_unwanted(struct pool *pool, const struct group *group, unsigned server)
{
    bool has_user = roster_user(pool->worker->roster, group->account->number) != NULL;
    struct backend *next;

    for (struct backend *backend = group->servers[server].idle; backend != NULL; backend = next) {
        next = backend->next;
        if (!has_user) {
            pool_discard_idle(pool, backend, "its user was removed");
        } else if (!backend_is_wanted(backend)) {
            pool_discard_idle(pool, backend, "its server was removed");
        }
    }
}

static struct lease *find_hopeless(const struct pool *pool)
{
    struct lease *lease = pool->waiting;

    while (lease != NULL && roster_server(pool->worker->roster, lease->server) != NULL) {
        lease = lease->next;
    }
    return lease;
}

void pool_adopt_roster(struct pool *pool)
{
    struct lease *lease;

    if (pool->server_count < pool->worker->roster->server_count) {
        pool->server_count = pool->worker->roster->server_count;
    }
    for (const struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            end_unwanted(pool, group, server);
        }
    }
    while ((lease = find_hopeless(pool)) != NULL) {
        struct sql_error error =
            error_make(ERROR_SERVER_LOST, "the server was removed from the configuration");

        pool_cancel(pool, lease);
        pool->events->on_failed(lease, &error, true);
    }
}

/* ---- time ---- */

void pool_tick(struct pool *pool, uint64_t now)
{
    fail_overdue(pool, now);
    ask_again(pool);
    end_slow(pool, now);
    for (struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            tidy(pool, group, server, now);
            if (!pool->closed) {
                fill_up(pool, group, server, now);
            }
        }
    }
}
