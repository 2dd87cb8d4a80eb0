/*
 * Bringing a server connection into a session's state: which commands lead from one environment to
 * another. Pure: it compares two values and writes a text.
 *
 * The SET text is the same whatever the connection's sql_mode and character sets are at that
 * moment: quotes are doubled (a backslash escape means something only in one of the modes), and a
 * value with a backslash or a byte beyond ASCII is written in hexadecimal with an introducer.
 */
#ifndef TIDEMARK_PROXY_CLIENT_REPLAY_H
#define TIDEMARK_PROXY_CLIENT_REPLAY_H

#include "proxy/client/environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum replay_kind {
    REPLAY_NONE,  /* equal already */
    REPLAY_STATE, /* COM_INIT_DB when plan->init_db, then COM_QUERY when plan->sql_size > 0 */
    /* COM_RESET_CONNECTION first, then tracking_setup_sql() again (a reset takes session_track_*
     * back to the server's globals), then as REPLAY_STATE */
    REPLAY_RESET,
    /* No commands lead there (a connection cannot give up its schema; or the text passes the
     * buffer): another connection is needed, a fresh one at worst */
    REPLAY_IMPOSSIBLE,
};

struct replay {
    /* the caller's buffer, set before the call; REPLAY_SQL_CAPACITY is always enough for an
     * environment with 8 KiB of values besides its user variables; any size is allowed */
    char *sql;
    size_t capacity;
    /* the result */
    size_t sql_size;     /* bytes of SET text, no terminator; 0: no SET is needed */
    bool init_db;        /* the schema must be changed */
    struct bytes schema; /* to what: COM_INIT_DB's argument; borrowed from `to` */
};

enum { REPLAY_SQL_CAPACITY = 48 << 10 };

/*
 * from is NULL when the connection's state is unknown (after a failed step): that always resets.
 * plan->sql and ->capacity are read, all else is written; what it holds is meaningless after
 * REPLAY_NONE and REPLAY_IMPOSSIBLE. Never allocates.
 */
enum replay_kind replay_plan(const struct environment *from, const struct environment *to,
                             struct replay *plan);

/* Adds an assignment to the plan's SET (or makes it one): of a value, or in the caller's words.
 * false: no room; the plan is as it was. */
bool replay_add_variable(struct replay *plan, int variable, struct bytes value);
bool replay_add_words(struct replay *plan, const char *words);

/* Adds last_insert_id to the plan's SET (or makes it one; then the kind NONE becomes STATE), for a
 * statement that refers to LAST_INSERT_ID(). false: no room. */
bool replay_add_last_insert_id(struct replay *plan, uint64_t last_insert_id);

/* The same for a connection of which it is not known whether its LAST_INSERT_ID() is still `old`:
 * where it is, it becomes last_insert_id; else it stays. */
bool replay_settle_last_insert_id(struct replay *plan, uint64_t old, uint64_t last_insert_id);

#endif
