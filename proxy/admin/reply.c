/*
 * Result sets from SQLite statements. See reply.h.
 */
#include "proxy/admin/reply.h"

#include "proxy/admin/engine.h"
#include "proxy/memory.h"

#include <string.h>

enum { AHEAD_BYTES = 1 << 20 };

/* "system_variable('@@x')" was "@@x" when the client wrote it, who looks for that name. */
static struct bytes column_name(const char *name)
{
    static const char call[] = "system_variable('";
    struct bytes text = bytes_of_text(name);

    if (text.size > sizeof call + 1 && bytes_start_with(text, call) &&
        strcmp(name + text.size - 2, "')") == 0) {
        return bytes_of(text.data + sizeof call - 1, text.size - sizeof call - 1);
    }
    return text;
}

/* COLUMN_NULL: an expression, of which nothing is declared. */
static enum column_type declared_type(sqlite3_stmt *statement, int column)
{
    const char *type = sqlite3_column_decltype(statement, column);

    if (type == NULL) {
        return COLUMN_NULL;
    }
    if (strcmp(type, "INTEGER") == 0) {
        return COLUMN_LONGLONG;
    }
    return strcmp(type, "REAL") == 0 ? COLUMN_DOUBLE : COLUMN_VAR_STRING;
}

struct column *reply_columns(sqlite3_stmt *statement, size_t *count)
{
    int columns = sqlite3_column_count(statement);
    struct column *all = mem_calloc((size_t)columns + 1, sizeof *all);

    for (int i = 0; i < columns; i++) {
        const char *table = sqlite3_column_table_name(statement, i);
        const char *schema = sqlite3_column_database_name(statement, i);

        all[i].name = column_name(sqlite3_column_name(statement, i));
        all[i].type = declared_type(statement, i);
        all[i].table = bytes_of_text(table);
        all[i].schema = bytes_of_text(schema);
    }
    *count = (size_t)columns;
    return all;
}

/* ---- reading ahead ---- */

static bool has_expressions(const struct reply *reply)
{
    for (size_t i = 0; i < reply->column_count; i++) {
        if (reply->columns[i].type == COLUMN_NULL) {
            return true;
        }
    }
    return false;
}

/* Keeps the row that the statement stands on; answers its size. */
static size_t keep_row(struct reply *reply)
{
    size_t bytes = 0;

    engine_enter(reply->engine);
    for (size_t i = 0; i < reply->column_count; i++) {
        sqlite3_value *value = sqlite3_column_value(reply->statement, (int)i);

        bytes += (size_t)sqlite3_value_bytes(value);
        reply->ahead[reply->ahead_rows * reply->column_count + i] = sqlite3_value_dup(value);
    }
    engine_leave(reply->engine);
    reply->ahead_rows++;
    return bytes;
}

static void read_ahead(struct reply *reply, size_t rows)
{
    size_t bytes = 0;

    while (reply->ahead_rows < rows && bytes < AHEAD_BYTES) {
        enum engine_step step = engine_next(reply->engine, reply->statement, &reply->error);

        if (step != ENGINE_ROW) {
            reply->ahead_done = true;
            reply->ahead_failed = step == ENGINE_FAILED;
            return;
        }
        bytes += keep_row(reply);
    }
}

static enum column_type wider(enum column_type type, sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        return type;
    case SQLITE_INTEGER:
        return type == COLUMN_NULL ? COLUMN_LONGLONG : type;
    case SQLITE_FLOAT:
        return type == COLUMN_VAR_STRING ? type : COLUMN_DOUBLE;
    default:
        return COLUMN_VAR_STRING;
    }
}

static void find_types(struct reply *reply)
{
    for (size_t i = 0; i < reply->column_count; i++) {
        struct column *column = &reply->columns[i];

        if (column->type != COLUMN_NULL) {
            continue;
        }
        for (size_t row = 0; row < reply->ahead_rows; row++) {
            column->type = wider(column->type, reply->ahead[row * reply->column_count + i]);
        }
        if (column->type == COLUMN_NULL) {
            column->type = COLUMN_VAR_STRING;
        }
    }
}

