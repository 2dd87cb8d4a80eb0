/*
 * Sorted indexes over a snapshot's rows. See rows.h.
 */
#include "proxy/admin/rows.h"
#include "proxy/memory.h"

#include <stdlib.h>
#include <string.h>

struct sorting {
    const struct admin_rows *rows;
    size_t column;
};

static int compare_texts(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* NULLs and whatever is not of the column's kind come first, by kind. */
static int compare_cells(const struct admin_rows *rows, const struct admin_cell *a,
                         const struct admin_cell *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    switch (a->kind) {
    case CELL_NULL:
        return 0;
    case CELL_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case CELL_REAL:
        return (a->real > b->real) - (a->real < b->real);
    case CELL_TEXT:
        break;
    }
    return compare_texts(admin_rows_cell_text(rows, a), admin_rows_cell_text(rows, b));
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    uint32_t row_a = *(const uint32_t *)a;
    uint32_t row_b = *(const uint32_t *)b;
    int order = compare_cells(sorting->rows, admin_rows_cell(sorting->rows, row_a, sorting->column),
                              admin_rows_cell(sorting->rows, row_b, sorting->column));

    return order != 0 ? order : (row_a > row_b) - (row_a < row_b);
}

static const uint32_t *index_of(struct admin_rows *rows, size_t column)
{
    struct sorting sorting = {rows, column};
    size_t count = admin_rows_count(rows);
    uint32_t *order;

    if (rows->indexes == NULL) {
        rows->indexes = mem_calloc(rows->columns, sizeof *rows->indexes);
    }
    order = rows->indexes[column];
    if (order == NULL) {
        order = mem_calloc(count + 1, sizeof *order);
        for (size_t i = 0; i < count; i++) {
            order[i] = (uint32_t)i;
        }
        qsort_r(order, count, sizeof *order, compare_rows, &sorting);
        rows->indexes[column] = order;
    }
    return order;
}

static int compare_key(const struct admin_rows *rows, const struct admin_cell *cell,
                       const struct row_key *key)
{
    int kind = key->text.data != NULL ? CELL_TEXT : CELL_INTEGER;

    if ((int)cell->kind != kind) {
        return (int)cell->kind < kind ? -1 : 1;
    }
    if (kind == CELL_INTEGER) {
        return (cell->integer > key->integer) - (cell->integer < key->integer);
    }
    return compare_texts(admin_rows_cell_text(rows, cell), key->text);
}

/* The first position whose cell is not below the key, or not even equal to it. */
static size_t bound(const struct admin_rows *rows, const uint32_t *order, size_t column,
                    const struct row_key *key, int least)
{
    size_t low = 0;
    size_t high = admin_rows_count(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_key(rows, admin_rows_cell(rows, order[middle], column), key) < least) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const uint32_t *row_index_find(struct admin_rows *rows, size_t column, const struct row_key *key,
                               size_t *from, size_t *to)
{
    const uint32_t *order = index_of(rows, column);

    *from = bound(rows, order, column, key, 0);
    *to = bound(rows, order, column, key, 1);
    return order;
}
