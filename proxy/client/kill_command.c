/*
 * See kill_command.h. Measured on MySQL 9.7 and MariaDB 10.11, directly:
 *
 *     KILL n of a session between commands or in one    its socket is closed, without a word
 *     KILL QUERY n of one between commands              OK, and nothing happens
 *     KILL QUERY of oneself                             1317, and the session lives on
 *     KILL of oneself                                   MariaDB 1927, MySQL 1317; then it is closed
 *     COM_PROCESS_KILL                                  MariaDB as KILL n; MySQL 9.7 has it no more
 */
#include "proxy/client/kill_command.h"

#include "health/facts.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/backend/killer.h"
#include "proxy/client/kill.h"
#include "proxy/client/kill_post.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/send.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <ctype.h>
#include <inttypes.h>

static bool is_mysql(const struct session *session)
{
    const struct server_facts *facts = session_facts(session);

    return facts != NULL && facts->flavor == FLAVOR_MYSQL;
}

static struct sql_error interrupted(void)
{
    return error_make(ERROR_QUERY_INTERRUPTED, "Query execution was interrupted");
}

static struct session *find(const struct worker *worker, uint64_t id)
{
    struct session *session = worker->sessions;

    while (session != NULL && (session->id != id || session->state == SESSION_CLOSING)) {
        session = session->next;
    }
    return session;
}

/* ---- the way back ---- */

/* Tells the asker, if it still waits for this; frees the order. */
static void deliver(struct worker *worker, struct kill_order *order)
{
    struct session *asker = find(worker, order->asker);

    if (asker != NULL && asker->queries == order->asker_command && asker->command != NULL &&
        asker->command->awaits_kill) {
        asker->command->awaits_kill = false;
        if (order->error.code != 0) {
            session_refuse(asker, &order->error);
        } else {
            send_ok(asker, 1);
            session_finish(asker);
        }
    }
    mem_free(order);
}

static void answer(struct worker *worker, struct kill_order *order, const struct sql_error *error)
{
    order->error = *error;
    order->is_answered = true;
    if (order->asker_worker == worker->number) {
        deliver(worker, order);
    } else if (!kill_post_send(worker->process->kill_post, order->asker_worker, order)) {
        mem_free(order); /* nobody waits there any more */
    }
}

static void answer_ok(struct worker *worker, struct kill_order *order)
{
    static const struct sql_error none;

    answer(worker, order, &none);
}

static void on_killed(struct worker *worker, void *context, const struct sql_error *error)
{
    answer(worker, context, error);
}

/* ---- where the session is ---- */

/* KILL QUERY of a session whose command waits for a connection. */
static void end_waiting(struct session *session)
{
    struct sql_error error = interrupted();

    if (session->lease.state != LEASE_HELD) {
        pool_cancel(session->worker->pool, &session->lease);
    }
    session_refuse(session, &error);
}

static void end_query(struct session *session, struct kill_order *order)
{
    struct worker *worker = session->worker;
    struct command_in_hand *command = session->command;

    if (command == NULL || command->is_login ||
        command_info(command->code)->answer == ANSWER_NONE) {
        answer_ok(worker, order); /* it runs nothing that could be ended */
        return;
    }
    command->interrupted = true;
    switch (session->state) {
    case SESSION_LEASING:
        end_waiting(session);
        answer_ok(worker, order);
        break;
    case SESSION_RELAYING:
        if (!backend_awaits(session->lease.backend, STEP_CLIENT) ||
            !backend_kill_query(session->lease.backend, order->is_soft, on_killed, order)) {
            answer_ok(worker, order);
        }
        break;
    case SESSION_LOGIN:
    case SESSION_READY:
    case SESSION_SYNCING: /* it ends once the connection is in step: kill_ends_command */
    case SESSION_CLOSING:
        answer_ok(worker, order);
        break;
    }
}

/* False: no such session here. Otherwise the order is taken over. */
static bool carry_out(struct worker *worker, struct kill_order *order)
{
    struct session *session = find(worker, order->id);

    if (session == NULL) {
        return false;
    }
    if (session->account != order->account) {
        struct sql_error error =
            error_make(ERROR_KILL_DENIED, "You are not owner of thread %" PRIu64, order->id);

        answer(worker, order, &error);
    } else if (order->is_query) {
        end_query(session, order);
    } else {
        struct kill_outcome outcome;

        session_kill(session, true, &outcome);
        answer_ok(worker, order);
    }
    return true;
}

