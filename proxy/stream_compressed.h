/*
 * Compression as a layer of a stream (stream.h), above TLS if there is any: put on when the login
 * has ended, it stays until the stream ends. Above it everything is as on a plain stream.
 *
 *     below ──▶ compressed packets ── unpacker ──▶ room.plain ──▶ owner
 *     below ◀── room.packer ◀── [ room.joined ] ◀── owner
 *
 * What one call writes becomes one packet (several, where it is much, or more than one command), at
 * once. Memory that is larger than a few hundred bytes is shared by all streams of a loop; a stream
 * has some of its own only while a compressed packet has come in part.
 *
 * A few bytes may expand to 16 MiB, and 64 KiB to thousands of times that, so an owner that is
 * paused, or has enough for now, is not given more than what fits the shared buffer: the rest stays
 * compressed, and nothing further is read from below, until it wants more (stream_hold). One that
 * wants it all gets half a megabyte per turn of the loop.
 */
#ifndef TIDEMARK_PROXY_STREAM_COMPRESSED_H
#define TIDEMARK_PROXY_STREAM_COMPRESSED_H

#include "protocol/compressed.h"
#include "proxy/stream.h"

#include <stdbool.h>

/* The memory that the compressed streams of one loop share; small until one needs it. */
struct compression_room;

struct compression_room *compression_room_new(void);
void compression_room_free(struct compression_room *room);

/* All that is written from here on is compressed, and all that comes and is not pending yet. The
 * peer is a client; what is pending behind its login is compressed, too. */
void stream_compress_client(struct stream *stream, struct compression_room *room,
                            enum compression compression, unsigned level);

/* The same for a server. What is pending is not compressed. */
void stream_compress_server(struct stream *stream, struct compression_room *room,
                            enum compression compression, unsigned level);

extern const struct stream_layer_operations stream_compressed_operations;

/* Ordinary packets' numbers mean nothing on such a stream. */
static inline bool stream_is_compressed(const struct stream *stream)
{
    return stream->top != NULL && stream->top->operations == &stream_compressed_operations;
}

/* COMPRESSION_NONE on a stream without. */
enum compression stream_compression(const struct stream *stream);

#endif
