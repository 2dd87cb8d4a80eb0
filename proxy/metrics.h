/*
 * All figures of the program as one list: what /metrics prints and what the admin port's table
 * `metrics` shows. A family is a kind of figure (name, type, unit, help); a sample is one value of
 * it, with labels that tell which server, user, state it is about.
 *
 *   metrics_collect ──▶ snapshots (topology, roster, permits), one look at each worker
 *                   ──▶ struct metrics: samples, in the order of the families
 *
 * The number of samples is bounded: servers are at most ROSTER_SERVERS, states and reasons are
 * fixed words, and users beyond the first METRICS_USERS share one label; of latencies there are at
 * most LATENCY_SERIES (proxy/statistics/latency.h).
 */
#ifndef TIDEMARK_PROXY_METRICS_H
#define TIDEMARK_PROXY_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program;

enum {
    METRICS_USERS = 100, /* users with a label of their own, by number */
};

/* The label of whatever has none of its own, such as users beyond those. */
extern const char metrics_others[];

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* "counter", "gauge", "histogram". */
const char *metric_type_name(enum metric_type type);

enum metric {
    METRIC_BUILD_INFO,
    METRIC_PROCESS_CPU,
    METRIC_PROCESS_MAX_FDS,
    METRIC_PROCESS_OPEN_FDS,
    METRIC_PROCESS_RESIDENT,
    METRIC_PROCESS_START_TIME,
    METRIC_PROCESS_VIRTUAL,

    METRIC_CONFIG_GOOD,
    METRIC_CONFIG_GOOD_TIME,
    METRIC_CONFIG_RELOADS,
    METRIC_DRAINING,
    METRIC_EVENTS,
    METRIC_PAUSED,
    METRIC_READY,
    METRIC_TOPOLOGY_CHANGES,
    METRIC_WORKER_ANSWERS,
    METRIC_WORKER_CLIENTS,

    METRIC_CLIENTS,
    METRIC_CLIENTS_LIMIT,
    METRIC_USER_CLIENTS,
    METRIC_USER_CLIENTS_LIMIT,
    METRIC_SESSIONS,
    METRIC_SESSIONS_PINNED,
    METRIC_SESSIONS_PINNED_BY,

    METRIC_SERVER_UP,
    METRIC_SERVER_USABLE,
    METRIC_SERVER_ROLE,
    METRIC_SERVER_STATE,
    METRIC_SERVER_WEIGHT,
    METRIC_SERVER_LAG,
    METRIC_SERVER_HORIZON_AGE,
    METRIC_SERVER_LATENCY,
    METRIC_SERVER_LOOK_AGE,
    METRIC_SERVER_MONITOR_QUERIES,
    METRIC_SERVER_MONITOR_ERRORS,
    METRIC_SERVER_CONNECTIONS,
    METRIC_SERVER_CONNECTIONS_LIMIT,
    METRIC_SERVER_PERMITS,
    METRIC_SERVER_WAITING,

    METRIC_POOL_CONNECTIONS,
    METRIC_POOL_WAITING,
    METRIC_POOL_LONGEST_WAIT,

    METRIC_BYTES_IN,
    METRIC_BYTES_OUT,
    METRIC_COMMANDS,
    METRIC_COMMAND_ERRORS,
    METRIC_COMMAND_WARNINGS,
    METRIC_DIGESTS,
    METRIC_DIGESTS_EVICTED,
    METRIC_DIGESTS_LIMIT,
    METRIC_LOGINS_FAILED,
    METRIC_PINS,
    METRIC_RETRIES,
    METRIC_ROWS,
    METRIC_SESSIONS_CLOSED,
    METRIC_SESSIONS_OPENED,
    METRIC_STATEMENTS,
    METRIC_STATEMENTS_PLACED,
    METRIC_STATEMENTS_PREPARED,
    METRIC_STATEMENT_DURATION,
    METRIC_WAITS,
    METRIC_WAIT_TIME,

    METRIC_FAMILIES
};

struct metric_family {
    const char *name; /* without the "_total" of a counter */
    enum metric_type type;
    const char *unit; /* "seconds", "bytes": the end of the name; "" for none */
    const char *help; /* one sentence */
};

/* By enum metric. */
extern const struct metric_family metric_families[METRIC_FAMILIES];

struct metric_sample {
    enum metric metric;
    const char *suffix; /* behind the family's name: "", "_total", "_bucket", "_sum", "_count" */
    size_t labels;      /* see metrics_labels */
    double value;       /* may be infinite or no number */
};

struct metrics {
    struct metric_sample *samples; /* owner */
    size_t count, capacity;
    char *texts; /* owner */
    size_t text_size, text_capacity;
};

/*
 * All figures as they are now. Workers are waited for at most `patience_ms`; what only they know is
 * left out for one that does not answer in time, and METRIC_WORKER_ANSWERS says so. Any thread but
 * a worker's. Owner: the caller, metrics_free.
 */
struct metrics *metrics_collect(struct program *program, unsigned patience_ms);
void metrics_free(struct metrics *metrics);

/* A sample's labels as Prometheus writes them, without braces: server="db1",state="idle"; "" when
 * it has none. */
const char *metrics_labels(const struct metrics *metrics, const struct metric_sample *sample);

/* A value as Prometheus writes it; `size` at least METRIC_VALUE_BYTES. */
enum { METRIC_VALUE_BYTES = 32 };
void metric_print_value(char *text, size_t size, double value);

/* ---- making the list ---- */

struct metrics *metrics_new(void);

/* One sample. Behind the value come names and values of labels in turn, NULL at the end. */
void metrics_add(struct metrics *metrics, enum metric metric, double value, ...)
    __attribute__((sentinel));

/*
 * A histogram: `counts[i]` observations at or below `bounds[i]` and above the bound before it, with
 * one more count for those above the last bound; `sum` of all. Labels as above.
 */
void metrics_add_histogram(struct metrics *metrics, enum metric metric, const double *bounds,
                           const uint64_t *counts, size_t bound_count, double sum, ...)
    __attribute__((sentinel));

/* Puts the samples in the order of the families, which is asked for before they are shown; samples
 * of one family keep theirs. */
void metrics_sort(struct metrics *metrics);

#endif
