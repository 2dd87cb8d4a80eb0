/*
 * What a table of the admin port is: columns, a way to take its rows, and perhaps a way to change
 * them. A new table is a new file table_*.c with one of these, and a line in tables.c; the engine
 * makes an SQLite virtual table of it, and `columns` and `tables` describe it to clients.
 */
#ifndef TIDEMARK_PROXY_ADMIN_TABLE_H
#define TIDEMARK_PROXY_ADMIN_TABLE_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drain;
struct live_edit;
struct program;

enum admin_type { ADMIN_INTEGER, ADMIN_REAL, ADMIN_TEXT };

struct admin_column {
    const char *name;
    enum admin_type type;
    const char *help; /* what it means, with its unit; one line */
    bool is_writable; /* an UPDATE may set it */
};

/* Rows being taken; see rows.h. */
struct admin_rows;

/* A value of a row that a statement wants to change: SQL text form, or NULL. */
struct admin_value {
    struct bytes text; /* data NULL: SQL NULL */
    bool is_changed;   /* UPDATE: differs from the row as it was; INSERT: was given */
};

enum admin_change_kind { ADMIN_INSERT, ADMIN_UPDATE, ADMIN_DELETE };

struct admin_change {
    enum admin_change_kind kind;
    const char *key; /* the first column's value of the row as it was; INSERT: NULL */
    const struct admin_value *values; /* one per column; DELETE: NULL */
    struct drain **drains;            /* for change_drain() */
};

struct admin_table {
    const char *name;
    const char *help; /* one line */
    const struct admin_column *columns;
    size_t column_count;

    /* Appends the rows as they are now. Never fails: what cannot be known is NULL. */
    void (*fill)(struct program *program, struct admin_rows *rows);

    /* NULL: read-only. Turns a change into edits; nothing takes effect before they are applied.
     * False with *error (mem_free) when it makes no sense. */
    bool (*change)(struct program *program, struct live_edit *edit,
                   const struct admin_change *change, char **error);
};

/* All tables, NULL-ended. */
extern const struct admin_table *const admin_tables[];

#endif
