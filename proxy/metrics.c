/*
 * The list of figures: its families, and how samples are added. See metrics.h; where the values
 * come from is metrics_collect.c.
 */
#include "proxy/metrics.h"

#include "proxy/memory.h"
#include "proxy/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char metrics_others[] = "(other)";

/* clang-format off */
const struct metric_family metric_families[METRIC_FAMILIES] = {
    [METRIC_BUILD_INFO] = {"tidemark_build_info", METRIC_GAUGE, "",
        "Always 1; the labels say what runs."},
    [METRIC_PROCESS_CPU] = {"process_cpu_seconds", METRIC_COUNTER, "seconds",
        "User and system CPU time spent."},
    [METRIC_PROCESS_MAX_FDS] = {"process_max_fds", METRIC_GAUGE, "",
        "Most file descriptors that may be open."},
    [METRIC_PROCESS_OPEN_FDS] = {"process_open_fds", METRIC_GAUGE, "",
        "File descriptors that are open."},
    [METRIC_PROCESS_RESIDENT] = {"process_resident_memory_bytes", METRIC_GAUGE, "bytes",
        "Resident memory."},
    [METRIC_PROCESS_START_TIME] = {"process_start_time_seconds", METRIC_GAUGE, "seconds",
        "When the process started, since 1970."},
    [METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", METRIC_GAUGE, "bytes",
        "Virtual memory."},

    [METRIC_CONFIG_GOOD] = {"tidemark_config_last_reload_successful", METRIC_GAUGE, "",
        "1 when the configuration in force is what the files said when they were last read."},
    [METRIC_CONFIG_GOOD_TIME] = {"tidemark_config_last_reload_success_timestamp_seconds",
        METRIC_GAUGE, "seconds", "When the files were last read without a mistake, since 1970."},
    [METRIC_CONFIG_RELOADS] = {"tidemark_config_reloads", METRIC_COUNTER, "",
        "How often the files were read again, by result."},
    [METRIC_DRAINING] = {"tidemark_draining", METRIC_GAUGE, "",
        "1 while the program is ending: no new clients are accepted."},
    [METRIC_EVENTS] = {"tidemark_events", METRIC_COUNTER, "",
        "Events so far: changes of roles, states and configuration, and commands."},
    [METRIC_PAUSED] = {"tidemark_paused", METRIC_GAUGE, "",
        "1 after PAUSE: statements that begin wait for RESUME."},
    [METRIC_READY] = {"tidemark_ready", METRIC_GAUGE, "",
        "1 while /readyz answers 200."},
    [METRIC_TOPOLOGY_CHANGES] = {"tidemark_topology_changes", METRIC_COUNTER, "",
        "How often what is known of the servers changed."},
    [METRIC_WORKER_ANSWERS] = {"tidemark_worker_answers", METRIC_GAUGE, "",
        "1 when the worker answered in time for this scrape; sessions and pools of one that did not "
        "are missing in the figures."},
    [METRIC_WORKER_CLIENTS] = {"tidemark_worker_clients", METRIC_GAUGE, "",
        "Clients that the worker serves."},

    [METRIC_CLIENTS] = {"tidemark_clients", METRIC_GAUGE, "",
        "Clients that are connected."},
    [METRIC_CLIENTS_LIMIT] = {"tidemark_clients_limit", METRIC_GAUGE, "",
        "More clients than this are refused."},
    [METRIC_USER_CLIENTS] = {"tidemark_user_clients", METRIC_GAUGE, "",
        "Clients that are logged in as the user."},
    [METRIC_USER_CLIENTS_LIMIT] = {"tidemark_user_clients_limit", METRIC_GAUGE, "",
        "More clients of the user are refused; left out for users without a limit."},
    [METRIC_SESSIONS] = {"tidemark_sessions", METRIC_GAUGE, "",
        "Sessions by what they are doing."},
    [METRIC_SESSIONS_PINNED] = {"tidemark_sessions_pinned", METRIC_GAUGE, "",
        "Sessions that keep a server connection to themselves."},
    [METRIC_SESSIONS_PINNED_BY] = {"tidemark_sessions_pinned_by", METRIC_GAUGE, "",
        "Sessions pinned for this reason; one may have several."},

    [METRIC_SERVER_UP] = {"tidemark_server_up", METRIC_GAUGE, "",
        "1 when the monitor's last looks were good."},
    [METRIC_SERVER_USABLE] = {"tidemark_server_usable", METRIC_GAUGE, "",
        "1 when the server may serve what its role allows."},
    [METRIC_SERVER_ROLE] = {"tidemark_server_role", METRIC_GAUGE, "",
        "1 for the role the server is seen in, 0 for the others."},
    [METRIC_SERVER_STATE] = {"tidemark_server_state", METRIC_GAUGE, "",
        "1 for the state the server is in, 0 for the others."},
    [METRIC_SERVER_WEIGHT] = {"tidemark_server_weight", METRIC_GAUGE, "",
        "Configured share of the reads."},
    [METRIC_SERVER_LAG] = {"tidemark_server_lag_seconds", METRIC_GAUGE, "seconds",
        "How far a replica is behind, as of the last look; left out when unknown."},
    [METRIC_SERVER_HORIZON_AGE] = {"tidemark_server_horizon_age_seconds", METRIC_GAUGE, "seconds",
        "Age of the moment up to which the server surely has everything; left out when unknown."},
    [METRIC_SERVER_LATENCY] = {"tidemark_server_latency_seconds", METRIC_GAUGE, "seconds",
        "Round trip of the monitor's query, smoothed."},
    [METRIC_SERVER_LOOK_AGE] = {"tidemark_server_look_age_seconds", METRIC_GAUGE, "seconds",
        "Time since the monitor's last good look; left out before the first."},
    [METRIC_SERVER_MONITOR_QUERIES] = {"tidemark_server_monitor_queries", METRIC_COUNTER, "",
        "Queries that the monitors sent to the server."},
    [METRIC_SERVER_MONITOR_ERRORS] = {"tidemark_server_monitor_errors", METRIC_COUNTER, "",
        "Looks of the monitors that failed."},
    [METRIC_SERVER_CONNECTIONS] = {"tidemark_server_connections", METRIC_GAUGE, "",
        "Connections to the server by state, the monitors' own left out."},
    [METRIC_SERVER_CONNECTIONS_LIMIT] = {"tidemark_server_connections_limit", METRIC_GAUGE, "",
        "There are never more connections to the server than this."},
    [METRIC_SERVER_PERMITS] = {"tidemark_server_connections_used", METRIC_GAUGE, "",
        "Connections that count towards the limit, those being opened or closed included."},
    [METRIC_SERVER_WAITING] = {"tidemark_server_waiting", METRIC_GAUGE, "",
        "Sessions that wait because all connections to the server are in use."},

    [METRIC_POOL_CONNECTIONS] = {"tidemark_pool_connections", METRIC_GAUGE, "",
        "A user's connections to a server by state."},
    [METRIC_POOL_WAITING] = {"tidemark_pool_waiting", METRIC_GAUGE, "",
        "Sessions that wait for one of these connections, also for one being opened."},
    [METRIC_POOL_LONGEST_WAIT] = {"tidemark_pool_longest_wait_seconds", METRIC_GAUGE, "seconds",
        "How long the first of those has waited; 0 when nobody waits."},

    [METRIC_BYTES_IN] = {"tidemark_received_bytes", METRIC_COUNTER, "bytes",
        "Bytes of commands, and of what clients sent with them."},
    [METRIC_BYTES_OUT] = {"tidemark_sent_bytes", METRIC_COUNTER, "bytes",
        "Bytes of answers, as the servers sent them."},
    [METRIC_COMMANDS] = {"tidemark_commands", METRIC_COUNTER, "",
        "Commands of clients, of every kind."},
    [METRIC_COMMAND_ERRORS] = {"tidemark_command_errors", METRIC_COUNTER, "",
        "Commands that ended in an error, by its kind."},
    [METRIC_COMMAND_WARNINGS] = {"tidemark_command_warnings", METRIC_COUNTER, "",
        "Commands that ended with warnings."},
    [METRIC_DIGESTS] = {"tidemark_digests", METRIC_GAUGE, "",
        "Statements remembered by digest, by each worker for itself."},
    [METRIC_DIGESTS_EVICTED] = {"tidemark_digests_evicted", METRIC_COUNTER, "",
        "Digests that had to go to make room for others."},
    [METRIC_DIGESTS_LIMIT] = {"tidemark_digests_limit", METRIC_GAUGE, "",
        "Digests that the workers can remember in all."},
    [METRIC_LOGINS_FAILED] = {"tidemark_logins_failed", METRIC_COUNTER, "",
        "Clients refused at login, or over the time for it."},
    [METRIC_PINS] = {"tidemark_pins", METRIC_COUNTER, "",
        "Sessions that began to keep a server connection to themselves, by reason."},
    [METRIC_RETRIES] = {"tidemark_retries", METRIC_COUNTER, "",
        "Reads that were tried again on another server."},
    [METRIC_ROWS] = {"tidemark_rows", METRIC_COUNTER, "",
        "Rows sent to clients."},
    [METRIC_SESSIONS_CLOSED] = {"tidemark_sessions_closed", METRIC_COUNTER, "",
        "Clients that were connected and have gone."},
    [METRIC_SESSIONS_OPENED] = {"tidemark_sessions_opened", METRIC_COUNTER, "",
        "Clients that connected."},
    [METRIC_STATEMENTS] = {"tidemark_statements", METRIC_COUNTER, "",
        "Statements by class."},
    [METRIC_STATEMENTS_PLACED] = {"tidemark_statements_placed", METRIC_COUNTER, "",
        "Statements by where they ran and why there."},
    [METRIC_STATEMENTS_PREPARED] = {"tidemark_statements_prepared", METRIC_COUNTER, "",
        "Statements that were executions of prepared ones."},
    [METRIC_STATEMENT_DURATION] = {"tidemark_statement_duration_seconds", METRIC_HISTOGRAM,
        "seconds", "From a statement's arrival to the end of its answer."},
    [METRIC_WAITS] = {"tidemark_waits", METRIC_COUNTER, "",
        "Commands that waited for a connection, a server, or a fresh enough replica."},
    [METRIC_WAIT_TIME] = {"tidemark_wait_seconds", METRIC_COUNTER, "seconds",
        "How long those waited in all."},
};
/* clang-format on */

