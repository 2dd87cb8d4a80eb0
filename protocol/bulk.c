/*
 * See bulk.h.
 */
#include "protocol/bulk.h"
#include "protocol/command.h"

#define TYPE_SIZE 2u
#define TYPE_UNSIGNED 0x8000u

enum parse bulk_decode(struct bytes payload, uint16_t parameters, struct bulk *bulk)
{
    struct reader r = reader_over(payload);

    *bulk = (struct bulk){.parameters = parameters};
    if (read_u8(&r) != COMMAND_STMT_BULK_EXECUTE)
        return payload.size ? PARSE_BAD : PARSE_MORE;
    bulk->id = read_u32(&r);
    bulk->flags = read_u16(&r);
    if (bulk->flags & BULK_TYPES_SENT)
        bulk->types = read_bytes(&r, (uint64_t)parameters * TYPE_SIZE);
    bulk->values = read_rest(&r);
    return r.failed ? PARSE_MORE : PARSE_OK;
}

void bulk_head_encode(struct writer *w, const struct bulk *bulk)
{
    write_u8(w, COMMAND_STMT_BULK_EXECUTE);
    write_u32(w, bulk->id);
    write_u16(w, (uint16_t)(bulk->flags | BULK_TYPES_SENT));
}

struct bulk_reader bulk_parameters(const struct bulk *bulk, struct bytes types)
{
    return (struct bulk_reader){.types = reader_over(types),
                                .values = reader_over(bulk->values),
                                .all_types = types,
                                .parameters = bulk->parameters};
}

bool bulk_next(struct bulk_reader *r, struct parameter *parameter)
{
    *parameter = (struct parameter){0};
    if (r->parameters == 0 || r->types.failed || reader_left(&r->values) == 0)
        return false;
    if (r->index == 0)
        r->types = reader_over(r->all_types);
    unsigned type = read_u16(&r->types);
    uint8_t indicator = read_u8(&r->values);

    parameter->type = (uint8_t)type;
    parameter->is_unsigned = (type & TYPE_UNSIGNED) != 0;
    parameter->is_null = indicator != BULK_VALUE;
    if (indicator > BULK_IGNORE)
        r->values.failed = true;
    if (!parameter->is_null)
        parameter->value = parameter_value(&r->values, parameter->type);
    r->index = (uint16_t)(r->index + 1u < r->parameters ? r->index + 1u : 0);
    return !r->types.failed && !r->values.failed;
}

bool bulk_is_read(const struct bulk_reader *r)
{
    return reader_is_done(&r->values) && !r->types.failed && r->index == 0;
}
