/* Series of latencies, counters, traces: what one record, or many, become in each. */
#include "proxy/statistics/statistics.h"

#include "protocol/command.h"
#include "proxy/memory.h"
#include "proxy/statistics/trace.h"

#include "record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- latencies ---- */

struct found {
    size_t series, others;
    uint64_t statements, sum_ns;
    struct latency_series last;
};

static void note(void *context, const struct latency_series *series)
{
    struct found *found = context;

    found->series++;
    found->others += series->is_other;
    found->sum_ns += series->sum_ns;
    for (size_t i = 0; i <= LATENCY_BOUNDS; i++) {
        found->statements += series->counts[i];
    }
    found->last = *series;
}

static struct found found_in(const struct latency *latency)
{
    struct found found = {0};

    latency_visit(latency, note, &found);
    return found;
}

static struct statement_record took(uint64_t ns)
{
    return (struct statement_record){
        .is_statement = true, .server = 3, .user = 4, .why = "", .ended_ns = ns};
}

static void a_bound_belongs_to_what_it_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < LATENCY_BOUNDS; i++) {
        struct latency *latency = latency_new();
        struct statement_record record = took(latency_bounds_us[i] * UINT64_C(1000));

        latency_take(latency, &record);
        record.ended_ns++;
        latency_take(latency, &record);
        assert_int_equal(found_in(latency).last.counts[i], 1);
        assert_int_equal(found_in(latency).last.counts[i + 1], 1);
        assert_true(i == 0 || latency_bounds_us[i] > latency_bounds_us[i - 1]);
        latency_free(latency);
    }
}

static void each_kind_has_its_series(void **state)
{
    struct latency *latency = latency_new();
    struct found found;

    (void)state;
    for (unsigned i = 0; i < 3 * 4 * CLASS_COUNT * 2; i++) {
        struct statement_record record = took(1000000);

        record.server = (int)(i % 3) - 1;
        record.error = 1105; /* what never got to a server counts when it failed */
        record.user = i / 3 % 4;
        record.class = (uint8_t)(i / 12 % CLASS_COUNT);
        latency_take(latency, &record);
    }
    found = found_in(latency);
    assert_int_equal(found.series, 3 * 4 * CLASS_COUNT);
    assert_int_equal(found.statements, 2 * found.series);
    assert_int_equal(found.sum_ns, found.statements * 1000000);
    latency_forget_server(latency, 1);
    assert_int_equal(found_in(latency).series, 2 * 4 * CLASS_COUNT);
    latency_free(latency);
}

static void what_the_proxy_answered_is_left_out(void **state)
{
    struct latency *latency = latency_new();
    struct statement_record record = took(1000);

    (void)state;
    record.server = -1;
    latency_take(latency, &record);
    assert_int_equal(found_in(latency).series, 0);
    latency_free(latency);
}

static void beyond_the_bound_is_other(void **state)
{
    struct latency *one = latency_new(), *two = latency_new();
    struct found found;

    (void)state;
    for (unsigned user = 0; user < LATENCY_SERIES + 100; user++) {
        struct statement_record record = took(1000000);

        record.user = user;
        latency_take(one, &record);
        latency_take(one, &record);
        record.user += 50;
        latency_take(two, &record);
    }
    found = found_in(one);
    assert_int_equal(found.series, LATENCY_SERIES + 1);
    assert_int_equal(found.others, 1);
    assert_int_equal(found.statements, 2 * (LATENCY_SERIES + 100));
    latency_merge(one, two);
    found = found_in(one);
    assert_int_equal(found.series, LATENCY_SERIES + 1);
    assert_int_equal(found.statements, 3 * (LATENCY_SERIES + 100));
    latency_free(one);
    latency_free(two);
}

/* ---- counters ---- */

static void counters_say_what_records_say(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct counters counters = {0};
    struct statement_record record = record_of("UPDATE t SET a = 1", &mode);

    (void)state;
    record.placement = PLACED_PRIMARY_WRITE;
    record.rows = 2;
    record.bytes = 30;
    record.bytes_in = 20;
    record.warnings = 7;
    record.retries = 1;
    record.wait_ns = 500;
    record.pins = PIN_WARNINGS | PIN_TRANSACTION;
    record.error = 1213;
    counters_take(&counters, &record);
    record = (struct statement_record){.command = COMMAND_PING, .server = -1, .is_aborted = true};
    counters_take(&counters, &record);
    assert_int_equal(counters.commands, 2);
    assert_int_equal(counters.statements[STATEMENT_WRITE], 1);
    assert_int_equal(counters.statements[STATEMENT_READ], 0);
    assert_int_equal(counters.placements[PLACED_PRIMARY_WRITE], 1);
    assert_int_equal(counters.rows, 2);
    assert_int_equal(counters.bytes_out, 30);
    assert_int_equal(counters.bytes_in, 20);
    assert_int_equal(counters.warnings, 1);
    assert_int_equal(counters.retries, 1);
    assert_int_equal(counters.waits, 1);
    assert_int_equal(counters.wait_ns, 500);
    assert_int_equal(counters.errors[ERROR_CLASS_LOCK], 1);
    assert_int_equal(counters.errors[ERROR_CLASS_ABORTED], 1);
    assert_int_equal(counters.pins[0], 1);
    assert_int_equal(counters.pins[19], 1);
    assert_int_equal(counters.pins[1], 0);
}

