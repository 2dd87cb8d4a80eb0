/*
 * SQLite virtual tables over struct admin_table. See virtual_table.h and SQLite's "The Virtual
 * Table Mechanism Of SQLite".
 */
#include "proxy/admin/virtual_table.h"

#include "proxy/admin/change.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/information_schema.h"
#include "proxy/admin/rows.h"
#include "proxy/admin/tables.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>

enum {
    SCAN = 0, /* idxNum: all rows; else 1 + the column that must be equal */
    SCAN_COST = 1000000,
    LOOKUP_COST = 20,
};

struct table {
    sqlite3_vtab base;
    struct engine *engine;
    const struct admin_table *table;
};

struct cursor {
    sqlite3_vtab_cursor base;
    const struct admin_rows *rows; /* borrower: the statement's snapshot */
    const uint32_t *order;         /* borrower: the index in use, or NULL: as they come */
    size_t at, end;                /* positions in `order` or row numbers */
};

/* ---- tables ---- */

static const struct admin_table *find_table(const char *schema, const char *name)
{
    const struct admin_table *const *tables =
        strcmp(schema, "information_schema") == 0 ? information_schema_tables : admin_tables;

    for (size_t i = 0; tables[i] != NULL; i++) {
        if (sqlite3_stricmp(tables[i]->name, name) == 0) {
            return tables[i];
        }
    }
    return NULL;
}

static const char *type_name(enum admin_type type)
{
    switch (type) {
    case ADMIN_INTEGER:
        return "INTEGER";
    case ADMIN_REAL:
        return "REAL";
    case ADMIN_TEXT:
        break;
    }
    return "TEXT";
}

static char *declaration(const struct admin_table *table)
{
    sqlite3_str *text = sqlite3_str_new(NULL);

    sqlite3_str_appendf(text, "CREATE TABLE x(");
    for (size_t i = 0; i < table->column_count; i++) {
        sqlite3_str_appendf(text, "%s\"%w\" %s", i == 0 ? "" : ", ", table->columns[i].name,
                            type_name(table->columns[i].type));
    }
    sqlite3_str_appendf(text, ")");
    return sqlite3_str_finish(text);
}

/* argv: module, schema, table. */
static int connect(sqlite3 *db, void *context, int argc, const char *const *argv,
                   sqlite3_vtab **result, char **error)
{
    const struct admin_table *table = argc < 3 ? NULL : find_table(argv[1], argv[2]);
    struct engine *engine = context;
    struct table *self;
    char *text;
    int status;

    if (table == NULL) {
        *error = sqlite3_mprintf("no such table");
        return SQLITE_ERROR;
    }
    text = declaration(table);
    if (text == NULL) {
        return SQLITE_NOMEM;
    }
    engine->is_declaring = true;
    status = sqlite3_declare_vtab(db, text);
    engine->is_declaring = false;
    sqlite3_free(text);
    if (status != SQLITE_OK) {
        return status;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    self = mem_calloc(1, sizeof *self);
    self->engine = engine;
    self->table = table;
    *result = &self->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    mem_free(base);
    return SQLITE_OK;
}

/* The first equality that an index can serve. The comparison itself is made again by SQLite. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->idxNum = SCAN;
    info->estimatedCost = SCAN_COST;
    info->estimatedRows = SCAN_COST;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable && info->aConstraint[i].iColumn >= 0 &&
            info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ &&
            sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
            info->idxNum = info->aConstraint[i].iColumn + 1;
            info->aConstraintUsage[i].argvIndex = 1;
            info->estimatedCost = LOOKUP_COST;
            info->estimatedRows = LOOKUP_COST;
            break;
        }
    }
    return SQLITE_OK;
}

/* ---- rows ---- */

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **result)
{
    struct cursor *self = mem_calloc(1, sizeof *self);

    (void)base;
    *result = &self->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
    mem_free(base);
    return SQLITE_OK;
}

/* The value as a cell, if it is of the kind that the column has. */
static bool as_key(sqlite3_value *value, enum admin_type type, struct row_key *key)
{
    int kind = sqlite3_value_type(value);

    if (type == ADMIN_TEXT && kind == SQLITE_TEXT) {
        key->text = bytes_of(sqlite3_value_text(value), (size_t)sqlite3_value_bytes(value));
        return true;
    }
    key->integer = sqlite3_value_int64(value);
    return type == ADMIN_INTEGER && kind == SQLITE_INTEGER;
}

