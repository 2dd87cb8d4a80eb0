/*
 * The list of figures and its two text forms: names, labels, values, histograms; and that nothing a
 * user's or server's name holds can break a line.
 */
#include "proxy/http/exposition.h"
#include "proxy/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_printed(struct metrics *metrics, enum exposition exposition, const char *text)
{
    size_t size;
    char *printed;

    metrics_sort(metrics);
    printed = exposition_print(metrics, exposition, &size);
    assert_int_equal(size, strlen(printed));
    assert_string_equal(printed, text);
    free(printed);
    metrics_free(metrics);
}

static void test_values(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {1, "1"},
        {-3, "-3"},
        {0.25, "0.25"},
        {0.1, "0.1"},
        {1795269417, "1795269417"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"},
        {9007199254740993.0, "9007199254740992"},
        {1.0 / 3, "0.33333333333333331"},
        {0.000001, "1e-06"},
        {(double)INFINITY, "+Inf"},
        {-(double)INFINITY, "-Inf"},
        {(double)NAN, "NaN"},
        {DBL_MAX, "1.7976931348623157e+308"},
    };
    char text[METRIC_VALUE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metric_print_value(text, sizeof text, rows[i].value);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_labels(void **state)
{
    static const struct {
        const char *name, *label;
    } rows[] = {
        {"db1", "server=\"db1\""},
        {"", "server=\"\""},
        {"a\"b", "server=\"a\\\"b\""},
        {"a\\b", "server=\"a\\\\b\""},
        {"a\nb", "server=\"a\\nb\""},
        {"a}b,c=", "server=\"a}b,c=\""},
        {"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x90\xac",
         "server=\"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x90\xac\""},
        {"J\xfcrgen", "server=\"J?rgen\""},      /* latin1 */
        {"\xc3", "server=\"?\""},                /* cut */
        {"\xe2\x82", "server=\"??\""},           /* cut */
        {"\xc0\x80", "server=\"??\""},           /* overlong */
        {"\xed\xa0\x80", "server=\"???\""},      /* surrogate */
        {"\xf4\x90\x80\x80", "server=\"????\""}, /* beyond the last character */
        {"\xf0\x80\x80\x80", "server=\"????\""}, /* overlong */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics *metrics = metrics_new();

        metrics_add(metrics, METRIC_SERVER_UP, 1, "server", rows[i].name, NULL);
        assert_string_equal(metrics_labels(metrics, &metrics->samples[0]), rows[i].label);
        metrics_free(metrics);
    }
}

static struct metrics *some(void)
{
    struct metrics *metrics = metrics_new();

    metrics_add(metrics, METRIC_SERVER_LAG, 0.5, "server", "db2", NULL);
    metrics_add(metrics, METRIC_EVENTS, 3, "kind", "server", NULL);
    metrics_add(metrics, METRIC_DRAINING, 0, NULL);
    metrics_add(metrics, METRIC_SERVER_LAG, (double)NAN, "server", "db1", NULL);
    return metrics;
}

#define EVENTS_HELP "Events so far: changes of roles, states and configuration, and commands.\n"
#define LAG_HELP "How far a replica is behind, as of the last look; left out when unknown.\n"
#define DRAINING                                                                                   \
    "# HELP tidemark_draining 1 while the program is ending: no new clients are accepted.\n"       \
    "# TYPE tidemark_draining gauge\n"                                                             \
    "tidemark_draining 0\n"

/* The samples of a family stand together, in the order in which they were added. */
static void test_text(void **state)
{
    (void)state;
    assert_printed(some(), EXPOSITION_TEXT,
                   DRAINING "# HELP tidemark_events_total " EVENTS_HELP
                            "# TYPE tidemark_events_total counter\n"
                            "tidemark_events_total{kind=\"server\"} 3\n"
                            "# HELP tidemark_server_lag_seconds " LAG_HELP
                            "# TYPE tidemark_server_lag_seconds gauge\n"
                            "tidemark_server_lag_seconds{server=\"db2\"} 0.5\n"
                            "tidemark_server_lag_seconds{server=\"db1\"} NaN\n");
    assert_printed(metrics_new(), EXPOSITION_TEXT, "");
}

static void test_openmetrics(void **state)
{
    (void)state;
    assert_printed(some(), EXPOSITION_OPENMETRICS,
                   DRAINING "# HELP tidemark_events " EVENTS_HELP "# TYPE tidemark_events counter\n"
                            "tidemark_events_total{kind=\"server\"} 3\n"
                            "# HELP tidemark_server_lag_seconds " LAG_HELP
                            "# TYPE tidemark_server_lag_seconds gauge\n"
                            "# UNIT tidemark_server_lag_seconds seconds\n"
                            "tidemark_server_lag_seconds{server=\"db2\"} 0.5\n"
                            "tidemark_server_lag_seconds{server=\"db1\"} NaN\n"
                            "# EOF\n");
    assert_printed(metrics_new(), EXPOSITION_OPENMETRICS, "# EOF\n");
}

/* Buckets are cumulative, and the last one has all that were counted. */
static void test_histogram(void **state)
{
    static const double bounds[] = {0.001, 0.5, 1, 10};
    static const uint64_t counts[] = {3, 0, 4, 1, 2};
    static const struct {
        const char *suffix, *labels;
        double value;
    } rows[] = {
        {"_bucket", "user=\"app\",le=\"0.001\"", 3},
        {"_bucket", "user=\"app\",le=\"0.5\"", 3},
        {"_bucket", "user=\"app\",le=\"1.0\"", 7},
        {"_bucket", "user=\"app\",le=\"10.0\"", 8},
        {"_bucket", "user=\"app\",le=\"+Inf\"", 10},
        {"_sum", "user=\"app\"", 33.5},
        {"_count", "user=\"app\"", 10},
        {"_bucket", "le=\"+Inf\"", 5},
        {"_sum", "", 2},
        {"_count", "", 5},
    };
    static const uint64_t all[] = {5};
    struct metrics *metrics = metrics_new();

    (void)state;
    metrics_add_histogram(metrics, METRIC_SERVER_LATENCY, bounds, counts, 4, 33.5, "user", "app",
                          NULL);
    metrics_add_histogram(metrics, METRIC_SERVER_LATENCY, NULL, all, 0, 2, NULL);
    assert_int_equal(metrics->count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < metrics->count; i++) {
        assert_string_equal(metrics->samples[i].suffix, rows[i].suffix);
        assert_string_equal(metrics_labels(metrics, &metrics->samples[i]), rows[i].labels);
        assert_true(metrics->samples[i].value == rows[i].value);
    }
    metrics_free(metrics);
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* The rules for names, which `promtool check metrics` knows only in part. */
static void test_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRIC_FAMILIES; i++) {
        const struct metric_family *family = &metric_families[i];

        if (family->name == NULL) {
            fail_msg("family %zu has no name", i);
            return;
        }
        assert_int_equal(strspn(family->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(family->name));
        assert_true(strncmp(family->name, "tidemark_", 9) == 0 ||
                    strncmp(family->name, "process_", 8) == 0);
        assert_false(ends_with(family->name, "_total"));
        assert_true(ends_with(family->name, family->unit));
        assert_false(ends_with(family->name, "_ms") || ends_with(family->name, "_us"));
        assert_true(ends_with(family->help, "."));
        assert_null(strpbrk(family->help, "\\\n\""));
        for (size_t other = 0; other < i; other++) {
            assert_string_not_equal(family->name, metric_families[other].name);
        }
    }
}

static void test_accept(void **state)
{
    (void)state;
    assert_int_equal(exposition_for(NULL), EXPOSITION_TEXT);
    assert_int_equal(exposition_for("*/*"), EXPOSITION_TEXT);
    assert_int_equal(exposition_for("text/plain;version=0.0.4;q=1,*/*;q=0.1"), EXPOSITION_TEXT);
    assert_int_equal(exposition_for("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
                     EXPOSITION_OPENMETRICS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_labels),
        cmocka_unit_test(test_text),      cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_histogram), cmocka_unit_test(test_families),
        cmocka_unit_test(test_accept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
