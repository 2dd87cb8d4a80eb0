/*
 * Prepared statements of the admin port. An order (SHOW DRIFT, PAUSE …) can be prepared as well: it
 * has no SQLite statement and keeps its text.
 */
#include "protocol/capability.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/admin/admin_session.h"
#include "proxy/admin/bind.h"
#include "proxy/admin/command.h"
#include "proxy/admin/engine.h"
#include "proxy/memory.h"

#include <string.h>

enum {
    PREPARED_MAX = 200,
    PREPARED_BYTES = 4 << 20, /* of texts and of values in pieces, of one client */
    TYPE_BYTES = 2,           /* per parameter, in an EXECUTE */
};

/* A parameter's value that came in pieces, before the EXECUTE. */
struct long_data {
    uint8_t *data; /* owner */
    size_t size;
    bool is_given, is_too_long;
};

struct admin_prepared {
    struct admin_prepared *next;
    uint32_t id;
    sqlite3_stmt *statement; /* owner; NULL: an order */
    char *text;              /* owner: of an order */
    uint16_t parameters;
    uint8_t *types;              /* owner: of the last EXECUTE that brought them, or NULL */
    struct long_data *long_data; /* owner: one per parameter, or NULL */
};

static void refuse(struct admin_session *session, enum error_code code, const char *text)
{
    struct sql_error error = error_make(code, "%s", text);

    admin_session_error(session, &error);
}

/* ---- life ---- */

static void drop_long_data(struct admin_session *session, struct admin_prepared *prepared)
{
    for (size_t i = 0; prepared->long_data != NULL && i < prepared->parameters; i++) {
        session->prepared_bytes -= prepared->long_data[i].size;
        mem_free(prepared->long_data[i].data);
    }
    mem_free(prepared->long_data);
    prepared->long_data = NULL;
}

static void dispose(struct admin_session *session, struct admin_prepared *prepared)
{
    if (prepared->statement != NULL) {
        engine_finalize(session->engine, prepared->statement);
    }
    drop_long_data(session, prepared);
    session->prepared_bytes -= prepared->text != NULL ? strlen(prepared->text) : 0;
    mem_free(prepared->text);
    mem_free(prepared->types);
    mem_free(prepared);
    session->prepared_count--;
}

void admin_forget_prepared(struct admin_session *session)
{
    while (session->prepared != NULL) {
        struct admin_prepared *prepared = session->prepared;

        session->prepared = prepared->next;
        dispose(session, prepared);
    }
}

static struct admin_prepared **find(struct admin_session *session, struct bytes payload)
{
    struct admin_prepared **at = &session->prepared;
    uint32_t id;

    if (statement_id_read(payload, &id) != PARSE_OK) {
        return NULL;
    }
    while (*at != NULL && (*at)->id != id) {
        at = &(*at)->next;
    }
    return *at == NULL ? NULL : at;
}

void admin_close_prepared(struct admin_session *session, struct bytes payload)
{
    struct admin_prepared **at = find(session, payload);

    if (at != NULL) {
        struct admin_prepared *prepared = *at;

        *at = prepared->next;
        dispose(session, prepared);
    }
}

void admin_reset_prepared(struct admin_session *session, struct bytes payload)
{
    struct admin_prepared **at = find(session, payload);

    if (at == NULL) {
        refuse(session, ERROR_UNKNOWN_STATEMENT, "Unknown prepared statement handler");
        return;
    }
    drop_long_data(session, *at);
    admin_session_ok(session, 0, NULL);
}

/* ---- PREPARE ---- */

/* Fills statement or text in. False: an error was written. */
static bool read_statement(struct admin_session *session, struct bytes sql,
                           struct admin_prepared *prepared)
{
    struct order order = order_read(sql);
    struct sql_error error = {0};

    if (order.kind != ORDER_SQL) {
        prepared->text = mem_text_of((const char *)sql.data, sql.size);
        session->prepared_bytes += strlen(prepared->text);
    } else {
        struct bytes text = order.sql != NULL ? bytes_of_text(order.sql) : sql;
        char *rewritten = command_rewrite(text);

        prepared->statement = engine_prepare(
            session->engine, rewritten != NULL ? bytes_of_text(rewritten) : text, &error);
        sqlite3_free(rewritten);
    }
    order_dispose(&order);
    if (error.code != 0) {
        admin_session_error(session, &error);
    }
    return error.code == 0;
}

static void write_definitions(struct admin_session *session, const struct column *columns,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct column column = columns[i];

        if (column.type == COLUMN_NULL) {
            column.type = COLUMN_VAR_STRING; /* each EXECUTE says it again, and exactly */
        }
        result_set_definition(&session->out, session->capabilities, session->sequence++, &column,
                              false);
    }
    if (count > 0 && (session->capabilities & CAPABILITY_DEPRECATE_EOF) == 0) {
        admin_session_eof(session);
    }
}

static void answer_prepare(struct admin_session *session, const struct admin_prepared *prepared)
{
    struct prepare_ok ok = {
        .id = prepared->id, .parameters = prepared->parameters, .metadata_follows = true};
    struct column *parameters = mem_calloc((size_t)prepared->parameters + 1, sizeof *parameters);
    struct column *columns = NULL;
    size_t column_count = 0;
    size_t at;

    if (prepared->statement != NULL) {
        columns = reply_columns(prepared->statement, &column_count);
    }
    for (size_t i = 0; i < prepared->parameters; i++) {
        parameters[i] = (struct column){.name = bytes_of_text("?"), .type = COLUMN_VAR_STRING};
    }
    ok.columns = (uint16_t)column_count;
    at = write_packet_begin(&session->out);
    prepare_ok_encode(&session->out, &ok, session->capabilities);
    write_packet_end(&session->out, at, session->sequence++);
    write_definitions(session, parameters, prepared->parameters);
    write_definitions(session, columns, column_count);
    mem_free(parameters);
    mem_free(columns);
}

