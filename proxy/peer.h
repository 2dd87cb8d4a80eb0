/*
 * A client's address as text: "192.0.2.1:56324", "2001:db8::1:56324" (the last colon is the
 * port's), "localhost" for a Unix socket.
 */
#ifndef TIDEMARK_PROXY_PEER_H
#define TIDEMARK_PROXY_PEER_H

#include "protocol/bytes.h"

#include <sys/socket.h>

enum { PEER_TEXT_BYTES = 48 };

void peer_text(const struct sockaddr_storage *address, char text[PEER_TEXT_BYTES]);

/* The part before the port: what servers show in user@host. A slice of `peer`. */
struct bytes peer_host(const char *peer);

#endif