static int cursor_filter(sqlite3_vtab_cursor *base, int index, const char *text, int argc,
                         sqlite3_value **argv)
{
    struct cursor *self = (struct cursor *)base;
    struct table *table = (struct table *)base->pVtab;
    struct admin_rows *rows = engine_rows(table->engine, table->table);
    struct row_key key = {0};
    size_t column = (size_t)index - 1;

    (void)text;
    if (rows == NULL) {
        return SQLITE_NOMEM;
    }
    self->rows = rows;
    self->order = NULL;
    self->at = 0;
    self->end = admin_rows_count(rows);
    if (index == SCAN || argc < 1) {
        return SQLITE_OK;
    }
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) {
        self->end = 0;
    } else if (as_key(argv[0], table->table->columns[column].type, &key)) {
        self->order = row_index_find(rows, column, &key, &self->at, &self->end);
    }
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *self = (struct cursor *)base;

    self->at++;
    return SQLITE_OK;
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
    const struct cursor *self = (const struct cursor *)base;

    return self->at >= self->end;
}

static size_t row_of(const struct cursor *self)
{
    return self->order != NULL ? self->order[self->at] : self->at;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cursor *self = (const struct cursor *)base;
    const struct admin_cell *cell = admin_rows_cell(self->rows, row_of(self), (size_t)column);
    struct bytes text;

    switch (cell->kind) {
    case CELL_NULL:
        sqlite3_result_null(context);
        break;
    case CELL_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case CELL_REAL:
        sqlite3_result_double(context, cell->real);
        break;
    case CELL_TEXT:
        text = admin_rows_cell_text(self->rows, cell);
        sqlite3_result_text64(context, (const char *)text.data, text.size, SQLITE_STATIC,
                              SQLITE_UTF8);
        break;
    }
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)row_of((const struct cursor *)base);
    return SQLITE_OK;
}

/* ---- changes ---- */

/* argv: the old rowid or NULL, the new rowid, the new values. */
static int update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid)
{
    struct table *self = (struct table *)base;

    *rowid = 0;
    return change_collect(self->engine, self->table, argc, argv) ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int begin(sqlite3_vtab *base)
{
    (void)base;
    return SQLITE_OK;
}

static int sync_changes(sqlite3_vtab *base)
{
    struct table *self = (struct table *)base;

    return change_apply(self->engine) ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int end(sqlite3_vtab *base)
{
    struct table *self = (struct table *)base;

    change_drop(self->engine);
    return SQLITE_OK;
}

/* What every table does. */
#define READS                                                                                      \
    .iVersion = 1, .xCreate = connect, .xConnect = connect, .xBestIndex = best_index,              \
    .xDisconnect = disconnect, .xDestroy = disconnect, .xOpen = cursor_open,                       \
    .xClose = cursor_close, .xFilter = cursor_filter, .xNext = cursor_next, .xEof = cursor_eof,    \
    .xColumn = cursor_column, .xRowid = cursor_rowid

static const sqlite3_module read_module = {READS};

static const sqlite3_module change_module = {
    READS,          .xUpdate = update, .xBegin = begin, .xSync = sync_changes,
    .xCommit = end, .xRollback = end,
};

static bool create(sqlite3 *db, const char *schema, const struct admin_table *table)
{
    char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE %s.\"%w\" USING %s", schema, table->name,
                                table->change != NULL ? "tidemark_change" : "tidemark_read");
    int status = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(db, sql, NULL, NULL, NULL);

    sqlite3_free(sql);
    return status == SQLITE_OK;
}

bool virtual_tables_create(struct engine *engine)
{
    sqlite3 *db = engine->db;

    if (sqlite3_create_module(db, "tidemark_read", &read_module, engine) != SQLITE_OK ||
        sqlite3_create_module(db, "tidemark_change", &change_module, engine) != SQLITE_OK) {
        return false;
    }
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        if (!create(db, ENGINE_SCHEMA, admin_tables[i])) {
            return false;
        }
    }
    for (size_t i = 0; information_schema_tables[i] != NULL; i++) {
        if (!create(db, "information_schema", information_schema_tables[i])) {
            return false;
        }
    }
    return true;
}
