/*
 * How long statements took, by server, user and class: series with fixed bounds, as Prometheus
 * wants its histograms. A series is made when the first statement of its kind ends. There are at
 * most LATENCY_SERIES of them; what would need one more is counted in a series of its own kind,
 * "other", so that no sum is ever wrong.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_LATENCY_H
#define TIDEMARK_PROXY_STATISTICS_LATENCY_H

#include "proxy/statistics/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LATENCY_BOUNDS = 16,
    LATENCY_SERIES = 512, /* without "other" */
};

/* The upper bounds, µs: 100 µs, 250 µs, 500 µs, 1 ms, ... 10 s. */
extern const uint32_t latency_bounds_us[LATENCY_BOUNDS];

struct latency_series {
    int server;    /* number in the roster; -1: it never got to one, and failed */
    unsigned user; /* number in the roster */
    uint8_t class; /* enum statement_class */
    bool is_other; /* of all those beyond LATENCY_SERIES: the three above mean nothing */
    uint64_t counts[LATENCY_BOUNDS + 1]; /* took at most this bound, and more than the one before;
                                          * the last: more than all. Not cumulated */
    uint64_t sum_ns;
};

struct latency;

struct latency *latency_new(void);
void latency_free(struct latency *latency);

/* Counts a statement. What the proxy answered by itself is left out. */
void latency_take(struct latency *latency, const struct statement_record *record);

/* Adds what another one has counted, for the sum of all workers. */
void latency_merge(struct latency *into, const struct latency *from);

/* This number means another server now. */
void latency_forget_server(struct latency *latency, unsigned server);

/* Visits all series in no order; "other" only when anything was counted there. */
void latency_visit(const struct latency *latency,
                   void (*visit)(void *context, const struct latency_series *series),
                   void *context);

#endif
