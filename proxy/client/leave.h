/*
 * Leaving a connection: what only it knows of the session is asked before others get it. That is a
 * LAST_INSERT_ID() which the session is not sure of (insert_id.h), and values of user variables
 * that no answer told (assigned.h).
 *
 * The session keeps such a connection until its next statement, so that what that asks (ROW_COUNT()
 * too) is as it should be, and goes on with it while it would come back to the same server anyway.
 * Others who wait for a connection get it nevertheless: then it is asked at once.
 */
#ifndef TIDEMARK_PROXY_CLIENT_LEAVE_H
#define TIDEMARK_PROXY_CLIENT_LEAVE_H

#include <stdbool.h>

struct session;

/* Nothing holds the connection but what can be asked. */
bool leave_is_possible(const struct session *session);

/* ... and there is something to be asked. */
bool leave_has_questions(const struct session *session);

/* Asks. True: the answers have to be awaited; leave_answered, then on from there. */
bool leave_ask(struct session *session);

/* The answers are there. */
void leave_answered(struct session *session);

/* Between two commands, somebody else needs the connection: asks, and gives it back then. */
void leave_begin(struct session *session);

/* What leave_begin began is over, with an answer or without. */
void leave_end(struct session *session);

#endif
