/*
 * The pages of the HTTP port over a small program: who is alive, who is ready and why not, and that
 * a worker that hangs is named and holds nothing up.
 */
#include "program_fixture.h"

#include "proxy/config/config.h"
#include "proxy/event_ring.h"
#include "proxy/http/pages.h"
#include "proxy/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void assert_page(struct program_fixture *fixture, const char *path, unsigned status,
                        const char *text)
{
    struct page page = page_make(&fixture->program, path, NULL);

    assert_string_equal(page.text, text);
    assert_int_equal(page.status, status);
    assert_int_equal(page.size, strlen(page.text));
    free(page.text);
}

static void assert_metric(struct program_fixture *fixture, const char *line)
{
    struct page page = page_make(&fixture->program, "/metrics", NULL);

    assert_int_equal(page.status, 200);
    if (strstr(page.text, line) == NULL) {
        fail_msg("no %s in:\n%s", line, page.text);
    }
    free(page.text);
}

/* A counter without one worker's part would look as if it had begun anew. */
static void assert_statements_counted(struct program_fixture *fixture, bool are_counted)
{
    struct page page = page_make(&fixture->program, "/metrics", NULL);

    assert_int_equal(strstr(page.text, "\ntidemark_statements_total{") != NULL, are_counted);
    assert_int_equal(strstr(page.text, "\ntidemark_commands_total ") != NULL, are_counted);
    free(page.text);
}

static void test_alive(void **state)
{
    struct program_fixture *fixture = fixture_start();

    (void)state;
    assert_page(fixture, "/livez", 200, "alive\n");
    fixture_hold(fixture, 1);
    assert_page(fixture, "/livez", 503, "not alive\nworker 1 does not answer (waited 1000 ms)\n");
    assert_metric(fixture, "\ntidemark_worker_answers{worker=\"0\"} 1\n"
                           "tidemark_worker_answers{worker=\"1\"} 0\n");
    assert_statements_counted(fixture, false);
    fixture_let_go(fixture, 1);
    assert_page(fixture, "/livez", 200, "alive\n");
    assert_statements_counted(fixture, true);
    fixture_drain(fixture);
    assert_page(fixture, "/livez", 200, "alive\n");
    fixture_stop(fixture);
}

static void *ask_liveness(void *context)
{
    struct program_fixture *fixture = context;

    for (unsigned i = 0; i < 50; i++) {
        struct page page = page_make(&fixture->program, i % 2 == 0 ? "/livez" : "/metrics", NULL);

        assert_int_equal(page.status, 200);
        free(page.text);
    }
    return NULL;
}

static void test_many_ask(void **state)
{
    struct program_fixture *fixture = fixture_start();
    pthread_t threads[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_liveness, fixture), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    fixture_stop(fixture);
}

static void test_no_such_page(void **state)
{
    static const char *const paths[] = {"/", "", "/livez/", "/LIVEZ", "/metrics/x", "livez"};
    struct program_fixture *fixture = fixture_start();

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct page page = page_make(&fixture->program, paths[i], NULL);

        assert_int_equal(page.status, 404);
        assert_non_null(strstr(page.text, "/readyz"));
        free(page.text);
    }
    fixture_stop(fixture);
}

/* ---- readiness ---- */

static void lose_primary(struct topology *topology)
{
    free((void *)topology->why_no_primary);
    topology->why_no_primary = strdup("db1 is read-only");
    topology->primary = -1;
    topology->servers[0].role = ROLE_UNKNOWN;
    fixture_make_unusable(topology, 0, "no role");
    topology->servers[0].state = STATE_UP;
}

static void lose_all(struct topology *topology)
{
    lose_primary(topology);
    fixture_make_unusable(topology, 1, "connection refused");
}

static void primary_down(struct topology *topology)
{
    fixture_make_unusable(topology, 0, "no answer in 1000 ms");
}

