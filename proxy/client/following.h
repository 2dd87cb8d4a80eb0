/*
 * A client's own use of session tracking: statements that read or set session_track_* (other than
 * session_track_gtids, which is replayed like any variable).
 *
 * A server connection normally *leads*: its session_track_* are the proxy's, so that the proxy
 * learns of every change, and what the client is shown is filtered (shown.h). For a statement that
 * touches the variables themselves it *follows*: it is given the client's values first, so that the
 * statement does, answers and warns exactly what it would on a direct connection, and its trackers
 * go out as they are. Then the client's values are read back, if they were set, and it leads again:
 *
 *     leads ──SET to the client's──▶ follows: the statement ──SELECT them──▶ ──SET to ours──▶ leads
 *
 * A connection that follows tells the proxy nothing of other variables, so what such a SET also
 * assigned is assigned once more, to itself, with the last step, and learned then.
 *
 * Warnings (or errors, or counts) of the statement would be lost by these steps. If there are any,
 * they wait until the next statement that does not ask for them; what was set and not read yet pins
 * until then (PIN_TRACKING). Where it cannot be known what a text sets (several statements, a
 * stored program, a very long list) the connection follows for good (PIN_TRACKER) and is closed
 * afterwards.
 */
#ifndef TIDEMARK_PROXY_CLIENT_FOLLOWING_H
#define TIDEMARK_PROXY_CLIENT_FOLLOWING_H

#include "protocol/ok.h"
#include "protocol/writer.h"

#include <stdbool.h>

struct session;

/* The held connection leads or follows as the command in hand needs it. */
bool following_is_right(const struct session *session);

/* True: what the client has set there has to be read first. The question was added to `out`, and
 * its answer must be awaited. */
bool following_asks_first(struct session *session, struct writer *out);

/* Adds the step towards what is right; false: there is no room for it. */
bool following_prepare(struct session *session, struct writer *out);

/* The answer has ended. True: steps were sent, and this is to be called again after their answers.
 */
bool following_end(struct session *session);

/* Rows of the answer to the question for the client's values, as they come; and its end. */
void following_rows(struct session *session, struct bytes rows);
void following_read(struct session *session);

/* The connection leads again. */
void following_led(struct session *session, const struct ok_packet *ok);

/* All back to the servers' global values: COM_RESET_CONNECTION, or another user. */
void following_forget(struct session *session);

/* An OK to one of the proxy's own steps. Servers tell with the next OK what a command before did
 * that ended in an error or EOF: the client is told with its next OK. `is_clients`: all that it
 * says is such; otherwise only what it says of transactions. */
void following_missed(struct session *session, const struct ok_packet *ok, bool is_clients);

/* The client's next OK may have to say more than the server's. */
bool following_owes(const struct session *session);

/* Writes those trackers of an OK to the client that it is shown. */
void following_filter(struct session *session, const struct ok_packet *ok, struct writer *out);

#endif
