/*
 * The threads with made-up servers: sessions that want floors, replicas that apply a little later,
 * and counters of what was asked of whom. Meant to run under the thread sanitizer, too.
 */
#include "health/threads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

enum { SERVERS = 3, ASKERS = 4 };

/* What the made-up servers share: the primary's counter, and when its last step was. */
static struct {
    atomic_uint written;
    _Atomic uint64_t written_at;
    atomic_uint delay_us; /* of replication */
    atomic_bool stuck;    /* replica 2 applies nothing any more */
    atomic_bool gone;     /* the primary cannot be reached */
    atomic_int hangs;     /* number + 1 of a server that answers no look, whatever interrupts it */
    atomic_uint hanging;  /* looks that hang */
    atomic_bool refuses;  /* everybody whose password is not "new" */
    atomic_uint refused;
    atomic_uint looks;
    atomic_uint samples;
    atomic_uint waits;
    atomic_uint asked;   /* about threads */
    atomic_uint running; /* the thread with this number is listed */
    atomic_bool blind;   /* the account is not shown others' threads */
    atomic_uint events;
    atomic_uint open_probes;
    atomic_uint changes;
    atomic_uint caught_up;
} world;

struct probe {
    size_t server;
    int wake_fd;
    bool is_new; /* opened with the password "new" */
};

static struct position at_sequence(unsigned n)
{
    char text[40] = "";
    struct position p;
    int size = snprintf(text, sizeof(text), "0-1-%u", n);

    if (!position_parse(POSITION_MARIADB_GTID, text, (size_t)size, &p))
        abort(); /* cmocka's own assertions are for the test's thread only */
    return p;
}

static struct probe *open_probe(const struct link_target *target, size_t server)
{
    struct probe *p = malloc(sizeof(*p));

    if (!p)
        abort();
    *p = (struct probe){server, target->wake_fd, strcmp(target->password, "new") == 0};
    atomic_fetch_add(&world.open_probes, 1);
    return p;
}

static void close_probe(struct probe *p)
{
    atomic_fetch_sub(&world.open_probes, 1);
    free(p);
}

static unsigned applied_on(size_t server)
{
    if (server == 2 && atomic_load(&world.stuck))
        return 1;
    unsigned written = atomic_load(&world.written);
    bool arrived = health_now() - atomic_load(&world.written_at) >=
                   atomic_load(&world.delay_us) * UINT64_C(1000);
    return arrived ? written : 1;
}

static void hang(const struct probe *p)
{
    if (atomic_load(&world.hangs) != (int)p->server + 1)
        return;
    atomic_fetch_add(&world.hanging, 1);
    while (atomic_load(&world.hangs) == (int)p->server + 1)
        usleep(200);
    atomic_fetch_sub(&world.hanging, 1);
}

static void look(struct probe *p, struct look *out, bool *is_new)
{
    atomic_fetch_add(&world.looks, 1);
    *is_new = false;
    if (atomic_load(&world.refuses) && !p->is_new) {
        atomic_fetch_add(&world.refused, 1);
        *out = (struct look){.result = LOOK_REFUSED, .at = health_now(), .why = "denied"};
        return;
    }
    *out = (struct look){.at = health_now(), .id = p->server + 1, .in_quorum = true};
    out->sources_known = true;
    out->read_only = p->server != 0;
    out->executed = at_sequence(p->server ? applied_on(p->server) : atomic_load(&world.written));
    if (p->server) {
        out->source_count = 1;
        out->sources[0].id = 1;
        out->sources[0].uses_gtid = true;
        out->sources[0].applied = position_copy(&out->executed);
    } else if (atomic_load(&world.gone)) {
        look_dispose(out);
        out->result = LOOK_REFUSED;
        out->at = health_now();
    }
    out->done_at = health_now();
    hang(p); /* what it brings is as old as that */
}

static bool sample(struct probe *p, bool gtid, bool place, struct position *executed,
                   struct position *logged)
{
    (void)logged;
    if (p->server != 0 || !gtid || place)
        abort();
    atomic_fetch_add(&world.samples, 1);
    *executed = at_sequence(atomic_load(&world.written));
    return true;
}

static enum wait_result wait_for(struct probe *p, const struct position *position,
                                 unsigned timeout_ms)
{
    uint64_t end = health_now() + timeout_ms * MS;

    atomic_fetch_add(&world.waits, 1);
    while (health_now() < end) {
        uint64_t woken;
        if (applied_on(p->server) >= position->domains[0].sequence)
            return WAIT_REACHED;
        if (read(p->wake_fd, &woken, sizeof(woken)) > 0)
            return WAIT_FAILED;
        usleep(200);
    }
    return WAIT_NOT_YET;
}

