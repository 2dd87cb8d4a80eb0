/*
 * The primary's past: a ring of samples (moment, position), oldest first. A replica's horizon is
 * the newest moment whose position its applied position contains.
 *
 *      t0,P0   t1,P1   t2,P2   t3,P3          applied contains P1, not P2  ->  horizon t1
 *
 * A sample's moment is taken before its query is written, so everything committed at that moment is
 * in its position. Two equal positions in a row are one sample with the later moment. A full ring
 * is thinned where samples are closest together for their age, so that it reaches far back and is
 * dense near now. Positions of another history are incomparable: a ring holds one history only.
 */
#ifndef HEALTH_HORIZON_H
#define HEALTH_HORIZON_H

#include "health/position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HORIZON_RING_SIZE = 96, HISTORY_ID_MAX = 63 };

/*
 * Whose past it is: the primary's server UUID (MySQL) or id (MariaDB), or the cluster's UUID
 * (Galera), and how often that server's log was seen to start anew (a restart, a position that
 * shrank, another role).
 */
struct history {
    char id[HISTORY_ID_MAX + 1];
    uint64_t epoch;
};

bool history_equal(const struct history *a, const struct history *b);

struct sample {
    uint64_t at; /* ns, CLOCK_MONOTONIC */
    struct position position;
};

struct horizon_ring {
    struct history history;
    size_t count;
    struct sample samples[HORIZON_RING_SIZE];
};

enum horizon_add {
    HORIZON_ADDED,    /* a new sample */
    HORIZON_MOVED_ON, /* same position as the newest, whose moment is now the later one */
    HORIZON_REFUSED,  /* empty position, or an older moment than the newest: no sample */
    HORIZON_SHRANK,   /* position lacks what the newest had: ring emptied; start a new epoch */
};

void horizon_ring_init(struct horizon_ring *ring);
void horizon_ring_dispose(struct horizon_ring *ring);

/* Forgets all samples and starts the given history (role change, restart). */
void horizon_ring_reset(struct horizon_ring *ring, const struct history *history);

/* Adds what the primary answered. The position is copied. */
enum horizon_add horizon_add(struct horizon_ring *ring, uint64_t at,
                             const struct position *position);

/* The newest sample, or NULL. Borrowed until the ring changes. */
const struct sample *horizon_newest(const struct horizon_ring *ring);

/*
 * The newest moment whose position `applied` contains; 0 when there is none, when `applied` is
 * empty or when `history` is not the ring's.
 */
uint64_t horizon_of(const struct horizon_ring *ring, const struct position *applied,
                    const struct history *history);

#endif
