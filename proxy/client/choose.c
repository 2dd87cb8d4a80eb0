/*
 * From a classified statement to a server. See choose.h.
 *
 * A read may name tables that a replica does not have as the primary has them (filters, MEMORY
 * tables, views that run programs). Looking names up costs more than all the rest here, so the
 * outcome is remembered per digest and schema, in a table of fixed size, for as long as the catalog
 * stays the same.
 */
#include "proxy/client/choose.h"

#include "health/health.h"
#include "health/topology.h"
#include "protocol/capability.h"
#include "proxy/client/doubt.h"
#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/worker.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static_assert((int)CONFIG_EVENTUAL == (int)CONSISTENCY_EVENTUAL &&
                  (int)CONFIG_BOUNDED == (int)CONSISTENCY_BOUNDED &&
                  (int)CONFIG_SESSION == (int)CONSISTENCY_SESSION &&
                  (int)CONFIG_MONOTONIC == (int)CONSISTENCY_MONOTONIC &&
                  (int)CONFIG_STRONG == (int)CONSISTENCY_STRONG,
              "the configuration and the router number the modes alike");
static_assert((int)CONFIG_ROUND_ROBIN == (int)BALANCE_ROUND_ROBIN &&
                  (int)CONFIG_LEAST_CONNECTIONS == (int)BALANCE_LEAST_CONNECTIONS &&
                  (int)CONFIG_LEAST_LATENCY == (int)BALANCE_LEAST_LATENCY &&
                  (int)CONFIG_CLIENT_HASH == (int)BALANCE_CLIENT_HASH,
              "the configuration and the router number the algorithms alike");

/* ---- tables ---- */

static bool is_system_schema(struct bytes name)
{
    switch (name.size) {
    case sizeof "sys" - 1:
        return bytes_equal_text_nocase(name, "sys");
    case sizeof "mysql" - 1:
        return bytes_equal_text_nocase(name, "mysql");
    case sizeof "information_schema" - 1: /* performance_schema has as many */
        return bytes_equal_text_nocase(name, "information_schema") ||
               bytes_equal_text_nocase(name, "performance_schema");
    default:
        return false;
    }
}

static void judge_table(const struct session *session, const struct table_name *table,
                        struct table_judgement *judgement)
{
    const struct topology *topology = session->worker->topology;
    char schema_text[ENVIRONMENT_MAX_SCHEMA + 1];
    char name_text[ENVIRONMENT_MAX_SCHEMA + 1];
    struct bytes schema = environment_schema(session->environment);
    struct bytes name = {(const uint8_t *)name_text,
                         name_unquote(table->name, name_text, sizeof name_text)};

    if (table->schema.size > 0) {
        schema = (struct bytes){(const uint8_t *)schema_text,
                                name_unquote(table->schema, schema_text, sizeof schema_text)};
    }
    if (name.size >= sizeof name_text || schema.size >= sizeof schema_text || schema.size == 0 ||
        is_system_schema(schema)) {
        judgement->is_unsafe = true;
        return;
    }
    switch (catalog_find(topology->catalog, schema, name)) {
    case RELATION_TABLE:
    case RELATION_VIEW:
        break;
    case RELATION_UNKNOWN:
        session->worker->process->relist(session->worker->process);
        judgement->is_unsafe = true;
        break;
    case RELATION_PROGRAM_VIEW:
        judgement->is_unsafe = true;
        judgement->runs_program = true;
        break;
    case RELATION_UNREPLICATED:
        judgement->is_unsafe = true;
        break;
    }
    for (size_t i = 0; i < topology->count; i++) {
        if (topology->servers[i].role == ROLE_REPLICA &&
            !server_replicates(topology, &topology->servers[i], schema, name)) {
            judgement->is_unsafe = true;
        }
    }
}

