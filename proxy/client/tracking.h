/*
 * What an OK packet tells about a session: schema, variables, transaction, and whether something
 * changed that nobody can explain.
 *
 * The server says whether something changed, and to what; the statement says what kind of thing it
 * was. A change that neither explains pins the session to its connection, because what cannot be
 * named cannot be brought to another one.
 */
#ifndef TIDEMARK_PROXY_CLIENT_TRACKING_H
#define TIDEMARK_PROXY_CLIENT_TRACKING_H

#include "protocol/bytes.h"
#include "protocol/ok.h"
#include "proxy/client/environment.h"

#include <stdbool.h>
#include <stddef.h>

struct statement; /* router/statement.h */

/* What the session knows of itself before the OK. */
struct tracking_past {
    unsigned pins; /* enum pin (router/statement.h) in force, those of the statement included */
    bool one_shot_variable; /* learned.one_shot_variable of the last time; false after a reset */
};

struct learned {
    /* a reference that the caller owns, in any case: the environment before, or the new one */
    const struct environment *environment;
    bool changed;          /* the environment is another one than before */
    unsigned pins_set;     /* enum pin: LOCK_TABLES, ONE_SHOT, LOG_OFF, UNKNOWN */
    unsigned pins_cleared; /* enum pin: LOCK_TABLES, ONE_SHOT; never what pins_set has */
    /* A variable set PIN_ONE_SHOT, so the end of a transaction does not clear it; only a reset. */
    bool one_shot_variable;
    bool unexplained; /* PIN_UNKNOWN is among pins_set: a change nobody could name, or one that
                         passes a ceiling, or a malformed block */
    bool malformed;   /* the tracker block could not be read to its end */
    /* SET last_insert_id or identity: not kept in the environment, the session remembers it */
    bool has_last_insert_id;
    uint64_t last_insert_id;
    /* TRX_STATE: eight letters, e.g. "T_R_W_S_"; meaningful when has_transaction_state */
    bool has_transaction_state;
    char transaction_state[8];
};

/*
 * Reads the tracker block of one OK packet. Of a multi-statement each OK is handed in on its own,
 * in their order.
 *
 * before: the session's environment as it was; while a session holds a server connection, both are
 * one, and the result is the new environment of both.
 * statement: what ran; NULL when that is not known: then only trackers explain. Its own pins are
 * the session's business; here it serves to explain a change, and for the collation of SET NAMES.
 */
struct learned tracking_learn(struct environment_store *store, const struct environment *before,
                              const struct tracking_past *past, const struct ok_packet *ok,
                              const struct statement *statement);

/*
 * The statement that a fresh or reset server connection gets before anything else: the trackers
 * that tracking_learn() reads. Both servers take it as one SET.
 *
 * server_variables: the names of the server's session variables, comma-separated (see
 * variables_tracked()). Where a session_track_* variable is not among them it is left out.
 * session_track_gtids stays as it is: clients' own, see shown.h.
 * Returns the length (NUL-terminated), or 0 when it does not fit; 17 KiB is ample.
 */
size_t tracking_setup_sql(struct bytes server_variables, char *out, size_t capacity);

#endif