void admin_prepare(struct admin_session *session, struct bytes sql)
{
    struct admin_prepared *prepared;
    struct bytes statement;

    if (!command_cut(&sql, &statement)) {
        refuse(session, ERROR_EMPTY_QUERY, "Query was empty");
        return;
    }
    if (command_cut(&sql, &(struct bytes){NULL, 0})) {
        refuse(session, ERROR_PARSE, "only one statement can be prepared at a time");
        return;
    }
    if (session->prepared_count >= PREPARED_MAX ||
        statement.size > PREPARED_BYTES - session->prepared_bytes) {
        refuse(session, ERROR_TOO_MANY_STATEMENTS, "too many prepared statements");
        return;
    }
    prepared = mem_calloc(1, sizeof *prepared);
    session->prepared_count++;
    if (!read_statement(session, statement, prepared)) {
        dispose(session, prepared);
        return;
    }
    prepared->id = ++session->prepared_next;
    if (prepared->statement != NULL) {
        prepared->parameters = (uint16_t)sqlite3_bind_parameter_count(prepared->statement);
    }
    prepared->next = session->prepared;
    session->prepared = prepared;
    answer_prepare(session, prepared);
}

/* ---- EXECUTE ---- */

void admin_long_data(struct admin_session *session, struct bytes payload)
{
    struct admin_prepared **at = find(session, payload);
    struct long_data *piece;
    struct bytes data;
    uint16_t parameter;
    uint32_t id;

    /* This command has no answer: what is wrong with it shows at the EXECUTE. */
    if (at == NULL || long_data_decode(payload, &id, &parameter, &data) != PARSE_OK ||
        parameter >= (*at)->parameters) {
        return;
    }
    if ((*at)->long_data == NULL) {
        (*at)->long_data = mem_calloc((*at)->parameters, sizeof *(*at)->long_data);
    }
    piece = &(*at)->long_data[parameter];
    piece->is_given = true;
    if (data.size > PREPARED_BYTES - session->prepared_bytes) {
        piece->is_too_long = true;
    } else if (data.size > 0) {
        piece->data = mem_realloc(piece->data, piece->size + data.size);
        memcpy(piece->data + piece->size, data.data, data.size);
        piece->size += data.size;
        session->prepared_bytes += data.size;
    }
}

/* The parameter with the value that came before the EXECUTE. */
static void take_long_data(const struct long_data *piece, struct parameter *parameter)
{
    parameter->is_null = false;
    parameter->type = COLUMN_VAR_STRING;
    parameter->value = bytes_of(piece->data, piece->size);
}

static bool bind_all(struct admin_prepared *prepared, const struct execute *execute)
{
    /* A value that came before is not in the packet: as if it were NULL. */
    uint8_t nulls[UINT16_MAX / 8 + 1] = {0};
    struct parameter_reader in = {
        .types = reader_over(bytes_of(prepared->types, (size_t)prepared->parameters * TYPE_BYTES)),
        .values = reader_over(execute->values),
        .nulls = bytes_of(nulls, execute->nulls.size),
        .count = prepared->parameters};

    memcpy(nulls, execute->nulls.data, execute->nulls.size);
    for (size_t i = 0; prepared->long_data != NULL && i < prepared->parameters; i++) {
        if (prepared->long_data[i].is_given) {
            nulls[i / 8] |= (uint8_t)(1u << (i % 8));
        }
    }
    for (size_t i = 0; i < prepared->parameters; i++) {
        struct parameter parameter;

        if (!parameter_next(&in, &parameter)) {
            return false;
        }
        if (prepared->long_data != NULL && prepared->long_data[i].is_given) {
            if (prepared->long_data[i].is_too_long) {
                return false;
            }
            take_long_data(&prepared->long_data[i], &parameter);
        }
        if (!bind_parameter(prepared->statement, (int)i + 1, &parameter)) {
            return false;
        }
    }
    return true;
}

/* Decodes the packet and binds. False: it is malformed. */
static bool read_parameters(struct admin_session *session, struct admin_prepared *prepared,
                            struct bytes payload)
{
    struct execute execute;

    if (execute_decode(payload, prepared->parameters, session->capabilities, &execute) !=
        PARSE_OK) {
        return false;
    }
    if (prepared->parameters == 0) {
        return true;
    }
    if (execute.types_sent) {
        mem_free(prepared->types);
        prepared->types = mem_copy(execute.types.data, execute.types.size);
    }
    return prepared->types != NULL && bind_all(prepared, &execute);
}

void admin_execute(struct admin_session *session, struct bytes payload)
{
    struct admin_prepared **at = find(session, payload);
    struct admin_prepared *prepared;
    bool is_fine;

    if (at == NULL) {
        refuse(session, ERROR_UNKNOWN_STATEMENT, "Unknown prepared statement handler");
        return;
    }
    prepared = *at;
    is_fine = read_parameters(session, prepared, payload);
    drop_long_data(session, prepared);
    if (!is_fine) {
        refuse(session, ERROR_WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE");
        return;
    }
    if (prepared->statement == NULL && prepared->text == NULL) {
        admin_session_ok(session, 0, NULL);
    } else if (prepared->statement == NULL) {
        admin_session_run_order(session, bytes_of_text(prepared->text), true);
    } else {
        admin_session_run_prepared(session, prepared->statement);
    }
}
