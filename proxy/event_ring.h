/*
 * The last events: what changed, when and why, for the admin port's table `events`. A ring of fixed
 * size behind a lock; events are rare (roles, states, configuration, commands), never per query.
 */
#ifndef TIDEMARK_PROXY_EVENT_RING_H
#define TIDEMARK_PROXY_EVENT_RING_H

#include <stddef.h>
#include <stdint.h>

enum {
    EVENTS_KEPT = 1000,
    EVENT_SUBJECT_BYTES = 80,
    EVENT_WHAT_BYTES = 120,
    EVENT_WHY_BYTES = 300,
    EVENT_KINDS = 16, /* more are not counted apart */
};

struct event {
    uint64_t number;                   /* counts up from 1 */
    int64_t at_unix_us;                /* microseconds since 1970 */
    char subject[EVENT_SUBJECT_BYTES]; /* "server db1", "config", "admin" */
    char what[EVENT_WHAT_BYTES];
    char why[EVENT_WHY_BYTES];
};

struct event_ring;

struct event_ring *event_ring_new(void);
void event_ring_free(struct event_ring *ring);

/* Any thread. `kind`, a constant, and `name` (or NULL) are the subject: "server", "db1". Longer
 * texts are cut. Also writes the event to the log, at level info. */
void event_ring_add(struct event_ring *ring, const char *kind, const char *name, const char *what,
                    const char *why);

/* The same for what a human must look at: level error in the log. */
void event_ring_alarm(struct event_ring *ring, const char *kind, const char *name, const char *what,
                      const char *why);

/* Copies up to `count` of the newest events, oldest first; answers how many. Any thread. */
size_t event_ring_copy(struct event_ring *ring, struct event *events, size_t count);

/* How many of each kind were added so far; `counts` has room for EVENT_KINDS. Answers how many
 * kinds there were. Any thread. */
struct event_count {
    const char *kind;
    uint64_t added;
};
size_t event_ring_counts(struct event_ring *ring, struct event_count *counts);

#endif
