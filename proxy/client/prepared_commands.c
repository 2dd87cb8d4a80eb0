/*
 * Prepared statements of a session that shares its connections: ids are the session's own, and a
 * statement is prepared again on whatever connection it is executed on (sync.c sees to that).
 *
 * Long data and cursors live on one server connection: they pin, and such statements are executed
 * on the primary, where the session can do everything else meanwhile.
 */
#include "proxy/client/prepared_commands.h"

#include "protocol/bulk.h"
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
#include "proxy/client/variables.h"
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
    const struct environment *environment; /* those that differ in user variables share it */
    struct bytes list;
    struct prepared_text *text;
    struct statement statement;
    struct prepared *prepared;

    if (prepare_ok_decode(payload, session->lease.backend->capabilities, &ok) != PARSE_OK) {
        return;
    }
    command->warnings = ok.warnings;
    if (command->statement.user_variable_count > 0 ||
        !environment_value(session->environment, variable_user_variables(), &list)) {
        environment = environment_ref(session->environment);
    } else {
        environment = environment_without_variable(session->worker->environments,
                                                   session->environment, variable_user_variables());
    }
    text = prepared_text_of(session->worker->prepared, command->sql, environment);
    environment_unref(environment);
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

/* Types would have to be put in front of values that fill their packets already. True: refused. */
static bool refuses_types(struct session *session)
{
    struct command_in_hand *command = session->command;
    size_t types = command->prepared->types_size;
    struct sql_error error =
        error_make(ERROR_WRONG_ARGUMENTS,
                   "an execution of 16 MiB or more has to bring its parameter types through this "
                   "proxy");
    struct frame frame;

    if (types == 0 || frame_read(bytes_of(command->data, command->size), &frame) != PARSE_OK ||
        frame.length + types < FRAME_MAX) {
        return false;
    }
    session_refuse(session, &error);
    return true;
}

/* What is to be executed is what was classified when it was prepared. */
static void take_statement(struct command_in_hand *command)
{
    command->statement = *command->prepared->statement;
    command->has_statement = true;
    command->sql = prepared_text_sql(command->prepared->classified);
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
    } else if (refuses_types(session)) {
        return;
    }
    take_statement(command);
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

static void refuse(struct session *session, enum error_code code, const char *text)
{
    struct sql_error error = error_make(code, "%s", text);

    session_refuse(session, &error);
}

/* Some row has a value and not just NULLs and defaults, for which nobody needs types. */
static bool has_values(const struct bulk *bulk)
{
    return bulk->values.size > 0 &&
           memchr(bulk->values.data, BULK_VALUE, bulk->values.size) != NULL;
}

/* What this statement cannot do in bulk, and malformed values, the server says; but not that types
 * were never sent: there the connection may have those of another session. */
void prepared_bulk_execute(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct bytes payload = payload_of(command);
    struct prepared *prepared;
    struct bulk bulk;

    if (payload.size < BULK_HEAD_SIZE) {
        refuse(session, ERROR_MALFORMED_PACKET, "Malformed communication packet");
        return;
    }
    if (!(session->capabilities & CAPABILITY_MARIADB_BULK)) {
        refuse(session, ERROR_UNSUPPORTED_PREPARED,
               "This command is not supported in the prepared statement protocol yet");
        return;
    }
    prepared = named(session, "mysqld_stmt_execute");
    if (prepared == NULL) {
        return;
    }
    if (bulk_decode(payload, prepared->parameters, &bulk) == PARSE_OK && bulk.parameters > 0) {
        if (bulk.flags & BULK_TYPES_SENT) {
            prepared_set_types(prepared, bulk.types);
        } else if (prepared->types_size == 0 && has_values(&bulk)) {
            refuse(session, ERROR_WRONG_ARGUMENTS,
                   "Incorrect arguments to mysqld_stmt_bulk_execute");
            return;
        } else if (refuses_types(session)) {
            return;
        }
    }
    take_statement(command);
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
    } else if (command_runs_statement(command->code)) {
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

/* The payload of an EXECUTE with the remembered types; 0: it needs none, or has them. */
static size_t execute_slices(const struct session *session, struct bytes *types,
                             struct bytes *slices)
{
    const struct command_in_hand *command = session->command;
    struct bytes payload = payload_of(command);
    struct execute execute;

    uint64_t capabilities = session->lease.backend->capabilities;

    if (execute_decode(payload, command->prepared->parameters, capabilities, &execute) !=
            PARSE_OK ||
        execute.types_sent || execute.parameters != command->prepared->parameters ||
        execute.parameters == 0) {
        return 0; /* query attributes without types are an error, which the server tells */
    }
    /* The last time there may have been attributes. */
    *types = execute_types_first(*types, execute.parameters, capabilities);
    return types->size == 0 ? 0 : execute_with_types(&execute, payload, *types, slices);
}

/* The same of a bulk execution; `head` is memory for what is in front of the types. */
static size_t bulk_slices(const struct session *session, struct bytes types, uint8_t *head,
                          struct bytes *slices)
{
    const struct command_in_hand *command = session->command;
    struct writer out = writer_over(head, BULK_HEAD_SIZE);
    struct bulk bulk;

    if (bulk_decode(payload_of(command), command->prepared->parameters, &bulk) != PARSE_OK ||
        (bulk.flags & BULK_TYPES_SENT)) {
        return 0;
    }
    bulk_head_encode(&out, &bulk);
    slices[0] = writer_bytes(&out);
    slices[1] = types;
    slices[2] = bulk.values;
    return 3;
}

size_t prepared_slices(struct session *session, uint32_t id, uint8_t *head, struct bytes *slices)
{
    struct command_in_hand *command = session->command;
    struct bytes types = bytes_of(command->prepared->types, command->prepared->types_size);
    struct frame frame;
    size_t count = 0;

    statement_id_patch(command->data + FRAME_HEAD_SIZE, id);
    if (types.size > 0 && command->code == COMMAND_STMT_EXECUTE) {
        count = execute_slices(session, &types, slices + 1);
    } else if (types.size > 0 && command->code == COMMAND_STMT_BULK_EXECUTE) {
        count = bulk_slices(session, types, head + FRAME_HEAD_SIZE, slices + 1);
    }
    if (count == 0 || frame_read(bytes_of(command->data, command->size), &frame) != PARSE_OK) {
        slices[0] = bytes_of(command->data, command->size);
        return 1;
    }
    frame.length += (uint32_t)types.size; /* refuses_types saw to it that this fits */
    frame_write(head, frame);
    slices[0] = bytes_of(head, FRAME_HEAD_SIZE);
    return count + 1;
}
