/*
 * Whole stories told to the cluster by hand: looks, samples and waits with times of our own, and
 * what workers would see after each.
 */
#include "health/cluster.h"

#include "health/arena.h"

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
    return cluster.servers[i]->record->gauges.lag_ns;
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
    cluster.servers[0]->look.read_only = false; /* and then both at once */
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

/* --- servers come and go ---------------------------------------------------------------------- */

static const struct health_server db2 = {
    .name = "db2", .host = "127.0.0.1", .port = 3302, .weight = 1};

static struct catalog *an_empty_catalog(void)
{
    struct arena *arena = arena_new();
    struct catalog *catalog = arena_alloc(arena, 1, sizeof(*catalog));

    atomic_init(&catalog->references, 1);
    catalog->memory = arena;
    return catalog;
}

static const struct server_info *shown(size_t i)
{
    return &cluster.topology->servers[i];
}

static void test_put_at_run_time(void **state)
{
    const struct health_server fresh = {
        .name = "db9", .host = "127.0.0.1", .port = 3309, .weight = 5, .max_connections = 7};

    (void)state;
    usual_beginning();
    cluster.now = 101 * S;
    assert_true(cluster_put(&cluster, 5, &fresh));
    assert_int_equal(told("db9", "added", ""), 1);
    assert_int_equal(cluster.topology->count, 6);
    assert_string_equal(shown(5)->name, "db9");
    assert_int_equal(shown(5)->max_connections, 7);
    assert_int_equal(shown(5)->since_ns, 101 * S);
    assert_string_equal(shown(5)->why_not, "not seen yet");
    assert_int_equal(cluster.primary, 0); /* and the others do not notice */
    assert_int_equal(horizon(1, 0), 100 * S);
    look_replica(5, 102 * S, 0, 10);
    assert_int_equal(shown(5)->role, ROLE_REPLICA);
    assert_int_equal(horizon(5, 0), 100 * S);
    assert_false(cluster_put(&cluster, 64, &fresh));
    assert_false(cluster_put(&cluster, 0, &fresh)); /* that is db1's */
    assert_string_equal(shown(0)->name, "db1");
}

static void test_empty_slots(void **state)
{
    (void)state;
    usual_beginning();
    cluster_remove(&cluster, 1);
    assert_int_equal(told("db2", "removed", ""), 1);
    assert_int_equal(cluster.topology->count, 3);
    assert_int_equal(cluster.topology->primary, 0);
    assert_int_equal(shown(2)->role, ROLE_REPLICA);
    assert_int_equal(horizon(2, 0), 100 * S);
    for (size_t i = 1; i < HEALTH_SERVERS; i += i == 1 ? 2 : 1) {
        assert_null(shown(i)->name);
        assert_int_equal(shown(i)->role, ROLE_UNKNOWN);
        assert_int_equal(shown(i)->state, STATE_DOWN);
        assert_false(shown(i)->usable);
        assert_string_equal(shown(i)->why_not, "not configured");
        assert_null(shown(i)->facts);
        assert_int_equal(shown(i)->gauges->lag_ns, UINT64_MAX);
        assert_int_equal(horizon(i, UINT64_MAX), 0);
    }
    cluster_remove(&cluster, 1); /* again, */
    cluster_remove(&cluster, 63);
    cluster_remove(&cluster, 64); /* and what there is not */
    cluster_remove(&cluster, 2);
    assert_int_equal(cluster.topology->count, 1);
    look_writable(0, 101 * S, 11);
    assert_int_equal(horizon(0, 101 * S), 101 * S);
    cluster_remove(&cluster, 0);
    assert_int_equal(cluster.topology->count, 0);
    assert_string_equal(cluster.topology->why_no_primary, "no server is configured");
}

/* Who holds an older snapshot believes a removed server no more than who holds the newest. */
static void test_removed_primary(void **state)
{
    struct topology *before;
    struct position executed = gtid(1, 12);
    struct position none = {0};
    uint64_t epoch;

    (void)state;
    usual_beginning();
    cluster_set_catalog(&cluster, an_empty_catalog());
    before = topology_ref(cluster.topology);
    epoch = cluster.epoch;
    assert_int_equal(server_horizon(&before->servers[0], 101 * S), 101 * S);
    cluster_remove(&cluster, 0);
    assert_int_equal(server_horizon(&before->servers[0], 101 * S), 0);
    assert_int_equal(server_horizon(&before->servers[1], 0), 0);
    assert_int_equal(before->servers[0].gauges->lag_ns, UINT64_MAX);
    assert_string_equal(before->servers[0].name, "db1");
    assert_int_equal(cluster.topology->primary, -1);
    assert_null(cluster.topology->catalog);
    assert_int_equal(shown(1)->role, ROLE_UNKNOWN); /* its source is nobody's business any more */
    assert_null(horizon_newest(&cluster.by_gtid));
    cluster_take_sample(&cluster, epoch, 101 * S, &executed, &none); /* was under way */
    assert_null(horizon_newest(&cluster.by_gtid));
    position_dispose(&executed);
    topology_unref(before);

    look_replica(2, 102 * S, 1, 10);
    look_writable(1, 103 * S, 10);
    assert_int_equal(cluster.primary, 1);
    assert_int_equal(horizon(1, 103 * S), 103 * S);
    assert_int_equal(horizon(2, 0), 103 * S);
}