const char *metric_type_name(enum metric_type type)
{
    switch (type) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_HISTOGRAM:
        return "histogram";
    }
    return "";
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_calloc(1, sizeof *metrics);

    metrics->text_capacity = 4096;
    metrics->texts = mem_alloc(metrics->text_capacity);
    metrics->texts[metrics->text_size++] = 0; /* the labels of who has none */
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics != NULL) {
        mem_free(metrics->samples);
        mem_free(metrics->texts);
        mem_free(metrics);
    }
}

const char *metrics_labels(const struct metrics *metrics, const struct metric_sample *sample)
{
    return metrics->texts + sample->labels;
}

/* ---- labels ---- */

static void put(struct metrics *metrics, char byte)
{
    if (metrics->text_size == metrics->text_capacity) {
        metrics->text_capacity *= 2;
        metrics->texts = mem_realloc(metrics->texts, metrics->text_capacity);
    }
    metrics->texts[metrics->text_size++] = byte;
}

static void put_text(struct metrics *metrics, const char *text)
{
    for (; *text != 0; text++) {
        put(metrics, *text);
    }
}

/* Escaped as Prometheus asks for. It refuses a whole scrape for one byte that is not UTF-8, and a
 * user's name may have any: such bytes become question marks. */
static void put_escaped(struct metrics *metrics, const char *text)
{
    struct bytes left = bytes_of_text(text);

    while (left.size > 0) {
        size_t length = utf8_size(left);

        if (left.data[0] == '\\' || left.data[0] == '"') {
            put(metrics, '\\');
        }
        if (left.data[0] == '\n') {
            put_text(metrics, "\\n");
        } else if (length == 0) {
            put(metrics, '?');
        } else {
            for (size_t i = 0; i < length; i++) {
                put(metrics, (char)left.data[i]);
            }
        }
        left = bytes_after(left, length == 0 ? 1 : length);
    }
}

