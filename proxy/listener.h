/*
 * The sockets that clients connect to. They live on the control thread's loop; an accepted client
 * is handed to a worker at once, so the control thread never reads a byte of it.
 */
#ifndef TIDEMARK_PROXY_LISTENER_H
#define TIDEMARK_PROXY_LISTENER_H

#include "proxy/config/config.h"

#include <stdbool.h>
#include <uv.h>

/* A listening socket for the address, non-blocking, or a negative errno. A socket file that nobody
 * listens on any more is replaced; the new one is the caller's to remove. Owner: the caller. */
int listener_socket(const struct config_address *address);

struct listener;

/* Called with each accepted socket, which it then owns. */
typedef void listener_accept(void *context, int fd, bool is_unix, const char *peer);

/* Listens. NULL: not possible; an error with the reason was logged. */
struct listener *listener_open(uv_loop_t *loop, const struct config_address *address,
                               listener_accept *accept, void *context);

/* Stops listening; frees itself once the loop has let go of it. A Unix socket's file is removed. */
void listener_close(struct listener *listener);

#endif
