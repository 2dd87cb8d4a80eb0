/*
 * The longer reads: length-encoded integers and what is built on them.
 */
#include "protocol/reader.h"

#define LENENC_NULL 0xfb

uint64_t read_lenenc(struct reader *r)
{
    uint8_t first = read_u8(r);

    switch (first) {
    case LENENC_NULL:
    case 0xff:
        r->failed = true;
        r->at = r->end;
        return 0;
    case 0xfc:
        return read_u16(r);
    case 0xfd:
        return read_u24(r);
    case 0xfe:
        return read_u64(r);
    default:
        return first;
    }
}

struct bytes read_lenenc_bytes(struct reader *r)
{
    uint64_t size = read_lenenc(r);

    return read_bytes(r, size);
}

struct bytes read_lenenc_bytes_or_null(struct reader *r)
{
    if (reader_peek(r) == LENENC_NULL) {
        read_u8(r);
        return (struct bytes){NULL, 0};
    }
    return read_lenenc_bytes(r);
}

struct bytes read_nul_text(struct reader *r)
{
    const uint8_t *zero = NULL;

    if (!r->failed && reader_left(r) > 0)
        zero = memchr(r->at, 0, reader_left(r));
    if (!zero)
        return read_bytes(r, UINT64_MAX); /* fails */

    struct bytes text = read_bytes(r, (uint64_t)(zero - r->at));
    read_u8(r);
    return text;
}

struct bytes read_rest(struct reader *r)
{
    return read_bytes(r, reader_left(r));
}