/* Writes the labels, and `bound` (or NULL) as the last one; answers where they are. */
static size_t put_labels(struct metrics *metrics, va_list labels, const char *bound)
{
    size_t start = metrics->text_size;
    const char *name;

    while ((name = va_arg(labels, const char *)) != NULL) {
        put_text(metrics, metrics->text_size > start ? "," : "");
        put_text(metrics, name);
        put_text(metrics, "=\"");
        put_escaped(metrics, va_arg(labels, const char *));
        put(metrics, '"');
    }
    if (bound != NULL) {
        put_text(metrics, metrics->text_size > start ? ",le=\"" : "le=\"");
        put_text(metrics, bound);
        put(metrics, '"');
    }
    if (metrics->text_size == start) {
        return 0;
    }
    put(metrics, 0);
    return start;
}

/* ---- samples ---- */

static void append(struct metrics *metrics, enum metric metric, const char *suffix, size_t labels,
                   double value)
{
    if (metrics->count == metrics->capacity) {
        metrics->capacity = metrics->capacity * 2 + 64;
        metrics->samples =
            mem_realloc(metrics->samples, metrics->capacity * sizeof metrics->samples[0]);
    }
    metrics->samples[metrics->count++] = (struct metric_sample){
        .metric = metric, .suffix = suffix, .labels = labels, .value = value};
}

