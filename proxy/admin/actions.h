/*
 * What the short commands of the admin port do, and what UPDATE servers SET state does. Parsing
 * them is command.c's; here are the deeds.
 *
 * All are for the admin port's thread. `who` ("admin from 127.0.0.1:4711") is for the log and the
 * events. Each answers true with a sentence about what was done, or false with why not, in
 * *message (owner: the caller, mem_free; never NULL afterwards). A deed that has been done is an
 * event; one that changes nothing (PAUSE while paused) is not, and is no error.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ACTIONS_H
#define TIDEMARK_PROXY_ADMIN_ACTIONS_H

#include "protocol/bytes.h"
#include "proxy/admin/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program;
struct admin_rows;

/* KILL SESSION id. The client's connection is closed, with the error that its server would give;
 * the server connection that it holds is closed as well, and a statement that still runs there is
 * ended with a KILL by the same user, so that no lock outlives the session. False: no such one. */
bool action_kill_session(struct program *program, uint64_t session, const char *who,
                         char **message);

/* PAUSE and RESUME: while paused, statements that begin wait; what runs goes on, and so does a
 * session that holds a connection (a transaction goes on to its end). */
bool action_pause(struct program *program, const char *who, char **message);
bool action_resume(struct program *program, const char *who, char **message);

/* DRAIN SERVER name, ENABLE SERVER name: it gets no new statements; what holds a connection to it
 * goes on. False: no server of that name. */
bool action_drain_server(struct program *program, const char *name, bool is_draining,
                         const char *who, char **message);

/* RESET STATEMENTS: the digest tables of all workers begin anew. */
bool action_reset_statements(struct program *program, const char *who, char **message);

/* SHUTDOWN: ends the program with drain, or at once. */
bool action_shut_down(struct program *program, bool is_at_once, const char *who, char **message);

/* EXPLAIN ROUTE sql [FOR USER name | FOR SESSION id]: one row per server, of
 * action_explain_columns, appended to `rows`. False: no such user or session. */
struct explain_request {
    struct bytes sql;
    uint64_t session;   /* as it would go in the present state of this session; 0: in a new one */
    const char *user;   /* a new one of this user; NULL: the first one configured */
    const char *schema; /* ... in this schema; NULL: one that has the tables that are named */
};

extern const struct admin_column action_explain_columns[];
extern const size_t action_explain_column_count;
bool action_explain_route(struct program *program, const struct explain_request *request,
                          struct admin_rows *rows, char **message);

/* TRACE SESSION id [OFF]: its statements are noted from now on (or no longer); the rows, of
 * action_trace_columns, are those noted so far, oldest first. False: no such session. */
extern const struct admin_column action_trace_columns[];
extern const size_t action_trace_column_count;
bool action_trace_session(struct program *program, uint64_t session, bool is_off, const char *who,
                          struct admin_rows *rows, char **message);

#endif
