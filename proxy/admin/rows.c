/*
 * A snapshot of rows. See rows.h.
 */
#include "proxy/admin/rows.h"

#include "proxy/memory.h"

#include <assert.h>
#include <string.h>

struct admin_rows *admin_rows_new(size_t columns)
{
    struct admin_rows *rows = mem_calloc(1, sizeof *rows);

    rows->columns = columns;
    return rows;
}

void admin_rows_free(struct admin_rows *rows)
{
    if (rows != NULL) {
        for (size_t i = 0; rows->indexes != NULL && i < rows->columns; i++) {
            mem_free(rows->indexes[i]);
        }
        mem_free(rows->indexes);
        mem_free(rows->cells);
        mem_free(rows->texts);
        mem_free(rows);
    }
}

static struct admin_cell *append(struct admin_rows *rows)
{
    if (rows->cell_count == rows->cell_capacity) {
        rows->cell_capacity = rows->cell_capacity != 0 ? rows->cell_capacity * 2 : 64;
        rows->cells = mem_realloc(rows->cells, rows->cell_capacity * sizeof *rows->cells);
    }
    return &rows->cells[rows->cell_count++];
}

void admin_rows_null(struct admin_rows *rows)
{
    append(rows)->kind = CELL_NULL;
}

void admin_rows_integer(struct admin_rows *rows, int64_t value)
{
    struct admin_cell *cell = append(rows);

    cell->kind = CELL_INTEGER;
    cell->integer = value;
}

void admin_rows_real(struct admin_rows *rows, double value)
{
    struct admin_cell *cell = append(rows);

    cell->kind = CELL_REAL;
    cell->real = value;
}

void admin_rows_bytes(struct admin_rows *rows, struct bytes text)
{
    struct admin_cell *cell = append(rows);

    if (rows->text_capacity - rows->text_size < text.size + 1) {
        rows->text_capacity = (rows->text_capacity + text.size + 1) * 2;
        rows->texts = mem_realloc(rows->texts, rows->text_capacity);
    }
    cell->kind = CELL_TEXT;
    cell->text.offset = rows->text_size;
    cell->text.size = text.size;
    if (text.size != 0) {
        memcpy(rows->texts + rows->text_size, text.data, text.size);
    }
    rows->texts[rows->text_size + text.size] = '\0';
    rows->text_size += text.size + 1;
}

void admin_rows_text(struct admin_rows *rows, const char *text)
{
    if (text == NULL) {
        admin_rows_null(rows);
    } else {
        admin_rows_bytes(rows, bytes_of_text(text));
    }
}

void admin_rows_known(struct admin_rows *rows, bool is_known, uint64_t value)
{
    if (is_known) {
        admin_rows_integer(rows, value > INT64_MAX ? INT64_MAX : (int64_t)value);
    } else {
        admin_rows_null(rows);
    }
}

size_t admin_rows_bytes_held(const struct admin_rows *rows)
{
    return sizeof *rows + rows->cell_capacity * sizeof *rows->cells + rows->text_capacity;
}

size_t admin_rows_count(const struct admin_rows *rows)
{
    return rows->cell_count / rows->columns;
}

const struct admin_cell *admin_rows_cell(const struct admin_rows *rows, size_t row, size_t column)
{
    assert(row < admin_rows_count(rows) && column < rows->columns);
    return &rows->cells[row * rows->columns + column];
}

struct bytes admin_rows_cell_text(const struct admin_rows *rows, const struct admin_cell *cell)
{
    assert(cell->kind == CELL_TEXT);
    return bytes_of((const uint8_t *)rows->texts + cell->text.offset, cell->text.size);
}
