/*
 * Reading the protocol's integers and strings from a slice, little-endian. The reader is sticky:
 * after the first read beyond the end (or of a malformed integer) `failed` stays set and every
 * further read gives zero or an empty slice, so that a decoder reads all its fields and checks
 * once. Every length that a peer wrote is compared with what is really there before it is used.
 *
 * Manual page: page_protocol_basic_data_types (MySQL), "Protocol data types" (MariaDB).
 */
#ifndef PROTOCOL_READER_H
#define PROTOCOL_READER_H

#include "protocol/bytes.h"

/* What a decoder says of bytes from a peer. */
enum parse {
    PARSE_OK,   /* decoded */
    PARSE_MORE, /* a good beginning; more bytes are needed */
    PARSE_BAD   /* no continuation of these bytes can be right */
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_over(struct bytes b)
{
    return (struct reader){b.data, b.data ? b.data + b.size : b.data, false};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* True when nothing failed and nothing is left. */
static inline bool reader_is_done(const struct reader *r)
{
    return !r->failed && r->at == r->end;
}

/* The next `size` bytes, or an empty slice and failure. */
static inline struct bytes read_bytes(struct reader *r, uint64_t size)
{
    if (r->failed || size > reader_left(r)) {
        r->failed = true;
        r->at = r->end;
        return (struct bytes){NULL, 0};
    }
    struct bytes b = {r->at, (size_t)size};
    if (b.size)
        r->at += b.size;
    return b;
}

static inline uint64_t read_little_endian(struct reader *r, unsigned width)
{
    struct bytes b = read_bytes(r, width);
    uint64_t value = 0;

    for (size_t i = b.size; i-- > 0;)
        value = value << 8 | b.data[i];
    return value;
}

static inline uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_little_endian(r, 1);
}

static inline uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_little_endian(r, 2);
}

static inline uint32_t read_u24(struct reader *r)
{
    return (uint32_t)read_little_endian(r, 3);
}

static inline uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_little_endian(r, 4);
}

static inline uint64_t read_u64(struct reader *r)
{
    return read_little_endian(r, 8);
}

/* The next byte without taking it; zero at the end, without failure. */
static inline uint8_t reader_peek(const struct reader *r)
{
    return !r->failed && r->at < r->end ? *r->at : 0;
}

/* A length-encoded integer. 0xfb (NULL) and 0xff (ERR) are no integers and fail. */
uint64_t read_lenenc(struct reader *r);

/* A string with a length-encoded length; NULL (0xfb) fails. */
struct bytes read_lenenc_bytes(struct reader *r);

/* The same where NULL is allowed: then `data` is a null pointer (it never is otherwise). */
struct bytes read_lenenc_bytes_or_null(struct reader *r);

/* A string that ends at a zero byte; the zero is taken and not part of the slice. No zero: fails.
 */
struct bytes read_nul_text(struct reader *r);

/* All that is left; empty at the end, without failure. */
struct bytes read_rest(struct reader *r);

#endif