/* Looks for the session here, or sends the order on. */
static void travel(struct worker *worker, struct kill_order *order)
{
    struct kill_post *post = worker->process->kill_post;
    size_t count = kill_post_workers(post);
    struct sql_error error;

    if (carry_out(worker, order)) {
        return;
    }
    while (++order->visited < count) {
        unsigned next = (unsigned)((order->asker_worker + order->visited) % count);

        if (kill_post_send(post, next, order)) {
            return;
        }
    }
    error = error_make(ERROR_NO_SUCH_THREAD, "Unknown thread id: %" PRIu64, order->id);
    answer(worker, order, &error);
}

void kill_read_post(struct worker *worker)
{
    struct kill_post *post = worker->process->kill_post;
    struct kill_order *order = post == NULL ? NULL : kill_post_take(post, worker->number);

    while (order != NULL) {
        struct kill_order *next = order->next;

        if (order->is_answered) {
            deliver(worker, order);
        } else {
            travel(worker, order);
        }
        order = next;
    }
}

void kill_close_post(struct worker *worker)
{
    if (worker->process->kill_post == NULL) {
        return;
    }
    kill_post_close(worker->process->kill_post, worker->number);
    kill_read_post(worker); /* what came before that goes on from here */
}

bool kill_ends_command(struct session *session)
{
    struct sql_error error;

    if (!session->command->interrupted || session->command->sent) {
        return false;
    }
    error = interrupted();
    session_refuse(session, &error);
    return true;
}

/* ---- the asker ---- */

static void kill_oneself(struct session *session, bool is_query)
{
    struct sql_error error = interrupted();

    if (is_query) {
        session_refuse(session, &error);
        return;
    }
    if (!is_mysql(session)) {
        error = error_make(ERROR_CONNECTION_KILLED, "Connection was killed");
    }
    session->sequence = (uint8_t)(session->command->upload_sequence + 1);
    session_fail(session, &error);
}

static void ask(struct session *session, uint64_t id, bool is_query, bool is_soft)
{
    struct kill_order *order;

    /* The warnings of the statement before are over, as with any statement that reaches a server.
     */
    session->pins &= ~(unsigned)PIN_WARNINGS;
    if (id == session->id) {
        kill_oneself(session, is_query);
        return;
    }
    order = mem_calloc(1, sizeof *order);
    order->id = id;
    order->is_query = is_query;
    order->is_soft = is_soft;
    order->account = session->account;
    order->asker_worker = session->worker->number;
    order->asker = session->id;
    order->asker_command = session->queries;
    session->command->awaits_kill = true;
    session_enter(session, SESSION_LEASING);
    travel(session->worker, order);
}

/* The expression that a KILL names its target with begins at `offset`: only KILL's own words are
 * before it. */
static bool is_whole_expression(struct bytes text, size_t offset)
{
    static const char *const words[] = {"kill", "hard", "soft", "query", "connection"};
    size_t end = offset;
    size_t begin;

    while (end > 0 && isspace(text.data[end - 1])) {
        end--;
    }
    begin = end;
    while (begin > 0 && isalpha(text.data[begin - 1])) {
        begin--;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_equal_text_nocase(bytes_of(text.data + begin, end - begin), words[i])) {
            return true;
        }
    }
    return false;
}

/* KILL ... CONNECTION_ID() */
static bool names_oneself(const struct command_in_hand *command)
{
    const struct statement *statement = &command->statement;
    size_t end = statement->connection_id_offset + statement->connection_id_size;

    return statement->connection_id_calls == 1 && end <= command->sql.size &&
           is_whole_expression(command->sql, statement->connection_id_offset) &&
           statement_is_blank(bytes_after(command->sql, end));
}

