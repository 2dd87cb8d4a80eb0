/*
 * See unpacker.h.
 */
#include "protocol/unpacker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
    STORE_TOOLS = 4,            /* of each kind kept for later; more go back to the system */
    STORE_TOOL_BYTES = 4 << 20, /* nor are larger ones kept */
    WINDOW_LOG_MAX = 24,        /* no packet expands to more than this, so no frame needs more */
};

struct unpack_tool {
    struct unpack_tool *next; /* in the store */
    uint8_t compression;
    z_stream zlib;
    ZSTD_DCtx *zstd; /* owner */
};

/* ---- contexts ---- */

static void tool_free(struct unpack_tool *tool)
{
    if (tool->compression == COMPRESSION_ZLIB) {
        inflateEnd(&tool->zlib);
    }
    ZSTD_freeDCtx(tool->zstd);
    free(tool);
}

void unpack_store_dispose(struct unpack_store *store)
{
    struct unpack_tool *next;

    for (struct unpack_tool *tool = store->free; tool != NULL; tool = next) {
        next = tool->next;
        tool_free(tool);
    }
    *store = (struct unpack_store){0};
}

static struct unpack_tool *tool_new(uint8_t compression)
{
    struct unpack_tool *tool = calloc(1, sizeof *tool);
    bool is_made = false;

    if (tool != NULL) {
        tool->compression = compression;
        if (compression == COMPRESSION_ZLIB) {
            is_made = inflateInit(&tool->zlib) == Z_OK;
        } else {
            tool->zstd = ZSTD_createDCtx();
            is_made = tool->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                                tool->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
        }
    }
    if (!is_made) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return tool;
}

static struct unpack_tool *tool_take(struct unpack_store *store, uint8_t compression)
{
    for (struct unpack_tool **at = &store->free; *at != NULL; at = &(*at)->next) {
        struct unpack_tool *tool = *at;

        if (tool->compression == compression) {
            *at = tool->next;
            store->count[compression]--;
            return tool;
        }
    }
    return tool_new(compression);
}

/* In whatever state it is. */
static void tool_return(struct unpack_store *store, struct unpack_tool *tool)
{
    bool is_kept = store->count[tool->compression] < STORE_TOOLS;

    if (tool->compression == COMPRESSION_ZLIB) {
        is_kept = inflateReset(&tool->zlib) == Z_OK && is_kept;
    } else {
        is_kept = is_kept && ZSTD_sizeof_DCtx(tool->zstd) <= STORE_TOOL_BYTES &&
                  !ZSTD_isError(ZSTD_DCtx_reset(tool->zstd, ZSTD_reset_session_only));
    }
    if (!is_kept) {
        tool_free(tool);
        return;
    }
    tool->next = store->free;
    store->free = tool;
    store->count[tool->compression]++;
}

/* ---- one call of a library ---- */

struct stretch {
    struct bytes in;
    uint8_t *out;
    size_t room;
    size_t consumed, produced;
    bool is_end, is_bad;
};

static void inflate_some(struct unpack_tool *tool, struct stretch *stretch)
{
    static const uint8_t nothing = 0;
    z_stream *zlib = &tool->zlib;
    int result;

    zlib->next_in =
        (z_const Bytef *)(uintptr_t)(stretch->in.size > 0 ? stretch->in.data : &nothing);
    zlib->avail_in = (uInt)stretch->in.size;
    zlib->next_out = stretch->out;
    zlib->avail_out = (uInt)stretch->room;
    result = inflate(zlib, Z_NO_FLUSH);
    stretch->consumed = stretch->in.size - zlib->avail_in;
    stretch->produced = stretch->room - zlib->avail_out;
    stretch->is_end = result == Z_STREAM_END;
    /* Z_BUF_ERROR: there was nothing that it could do. */
    stretch->is_bad = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
}

static void zstd_some(struct unpack_tool *tool, struct stretch *stretch)
{
    ZSTD_inBuffer in = {stretch->in.data, stretch->in.size, 0};
    ZSTD_outBuffer out = {stretch->out, stretch->room, 0};
    size_t result = ZSTD_decompressStream(tool->zstd, &out, &in);

    stretch->is_bad = ZSTD_isError(result) != 0;
    stretch->is_end = result == 0;
    stretch->consumed = in.pos;
    stretch->produced = out.pos;
}

/* ---- the machine ---- */

void unpacker_init(struct unpacker *u, enum compression compression, struct unpack_store *store)
{
    *u = (struct unpacker){.store = store, .compression = (uint8_t)compression};
}

