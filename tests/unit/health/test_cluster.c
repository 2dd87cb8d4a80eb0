/*
 * Whole stories told to the cluster by hand: looks, samples and waits with times of our own, and
 * what workers would see after each.
 */
#include "health/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static struct cluster cluster;

static int set_up(void **state)
{
    static const struct health_server servers[] = {
        {.name = "db1", .host = "127.0.0.1", .port = 3301, .weight = 1},
        {.name = "db2", .host = "127.0.0.1", .port = 3302, .weight = 1},
        {.name = "db3", .host = "127.0.0.1", .port = 3303, .weight = 1},
    };
    const struct health_options options = {.servers = servers, .server_count = 3};

    (void)state;
    cluster_init(&cluster, &options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cluster_dispose(&cluster);
    return 0;
}

static struct position gtid(unsigned server, unsigned sequence)
{
    char text[40] = "";
    struct position p;

    if (sequence)
        snprintf(text, sizeof(text), "0-%u-%u", server, sequence);
    assert_true(position_parse(POSITION_MARIADB_GTID, text, strlen(text), &p));
    return p;
}

static struct look a_look(unsigned server, uint64_t at)
{
    struct look look = {.at = at, .done_at = at + 1000, .id = server, .in_quorum = true};

    look.sources_known = true;
    look.started_s = 5;
    look.connection_id = 10;
    return look;
}

/* Server `i` (0, 1, 2) is looked at: writable at a sequence, */
static void look_writable(size_t i, uint64_t at, unsigned sequence)
{
    struct look look = a_look((unsigned)i + 1, at);

    look.executed = gtid((unsigned)i + 1, sequence);
    cluster_take_look(&cluster, i, &look);
}

static struct look replica_look(size_t i, uint64_t at, size_t source, unsigned sequence)
{
    struct look look = a_look((unsigned)i + 1, at);

    look.read_only = true;
    look.source_count = 1;
    look.sources[0] = (struct source){.id = source + 1, .io_running = true, .sql_running = true};
    look.sources[0].uses_gtid = true;
    look.sources[0].applied = gtid((unsigned)source + 1, sequence);
    look.executed = gtid((unsigned)source + 1, sequence);
    return look;
}

/* ... or as a replica of `source` that has applied up to a sequence. */
static void look_replica(size_t i, uint64_t at, size_t source, unsigned sequence)
{
    struct look look = replica_look(i, at, source, sequence);

    cluster_take_look(&cluster, i, &look);
}

static void look_refused(size_t i, uint64_t at)
{
    struct look look = {.result = LOOK_REFUSED, .at = at, .why = "gone"};

    cluster_take_look(&cluster, i, &look);
}

static void sample(uint64_t at, unsigned sequence)
{
    struct position executed = gtid((unsigned)cluster.primary + 1, sequence);
    struct position none = {0};

    cluster_take_sample(&cluster, cluster.epoch, at, &executed, &none);
    position_dispose(&executed);
}

static uint64_t horizon(size_t i, uint64_t now)
{
    return server_horizon(&cluster.topology->servers[i], now);
}

static uint64_t lag(size_t i)
{
    return cluster.servers[i].gauges.lag_ns;
}

/* db1 the primary at 10, db2 and db3 have that; all at 100 s. */
static void usual_beginning(void)
{
    look_replica(1, 100 * S, 0, 10);
    look_replica(2, 100 * S, 0, 10);
    look_writable(0, 100 * S, 10);
    assert_int_equal(cluster.primary, 0);
    cluster_take_news(&cluster);
}

static void test_beginning(void **state)
{
    (void)state;
    assert_int_equal(cluster.topology->primary, -1);
    assert_string_equal(cluster.topology->servers[0].why_not, "not seen yet");
    assert_true(strlen(cluster.topology->why_no_primary) > 0);
    usual_beginning();
    /* The replicas were read before the primary was: what they had then they still have. */
    assert_int_equal(horizon(1, 101 * S), 100 * S);
    assert_int_equal(horizon(2, 101 * S), 100 * S);
    assert_int_equal(lag(1), 0);
}

static void test_grant_expires(void **state)
{
    (void)state;
    usual_beginning();
    assert_int_equal(horizon(0, 101 * S), 101 * S);
    assert_int_equal(horizon(0, 102 * S - 1), 102 * S - 1);
    assert_int_equal(horizon(0, 102 * S), 0); /* two polls after the last good look */
    look_writable(0, 103 * S, 11);
    assert_int_equal(horizon(0, 104 * S), 104 * S);
}

static void test_horizons_follow(void **state)
{
    (void)state;
    usual_beginning();
    sample(101 * S, 20);
    assert_int_equal(horizon(1, 0), 100 * S);
    look_replica(1, 102 * S, 0, 19);
    assert_int_equal(horizon(1, 0), 100 * S);
    assert_int_equal(lag(1), 1 * S);
    look_replica(1, 103 * S, 0, 20);
    assert_int_equal(horizon(1, 0), 101 * S);
    assert_int_equal(lag(1), 0);
    sample(104 * S, 20); /* nothing new was written: who had all has all */
    assert_int_equal(horizon(1, 0), 104 * S);
    assert_int_equal(horizon(2, 0), 100 * S);
}

static void test_wait_publishes(void **state)
{
    struct cluster_job job;

    (void)state;
    usual_beginning();
    assert_false(cluster_job_for(&cluster, 1, UINT64_MAX, &job)); /* it has the newest sample */
    sample(101 * S, 20);
    assert_false(cluster_job_for(&cluster, 1, 100 * S, &job)); /* nobody wants more than it has */
    assert_false(cluster_job_for(&cluster, 0, UINT64_MAX, &job));
    assert_true(cluster_job_for(&cluster, 1, 100 * S + 1, &job));
    assert_int_equal(job.at, 101 * S);
    cluster_reached(&cluster, 1, &job);
    assert_int_equal(horizon(1, 0), 101 * S);
    assert_int_equal(horizon(2, 0), 100 * S);
    assert_true(cluster_take_news(&cluster).rose);
    /* A look that was read before must not take it back. */
    look_replica(1, 101 * S, 0, 15);
    assert_int_equal(horizon(1, 0), 101 * S);
    position_dispose(&job.position);
}

/* A wait that returns after its server, or the history, has become another one says nothing. */
static void test_void_waits(void **state)
{
    struct cluster_job job;

    (void)state;
    usual_beginning();
    sample(101 * S, 20);
    assert_true(cluster_job_for(&cluster, 1, UINT64_MAX, &job));
    cluster_suspect(&cluster, 1);
    assert_int_equal(horizon(1, 0), 0);
    cluster_reached(&cluster, 1, &job);
    assert_int_equal(horizon(1, 0), 0);
    sample(102 * S, 20);
    assert_int_equal(horizon(1, 0), 0); /* until it has been looked at */
    look_replica(1, 103 * S, 0, 20);
    assert_int_equal(horizon(1, 0), 102 * S);
    position_dispose(&job.position);

    sample(104 * S, 30);
    assert_true(cluster_job_for(&cluster, 2, UINT64_MAX, &job));
    sample(105 * S, 5); /* the primary's position shrank */
    cluster_reached(&cluster, 2, &job);
    assert_int_equal(horizon(2, 0), 105 * S); /* 10 contains 5, of the new history */
    position_dispose(&job.position);
}

static void test_replica_restarts(void **state)
{
    struct look look;

    (void)state;
    usual_beginning();
    look = replica_look(1, 101 * S, 0, 8); /* came back with less than it had */
    look.started_s = 90;
    look.connection_id = 3;
    cluster_take_look(&cluster, 1, &look);
    assert_int_equal(horizon(1, 0), 0);
    look_replica(2, 101 * S, 0, 8); /* shrank without a restart */
    assert_int_equal(horizon(2, 0), 0);
}

static void test_primary_restarts(void **state)
{
    struct look look;
    uint64_t epoch;

    (void)state;
    usual_beginning();
    epoch = cluster.epoch;
    look = a_look(1, 101 * S);
    look.started_s = 100;
    look.executed = gtid(1, 10);
    cluster_take_look(&cluster, 0, &look);
    assert_true(cluster.epoch > epoch);
    assert_int_equal(horizon(0, 101 * S), 101 * S);
    assert_int_equal(horizon(1, 0), 101 * S);
}

static void test_failover(void **state)
{
    (void)state;
    usual_beginning();
    look_refused(0, 101 * S);
    assert_int_equal(cluster.primary, -1);
    assert_int_equal(horizon(0, 101 * S), 0);
    assert_int_equal(cluster.topology->servers[1].role, ROLE_REPLICA);
    assert_true(cluster.topology->servers[1].usable);
    assert_int_equal(horizon(1, 0), 100 * S); /* what it has it has */
    look_writable(1, 102 * S, 10);
    assert_int_equal(cluster.primary, 1);
    assert_int_equal(horizon(1, 102 * S), 102 * S);
    assert_int_equal(cluster.topology->servers[2].role, ROLE_UNKNOWN); /* follows the old one */
    assert_int_equal(horizon(2, 0), 0);
    look_replica(2, 103 * S, 1, 10);
    assert_int_equal(horizon(2, 0), 102 * S);
    look_writable(0, 104 * S, 12); /* the old one returns */
    assert_int_equal(cluster.primary, 1);
    assert_int_equal(horizon(0, 104 * S), 0);
    assert_int_equal(cluster.topology->servers[0].role, ROLE_UNKNOWN);
}

/* The grant is gone from the old primary in the same step that knows the new one. */
static void test_exchange(void **state)
{
    struct look look;

    (void)state;
    usual_beginning();
    look = a_look(1, 101 * S);
    look.read_only = true;
    cluster_take_look(&cluster, 0, &look);
    assert_int_equal(horizon(0, 101 * S), 0);
    assert_int_equal(cluster.topology->primary, -1);
    look_writable(1, 101 * S + 1, 10);
    assert_int_equal(cluster.topology->primary, 1);
    look_replica(0, 102 * S, 1, 10);
    assert_int_equal(cluster.topology->servers[0].role, ROLE_REPLICA);
    assert_int_equal(horizon(0, 0), 101 * S + 1);
}

static void test_empty_position_is_no_sample(void **state)
{
    (void)state;
    look_replica(1, 100 * S, 0, 10);
    look_writable(0, 100 * S, 0); /* promoted without log_slave_updates */
    assert_int_equal(cluster.primary, 0);
    assert_int_equal(horizon(0, 100 * S), 100 * S);
    assert_int_equal(horizon(1, 0), 0);
    assert_int_equal(lag(1), UINT64_MAX);
}

static void test_divergence(void **state)
{
    struct look look;

    (void)state;
    usual_beginning();
    look_replica(1, 101 * S, 0, 12); /* ahead of the last sample: no proof, that one is older */
    assert_int_equal(cluster.topology->servers[1].state, STATE_UP);
    sample(102 * S, 13);
    assert_int_equal(cluster.topology->servers[1].state, STATE_UP);
    look_replica(1, 103 * S, 0, 15);
    sample(104 * S, 14); /* asked later, and the primary does not know 15 */
    assert_int_equal(cluster.topology->servers[1].state, STATE_DIVERGED);
    assert_false(cluster.topology->servers[1].usable);
    look_replica(1, 105 * S, 0, 15);
    sample(106 * S, 20); /* the numbers have passed it, the foreign transactions are still there */
    assert_int_equal(cluster.topology->servers[1].state, STATE_DIVERGED);
    look = replica_look(1, 107 * S, 0, 20); /* built anew */
    look.started_s = 106;
    cluster_take_look(&cluster, 1, &look);
    assert_int_equal(cluster.topology->servers[1].state, STATE_UP);
}

static void test_what_needs_sampling(void **state)
{
    struct look look;

    (void)state;
    look_writable(0, 100 * S, 10);
    assert_int_equal(cluster_sampled(&cluster), UINT64_MAX); /* no replica gains by it */
    look_replica(1, 100 * S, 0, 10);
    assert_true(cluster_needs_gtid(&cluster));
    assert_false(cluster_needs_place(&cluster));
    assert_int_equal(cluster_sampled(&cluster), 100 * S);
    look = replica_look(2, 100 * S, 0, 10);
    look.sources[0].uses_gtid = false;
    position_dispose(&look.sources[0].applied);
    position_parse_file("b.000001", 8, 400, &look.sources[0].applied);
    cluster_take_look(&cluster, 2, &look);
    assert_true(cluster_needs_place(&cluster));
    assert_int_equal(cluster_sampled(&cluster), 0);
    look = a_look(1, 101 * S);
    look.executed = gtid(1, 10);
    position_parse_file("b.000001", 8, 400, &look.logged);
    cluster_take_look(&cluster, 0, &look);
    assert_int_equal(cluster_sampled(&cluster), 101 * S);
    assert_int_equal(horizon(1, 0), 101 * S);
    assert_int_equal(horizon(2, 0), 101 * S);
}

static unsigned told(const char *subject, const char *what, const char *why)
{
    struct cluster_news news = cluster_take_news(&cluster);
    unsigned count = 0;

    for (size_t i = 0; i < news.count; i++)
        count += strcmp(news.events[i].subject, subject) == 0 &&
                 strcmp(news.events[i].what, what) == 0 && strcmp(news.events[i].why, why) == 0;
    return count;
}

/* What an operator has to know is said, and said once. */
static void test_events(void **state)
{
    (void)state;
    look_refused(1, 100 * S);
    assert_int_equal(told("db2", "down", "gone"), 1); /* it never was up */
    look_refused(1, 101 * S);
    assert_int_equal(told("db2", "down", "gone"), 0);
    look_writable(0, 101 * S, 10);
    look_refused(0, 102 * S);
    assert_int_equal(told("cluster", "no primary", "no server is writable"), 0); /* db3 may be it */
    look_refused(2, 102 * S);
    assert_int_equal(told("cluster", "no primary", "no server is writable"), 1);
    look_refused(2, 103 * S);
    assert_int_equal(told("cluster", "no primary", "no server is writable"), 0);
}

static void test_two_writable_from_the_start(void **state)
{
    (void)state;
    look_replica(2, 100 * S, 0, 10);
    struct look first = a_look(1, 100 * S);
    first.read_only = true; /* not yet writable when first seen, */
    cluster_take_look(&cluster, 0, &first);
    struct look second = a_look(2, 100 * S);
    second.read_only = true;
    cluster_take_look(&cluster, 1, &second);
    assert_int_equal(told("cluster", "no primary", "no server is writable"), 1);
    cluster.servers[0].look.read_only = false; /* and then both at once */
    look_writable(1, 101 * S, 10);
    assert_int_equal(cluster.primary, -1);
    assert_int_equal(told("cluster", "no primary", "several servers are writable: db1, db2"), 1);
}

/* A snapshot stays as it is for whoever holds it. */
static void test_snapshots(void **state)
{
    struct topology *before;

    (void)state;
    usual_beginning();
    before = topology_ref(cluster.topology);
    look_replica(1, 101 * S, 0, 10);
    assert_ptr_equal(before, cluster.topology); /* horizons move without a new one */
    cluster_drain(&cluster, 1, true);
    assert_ptr_not_equal(before, cluster.topology);
    assert_true(cluster_take_news(&cluster).changed);
    assert_true(before->servers[1].usable);
    assert_false(cluster.topology->servers[1].usable);
    assert_int_equal(cluster.topology->servers[1].state, STATE_DRAINING);
    topology_unref(before);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_beginning),
        STORY(test_grant_expires),
        STORY(test_horizons_follow),
        STORY(test_wait_publishes),
        STORY(test_void_waits),
        STORY(test_replica_restarts),
        STORY(test_primary_restarts),
        STORY(test_failover),
        STORY(test_exchange),
        STORY(test_empty_position_is_no_sample),
        STORY(test_divergence),
        STORY(test_what_needs_sampling),
        STORY(test_snapshots),
        STORY(test_events),
        STORY(test_two_writable_from_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
