/*
 * Packets that the proxy itself sends to a client: OK, ERR, and packets made elsewhere.
 */
#ifndef TIDEMARK_PROXY_CLIENT_SEND_H
#define TIDEMARK_PROXY_CLIENT_SEND_H

#include "protocol/bytes.h"
#include "protocol/error.h"

#include <stdint.h>

struct session;

/* An OK with the session's present status flags. */
void send_ok(struct session *session, uint8_t sequence);

/* The OK that ends a login: a client that tracks session state is told its schema, as by a server.
 */
void send_login_ok(struct session *session, uint8_t sequence);

/* An OK as answer to a command whose servers answer with EOF: EOF, or OK under DEPRECATE_EOF. */
void send_eof(struct session *session, uint8_t sequence);

void send_error(struct session *session, const struct sql_error *error, uint8_t sequence);

/* One packet with this payload. */
void send_payload(struct session *session, struct bytes payload, uint8_t sequence);

#endif
