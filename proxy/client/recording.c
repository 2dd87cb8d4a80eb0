#include "proxy/client/recording.h"

#include "health/topology.h"
#include "protocol/command.h"
#include "protocol/response.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/session.h"
#include "proxy/statement_log/statement_log.h"
#include "proxy/statistics/statistics.h"
#include "proxy/statistics/trace.h"
#include "proxy/worker.h"

/* ---- while it runs ---- */

void recording_sent(struct session *session)
{
    struct command_in_hand *command = session->command;
    unsigned server = session->lease.server;
    const struct server_info *info = worker_server(session->worker, server);

    command->sent_to = (uint8_t)(server + 1);
    command->on_replica = info != NULL && info->role == ROLE_REPLICA;
    command->was_held = session->pins != 0; /* without pins it would have been given back */
    command->pins_before = session->pins;
}

void recording_waited(struct session *session)
{
    struct command_in_hand *command = session->command;

    command->leased_ns = worker_now(session->worker);
    command->wait_ns += command->leased_ns - session->lease.since_ns;
}

void recording_found_server(struct session *session)
{
    struct command_in_hand *command = session->command;

    command->leased_ns = worker_now(session->worker);
    command->wait_ns += command->leased_ns - command->serverless_ns;
}

void recording_answer(struct session *session, const struct response *response)
{
    session->command->rows = response->rows;
    session->command->bytes = response->bytes;
}

/* ---- when it is over ---- */

static enum placement placement_of(const struct command_in_hand *command)
{
    if (command->sent_to == 0) {
        return PLACED_NOWHERE;
    }
    if (command->was_held) {
        return PLACED_PINNED;
    }
    if (command->on_replica) {
        return PLACED_REPLICA;
    }
    if (command->retries > 0 && command->wants_primary) {
        return PLACED_PRIMARY_REPEATED;
    }
    if (command->route.target == TARGET_REPLICA) {
        return PLACED_PRIMARY_BEHIND;
    }
    switch (command->statement.class) {
    case STATEMENT_READ:
        return command->route.target == TARGET_SESSION ? PLACED_PRIMARY_SESSION
                                                       : PLACED_PRIMARY_READ;
    case STATEMENT_ADMIN:
        return PLACED_PRIMARY_ADMIN;
    case STATEMENT_SESSION:
        return PLACED_PRIMARY_SESSION;
    case STATEMENT_TRANSACTION:
        return PLACED_PRIMARY_TRANSACTION;
    case STATEMENT_WRITE:
        break;
    }
    return PLACED_PRIMARY_WRITE;
}

/* What makes a record that of a statement. */
static void describe(const struct session *session, struct statement_record *record)
{
    const struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;

    record->is_statement = true;
    record->is_prepared = command->code != COMMAND_QUERY;
    record->is_multi = statement->is_multi;
    record->is_cut = command->is_partial && !record->is_prepared;
    record->class = (uint8_t)statement->class;
    record->digest = statement->digest;
    record->sql = command->sql;
    record->mode = record->is_prepared ? &command->prepared->mode : &session->mode;
}

static bool is_statement(const struct command_in_hand *command)
{
    return command->has_statement && command_runs_statement(command->code);
}

/* The end of a command that was still being served. */
static void note_abortion(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command->forwarded && session->lease.state == LEASE_HELD) {
        recording_answer(session, &session->lease.backend->response);
    }
    if (command->serverless) {
        recording_found_server(session);
    } else if (session->lease.state == LEASE_EXPECTING || session->lease.state == LEASE_QUEUED) {
        recording_waited(session);
    }
}

void recording_end(struct session *session, bool is_aborted)
{
    struct command_in_hand *command = session->command;
    struct statement_record record;

    if (command == NULL || command->is_login) {
        return;
    }
    if (is_aborted || command->serverless) {
        note_abortion(session);
    }
    record = (struct statement_record){
        .session = session->id,
        .user = session->user,
        .command = command->code,
        .placement = (uint8_t)placement_of(command),
        .target = (uint8_t)command->route.target,
        .on_replica = command->on_replica,
        .server = command->sent_to - 1,
        .why = command->route.why != NULL ? command->route.why : "",
        .floor_ns = command->route.floor,
        .retries = command->retries,
        .pins = command->sent_to != 0 ? session->pins & ~command->pins_before : 0,
        .began_ns = command->since_ns,
        .leased_ns = command->leased_ns,
        .ended_ns = command->ended_ns != 0 ? command->ended_ns : worker_now(session->worker),
        .wait_ns = command->wait_ns,
        .rows = command->rows,
        .bytes = command->bytes,
        .bytes_in = command->bytes_in,
        .warnings = (uint16_t)command->warnings,
        .error = command->error,
        .is_aborted = is_aborted && command->error == 0 && command->code != COMMAND_QUIT,
        .trace = session->trace,
    };
    if (is_statement(command)) {
        describe(session, &record);
    }
    statistics_take(&session->worker->statistics, &record);
    statement_log_take(session, &record);
}

bool recording_trace(struct session *session, bool is_on)
{
    atomic_uint *traces = &session->worker->process->traces;

    if (is_on == (session->trace != NULL)) {
        return true;
    }
    if (!is_on) {
        trace_free(session->trace);
        session->trace = NULL;
        atomic_fetch_sub(traces, 1);
        return true;
    }
    if (atomic_fetch_add(traces, 1) >= RECORDING_TRACES) {
        atomic_fetch_sub(traces, 1);
        return false;
    }
    session->trace = trace_new();
    return true;
}