static uint64_t judgement_key(const struct session *session, const struct statement *statement)
{
    struct bytes schema = environment_schema(session->environment);
    uint64_t key = statement->digest;

    for (size_t i = 0; i < schema.size; i++) {
        key = (key ^ schema.data[i]) * UINT64_C(0x100000001b3);
    }
    return key;
}

static struct table_judgement judge_tables(struct session *session,
                                           const struct statement *statement)
{
    struct worker *worker = session->worker;
    struct table_judgement *remembered;
    uint64_t key;

    if (statement->table_overflow) {
        return (struct table_judgement){.is_unsafe = true};
    }
    if (statement->table_count == 0) {
        return (struct table_judgement){0};
    }
    key = judgement_key(session, statement);
    remembered = &worker->judgements[key & (TABLE_CACHE_ENTRIES - 1)];
    if (remembered->key != key || remembered->generation != worker->topology->generation) {
        *remembered =
            (struct table_judgement){.key = key, .generation = worker->topology->generation};
        for (unsigned i = 0; i < statement->table_count; i++) {
            judge_table(session, &statement->tables[i], remembered);
        }
    }
    return *remembered;
}

/* ---- route ---- */

static enum consistency mode_of(const struct session *session)
{
    const struct config_user *user = roster_user(session->worker->roster, session->user);
    int mode = user != NULL ? user->consistency : CONFIG_CONSISTENCY_UNSET;

    return (enum consistency)(
        mode == CONFIG_CONSISTENCY_UNSET ? worker_config(session->worker)->consistency.mode : mode);
}

static enum pinned_to pinned_to(const struct session *session)
{
    if (session->lease.state != LEASE_HELD) {
        return PINNED_TO_NONE;
    }
    return worker_server_role(session->worker, session->lease.server) == ROLE_REPLICA
               ? PINNED_TO_REPLICA
               : PINNED_TO_PRIMARY;
}

void choose_route(struct session *session)
{
    const struct config *config = worker_config(session->worker);
    struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;
    bool is_read = statement->class == STATEMENT_READ;
    bool in_doubt = doubt_remains(&session->doubt, &session->last_write);
    struct session_view view = {
        .transaction = session->transaction,
        .autocommit = (session->status & STATUS_AUTOCOMMIT) != 0,
        .pins = session->pins,
        .pinned_to = pinned_to(session),
        .last_write = session->last_write,
        .last_read = session->last_read,
        .write_outcome_unknown = in_doubt,
        .log_off = session->log_off,
        .system_schema = is_read && is_system_schema(environment_schema(session->environment)),
    };
    struct policy policy = {
        .consistency = mode_of(session),
        .max_staleness_ns = (uint64_t)config->consistency.max_staleness_ms * 1000000,
        .trust_programs = config->pool.trust_programs,
    };

    if (is_read && session->worker->topology != NULL) {
        struct table_judgement judgement = judge_tables(session, statement);

        view.tables_unsafe = judgement.is_unsafe;
        view.tables_program = judgement.runs_program;
    }
    if (view.tables_program) {
        /* It counts as a call: it may write, and is not repeated. */
        command->statement.class = STATEMENT_WRITE;
        command->statement.may_change = true;
        command->statement.pins |= PIN_PROGRAM;
    }
    command->route = route(statement, &view, &policy, command->since_ns);
    if ((command->wants_primary || (is_read && statement->pins != 0) ||
         worker_knows_as_write(session->worker, statement->digest)) &&
        command->route.target == TARGET_REPLICA) {
        command->route.target = TARGET_PRIMARY;
        command->route.why = "it has to be where the session can do everything else";
    }
}

/* ---- server ---- */

