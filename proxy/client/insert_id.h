/*
 * LAST_INSERT_ID() of a session whose connections change. The session's own (last_insert_id) and
 * the connection's (backend.insert_id) differ until a statement refers to it; then the connection
 * is given the session's.
 *
 * After a write that may or may not have changed it (router/insert_id.h) both stay as they were and
 * the session is unsure. It keeps the connection until its next statement, as it does for warnings,
 * so that what that asks (ROW_COUNT() too) is as it should be, and goes on with it while it would
 * come back to the same server anyway. Before the connection is lent on, the server is asked: if
 * the connection's is still what it was, the session's is too, else it is the new one. A session
 * that never gives ids itself is never unsure.
 *
 * What remains: an id that is by chance the one which another session's statement had left behind
 * on the same connection counts as none.
 */
#ifndef TIDEMARK_PROXY_CLIENT_INSERT_ID_H
#define TIDEMARK_PROXY_CLIENT_INSERT_ID_H

#include <stdbool.h>
#include <stdint.h>

struct replay;
struct session;

/* It is this now, on the held connection too. */
void insert_id_is(struct session *session, uint64_t id);

/* The statement in hand is over; its OKs told command.told_id. */
void insert_id_judge(struct session *session);

/* Nothing holds the connection any more: asks for it where it is not known. True: the answer has to
 * be awaited (exchange_in_step goes on from there). */
bool insert_id_fetch(struct session *session);

/* Between two commands, somebody else needs the connection of an unsure session: asks, and gives it
 * back then. */
void insert_id_settle(struct session *session);

/* What insert_id_settle began is over, with an answer or without; the connection is given back. */
void insert_id_settled(struct session *session);

/* The command in hand refers to it, and what the held connection would answer is not the session's.
 */
bool insert_id_is_owed(const struct session *session);

/* Puts that right with what is added to the plan. False: no room. */
bool insert_id_pay(struct session *session, struct replay *plan);

#endif