static struct server_facts *no_facts(struct probe *p, const char *const *tracked)
{
    (void)p;
    (void)tracked;
    return NULL;
}

static struct catalog *no_catalog(struct probe *p)
{
    (void)p;
    return NULL;
}

static bool threads(struct probe *p, const uint32_t *ids, size_t count, bool *listed,
                    bool *sees_all)
{
    if (p->server != 0)
        abort();
    atomic_fetch_add(&world.asked, 1);
    *sees_all = !atomic_load(&world.blind);
    for (size_t i = 0; i < count; i++)
        listed[i] = *sees_all && ids[i] == atomic_load(&world.running);
    return true;
}

static const struct probe_ops ops = {open_probe, close_probe, look,     sample,
                                     wait_for,   threads,     no_facts, no_catalog};

/* Set once it has started: the callbacks may come before that. */
static _Atomic(struct health *) started;

static void on_change(void *context)
{
    struct health *h = atomic_load((_Atomic(struct health *) *)context);

    if (h)
        topology_unref(health_topology(h)); /* allowed in here */
    atomic_fetch_add(&world.changes, 1);
}

static void on_caught_up(void *context)
{
    (void)context;
    atomic_fetch_add(&world.caught_up, 1);
}

static void on_event(void *context, const char *subject, const char *what, const char *why)
{
    (void)context;
    (void)subject;
    (void)why;
    if (strcmp(what, "threads are not shown") == 0)
        atomic_fetch_add(&world.events, 1);
}

static struct health *health;

static struct topology *settled(void)
{
    for (int i = 0; i < 2000; i++) {
        struct topology *t = health_topology(health);
        if (t->primary == 0 && t->servers[1].usable && t->servers[2].usable &&
            server_horizon(&t->servers[1], 0) && server_horizon(&t->servers[2], 0))
            return t;
        topology_unref(t);
        usleep(1000);
    }
    fail_msg("the cluster does not settle");
    return NULL;
}

static const struct health_server servers[SERVERS] = {{.name = "a", .host = "h1", .port = 1},
                                                      {.name = "b", .host = "h2", .port = 2},
                                                      {.name = "c", .host = "h3", .port = 3}};

static struct topology *start(unsigned poll_ms, unsigned delay_us)
{
    const struct health_options options = {.servers = servers,
                                           .server_count = SERVERS,
                                           .user = "u",
                                           .password = "p",
                                           .poll_ms = poll_ms,
                                           .sample_min_ms = 10,
                                           .context = &started,
                                           .on_change = on_change,
                                           .on_caught_up = on_caught_up,
                                           .on_event = on_event};

    memset(&world, 0, sizeof(world));
    atomic_store(&world.written, 1);
    atomic_store(&world.delay_us, delay_us);
    atomic_store(&started, NULL);
    health = health_start_with(&options, &ops);
    assert_non_null(health);
    atomic_store(&started, health);
    return settled();
}

static void stop(struct topology *t)
{
    topology_unref(t);
    uint64_t begin = health_now();
    health_stop(health);
    assert_true(health_now() - begin < 1000 * MS);
    assert_int_equal(atomic_load(&world.open_probes), 0);
}

static uint64_t write_once(void)
{
    atomic_store(&world.written_at, health_now());
    atomic_fetch_add(&world.written, 1);
    return health_now();
}

/* Asks as a pinned session does, at each read, until the replica may serve it; ns, or fails. */
static uint64_t ask_until(const struct topology *t, size_t server, uint64_t floor)
{
    uint64_t begin = health_now();

    while (server_horizon(&t->servers[server], health_now()) < floor) {
        health_want(health, floor);
        usleep(100);
        if (health_now() - begin > 5000 * MS)
            fail_msg("never caught up");
    }
    return health_now() - begin;
}

static void test_catches_up(void **state)
{
    struct topology *t = start(1000, 500);
    unsigned rounds = 30;

    (void)state;
    unsigned samples = atomic_load(&world.samples);
    uint64_t begin = health_now();
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t floor = write_once();
        ask_until(t, 1, floor);
        ask_until(t, 2, floor);
    }
    uint64_t took = health_now() - begin;
    unsigned taken = atomic_load(&world.samples) - samples;
    /* At most one sample in 10 ms, and one is enough for each write. */
    assert_in_range(taken, 1, took / (10 * MS) + 2);
    assert_true(taken <= rounds);
    assert_true(took < 900 * MS * 3); /* event-driven: not one look per write */
    assert_true(atomic_load(&world.caught_up) > 0);
    stop(t);
}

