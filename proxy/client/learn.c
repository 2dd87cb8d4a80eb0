/*
 * After a command: transaction, pins, floors.
 *
 * The server says whether it is in a transaction (status flags) and what variables have changed
 * (trackers, see tracking.h); the classifier knows what a statement leaves behind that no server
 * reports. What pins is the union; what neither explains pins too.
 */
#include "proxy/client/learn.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/client/assigned.h"
#include "proxy/client/environment.h"
#include "proxy/client/following.h"
#include "proxy/client/held.h"
#include "proxy/client/insert_id.h"
#include "proxy/client/leave.h"
#include "proxy/client/prepared_commands.h"
#include "proxy/client/replication.h"
#include "proxy/client/schema.h"
#include "proxy/client/session.h"
#include "proxy/client/tracking.h"
#include "proxy/stream.h"
#include "proxy/worker.h"

/* Pins that a statement may leave behind even when it ends in an error. */
#define PINS_DESPITE_ERROR                                                                         \
    ((unsigned)(PIN_PROGRAM | PIN_UNKNOWN | PIN_TRACKER | PIN_LOG_OFF | PIN_USER_VARIABLE |        \
                PIN_GET_LOCK))

static bool is_executed(const struct command_in_hand *command)
{
    return command_runs_statement(command->code);
}

void learn_plain_ok(struct session *session, unsigned status, unsigned warnings)
{
    session->status = (uint16_t)(status & ~STATUS_SESSION_STATE_CHANGED);
    session->command->warnings = warnings;
    if (session->command->has_statement && session->command->statement.renews_logins) {
        atomic_fetch_add(&session->worker->process->era, 1); /* before the client hears of it */
    }
}

void learn_ok(struct session *session, const struct ok_packet *ok)
{
    struct command_in_hand *command = session->command;
    struct tracking_past past = {.pins = session->pins | command->route.pins,
                                 .one_shot_variable = session->one_shot_variable};
    struct learned learned;

    learn_plain_ok(session, ok->status, ok->warnings);
    if (ok->insert_id != 0) {
        command->told_id = ok->insert_id;
    }
    if (session->lease.backend->follows) {
        return;
    }
    learned =
        tracking_learn(session->worker->environments, session->environment, &past, ok,
                       command->has_statement && !command->leaving ? &command->statement : NULL);
    if (learned.changed) {
        session_set_environment(session, learned.environment);
    } else {
        environment_unref(learned.environment);
    }
    session->pins |= learned.pins_set;
    session->pins &= ~learned.pins_cleared;
    session->one_shot_variable = learned.one_shot_variable;
    if (learned.has_last_insert_id) {
        insert_id_is(session, learned.last_insert_id);
    }
}

static void learn_transaction(struct session *session)
{
    const struct command_in_hand *command = session->command;
    bool is_open = (session->status & STATUS_IN_TRANSACTION) != 0;

    if (command->errored && command->code != COMMAND_STMT_PREPARE &&
        (session->status & STATUS_AUTOCOMMIT) == 0) {
        is_open = true; /* an ERR carries no status, and the statement may have begun one */
    }
    if (is_open) {
        session->pins |= PIN_TRANSACTION;
        session->transaction = session->status & STATUS_IN_READ_ONLY_TRANSACTION
                                   ? SESSION_TRANSACTION_READ_ONLY
                                   : SESSION_TRANSACTION_READ_WRITE;
    } else {
        session->pins &= ~(unsigned)PIN_TRANSACTION;
        session->transaction = SESSION_TRANSACTION_NONE;
    }
}

/* What of these pins remains once user variables have been seen to. */
static unsigned learn_variables(struct session *session, unsigned pins)
{
    const struct statement *statement = &session->command->statement;

    /* MySQL gives a variable that a logged statement names, and that never was set, the value NULL,
     * which is not quite the same. */
    if (statement->class == STATEMENT_WRITE && assigned_may_change(session)) {
        pins |= PIN_USER_VARIABLE;
    }
    if ((pins & PIN_USER_VARIABLE) && !assigned_learn(session)) {
        pins &= ~(unsigned)PIN_USER_VARIABLE;
    }
    return pins;
}

static void learn_pins(struct session *session)
{
    const struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;
    unsigned left;

    if (!command->errored) {
        session->pins &= ~statement->ends_pins;
        left = learn_variables(session, command->route.pins);
        session->pins |= left;
        held_learn(session, command->route.pins);
    } else {
        left = statement->pins & (statement->is_multi ? ~0u : PINS_DESPITE_ERROR);
        /* Trust in programs does not extend to one that failed: it may have left a transaction. */
        left = learn_variables(session, left);
        session->pins |= left;
        if (statement->renames) {
            left |= session->pins & PIN_TEMPORARY_TABLE; /* an earlier one of several may have */
        }
        held_is_unsure(session, left);
    }
    assigned_check_charset(session);
    if (session->pins & PIN_TRACKER) {
        session->lease.backend->discard = true;
    }
    if (session->pins & PIN_LOG_OFF) {
        session->log_off = true;
    }
}

