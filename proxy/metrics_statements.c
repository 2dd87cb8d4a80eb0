/*
 * Figures of statements. See metrics_statements.h.
 */
#include "proxy/metrics_statements.h"

#include "proxy/metrics.h"
#include "proxy/roster.h"
#include "proxy/statistics/digests.h"
#include "proxy/statistics/latency.h"
#include "proxy/worker.h"
#include "router/statement.h"

static const double NS_PER_S = 1e9;

void statement_figures_take(struct statement_figures *figures, const struct worker *worker)
{
    const struct statistics *statistics = &worker->statistics;

    if (figures->latency == NULL) {
        figures->latency = latency_new();
    }
    counters_merge(&figures->counters, &statistics->counters);
    latency_merge(figures->latency, statistics->latency);
    figures->digests += digests_count(statistics->digests);
    figures->digests_limit += digests_capacity(statistics->digests);
    figures->digests_evicted += digests_evicted(statistics->digests);
}

void statement_figures_merge(struct statement_figures *into, const struct statement_figures *from)
{
    if (into->latency == NULL) {
        into->latency = latency_new();
    }
    counters_merge(&into->counters, &from->counters);
    latency_merge(into->latency, from->latency);
    into->digests += from->digests;
    into->digests_limit += from->digests_limit;
    into->digests_evicted += from->digests_evicted;
}

void statement_figures_dispose(struct statement_figures *figures)
{
    latency_free(figures->latency);
    figures->latency = NULL;
}

/* ---- the list ---- */

static void list_counts(struct metrics *metrics, const struct counters *counters)
{
    const struct {
        enum metric metric;
        uint64_t count;
    } rows[] = {
        {METRIC_BYTES_IN, counters->bytes_in},
        {METRIC_BYTES_OUT, counters->bytes_out},
        {METRIC_COMMANDS, counters->commands},
        {METRIC_COMMAND_WARNINGS, counters->warnings},
        {METRIC_LOGINS_FAILED, counters->logins_failed},
        {METRIC_RETRIES, counters->retries},
        {METRIC_ROWS, counters->rows},
        {METRIC_SESSIONS_CLOSED, counters->sessions_closed},
        {METRIC_SESSIONS_OPENED, counters->sessions_opened},
        {METRIC_STATEMENTS_PREPARED, counters->prepared},
        {METRIC_WAITS, counters->waits},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metrics_add(metrics, rows[i].metric, (double)rows[i].count, NULL);
    }
    metrics_add(metrics, METRIC_WAIT_TIME, (double)counters->wait_ns / NS_PER_S, NULL);
}

static void list_kinds(struct metrics *metrics, const struct counters *counters)
{
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        metrics_add(metrics, METRIC_STATEMENTS, (double)counters->statements[i], "class",
                    statement_class_name((enum statement_class)i), NULL);
    }
    for (unsigned i = 0; i < PLACEMENT_COUNT; i++) {
        metrics_add(metrics, METRIC_STATEMENTS_PLACED, (double)counters->placements[i], "placement",
                    placement_name((enum placement)i), NULL);
    }
    for (unsigned i = 0; i < ERROR_CLASS_COUNT; i++) {
        metrics_add(metrics, METRIC_COMMAND_ERRORS, (double)counters->errors[i], "kind",
                    error_class_name((enum error_class)i), NULL);
    }
    for (unsigned i = 0; i < PIN_COUNT; i++) {
        metrics_add(metrics, METRIC_PINS, (double)counters->pins[i], "reason", pin_name(1U << i),
                    NULL);
    }
}

struct listing {
    struct metrics *metrics;
    const struct roster *roster;
};

/* Names as they are: how many series there are is bounded already, with "other" for the rest. */
static const char *user_name(const struct roster *roster, const struct latency_series *series)
{
    return series->is_other ? metrics_others : roster_account(roster, series->user)->name;
}

static void list_series(void *context, const struct latency_series *series)
{
    const struct listing *listing = context;
    const struct config_server *server =
        series->server >= 0 ? roster_server(listing->roster, (unsigned)series->server) : NULL;
    double bounds[LATENCY_BOUNDS];

    if ((series->server >= 0 && server == NULL) ||
        (!series->is_other && series->user >= roster_account_count(listing->roster))) {
        return; /* just removed, or newer than this look at the roster */
    }
    for (size_t i = 0; i < LATENCY_BOUNDS; i++) {
        bounds[i] = latency_bounds_us[i] / 1e6;
    }
    metrics_add_histogram(listing->metrics, METRIC_STATEMENT_DURATION, bounds, series->counts,
                          LATENCY_BOUNDS, (double)series->sum_ns / NS_PER_S, "server",
                          server != NULL     ? server->name
                          : series->is_other ? metrics_others
                                             : "(none)",
                          "user", user_name(listing->roster, series), "class",
                          series->is_other
                              ? metrics_others
                              : statement_class_name((enum statement_class)series->class),
                          NULL);
}

void statement_figures_list(const struct statement_figures *figures, struct metrics *metrics,
                            const struct roster *roster)
{
    struct listing listing = {.metrics = metrics, .roster = roster};

    list_counts(metrics, &figures->counters);
    list_kinds(metrics, &figures->counters);
    metrics_add(metrics, METRIC_DIGESTS, (double)figures->digests, NULL);
    metrics_add(metrics, METRIC_DIGESTS_LIMIT, (double)figures->digests_limit, NULL);
    metrics_add(metrics, METRIC_DIGESTS_EVICTED, (double)figures->digests_evicted, NULL);
    if (figures->latency != NULL) {
        latency_visit(figures->latency, list_series, &listing);
    }
}
