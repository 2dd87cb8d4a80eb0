/*
 * The record of a command (proxy/statistics/record.h): made when the command ends, and handed to
 * the worker's statistics. What cannot be told then is noted in the command while it runs.
 */
#ifndef TIDEMARK_PROXY_CLIENT_RECORDING_H
#define TIDEMARK_PROXY_CLIENT_RECORDING_H

#include <stdbool.h>

struct response;
struct session;

/* It goes to the server whose connection is held. */
void recording_sent(struct session *session);

/* Its wait for a connection is over, for good or ill; its wait for a server that may serve it. */
void recording_waited(struct session *session);
void recording_found_server(struct session *session);

/* So much of the answer has gone to the client. */
void recording_answer(struct session *session, const struct response *response);

/* The command in hand, if there is one, is over, and its pins are learned. `is_aborted`: because
 * the session ends. */
void recording_end(struct session *session, bool is_aborted);

enum { RECORDING_TRACES = 100 }; /* sessions traced at once: each costs some 50 KiB */

/* Begins to trace the session, or ends it and forgets what was noted. False: too many are traced
 * already. */
bool recording_trace(struct session *session, bool is_on);

#endif
