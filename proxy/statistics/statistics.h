/*
 * A worker's statistics: everything it counts. Written by the worker's own thread alone, so nothing
 * here is locked or atomic; others have a job done on that thread (proxy/inquiry.h) that copies
 * what they want, and add up the copies of all workers.
 *
 *     session ──struct statement_record──▶ statistics_take ──▶ counters
 *                                                         ├──▶ latency
 *                                                         ├──▶ digests   [pool] digests
 *                                                         └──▶ the session's trace, if it has one
 */
#ifndef TIDEMARK_PROXY_STATISTICS_STATISTICS_H
#define TIDEMARK_PROXY_STATISTICS_STATISTICS_H

#include "proxy/statistics/counters.h"
#include "proxy/statistics/digests.h"
#include "proxy/statistics/latency.h"
#include "proxy/statistics/record.h"

struct statistics {
    struct counters counters;
    struct latency *latency; /* owner */
    struct digests *digests; /* owner */
    uint64_t reset_ns;       /* when the digests were forgotten last: since when they count */
};

/* `digests`: how many are remembered; 0: none. `now`: CLOCK_MONOTONIC. */
void statistics_init(struct statistics *statistics, unsigned digests, uint64_t now);
void statistics_dispose(struct statistics *statistics);

/* A command has ended: the one place that gives its record to all who want it. */
void statistics_take(struct statistics *statistics, const struct statement_record *record);

/* Another number of digests; those used last are kept. */
void statistics_set_digests(struct statistics *statistics, unsigned digests);

/* RESET STATEMENTS. */
void statistics_reset_digests(struct statistics *statistics, uint64_t now);

#endif
