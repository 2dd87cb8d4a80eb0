/*
 * The binary protocol's packets; layouts in prepared.h.
 */
#include "protocol/prepared.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/result_set.h"

#define COMMAND_AND_ID_SIZE (STATEMENT_ID_OFFSET + 4u)
#define PARAMETERS_MAX 0xffffu
#define TYPE_UNSIGNED 0x80u

enum parse statement_id_read(struct bytes payload, uint32_t *id)
{
    struct reader r = reader_over(payload);

    read_u8(&r);
    *id = read_u32(&r);
    return r.failed ? PARSE_MORE : PARSE_OK;
}

void statement_id_patch(uint8_t *payload, uint32_t id)
{
    for (unsigned i = 0; i < 4; i++)
        payload[STATEMENT_ID_OFFSET + i] = (uint8_t)(id >> (8 * i));
}

enum parse prepare_ok_decode(struct bytes payload, uint64_t capabilities, struct prepare_ok *ok)
{
    struct reader r = reader_over(payload);

    *ok = (struct prepare_ok){.metadata_follows = true};
    if (read_u8(&r) != 0x00)
        return PARSE_BAD;
    ok->id = read_u32(&r);
    ok->columns = read_u16(&r);
    ok->parameters = read_u16(&r);
    read_u8(&r);
    ok->warnings = read_u16(&r);
    if (capabilities & CAPABILITY_OPTIONAL_METADATA && reader_left(&r) > 0)
        ok->metadata_follows = read_u8(&r) != 0;
    return r.failed ? PARSE_BAD : PARSE_OK;
}

void prepare_ok_encode(struct writer *w, const struct prepare_ok *ok, uint64_t capabilities)
{
    write_u8(w, 0x00);
    write_u32(w, ok->id);
    write_u16(w, ok->columns);
    write_u16(w, ok->parameters);
    write_u8(w, 0);
    write_u16(w, ok->warnings);
    if (capabilities & CAPABILITY_OPTIONAL_METADATA)
        write_u8(w, ok->metadata_follows);
}

/* Runs out of bytes: MORE, as the payload may go on in another packet. */
static enum parse cut_short(const struct reader *r)
{
    return r->failed ? PARSE_MORE : PARSE_OK;
}

/* The types of parameters: two bytes each, under QUERY_ATTRIBUTES with a name. */
static struct bytes read_types(struct reader *r, uint64_t count, bool named)
{
    const uint8_t *start = r->at;

    for (uint64_t i = 0; i < count && !r->failed; i++) {
        read_u16(r);
        if (named)
            read_lenenc_bytes(r);
    }
    return r->failed ? bytes_of(NULL, 0) : bytes_of(start, (size_t)(r->at - start));
}

enum parse execute_decode(struct bytes payload, uint16_t parameters, uint64_t capabilities,
                          struct execute *execute)
{
    struct reader r = reader_over(payload);
    bool attributes = (capabilities & CAPABILITY_QUERY_ATTRIBUTES) != 0;

    *execute = (struct execute){.parameters = parameters};
    if (read_u8(&r) != COMMAND_STMT_EXECUTE)
        return payload.size ? PARSE_BAD : PARSE_MORE;
    execute->id = read_u32(&r);
    execute->flags = read_u8(&r);
    read_u32(&r); /* iterations: always 1 */
    if (attributes && (parameters > 0 || execute->flags & EXECUTE_COUNT_SENT))
        execute->parameters = read_lenenc(&r);
    if (r.failed)
        return PARSE_MORE;
    if (execute->parameters > PARAMETERS_MAX)
        return PARSE_BAD;
    if (execute->parameters == 0) {
        execute->head = bytes_of(payload.data, (size_t)(r.at - payload.data));
        execute->values = read_rest(&r);
        return PARSE_OK;
    }

    execute->nulls = read_bytes(&r, (execute->parameters + 7) / 8);
    execute->head = bytes_of(payload.data, (size_t)(r.at - payload.data));
    uint8_t types_sent = read_u8(&r);
    if (types_sent > 1)
        return PARSE_BAD;
    execute->types_sent = types_sent == 1;
    if (execute->types_sent)
        execute->types = read_types(&r, execute->parameters, attributes);
    execute->values = read_rest(&r);
    return cut_short(&r);
}

size_t execute_with_types(const struct execute *execute, struct bytes payload, struct bytes types,
                          struct bytes slices[EXECUTE_SLICES])
{
    static const uint8_t types_follow = 1;

    if (execute->types_sent || execute->parameters == 0) {
        slices[0] = payload;
        return 1;
    }
    slices[0] = execute->head;
    slices[1] = bytes_of(&types_follow, 1);
    slices[2] = types;
    slices[3] = execute->values;
    return 4;
}

/* How a value is stored; see page_protocol_binary_resultset, "Binary Protocol Value". */
struct bytes parameter_value(struct reader *r, uint8_t type)
{
    switch (type) {
    case COLUMN_NULL:
        return bytes_of(NULL, 0);
    case COLUMN_TINY:
    case COLUMN_BOOL:
        return read_bytes(r, 1);
    case COLUMN_SHORT:
    case COLUMN_YEAR:
        return read_bytes(r, 2);
    case COLUMN_LONG:
    case COLUMN_INT24:
    case COLUMN_FLOAT:
        return read_bytes(r, 4);
    case COLUMN_LONGLONG:
    case COLUMN_DOUBLE:
        return read_bytes(r, 8);
    case COLUMN_DATE:
    case COLUMN_TIME:
    case COLUMN_DATETIME:
    case COLUMN_TIMESTAMP:
        return read_bytes(r, read_u8(r));
    default:
        return read_lenenc_bytes(r);
    }
}