static size_t list_candidates(const struct session *session, struct candidate *candidates)
{
    const struct topology *topology = session->worker->topology;
    const struct pool *pool = session->worker->pool;
    size_t count = topology->count < BALANCE_SERVERS ? topology->count : BALANCE_SERVERS;

    for (size_t i = 0; i < count; i++) {
        const struct server_info *server = &topology->servers[i];

        candidates[i] = (struct candidate){
            .horizon = server_horizon(server, session->command->since_ns),
            .leased = pool->servers[i].leased + pool->servers[i].opening,
            .max = server->max_connections,
            .weight = server->weight,
            .latency_us = atomic_load_explicit(&server->gauges->latency_us, memory_order_relaxed),
            .usable = server->usable && session->command->avoid != (int)i + 1 &&
                      roster_server(session->worker->roster, (unsigned)i) != NULL,
            .is_primary = (int)i == topology->primary,
        };
    }
    return count;
}

/* A replica's lag is what counts for max_lag_ms, not its horizon's age: see health/topology.h. */
static void exclude_lagging(const struct session *session, struct selection *selection)
{
    uint64_t limit =
        (uint64_t)worker_config(session->worker)->consistency.max_lag_ms * UINT64_C(1000000);

    for (size_t i = 0; i < selection->count && limit != 0; i++) {
        const struct server_gauges *gauges = session->worker->topology->servers[i].gauges;

        if (!selection->candidates[i].is_primary &&
            atomic_load_explicit(&gauges->lag_ns, memory_order_relaxed) > limit) {
            selection->lagging |= UINT64_C(1) << i;
            selection->candidates[i].usable = false;
        }
    }
}

/* Replicas that have no connection to spare. */
static uint64_t full_replicas(const struct session *session, const struct selection *selection)
{
    uint64_t full = 0;

    for (size_t i = 0; i < selection->count; i++) {
        if (selection->candidates[i].usable && !selection->candidates[i].is_primary &&
            !pool_has_room(session->worker->pool, session->group, (unsigned)i)) {
            full |= UINT64_C(1) << i;
        }
    }
    return full;
}

/* Of the servers that are not full; -1 when that would be the primary: it is no way out of full
 * replicas, they queue. */
static int pick_with_room(const struct selection *selection, struct balance_state *balance)
{
    struct candidate with_room[BALANCE_SERVERS];
    int picked;

    for (size_t i = 0; i < selection->count; i++) {
        with_room[i] = selection->candidates[i];
        with_room[i].usable &= !(selection->full >> i & 1);
    }
    picked = balance_pick(&selection->request, with_room, selection->count, balance);
    return picked >= 0 && with_room[picked].is_primary ? -1 : picked;
}

static bool replica_is_behind(const struct candidate *candidates, size_t count,
                              const struct balance_request *request)
{
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i].is_primary &&
            balance_verdict(&candidates[i], request) == VERDICT_BEHIND) {
            return true;
        }
    }
    return false;
}

