/*
 * What the sessions want of the monitors, told without locks. A worker says "some read needed this
 * floor" for each read that had to use the primary; almost always somebody is already at it, and
 * then saying so costs a few loads. Only a transition wakes a thread:
 *
 *      floor above the newest sample, and the sampler sleeps     -> DEMAND_SAMPLE
 *      floor sampled, but waiting for it was given up            -> DEMAND_WAIT
 *
 * Whoever goes to sleep first says so and then looks once more whether anybody asked; whoever asks
 * first says what and then looks whether anybody sleeps. All of this is sequentially consistent, so
 * at least one of the two sees the other. Interest ends when nobody has asked for a while.
 */
#ifndef HEALTH_DEMAND_H
#define HEALTH_DEMAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DEMAND_INTEREST_NS UINT64_C(1000000000)

struct demand {
    _Atomic uint64_t wanted;  /* the highest floor asked for */
    _Atomic uint64_t covered; /* floors up to here have a sample; UINT64_MAX: no use in sampling */
    atomic_bool asked;        /* since somebody looked last */
    atomic_bool sampler_sleeps;
    atomic_bool waiting_ended; /* some replica is behind, and nobody waits for it */
    uint64_t interest_until;   /* ns; this one is guarded by the health lock */
};

enum demand_wake { DEMAND_NOTHING, DEMAND_SAMPLE, DEMAND_WAIT };

/* Says that `floor` is wanted. The caller wakes the threads that the answer names. */
enum demand_wake demand_ask(struct demand *demand, uint64_t floor);

/* Under the health lock: true while somebody has asked within the last second. */
bool demand_is_alive(struct demand *demand, uint64_t now);

/* Under the health lock, before sleeping: true when it may sleep, false: somebody has just asked.
 */
bool demand_may_sleep(struct demand *demand, atomic_bool *sleeps, uint64_t now);

#endif
