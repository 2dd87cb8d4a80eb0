/*
 * The exchange joins a session and the server connection it holds for the time of one answer: bytes
 * from the server go to the client as they are, except the few packets that have to be looked at.
 *
 *     backend.c ──bytes of STEP_CLIENT──▶ exchange_read ──▶ client stream
 *                                             │ OK, EOF, ERR: learned from, trackers stripped
 *                                             └ the last packet: session_complete
 *
 * Neither side is read while the other one's queue is over its high water.
 */
#ifndef TIDEMARK_PROXY_EXCHANGE_H
#define TIDEMARK_PROXY_EXCHANGE_H

#include "protocol/error.h"
#include "protocol/ok.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct session;

/* Reads the answer to the client's command as far as it is there. False: more must come, or the
 * connection is no longer the session's. */
bool exchange_read(struct session *session, struct backend *backend);

/* All steps before the command are done (or failed, see backend->failure). */
void exchange_in_step(struct session *session);

/* Trackers that an EOF could not carry. */
void exchange_trackers(struct session *session, const struct ok_packet *ok);

/* A part of the answer that tells values of user variables. */
void exchange_variables(struct session *session, struct bytes part);

/* The held connection is gone. */
void exchange_lost(struct session *session, struct backend *backend, const struct sql_error *error);

/* No KILL is on its way to the held connection any more: a command that waited for that goes on. */
void exchange_kills_over(struct session *session);

/* The server's, or the client's, queue fell: the other side is read again. */
void exchange_server_drained(struct session *session);
void exchange_client_drained(struct session *session);

/* More of a long command, or of a file for LOAD DATA LOCAL: forwards what there is. */
void exchange_upload(struct session *session);

/* The command has left in full; one without an answer is over. */
void exchange_sent(struct session *session);

/* For the log and the pool. */
uint64_t session_number(const struct session *session);

#endif
