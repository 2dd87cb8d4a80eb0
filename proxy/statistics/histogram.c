#include "proxy/statistics/histogram.h"

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t sum = (uint64_t)into->counts[i] + from->counts[i];

        into->counts[i] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    }
}

uint64_t histogram_bound_us(unsigned bucket)
{
    unsigned doubling = bucket / HISTOGRAM_PARTS;

    if (doubling <= 1) {
        return bucket;
    }
    return (uint64_t)(HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS) << (doubling - 1);
}

uint64_t histogram_percentile_us(const struct histogram *histogram, double share)
{
    double wanted;
    double below = 0;
    uint64_t total = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += histogram->counts[i];
    }
    wanted = share * (double)total;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double count = histogram->counts[i];
        double from = (double)histogram_bound_us(i);

        if (count > 0 && below + count >= wanted) {
            double width = (double)histogram_bound_us(i + 1) - from;

            return (uint64_t)(from + width * (wanted - below) / count);
        }
        below += count;
    }
    return 0;
}
