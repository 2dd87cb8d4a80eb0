/*
 * One thread's sessions and server connections. See worker.h.
 */
#include "proxy/worker.h"

#include "health/topology.h"
#include "proxy/backend/pool.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/checks.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/leave.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/login.h"
#include "proxy/client/replication.h"
#include "proxy/client/session.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/stream.h"
#include "proxy/stream_compressed.h"
#include "proxy/stream_tls.h"

#include <assert.h>
#include <string.h>

/* A server's number means the same to configuration, balancer, roster and monitors. */
_Static_assert((int)HEALTH_SERVERS == (int)ROSTER_SERVERS, "one set of server numbers");

/* How long a client may take to read the rest of what it was sent. */
static const uint64_t CLOSING_NS = UINT64_C(5000000000);

enum { FREE_COMMANDS_MAX = 256 }; /* kept for reuse; more are given back to the system */

void worker_init(struct worker *worker, unsigned number, struct process *process,
                 const struct transport *transport)
{
    memset(worker, 0, sizeof *worker);
    worker->number = number;
    worker->process = process;
    worker->transport = *transport;
    worker->random = worker_now(worker) * 2 + number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    worker->environments = environment_store_new();
    worker->prepared = prepared_store_new();
    worker->scratch = mem_alloc(WORKER_SCRATCH_BYTES);
    worker->tls_room = tls_room_new();
    worker->compression_room = compression_room_new();
    worker->judgements = mem_calloc(TABLE_CACHE_ENTRIES, sizeof *worker->judgements);
    worker->refused = mem_calloc(REFUSED_ENTRIES, sizeof *worker->refused);
    worker->roster = process->roster(process);
    worker->pool = pool_new(worker, &session_pool_events);
    pool_adopt_roster(worker->pool);
    worker->checks = checks_new(worker);
    worker->topology = process->topology(process);
    statistics_init(&worker->statistics, worker_config(worker)->pool.digests, worker_now(worker));
}

void worker_dispose(struct worker *worker)
{
    struct command_in_hand *next;

    assert(worker_is_empty(worker));
    kill_close_post(worker);
    pool_free(worker->pool);
    checks_free(worker->checks);
    prepared_store_free(worker->prepared);
    environment_store_free(worker->environments);
    topology_unref(worker->topology);
    roster_unref(worker->roster);
    for (struct command_in_hand *command = worker->free_commands; command != NULL; command = next) {
        next = command->next_free;
        mem_free(command);
    }
    statistics_dispose(&worker->statistics);
    mem_free(worker->judgements);
    mem_free(worker->refused);
    mem_free(worker->scratch);
    tls_room_free(worker->tls_room);
    compression_room_free(worker->compression_room);
}

bool worker_is_empty(const struct worker *worker)
{
    return worker->sessions == NULL && worker->pool->backend_count == 0;
}

/* ---- commands ---- */

struct command_in_hand *worker_take_command(struct worker *worker)
{
    struct command_in_hand *command = worker->free_commands;

    if (command != NULL) {
        worker->free_commands = command->next_free;
        worker->free_command_count--;
    } else {
        command = mem_alloc(sizeof *command);
    }
    memset(command, 0, offsetof(struct command_in_hand, route));
    command->route = (struct route){0};
    return command;
}

void worker_return_command(struct worker *worker, struct command_in_hand *command)
{
    if (command->data != command->small) {
        mem_free(command->data);
    }
    if (worker->free_command_count >= FREE_COMMANDS_MAX) {
        mem_free(command);
        return;
    }
    command->next_free = worker->free_commands;
    worker->free_commands = command;
    worker->free_command_count++;
}

/* ---- statements that replicas refused ---- */

void worker_remember_write(struct worker *worker, uint64_t digest)
{
    worker->refused[digest & (REFUSED_ENTRIES - 1)] = digest;
}

bool worker_knows_as_write(const struct worker *worker, uint64_t digest)
{
    return worker->refused[digest & (REFUSED_ENTRIES - 1)] == digest;
}

/* ---- events ---- */

static void try_serverless(struct worker *worker)
{
    uint64_t now = worker_now(worker);
    struct session *next;

    if (worker->serverless == 0) {
        return;
    }
    for (struct session *session = worker->sessions; session != NULL; session = next) {
        next = session->next;
        command_retry_serverless(session, now);
    }
}

