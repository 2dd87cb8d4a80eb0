/*
 * The consistency modes: which replica may answer, given where its horizon is.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

static void write_one(struct world *world, struct client *client)
{
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    answer_ok(server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1)"), "affected=1");
    client_expect(client, "ok affected=1");
}

static unsigned reads_on(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    return connection->server->number;
}

static void eventual_reads_behind_its_own_write(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_DEFAULT=eventual", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world_replicas_stop(world);
    world->now += 1000;
    write_one(world, client);
    assert_int_not_equal(reads_on(world, client), PRIMARY);
    world->gauges[REPLICA_1].lag_ns = world->gauges[REPLICA_2].lag_ns = UINT64_C(11000000000);
    assert_int_equal(reads_on(world, client), PRIMARY); /* max_lag_ms is 10000 */
    world->gauges[REPLICA_2].lag_ns = UINT64_C(9000000000);
    assert_int_equal(reads_on(world, client), REPLICA_2);
    world_end(world);
}

static void bounded_allows_so_much_staleness(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_DEFAULT=bounded",
                                    "TIDEMARK_CONSISTENCY_MAX_STALENESS_MS=500", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->now += UINT64_C(2000000000);
    world_set_horizon(world, REPLICA_1, world->now - UINT64_C(500000001));
    world_set_horizon(world, REPLICA_2, world->now - UINT64_C(500000001));
    assert_int_equal(reads_on(world, client), PRIMARY);
    world_set_horizon(world, REPLICA_1, world->now - UINT64_C(500000000));
    assert_int_equal(reads_on(world, client), REPLICA_1);
    world_end(world);
}

static void strong_reads_on_the_primary(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_DEFAULT=strong", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    assert_int_equal(reads_on(world, client), PRIMARY);
    world_end(world);
}

static void users_may_have_a_mode_of_their_own(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_USER_OTHER_CONSISTENCY=strong", NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other =
        client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});

    (void)state;
    assert_int_not_equal(reads_on(world, client), PRIMARY);
    assert_int_equal(reads_on(world, other), PRIMARY);
    world_end(world);
}

/* After a read on one replica, another one must have all that had been committed by then. */
static void monotonic_does_not_go_back(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_DEFAULT=monotonic", NULL);
    struct client *client = client_log_in(world, NULL);
    unsigned first;
    unsigned other;
    uint64_t read_at;

    (void)state;
    first = reads_on(world, client);
    assert_int_not_equal(first, PRIMARY);
    other = first == REPLICA_1 ? REPLICA_2 : REPLICA_1;
    world_replicas_stop(world);
    world->now += 1000;
    assert_int_equal(reads_on(world, client), first);
    /* Behind the last read, but on the same server one cannot go back. */
    assert_int_equal(reads_on(world, client), first);
    read_at = world->workers[0].sessions->last_read;
    world->servers[first].usable = false;
    world_publish(world);
    world_set_horizon(world, other, read_at - 1);
    assert_int_equal(reads_on(world, client), PRIMARY);
    read_at = world->workers[0].sessions->last_read;
    world_set_horizon(world, other, read_at);
    assert_int_equal(reads_on(world, client), other);
    world_end(world);
}

/* `session` prefers the replica that it used last. */
static void session_keeps_its_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    unsigned first = reads_on(world, client);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(reads_on(world, client), first);
    }
    world_end(world);
}

/* Without a granted horizon the primary serves no strong read, but still everything else. */
static void replicas_without_a_horizon_serve_nobody(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world_set_horizon(world, REPLICA_1, 0);
    world_set_horizon(world, REPLICA_2, 0);
    write_one(world, client);
    assert_int_equal(reads_on(world, client), PRIMARY);
    assert_int_equal(world->wants, 1);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eventual_reads_behind_its_own_write),
        cmocka_unit_test(bounded_allows_so_much_staleness),
        cmocka_unit_test(strong_reads_on_the_primary),
        cmocka_unit_test(users_may_have_a_mode_of_their_own),
        cmocka_unit_test(monotonic_does_not_go_back),
        cmocka_unit_test(session_keeps_its_replica),
        cmocka_unit_test(replicas_without_a_horizon_serve_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
