/*
 * Prepared statements of a session that shares its connections: ids are the session's own, and a
 * statement is prepared again on whatever connection it is executed on (sync.c sees to that).
 *
 * Long data and cursors live on one server connection: they pin, and such statements are executed
 * on the primary, where the session can do everything else meanwhile.
 */
#include "proxy/client/prepared_commands.h"

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/send.h"
#include "proxy/client/session.h"
#include "proxy/worker.h"
#include "router/classify.h"

#include <assert.h>
#include <string.h>

static struct bytes payload_of(const struct command_in_hand *command)
{
    return (struct bytes){command->data + FRAME_HEAD_SIZE, command->size - FRAME_HEAD_SIZE};
}

static void unknown_statement(struct session *session, uint32_t id, const char *where)
{
    struct sql_error error = error_make(
        ERROR_UNKNOWN_STATEMENT, "Unknown prepared statement handler (%u) given to %s", id, where);

    session_refuse(session, &error);
}

static void malformed(struct session *session)
{
    struct sql_error error = error_make(ERROR_MALFORMED_PACKET, "Malformed communication packet");

    session->sequence = (uint8_t)(session->command->upload_sequence + 1);
    session_fail(session, &error);
}

static bool is_whole(const struct command_in_hand *command)
{
    return command->upload_left == 0 && !command->upload_continues;
}

/* Finds the statement that the command names. NULL: the client has been told. */
static struct prepared *named(struct session *session, const char *where)
{
    uint32_t id;
    struct prepared *prepared;

    if (statement_id_read(payload_of(session->command), &id) != PARSE_OK) {
        malformed(session);
        return NULL;
    }
    prepared = prepared_table_find(session->statements, id);
    if (prepared == NULL) {
        unknown_statement(session, id, where);
        return NULL;
    }
    session->command->prepared = prepared;
    return prepared;
}

void prepared_prepare(struct session *session)
{
    struct command_in_hand *command = session->command;

    prepared_table_forget_last(session->statements);
    command->sql = bytes_after(payload_of(command), 1);
    classify(command->sql, !is_whole(command), session_mode(session), &command->statement);
    command->has_statement = true;
    if (!is_whole(command)) {
        struct sql_error error =
            error_make(ERROR_PACKET_TOO_LARGE,
                       "a statement to be prepared may have at most %d bytes through this proxy",
                       COMMAND_HELD_BYTES - (int)FRAME_HEAD_SIZE - 1);

        session_refuse(session, &error);
        return;
    }
    if (prepared_table_is_full(session->statements, command->sql.size)) {
        struct sql_error error =
            error_make(ERROR_TOO_MANY_STATEMENTS,
                       "Can't create more prepared statements: a session may have %d, and %d bytes "
                       "of text in all",
                       PREPARED_PER_SESSION, PREPARED_BYTES_PER_SESSION);

        session_refuse(session, &error);
        return;
    }
    /* Preparing changes nothing: what the statement pins or ends is the business of EXECUTE. */
    command_place(session);
}

void prepared_answered(struct session *session, struct bytes payload)
{
    struct command_in_hand *command = session->command;
    struct prepare_ok ok;
    struct prepared_text *text;
    struct statement statement;
    struct prepared *prepared;

    if (prepare_ok_decode(payload, session->lease.backend->capabilities, &ok) != PARSE_OK) {
        return;
    }
    command->warnings = ok.warnings;
    text = prepared_text_of(session->worker->prepared, command->sql, session->environment);
    backend_remember(session->lease.backend, text, ok.id);
    classify(prepared_text_sql(text), false, session_mode(session), &statement);
    prepared = prepared_table_add(&session->statements, text, &statement);
    if (prepared == NULL) {
        return; /* prepared_prepare refuses before it comes to this */
    }
    prepared->mode = *session_mode(session);
    prepared->parameters = ok.parameters;
    prepared->columns = ok.columns;
    statement_id_patch((uint8_t *)(uintptr_t)payload.data, prepared->id);
}

/* From now on the statement is prepared for this handle alone. */
static void make_private(struct prepared *prepared)
{
    struct prepared_text *shared = prepared->text;

    if (!prepared_text_is_private(shared)) {
        prepared->text = prepared_text_private(shared);
        prepared_text_unref(shared);
    }
}

void prepared_execute(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct prepared *prepared = named(session, "mysqld_stmt_execute");
    struct execute execute;

    if (prepared == NULL) {
        return;
    }
    if (execute_decode(payload_of(command), prepared->parameters, session->capabilities,
                       &execute) != PARSE_OK) {
        malformed(session);
        return;
    }
    if (execute.types_sent) {
        prepared_set_types(prepared, execute.types);
    } else if (command->upload_continues && prepared->types_size > 0) {
        /* Types would have to be put in front of values that fill their packets already. */
        struct sql_error error = error_make(
            ERROR_WRONG_ARGUMENTS,
            "an EXECUTE of 16 MiB or more has to bring its parameter types through this proxy");

        session_refuse(session, &error);
        return;
    }
    command->statement = *prepared->statement;
    command->has_statement = true;
    command->sql = prepared_text_sql(prepared->classified);
    if ((execute.flags & EXECUTE_CURSOR_MASK) != 0) {
        make_private(prepared);
        command->wants_primary = true;
    }
    if (kill_why(session) != NULL) {
        kill_statement(session);
        return;
    }
    command_place(session);
}