/* The horizons that an unreachable primary left behind go with it, too. */
static void test_removed_incumbent(void **state)
{
    (void)state;
    usual_beginning();
    look_refused(0, 101 * S);
    assert_int_equal(horizon(1, 0), 100 * S);
    cluster_remove(&cluster, 0);
    assert_int_equal(horizon(1, 0), 0);
    assert_int_equal(cluster.incumbent, -1);
}

static void test_returns_unknown(void **state)
{
    struct cluster_job job;
    const struct health_server other = {.name = "db2", .host = "127.0.0.2", .port = 3302};

    (void)state;
    usual_beginning();
    sample(101 * S, 20);
    assert_true(cluster_job_for(&cluster, 1, UINT64_MAX, &job));
    cluster_drain(&cluster, 1, true);
    assert_false(cluster_put(&cluster, 1, &other)); /* the name alone does not make it the same */
    cluster_remove(&cluster, 1);
    assert_true(cluster_put(&cluster, 1, &db2));
    assert_int_equal(horizon(1, 0), 0);
    assert_int_equal(shown(1)->role, ROLE_UNKNOWN);
    assert_int_equal(shown(1)->state, STATE_DOWN);
    assert_int_equal(shown(1)->gauges->looks, 0);
    look_replica(1, 102 * S, 0, 10);
    cluster_reached(&cluster, 1, &job); /* begun with the server that was here before */
    assert_int_equal(horizon(1, 0), 100 * S);
    assert_true(shown(1)->usable); /* nobody asked to drain this one */
    position_dispose(&job.position);
}

static void test_settings_change(void **state)
{
    struct health_server changed = db2;

    (void)state;
    usual_beginning();
    cluster_drain(&cluster, 1, true);
    changed.weight = 9;
    changed.max_connections = 3;
    assert_true(cluster_put(&cluster, 1, &changed));
    assert_int_equal(shown(1)->weight, 9);
    assert_int_equal(shown(1)->max_connections, 3);
    assert_int_equal(shown(1)->state, STATE_DRAINING);
    assert_int_equal(horizon(1, 0), 100 * S);
    struct health_server first = {.name = "db1", .host = "127.0.0.1", .port = 3301};
    first.role = CONFIGURED_REPLICA;
    assert_int_equal(horizon(0, 101 * S), 101 * S);
    assert_true(cluster_put(&cluster, 0, &first)); /* judged at once: */
    assert_int_equal(cluster.topology->primary, -1);
    assert_int_equal(horizon(0, 101 * S), 0);
}

/* What the pace before last granted does not outlast the new one. */
static void test_shorter_grant(void **state)
{
    (void)state;
    cluster_set_poll(&cluster, 60 * S);
    usual_beginning();
    assert_int_equal(horizon(0, 219 * S), 219 * S);
    cluster.now = 110 * S;
    cluster_set_poll(&cluster, 1 * S);
    assert_int_equal(horizon(0, 112 * S - 1), 112 * S - 1);
    assert_int_equal(horizon(0, 112 * S), 0);
    cluster_set_poll(&cluster, 60 * S); /* a longer one gives nothing that no look has earned */
    assert_int_equal(horizon(0, 112 * S), 0);
}

static void test_what_operators_see(void **state)
{
    struct look look = {.result = LOOK_TIMED_OUT, .at = 101 * S, .why = "no answer in time"};

    (void)state;
    cluster.now = 100 * S;
    usual_beginning();
    assert_int_equal(shown(0)->since_ns, 100 * S);
    assert_int_equal(shown(0)->gauges->looks, 1);
    assert_string_equal(shown(0)->trouble, "");
    cluster_drain(&cluster, 0, true);
    cluster.now = 101 * S;
    cluster_take_look(&cluster, 0, &look); /* suspect, and draining as before */
    assert_string_equal(shown(0)->why_not, "draining");
    assert_string_equal(shown(0)->trouble, "no answer in time");
    assert_int_equal(shown(0)->since_ns, 100 * S);
    assert_int_equal(shown(0)->gauges->looks, 2);
    assert_int_equal(shown(0)->gauges->errors, 1);
    cluster.now = 102 * S;
    look_refused(0, 102 * S);
    assert_int_equal(shown(0)->state, STATE_DOWN);
    assert_int_equal(shown(0)->since_ns, 102 * S);
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
        STORY(test_put_at_run_time),
        STORY(test_empty_slots),
        STORY(test_removed_primary),
        STORY(test_removed_incumbent),
        STORY(test_returns_unknown),
        STORY(test_settings_change),
        STORY(test_shorter_grant),
        STORY(test_what_operators_see),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