static void test_nobody_asks(void **state)
{
    struct topology *t = start(50, 500);

    (void)state;
    write_once();
    usleep(20000);
    unsigned samples = atomic_load(&world.samples);
    unsigned waits = atomic_load(&world.waits);
    unsigned looks = atomic_load(&world.looks);
    usleep(500000);
    assert_int_equal(atomic_load(&world.samples), samples);
    assert_int_equal(atomic_load(&world.waits), waits);
    assert_in_range(atomic_load(&world.looks) - looks, 3, 3 * 12);
    stop(t);
}

/* A replica that is stuck is waited for while somebody asks, and no longer; and again later. */
static void test_interest_fades(void **state)
{
    struct topology *t = start(10000, 100);
    uint64_t floor;

    (void)state;
    atomic_store(&world.stuck, true);
    floor = write_once();
    ask_until(t, 1, floor);
    usleep(2600000);
    unsigned waits = atomic_load(&world.waits);
    unsigned samples = atomic_load(&world.samples);
    usleep(600000);
    assert_int_equal(atomic_load(&world.waits), waits);
    assert_int_equal(atomic_load(&world.samples), samples);
    atomic_store(&world.stuck, false);
    assert_true(ask_until(t, 2, floor) < 1000 * MS); /* the very same floor */
    stop(t);
}

static void *ask_many(void *topology)
{
    for (int i = 0; i < 50; i++) {
        uint64_t floor = write_once();
        ask_until(topology, 1 + (size_t)i % 2, floor);
    }
    return NULL;
}

static void test_many_ask_at_once(void **state)
{
    struct topology *t = start(20, 300);
    pthread_t threads[ASKERS];

    (void)state;
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, t), 0);
    for (int i = 0; i < 20; i++) {
        health_suspect(health, (size_t)i % SERVERS);
        health_relist(health);
        health_drain(health, 1, i % 2 == 0);
        usleep(5000);
    }
    for (int i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&world.changes) > 0);
    stop(t);
}

static void test_stops_while_waiting(void **state)
{
    struct topology *t = start(1000, 100);

    (void)state;
    atomic_store(&world.stuck, true);
    uint64_t floor = write_once();
    ask_until(t, 1, floor);
    for (int i = 0; i < 20; i++) {
        health_want(health, floor);
        usleep(1000);
    }
    stop(t);
}

static void test_primary_goes(void **state)
{
    struct topology *t = start(20, 100);

    (void)state;
    atomic_store(&world.gone, true);
    health_suspect(health, 0);
    for (int i = 0; server_horizon(&t->servers[0], health_now()); i++) {
        assert_true(i < 2000);
        usleep(1000);
    }
    for (int i = 0; i < 20; i++)
        health_want(health, health_now()); /* there is nobody to sample */
    atomic_store(&world.gone, false);
    topology_unref(t);
    t = settled();
    ask_until(t, 1, write_once());
    stop(t);
}

static struct thread_watch *watch(const struct topology *t, uint32_t thread_id)
{
    const struct thread_watch wanted = {.identity = atomic_load(&t->servers[0].gauges->identity),
                                        .opened_ns = health_now(),
                                        .thread_id = thread_id};

    return health_watch_thread(health, 0, &wanted);
}

static uint64_t gone_after(const struct thread_watch *w)
{
    for (int i = 0; i < 3000 && !thread_watch_gone(w); i++)
        usleep(1000);
    return thread_watch_gone(w);
}

static void test_thread_is_watched(void **state)
{
    struct topology *t = start(200, 100);

    (void)state;
    atomic_store(&world.running, 7);
    struct thread_watch *runs = watch(t, 7);
    struct thread_watch *ended = watch(t, 8);
    uint64_t before = health_now();
    uint64_t gone = gone_after(ended);
    assert_in_range(gone, before - 1000 * MS, health_now());
    thread_watch_unref(ended);

    /* Asked on and on while it runs, more and more slowly. */
    usleep(1000000);
    unsigned asked = atomic_load(&world.asked);
    assert_in_range(asked, 5, 12);
    assert_int_equal(thread_watch_gone(runs), 0);
    before = health_now();
    atomic_store(&world.running, 0);
    assert_true(gone_after(runs) > before);
    thread_watch_unref(runs);

    /* And then no more, nor about one that nobody wants to know about. */
    atomic_store(&world.running, 9);
    thread_watch_unref(watch(t, 9));
    usleep(250000);
    asked = atomic_load(&world.asked);
    usleep(500000);
    assert_int_equal(atomic_load(&world.asked), asked);
    stop(t);
}

