/*
 * A snapshot of rows: values in one growing array, texts in one arena. Filled by a table row by
 * row, column by column, then read by the engine.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ROWS_H
#define TIDEMARK_PROXY_ADMIN_ROWS_H

#include "protocol/bytes.h"
#include "proxy/admin/table.h"

#include <stdint.h>

struct admin_cell {
    enum { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT } kind;
    union {
        int64_t integer;
        double real;
        struct {
            size_t offset, size; /* in the arena, followed by a zero byte */
        } text;
    };
};

struct admin_rows {
    size_t columns;
    struct admin_cell *cells; /* owner */
    size_t cell_count, cell_capacity;
    char *texts; /* owner */
    size_t text_size, text_capacity;
    uint32_t **indexes; /* owner: row numbers in the order of a column, where made; see below */
};

struct admin_rows *admin_rows_new(size_t columns);
void admin_rows_free(struct admin_rows *rows);

/* Each appends the next value; a row is complete after `columns` of them. */
void admin_rows_null(struct admin_rows *rows);
void admin_rows_integer(struct admin_rows *rows, int64_t value);
void admin_rows_real(struct admin_rows *rows, double value);
void admin_rows_text(struct admin_rows *rows, const char *text); /* NULL: SQL NULL */
void admin_rows_bytes(struct admin_rows *rows, struct bytes text);
/* An unsigned number, or NULL when it is not known. */
void admin_rows_known(struct admin_rows *rows, bool is_known, uint64_t value);

/* The memory that the rows take. */
size_t admin_rows_bytes_held(const struct admin_rows *rows);

size_t admin_rows_count(const struct admin_rows *rows);
const struct admin_cell *admin_rows_cell(const struct admin_rows *rows, size_t row, size_t column);
/* The text of a CELL_TEXT. */
struct bytes admin_rows_cell_text(const struct admin_rows *rows, const struct admin_cell *cell);

/* ---- looking up; row_index.c ---- */

/* A text (data not NULL), or else an integer. */
struct row_key {
    struct bytes text;
    int64_t integer;
};

/* The rows whose column equals the key: the row numbers at *from to *to (excluded) of the answer,
 * which lives as long as the rows. All rows must have been taken. */
const uint32_t *row_index_find(struct admin_rows *rows, size_t column, const struct row_key *key,
                               size_t *from, size_t *to);

#endif
