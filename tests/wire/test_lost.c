/*
 * A server connection is lost, in each state it can be in.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

#include <string.h>
#include <uv.h>

/* A read that was sent to a replica, which has not answered. */
static struct connection *read_in_flight(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    assert_int_not_equal(connection->server->number, PRIMARY);
    return connection;
}

static void read_is_retried_once_on_another_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *first = read_in_flight(world, client);
    struct connection *second;

    (void)state;
    connection_lose(first);
    second = world_expect(world, "QUERY SELECT 1");
    assert_int_not_equal(second->server->number, PRIMARY);
    assert_int_not_equal(second->server->number, first->server->number);
    answer_row(second, "1");
    client_expect(client, "rows 1");
    assert_int_equal(world->suspects[first->server->number], 1);
    world_end(world);
}

static void read_is_never_retried_twice_nor_on_the_primary(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *first = read_in_flight(world, client);

    (void)state;
    connection_lose(first);
    connection_lose(world_expect(world, "QUERY SELECT 1"));
    client_expect_error(client, 2013, "lost the connection to server");
    assert_int_equal(world->scripts[PRIMARY].count, 0);
    /* The session lives on. */
    client_query(client, "SELECT 2");
    answer_row(world_expect(world, "QUERY SELECT 2"), "2");
    client_expect(client, "rows 2");
    world_end(world);
}

static void read_of_the_only_replica_is_not_retried_on_the_primary(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->servers[REPLICA_2].usable = false;
    world_publish(world);
    connection_lose(read_in_flight(world, client));
    client_expect_error(client, 2013, "db2");
    assert_int_equal(world->scripts[PRIMARY].count, 0);
    world_end(world);
}

static void write_is_not_repeated(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection_lose(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"));
    client_expect_error(client, 2013, "lost the connection to server db1");
    world_expect_nothing(world);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    /* It may still commit: the session reads on the primary from now on. */
    client_query(client, "SELECT 1");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    world_end(world);
}

/* A write is sent over a connection that is then lost; returns the number of the server's thread.
 */
static uint32_t lose_a_write(struct world *world, struct client *client)
{
    struct connection *connection;
    uint32_t thread_id;

    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    thread_id = connection->number;
    connection_lose(connection);
    client_expect_error(client, 2013, "lost the connection to server db1");
    return thread_id;
}

static bool reads_on_primary(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    return connection->server->number == PRIMARY;
}

/* While the thread of a lost write may still run, no replica is fresh enough; the moment when it is
 * known to be gone is the floor. */
static void lost_write_ends_with_its_thread(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other;
    uint32_t thread_id;

    (void)state;
    world->gauges[PRIMARY].identity = 77;
    thread_id = lose_a_write(world, client);
    assert_int_equal(world->watches[PRIMARY].items[0]->identity, 77);
    world_replicas_follow(world);
    assert_true(reads_on_primary(world, client));
    world_advance_ms(world, 60000);
    assert_true(reads_on_primary(world, client));
    other = client_log_in(world, NULL);
    assert_false(reads_on_primary(world, other)); /* it is this session's doubt alone */

    world_replicas_stop(world);
    world_advance_ms(world, 10);
    world_thread_gone(world, PRIMARY, thread_id);
    assert_true(reads_on_primary(world, client));
    assert_int_equal(world->wanted_floor, world->now);
    world_replicas_stop(world);
    assert_false(reads_on_primary(world, client));
    assert_null(world->workers[0].sessions->next->doubt);
    world_end(world);
}

static void each_lost_write_counts(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    uint32_t first = lose_a_write(world, client);
    uint32_t second = lose_a_write(world, client);

    (void)state;
    world_replicas_follow(world);
    world_thread_gone(world, PRIMARY, second);
    assert_true(reads_on_primary(world, client));
    world_thread_gone(world, PRIMARY, first);
    assert_false(reads_on_primary(world, client));
    world_end(world);
}

static void thread_that_cannot_be_watched(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    uint32_t watched = lose_a_write(world, client);

    (void)state;
    world->watches_nothing = true;
    lose_a_write(world, client);
    world_thread_gone(world, PRIMARY, watched);
    world_replicas_follow(world);
    world_advance_ms(world, 60000);
    assert_true(reads_on_primary(world, client));
    world_end(world);
}

/* The client goes while its write is in doubt: then nobody asks any more (see world_end). */
static void nobody_is_in_doubt_any_more(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    lose_a_write(world, client);
    assert_true(watch_list_is_needed(&world->watches[PRIMARY]));
    world_end(world);
}

static void pinned_session_ends_with_its_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    connection_lose(connection);
    client_expect_closed(client);
    assert_true(world_logged(world, "the server connection that held its state was lost"));
    world_end(world);
}

static void pinned_session_ends_in_the_middle_of_a_command(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    connection_lose(connection);
    client_expect_error(client, 2013, "db1");
    client_expect_closed(client);
    world_end(world);
}

static void partial_answer_ends_the_client(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = read_in_flight(world, client);

    (void)state;
    answer_columns(connection, "a,b");
    connection_lose(connection);
    world_run(world);
    assert_true(client->wire->proxy_closed);
    assert_true(wire_unread(client->wire).size > 0); /* what had come was passed on */
    world_end(world);
}

