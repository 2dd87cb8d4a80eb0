/*
 * Running the statements of a command, a turn at a time. See admin_session.h.
 */
#include "proxy/admin/admin_own.h"
#include "proxy/admin/admin_session.h"
#include "proxy/admin/command.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/outcome.h"
#include "proxy/log.h"
#include "proxy/memory.h"

#include <sqlite3.h>

enum { FLUSH_BYTES = 32 << 10 };

/* ---- one statement of SQLite's ---- */

/* What a failed statement leaves behind: a transaction that began to change something cannot take
 * back a part of it. */
static void fail_statement(struct admin_session *session, const struct sql_error *error)
{
    struct sql_error copy = *error;

    if (session->statement != NULL && !sqlite3_stmt_readonly(session->statement)) {
        engine_roll_back(session->engine);
    }
    session->rest = (struct bytes){NULL, 0};
    admin_session_error(session, &copy);
}

static void end_statement(struct admin_session *session)
{
    reply_dispose(&session->reply);
    if (session->is_statement_owned) {
        engine_finalize(session->engine, session->statement);
    } else if (session->statement != NULL) {
        engine_end(session->engine, session->statement);
    }
    session->statement = NULL;
    session->is_statement_owned = false;
}

static void act_on(struct admin_session *session, enum reply_step step)
{
    struct reply *reply = &session->reply;

    switch (step) {
    case REPLY_HAS_MORE:
        return;
    case REPLY_IS_OVER:
        if (reply->column_count == 0) {
            bool is_change = !sqlite3_stmt_readonly(session->statement);
            int64_t changed = is_change ? sqlite3_changes64(session->engine->db) : 0;

            admin_session_ok(session, (uint64_t)changed, NULL);
        } else {
            result_set_end(&reply->set, admin_session_status(session), 0);
            session->sequence = reply->set.sequence;
        }
        break;
    case REPLY_HAS_FAILED:
        if (reply->set.out != NULL) {
            session->sequence = reply->set.sequence;
        }
        fail_statement(session, &reply->error);
        break;
    }
    end_statement(session);
}

static void begin_statement(struct admin_session *session, bool is_binary)
{
    act_on(session, reply_begin(&session->reply, session->engine, session->statement, is_binary,
                                &session->out, session->capabilities, session->sequence));
}

static void run_sql(struct admin_session *session, struct bytes sql)
{
    char *rewritten = command_rewrite(sql);
    struct sql_error error;

    session->statement =
        engine_prepare(session->engine, rewritten != NULL ? bytes_of_text(rewritten) : sql, &error);
    sqlite3_free(rewritten);
    if (session->statement == NULL) {
        if (error.code == 0) {
            admin_session_ok(session, 0, NULL);
        } else {
            fail_statement(session, &error);
        }
        return;
    }
    session->is_statement_owned = true;
    if (sqlite3_bind_parameter_count(session->statement) > 0) {
        /* SQLite would take NULL for it. MySQL's client asks "select $$" and counts on an error. */
        error = error_make(ERROR_PARSE,
                           "near \"%s\": a parameter or variable, in a statement not prepared",
                           sqlite3_bind_parameter_name(session->statement, 1) != NULL
                               ? sqlite3_bind_parameter_name(session->statement, 1)
                               : "?");
        fail_statement(session, &error);
        end_statement(session);
        return;
    }
    begin_statement(session, false);
}

/* ---- orders ---- */

static void transaction(struct admin_session *session, const char *sql)
{
    run_sql(session, bytes_of_text(sql));
}

static void run_transaction_order(struct admin_session *session, enum order_kind kind)
{
    bool is_open = engine_in_transaction(session->engine);

    if (kind == ORDER_BEGIN && !is_open) {
        transaction(session, "BEGIN");
    } else if (kind == ORDER_COMMIT && is_open) {
        transaction(session, "COMMIT");
    } else if (kind == ORDER_ROLLBACK && is_open) {
        transaction(session, "ROLLBACK");
    } else if (kind == ORDER_BEGIN) {
        struct sql_error error = error_make(ERROR_WRONG_ARGUMENTS, "a transaction is open already");

        fail_statement(session, &error);
    } else {
        admin_session_ok(session, 0, NULL);
    }
}

