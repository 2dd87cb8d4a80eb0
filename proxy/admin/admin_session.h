/*
 * A client of the admin port.
 *
 *   LOGIN --> READY <--> ANSWERING          any --> CLOSING
 *
 *   LOGIN      the exchange goes on; no SQLite connection yet
 *   READY      waits for a command
 *   ANSWERING  a command's statements run, a turn at a time (admin_session_turn); rests while the
 *              stream is congested
 *   CLOSING    the stream is being closed; on_closed frees
 *
 * Everything runs on the admin port's thread.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ADMIN_SESSION_H
#define TIDEMARK_PROXY_ADMIN_ADMIN_SESSION_H

#include "protocol/bytes.h"
#include "protocol/error.h"
#include "protocol/writer.h"
#include "proxy/admin/reply.h"
#include "proxy/login_exchange.h"
#include "proxy/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct admin;
struct admin_prepared;
struct config;
struct engine;

enum admin_state { ADMIN_LOGIN, ADMIN_READY, ADMIN_ANSWERING, ADMIN_CLOSING };

enum { ADMIN_WHO_BYTES = 80, ADMIN_PEER_BYTES = 64 };

struct admin_session {
    struct admin *admin;                 /* borrower */
    struct admin_session *next, *before; /* in the admin's list, newest first */
    struct stream *client;               /* owner */
    uint32_t id;
    enum admin_state state;
    uint64_t since_ms; /* admin_now when the state, or the congestion, began */
    bool is_unix;
    bool is_local;     /* unix, or from loopback */
    bool is_read_only; /* once logged in */
    bool is_counted;   /* among the clients that are logged in */
    char peer[ADMIN_PEER_BYTES];
    char user[LOGIN_NAME_BYTES];
    char who[ADMIN_WHO_BYTES + ADMIN_PEER_BYTES]; /* "admin from 127.0.0.1:4711" */

    struct login_exchange *login; /* owner; LOGIN */
    struct config *config;        /* a reference; LOGIN: as it was in force when that began */
    struct engine *engine;        /* owner; from READY on */
    uint64_t capabilities;
    bool takes_several;  /* statements in one command; SET_OPTION changes it */
    uint64_t skip_bytes; /* of a command that is too long, still to come */
    bool skip_continues; /* ... and another packet of it follows */

    uint8_t sequence; /* of the next packet */
    struct writer out;
    char *text;              /* owner: of the command that is answered, or NULL */
    struct bytes rest;       /* statements that have not begun */
    sqlite3_stmt *statement; /* being answered, or NULL */
    bool is_statement_owned; /* to be finalized at its end; else a prepared one */
    struct reply reply;
    struct admin_prepared *prepared; /* owner: a list; admin_prepared.c */
    unsigned prepared_count;
    size_t prepared_bytes;  /* that these hold: texts of orders, values that came in pieces */
    uint32_t prepared_next; /* id of the next one */
};

extern const struct stream_events admin_session_stream_events;

/* Greets a new client, whose stream is set. */
void admin_session_greet(struct admin_session *session);

/* Lets it work for a while. True: it wants another turn as soon as others have had theirs. */
bool admin_session_turn(struct admin_session *session);

/* Ends it when it is over its time; every ADMIN_TICK_MS. */
void admin_session_tick(struct admin_session *session);

/* Sends an ERR and closes. */
void admin_session_fail(struct admin_session *session, const struct sql_error *error);
void admin_session_close(struct admin_session *session, const char *reason);

/* ---- between the files of the session ---- */

/* Writes packets of an answer; they go out with admin_session_flush. */
void admin_session_ok(struct admin_session *session, uint64_t affected, const char *info);
void admin_session_eof(struct admin_session *session);
void admin_session_error(struct admin_session *session, const struct sql_error *error);
void admin_session_flush(struct admin_session *session);

/* Status flags, STATUS_MORE_RESULTS among them while statements wait. */
uint16_t admin_session_status(const struct admin_session *session);

/* admin_commands.c: one command packet; false: the session was closed. */
void admin_command(struct admin_session *session, struct bytes payload);

/* Begins to answer statements, or one that was prepared (with its parameters bound). The text is
 * handed over (mem_free). */
void admin_session_run_text(struct admin_session *session, char *text, size_t size);
void admin_session_run_prepared(struct admin_session *session, sqlite3_stmt *statement);
/* An order that was prepared. */
void admin_session_run_order(struct admin_session *session, struct bytes text, bool is_binary);

/* ---- admin_prepared.c ---- */

void admin_prepare(struct admin_session *session, struct bytes sql);
void admin_execute(struct admin_session *session, struct bytes payload);
void admin_close_prepared(struct admin_session *session, struct bytes payload);
void admin_reset_prepared(struct admin_session *session, struct bytes payload);
void admin_long_data(struct admin_session *session, struct bytes payload);
void admin_forget_prepared(struct admin_session *session);

#endif
