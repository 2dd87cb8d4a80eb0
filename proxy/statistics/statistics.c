#include "proxy/statistics/statistics.h"

#include "proxy/statistics/trace.h"

#include <string.h>

void statistics_init(struct statistics *statistics, unsigned digests, uint64_t now)
{
    memset(statistics, 0, sizeof *statistics);
    statistics->latency = latency_new();
    statistics->digests = digests_new(digests);
    statistics->reset_ns = now;
}

void statistics_dispose(struct statistics *statistics)
{
    latency_free(statistics->latency);
    digests_free(statistics->digests);
}

void statistics_take(struct statistics *statistics, const struct statement_record *record)
{
    counters_take(&statistics->counters, record);
    if (record->is_statement) {
        latency_take(statistics->latency, record);
        digests_take(statistics->digests, record);
    }
    if (record->trace != NULL) {
        trace_take(record->trace, record);
    }
}

void statistics_set_digests(struct statistics *statistics, unsigned digests)
{
    if (digests != digests_capacity(statistics->digests)) {
        statistics->digests = digests_resized(statistics->digests, digests);
    }
}

void statistics_reset_digests(struct statistics *statistics, uint64_t now)
{
    digests_reset(statistics->digests);
    statistics->reset_ns = now;
}
