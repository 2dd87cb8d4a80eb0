/*
 * Going through a worker's sessions in parts, as an inquiry's job (proxy/inquiry.h) does: so many
 * between two turns of its loop. Sessions that are there from the beginning to the end are met
 * exactly once; the worker keeps the place (struct worker_survey) valid when one ends.
 */
#ifndef TIDEMARK_PROXY_SESSION_WALK_H
#define TIDEMARK_PROXY_SESSION_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct session;
struct worker;

enum { WALK_SEARCHED = 512 }; /* sessions per turn where each is only looked at */

/*
 * Hands the next `count` sessions to `visit`, until that answers true. *has_begun, false at first,
 * is the walk's own. True: the walk is over, because visit said so or none is left.
 */
bool session_walk(struct worker *worker, bool *has_begun, unsigned count,
                  bool (*visit)(struct session *session, void *context), void *context);

/* For a visit that looks for one session: is it this one, and not closing? */
bool session_walk_is(const struct session *session, uint64_t id);

#endif
