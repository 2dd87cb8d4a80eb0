/*
 * Result sets of our own making.
 *
 *     column definition   catalog "def", schema, table, original table, name, original name, all
 *                         lenenc strings; 12, character set u16, length u32, type u8, flags u16,
 *                         decimals u8, 0 u16
 *
 * Manual page: page_protocol_com_query_response_text_resultset_column_definition.
 */
#include "protocol/result_set.h"
#include "protocol/capability.h"
#include "protocol/error.h"
#include "protocol/ok.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define COLLATION_UTF8MB4 45u
#define COLLATION_BINARY 63u
#define FLAG_UNSIGNED 0x0020u
#define FLAG_BINARY 0x0080u
#define DECIMALS_ANY 31u
#define NULL_VALUE 0xfbu
#define REAL_TEXT_BYTES 40

static bool is_number(enum column_type type)
{
    return type == COLUMN_LONGLONG || type == COLUMN_DOUBLE;
}

static uint32_t column_length(enum column_type type)
{
    if (type == COLUMN_LONGLONG)
        return 20;
    return type == COLUMN_DOUBLE ? 22 : 1024;
}

void result_set_definition(struct writer *w, uint64_t capabilities, uint8_t sequence,
                           const struct column *column, bool is_field_list)
{
    size_t packet = write_packet_begin(w);
    bool number = is_number(column->type);
    unsigned flags = (number ? FLAG_BINARY : 0) | (column->is_unsigned ? FLAG_UNSIGNED : 0);

    write_lenenc_bytes(w, bytes_of_text("def"));
    write_lenenc_bytes(w, column->schema);
    write_lenenc_bytes(w, column->table);
    write_lenenc_bytes(w, column->table);
    write_lenenc_bytes(w, column->name);
    write_lenenc_bytes(w, column->table.size != 0 ? column->name : bytes_of(NULL, 0));
    if (capabilities & CAPABILITY_MARIADB_EXTENDED_METADATA)
        write_lenenc_bytes(w, bytes_of(NULL, 0));
    write_lenenc(w, 12);
    write_u16(w, number ? COLLATION_BINARY : COLLATION_UTF8MB4);
    write_u32(w, column_length(column->type));
    write_u8(w, (uint8_t)column->type);
    write_u16(w, (uint16_t)flags);
    write_u8(w, column->type == COLUMN_DOUBLE ? DECIMALS_ANY : 0);
    write_u16(w, 0);
    if (is_field_list)
        write_u8(w, NULL_VALUE);
    write_packet_end(w, packet, sequence);
}

static void write_eof(struct result_set *set, uint16_t status, uint16_t warnings)
{
    const struct eof_packet eof = {.warnings = warnings, .status = status};
    size_t packet = write_packet_begin(set->out);

    eof_encode(set->out, &eof);
    write_packet_end(set->out, packet, set->sequence++);
}

struct result_set result_set_begin(struct writer *out, uint64_t capabilities, uint8_t sequence,
                                   const struct column *columns, size_t count)
{
    struct result_set set = {out, capabilities, count, sequence};

    assert(count > 0 && count <= 4096);
    size_t packet = write_packet_begin(out);
    write_lenenc(out, count);
    if (capabilities & (CAPABILITY_OPTIONAL_METADATA | CAPABILITY_MARIADB_CACHE_METADATA))
        write_u8(out, 1); /* definitions follow */
    write_packet_end(out, packet, set.sequence++);
    for (size_t i = 0; i < count; i++)
        result_set_definition(out, capabilities, set.sequence++, &columns[i], false);
    if (!(capabilities & CAPABILITY_DEPRECATE_EOF))
        write_eof(&set, STATUS_AUTOCOMMIT, 0);
    return set;
}

void result_set_row(struct result_set *set, const struct bytes *values)
{
    size_t packet = write_packet_begin(set->out);

    for (size_t i = 0; i < set->columns; i++) {
        if (values[i].data)
            write_lenenc_bytes(set->out, values[i]);
        else
            write_u8(set->out, NULL_VALUE);
    }
    write_packet_end(set->out, packet, set->sequence++);
}

static void write_text_value(struct writer *w, const struct result_value *value)
{
    char text[REAL_TEXT_BYTES];

    switch (value->kind) {
    case RESULT_NULL:
        write_u8(w, NULL_VALUE);
        break;
    case RESULT_INTEGER:
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
        write_lenenc_bytes(w, bytes_of_text(text));
        break;
    case RESULT_REAL:
        snprintf(text, sizeof text, "%.15g", value->real);
        if (strtod(text, NULL) != value->real)
            snprintf(text, sizeof text, "%.17g", value->real);
        write_lenenc_bytes(w, bytes_of_text(text));
        break;
    case RESULT_TEXT:
        write_lenenc_bytes(w, value->text);
        break;
    }
}

/* 0x00, a bitmap of the NULLs that begins at its third bit, then the values that are not NULL. */
static void write_binary_values(struct writer *w, const struct result_value *values, size_t count)
{
    write_u8(w, 0);
    for (size_t byte = 0; byte < (count + 2 + 7) / 8; byte++) {
        unsigned bits = 0;

        for (size_t bit = 0; bit < 8; bit++) {
            size_t column = byte * 8 + bit;

            if (column >= 2 && column - 2 < count && values[column - 2].kind == RESULT_NULL)
                bits |= 1u << bit;
        }
        write_u8(w, (uint8_t)bits);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t word;

        switch (values[i].kind) {
        case RESULT_NULL:
            break;
        case RESULT_INTEGER:
            write_u64(w, (uint64_t)values[i].integer);
            break;
        case RESULT_REAL:
            memcpy(&word, &values[i].real, sizeof word);
            write_u64(w, word);
            break;
        case RESULT_TEXT:
            write_lenenc_bytes(w, values[i].text);
            break;
        }
    }
}

void result_set_values(struct result_set *set, const struct result_value *values, bool is_binary)
{
    size_t packet = write_packet_begin(set->out);

    if (is_binary)
        write_binary_values(set->out, values, set->columns);
    else
        for (size_t i = 0; i < set->columns; i++)
            write_text_value(set->out, &values[i]);
    write_packet_end(set->out, packet, set->sequence++);
}

void result_set_end(struct result_set *set, uint16_t status, uint16_t warnings)
{
    const struct ok_packet ok = {.header = 0xfe, .status = status, .warnings = warnings};

    if (set->capabilities & CAPABILITY_DEPRECATE_EOF)
        ok_encode_packet(set->out, &ok, set->capabilities, set->sequence++);
    else
        write_eof(set, status, warnings);
}

void result_set_fail(struct result_set *set, const struct sql_error *error)
{
    error_encode_packet(set->out, error, set->capabilities, set->sequence++);
}