static void end_packet(struct unpacker *u)
{
    if (u->tool != NULL) {
        tool_return(u->store, u->tool);
        u->tool = NULL;
    }
    u->is_in_packet = false;
    u->head_size = 0;
}

void unpacker_dispose(struct unpacker *u)
{
    end_packet(u);
}

static enum unpack_step bad(struct unpacker *u, const char *problem)
{
    u->problem = problem;
    return UNPACK_BAD;
}

static enum unpack_step begin_packet(struct unpacker *u, struct bytes *in)
{
    size_t part = COMPRESSED_HEAD_SIZE - (size_t)u->head_size;
    struct compressed_head head;

    part = part < in->size ? part : in->size;
    if (part > 0) {
        memcpy(u->head + u->head_size, in->data, part);
    }
    *in = bytes_after(*in, part);
    u->head_size = (uint8_t)(u->head_size + part);
    if (u->head_size < COMPRESSED_HEAD_SIZE) {
        return UNPACK_WANTS;
    }
    head = compressed_head_read(u->head);
    u->is_in_packet = true;
    u->is_packed = head.plain_size > 0;
    u->sequence = head.sequence;
    u->left = head.size;
    u->plain_left = head.plain_size;
    if (u->is_packed) {
        u->tool = tool_take(u->store, u->compression);
    }
    return UNPACK_PACKET;
}

/* A payload that is not compressed. */
static enum unpack_step copy(struct unpacker *u, struct bytes *in, uint8_t *out, size_t capacity,
                             size_t *size)
{
    size_t part = u->left < in->size ? u->left : in->size;

    part = part < capacity - *size ? part : capacity - *size;
    if (part > 0) {
        memcpy(out + *size, in->data, part);
    }
    *in = bytes_after(*in, part);
    *size += part;
    u->left -= (uint32_t)part;
    if (u->left == 0) {
        end_packet(u);
        return UNPACK_PACKET;
    }
    return in->size == 0 ? UNPACK_WANTS : UNPACK_FULL;
}

/* UNPACK_PACKET: the packet's end was reached, or something was done and more can be. */
static enum unpack_step expand(struct unpacker *u, struct bytes *in, uint8_t *out, size_t capacity,
                               size_t *size)
{
    uint8_t beyond; /* one byte of room shows whether something comes that must not */
    size_t room = u->plain_left < capacity - *size ? u->plain_left : capacity - *size;
    struct stretch stretch = {
        .in = bytes_first(*in, u->left),
        .out = u->plain_left > 0 ? out + *size : &beyond,
        .room = u->plain_left > 0 ? room : 1,
    };

    if (stretch.room == 0) {
        return UNPACK_FULL;
    }
    if (u->compression == COMPRESSION_ZLIB) {
        inflate_some(u->tool, &stretch);
    } else {
        zstd_some(u->tool, &stretch);
    }
    if (stretch.is_bad) {
        return bad(u, "what is compressed in a packet is malformed");
    }
    if (stretch.produced > u->plain_left) {
        return bad(u, "a compressed packet is longer than it says");
    }
    *in = bytes_after(*in, stretch.consumed);
    *size += stretch.produced;
    u->left -= (uint32_t)stretch.consumed;
    u->plain_left -= (uint32_t)stretch.produced;
    if (stretch.is_end) {
        if (u->plain_left > 0 || u->left > 0) {
            return bad(u, "a compressed packet is shorter than it says");
        }
        end_packet(u);
        return UNPACK_PACKET;
    }
    if (stretch.produced == stretch.room) {
        return UNPACK_PACKET; /* more may be inside */
    }
    if (u->left == 0) {
        return bad(u, "what is compressed in a packet is cut off");
    }
    if (in->size == 0) {
        return UNPACK_WANTS;
    }
    return stretch.consumed > 0 ? UNPACK_PACKET
                                : bad(u, "what is compressed in a packet is malformed");
}

enum unpack_step unpack_next(struct unpacker *u, struct bytes *in, uint8_t *out, size_t capacity,
                             size_t *size)
{
    enum unpack_step step = UNPACK_PACKET;

    if (!u->is_in_packet) {
        return begin_packet(u, in);
    }
    while (u->is_in_packet && step == UNPACK_PACKET) {
        step = u->is_packed ? expand(u, in, out, capacity, size) : copy(u, in, out, capacity, size);
    }
    return step == UNPACK_PACKET ? begin_packet(u, in) : step;
}
