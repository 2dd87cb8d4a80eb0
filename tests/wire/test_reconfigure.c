/*
 * A configuration that changes while the worker runs: servers and users that go, limits that move.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/backend/permits.h"

#include <string.h>

#define HEAD                                                                                       \
    "[proxy]\nauto_file =\nlisten = 127.0.0.1:47000\n[monitor]\npassword = m\n[pool]\nmin_idle = " \
    "0\n"
#define DB1 "[server db1]\naddress = 127.0.0.1:47001\n"
#define DB2 "[server db2]\naddress = 127.0.0.1:47002\n"
#define DB3 "[server db3]\naddress = 127.0.0.1:47003\n"
#define APP "[user app]\npassword = secret\n"
#define OTHER "[user other]\npassword = hidden\n"

static struct connection *read_once(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT a FROM shop.t");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    return connection;
}

/* Its idle connections end; who read there reads elsewhere; it is not asked again. */
static void a_removed_replica_is_left(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = read_once(world, client);
    unsigned gone = connection->server->number;

    (void)state;
    assert_true(gone != PRIMARY);
    world_reconfigure(world, gone == REPLICA_1 ? HEAD DB1 DB3 APP OTHER : HEAD DB1 DB2 APP OTHER);
    assert_int_equal(world_permits(world, gone), 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(read_once(world, client)->server->number != gone);
    }
    assert_true(world_logged(world, "its server was removed"));
    world_end(world);
}

/* Back again it is another server: used, but without what was known of the old one. */
static void a_server_that_comes_back_is_used(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    bool seen[WORLD_SERVERS] = {false};

    (void)state;
    world_reconfigure(world, HEAD DB1 DB2 APP OTHER);
    assert_int_equal(read_once(world, client)->server->number, REPLICA_1);
    world_reconfigure(world, HEAD DB1 DB2 DB3 APP OTHER);
    for (unsigned i = 0; i < 6; i++) { /* each a session of its own: they are spread */
        seen[read_once(world, client_log_in(world, NULL))->server->number] = true;
    }
    assert_true(seen[REPLICA_1] && seen[REPLICA_2] && !seen[PRIMARY]);
    world_end(world);
}

/* What runs there goes on to its end. */
static void a_transaction_on_a_removed_server_ends_well(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "START TRANSACTION READ ONLY");
    connection = world_expect(world, "QUERY START TRANSACTION READ ONLY");
    answer_ok(connection, "trans read-only");
    client_expect(client, "ok trans read-only");
    assert_int_not_equal(connection->server->number, PRIMARY);
    world_reconfigure(world, HEAD DB1 APP OTHER);
    client_query(client, "SELECT a FROM shop.t");
    connection_expect(connection, "QUERY SELECT a FROM shop.t");
    answer_rows(connection, "a", "1", "trans read-only");
    client_expect(client, "rows 1 (trans read-only)");
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_int_equal(read_once(world, client)->server->number, PRIMARY);
    assert_int_equal(world_permits(world, REPLICA_1) + world_permits(world, REPLICA_2), 0);
    world_end(world);
}

/* Those who queued up for it get another one. */
static void waiters_for_a_removed_server_go_elsewhere(void **state)
{
    struct world *world =
        world_new(1, "TIDEMARK_SERVER_DB2_MAX_CONNECTIONS=1", "TIDEMARK_SERVER_DB3_WEIGHT=0", NULL);
    struct client *holder = client_log_in(world, NULL);
    struct client *waiter = client_log_in(world, NULL);
    struct connection *held;
    struct connection *other;

    (void)state;
    world->servers[REPLICA_2].usable = false;
    world->servers[REPLICA_2].why_not = "down";
    world_publish(world);
    world_run(world);
    client_query(holder, "SELECT a FROM shop.t");
    held = server_expect(world, REPLICA_1, "QUERY SELECT a FROM shop.t");
    client_query(waiter, "SELECT a FROM shop.t WHERE a = 2");
    world_run(world);
    assert_int_equal(permits_queued(world->process.permits, REPLICA_1), 1);
    world_reconfigure(world, HEAD DB1 DB3 APP OTHER);
    world_advance_ms(world, 200);
    other = server_expect(world, PRIMARY, "QUERY SELECT a FROM shop.t WHERE a = 2");
    answer_row(other, "2");
    client_expect(waiter, "rows 2");
    answer_row(held, "1");
    client_expect(holder, "rows 1");
    assert_int_equal(world_permits(world, REPLICA_1), 0);
    world_end(world);
}

static void sessions_of_a_removed_user_end(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *idle = client_log_in(world, NULL);
    struct client *busy = client_log_in(world, NULL);
    struct client *late = client_log_in(world, NULL);
    struct client *other =
        client_log_in_as(world, &(struct client_login){.user = "other", .password = "hidden"});
    struct connection *connection;

    (void)state;
    client_query(busy, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(busy, "ok trans");
    world_reconfigure(world, HEAD DB1 DB2 DB3 OTHER);
    client_query(late, "DELETE FROM shop.t"); /* before the worker has looked at its sessions */
    world_expect_nothing(world);
    client_expect(late, "error 1045 28000 Access denied: user 'app' was removed from the proxy");
    world_advance_ms(world, 200);
    client_expect_closed(idle);
    client_expect_closed(late);
    client_query(busy, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(busy, "ok");
    world_advance_ms(world, 200);
    client_expect_closed(busy);
    read_once(world, other);
    world_end(world);
}

static void a_changed_password_counts_at_once(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client;

    (void)state;
    client_log_in(world, NULL);
    world_reconfigure(world, HEAD DB1 DB2 DB3 OTHER "[user app]\npassword = changed\n");
    client = client_connect(world, 0);
    assert_string_equal(client_begin_login(client, &(struct client_login){0}), "");
    assert_non_null(strstr(client_end_login(client), "error 1045"));
    client_log_in_as(world, &(struct client_login){.user = "app", .password = "changed"});
    world_end(world);
}

static void limits_move(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *clients[3];
    struct connection *connections[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = client_log_in(world, NULL);
        client_query(clients[i], "DELETE FROM shop.t");
        world_run(world);
    }
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_reconfigure(world, HEAD DB1 "max_connections = 3\n" DB2 DB3 APP OTHER);
    assert_int_equal(world_permits(world, PRIMARY), 3);
    for (unsigned i = 0; i < 3; i++) {
        connections[i] = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    }
    world_reconfigure(world, HEAD DB1 "max_connections = 1\n" DB2 DB3 APP OTHER);
    for (unsigned i = 0; i < 3; i++) {
        answer_ok(connections[i], "");
        client_expect(clients[i], "ok");
    }
    world_advance_ms(world, 200);
    assert_int_equal(world_permits(world, PRIMARY), 1);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removed_replica_is_left),
        cmocka_unit_test(a_server_that_comes_back_is_used),
        cmocka_unit_test(a_transaction_on_a_removed_server_ends_well),
        cmocka_unit_test(waiters_for_a_removed_server_go_elsewhere),
        cmocka_unit_test(sessions_of_a_removed_user_end),
        cmocka_unit_test(a_changed_password_counts_at_once),
        cmocka_unit_test(limits_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
