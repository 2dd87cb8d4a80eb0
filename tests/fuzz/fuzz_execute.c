/*
 * EXECUTE, QUERY with attributes, and the prepare response. The first byte chooses parameters and
 * dialect.
 */
#include "protocol/capability.h"
#include "protocol/prepared.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void try_execute(struct bytes payload, uint16_t parameters, uint64_t capabilities)
{
    struct bytes slices[EXECUTE_SLICES];
    struct execute execute;

    if (execute_decode(payload, parameters, capabilities, &execute) != PARSE_OK)
        return;

    size_t flag = execute.parameters > 0;
    require(execute.head.size + flag + execute.types.size + execute.values.size == payload.size);
    require(execute.nulls.size == (execute.parameters + 7) / 8);

    size_t count = execute_with_types(&execute, payload, bytes_of_text("types"), slices), sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += slices[i].size;
    require(sum == payload.size + (count > 1 ? 5 : 0));
}

static void try_query(struct bytes payload, uint64_t capabilities)
{
    struct query query;
    struct parameter p;
    uint64_t seen = 0;

    if (query_decode(payload, capabilities, &query) != PARSE_OK)
        return;
    require(1 + query.prefix.size + query.text.size == payload.size);

    struct parameter_reader r = query_attributes(&query);
    while (parameter_next(&r, &p))
        seen++;
    require(seen == query.attributes && reader_is_done(&r.values) && reader_is_done(&r.types));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prepare_ok ok;
    struct bytes rest;
    uint32_t id, rows;
    uint16_t parameter;

    if (size == 0)
        return 0;
    uint64_t capabilities = data[0] & 0x80 ? CAPABILITY_QUERY_ATTRIBUTES : 0;
    struct bytes payload = bytes_after(bytes_of(data, size), 1);

    try_execute(payload, data[0] & 0x7f, capabilities);
    try_query(payload, capabilities);
    (void)!prepare_ok_decode(payload, capabilities, &ok);
    (void)!statement_id_read(payload, &id);
    (void)!fetch_decode(payload, &id, &rows);
    (void)!long_data_decode(payload, &id, &parameter, &rest);
    return 0;
}
