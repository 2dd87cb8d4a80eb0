/*
 * Which replica a read goes to, as a whole worker decides it: by algorithm, weight and load, and by
 * where the session read last.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include <stdio.h>

enum { READS_MAX = 64 };

/* Reads that were sent and not answered: they are a server's load. */
struct busy {
    struct connection *connections[READS_MAX];
    struct client *clients[READS_MAX];
    unsigned count;
    unsigned on[WORLD_SERVERS];
};

static struct connection *ask(struct world *world, struct client *client)
{
    static unsigned number;
    char sql[64];
    char text[80];

    snprintf(sql, sizeof sql, "SELECT a FROM shop.t WHERE id = %u", ++number);
    snprintf(text, sizeof text, "QUERY %s", sql);
    client_query(client, sql);
    return world_expect(world, text);
}

static void finish(struct client *client, struct connection *connection)
{
    answer_row(connection, "1");
    client_expect(client, "rows 1");
}

/* Asks, answers, and says which server it was. */
static unsigned read_one(struct world *world, struct client *client)
{
    struct connection *connection = ask(world, client);

    finish(client, connection);
    return connection->server->number;
}

static void keep_busy(struct world *world, struct busy *busy)
{
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = ask(world, client);

    assert_true(busy->count < READS_MAX);
    busy->clients[busy->count] = client;
    busy->connections[busy->count++] = connection;
    busy->on[connection->server->number]++;
}

static void relax(struct busy *busy)
{
    for (unsigned i = 0; i < busy->count; i++) {
        finish(busy->clients[i], busy->connections[i]);
    }
    *busy = (struct busy){0};
}

static void set_usable(struct world *world, unsigned server, bool usable)
{
    world->servers[server].usable = usable;
    world_publish(world);
    world_run(world);
}

/* New reads on one replica, as if the other were not there. */
static void load(struct world *world, struct busy *busy, unsigned server, unsigned count)
{
    unsigned other = REPLICA_1 + REPLICA_2 - server;

    set_usable(world, other, false);
    for (unsigned i = 0; i < count; i++) {
        keep_busy(world, busy);
    }
    set_usable(world, other, true);
}

static struct world *world_with(const char *balance, unsigned weight_1, unsigned weight_2)
{
    struct world *world = world_new(1, balance, NULL);

    world->servers[REPLICA_1].weight = weight_1;
    world->servers[REPLICA_2].weight = weight_2;
    world_publish(world);
    world_run(world);
    return world;
}

/* One read each of so many new sessions; how many went to the first replica. */
static unsigned new_sessions(struct world *world, unsigned count)
{
    unsigned first = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned server = read_one(world, client_log_in(world, NULL));

        assert_int_not_equal(server, PRIMARY);
        first += server == REPLICA_1;
    }
    return first;
}

static void round_robin(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=round_robin", 1, 1);

    (void)state;
    assert_int_equal(new_sessions(world, 8), 4);
    world_end(world);
    world = world_with("TIDEMARK_POOL_BALANCE=round_robin", 3, 1);
    assert_int_equal(new_sessions(world, 16), 12);
    world_end(world);
    world = world_with("TIDEMARK_POOL_BALANCE=round_robin", 0, 1);
    assert_int_equal(new_sessions(world, 4), 0);
    set_usable(world, REPLICA_2, false);
    assert_int_equal(new_sessions(world, 4), 4); /* weight 0 is better than the primary */
    world_end(world);
}

static void least_connections(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=least_connections", 1, 1);
    struct busy busy = {0};

    (void)state;
    load(world, &busy, REPLICA_1, 3);
    assert_int_equal(new_sessions(world, 6), 0); /* none to the one that is busy */
    keep_busy(world, &busy);
    keep_busy(world, &busy);
    keep_busy(world, &busy);
    assert_int_equal(busy.on[REPLICA_1], 3);
    assert_int_equal(busy.on[REPLICA_2], 3);
    relax(&busy);
    world_end(world);
}

static void least_connections_by_weight(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=least_connections", 3, 1);
    struct busy busy = {0};

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        keep_busy(world, &busy);
    }
    assert_int_equal(busy.on[REPLICA_1], 12);
    assert_int_equal(busy.on[REPLICA_2], 4);
    relax(&busy);
    world_end(world);
}

static void least_latency(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=least_latency", 1, 1);
    struct client *client;

    (void)state;
    world->gauges[REPLICA_1].latency_us = 900;
    world->gauges[REPLICA_2].latency_us = 400;
    assert_int_equal(new_sessions(world, 4), 0);
    client = client_log_in(world, NULL);
    assert_int_equal(read_one(world, client), REPLICA_2);
    /* A session stays while the difference is small. */
    world->gauges[REPLICA_2].latency_us = 1400;
    assert_int_equal(new_sessions(world, 2), 2);
    assert_int_equal(read_one(world, client), REPLICA_2);
    world->gauges[REPLICA_2].latency_us = 5000;
    assert_int_equal(read_one(world, client), REPLICA_1);
    world_end(world);
}

/* ---- where it read last ---- */