static void counters_of_workers_add_up(void **state)
{
    struct counters one, two;

    (void)state;
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    one.sessions_opened = 3;
    two.sessions_opened = 4;
    two.pins[PIN_COUNT - 1] = 5;
    counters_merge(&one, &two);
    assert_int_equal(one.sessions_opened, 7);
    assert_int_equal(one.pins[PIN_COUNT - 1], 5);
    assert_int_equal(one.commands, 0);
}

static void everything_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERROR_CLASS_COUNT; i++) {
        assert_true(strlen(error_class_name(i)) > 0);
    }
    for (unsigned i = 0; i < PLACEMENT_COUNT; i++) {
        assert_true(strlen(placement_name(i)) > 0);
    }
    assert_int_equal(error_class_of(1062), ERROR_CLASS_CONSTRAINT);
    assert_int_equal(error_class_of(60000), ERROR_CLASS_OTHER);
}

/* ---- traces ---- */

static void a_trace_keeps_the_last(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct trace *trace = trace_new();

    (void)state;
    assert_int_equal(trace_count(trace), 0);
    for (unsigned i = 1; i <= TRACE_KEPT + 5; i++) {
        char sql[40];
        struct statement_record record;

        snprintf(sql, sizeof sql, "SELECT a%u, 'secret'", i);
        record = record_of(sql, &mode);
        record.rows = i;
        trace_take(trace, &record);
        assert_int_equal(trace_count(trace), i < TRACE_KEPT ? i : TRACE_KEPT);
        assert_int_equal(trace_at(trace, 0)->number, i <= TRACE_KEPT ? 1 : i - TRACE_KEPT + 1);
        assert_int_equal(trace_at(trace, trace_count(trace) - 1)->number, i);
    }
    assert_int_equal(trace_at(trace, 10)->record.rows, 16);
    assert_string_equal(trace_at(trace, 10)->text, "SELECT a16, ?");
    assert_null(trace_at(trace, 10)->record.sql.data);
    assert_null(trace_at(trace, 10)->record.mode);
    trace_free(trace);
}

/* ---- all of it ---- */

static void one_record_goes_to_all(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct statistics statistics;
    struct statement_record record = record_of("SELECT a FROM t", &mode);

    (void)state;
    statistics_init(&statistics, 10, 1);
    record.trace = trace_new();
    statistics_take(&statistics, &record);
    assert_int_equal(statistics.counters.statements[STATEMENT_READ], 1);
    assert_int_equal(found_in(statistics.latency).statements, 1);
    assert_int_equal(digests_find(statistics.digests, record.digest)->count, 1);
    assert_int_equal(trace_count(record.trace), 1);
    /* Another command is no statement. */
    record.is_statement = false;
    record.command = COMMAND_PING;
    statistics_take(&statistics, &record);
    assert_int_equal(statistics.counters.commands, 2);
    assert_int_equal(statistics.counters.statements[STATEMENT_READ], 1);
    assert_int_equal(found_in(statistics.latency).statements, 1);
    assert_int_equal(digests_find(statistics.digests, record.digest)->count, 1);
    assert_int_equal(trace_count(record.trace), 2);
    assert_string_equal(trace_at(record.trace, 1)->text, "");
    statistics_set_digests(&statistics, 5);
    assert_int_equal(digests_capacity(statistics.digests), 5);
    assert_non_null(digests_find(statistics.digests, record.digest));
    statistics_reset_digests(&statistics, 77);
    assert_null(digests_find(statistics.digests, record.digest));
    assert_int_equal(statistics.reset_ns, 77);
    trace_free(record.trace);
    statistics_dispose(&statistics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_what_it_ends),
        cmocka_unit_test(each_kind_has_its_series),
        cmocka_unit_test(what_the_proxy_answered_is_left_out),
        cmocka_unit_test(beyond_the_bound_is_other),
        cmocka_unit_test(counters_say_what_records_say),
        cmocka_unit_test(counters_of_workers_add_up),
        cmocka_unit_test(everything_has_a_name),
        cmocka_unit_test(a_trace_keeps_the_last),
        cmocka_unit_test(one_record_goes_to_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