static void adopt_roster(struct worker *worker)
{
    struct roster *roster = worker->process->roster(worker->process);

    if (roster == worker->roster) {
        roster_unref(roster);
        return;
    }
    for (struct session *session = worker->sessions; session != NULL; session = session->next) {
        int last = session->last_server;

        if (last >= 0 &&
            roster->servers[last].generation != worker->roster->servers[last].generation) {
            session->last_server = -1; /* the number means another server now */
        }
    }
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        if (roster->servers[i].generation != worker->roster->servers[i].generation) {
            latency_forget_server(worker->statistics.latency, i);
        }
    }
    roster_unref(worker->roster);
    worker->roster = roster;
    pool_adopt_roster(worker->pool);
    statistics_set_digests(&worker->statistics, roster->config->pool.digests);
}

static void adopt_topology(struct worker *worker)
{
    struct topology *topology = worker->process->topology(worker->process);
    struct session *next;

    if (topology == worker->topology) {
        topology_unref(topology);
        return;
    }
    topology_unref(worker->topology);
    worker->topology = topology;
    for (struct session *session = worker->sessions; session != NULL; session = next) {
        next = session->next;
        session->mode_of = NULL; /* the server's global sql_mode may have changed */
        login_try_greeting(session);
    }
}

void worker_wake(struct worker *worker)
{
    adopt_roster(worker);
    adopt_topology(worker);
    pool_collect(worker->pool);
    try_serverless(worker);
    kill_read_post(worker);
}

bool worker_knows_user(const struct worker *worker, const struct session *session)
{
    return roster_user(worker->roster, session->user) != NULL &&
           (!worker->roster->is_open ||
            !atomic_load_explicit(&session->account->keeping.is_refused, memory_order_relaxed));
}

/* Somebody waits for a connection to that server, or it is to lose all of them: then nobody keeps
 * one for warnings that nobody has asked for. */
static bool is_wanted_back(const struct worker *worker, unsigned server)
{
    const struct server_info *info = worker_server(worker, server);

    return permits_are_awaited(worker->process->permits, server) ||
           (info != NULL && info->state == STATE_DRAINING);
}

static void end_overdue(struct worker *worker, struct session *session, uint64_t now)
{
    const struct config_proxy *config = &worker_config(worker)->proxy;

    if (session->login != NULL && session->state != SESSION_CLOSING && !worker->draining &&
        now >= session->state_since_ns + (uint64_t)config->login_timeout_ms * 1000000) {
        login_overdue(session); /* also while its default schema is tried on a server */
        return;
    }
    switch (session->state) {
    case SESSION_LOGIN:
        if (worker->draining) {
            session_close(session, "shutting down");
        } else {
            login_tick(session, now);
        }
        break;
    case SESSION_READY:
        if (session->pins != 0 && session_is_movable(session) &&
            session->lease.state == LEASE_HELD && is_wanted_back(worker, session->lease.server)) {
            if (session->insert_id_unsure || (session->pins & PIN_USER_VARIABLE)) {
                leave_begin(session);
                break;
            }
            session->pins = 0;
            session->pinned_ns = 0;
            session_release(session, true);
        }
        if (worker->draining && (session_is_movable(session) || now >= worker->drain_until_ns)) {
            session_close(session, "shutting down");
        } else if (!worker_knows_user(worker, session) && session_is_movable(session)) {
            session_close(session, "its user was removed");
        } else if (session->idle_queries != session->queries) {
            session->idle_queries = session->queries;
            session->state_since_ns = now;
        } else if (config->idle_timeout_ms != 0 &&
                   now >= session->state_since_ns + (uint64_t)config->idle_timeout_ms * 1000000) {
            session_close(session, "idle_timeout_ms");
        }
        break;
    case SESSION_LEASING:
    case SESSION_SYNCING:
    case SESSION_RELAYING:
        if (session->state == SESSION_RELAYING && session->command->running_ns == 0) {
            session->command->running_ns = now;
        }
        if (worker->draining && now >= worker->drain_until_ns) {
            session_close(session, "shutting down: drain_timeout_ms is over");
        } else {
            replication_tick(session);
        }
        break;
    case SESSION_CLOSING:
        if (now >= session->state_since_ns + CLOSING_NS) {
            stream_close(session->client);
        }
        break;
    }
}

void worker_tick(struct worker *worker)
{
    uint64_t now = worker_now(worker);
    struct session *next;

    try_serverless(worker);
    for (struct session *session = worker->sessions; session != NULL; session = next) {
        next = session->next;
        end_overdue(worker, session, now);
    }
    checks_tick(worker->checks, now);
    pool_tick(worker->pool, now);
    if (worker->draining && worker->sessions == NULL) {
        pool_close(worker->pool);
    }
}

void worker_drain(struct worker *worker, uint64_t until_ns)
{
    worker->draining = true;
    worker->drain_until_ns = until_ns;
    worker_tick(worker);
}
