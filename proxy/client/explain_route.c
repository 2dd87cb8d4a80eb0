/*
 * See explain_route.h. The statement is put into the session's hand for the time of the call, or
 * into that of a session that exists only for it; neither has a chance to act.
 */
#include "proxy/client/explain_route.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "proxy/backend/pool.h"
#include "proxy/client/choose.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/own_answers.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"
#include "proxy/worker.h"
#include "router/classify.h"

#include <inttypes.h>
#include <stdio.h>

static struct explained_server *explained(struct route_explanation *out, size_t number)
{
    return &out->servers[number];
}

/* ---- why a server is chosen, or not ---- */

static void explain_read(const struct session *session, const struct selection *selection,
                         size_t number, bool is_chosen, struct explained_server *server)
{
    const struct server_info *info = &session->worker->topology->servers[number];
    const struct candidate *candidate = &selection->candidates[number];
    const struct balance_request *request = &selection->request;
    const unsigned limit = worker_config(session->worker)->consistency.max_lag_ms;
    const uint64_t lag = atomic_load_explicit(&info->gauges->lag_ns, memory_order_relaxed);
    enum verdict verdict = balance_verdict(candidate, request);

    if (!info->usable) {
        snprintf(server->reason, sizeof server->reason, "not usable: %s", info->why_not);
    } else if (selection->lagging >> number & 1 && lag == UINT64_MAX) {
        snprintf(server->reason, sizeof server->reason, "how far it is behind is not known");
    } else if (selection->lagging >> number & 1) {
        snprintf(server->reason, sizeof server->reason,
                 "%" PRIu64 " ms behind, more than max_lag_ms = %u", lag / 1000000, limit);
    } else if (is_chosen && selection->stays) {
        snprintf(server->reason, sizeof server->reason, "the session has read here before");
    } else if (is_chosen && verdict == VERDICT_OK) {
        snprintf(server->reason, sizeof server->reason, "%s; chosen by %s",
                 request->floor != 0 ? "its horizon has reached the floor" : "any horizon will do",
                 balance_name(request->algorithm));
    } else if (is_chosen) {
        snprintf(server->reason, sizeof server->reason, "%s", verdict_text(verdict));
    } else if (verdict == VERDICT_BEHIND && candidate->horizon == 0) {
        snprintf(server->reason, sizeof server->reason, "its horizon is not known");
    } else if (verdict == VERDICT_BEHIND) {
        snprintf(server->reason, sizeof server->reason, "its horizon is %.1f ms below the floor",
                 (double)(request->floor - candidate->horizon) / 1e6);
    } else if (selection->full >> number & 1) {
        snprintf(server->reason, sizeof server->reason, "no connection to spare");
    } else {
        snprintf(server->reason, sizeof server->reason, "%s%s", verdict_text(verdict),
                 verdict == VERDICT_OK ? ", but another one is preferred" : "");
    }
}

static void explain_primary_only(const struct session *session, size_t number, bool is_chosen,
                                 struct explained_server *server)
{
    const struct topology *topology = session->worker->topology;
    const struct server_info *info = &topology->servers[number];

    if (is_chosen) {
        snprintf(server->reason, sizeof server->reason, "the primary: %s",
                 session->command->route.why);
    } else if ((int)number == topology->primary) {
        snprintf(server->reason, sizeof server->reason, "not usable: %s", info->why_not);
    } else {
        snprintf(server->reason, sizeof server->reason, "only the primary may serve it");
    }
}

static void explain_choice(const struct session *session, struct route_explanation *out)
{
    struct balance_state balance = session->worker->balance;
    struct selection selection;
    int picked = choose_select(session, &balance, &selection);

    for (size_t i = 0; i < out->count; i++) {
        struct explained_server *server = explained(out, i);

        server->is_chosen = (int)i == picked;
        if (selection.request.primary_only) {
            explain_primary_only(session, i, server->is_chosen, server);
        } else {
            explain_read(session, &selection, i, server->is_chosen, server);
        }
    }
}

/* The session holds a connection and stays with it. */
static void explain_held(const struct session *session, struct route_explanation *out)
{
    char pins[256];

    (void)pins_print(session->pins, pins, sizeof pins);
    for (size_t i = 0; i < out->count; i++) {
        struct explained_server *server = explained(out, i);

        server->is_chosen = i == session->lease.server;
        snprintf(server->reason, sizeof server->reason,
                 server->is_chosen ? "the session holds a connection to it (%s)"
                                   : "the session is pinned to another connection (%s)",
                 pins);
    }
}