static void test_ready(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct config *config = fixture->config;

    (void)state;
    atomic_store(&fixture->gauges[1].lag_ns, UINT64_C(3000000000));
    assert_page(fixture, "/readyz", 200,
                "ready: the primary is db1\n"
                "db1: primary, up, usable\n"
                "db2: replica, up, usable\n");
    fixture_change(fixture, primary_down);
    assert_page(fixture, "/readyz", 503,
                "not ready: the primary db1 is not usable: no answer in 1000 ms\n"
                "db1: primary, down, not usable: no answer in 1000 ms\n"
                "db2: replica, up, usable\n");
    fixture_change(fixture, lose_primary);
    assert_page(fixture, "/readyz", 503,
                "not ready: no primary: db1 is read-only\n"
                "db1: unknown, up, not usable: no role\n"
                "db2: replica, up, usable\n");
    assert_metric(fixture, "\ntidemark_ready 0\n");

    config->proxy.ready = CONFIG_READY_READS;
    config->consistency.max_lag_ms = 3000;
    assert_page(fixture, "/readyz", 200,
                "ready: no primary, but reads are served: db2\n"
                "db1: unknown, up, not usable: no role\n"
                "db2: replica, up, usable\n");
    assert_metric(fixture, "\ntidemark_ready 1\n");
    fixture_change(fixture, lose_all);
    assert_page(fixture, "/readyz", 503,
                "not ready: no primary: db1 is read-only\n"
                "db1: unknown, up, not usable: no role\n"
                "db2: replica, down, not usable: connection refused\n");
    fixture_stop(fixture);
}

/* What max_lag_ms excludes serves no reads; 0 excludes nothing, not even an unknown lag. */
static void test_ready_within_lag(void **state)
{
    static const struct {
        uint64_t lag_ns;
        unsigned max_lag_ms;
        bool is_ready;
    } rows[] = {
        {0, 1, true},           {1000000, 1, true},    {1000001, 1, false},
        {UINT64_MAX, 1, false}, {UINT64_MAX, 0, true}, {UINT64_MAX, 2147483647, false},
    };
    struct program_fixture *fixture = fixture_start();

    (void)state;
    fixture_change(fixture, lose_primary);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        atomic_store(&fixture->gauges[1].lag_ns, rows[i].lag_ns);
        assert_int_equal(
            readiness_of(fixture->topology, CONFIG_READY_READS, rows[i].max_lag_ms, false).is_ready,
            rows[i].is_ready);
        assert_false(readiness_of(fixture->topology, CONFIG_READY_WRITES, rows[i].max_lag_ms, false)
                         .is_ready);
    }
    assert_false(readiness_of(NULL, CONFIG_READY_READS, 0, false).is_ready);
    fixture_stop(fixture);
}

static void test_not_ready_while_draining(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct page page;

    (void)state;
    atomic_store(&fixture->program.draining, true);
    page = page_make(&fixture->program, "/readyz", NULL);
    assert_int_equal(page.status, 503);
    assert_non_null(strstr(page.text, "not ready: ending: no new clients are accepted\n"));
    free(page.text);
    assert_metric(fixture, "\ntidemark_draining 1\n");
    fixture_drain(fixture);
    assert_metric(fixture, "\ntidemark_sessions{state=\"idle\"} 0\n");
    fixture_stop(fixture);
}

/* ---- figures ---- */

static void test_figures(void **state)
{
    struct program_fixture *fixture = fixture_start();

    (void)state;
    event_ring_add(fixture->program.events, "server", "db1", "up", "");
    event_ring_add(fixture->program.events, "admin", NULL, "x", "y");
    event_ring_add(fixture->program.events, "server", "db1", "down", "");
    atomic_store(&fixture->gauges[1].lag_ns, UINT64_C(2500000000));
    atomic_store(&fixture->gauges[1].errors, 7);
    assert_metric(fixture, "\ntidemark_events_total{kind=\"server\"} 2\n"
                           "tidemark_events_total{kind=\"admin\"} 1\n");
    assert_metric(fixture, "\ntidemark_server_lag_seconds{server=\"db2\"} 2.5\n");
    assert_metric(fixture, "\ntidemark_server_monitor_errors_total{server=\"db2\"} 7\n");
    assert_metric(fixture, "\ntidemark_server_connections_limit{server=\"db2\"} 7\n");
    assert_metric(fixture, "\ntidemark_server_role{server=\"db1\",role=\"primary\"} 1\n");
    assert_metric(fixture, "\ntidemark_user_clients_limit{user=\"reports\"} 3\n");
    assert_metric(fixture, "\ntidemark_sessions_pinned_by{reason=\"transaction\"} 0\n");
    assert_metric(fixture, "\ntidemark_build_info{version=\"0.1.0\"} 1\n");
    /* Not known: left out, and no wrong number. */
    atomic_store(&fixture->gauges[1].lag_ns, UINT64_MAX);
    struct page page = page_make(&fixture->program, "/metrics", NULL);

    assert_null(strstr(page.text, "\ntidemark_server_lag_seconds{"));
    assert_null(strstr(page.text, "\ntidemark_server_look_age_seconds{"));
    free(page.text);
    fixture_stop(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alive),
        cmocka_unit_test(test_many_ask),
        cmocka_unit_test(test_no_such_page),
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_ready_within_lag),
        cmocka_unit_test(test_not_ready_while_draining),
        cmocka_unit_test(test_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
