/*
 * Servers with fewer connections than there are sessions: who waits, in which order, what moves
 * between workers, and what those are told whose time is over.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/capability.h"
#include "proxy/backend/permits.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

static struct client *log_in_on(struct world *world, unsigned worker)
{
    return client_log_in_as(world, &(struct client_login){.worker = worker});
}

static void write_as(struct client *client, unsigned number)
{
    char sql[64];

    snprintf(sql, sizeof sql, "DELETE FROM shop.t WHERE a = %u", number);
    client_query(client, sql);
    world_run(client->world);
}

/* The connection that was asked what the client with this number asked. */
static struct connection *expect_write(struct world *world, unsigned number)
{
    char text[64];

    snprintf(text, sizeof text, "QUERY DELETE FROM shop.t WHERE a = %u", number);
    return server_expect(world, PRIMARY, text);
}

static void finish_write(struct client *client, struct connection *connection)
{
    answer_ok(connection, "");
    client_expect(client, "ok");
}

/* Six sessions on two workers, two connections: in the order in which they came, whoever's. */
static void waiters_of_all_workers_are_served_in_order(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=2", NULL);
    struct connection *connections[6];
    struct client *clients[6];

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        clients[i] = log_in_on(world, i % 2);
    }
    for (unsigned i = 0; i < 6; i++) {
        write_as(clients[i], i);
    }
    assert_int_equal(permits_queued(world->process.permits, PRIMARY), 4);
    assert_int_equal(world_permits(world, PRIMARY), 2);
    for (unsigned i = 0; i < 6; i++) {
        connections[i] = expect_write(world, i);
        if (i + 2 < 6) {
            char later[64];

            /* Whoever comes after the next two is not served yet. */
            snprintf(later, sizeof later, "WHERE a = %u", i + 2);
            for (unsigned n = 1; server_connection(world, PRIMARY, n) != NULL; n++) {
                assert_null(strstr(server_connection(world, PRIMARY, n)->log, later));
            }
        }
        finish_write(clients[i], connections[i]);
        assert_true(world_permits(world, PRIMARY) <= 2);
    }
    world_end(world);
}

/* The connection itself goes to the other worker: the server sees no new one. */
static void connection_moves_to_the_waiter_of_another_worker(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 1);
    struct connection *connection;

    (void)state;
    write_as(one, 1);
    write_as(two, 2);
    connection = expect_write(world, 1);
    finish_write(one, connection);
    assert_ptr_equal(expect_write(world, 2), connection);
    finish_write(two, connection);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    /* And back again, though nobody gives it back: the idle one is asked for. */
    write_as(one, 3);
    assert_ptr_equal(expect_write(world, 3), connection);
    finish_write(one, connection);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    world_end(world);
}

/* Where streams cannot move, the permit does: the connection is closed, and opened elsewhere. */
static void permit_moves_where_connections_cannot(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 1);
    struct connection *connection;

    (void)state;
    world->moves_connections = false;
    write_as(one, 1);
    write_as(two, 2);
    connection = expect_write(world, 1);
    finish_write(one, connection);
    finish_write(two, expect_write(world, 2));
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world->scripts[PRIMARY].count, 2);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_end(world);
}

static void connection_of_another_user_makes_room(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two =
        client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});
    struct connection *connection;

    (void)state;
    write_as(one, 1);
    connection = expect_write(world, 1);
    assert_string_equal(connection->user, "app");
    write_as(two, 2);
    assert_int_equal(permits_queued(world->process.permits, PRIMARY), 1);
    finish_write(one, connection);
    connection = expect_write(world, 2);
    assert_string_equal(connection->user, "other");
    finish_write(two, connection);
    /* Now one is idle, of the wrong user: it goes at once. */
    write_as(one, 3);
    connection = expect_write(world, 3);
    assert_string_equal(connection->user, "app");
    finish_write(one, connection);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_end(world);
}

static void waiter_is_told_why_in_time(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1",
                                    "TIDEMARK_POOL_WAIT_TIMEOUT_MS=1000", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 0);
    struct client *three = log_in_on(world, 0);
    struct connection *connection;

    (void)state;
    write_as(one, 1);
    connection = expect_write(world, 1);
    write_as(two, 2);
    world_advance_ms(world, 500);
    write_as(three, 3);
    world_advance_ms(world, 400);
    client_expect_nothing(two);
    world_advance_ms(world, 100);
    client_expect(two, "error 1040 08004 no connection to server db1 within 1000 ms: all 1 are in "
                       "use, 2 waiting ([server db1] max_connections, [pool] wait_timeout_ms)");
    client_expect_nothing(three);
    finish_write(one, connection);
    finish_write(three, expect_write(world, 3));
    /* Who was refused may ask again. */
    write_as(two, 4);
    finish_write(two, expect_write(world, 4));
    world_end(world);
}