/* An integer that is not negative, or the same as text. */
static bool parameter_id(const struct parameter *parameter, uint64_t *id)
{
    struct bytes value = parameter->value;
    bool is_text = false;

    *id = 0;
    switch (parameter->type) {
    case COLUMN_TINY:
    case COLUMN_SHORT:
    case COLUMN_YEAR:
    case COLUMN_LONG:
    case COLUMN_INT24:
    case COLUMN_LONGLONG:
        for (size_t i = value.size; i-- > 0;) {
            *id = *id << 8 | value.data[i];
        }
        return value.size > 0 && (parameter->is_unsigned || value.data[value.size - 1] < 0x80);
    case COLUMN_VARCHAR:
    case COLUMN_VAR_STRING:
    case COLUMN_STRING:
    case COLUMN_BLOB:
        is_text = value.size > 0 && value.size <= 19;
        break;
    default:
        break;
    }
    for (size_t i = 0; is_text && i < value.size; i++) {
        is_text = isdigit(value.data[i]);
        *id = *id * 10 + (uint64_t)(value.data[i] - '0');
    }
    return is_text;
}

/* KILL ... ?, and the value that EXECUTE brought for it. */
static bool names_parameter(const struct session *session, uint64_t *id)
{
    const struct command_in_hand *command = session->command;
    const struct prepared *prepared = command->prepared;
    size_t at = command->sql.size;
    struct execute execute;
    struct parameter_reader reader;
    struct parameter parameter;

    while (at > 0 && (isspace(command->sql.data[at - 1]) || command->sql.data[at - 1] == ';')) {
        at--;
    }
    if (prepared == NULL || prepared->parameters != 1 || prepared->has_long_data || at == 0 ||
        command->sql.data[at - 1] != '?' || !is_whole_expression(command->sql, at - 1) ||
        execute_decode(bytes_of(command->data + FRAME_HEAD_SIZE, command->size - FRAME_HEAD_SIZE),
                       1, session->capabilities, &execute) != PARSE_OK) {
        return false;
    }
    reader = execute_parameters(
        &execute,
        execute.types_sent ? execute.types : bytes_of(prepared->types, prepared->types_size),
        session->capabilities);
    return parameter_next(&reader, &parameter) && !parameter.is_null &&
           parameter_id(&parameter, id);
}

const char *kill_why(const struct session *session)
{
    const struct statement *statement = &session->command->statement;
    const struct kill_info *kill = &statement->kill;

    if (kill->kind == KILL_NONE) {
        return NULL;
    }
    if (!statement->is_multi) {
        if (is_mysql(session) &&
            (kill->hard || kill->soft || kill->kind == KILL_USER || kill->kind == KILL_QUERY_ID)) {
            return NULL; /* MariaDB's words: a syntax error there */
        }
        if (kill->kind == KILL_QUERY_ID) {
            return NULL; /* query ids are the server's own, also where a client sees them */
        }
    }
    return "ends another session, or what it runs, by the id that the proxy gave it";
}

void kill_statement(struct session *session)
{
    const struct command_in_hand *command = session->command;
    const struct kill_info *kill = &command->statement.kill;
    bool is_query = kill->kind == KILL_QUERY;
    struct sql_error error;
    uint64_t id;

    if (!command->statement.is_multi && kill->kind != KILL_USER) {
        if (kill->literal || names_parameter(session, &id)) {
            ask(session, kill->literal ? kill->id : id, is_query, kill->soft);
            return;
        }
        if (names_oneself(command)) {
            ask(session, session->id, is_query, kill->soft);
            return;
        }
    }
    error = error_make(ERROR_NOT_SUPPORTED_YET,
                       kill->kind == KILL_USER
                           ? "KILL USER is not served by this proxy"
                           : "this proxy serves KILL only by itself, and with a number");
    session_refuse(session, &error);
}

void kill_process(struct session *session)
{
    const struct command_in_hand *command = session->command;
    uint64_t id = 0;

    if (is_mysql(session)) {
        struct sql_error error = error_make(ERROR_UNKNOWN_COMMAND, "Unknown command");

        session_refuse(session, &error);
        return;
    }
    if (command->size >= FRAME_HEAD_SIZE + 5) {
        for (unsigned i = 0; i < 4; i++) {
            id |= (uint64_t)command->data[FRAME_HEAD_SIZE + 1 + i] << 8 * i;
        }
    }
    ask(session, id, false, false);
}
