/*
 * Streams over libuv: TCP and Unix sockets, accepted from a client or opened towards a server.
 */
#ifndef TIDEMARK_PROXY_STREAM_UV_H
#define TIDEMARK_PROXY_STREAM_UV_H

#include "proxy/stream.h"

#include <sys/socket.h>
#include <uv.h>

/* Takes over the connected socket `fd`. NULL when libuv refuses it; then `fd` is closed. The stream
 * frees itself after on_closed. Reading starts with stream_open. `read_buffer` is borrowed:
 * STREAM_HEADROOM_BYTES + STREAM_READ_BYTES, one for all streams of a loop. */
struct stream *uv_stream_adopt(uv_loop_t *loop, int fd, bool is_unix, uint8_t *read_buffer,
                               const struct stream_events *events, void *owner);

/* Connects to an address: AF_INET, AF_INET6 or AF_UNIX. on_connected follows, later. NULL with
 * *status set when nothing could even be started. */
struct stream *uv_stream_connect(uv_loop_t *loop, const struct sockaddr *address,
                                 uint8_t *read_buffer, const struct stream_events *events,
                                 void *owner, int *status);

/* The same with a host name, whose addresses are tried one after the other (proxy/dial.h). */
struct stream *uv_stream_connect_name(uv_loop_t *loop, const char *host, unsigned port,
                                      uint8_t *read_buffer, const struct stream_events *events,
                                      void *owner, int *status);

/* A duplicate of the socket's descriptor, which the caller owns: with it the connection can move to
 * another loop, once this stream is closed. Negative: a uv error. */
int uv_stream_duplicate(struct stream *stream);

#endif