/* Whoever waits may leave, at any place in the queue. */
static void waiters_leave(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *clients[5];
    struct connection *connection;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        clients[i] = log_in_on(world, i % 2);
        write_as(clients[i], i);
    }
    connection = expect_write(world, 0);
    client_leave(clients[1]);
    client_leave(clients[3]);
    world_run(world);
    assert_int_equal(permits_queued(world->process.permits, PRIMARY), 2);
    finish_write(clients[0], connection);
    finish_write(clients[2], expect_write(world, 2));
    finish_write(clients[4], expect_write(world, 4));
    world_end(world);
}

/* The one who holds the connection leaves in the middle of an answer. */
static void holder_leaves(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 1);

    (void)state;
    write_as(one, 1);
    (void)expect_write(world, 1);
    write_as(two, 2);
    client_leave(one);
    finish_write(two, expect_write(world, 2));
    assert_int_equal(world->scripts[PRIMARY].count, 2);
    world_end(world);
}

/* Warnings that could be shown keep a connection only while nobody waits for it. */
static void warnings_give_way_to_those_who_wait(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 0);
    struct connection *connection;

    (void)state;
    write_as(one, 1);
    connection = expect_write(world, 1);
    answer_ok(connection, "warnings=1");
    client_expect(one, "ok warnings=1");
    /* Asked at once, they are there. */
    client_query(one, "SHOW WARNINGS");
    connection_expect(connection, "QUERY SHOW WARNINGS");
    answer_rows(connection, "Level", "Note", "");
    client_expect(one, "rows Note");
    write_as(two, 2);
    world_advance_ms(world, 200);
    finish_write(two, expect_write(world, 2));
    write_as(one, 3);
    finish_write(one, expect_write(world, 3));
    world_end(world);
}

/* While they waited, another server has become the primary. */
static void waiters_follow_a_new_primary(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 0);
    struct connection *connection;
    struct connection *moved;

    (void)state;
    write_as(one, 1);
    connection = expect_write(world, 1);
    write_as(two, 2);
    world->primary = REPLICA_1;
    world->servers[REPLICA_1].role = ROLE_PRIMARY;
    world->servers[PRIMARY].role = ROLE_REPLICA;
    world_publish(world);
    world_run(world);
    finish_write(one, connection);
    moved = server_expect(world, REPLICA_1, "QUERY DELETE FROM shop.t WHERE a = 2");
    assert_null(strstr(connection->log, "WHERE a = 2"));
    finish_write(two, moved);
    world_end(world);
}

/* One connection, another user waits for it, and the server does not close when it is told to. */
static struct connection *quit_without_an_end(struct world *world, struct client *one,
                                              struct client *two)
{
    struct connection *connection;

    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_QUIT;
    write_as(one, 1);
    connection = expect_write(world, 1);
    finish_write(one, connection);
    write_as(two, 2);
    connection_expect(connection, "QUIT");
    assert_false(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    assert_int_equal(permits_queued(world->process.permits, PRIMARY), 1);
    return connection;
}

static struct client *log_in_other(struct world *world)
{
    return client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});
}

/* The server counts a connection until it has closed it, so nobody else is let in before; what it
 * still says meanwhile is dropped. */
static void permit_is_kept_until_the_server_has_closed(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_other(world);
    struct connection *connection = quit_without_an_end(world, one, two);

    (void)state;
    world_advance_ms(world, 500);
    wire_write(connection->wire, "\x03\0\0", 3);
    wire_write(connection->wire, "\0abc and a few more bytes", 25);
    world_run(world);
    assert_int_equal(wire_proxy_bytes(connection->wire), 0);
    assert_false(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    wire_end(connection->wire, UV_EOF);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world->scripts[PRIMARY].count, 2);
    finish_write(two, expect_write(world, 2));
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_end(world);
}

