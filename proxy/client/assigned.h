/*
 * What a session has assigned to user variables, and how that becomes part of its environment, so
 * that it goes along to other connections.
 *
 *     SET @x = 1                  known from the text: nothing is held
 *     SELECT ... INTO @x, :=      the name is noted, and the connection kept (PIN_USER_VARIABLE)
 *        before the session leaves the connection (leave.h):
 *           SELECT @x, COLLATION(@x), HEX(@x)  ─▶ user_variables.h ─▶ the session's environment
 *
 * What cannot be had in this way (names that are not plain, more or larger values than are kept,
 * values of types that no expression gives) keeps the session on its connection until it is reset;
 * PIN_UNKNOWN says so.
 * Triggers may assign too, and servers do not always tell: after a write all that are known are
 * read back. Stored programs pin for themselves.
 */
#ifndef TIDEMARK_PROXY_CLIENT_ASSIGNED_H
#define TIDEMARK_PROXY_CLIENT_ASSIGNED_H

#include "protocol/bytes.h"
#include "protocol/writer.h"

#include <stdbool.h>

struct assigned;
struct environment;
struct environment_store;
struct session;

/* The statement in hand is over and may have given values to user variables. True: the session has
 * to keep its connection, for the time being or for good. */
bool assigned_learn(struct session *session);

/* The session's character set may have become one in which answers cannot be read here. */
void assigned_check_charset(struct session *session);

/* The statement in hand, a write, may have given a variable another value without saying so: one
 * that it names and that was never set, or through a trigger any that is set. */
bool assigned_may_change(const struct session *session);

/* PIN_USER_VARIABLE is there only until the values are read back, and they can be. */
bool assigned_is_readable(const struct session *session);

/* Writes the question, and has its answer awaited. False: that did not work. */
bool assigned_ask(struct session *session, struct writer *out);

/* A part of the answer. */
void assigned_take(struct session *session, struct bytes part);

/* The answer is complete, or an error: PIN_USER_VARIABLE ends, or is there for good. */
void assigned_answered(struct session *session);

/* `environment` with the user variables that there were in `prepared`; others stay. A reference for
 * the caller; NULL: too many. */
const struct environment *assigned_as_prepared(struct environment_store *store,
                                               const struct environment *environment,
                                               const struct environment *prepared);

/* The session is back at its beginning, or ends. */
void assigned_forget(struct session *session);

#endif
