#include "proxy/statistics/latency.h"

#include "proxy/memory.h"
#include "router/balance.h"

/* An open hash table, never more than half full. Sums of servers that are gone stay in their slot
 * as unused series, so a chain of probes is never cut. */
enum { SLOTS = 2 * LATENCY_SERIES };

struct latency {
    size_t count;
    struct latency_series *slots[SLOTS]; /* owner */
    struct latency_series other;
};

const uint32_t latency_bounds_us[LATENCY_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

struct latency *latency_new(void)
{
    struct latency *latency = mem_calloc(1, sizeof *latency);

    latency->other.is_other = true;
    latency->other.server = -1;
    return latency;
}

void latency_free(struct latency *latency)
{
    if (latency == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        mem_free(latency->slots[i]);
    }
    mem_free(latency);
}

static size_t slot_of(int server, unsigned user, unsigned class)
{
    uint32_t key = (user * (BALANCE_SERVERS + 1) + (unsigned)(server + 1)) * CLASS_COUNT + class;

    return (key * UINT32_C(0x9e3779b1)) >> 16 & (SLOTS - 1);
}

static struct latency_series *series_of(struct latency *latency, int server, unsigned user,
                                        unsigned class)
{
    size_t at = slot_of(server, user, class);
    struct latency_series *series;

    for (; (series = latency->slots[at]) != NULL; at = (at + 1) & (SLOTS - 1)) {
        if (series->server == server && series->user == user && series->class == class) {
            return series;
        }
    }
    if (latency->count == LATENCY_SERIES) {
        return &latency->other;
    }
    series = mem_calloc(1, sizeof *series);
    series->server = server;
    series->user = user;
    series->class = (uint8_t) class;
    latency->slots[at] = series;
    latency->count++;
    return series;
}

void latency_take(struct latency *latency, const struct statement_record *record)
{
    uint64_t took = record_took_ns(record);
    struct latency_series *series;
    unsigned bucket = 0;

    if (record->server < 0 && !record_failed(record)) {
        return;
    }
    series = series_of(latency, record->server, record->user, record->class);
    while (bucket < LATENCY_BOUNDS && took > latency_bounds_us[bucket] * UINT64_C(1000)) {
        bucket++;
    }
    series->counts[bucket]++;
    series->sum_ns += took;
}

static void add(struct latency_series *into, const struct latency_series *from)
{
    for (size_t i = 0; i <= LATENCY_BOUNDS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->sum_ns += from->sum_ns;
}

void latency_merge(struct latency *into, const struct latency *from)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct latency_series *series = from->slots[i];

        if (series != NULL) {
            add(series_of(into, series->server, series->user, series->class), series);
        }
    }
    add(&into->other, &from->other);
}

static bool is_empty(const struct latency_series *series)
{
    for (size_t i = 0; i <= LATENCY_BOUNDS; i++) {
        if (series->counts[i] != 0) {
            return false;
        }
    }
    return true;
}

void latency_forget_server(struct latency *latency, unsigned server)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct latency_series *series = latency->slots[i];

        if (series != NULL && series->server == (int)server) {
            *series = (struct latency_series){
                .server = series->server, .user = series->user, .class = series->class};
        }
    }
}

void latency_visit(const struct latency *latency,
                   void (*visit)(void *context, const struct latency_series *series), void *context)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (latency->slots[i] != NULL && !is_empty(latency->slots[i])) {
            visit(context, latency->slots[i]);
        }
    }
    if (!is_empty(&latency->other)) {
        visit(context, &latency->other);
    }
}