static void test_blind_account_proves_nothing(void **state)
{
    struct topology *t = start(50, 100);

    (void)state;
    atomic_store(&world.blind, true);
    struct thread_watch *w = watch(t, 7);
    usleep(400000);
    assert_int_equal(thread_watch_gone(w), 0);
    assert_int_equal(atomic_load(&world.events), 1);
    atomic_store(&world.blind, false);
    assert_true(gone_after(w) > 0);
    thread_watch_unref(w);
    stop(t);
}

/* A server that is not the primary is not asked; the watch outlives the health part. */
static void test_only_the_primary_is_asked(void **state)
{
    struct topology *t = start(20, 100);
    const struct thread_watch wanted = {.identity = 2, .thread_id = 1, .opened_ns = 1};
    struct thread_watch *w = health_watch_thread(health, 1, &wanted);

    (void)state;
    assert_non_null(w);
    usleep(200000);
    assert_int_equal(thread_watch_gone(w), 0);
    assert_int_equal(atomic_load(&world.asked), 0);
    stop(t);
    assert_int_equal(thread_watch_gone(w), 0);
    thread_watch_unref(w);
}

/* --- servers come and go ---------------------------------------------------------------------- */

static void wait_for_count(atomic_uint *count, unsigned wanted)
{
    for (int i = 0; atomic_load(count) != wanted; i++) {
        assert_true(i < 5000);
        usleep(1000);
    }
}

static void test_put_and_remove(void **state)
{
    struct topology *t = start(1000, 100);
    const struct health_server other = {.name = "d", .host = "h4", .port = 4};

    (void)state;
    health_remove(health, 2);
    assert_false(health_put(health, 1, &other));
    assert_true(health_put(health, 2, &other)); /* at once, whatever the old threads do */
    assert_true(health_put(health, 63, &other));
    assert_false(health_put(health, 64, &other));
    health_remove(health, 63);
    health_suspect(health, 63);
    health_drain(health, 63, true);
    health_suspect(health, 64);
    topology_unref(t);
    t = settled();
    assert_string_equal(t->servers[2].name, "d");
    assert_int_equal(t->count, 3);
    health_remove(health, 2);
    wait_for_count(&world.open_probes, 4);
    assert_true(health_put(health, 2, &servers[2]));
    topology_unref(t);
    t = settled();
    assert_string_equal(t->servers[2].name, "c");
    ask_until(t, 2, write_once());
    stop(t);
}

/* A look that hangs delays nobody, and what it brings in the end is nobody's any more. */
static void test_remove_while_it_hangs(void **state)
{
    struct topology *t = start(20, 100);

    (void)state;
    atomic_store(&world.hangs, 1);
    wait_for_count(&world.hanging, 1);
    uint64_t begin = health_now();
    health_remove(health, 0); /* the primary */
    assert_true(health_now() - begin < 200 * MS);
    assert_int_equal(server_horizon(&t->servers[0], health_now()), 0);
    atomic_store(&world.gone, true); /* the server that is put in there is down, */
    assert_true(health_put(health, 0, &servers[0]));
    struct topology *fresh = health_topology(health);
    atomic_store(&world.hangs, 0); /* and the old one's good look comes now */
    wait_for_count(&world.hanging, 0);
    wait_for_count(&world.open_probes, 6);
    usleep(50000);
    assert_int_equal(atomic_load(&fresh->servers[0].gauges->granted_until_ns), 0);
    assert_int_equal(atomic_load(&t->servers[0].gauges->granted_until_ns), 0);
    assert_int_equal(atomic_load(&fresh->servers[0].gauges->looked_ns), 0);
    topology_unref(fresh);
    fresh = health_topology(health);
    assert_int_equal(fresh->primary, -1);
    topology_unref(fresh);
    atomic_store(&world.gone, false);
    topology_unref(t);
    stop(settled());
}

