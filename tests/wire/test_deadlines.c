/*
 * Everything that has a time limit, and the drain, under a clock that the test moves.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/backend/pool.h"
#include "proxy/client/session.h"

#include <string.h>

static void login_takes_too_long(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_LOGIN_TIMEOUT_MS=3000", NULL);
    struct client *client = client_connect(world, 0);

    (void)state;
    world_advance_ms(world, 2900);
    assert_false(client->wire->proxy_closed);
    world_advance_ms(world, 200);
    assert_true(client->wire->proxy_closed);
    assert_true(world_logged(world, "Got timeout reading communication packets"));
    world_end(world);
}

/* The default schema is tried on a server that does not answer. */
static void schema_of_a_login_takes_too_long(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_LOGIN_TIMEOUT_MS=3000", NULL);
    struct client *client = client_connect(world, 0);

    (void)state;
    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_SCHEMA;
    assert_string_equal(client_begin_login(client, &(struct client_login){.schema = "shop"}), "");
    world_advance_ms(world, 20000);
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

/* Before any server was seen there is nothing to greet with. */
static void greeting_waits_for_a_server(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_LOGIN_TIMEOUT_MS=3000", NULL);
    struct client *client;
    struct client *late;

    (void)state;
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].facts = NULL;
    }
    world_publish(world);
    world_run(world);
    client = client_connect(world, 0);
    world_advance_ms(world, 1000);
    assert_int_equal(wire_unread(client->wire).size, 0);
    world->servers[PRIMARY].facts = &world->facts;
    world_publish(world);
    assert_string_equal(client_begin_login(client, &(struct client_login){0}), "");
    assert_string_equal(client->version, "5.5.5-10.11.6-MariaDB");
    assert_string_equal(client_end_login(client), "ok");

    world->servers[PRIMARY].facts = NULL;
    world_publish(world);
    world_run(world);
    late = client_connect(world, 0);
    world_advance_ms(world, 3100);
    assert_string_equal(client_begin_login(late, &(struct client_login){0}),
                        "error 1040 HY000 no server has answered yet, so there is nothing to log "
                        "in to");
    world_end(world);
}

static void idle_client_is_closed(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_IDLE_TIMEOUT_MS=5000", NULL);
    struct client *idle = client_log_in(world, NULL);
    struct client *busy = client_log_in(world, NULL);

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        client_send(busy, COMMAND_PING, NULL, 0);
        client_expect(busy, "ok");
        world_advance_ms(world, 1000);
    }
    assert_true(idle->wire->proxy_closed);
    assert_false(busy->wire->proxy_closed);
    assert_true(world_logged(world, "reason=\"idle_timeout_ms\""));
    world_end(world);
}

static void silent_server_is_given_up(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_WAIT_TIMEOUT_MS=2000",
                                    "TIDEMARK_PROXY_FAILOVER_WAIT_MS=1000", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].silent = true;
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 1800);
    client_expect_nothing(client);
    world_advance_ms(world, 300);
    client_expect_error(client, 2013, "server db1 did not complete the login within 2000 ms");
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

/* Connections being made that never come about. */
static void connecting_hangs(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_WAIT_TIMEOUT_MS=2000",
                                    "TIDEMARK_PROXY_FAILOVER_WAIT_MS=1000", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].holds_connects = true;
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 2200);
    client_expect_error(client, 2013, "server db1 did not complete the login within 2000 ms");
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

static void idle_connections_are_closed_but_for_min_idle(void **state)
{
    struct world *world =
        world_new(1, "TIDEMARK_POOL_MIN_IDLE=1", "TIDEMARK_POOL_IDLE_TIMEOUT_MS=60000", NULL);
    struct client *clients[3];
    struct connection *connections[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = client_log_in(world, NULL);
        client_query(clients[i], "DELETE FROM shop.t");
        connections[i] = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    }
    for (unsigned i = 0; i < 3; i++) {
        answer_ok(connections[i], "");
        client_expect(clients[i], "ok");
    }
    world_advance_ms(world, 59000);
    assert_true(world_permits(world, PRIMARY) >= 3);
    world_advance_ms(world, 2000);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    /* Replicas have their one as well, though nobody has asked them. */
    assert_int_equal(world_permits(world, REPLICA_1), 1);
    assert_int_equal(world_permits(world, REPLICA_2), 1);
    world_end(world);
}

