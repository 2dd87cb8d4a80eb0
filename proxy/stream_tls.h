/*
 * TLS as a layer of a stream (stream.h): put on when the login asks for it, it stays until the
 * stream ends. It is always the lowest layer. Above it everything is as on a clear-text stream.
 *
 *      carrier ──▶ [ records ] ── SSL_read ──▶ room.plain ──▶ stream_show
 *      carrier ◀── room.sealed ◀── SSL_write ── [ room.joined ] ◀── stream_write
 *
 * OpenSSL reads the carrier's bytes where they lie and writes into a buffer that all streams of a
 * loop share, so a connection at rest has no buffer of its own. What the socket refuses is queued
 * sealed, by the stream, whose high and low water therefore hold as ever.
 *
 * Renegotiation is off. A client's stream that is closed in good order says close_notify; a peer
 * that ends without one has simply ended, because every packet of the protocol tells its own
 * length.
 */
#ifndef TIDEMARK_PROXY_STREAM_TLS_H
#define TIDEMARK_PROXY_STREAM_TLS_H

#include "proxy/stream.h"

#include <stdbool.h>

struct tls;

/* The buffers that the TLS streams of one loop share. */
struct tls_room;

struct tls_room *tls_room_new(void);
void tls_room_free(struct tls_room *room);

/* The client asked for TLS and its request has been consumed: what is pending behind it, and all
 * that comes, is TLS. False: what is pending is not; the caller then closes, the client has been
 * told as TLS tells it. A later failure is told by on_end. */
MUST_USE bool stream_tls_accept(struct stream *stream, struct tls *tls, struct tls_room *room);

/* The server was asked for TLS; on_secured or on_end follows. `host` is its name or address as
 * configured, `checks_host`: its certificate must be for that. False: it cannot begin, or bytes are
 * pending, which came in clear text where none may. */
MUST_USE bool stream_tls_connect(struct stream *stream, struct tls *tls, struct tls_room *room,
                                 const char *host, bool checks_host);

extern const struct stream_layer_operations stream_tls_operations;

/* Is what passes here encrypted? */
static inline bool stream_is_tls(const struct stream *stream)
{
    return stream->lowest != NULL && stream->lowest->operations == &stream_tls_operations;
}

/* The peer has shown a certificate that one of the authorities has signed. */
bool stream_tls_peer_is_certified(const struct stream *stream);

/* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" on a stream without TLS. */
const char *stream_tls_version(const struct stream *stream);
const char *stream_tls_cipher(const struct stream *stream);

#endif