static void test_tune(void **state)
{
    struct topology *t = start(10000, 100);

    (void)state;
    atomic_store(&world.refuses, true);
    health_tune(health, "u", "p", &(struct health_security){0}, 10000,
                10);                   /* the same credentials: they are refused, */
    wait_for_count(&world.refused, 3); /* after one look at each, long before 10 s */
    health_tune(health, "u", "new", &(struct health_security){0}, 20, 10);
    topology_unref(t);
    t = settled();
    ask_until(t, 1, write_once());
    ask_until(t, 2, write_once()); /* waiters have new links, too */
    unsigned looks = atomic_load(&world.looks);
    usleep(300000);
    assert_true(atomic_load(&world.looks) - looks > 3 * 5); /* each 20 ms */
    health_tune(health, "u", "new", &(struct health_security){0}, 10000, 10);
    usleep(50000);
    looks = atomic_load(&world.looks);
    usleep(300000);
    assert_int_equal(atomic_load(&world.looks), looks);
    stop(t);
}

static atomic_bool readers_end;

/* As a worker does: takes snapshots, and reads everything in them also when they are old. */
static void *read_on(void *unused)
{
    (void)unused;
    while (!atomic_load(&readers_end)) {
        struct topology *t = health_topology(health);
        uint64_t now = health_now();
        for (int round = 0; round < 20; round++) {
            for (size_t i = 0; i < t->count; i++) {
                const struct server_info *s = &t->servers[i];
                if (server_horizon(s, now) && (!s->name || strlen(s->name) != 1))
                    abort();
                if (strlen(s->why_not) > LOOK_WHY_MAX || strlen(s->trouble) > LOOK_WHY_MAX)
                    abort();
            }
            health_want(health, now);
            health_suspect(health, (size_t)round % SERVERS);
            usleep(100);
        }
        topology_unref(t);
    }
    return NULL;
}

static void test_changes_under_load(void **state)
{
    struct topology *t = start(20, 100);
    struct health_server changed = servers[1];
    pthread_t readers[ASKERS];

    (void)state;
    atomic_store(&readers_end, false);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, NULL), 0);
    for (unsigned i = 0; i < 60; i++) {
        size_t number = i % SERVERS;
        health_remove(health, number);
        if (i % 2)
            usleep(2000);
        assert_true(health_put(health, number, &servers[number]));
        changed.weight = i;
        assert_true(health_put(health, 1, &changed));
        health_drain(health, 2, i % 2);
        if (i % 10 == 0)
            health_tune(health, "u", i % 20 ? "p" : "new", &(struct health_security){0}, 20 + i,
                        10);
        usleep(3000);
    }
    health_drain(health, 2, false);
    atomic_store(&readers_end, true);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(readers[i], NULL);
    topology_unref(t);
    t = settled();
    assert_int_equal(t->servers[1].weight, 59);
    stop(t);
}

static void test_stops_with_removed_ones(void **state)
{
    struct topology *t = start(20, 100);

    (void)state;
    for (size_t i = 0; i < SERVERS; i++)
        health_remove(health, i);
    struct topology *empty = health_topology(health);
    assert_int_equal(empty->count, 0);
    assert_int_equal(empty->primary, -1);
    topology_unref(empty);
    health_want(health, health_now());
    health_relist(health);
    stop(topology_ref(t));
    assert_string_equal(t->servers[0].name, "a"); /* a snapshot may outlive even that */
    assert_int_equal(server_horizon(&t->servers[0], health_now()), 0);
    topology_unref(t);
}

/* Its thread may have ended, or not: the server that is there now cannot say. */
static void test_removed_server_tells_nothing(void **state)
{
    struct topology *t = start(20, 100);

    (void)state;
    atomic_store(&world.running, 7);
    struct thread_watch *w = watch(t, 7);
    health_remove(health, 0);
    assert_null(watch(t, 7));
    assert_true(health_put(health, 0, &servers[0]));
    topology_unref(t);
    t = settled();
    atomic_store(&world.running, 0);
    usleep(100000);
    assert_int_equal(thread_watch_gone(w), 0);
    thread_watch_unref(w);
    stop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catches_up),
        cmocka_unit_test(test_nobody_asks),
        cmocka_unit_test(test_interest_fades),
        cmocka_unit_test(test_many_ask_at_once),
        cmocka_unit_test(test_stops_while_waiting),
        cmocka_unit_test(test_primary_goes),
        cmocka_unit_test(test_thread_is_watched),
        cmocka_unit_test(test_blind_account_proves_nothing),
        cmocka_unit_test(test_only_the_primary_is_asked),
        cmocka_unit_test(test_put_and_remove),
        cmocka_unit_test(test_remove_while_it_hangs),
        cmocka_unit_test(test_tune),
        cmocka_unit_test(test_changes_under_load),
        cmocka_unit_test(test_stops_with_removed_ones),
        cmocka_unit_test(test_removed_server_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
