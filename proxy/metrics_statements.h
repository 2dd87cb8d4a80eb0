/*
 * The part of the figures that statements leave behind: counts, waits, bytes, latencies. Each
 * worker counts for itself (proxy/statistics/); its counts are copied on its thread and added up.
 */
#ifndef TIDEMARK_PROXY_METRICS_STATEMENTS_H
#define TIDEMARK_PROXY_METRICS_STATEMENTS_H

#include "proxy/statistics/counters.h"

#include <stddef.h>
#include <stdint.h>

struct latency;
struct metrics;
struct roster;
struct worker;

/* All zero at the beginning. */
struct statement_figures {
    struct counters counters;
    struct latency *latency; /* owner; NULL: nothing was added yet */
    uint64_t digests, digests_limit, digests_evicted;
};

/* Adds a worker's, on its thread; adds another's copy. */
void statement_figures_take(struct statement_figures *figures, const struct worker *worker);
void statement_figures_merge(struct statement_figures *into, const struct statement_figures *from);

void statement_figures_dispose(struct statement_figures *figures);

/* Adds them to the list. */
void statement_figures_list(const struct statement_figures *figures, struct metrics *metrics,
                            const struct roster *roster);

#endif
