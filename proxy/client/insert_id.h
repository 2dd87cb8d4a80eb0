/*
 * LAST_INSERT_ID() of a session whose connections change. The session's own (last_insert_id) and
 * the connection's (backend.insert_id) differ until a statement refers to it; then the connection
 * is given the session's.
 *
 * After a write that may or may not have changed it (router/insert_id.h) both stay as they were and
 * the session is unsure. Before it leaves the connection (leave.h) the server is asked: if the
 * connection's is still what it was, the session's is too, else it is the new one. A session that
 * never gives ids itself is never unsure.
 *
 * What remains: an id that is by chance the one which another session's statement had left behind
 * on the same connection counts as none.
 */
#ifndef TIDEMARK_PROXY_CLIENT_INSERT_ID_H
#define TIDEMARK_PROXY_CLIENT_INSERT_ID_H

#include "protocol/writer.h"

#include <stdbool.h>
#include <stdint.h>

struct replay;
struct session;

/* It is this now, on the held connection too. */
void insert_id_is(struct session *session, uint64_t id);

/* The statement in hand is over; its OKs told command.told_id. */
void insert_id_judge(struct session *session);

/* Writes what asks an unsure session's connection for it, and has the answer awaited (leave.h).
 * False: that did not work. */
bool insert_id_ask(struct session *session, struct writer *out);

/* The command in hand refers to it, and what the held connection would answer is not the session's.
 */
bool insert_id_is_owed(const struct session *session);

/* Puts that right with what is added to the plan. False: no room. */
bool insert_id_pay(struct session *session, struct replay *plan);

#endif
