/*
 * What a session learns from an answer: its new state, what pins it, its floors.
 */
#ifndef TIDEMARK_PROXY_CLIENT_LEARN_H
#define TIDEMARK_PROXY_CLIENT_LEARN_H

#include "protocol/ok.h"

#include <stdint.h>

struct session;

/* An OK or EOF without trackers. */
void learn_plain_ok(struct session *session, unsigned status, unsigned warnings);

/* An OK that may carry trackers. */
void learn_ok(struct session *session, const struct ok_packet *ok);

/* The answer to the command in hand has ended. Ends in session_finish, at once or when the trackers
 * that an EOF could not carry, and whatever else is asked for, have been fetched
 * (learn_trackers_fetched). */
void learn_end(struct session *session);
void learn_trackers_fetched(struct session *session);

#endif
