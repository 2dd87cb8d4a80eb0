/*
 * Carrying out orders. See outcome.h.
 */
#include "proxy/admin/outcome.h"

#include "protocol/result_set.h"
#include "proxy/admin/actions.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/rows.h"
#include "proxy/live.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <string.h>
#include <strings.h>

/* clang-format off */
static const struct admin_column help_columns[] = {
    {"command", ADMIN_TEXT, "how it is written", false},
    {"what", ADMIN_TEXT, "what it does", false},
};

static const struct admin_column line_columns[] = {
    {"name", ADMIN_TEXT, "setting", false},
    {"was", ADMIN_TEXT, "value before, or in the main file", false},
    {"is_now", ADMIN_TEXT, "value", false},
    {"source", ADMIN_TEXT, "where the value is from", false},
    {"note", ADMIN_TEXT, "what else is to be known", false},
};
/* clang-format on */

static void expect_rows(struct outcome *outcome, const struct admin_column *columns, size_t count)
{
    outcome->columns = columns;
    outcome->column_count = count;
    outcome->rows = admin_rows_new(count);
}

/* ---- HELP ---- */

static void add_help(struct admin_rows *rows, struct bytes word, const char *command,
                     const char *what)
{
    char text[ORDER_NAME_BYTES] = "";

    if (!bytes_to_text(word, text, sizeof text) || strcasestr(command, text) != NULL ||
        strcasestr(what, text) != NULL) {
        admin_rows_text(rows, command);
        admin_rows_text(rows, what);
    }
}

static void help(struct outcome *outcome, struct bytes word)
{
    const char *what;
    const char *command;

    while (word.size > 0 && strchr("'\"`", word.data[0]) != NULL) {
        word = bytes_after(word, 1);
    }
    while (word.size > 0 && strchr("'\"`", word.data[word.size - 1]) != NULL) {
        word.size--;
    }
    expect_rows(outcome, help_columns, 2);
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        char *show =
            mem_printf("SHOW %s, SELECT … FROM %s", admin_tables[i]->name, admin_tables[i]->name);

        add_help(outcome->rows, word, show, admin_tables[i]->help);
        mem_free(show);
    }
    for (size_t i = 0; (command = command_help(i, &what)) != NULL; i++) {
        add_help(outcome->rows, word, command, what);
    }
}

/* ---- RELOAD, SAVE, SHOW DRIFT ---- */

static void add_line(void *context, const char *name, const char *was, const char *is,
                     const char *where, const char *note)
{
    struct admin_rows *rows = context;

    admin_rows_text(rows, name);
    admin_rows_text(rows, was);
    admin_rows_text(rows, is);
    admin_rows_text(rows, where);
    admin_rows_text(rows, note);
}

static bool configure(struct outcome *outcome, struct engine *engine, enum order_kind kind)
{
    struct live *live = engine->program->live;
    const char *who = engine->client.who;

    expect_rows(outcome, line_columns, sizeof line_columns / sizeof line_columns[0]);
    if (kind == ORDER_SAVE) {
        return live_save(live, who, add_line, outcome->rows, &outcome->message);
    }
    if (kind == ORDER_DRIFT) {
        live_drift(live, add_line, outcome->rows);
        return true;
    }
    return live_reload(live, kind == ORDER_RELOAD_DRY, who, add_line, outcome->rows,
                       &outcome->message);
}

/* ---- all ---- */