struct parameter_reader query_attributes(const struct query *query)
{
    return (struct parameter_reader){.types = reader_over(query->types),
                                     .values = reader_over(query->values),
                                     .nulls = query->nulls,
                                     .count = query->attributes,
                                     .named = true};
}

struct parameter_reader execute_parameters(const struct execute *execute, struct bytes types,
                                           uint64_t capabilities)
{
    return (struct parameter_reader){.types = reader_over(types),
                                     .values = reader_over(execute->values),
                                     .nulls = execute->nulls,
                                     .count = execute->parameters,
                                     .named = (capabilities & CAPABILITY_QUERY_ATTRIBUTES) != 0};
}

struct bytes execute_types_first(struct bytes types, uint64_t count, uint64_t capabilities)
{
    struct reader r = reader_over(types);

    return read_types(&r, count, (capabilities & CAPABILITY_QUERY_ATTRIBUTES) != 0);
}

bool parameter_next(struct parameter_reader *r, struct parameter *parameter)
{
    *parameter = (struct parameter){0};
    if (r->index >= r->count)
        return false;
    parameter->type = read_u8(&r->types);
    parameter->is_unsigned = (read_u8(&r->types) & TYPE_UNSIGNED) != 0;
    if (r->named)
        parameter->name = read_lenenc_bytes(&r->types);
    if (r->index / 8 < r->nulls.size)
        parameter->is_null = r->nulls.data[r->index / 8] >> (r->index % 8) & 1;
    if (!parameter->is_null)
        parameter->value = parameter_value(&r->values, parameter->type);
    r->index++;
    return !r->types.failed && !r->values.failed;
}

/* MySQL 9.7 takes values of these types for strings in a COM_QUERY (measured), and refuses BOOL. No
 * driver sends them; where their values end, and so where the text begins, is not to be guessed. */
static bool is_odd_attribute(const struct parameter *attribute)
{
    return !attribute->is_null &&
           (attribute->type == COLUMN_INT24 || attribute->type == COLUMN_YEAR ||
            attribute->type == COLUMN_NULL || attribute->type == COLUMN_BOOL);
}

/* Walks over the attributes' values, for where they end is where the text begins. False: that
 * cannot be told. */
static bool read_attributes(struct reader *r, struct query *query)
{
    query->nulls = read_bytes(r, (query->attributes + 7) / 8);
    bool types_follow = read_u8(r) == 1; /* they always do here */
    query->types = read_types(r, query->attributes, true);
    if (r->failed)
        return true;
    if (!types_follow)
        return false;
    query->values = bytes_of(r->at, reader_left(r));

    struct parameter_reader values = query_attributes(query);
    struct parameter parameter;
    while (parameter_next(&values, &parameter)) {
        if (is_odd_attribute(&parameter))
            return false;
    }
    r->failed = values.types.failed || values.values.failed;
    read_bytes(r, (uint64_t)(values.values.at - r->at));
    query->values.size = (size_t)(values.values.at - query->values.data);
    return true;
}

enum parse query_decode(struct bytes payload, uint64_t capabilities, struct query *query)
{
    struct reader r = reader_over(payload);

    *query = (struct query){0};
    if (read_u8(&r) != COMMAND_QUERY)
        return payload.size ? PARSE_BAD : PARSE_MORE;
    if (capabilities & CAPABILITY_QUERY_ATTRIBUTES) {
        const uint8_t *start = r.at;

        query->attributes = read_lenenc(&r);
        uint64_t sets = read_lenenc(&r);
        if (!r.failed && (sets != 1 || query->attributes > PARAMETERS_MAX))
            return PARSE_BAD;
        if (!r.failed && query->attributes > 0 && !read_attributes(&r, query))
            return PARSE_BAD;
        query->prefix = r.failed ? bytes_of(NULL, 0) : bytes_of(start, (size_t)(r.at - start));
    }
    query->text = read_rest(&r);
    return cut_short(&r);
}

void query_begin(struct writer *w, uint64_t capabilities)
{
    write_u8(w, COMMAND_QUERY);
    if (capabilities & CAPABILITY_QUERY_ATTRIBUTES) {
        write_lenenc(w, 0); /* attributes, in */
        write_lenenc(w, 1); /* one set */
    }
}

enum parse fetch_decode(struct bytes payload, uint32_t *id, uint32_t *rows)
{
    struct reader r = reader_over(payload);
    bool is_fetch = read_u8(&r) == COMMAND_STMT_FETCH;

    *id = read_u32(&r);
    *rows = read_u32(&r);
    return is_fetch && reader_is_done(&r) ? PARSE_OK : PARSE_BAD;
}

enum parse long_data_decode(struct bytes payload, uint32_t *id, uint16_t *parameter,
                            struct bytes *data)
{
    struct reader r = reader_over(payload);
    bool is_long_data = read_u8(&r) == COMMAND_STMT_SEND_LONG_DATA;

    *id = read_u32(&r);
    *parameter = read_u16(&r);
    *data = read_rest(&r);
    return is_long_data && !r.failed ? PARSE_OK : PARSE_BAD;
}
