/*
 * Reading one's own writes. The floor of a session is a moment after its write's last byte has
 * come; a replica below it is not used, and asked for; one that has reached it is.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

#include <stdio.h>
#include <string.h>

static void write_one(struct world *world, struct client *client)
{
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    answer_ok(server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1)"), "affected=1");
    client_expect(client, "ok affected=1");
}

/* Reads, and answers which kind of server was asked. */
static bool reads_on_primary(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    return connection->server->number == PRIMARY;
}

static void replicas_just_below_and_at_the_floor(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    uint64_t floor;

    (void)state;
    write_one(world, client);
    floor = world->workers[0].sessions->last_write;
    world_set_horizon(world, REPLICA_1, floor - 1);
    world_set_horizon(world, REPLICA_2, floor - 1);
    assert_true(reads_on_primary(world, client));
    assert_int_equal(world->wants, 1);
    assert_int_equal(world->wanted_floor, floor);
    world_set_horizon(world, REPLICA_2, floor);
    assert_false(reads_on_primary(world, client));
    assert_int_equal(world->wants, 1);
    world_end(world);
}

/* The clock goes on between the parts of the answer: what counts is when its last byte came. */
static void floor_is_after_the_last_byte(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    uint64_t last_byte;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1)");
    connection->wire->chunk_max = 1;
    answer_ok(connection, "affected=1");
    while (connection->wire->to_proxy.size > 1) {
        world->now += 1000;
        assert_true(network_step(&world->network));
        assert_int_equal(world->workers[0].sessions->last_write, 0);
    }
    world->now += 5000000;
    last_byte = world->now;
    client_expect(client, "ok affected=1");
    assert_true(world->workers[0].sessions->last_write >= last_byte);
    world_set_horizon(world, REPLICA_1, last_byte - 1);
    world_set_horizon(world, REPLICA_2, last_byte - 1);
    assert_true(reads_on_primary(world, client));
    world_end(world);
}

static void failed_write_raises_the_floor(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET; /* LAST_INSERT_ID() is asked for */
    world_replicas_stop(world);
    world->now += 1000;
    client_query(client, "INSERT INTO shop.t VALUES (1),(2)");
    answer_error(server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1),(2)"), 1062,
                 "Duplicate entry");
    client_expect_error(client, 1062, "Duplicate entry");
    assert_int_equal(world->workers[0].sessions->last_write, world->now);
    client_query(client, "SELECT 1");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void read_does_not_raise_the_floor(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world_replicas_stop(world);
    world->now += 1000;
    assert_false(reads_on_primary(world, client));
    world->now += 1000;
    assert_false(reads_on_primary(world, client));
    assert_int_equal(world->workers[0].sessions->last_write, 0);
    world_end(world);
}

/* What commits is the transaction: its statements and its end raise the floor. */
static void transaction_raises_the_floor_at_its_end(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    world->now += 1000;
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_ok(connection, "affected=1 trans");
    client_expect(client, "ok affected=1 trans");
    world->now += 1000;
    world_replicas_stop(world);
    world->now += 1000;
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_true(reads_on_primary(world, client));
    world_replicas_stop(world);
    assert_false(reads_on_primary(world, client));
    world_end(world);
}

/* A transaction with a write is open; this ends it without COMMIT, later than the write itself. */
static void implicit_commit_raises_the_floor(const char *sql, const char *words)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    char text[100];

    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_ok(connection, "affected=1 trans");
    client_expect(client, "ok affected=1 trans");
    world_replicas_stop(world);
    world->now += 1000;
    client_query(client, sql);
    snprintf(text, sizeof text, "QUERY %s", sql);
    connection_expect(connection, text);
    answer_ok(connection, words);
    assert_non_null(client_read(client));
    if (strstr(words, "trans") != NULL) {
        client_query(client, "COMMIT");
        connection_expect(connection, "QUERY COMMIT");
        answer_ok(connection, "");
        client_expect(client, "ok");
    }
    assert_true(reads_on_primary(world, client));
    world_end(world);
}

static void begin_commits_what_was_open(void **state)
{
    (void)state;
    implicit_commit_raises_the_floor("START TRANSACTION READ ONLY", "trans read-only");
    implicit_commit_raises_the_floor("SET autocommit=1", "set:autocommit=ON");
}

/* With wait_ms the read waits for a replica, and takes the primary when none comes in time. */
static void read_waits_for_a_replica(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_WAIT_MS=300", NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world_replicas_stop(world);
    world->now += 1000;
    write_one(world, client);
    client_query(client, "SELECT 1");
    world_expect_nothing(world);
    world_advance_ms(world, 100);
    world_expect_nothing(world);
    world_set_horizon(world, REPLICA_1, world->now);
    world_advance_ms(world, 100);
    connection = world_expect(world, "QUERY SELECT 1");
    assert_int_equal(connection->server->number, REPLICA_1);
    answer_row(connection, "1");
    client_expect(client, "rows 1");

    write_one(world, client);
    client_query(client, "SELECT 2");
    world_advance_ms(world, 200);
    world_expect_nothing(world);
    world_advance_ms(world, 200);
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 2"), "2");
    client_expect(client, "rows 2");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_just_below_and_at_the_floor),
        cmocka_unit_test(floor_is_after_the_last_byte),
        cmocka_unit_test(failed_write_raises_the_floor),
        cmocka_unit_test(read_does_not_raise_the_floor),
        cmocka_unit_test(transaction_raises_the_floor_at_its_end),
        cmocka_unit_test(begin_commits_what_was_open),
        cmocka_unit_test(read_waits_for_a_replica),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