/* Idle connections may be closed by the server at any time. */
static void idle_connection_is_lost(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    wire_end(connection->wire, UV_EOF);
    world_run(world);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    assert_int_equal(world->suspects[PRIMARY], 0);
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
    world_end(world);
}

/* A server that shuts down says so first. */
static void idle_connection_is_told_to_go(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = read_in_flight(world, client);
    static const char farewell[] = "\x1e\0\0\0\xff\x1d\x04#08S01Server shutdown now...";

    (void)state;
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    wire_write(connection->wire, farewell, 4 + 0x1e);
    wire_end(connection->wire, UV_EOF);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, connection->server->number), 0);
    world_end(world);
}

static void server_cannot_be_reached(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=500", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].connect_status = UV_ECONNREFUSED;
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 400);
    client_expect_nothing(client);
    world_advance_ms(world, 200);
    client_expect(client, "error 2013 HY000 cannot connect to server db1 at 127.0.0.1:47001: "
                          "connection refused");
    assert_true(world->suspects[PRIMARY] > 0);
    /* A read goes to the replica that can be reached, whichever was tried first. */
    world->scripts[REPLICA_1].connect_status = UV_ECONNREFUSED;
    for (unsigned i = 0; i < 3; i++) {
        client_query(client, "SELECT 1");
        answer_row(server_expect(world, REPLICA_2, "QUERY SELECT 1"), "1");
        client_expect(client, "rows 1");
    }
    world_end(world);
}

/* What was not sent yet may wait until the server is back, or another one takes over. */
static void server_comes_back_in_time(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].connect_status = UV_ECONNREFUSED;
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 1000);
    client_expect_nothing(client);
    world->scripts[PRIMARY].connect_status = 0;
    world_advance_ms(world, 200);
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");

    wire_end(server_connection(world, PRIMARY, world->scripts[PRIMARY].count)->wire, UV_EOF);
    world->primary = -1;
    world->servers[PRIMARY].role = ROLE_UNKNOWN;
    world->servers[PRIMARY].usable = false;
    world->servers[PRIMARY].why_not = "down";
    world_publish(world);
    world_run(world);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 1000);
    client_expect_nothing(client);
    world->primary = REPLICA_2;
    world->servers[REPLICA_2].role = ROLE_PRIMARY;
    world_publish(world);
    answer_ok(server_expect(world, REPLICA_2, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
    world_end(world);
}

static void nobody_takes_over(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=500", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->primary = -1;
    world->servers[PRIMARY].role = ROLE_UNKNOWN;
    world->servers[PRIMARY].usable = false;
    world_publish(world);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 600);
    client_expect_error(client, 1105,
                        "no usable primary: nobody is writable (waited 500 ms, "
                        "[proxy] failover_wait_ms)");
    /* Reads go on. */
    client_query(client, "SELECT 1");
    answer_row(world_expect(world, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void server_refuses_the_login(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].login_error = 1045;
    client_query(client, "DELETE FROM shop.t");
    client_expect(client, "error 1045 28000 server db1 refused the login of user app: "
                          "no login in this test");
    world_end(world);
}

static void no_socket_can_be_had(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=500", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].no_sockets = true;
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 800);
    client_expect_error(client, 2013, "cannot open a socket for server db1");
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

/* Lost while its state is brought in step: the write was not sent, another connection does it. */
static void lost_before_the_write_was_sent(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    connection_lose(server_connection(world, PRIMARY, 1));
    world_run(world);
    world->scripts[PRIMARY].by_itself = BY_ITSELF_SETUP | BY_ITSELF_QUIT;
    client_query(client, "DELETE FROM t");
    connection = server_expect(world, PRIMARY, "INIT_DB shop");
    connection_lose(connection);
    connection = server_expect(world, PRIMARY, "INIT_DB shop");
    answer_ok(connection, "schema=shop");
    connection_expect(connection, "QUERY DELETE FROM t");
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    assert_null(world->workers[0].sessions->doubt);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_is_retried_once_on_another_replica),
        cmocka_unit_test(read_is_never_retried_twice_nor_on_the_primary),
        cmocka_unit_test(read_of_the_only_replica_is_not_retried_on_the_primary),
        cmocka_unit_test(write_is_not_repeated),
        cmocka_unit_test(lost_write_ends_with_its_thread),
        cmocka_unit_test(each_lost_write_counts),
        cmocka_unit_test(thread_that_cannot_be_watched),
        cmocka_unit_test(nobody_is_in_doubt_any_more),
        cmocka_unit_test(pinned_session_ends_with_its_connection),
        cmocka_unit_test(pinned_session_ends_in_the_middle_of_a_command),
        cmocka_unit_test(partial_answer_ends_the_client),
        cmocka_unit_test(idle_connection_is_lost),
        cmocka_unit_test(idle_connection_is_told_to_go),
        cmocka_unit_test(server_cannot_be_reached),
        cmocka_unit_test(server_comes_back_in_time),
        cmocka_unit_test(nobody_takes_over),
        cmocka_unit_test(server_refuses_the_login),
        cmocka_unit_test(no_socket_can_be_had),
        cmocka_unit_test(lost_before_the_write_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