void metrics_add(struct metrics *metrics, enum metric metric, double value, ...)
{
    va_list labels;

    va_start(labels, value);
    append(metrics, metric, metric_families[metric].type == METRIC_COUNTER ? "_total" : "",
           put_labels(metrics, labels, NULL), value);
    va_end(labels);
}

/* OpenMetrics wants bounds to look like fractions; both forms of /metrics have the same series. */
static void print_bound(char *text, size_t size, double bound)
{
    metric_print_value(text, size, bound);
    if (strspn(text, "-0123456789") == strlen(text)) {
        size_t length = strlen(text);

        snprintf(text + length, size - length, ".0");
    }
}

void metrics_add_histogram(struct metrics *metrics, enum metric metric, const double *bounds,
                           const uint64_t *counts, size_t bound_count, double sum, ...)
{
    char bound[METRIC_VALUE_BYTES];
    uint64_t count = 0;
    size_t plain;
    va_list labels, again;

    va_start(labels, sum);
    for (size_t i = 0; i <= bound_count; i++) {
        count += counts[i];
        print_bound(bound, sizeof bound, i < bound_count ? bounds[i] : (double)INFINITY);
        va_copy(again, labels);
        append(metrics, metric, "_bucket", put_labels(metrics, again, bound), (double)count);
        va_end(again);
    }
    plain = put_labels(metrics, labels, NULL);
    va_end(labels);
    append(metrics, metric, "_sum", plain, sum);
    append(metrics, metric, "_count", plain, (double)count);
}

void metrics_sort(struct metrics *metrics)
{
    size_t starts[METRIC_FAMILIES + 1] = {0};
    struct metric_sample *sorted = mem_calloc(metrics->count, sizeof *sorted);

    for (size_t i = 0; i < metrics->count; i++) {
        starts[metrics->samples[i].metric + 1]++;
    }
    for (size_t i = 1; i <= METRIC_FAMILIES; i++) {
        starts[i] += starts[i - 1];
    }
    for (size_t i = 0; i < metrics->count; i++) {
        sorted[starts[metrics->samples[i].metric]++] = metrics->samples[i];
    }
    mem_free(metrics->samples);
    metrics->samples = sorted;
    metrics->capacity = metrics->count;
}

/* ---- values ---- */

void metric_print_value(char *text, size_t size, double value)
{
    if (isnan(value)) {
        snprintf(text, size, "NaN");
    } else if (isinf(value)) {
        snprintf(text, size, value > 0 ? "+Inf" : "-Inf");
    } else if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        snprintf(text, size, "%" PRId64, (int64_t)value);
    } else {
        /* What reads back as the same number, in as few digits as a person would write. */
        snprintf(text, size, "%.15g", value);
        if (strtod(text, NULL) != value) {
            snprintf(text, size, "%.17g", value);
        }
    }
}
