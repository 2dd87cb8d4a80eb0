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
    const struct config *config = pool->worker->process->config;
    uint64_t limit = (uint64_t)config->pool.wait_timeout_ms * 1000000;

    while (pool->waiting != NULL && now >= pool->waiting->since_ns + limit) {
        struct lease *lease = pool->waiting;
        struct permits *permits = pool->worker->process->permits;
        struct sql_error error =
            error_make(ERROR_TOO_MANY_CONNECTIONS,
                       "no connection to server %s within %u ms: all %u are in use, %u waiting "
                       "([server %s] max_connections, [pool] wait_timeout_ms)",
                       config->servers[lease->server].name, config->pool.wait_timeout_ms,
                       permits_limit(permits, lease->server),
                       permits_queued(permits, lease->server), config->servers[lease->server].name);

        pool_cancel(pool, lease);
        pool->events->on_failed(lease, &error, false);
    }
}

static void tidy(struct pool *pool, struct group *group, unsigned server, uint64_t now)
{
    const struct config_pool *config = &pool->worker->process->config->pool;
    struct group_server *here = &group->servers[server];
    uint64_t idle_limit = (uint64_t)config->idle_timeout_ms * 1000000;
    struct backend *next;

    for (struct backend *backend = here->idle; backend != NULL; backend = next) {
        next = backend->next;
        if (backend->expires_ns != 0 && now >= backend->expires_ns) {
            pool_discard_idle(pool, backend, "max_lifetime_ms");
        } else if (idle_limit != 0 && now >= backend->idle_ns + idle_limit &&
                   here->idle_count > config->min_idle) {
            pool_discard_idle(pool, backend, "idle_timeout_ms");
        }
    }
}

/* Keeps [pool] min_idle connections of each group at hand, where that asks nobody to wait. */
static void fill_up(struct pool *pool, struct group *group, unsigned server, uint64_t now)
{
    unsigned min_idle = pool->worker->process->config->pool.min_idle;
    struct group_server *here = &group->servers[server];
    const struct topology *topology = pool->worker->topology;

    if (topology == NULL || !topology->servers[server].usable || now < here->retry_ns) {
        return;
    }
    if (here->idle_count + here->opening < min_idle && here->leased + here->opening < min_idle &&
        permits_try(pool->worker->process->permits, server)) {
        here->retry_ns = now + RETRY_NS;
        pool_open_one(pool, group, server);
    }
}

/* Ends openings that take too long. */
static void fail_slow(struct pool *pool, uint64_t now)
{
    struct backend *next;

    for (struct backend *backend = pool->backends; backend != NULL; backend = next) {
        next = backend->next_all;
        if (backend->stream == NULL) {
            backend_bury_stillborn(backend);
        } else if (backend->deadline_ns != 0 && now >= backend->deadline_ns &&
                   backend->state < BACKEND_IDLE) {
            struct sql_error error =
                error_make(ERROR_SERVER_LOST, "server %s did not complete the login within %u ms",
                           pool->worker->process->config->servers[backend->server].name,
                           pool->worker->process->config->pool.wait_timeout_ms);

            backend_fail(backend, &error);
        }
    }
}

/* What was asked of others when a lease queued up may have gone to somebody else meanwhile. */
static void ask_again(struct pool *pool)
{
    for (const struct lease *lease = pool->waiting; lease != NULL; lease = lease->next) {
        permits_ask(pool->worker->process->permits, pool->worker->number, lease->server);
    }
}

void pool_tick(struct pool *pool, uint64_t now)
{
    fail_overdue(pool, now);
    ask_again(pool);
    fail_slow(pool, now);
    for (struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            tidy(pool, group, server, now);
            if (!pool->closed) {
                fill_up(pool, group, server, now);
            }
        }
    }
}