static void old_connections_are_closed(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_MAX_LIFETIME_MS=10000",
                                    "TIDEMARK_POOL_IDLE_TIMEOUT_MS=0", NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_advance_ms(world, 9800);
    assert_false(connection->wire->proxy_closed);
    /* In use it is left alone, and closed when it comes back. */
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    world_advance_ms(world, 1000);
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    world_end(world);
}

/* A drained server ends up without connections; a session that holds one goes on. */
static void drained_server_loses_its_idle_connections(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_MIN_IDLE=1", NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    world_advance_ms(world, 1000);
    assert_int_equal(world_permits(world, REPLICA_1), 1);
    world->servers[REPLICA_1].state = world->servers[PRIMARY].state = STATE_DRAINING;
    world->servers[REPLICA_1].usable = world->servers[PRIMARY].usable = false;
    world_publish(world);
    world_advance_ms(world, 1000);
    assert_int_equal(world_permits(world, REPLICA_1), 0);
    assert_int_equal(world_permits(world, REPLICA_2), 1);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "warnings=1"); /* which nobody has asked for */
    client_expect(client, "ok warnings=1");
    world_advance_ms(world, 300);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

static void too_many_clients(void **state)
{
    struct world *world =
        world_new(1, "TIDEMARK_PROXY_MAX_CLIENTS=2", "TIDEMARK_USER_OTHER_MAX_CONNECTIONS=1", NULL);
    struct client *one =
        client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});
    struct client *two = client_connect(world, 0);
    struct client *three;

    (void)state;
    assert_string_equal(
        client_begin_login(two, &(struct client_login){.user = "other", .password = "hidden"}), "");
    assert_string_equal(client_end_login(two), "error 1203 42000 User other already has more than "
                                               "'max_user_connections' active connections");
    two = client_log_in(world, NULL);
    three = client_connect(world, 0);
    assert_string_equal(client_begin_login(three, &(struct client_login){0}),
                        "error 1040 HY000 Too many connections");
    client_leave(one);
    client_leave(two);
    world_run(world);
    (void)client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});
    world_end(world);
}

static void drain_waits_for_transactions(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *idle = client_log_in(world, NULL);
    struct client *busy = client_log_in(world, NULL);
    struct client *running = client_log_in(world, NULL);
    struct client *late;
    struct connection *connection;
    struct connection *reader;

    (void)state;
    client_query(busy, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(busy, "ok trans");
    client_query(running, "SELECT 1");
    reader = world_expect(world, "QUERY SELECT 1");
    worker_drain(&world->workers[0], world->now + UINT64_C(5000000000));
    world_run(world);
    assert_true(idle->wire->proxy_closed);
    assert_false(busy->wire->proxy_closed);
    assert_false(worker_is_empty(&world->workers[0]));
    late = client_connect(world, 0);
    assert_string_equal(client_begin_login(late, &(struct client_login){0}),
                        "error 1053 HY000 Server shutdown in progress");
    answer_row(reader, "1");
    client_expect(running, "rows 1");
    client_expect_closed(running);
    client_query(busy, "INSERT INTO shop.t VALUES (1)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_ok(connection, "affected=1 trans");
    client_expect(busy, "ok affected=1 trans");
    client_query(busy, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(busy, "ok");
    client_expect_closed(busy);
    world_advance_ms(world, 200);
    assert_true(worker_is_empty(&world->workers[0]));
    world_end(world);
}

static void drain_ends_at_its_time(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *busy = client_log_in(world, NULL);
    struct client *hanging = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(busy, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(busy, "ok trans");
    client_query(hanging, "DELETE FROM shop.t");
    (void)server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    worker_drain(&world->workers[0], world->now + UINT64_C(5000000000));
    world_advance_ms(world, 4900);
    assert_false(busy->wire->proxy_closed);
    world_advance_ms(world, 200);
    assert_true(busy->wire->proxy_closed);
    assert_true(hanging->wire->proxy_closed);
    world_advance_ms(world, 200);
    assert_true(worker_is_empty(&world->workers[0]));
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_takes_too_long),
        cmocka_unit_test(schema_of_a_login_takes_too_long),
        cmocka_unit_test(greeting_waits_for_a_server),
        cmocka_unit_test(idle_client_is_closed),
        cmocka_unit_test(silent_server_is_given_up),
        cmocka_unit_test(connecting_hangs),
        cmocka_unit_test(idle_connections_are_closed_but_for_min_idle),
        cmocka_unit_test(old_connections_are_closed),
        cmocka_unit_test(drained_server_loses_its_idle_connections),
        cmocka_unit_test(too_many_clients),
        cmocka_unit_test(drain_waits_for_transactions),
        cmocka_unit_test(drain_ends_at_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
