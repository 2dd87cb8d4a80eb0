/*
 * How often something took how long, from which percentiles can be told later: compact enough to
 * have one per digest.
 *
 * Buckets are log-linear: below 8 µs each microsecond has its own, above that every doubling is cut
 * into 8 equal parts, up to 134 s, beyond which all is one. A percentile is interpolated within its
 * bucket, so it is off by less than an eighth of its value (1 µs below 8 µs), and usually by far
 * less.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_HISTOGRAM_H
#define TIDEMARK_PROXY_STATISTICS_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_PARTS_LOG2 = 3,
    HISTOGRAM_PARTS = 1 << HISTOGRAM_PARTS_LOG2, /* of each doubling */
    HISTOGRAM_TOP_LOG2 = 27,                     /* 2^27 µs */
    HISTOGRAM_BUCKETS = HISTOGRAM_PARTS * (HISTOGRAM_TOP_LOG2 - HISTOGRAM_PARTS_LOG2 + 1) + 1,
};

struct histogram {
    uint32_t counts[HISTOGRAM_BUCKETS];
};

/* The bucket of a duration. */
static inline unsigned histogram_bucket(uint64_t us)
{
    unsigned log2;

    if (us < HISTOGRAM_PARTS) {
        return (unsigned)us;
    }
    log2 = 63u - (unsigned)__builtin_clzll(us);
    if (log2 >= HISTOGRAM_TOP_LOG2) {
        return HISTOGRAM_BUCKETS - 1;
    }
    return (unsigned)(us >> (log2 - HISTOGRAM_PARTS_LOG2)) +
           HISTOGRAM_PARTS * (log2 - HISTOGRAM_PARTS_LOG2);
}

/* A count that has reached its type's end stays there. */
static inline void histogram_add(struct histogram *histogram, uint64_t us)
{
    uint32_t *count = &histogram->counts[histogram_bucket(us)];

    *count += *count != UINT32_MAX;
}

/* Adds what another one has counted. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The smallest duration that is in the bucket, µs; of the bucket behind the last, where that ends
 * for the purpose of interpolation. */
uint64_t histogram_bound_us(unsigned bucket);

/* The duration, µs, that `share` (0.5, 0.99) of all did not exceed; 0 when there are none. */
uint64_t histogram_percentile_us(const struct histogram *histogram, double share);

#endif
