/*
 * Compressed packets, as they come in pieces, back into the bytes they carry, as pieces of whatever
 * size the caller has room for. A packet is never held as a whole, in either form: 16 MiB that a
 * few bytes expand to cost no more than the caller's buffer and the library's window.
 *
 *     step = unpack_next(&u, &in, out, capacity, &size);
 *     WANTS:  all of `in` is used, and more is needed;  size: bytes in `out` by now
 *     PACKET: a packet begins, u.sequence is its number; call again
 *     FULL:   `out` is full; call again, also when `in` is empty
 *     BAD:    the peer broke the protocol as u.problem says
 *
 * What a packet expands to must be exactly as long as its head says. The libraries' contexts are
 * needed only within a packet, so connections at rest have none: they are lent from a small store
 * that all connections of a thread share.
 */
#ifndef PROTOCOL_UNPACKER_H
#define PROTOCOL_UNPACKER_H

#include "protocol/compressed.h"

struct unpack_tool;

/* Contexts that wait to be used again. Zero-initialized it is empty. */
struct unpack_store {
    struct unpack_tool *free;             /* owner: list */
    unsigned count[COMPRESSION_ZSTD + 1]; /* in it, by enum compression */
};

void unpack_store_dispose(struct unpack_store *store);

struct unpacker {
    struct unpack_store *store; /* borrower */
    struct unpack_tool *tool;   /* owner; NULL unless within a compressed packet */
    const char *problem;        /* after UNPACK_BAD: fixed text */
    uint32_t left;              /* payload bytes of the packet that did not come yet */
    uint32_t plain_left;        /* bytes that it still has to expand to */
    uint8_t compression;        /* enum compression, not NONE */
    uint8_t sequence;           /* of the packet */
    uint8_t head[COMPRESSED_HEAD_SIZE];
    uint8_t head_size; /* bytes of it that came */
    bool is_in_packet, is_packed;
};

enum unpack_step { UNPACK_WANTS, UNPACK_PACKET, UNPACK_FULL, UNPACK_BAD };

void unpacker_init(struct unpacker *u, enum compression compression, struct unpack_store *store);
void unpacker_dispose(struct unpacker *u);

/* Takes bytes off the front of `in`, puts what they mean behind the `*size` bytes that are in `out`
 * already. Must not be called again after UNPACK_BAD. */
MUST_USE enum unpack_step unpack_next(struct unpacker *u, struct bytes *in, uint8_t *out,
                                      size_t capacity, size_t *size);

#endif
