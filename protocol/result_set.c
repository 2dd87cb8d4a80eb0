/*
 * Text result sets of our own making.
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

#define COLLATION_UTF8MB4 45u
#define COLLATION_BINARY 63u
#define FLAG_UNSIGNED 0x0020u
#define FLAG_BINARY 0x0080u
#define DECIMALS_ANY 31u

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

static void write_definition(struct result_set *set, const struct column *column)
{
    struct writer *w = set->out;
    size_t packet = write_packet_begin(w);
    bool number = is_number(column->type);
    unsigned flags = (number ? FLAG_BINARY : 0) | (column->is_unsigned ? FLAG_UNSIGNED : 0);

    write_lenenc_bytes(w, bytes_of_text("def"));
    write_lenenc_bytes(w, bytes_of(NULL, 0)); /* schema */
    write_lenenc_bytes(w, bytes_of(NULL, 0)); /* table */
    write_lenenc_bytes(w, bytes_of(NULL, 0)); /* original table */
    write_lenenc_bytes(w, column->name);
    write_lenenc_bytes(w, bytes_of(NULL, 0)); /* original name */
    if (set->capabilities & CAPABILITY_MARIADB_EXTENDED_METADATA)
        write_lenenc_bytes(w, bytes_of(NULL, 0));
    write_lenenc(w, 12);
    write_u16(w, number ? COLLATION_BINARY : COLLATION_UTF8MB4);
    write_u32(w, column_length(column->type));
    write_u8(w, (uint8_t)column->type);
    write_u16(w, (uint16_t)flags);
    write_u8(w, column->type == COLUMN_DOUBLE ? DECIMALS_ANY : 0);
    write_u16(w, 0);
    write_packet_end(w, packet, set->sequence++);
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
        write_definition(&set, &columns[i]);
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
            write_u8(set->out, 0xfb);
    }
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
