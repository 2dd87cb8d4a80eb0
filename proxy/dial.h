/*
 * Connecting to a host of several addresses: they are tried in the system's order (RFC 6724, the
 * one in which the monitors' client library tries them too), the next one when the one before
 * refuses, fails, or does not answer in DIAL_PATIENCE_MS; the last has as long as the caller waits.
 * The name is looked up anew each time, in libuv's thread pool.
 */
#ifndef TIDEMARK_PROXY_DIAL_H
#define TIDEMARK_PROXY_DIAL_H

#include <netdb.h>
#include <uv.h>

enum { DIAL_PATIENCE_MS = 2000 };

struct dial;

/* A connected, non-blocking socket, which is the callee's now; or negative: why the last address,
 * or the lookup, failed. The dial is gone. Never called from within a call below. */
typedef void dial_done(void *context, int fd);

/* Looks the host up, then tries its addresses. NULL with *status set: cannot even be started. */
struct dial *dial_name(uv_loop_t *loop, const char *host, unsigned port, dial_done *done,
                       void *context, int *status);

/* The same with addresses that are known; the list is borrowed until the end. */
struct dial *dial_list(uv_loop_t *loop, const struct addrinfo *addresses, unsigned patience_ms,
                       dial_done *done, void *context);

/* Nobody waits for it any more; `done` is not called. */
void dial_cancel(struct dial *dial);

#endif