/* ---- rows ---- */

static struct result_value value_as(sqlite3_value *value, enum column_type type)
{
    struct result_value result = {.kind = RESULT_NULL};

    if (value == NULL || sqlite3_value_type(value) == SQLITE_NULL) {
        return result;
    }
    if (type == COLUMN_LONGLONG) {
        result.kind = RESULT_INTEGER;
        result.integer = sqlite3_value_int64(value);
    } else if (type == COLUMN_DOUBLE) {
        result.kind = RESULT_REAL;
        result.real = sqlite3_value_double(value);
    } else {
        const void *text = sqlite3_value_text(value);

        result.kind = RESULT_TEXT;
        result.text = bytes_of(text == NULL ? "" : text, (size_t)sqlite3_value_bytes(value));
    }
    return result;
}

enum reply_step reply_row(struct reply *reply)
{
    bool is_ahead = reply->ahead_at < reply->ahead_rows;

    if (!is_ahead) {
        enum engine_step step;

        if (reply->ahead_done) {
            return reply->ahead_failed ? REPLY_HAS_FAILED : REPLY_IS_OVER;
        }
        step = engine_next(reply->engine, reply->statement, &reply->error);
        if (step != ENGINE_ROW) {
            return step == ENGINE_FAILED ? REPLY_HAS_FAILED : REPLY_IS_OVER;
        }
    }
    engine_enter(reply->engine);
    for (size_t i = 0; i < reply->column_count; i++) {
        sqlite3_value *value = is_ahead ? reply->ahead[reply->ahead_at * reply->column_count + i]
                                        : sqlite3_column_value(reply->statement, (int)i);

        reply->values[i] = value_as(value, reply->columns[i].type);
    }
    engine_leave(reply->engine);
    reply->ahead_at += is_ahead;
    result_set_values(&reply->set, reply->values, reply->is_binary);
    return REPLY_HAS_MORE;
}

enum reply_step reply_begin(struct reply *reply, struct engine *engine, sqlite3_stmt *statement,
                            bool is_binary, struct writer *out, uint64_t capabilities,
                            uint8_t sequence)
{
    *reply = (struct reply){.engine = engine, .statement = statement, .is_binary = is_binary};
    if (sqlite3_column_count(statement) == 0) {
        switch (engine_next(engine, statement, &reply->error)) {
        case ENGINE_FAILED:
            return REPLY_HAS_FAILED;
        case ENGINE_ROW:
        case ENGINE_DONE:
            break;
        }
        return REPLY_IS_OVER;
    }
    /* SQLite may prepare a statement anew when it begins to run: then names are its new ones. */
    reply->column_count = (size_t)sqlite3_column_count(statement);
    reply->ahead = mem_calloc(reply->column_count * REPLY_AHEAD, sizeof(sqlite3_value *));
    reply->values = mem_calloc(reply->column_count, sizeof *reply->values);
    read_ahead(reply, 1);
    reply->columns = reply_columns(statement, &reply->column_count);
    if (has_expressions(reply) && !reply->ahead_done) {
        read_ahead(reply, REPLY_AHEAD);
    }
    if (reply->ahead_failed) {
        return REPLY_HAS_FAILED;
    }
    find_types(reply);
    reply->set = result_set_begin(out, capabilities, sequence, reply->columns, reply->column_count);
    return REPLY_HAS_MORE;
}

void reply_dispose(struct reply *reply)
{
    for (size_t i = 0; i < reply->ahead_rows * reply->column_count; i++) {
        sqlite3_value_free(reply->ahead[i]);
    }
    mem_free(reply->ahead);
    mem_free(reply->values);
    mem_free(reply->columns);
    *reply = (struct reply){0};
}
