/*
 * Executions in bulk. The first byte chooses how many parameters there are.
 */
#include "protocol/bulk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t head[BULK_HEAD_SIZE];
    struct writer w = writer_over(head, sizeof head);
    struct bulk bulk, again;
    struct parameter p;
    size_t read = 0;

    if (size == 0)
        return 0;
    struct bytes payload = bytes_after(bytes_of(data, size), 1);
    if (bulk_decode(payload, data[0], &bulk) != PARSE_OK)
        return 0;
    require(BULK_HEAD_SIZE + bulk.types.size + bulk.values.size == payload.size);
    bulk_head_encode(&w, &bulk);
    require(!w.failed && w.size == BULK_HEAD_SIZE);
    require(bulk_decode(writer_bytes(&w), 0, &again) == PARSE_OK && again.id == bulk.id);

    struct bulk_reader r = bulk_parameters(&bulk, bulk.types);
    while (bulk_next(&r, &p))
        read += 1 + p.value.size;
    require(read <= bulk.values.size);
    if (bulk_is_read(&r))
        require(bulk.values.size == 0 || bulk.parameters > 0);
    return 0;
}
