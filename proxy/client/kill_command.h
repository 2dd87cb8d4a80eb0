/*
 * KILL and COM_PROCESS_KILL of clients. The ids they name are those that the proxy shows; they are
 * never sent to a server, but mapped to the session of that id and to the server connection on
 * which it runs something. A user may kill its own sessions only.
 *
 *     asker ──order──▶ worker that has the session: closes it, or ends its command
 *       └─────────── OK or ERR, in order ──────────┘
 */
#ifndef TIDEMARK_PROXY_CLIENT_KILL_COMMAND_H
#define TIDEMARK_PROXY_CLIENT_KILL_COMMAND_H

#include <stdbool.h>

struct session;
struct worker;

/* Why the statement in hand, a KILL, is answered here; NULL: it is none, or it goes to the primary,
 * because it names no connection. */
const char *kill_why(const struct session *session);

/* Serves the statement in hand, for which kill_why has a reason: COM_QUERY or STMT_EXECUTE. */
void kill_statement(struct session *session);

/* Serves COM_PROCESS_KILL. */
void kill_process(struct session *session);

/* The command in hand was interrupted before it reached a server: then it is over, with an error.
 */
bool kill_ends_command(struct session *session);

/* For the worker: mail came; it has ended and reads no more. */
void kill_read_post(struct worker *worker);
void kill_close_post(struct worker *worker);

#endif
