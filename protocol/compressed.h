/*
 * Compressed packets, which carry the ordinary ones once both sides have agreed on compression at
 * login: the bytes of ordinary packets, cut anywhere.
 *
 *     OFFSET  SIZE
 *          0     3  length of the payload
 *          3     1  sequence id, of its own: 0 begins a command, then one more per compressed
 * packet 4     3  length of the payload before it was compressed; 0: it is not compressed
 *
 * The payload is one zlib stream or one zstd frame. Ordinary sequence ids inside mean nothing: each
 * server sets its own to that of the compressed packet whenever it has flushed, and checks none.
 *
 * Manual pages: page_protocol_basic_compression (MySQL), "0-packet" (MariaDB).
 */
#ifndef PROTOCOL_COMPRESSED_H
#define PROTOCOL_COMPRESSED_H

#include "protocol/capability.h"
#include "protocol/reader.h"

enum compression { COMPRESSION_NONE, COMPRESSION_ZLIB, COMPRESSION_ZSTD };

enum {
    COMPRESSED_HEAD_SIZE = 7,
    COMPRESSED_FROM = 50, /* shorter payloads are sent as they are: MIN_COMPRESS_LENGTH */
    ZLIB_LEVEL_MAX = 9,
    ZSTD_LEVEL_MAX = 22,
};

struct compressed_head {
    uint32_t size; /* of the payload as sent */
    uint8_t sequence;
    uint32_t plain_size; /* 0: not compressed */
};

static inline uint32_t compressed_u24(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

static inline struct compressed_head compressed_head_read(const uint8_t head[COMPRESSED_HEAD_SIZE])
{
    return (struct compressed_head){compressed_u24(head), head[3], compressed_u24(head + 4)};
}

static inline void compressed_head_write(uint8_t head[COMPRESSED_HEAD_SIZE],
                                         struct compressed_head values)
{
    head[0] = (uint8_t)values.size;
    head[1] = (uint8_t)(values.size >> 8);
    head[2] = (uint8_t)(values.size >> 16);
    head[3] = values.sequence;
    head[4] = (uint8_t)values.plain_size;
    head[5] = (uint8_t)(values.plain_size >> 8);
    head[6] = (uint8_t)(values.plain_size >> 16);
}

/* What the capabilities that were agreed on mean; servers prefer zlib where both were. */
static inline enum compression compression_of(uint64_t capabilities)
{
    return capabilities & CAPABILITY_COMPRESS ? COMPRESSION_ZLIB
           : capabilities & CAPABILITY_ZSTD   ? COMPRESSION_ZSTD
                                              : COMPRESSION_NONE;
}

/* "zlib", "zstd", "" for none. */
static inline const char *compression_name(enum compression compression)
{
    return compression == COMPRESSION_ZLIB ? "zlib" : compression == COMPRESSION_ZSTD ? "zstd" : "";
}

#endif
