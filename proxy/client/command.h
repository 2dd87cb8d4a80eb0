/*
 * A command from its packet to the server: taken off the client's stream, understood, routed, given
 * a connection, and sent once that connection is in the session's state.
 *
 *   command_read ─▶ take ─▶ by code: answered here | statement ─▶ choose ─▶ lease ─▶ command_send
 *                                                                              │
 *                                 in step already, or made so in the same write├─▶ RELAYING
 *                                                         awaited first ───────┴─▶ SYNCING ─▶ again
 */
#ifndef TIDEMARK_PROXY_CLIENT_COMMAND_H
#define TIDEMARK_PROXY_CLIENT_COMMAND_H

#include "protocol/error.h"

#include <stdbool.h>

struct session;

enum { COMMAND_PAUSE_MS = 300000 }; /* how long a statement waits for RESUME */

/* Takes the next command, if it is there. */
void command_read(struct session *session);

/* Login: enters the client's default schema on some server. */
void command_try_schema(struct session *session);

/* What command_place asks first, also for EXPLAIN ROUTE (explain_route.h): the pins that are left
 * when the command in hand begins; whether the session holds a connection to a replica; whether a
 * READ ONLY transaction there ends because another one begins, which may write. */
unsigned command_pins_that_stay(const struct session *session);
bool command_is_on_replica(const struct session *session);
bool command_begins_after_read_only(const struct session *session);

/* Routes the command in hand (again) and gets a connection for it. */
void command_place(struct session *session);

/* The lease is held: brings the connection in step and sends the command. */
void command_send(struct session *session);

/* The server could not be reached, or was lost before or while it answered. True: the command was
 * placed anew, on another server. */
bool command_try_elsewhere(struct session *session, int server);

/* No connection to the server could be made, and the command never left: unless the server refused
 * the login, or [proxy] failover_wait_ms is over, it is placed again soon. False: it is not. */
bool command_wait_for_server(struct session *session, const struct sql_error *error);

/* Whoever waits for a connection to this server (-1: to any) waits no more: its command is placed
 * anew, by what is true now. */
void command_recall(struct session *session, int server);

/* For sessions that found no server: tries again, or gives up when their time is over. */
void command_retry_serverless(struct session *session, uint64_t now);

#endif