/* A moment is read only now, after the last byte of the answer: whatever was committed by then is
 * older than it. */
static void learn_moments(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command->statement.class == STATEMENT_READ && !(session->pins & PIN_TRACKER)) {
        session->last_read = command->ended_ns = worker_now(session->worker);
        session->last_server = (int)session->lease.server;
    } else if (session->transaction == SESSION_TRANSACTION_READ_WRITE ||
               (session->pins & PIN_TRACKER) || /* nothing says how texts are read there */
               (command->statement.may_change &&
                session->transaction != SESSION_TRANSACTION_READ_ONLY)) {
        /* In a transaction also what changes nothing itself: BEGIN, or SET autocommit = 1, commits
         * what was open. */
        session->last_write = command->ended_ns = worker_now(session->worker);
    }
}

/* Under EOF a result set brought no trackers. Where the statement may have changed something, they
 * are fetched with a PING before the session goes on. */
static bool fetch_trackers(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    static const uint8_t ping[] = {1, 0, 0, 0, COMMAND_PING};

    if ((backend->capabilities & CAPABILITY_DEPRECATE_EOF) || command->fetching_trackers ||
        command->errored || backend->response.result_sets == 0 || backend->follows ||
        (command->statement.class <= STATEMENT_ADMIN && !command->statement.may_change &&
         (command->statement.pins & ~(unsigned)PIN_FOUND_ROWS) == 0 &&
         !command->statement.is_multi)) {
        return false;
    }
    command->fetching_trackers = true;
    backend_expect(backend, STEP_TRACKERS, COMMAND_PING, 1, NULL);
    stream_write_one(backend->stream, bytes_of(ping, sizeof ping));
    return true;
}

/* A session that has asked about the statement before once, and was lucky or not, is answered right
 * from then on: what it may ask about stays where it is until the next statement. */
static void learn_what_may_be_asked(struct session *session)
{
    const struct command_in_hand *command = session->command;

    if (command->has_statement) {
        session->asks_row_count |= (command->statement.uses & USE_ROW_COUNT) != 0;
        session->asks_found_rows |= (command->statement.uses & USE_FOUND_ROWS) != 0;
    }
    if (command->errored || command->warnings > 0) {
        session->pins |= PIN_WARNINGS;
    }
    if (session->asks_row_count) {
        session->pins |= PIN_ROW_COUNT;
    }
    if (session->asks_found_rows) {
        session->pins |= PIN_FOUND_ROWS;
    }
}

static void learn_schema(struct session *session)
{
    const struct command_in_hand *command = session->command;

    if (!command->has_statement) {
        return;
    }
    if (command->statement.changes_schemas && is_executed(command)) {
        schema_changed(session);
    } else if (command->statement.use_schema.size > 0 && !command->errored) {
        schema_chosen(session);
    }
}

void learn_end(struct session *session)
{
    struct command_in_hand *command = session->command;

    learn_schema(session);
    learn_what_may_be_asked(session);
    if (is_executed(command)) {
        insert_id_judge(session);
    }
    if (command->prepared != NULL) {
        prepared_finish(session, session->status);
    }
    replication_learn(session);
    if (is_executed(command)) {
        learn_moments(session);
        learn_pins(session);
        if (fetch_trackers(session)) {
            return;
        }
    } else if (command->code == COMMAND_STMT_PREPARE &&
               command->statement.class == STATEMENT_READ) {
        session->last_server = (int)session->lease.server; /* EXECUTE will find it there */
    }
    learn_trackers_fetched(session);
}

void learn_trackers_fetched(struct session *session)
{
    const struct command_in_hand *command = session->command;
    bool was_open = (session->pins & PIN_TRANSACTION) != 0;

    if (is_executed(command) && following_end(session)) {
        return;
    }
    learn_transaction(session);
    if (was_open && !(session->pins & PIN_TRANSACTION)) {
        session->pins &= ~(unsigned)PIN_XA;
    }
    if (is_executed(command) && command->statement.releases && !command->errored) {
        session->close_after = true;
    }
    if (leave_has_questions(session)) {
        if (permits_are_awaited(session->worker->process->permits, session->lease.server) &&
            leave_ask(session)) {
            return;
        }
        if (session->insert_id_unsure) {
            session->pins |= PIN_ROW_COUNT; /* until the next statement: see leave.h */
        }
    }
    session_finish(session);
}