static void run_order(struct admin_session *session, const struct order *order, bool is_binary)
{
    struct outcome outcome = outcome_of(session->engine, order);

    if (outcome.error.code != 0) {
        fail_statement(session, &outcome.error);
    } else if (outcome.rows != NULL) {
        session->sequence = (uint8_t)outcome_write_rows(&outcome, &session->out,
                                                        session->capabilities, session->sequence,
                                                        admin_session_status(session), is_binary);
    } else {
        admin_session_ok(session, 0, outcome.message);
    }
    outcome_dispose(&outcome);
}

static void run_one(struct admin_session *session, struct bytes text, bool is_binary)
{
    struct order order = order_read(text);

    switch (order.kind) {
    case ORDER_SQL:
        run_sql(session, order.sql != NULL ? bytes_of_text(order.sql) : text);
        break;
    case ORDER_NOTHING:
        admin_session_ok(session, 0, NULL);
        break;
    case ORDER_BEGIN:
    case ORDER_COMMIT:
    case ORDER_ROLLBACK:
        run_transaction_order(session, order.kind);
        break;
    case ORDER_USE:
    case ORDER_DRAIN:
    case ORDER_ENABLE:
    case ORDER_KILL_SESSION:
    case ORDER_KILL_QUERY:
    case ORDER_PAUSE:
    case ORDER_RESUME:
    case ORDER_RESET_STATEMENTS:
    case ORDER_EXPLAIN_ROUTE:
    case ORDER_TRACE:
    case ORDER_TRACE_OFF:
    case ORDER_DRIFT:
    case ORDER_RELOAD:
    case ORDER_RELOAD_DRY:
    case ORDER_SAVE:
    case ORDER_SHUTDOWN:
    case ORDER_SHUTDOWN_NOW:
    case ORDER_HELP:
        run_order(session, &order, is_binary);
        break;
    }
    order_dispose(&order);
}

/* ---- a command ---- */

static void start_answering(struct admin_session *session)
{
    session->state = ADMIN_ANSWERING;
    session->since_ms = session->admin->now_ms;
    admin_wants_turn(session->admin);
}

void admin_session_run_text(struct admin_session *session, char *text, size_t size)
{
    session->text = text;
    session->rest = bytes_of(text, size);
    start_answering(session);
}

void admin_session_run_prepared(struct admin_session *session, sqlite3_stmt *statement)
{
    session->statement = statement;
    session->is_statement_owned = false;
    begin_statement(session, true);
    start_answering(session);
}

void admin_session_run_order(struct admin_session *session, struct bytes text, bool is_binary)
{
    run_one(session, text, is_binary);
    start_answering(session);
}

/* The next statement of the text. False: there is none. */
static bool next_statement(struct admin_session *session)
{
    struct bytes statement;
    struct bytes peek;

    if (!command_cut(&session->rest, &statement)) {
        return false;
    }
    /* Blanks behind the last semicolon are no further statement. */
    peek = session->rest;
    if (!command_cut(&peek, &(struct bytes){NULL, 0})) {
        session->rest = (struct bytes){NULL, 0};
    }
    /* Not its text: there may be a password in it. */
    log_debug(log_number("admin", session->id), "runs a statement of %zu bytes", statement.size);
    run_one(session, statement, false);
    return true;
}

static void finish(struct admin_session *session)
{
    mem_free(session->text);
    session->text = NULL;
    session->rest = (struct bytes){NULL, 0};
    admin_session_flush(session);
    if (session->out.capacity > 2 * (size_t)FLUSH_BYTES) {
        size_t ceiling = session->out.ceiling;

        writer_dispose(&session->out);
        session->out = writer_growing(ceiling);
    }
    if (session->state == ADMIN_ANSWERING) {
        session->state = ADMIN_READY;
        session->since_ms = session->admin->now_ms;
        /* What came meanwhile is read as if it came now. */
        admin_session_stream_events.on_bytes(session);
    }
}

bool admin_session_turn(struct admin_session *session)
{
    uint64_t until_ns = uv_hrtime() + (uint64_t)ADMIN_TURN_MS * 1000000;

    while (session->state == ADMIN_ANSWERING && !stream_is_congested(session->client)) {
        if (session->statement != NULL) {
            act_on(session, reply_row(&session->reply));
        } else if (!next_statement(session)) {
            finish(session);
            return session->state == ADMIN_ANSWERING;
        }
        if (session->out.size >= FLUSH_BYTES) {
            admin_session_flush(session);
        }
        if (uv_hrtime() >= until_ns) {
            admin_session_flush(session);
            return session->state == ADMIN_ANSWERING && !stream_is_congested(session->client);
        }
    }
    return false;
}