static void explain_answered_here(const char *why, struct route_explanation *out)
{
    for (size_t i = 0; i < out->count; i++) {
        snprintf(explained(out, i)->reason, EXPLAIN_REASON_BYTES, "the proxy answers by itself: %s",
                 why);
    }
}

/* ---- the whole ---- */

static void list_servers(const struct worker *worker, struct route_explanation *out)
{
    const struct topology *topology = worker->topology;

    out->count = topology == NULL                    ? 0
                 : topology->count < BALANCE_SERVERS ? topology->count
                                                     : BALANCE_SERVERS;
    for (size_t i = 0; i < out->count; i++) {
        out->servers[i].is_listed = roster_server(worker->roster, (unsigned)i) != NULL;
        out->servers[i].role = topology->servers[i].role;
    }
}

static void leave_connection(struct session *session)
{
    session->lease.state = LEASE_NONE;
    session->pins = 0;
    session->transaction = SESSION_TRANSACTION_NONE;
}

/* What command_place does, but for its deeds. `lease`, `pins` and `transaction` are changed as it
 * would change them. */
static void place(struct session *session, struct route_explanation *out)
{
    const char *why = own_answer_why(session);

    session->pins = command_pins_that_stay(session);
    if (session->pins == 0) {
        session->lease.state = LEASE_NONE;
    }
    if (command_begins_after_read_only(session)) {
        leave_connection(session);
    }
    choose_route(session);
    if (session->lease.state == LEASE_HELD && session->command->route.target == TARGET_PRIMARY &&
        command_is_on_replica(session)) {
        leave_connection(session);
        choose_route(session);
    }
    if (why != NULL) {
        session->command->route.why = why;
        explain_answered_here(why, out);
    } else if (session->lease.state == LEASE_HELD) {
        explain_held(session, out);
    } else if (session->worker->topology != NULL) {
        explain_choice(session, out);
    }
}

static struct command_in_hand *take_statement(struct session *session, struct bytes sql)
{
    struct command_in_hand *command = worker_take_command(session->worker);

    command->data = command->small;
    command->sql = sql;
    command->code = COMMAND_QUERY;
    command->since_ns = worker_now(session->worker);
    classify(sql, false, session_mode(session), &command->statement);
    command->has_statement = true;
    return command;
}

void explain_route(struct session *session, struct bytes sql, struct route_explanation *out)
{
    struct command_in_hand *before = session->command;
    enum lease_state lease_state = session->lease.state;
    enum session_transaction transaction = session->transaction;
    unsigned pins = session->pins;
    const struct command_in_hand *command;

    *out = (struct route_explanation){.now = worker_now(session->worker)};
    list_servers(session->worker, out);
    session->command = take_statement(session, sql);
    place(session, out);
    command = session->command;
    out->class = command->statement.class;
    out->digest = command->statement.digest;
    out->pins = command->route.pins;
    out->target = command->route.target;
    out->floor_ns = command->route.target == TARGET_REPLICA ? command->route.floor : 0;
    out->why = command->route.why;
    (void)choose_floor(session, out->now, &out->consistency);
    worker_return_command(session->worker, session->command);
    session->command = before;
    session->lease.state = lease_state;
    session->transaction = transaction;
    session->pins = pins;
}

void explain_route_for(struct worker *worker, unsigned user, struct bytes schema, struct bytes sql,
                       struct route_explanation *out)
{
    const struct environment *blank = environment_blank(worker->environments);
    const struct environment *environment =
        schema.size > 0 ? environment_with_schema(worker->environments, blank, schema) : NULL;
    struct session *session = mem_calloc(1, sizeof *session);

    session->worker = worker;
    session->state = SESSION_READY;
    session->last_server = -1;
    session->status = STATUS_AUTOCOMMIT;
    session->user = user;
    session->account = roster_account(worker->roster, user);
    session->environment = environment != NULL ? environment : environment_ref(blank);
    /* A group of its own, with no connection: asking must not open any. */
    session->group = mem_calloc(1, sizeof *session->group);
    explain_route(session, sql, out);
    mem_free(session->group);
    environment_unref(session->environment);
    environment_unref(blank);
    mem_free(session);
}