/* The client leaves with its answer while the proxy awaits one of its own: QUIT goes behind. */
static void quit_goes_behind_what_the_proxy_asked(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one =
        client_log_in_as(world, &(struct client_login){.capabilities = CLIENT_CAPABILITIES &
                                                                       ~CAPABILITY_DEPRECATE_EOF});
    struct client *two = log_in_on(world, 0);
    struct connection *connection;

    (void)state;
    client_query(one, "INSERT INTO shop.t VALUES (1) RETURNING a");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1) RETURNING a");
    answer_rows(connection, "a", "1", "");
    client_expect(one, "rows 1");
    connection_expect(connection, "PING");
    client_leave(one);
    write_as(two, 2);
    assert_false(connection->wire->proxy_closed);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    answer_ok(connection, "");
    finish_write(two, expect_write(world, 2));
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world->scripts[PRIMARY].count, 2);
    world_end(world);
}

/* A server that hangs does not keep a permit for ever. */
static void permit_comes_back_when_the_server_never_closes(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_other(world);
    struct connection *connection = quit_without_an_end(world, one, two);

    (void)state;
    world_advance_ms(world, 900);
    assert_false(connection->wire->proxy_closed);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    world_advance_ms(world, 100);
    assert_true(connection->wire->proxy_closed);
    finish_write(two, expect_write(world, 2));
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_end(world);
}

/* One connection less is enough for one waiter: while it is being closed, others that come free go
 * to those who want them, and are not closed as well. */
static void one_waiter_costs_one_connection(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=3", NULL);
    struct client *clients[3];
    struct client *other = log_in_other(world);
    struct connection *connections[3];

    (void)state;
    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_QUIT;
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = log_in_on(world, i % 2);
        write_as(clients[i], i);
        connections[i] = expect_write(world, i);
    }
    write_as(other, 3);
    finish_write(clients[0], connections[0]);
    connection_expect(connections[0], "QUIT");
    finish_write(clients[1], connections[1]);
    finish_write(clients[2], connections[2]);
    world_advance_ms(world, 500);
    write_as(clients[0], 4);
    finish_write(clients[0], expect_write(world, 4));
    assert_null(strstr(connections[1]->log, "QUIT"));
    assert_null(strstr(connections[2]->log, "QUIT"));
    assert_int_equal(world_permits(world, PRIMARY), 3);
    wire_end(connections[0]->wire, UV_EOF);
    finish_write(other, expect_write(world, 3));
    assert_int_equal(world_permits(world, PRIMARY), 3);
    assert_int_equal(world->scripts[PRIMARY].count, 4);
    world_end(world);
}

/* Nobody needs the permits of a process that ends: the servers are told, and not waited for. */
static void end_of_the_process_does_not_wait_for_servers(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=2", NULL);
    struct client *one = log_in_on(world, 0);
    struct client *two = log_in_on(world, 0);
    struct client *three = log_in_other(world);
    struct connection *connections[2];

    (void)state;
    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_QUIT;
    write_as(one, 1);
    write_as(two, 2);
    connections[0] = expect_write(world, 1);
    connections[1] = expect_write(world, 2);
    finish_write(one, connections[0]);
    finish_write(two, connections[1]);
    write_as(three, 3);
    connection_expect(connections[0], "QUIT"); /* to make room; the other is idle */
    client_leave(one);
    client_leave(two);
    client_leave(three);
    world_run(world);
    assert_false(connections[0]->wire->proxy_closed);
    worker_drain(&world->workers[0], world->now);
    world_run(world);
    connection_expect(connections[1], "QUIT");
    assert_true(connections[0]->wire->proxy_closed);
    assert_true(connections[1]->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_of_all_workers_are_served_in_order),
        cmocka_unit_test(connection_moves_to_the_waiter_of_another_worker),
        cmocka_unit_test(permit_moves_where_connections_cannot),
        cmocka_unit_test(connection_of_another_user_makes_room),
        cmocka_unit_test(waiter_is_told_why_in_time),
        cmocka_unit_test(waiters_leave),
        cmocka_unit_test(holder_leaves),
        cmocka_unit_test(warnings_give_way_to_those_who_wait),
        cmocka_unit_test(waiters_follow_a_new_primary),
        cmocka_unit_test(permit_is_kept_until_the_server_has_closed),
        cmocka_unit_test(quit_goes_behind_what_the_proxy_asked),
        cmocka_unit_test(permit_comes_back_when_the_server_never_closes),
        cmocka_unit_test(one_waiter_costs_one_connection),
        cmocka_unit_test(end_of_the_process_does_not_wait_for_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
