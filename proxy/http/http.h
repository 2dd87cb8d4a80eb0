/*
 * The HTTP port: /metrics for Prometheus, /livez and /readyz for whoever starts and stops programs.
 *
 * It has threads of its own, so that it answers whatever the control thread and the admin port are
 * doing; it reads snapshots, and asks the workers what only they know, in bounded time. It changes
 * nothing, and what it shows holds no secrets: names of servers and users, and figures.
 */
#ifndef TIDEMARK_PROXY_HTTP_HTTP_H
#define TIDEMARK_PROXY_HTTP_HTTP_H

#include "proxy/config/config.h"

struct http;
struct program;

/* Serves on `address`, which must not be of kind CONFIG_ADDRESS_NONE. The program outlives it.
 * NULL: it cannot be served there; an error was logged. Owner: the caller, http_stop. */
struct http *http_start(struct program *program, const struct config_address *address);

/* Ends all requests and connections, and returns when no thread of it is left. NULL is fine. */
void http_stop(struct http *http);

#endif