static bool carry_out(struct outcome *outcome, struct engine *engine, const struct order *order)
{
    struct program *program = engine->program;
    const char *who = engine->client.who;
    char **message = &outcome->message;
    struct explain_request request = {.sql = order->rest,
                                      .session = order->number,
                                      .user = order->name[0] != 0 ? order->name : NULL};

    switch (order->kind) {
    case ORDER_DRAIN:
    case ORDER_ENABLE:
        return action_drain_server(program, order->name, order->kind == ORDER_DRAIN, who, message);
    case ORDER_KILL_SESSION:
        return action_kill_session(program, order->number, who, message);
    case ORDER_PAUSE:
        return action_pause(program, who, message);
    case ORDER_RESUME:
        return action_resume(program, who, message);
    case ORDER_RESET_STATEMENTS:
        return action_reset_statements(program, who, message);
    case ORDER_EXPLAIN_ROUTE:
        expect_rows(outcome, action_explain_columns, action_explain_column_count);
        return action_explain_route(program, &request, outcome->rows, message);
    case ORDER_TRACE:
    case ORDER_TRACE_OFF:
        expect_rows(outcome, action_trace_columns, action_trace_column_count);
        return action_trace_session(program, order->number, order->kind == ORDER_TRACE_OFF, who,
                                    outcome->rows, message);
    case ORDER_DRIFT:
    case ORDER_RELOAD:
    case ORDER_RELOAD_DRY:
    case ORDER_SAVE:
        return configure(outcome, engine, order->kind);
    case ORDER_SHUTDOWN:
    case ORDER_SHUTDOWN_NOW:
        return action_shut_down(program, order->kind == ORDER_SHUTDOWN_NOW, who, message);
    case ORDER_HELP:
        help(outcome, order->rest);
        return true;
    case ORDER_USE:
        if (strcasecmp(order->name, ENGINE_SCHEMA) != 0 && strcasecmp(order->name, "main") != 0 &&
            strcasecmp(order->name, "information_schema") != 0) {
            outcome->error =
                error_make(ERROR_UNKNOWN_DATABASE, "Unknown database '%s'", order->name);
        }
        return true;
    case ORDER_KILL_QUERY:
        /* Statements of this port end by themselves within seconds. */
        outcome->error = error_make(ERROR_NO_SUCH_THREAD, "Unknown thread id: %llu",
                                    (unsigned long long)order->number);
        return true;
    case ORDER_SQL:
    case ORDER_NOTHING:
    case ORDER_BEGIN:
    case ORDER_COMMIT:
    case ORDER_ROLLBACK:
        break;
    }
    return true;
}

static enum error_code refusal_code(enum order_kind kind)
{
    return kind == ORDER_KILL_SESSION || kind == ORDER_TRACE || kind == ORDER_TRACE_OFF
               ? ERROR_NO_SUCH_THREAD
               : ERROR_WRONG_ARGUMENTS;
}

struct outcome outcome_of(struct engine *engine, const struct order *order)
{
    struct outcome outcome = {0};

    if (order->changes && engine->client.is_read_only) {
        outcome.error = error_make(ERROR_ACCESS_DENIED_SPECIFIC,
                                   "this account may only look: SELECT, SHOW, EXPLAIN ROUTE");
    } else if (!carry_out(&outcome, engine, order)) {
        outcome.error = error_make(refusal_code(order->kind), "%s",
                                   outcome.message != NULL ? outcome.message : "refused");
    }
    return outcome;
}

void outcome_dispose(struct outcome *outcome)
{
    mem_free(outcome->message);
    admin_rows_free(outcome->rows);
}

/* ---- rows ---- */

static enum column_type wire_type(enum admin_type type)
{
    switch (type) {
    case ADMIN_INTEGER:
        return COLUMN_LONGLONG;
    case ADMIN_REAL:
        return COLUMN_DOUBLE;
    case ADMIN_TEXT:
        break;
    }
    return COLUMN_VAR_STRING;
}

static struct result_value wire_value(const struct admin_rows *rows, const struct admin_cell *cell)
{
    switch (cell->kind) {
    case CELL_NULL:
        break;
    case CELL_INTEGER:
        return (struct result_value){.kind = RESULT_INTEGER, .integer = cell->integer};
    case CELL_REAL:
        return (struct result_value){.kind = RESULT_REAL, .real = cell->real};
    case CELL_TEXT:
        return (struct result_value){.kind = RESULT_TEXT, .text = admin_rows_cell_text(rows, cell)};
    }
    return (struct result_value){.kind = RESULT_NULL};
}

unsigned outcome_write_rows(const struct outcome *outcome, struct writer *out,
                            unsigned long long capabilities, unsigned sequence, unsigned status,
                            bool is_binary)
{
    struct column *columns = mem_calloc(outcome->column_count, sizeof *columns);
    struct result_value *values = mem_calloc(outcome->column_count, sizeof *values);
    struct result_set set;

    for (size_t i = 0; i < outcome->column_count; i++) {
        columns[i].name = bytes_of_text(outcome->columns[i].name);
        columns[i].type = wire_type(outcome->columns[i].type);
    }
    set = result_set_begin(out, capabilities, (uint8_t)sequence, columns, outcome->column_count);
    for (size_t row = 0; row < admin_rows_count(outcome->rows); row++) {
        for (size_t i = 0; i < outcome->column_count; i++) {
            values[i] = wire_value(outcome->rows, admin_rows_cell(outcome->rows, row, i));
        }
        result_set_values(&set, values, is_binary);
    }
    result_set_end(&set, (uint16_t)status, 0);
    mem_free(columns);
    mem_free(values);
    return set.sequence;
}
