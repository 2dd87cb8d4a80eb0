/*
 * What a session holds on its connection by name: temporary tables, SQL PREPARE, handlers and user
 * locks. When the last one of a kind is gone, so is its pin.
 *
 * A name is put down when a statement that makes one has succeeded, and crossed out when one that
 * ends it has. Locks are counted, because each GET_LOCK takes one RELEASE_LOCK: who has released as
 * often as asked holds none, whatever the answers were. What was made without a name that can be
 * known (in a multi-statement, under a computed name, renamed since) holds the pin until the
 * session is reset, or until something ends all of that kind.
 */
#ifndef TIDEMARK_PROXY_CLIENT_HELD_H
#define TIDEMARK_PROXY_CLIENT_HELD_H

struct held;
struct session;

/* The statement in hand has succeeded; `made`: what it pins. Ends the pins of what is gone. */
void held_learn(struct session *session, unsigned made);

/* The statement in hand failed, but part of it may have made these. */
void held_is_unsure(struct session *session, unsigned made);

/* The session is back at its beginning, or ends. */
void held_forget(struct session *session);

#endif