static uint64_t hash_text(uint64_t hash, const char *text, const char *end)
{
    for (const char *c = text; c != end && *c != 0; c++) {
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* By names and not by places in the configuration, so that a changed one, or another proxy's,
 * sends the same clients to the same servers. */
static void prepare_client_hash(const struct session *session, struct candidate *candidates,
                                size_t count, struct balance_request *request)
{
    request->client_hash = hash_text(0, session->peer, strrchr(session->peer, ':'));
    request->client_hash = hash_text(request->client_hash, session->account->name, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *name = session->worker->topology->servers[i].name;

        candidates[i].id = name == NULL ? i : hash_text(0, name, NULL);
    }
}

/* Under `monotonic` the floor of a server other than the last one includes the last read; on the
 * last one itself the session cannot go back in time. */
static bool may_stay(const struct session *session, const struct candidate *candidates,
                     size_t count, const struct balance_request *request)
{
    struct balance_request own = *request;

    own.floor = session->last_write;
    return mode_of(session) == CONSISTENCY_MONOTONIC && session->last_server >= 0 &&
           (size_t)session->last_server < count && !candidates[session->last_server].is_primary &&
           balance_verdict(&candidates[session->last_server], &own) == VERDICT_OK;
}

/* What only sets session state that is brought along anyway (SET, USE, the schema at login) can be
 * done on a replica while there is no primary: so sessions that only read can begin. */
static bool is_free_to_move(const struct command_in_hand *command)
{
    return command->route.target == TARGET_SESSION && command->route.pins == 0 &&
           !command->statement.may_change && command->statement.class == STATEMENT_SESSION &&
           !command->statement.is_multi;
}

/* Of servers that may serve a read, by load; those without a connection to spare come last. */
static int pick_for_read(const struct session *session, struct selection *selection,
                         struct balance_state *balance)
{
    int picked = -1;

    selection->full = full_replicas(session, selection);
    if (selection->full != 0) {
        picked = pick_with_room(selection, balance);
    }
    return picked >= 0 ? picked
                       : balance_pick(&selection->request, selection->candidates, selection->count,
                                      balance);
}

int choose_select(const struct session *session, struct balance_state *balance,
                  struct selection *selection)
{
    const struct command_in_hand *command = session->command;
    struct balance_request *request = &selection->request;
    int picked;

    *request = (struct balance_request){
        .algorithm = (enum balance)worker_config(session->worker)->pool.balance,
        .floor = command->route.floor,
        .previous = session->last_server,
        .primary_only = command->route.target != TARGET_REPLICA,
    };
    selection->lagging = selection->full = 0;
    selection->behind = selection->stays = false;
    selection->count = list_candidates(session, selection->candidates);
    if (request->primary_only) {
        picked = balance_pick(request, selection->candidates, selection->count, balance);
        if (picked < 0 && is_free_to_move(command)) {
            request->primary_only = false;
            picked = balance_pick(request, selection->candidates, selection->count, balance);
        }
        return picked;
    }
    if (request->algorithm == BALANCE_CLIENT_HASH) {
        prepare_client_hash(session, selection->candidates, selection->count, request);
    }
    exclude_lagging(session, selection);
    if (may_stay(session, selection->candidates, selection->count, request)) {
        selection->stays = true;
        return session->last_server;
    }
    picked = pick_for_read(session, selection, balance);
    if (picked < 0 || selection->candidates[picked].is_primary) {
        selection->behind = replica_is_behind(selection->candidates, selection->count, request);
    }
    return picked;
}

int choose_server(struct session *session, bool *behind)
{
    struct worker *worker = session->worker;
    struct selection selection;
    int picked;

    *behind = false;
    if (worker->topology == NULL) {
        return -1;
    }
    picked = choose_select(session, &worker->balance, &selection);
    *behind = selection.behind;
    if (selection.behind) {
        worker->process->want(worker->process, selection.request.floor);
    }
    if (picked >= 0 && !selection.request.primary_only && selection.candidates[picked].is_primary &&
        session->command->was_lost) {
        /* A read that lost its connection must not follow to the primary: it may be what killed
         * the replica. */
        return -1;
    }
    return picked;
}

uint64_t choose_floor(const struct session *session, uint64_t now, enum consistency *consistency)
{
    const struct config *config = worker_config(session->worker);
    struct session_view view = {.last_write = session->last_write, .last_read = session->last_read};
    struct policy policy = {
        .consistency = mode_of(session),
        .max_staleness_ns = (uint64_t)config->consistency.max_staleness_ms * 1000000,
    };

    *consistency = policy.consistency;
    return route_floor(&view, &policy, now);
}

void choose_explain_none(const struct session *session, char *text, size_t size)
{
    const struct topology *topology = session->worker->topology;

    if (topology == NULL) {
        snprintf(text, size, "no server has been looked at yet");
        return;
    }
    if (topology->primary < 0) {
        snprintf(text, size, "no usable primary: %s", topology->why_no_primary);
    } else if (!topology->servers[topology->primary].usable) {
        snprintf(text, size, "the primary %s is not usable: %s",
                 topology->servers[topology->primary].name,
                 topology->servers[topology->primary].why_not);
    } else {
        snprintf(text, size, "no server may serve this statement now");
    }
}