/* ---- what lives on the held connection ---- */

static void set_long_data(struct session *session, struct prepared *prepared, bool has)
{
    if (prepared->has_long_data != has) {
        prepared->has_long_data = has;
        session->long_data += has ? 1u : -1u;
    }
    session->pins &= ~(unsigned)PIN_LONG_DATA;
    session->pins |= session->long_data > 0 ? (unsigned)PIN_LONG_DATA : 0;
}

static void set_cursor(struct session *session, struct prepared *prepared, bool has)
{
    if (prepared->has_cursor != has) {
        prepared->has_cursor = has;
        session->cursors += has ? 1u : -1u;
    }
    session->pins &= ~(unsigned)PIN_CURSOR;
    session->pins |= session->cursors > 0 ? (unsigned)PIN_CURSOR : 0;
}

void prepared_send_long_data(struct session *session)
{
    struct command_in_hand *command = session->command;
    uint32_t id;
    struct prepared *prepared = NULL;

    if (statement_id_read(payload_of(command), &id) == PARSE_OK) {
        prepared = prepared_table_find(session->statements, id);
    }
    if (prepared == NULL) {
        /* The command has no answer, not even an error; servers drop it too. */
        if (is_whole(command)) {
            session_finish(session);
        } else {
            session_close(session, "long data for a statement that was never prepared");
        }
        return;
    }
    make_private(prepared);
    command->prepared = prepared;
    memset(&command->statement, 0, sizeof command->statement);
    command->statement.class = STATEMENT_SESSION;
    command->has_statement = true;
    command_place(session);
}

void prepared_close(struct session *session)
{
    uint32_t id;
    struct prepared *prepared = NULL;

    if (statement_id_read(payload_of(session->command), &id) == PARSE_OK) {
        prepared = prepared_table_find(session->statements, id);
    }
    if (prepared != NULL) {
        if (prepared->has_cursor || prepared->has_long_data) {
            /* Closing it on the server too ends both. */
            backend_forget(session->lease.backend, prepared->text);
            set_cursor(session, prepared, false);
            set_long_data(session, prepared, false);
        }
        prepared_table_remove(session->statements, prepared);
    }
    session_finish(session); /* the command has no answer */
}

void prepared_reset(struct session *session)
{
    struct prepared *prepared = named(session, "mysqld_stmt_reset");

    if (prepared == NULL) {
        return;
    }
    if (prepared->has_cursor || prepared->has_long_data) {
        memset(&session->command->statement, 0, sizeof session->command->statement);
        session->command->statement.class = STATEMENT_SESSION;
        session->command->has_statement = true;
        command_place(session);
    } else {
        send_ok(session, 1);
        session_finish(session);
    }
}

void prepared_fetch(struct session *session)
{
    struct prepared *prepared = named(session, "mysqld_stmt_fetch");

    if (prepared == NULL) {
        return;
    }
    if (!prepared->has_cursor) {
        struct sql_error error = error_make(ERROR_NO_OPEN_CURSOR,
                                            "The statement (%u) has no open cursor.", prepared->id);

        session_refuse(session, &error);
        return;
    }
    memset(&session->command->statement, 0, sizeof session->command->statement);
    session->command->statement.class = STATEMENT_SESSION;
    session->command->has_statement = true;
    command_place(session);
}

void prepared_finish(struct session *session, uint16_t status)
{
    struct command_in_hand *command = session->command;
    struct prepared *prepared = command->prepared;

    if (command->code == COMMAND_STMT_SEND_LONG_DATA) {
        set_long_data(session, prepared, true);
    } else if (command->code == COMMAND_STMT_EXECUTE) {
        set_long_data(session, prepared, false);
        set_cursor(session, prepared,
                   !command->errored && (status & STATUS_CURSOR_EXISTS) != 0 &&
                       (status & STATUS_LAST_ROW_SENT) == 0);
    } else if (command->code == COMMAND_STMT_FETCH) {
        if (command->errored || (status & STATUS_LAST_ROW_SENT) != 0) {
            set_cursor(session, prepared, false);
        }
    } else if (command->code == COMMAND_STMT_RESET) {
        set_long_data(session, prepared, false);
        set_cursor(session, prepared, false);
    }
}

/* ---- the bytes ---- */

size_t prepared_slices(struct session *session, uint32_t id, uint8_t *head, struct bytes *slices)
{
    struct command_in_hand *command = session->command;
    const struct prepared *prepared = command->prepared;
    struct bytes payload = payload_of(command);
    struct execute execute;
    struct frame frame;
    size_t count;

    statement_id_patch(command->data + FRAME_HEAD_SIZE, id);
    if (frame_read(bytes_of(command->data, command->size), &frame) != PARSE_OK ||
        command->code != COMMAND_STMT_EXECUTE || prepared->types_size == 0 ||
        execute_decode(payload, prepared->parameters, session->lease.backend->capabilities,
                       &execute) != PARSE_OK ||
        execute.types_sent || frame.length + prepared->types_size >= FRAME_MAX) {
        slices[0] = bytes_of(command->data, command->size);
        return 1;
    }
    count = execute_with_types(&execute, payload, bytes_of(prepared->types, prepared->types_size),
                               slices + 1);
    frame.length += (uint32_t)(count > 1 ? prepared->types_size : 0);
    frame_write(head, frame);
    slices[0] = bytes_of(head, FRAME_HEAD_SIZE);
    return count + 1;
}