/* A quarter and two connections more than on the other are still no reason to go. */
static void session_keeps_its_replica(const char *balance)
{
    struct world *world = world_with(balance, 1, 1);
    struct client *client = client_log_in(world, NULL);
    unsigned own = read_one(world, client);
    struct busy busy = {0};

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(read_one(world, client), own);
    }
    load(world, &busy, own, 2);
    assert_int_equal(read_one(world, client), own);
    load(world, &busy, own, 1);
    assert_int_equal(read_one(world, client), REPLICA_1 + REPLICA_2 - own);
    /* And there it stays, also when the first one has time again. */
    relax(&busy);
    assert_int_equal(read_one(world, client), REPLICA_1 + REPLICA_2 - own);
    world_end(world);
}

static void last_replica_is_kept(void **state)
{
    (void)state;
    session_keeps_its_replica("TIDEMARK_POOL_BALANCE=least_connections");
    session_keeps_its_replica("TIDEMARK_POOL_BALANCE=round_robin");
}

/* A write in between does not make the primary the session's last replica. */
static void write_does_not_change_the_replica(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=round_robin", 1, 1);
    struct client *client = client_log_in(world, NULL);
    unsigned own = read_one(world, client);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        client_query(client, "DELETE FROM shop.t");
        answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "affected=1");
        client_expect(client, "ok affected=1");
        world_replicas_follow(world);
        assert_int_equal(read_one(world, client), own);
    }
    world_end(world);
}

/* ---- client_hash ---- */

enum { ADDRESSES = 24 };

static unsigned read_from(struct world *world, unsigned address, unsigned port)
{
    char peer[40];
    struct client *client;

    snprintf(peer, sizeof peer, "10.0.%u.7:%u", address, port);
    client = client_log_in_as(world, &(struct client_login){.peer = peer});
    return read_one(world, client);
}

static void client_hash(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=client_hash", 1, 1);
    unsigned on[ADDRESSES];
    unsigned first = 0;

    (void)state;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        on[i] = read_from(world, i, 50000);
        assert_int_not_equal(on[i], PRIMARY);
        first += on[i] == REPLICA_1;
        assert_int_equal(read_from(world, i, 50001 + i), on[i]); /* whatever its port */
    }
    assert_in_range(first, ADDRESSES / 4, ADDRESSES * 3 / 4);

    /* When one goes, only its clients move, and they come back with it. */
    set_usable(world, REPLICA_1, false);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        assert_int_equal(read_from(world, i, 50000), REPLICA_2);
    }
    set_usable(world, REPLICA_1, true);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        assert_int_equal(read_from(world, i, 50000), on[i]);
    }
    world_end(world);
}

/* A server is known by its name, not by its place in the configuration: another proxy, or this one
 * after its file was written anew, sends the same clients there. */
static void client_hash_goes_by_name(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=client_hash", 1, 1);
    const char *names[ADDRESSES];

    (void)state;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        names[i] = world->servers[read_from(world, i, 50000)].name;
    }
    world->servers[REPLICA_1].name = "db3";
    world->servers[REPLICA_2].name = "db2";
    world_publish(world);
    world_run(world);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        assert_string_equal(world->servers[read_from(world, i, 50000)].name, names[i]);
    }
    world_end(world);
}

static void client_hash_by_weight(void **state)
{
    struct world *world = world_with("TIDEMARK_POOL_BALANCE=client_hash", 9, 1);
    unsigned first = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        first += read_from(world, i, 50000) == REPLICA_1;
    }
    assert_in_range(first, 80, 98);
    world_end(world);
}

/* ---- servers that are gone ---- */

/* As the monitors show a number that is nobody's, or nobody's any more. */
static void remove_server(struct world *world, unsigned server)
{
    static const struct server_gauges unknown = {.lag_ns = UINT64_MAX};

    world->servers[server] =
        (struct server_info){.state = STATE_DOWN, .why_not = "not configured", .gauges = &unknown};
    world_publish(world);
    world_run(world);
}

static void empty_slots_are_passed_over(void **state)
{
    static const char *const algorithms[] = {
        "TIDEMARK_POOL_BALANCE=round_robin", "TIDEMARK_POOL_BALANCE=least_connections",
        "TIDEMARK_POOL_BALANCE=least_latency", "TIDEMARK_POOL_BALANCE=client_hash"};

    (void)state;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        struct world *world = world_with(algorithms[i], 1, 1);

        new_sessions(world, 4); /* connections to both */
        remove_server(world, REPLICA_1);
        assert_int_equal(new_sessions(world, 4), 0);
        remove_server(world, REPLICA_2);
        assert_int_equal(read_one(world, client_log_in(world, NULL)), PRIMARY);
        world_end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_robin),
        cmocka_unit_test(least_connections),
        cmocka_unit_test(least_connections_by_weight),
        cmocka_unit_test(least_latency),
        cmocka_unit_test(last_replica_is_kept),
        cmocka_unit_test(write_does_not_change_the_replica),
        cmocka_unit_test(client_hash),
        cmocka_unit_test(client_hash_goes_by_name),
        cmocka_unit_test(client_hash_by_weight),
        cmocka_unit_test(empty_slots_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
