/*
 * Changes on their way from SQL to the live configuration. See change.h.
 */
#include "proxy/admin/change.h"

#include "proxy/admin/engine.h"
#include "proxy/admin/rows.h"
#include "proxy/event_ring.h"
#include "proxy/live.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 40 };

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

/* Fills `values` in; answers the name of a column that cannot be changed but was, or NULL. */
static const char *compare(const struct admin_table *table, const struct admin_rows *rows,
                           size_t row, sqlite3_value **given, struct admin_value *values)
{
    const char *fixed = NULL;
    char number[NUMBER_BYTES];

    for (size_t i = 0; i < table->column_count; i++) {
        values[i].text = value_text(given[i]);
        if (rows == NULL) {
            values[i].is_changed = values[i].text.data != NULL;
            continue;
        }
        values[i].is_changed =
            !same(values[i].text, cell_text(rows, admin_rows_cell(rows, row, i), number));
        if (values[i].is_changed && !table->columns[i].is_writable) {
            fixed = table->columns[i].name;
        }
    }
    return fixed;
}

bool change_collect(struct engine *engine, const struct admin_table *table, int argc,
                    sqlite3_value **argv)
{
    struct admin_change change = {.kind = ADMIN_INSERT};
    const struct admin_rows *rows = NULL;
    struct admin_value *values = NULL;
    char *error = NULL;
    const char *fixed = NULL;
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
        fixed = compare(table, rows, row, argv + 2, values);
        change.values = values;
    }
    if (fixed != NULL) {
        error = mem_printf("%s.%s cannot be changed", table->name, fixed);
    }
    if (engine->edit == NULL) {
        engine->edit = live_edit_new();
    }
    is_fine = fixed == NULL && table->change(engine->program, engine->edit, &change, &error);
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
    change_drop(engine);
    return is_fine;
}

void change_drop(struct engine *engine)
{
    live_edit_free(engine->edit);
    engine->edit = NULL;
}
