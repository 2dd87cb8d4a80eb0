/*
 * Changes on their way from SQL to the live configuration. See change.h.
 */
#include "proxy/admin/change.h"

#include "proxy/admin/actions.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/rows.h"
#include "proxy/live.h"
#include "proxy/memory.h"
#include "proxy/program.h"
#include "proxy/utf8.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 40 };

struct drain {
    struct drain *next;
    char *server; /* owner */
    bool is_draining;
};

void change_drain(struct drain **drains, const char *server, bool is_draining)
{
    struct drain *drain = mem_calloc(1, sizeof *drain);

    while (*drains != NULL) {
        drains = &(*drains)->next;
    }
    drain->server = mem_text(server);
    drain->is_draining = is_draining;
    *drains = drain;
}

static void drain_all(const struct engine *engine)
{
    for (const struct drain *drain = engine->drains; drain != NULL; drain = drain->next) {
        char *message;

        /* That it is gone, because the same transaction has removed it, is no mistake. */
        (void)action_drain_server(engine->program, drain->server, drain->is_draining,
                                  engine->client.who, &message);
        mem_free(message);
    }
}

static void complain(struct engine *engine, char *error)
{
    mem_free(engine->change_error);
    engine->change_error = error;
}

/* A cell in SQL's text form; data NULL: NULL. Numbers are printed into `number`. */
static struct bytes cell_text(const struct admin_rows *rows, const struct admin_cell *cell,
                              char number[NUMBER_BYTES])
{
    switch (cell->kind) {
    case CELL_NULL:
        return bytes_of(NULL, 0);
    case CELL_INTEGER:
        snprintf(number, NUMBER_BYTES, "%lld", (long long)cell->integer);
        return bytes_of_text(number);
    case CELL_REAL:
        sqlite3_snprintf(NUMBER_BYTES, number, "%!.15g", cell->real); /* as SQLite prints it */
        return bytes_of_text(number);
    case CELL_TEXT:
        break;
    }
    return admin_rows_cell_text(rows, cell);
}

static struct bytes value_text(sqlite3_value *value)
{
    const unsigned char *text;

    if (sqlite3_value_type(value) == SQLITE_NULL) {
        return bytes_of(NULL, 0);
    }
    text = sqlite3_value_text(value);
    return bytes_of(text == NULL ? (const unsigned char *)"" : text,
                    (size_t)sqlite3_value_bytes(value));
}

static bool same(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && bytes_equal(a, b);
}

/* A text that is cut at a zero byte, or that no client can read again, is not what was meant. */
static bool is_text(struct bytes text)
{
    while (text.size > 0) {
        size_t size = text.data[0] != 0 ? utf8_size(text) : 0;

        if (size == 0) {
            return false;
        }
        text = bytes_after(text, size);
    }
    return true;
}

/* Fills `values` in; answers what is wrong with the value of which column, or NULL. An INSERT gives
 * the name, which is the first column, and what is writable. */
static const char *compare(const struct admin_table *table, const struct admin_rows *rows,
                           size_t row, sqlite3_value **given, struct admin_value *values,
                           const char **column)
{
    const char *wrong = NULL;
    char number[NUMBER_BYTES];

    for (size_t i = 0; i < table->column_count; i++) {
        bool is_fixed = !table->columns[i].is_writable && (rows != NULL || i > 0);

        values[i].text = value_text(given[i]);
        values[i].is_changed =
            rows == NULL
                ? values[i].text.data != NULL
                : !same(values[i].text, cell_text(rows, admin_rows_cell(rows, row, i), number));
        if (values[i].is_changed && (is_fixed || !is_text(values[i].text))) {
            *column = table->columns[i].name;
            wrong = is_fixed ? "cannot be changed" : "is no UTF-8 text, or has a zero byte in it";
        }
    }
    return wrong;
}

bool change_collect(struct engine *engine, const struct admin_table *table, int argc,
                    sqlite3_value **argv)
{
    struct admin_change change = {.kind = ADMIN_INSERT, .drains = &engine->drains};
    const struct admin_rows *rows = NULL;
    struct admin_value *values = NULL;
    char *error = NULL;
    const char *wrong = NULL;
    const char *column = "";
    size_t row = 0;
    bool is_fine;
    char number[NUMBER_BYTES];

    if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        change.kind = argc == 1 ? ADMIN_DELETE : ADMIN_UPDATE;
        rows = engine_rows(engine, table);
        row = (size_t)sqlite3_value_int64(argv[0]);
        if (rows == NULL || row >= admin_rows_count(rows)) {
            complain(engine, mem_text("no such row"));
            return false;
        }
        /* The cell's text ends with a zero byte in the arena. */
        change.key = (const char *)cell_text(rows, admin_rows_cell(rows, row, 0), number).data;
    }
    if (change.kind != ADMIN_DELETE) {
        values = mem_calloc(table->column_count, sizeof *values);
        wrong = compare(table, rows, row, argv + 2, values, &column);
        change.values = values;
    }
    if (wrong != NULL) {
        error = mem_printf("%s.%s %s", table->name, column, wrong);
    }
    if (engine->edit == NULL) {
        engine->edit = live_edit_new();
    }
    is_fine = wrong == NULL && table->change(engine->program, engine->edit, &change, &error);
    if (!is_fine) {
        complain(engine, error != NULL ? error : mem_text("this change makes no sense"));
    }
    mem_free(values);
    return is_fine;
}

bool change_apply(struct engine *engine)
{
    char *error = NULL;
    bool is_fine = true;

    if (engine->edit != NULL && !live_edit_is_empty(engine->edit)) {
        is_fine = live_apply(engine->program->live, engine->edit, engine->client.who, &error);
        if (!is_fine) {
            complain(engine, error != NULL ? error : mem_text("refused"));
        }
    }
    if (is_fine) {
        drain_all(engine);
    }
    change_drop(engine);
    return is_fine;
}

void change_drop(struct engine *engine)
{
    live_edit_free(engine->edit);
    engine->edit = NULL;
    while (engine->drains != NULL) {
        struct drain *drain = engine->drains;

        engine->drains = drain->next;
        mem_free(drain->server);
        mem_free(drain);
    }
}
