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

struct learned {
    /* a reference that the caller owns, in any case: the environment before, or the new one */
    const struct environment *environment;
    bool changed;      /* the environment is another one than before */
    unsigned pins_set; /* bits of enum pin (router/statement.h) */
    unsigned pins_cleared;
    bool unexplained; /* pin `unknown` is among pins_set: a change nobody could name, or one that
                         passes a ceiling, or a malformed block */
    bool malformed;   /* the tracker block could not be read to its end */
};

/*
 * Reads the tracker block of one OK packet (its last, or any of a multi-statement; each is handed
 * in on its own, in their order).
 *
 * before: the session's environment as it was; while a session is pinned, server connection and
 * session are one, and the result is the new environment of both.
 * statement: what ran; NULL when that is not known or when one OK covers several statements; then
 * only trackers explain.
 */
struct learned tracking_learn(struct environment_store *store, const struct environment *before,
                              const struct ok_packet *ok, const struct statement *statement);

/*
 * The statement that a fresh or reset server connection gets before anything else: the trackers
 * that tracking_learn() reads. Both servers take it as one SET.
 *
 * server_variables: the names of the server's session variables, comma-separated (see
 * variables_tracked()); whether session_track_gtids is among them says whether it is MySQL. Where
 * a session_track_* variable is not among them it is left out.
 * Returns the length (NUL-terminated), or 0 when it does not fit; 17 KiB is ample.
 */
size_t tracking_setup_sql(struct bytes server_variables, char *out, size_t capacity);

#endif
