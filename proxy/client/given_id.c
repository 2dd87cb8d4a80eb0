/*
 * Reads the parameters of an EXECUTE, by their types. See given_id.h.
 */
#include "proxy/client/given_id.h"

#include "protocol/bulk.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/session.h"
#include "router/insert_id.h"

#include <string.h>

/* A date as a number, without the time of day. */
#define DATE_MIN UINT64_C(100000)

static bool integer_may_be(const struct parameter *parameter, uint64_t id)
{
    uint64_t bits = 0;
    unsigned size = (unsigned)parameter->value.size;

    if (size == 0 || size > sizeof bits) {
        return true;
    }
    for (unsigned i = size; i-- > 0;) {
        bits = bits << 8 | parameter->value.data[i];
    }
    if (!parameter->is_unsigned && (bits >> (8 * size - 1)) != 0) {
        return insert_id_may_be_integer(id, true, 0);
    }
    return insert_id_may_be_integer(id, false, bits);
}

static bool real_may_be(const struct parameter *parameter, uint64_t id)
{
    double number = 0;
    float small = 0;

    if (parameter->type == COLUMN_FLOAT && parameter->value.size == sizeof small) {
        memcpy(&small, parameter->value.data, sizeof small);
        number = (double)small;
    } else if (parameter->value.size == sizeof number) {
        memcpy(&number, parameter->value.data, sizeof number);
    } else {
        return true;
    }
    return insert_id_may_be_real(id, number);
}

static bool may_be(const struct parameter *parameter, uint64_t id)
{
    if (parameter->is_null) {
        return false;
    }
    switch (parameter->type) {
    case COLUMN_NULL:
        return false;
    case COLUMN_TINY:
    case COLUMN_SHORT:
    case COLUMN_YEAR:
    case COLUMN_LONG:
    case COLUMN_INT24:
    case COLUMN_LONGLONG:
        return integer_may_be(parameter, id);
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
        return real_may_be(parameter, id);
    case COLUMN_DATE:
    case COLUMN_DATETIME:
    case COLUMN_TIMESTAMP:
        return id >= DATE_MIN;
    case COLUMN_DECIMAL:
    case COLUMN_NEWDECIMAL:
    case COLUMN_VARCHAR:
    case COLUMN_VAR_STRING:
    case COLUMN_STRING:
    case COLUMN_TINY_BLOB:
    case COLUMN_MEDIUM_BLOB:
    case COLUMN_LONG_BLOB:
    case COLUMN_BLOB:
        return insert_id_may_be_text(id, parameter->value);
    default:
        return true;
    }
}

/* The same for all rows of a bulk execution. */
static bool bulk_may_have_given(const struct session *session, uint64_t id)
{
    const struct command_in_hand *command = session->command;
    const struct prepared *prepared = command->prepared;
    struct bulk_reader reader;
    struct parameter parameter;
    struct bulk bulk;

    if (command->is_partial ||
        bulk_decode(bytes_of(command->data + FRAME_HEAD_SIZE, command->size - FRAME_HEAD_SIZE),
                    prepared->parameters, &bulk) != PARSE_OK) {
        return true;
    }
    reader = bulk_parameters(&bulk, bytes_of(prepared->types, prepared->types_size));
    while (bulk_next(&reader, &parameter)) {
        if (may_be(&parameter, id)) {
            return true;
        }
    }
    return !bulk_is_read(&reader);
}

bool given_id_is_possible(const struct session *session, uint64_t id)
{
    const struct command_in_hand *command = session->command;
    const struct prepared *prepared = command->prepared;
    struct execute execute;
    struct parameter_reader reader;
    struct parameter parameter;
    struct bytes types;

    if (prepared == NULL || prepared->parameters == 0) {
        return false;
    }
    if (command->code == COMMAND_STMT_BULK_EXECUTE) {
        return bulk_may_have_given(session, id);
    }
    if (prepared->has_long_data || command->is_partial ||
        execute_decode(bytes_of(command->data + FRAME_HEAD_SIZE, command->size - FRAME_HEAD_SIZE),
                       prepared->parameters, session->capabilities, &execute) != PARSE_OK) {
        return true;
    }
    types = execute.types_sent ? execute.types : bytes_of(prepared->types, prepared->types_size);
    reader = execute_parameters(&execute, types, session->capabilities);
    while (reader.index < prepared->parameters && parameter_next(&reader, &parameter)) {
        if (may_be(&parameter, id)) {
            return true;
        }
    }
    return reader.types.failed || reader.values.failed || reader.index < prepared->parameters;
}
