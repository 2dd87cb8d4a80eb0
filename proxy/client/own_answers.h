/*
 * Statements that the proxy answers itself, because no server could: the client's connection id,
 * KILL, and the client's own wishes for session tracking.
 */
#ifndef TIDEMARK_PROXY_CLIENT_OWN_ANSWERS_H
#define TIDEMARK_PROXY_CLIENT_OWN_ANSWERS_H

#include <stdbool.h>

struct session;

/* Why the classified statement in hand is answered here; NULL: it is not. */
const char *own_answer_why(const struct session *session);

/* Answers the classified statement in hand, if it is one of these; then the command is over. */
bool own_answer(struct session *session);

#endif
