/*
 * The ordinary road: a login, writes on the primary, reads on replicas, transactions, and what
 * pins.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <string.h>

static void reads_and_writes_part(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "1");
    client_expect(client, "rows 1");

    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_ok(connection, "affected=1 id=7");
    client_expect(client, "ok affected=1 id=7");
    assert_int_equal(world->workers[0].sessions->pins, 0);
    world_end(world);
}

static void default_schema_is_entered_on_every_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT a FROM t");
    connection = world_expect(world, "QUERY SELECT a FROM t");
    assert_int_not_equal(connection->server->number, PRIMARY);
    assert_string_equal(connection->log, "SETUP; INIT_DB shop; QUERY SELECT a FROM t");
    answer_row(connection, "5");
    client_expect(client, "rows 5");
    world_end(world);
}

static void unknown_schema_is_refused_in_the_servers_words(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);
    struct client_login login = {.schema = "nosuch"};

    (void)state;
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].by_itself &= ~(unsigned)BY_ITSELF_SCHEMA;
    }
    assert_string_equal(client_begin_login(client, &login), "");
    answer_error(world_expect(world, "INIT_DB nosuch"), 1049, "Unknown database 'nosuch'");
    assert_string_equal(client_end_login(client), "error 1049 42000 Unknown database 'nosuch'");
    client_expect_closed(client);
    world_end(world);
}

static void transaction_stays_on_one_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans state=T_______");
    client_expect(client, "ok trans");
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_rows(connection, "1", "1", "trans");
    client_expect(client, "rows 1 (trans)");
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "state=________");
    client_expect(client, "ok");
    assert_int_equal(world->workers[0].sessions->pins, 0);
    client_query(client, "SELECT 2");
    connection = world_expect(world, "QUERY SELECT 2");
    answer_row(connection, "2");
    client_expect(client, "rows 2");
    world_end(world);
}

static void read_only_transaction_stays_on_one_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "START TRANSACTION READ ONLY");
    connection = world_expect(world, "QUERY START TRANSACTION READ ONLY");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_ok(connection, "trans read-only");
    client_expect(client, "ok trans read-only");
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_error(connection, 1290, "The server is running with the --read-only option");
    client_expect(client, "error 1792 25006 "
                          "Cannot execute statement in a READ ONLY transaction.");
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

static void commands_answered_by_the_proxy(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_send(client, COMMAND_PING, NULL, 0);
    client_expect(client, "ok");
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    client_send(client, COMMAND_CLONE, NULL, 0);
    client_expect_error(client, 1047, "CLONE");
    client_send(client, 77, NULL, 0);
    client_expect_error(client, 1047, "Unknown command");
    world_expect_nothing(world);
    client_quit(client);
    client_expect_closed(client);
    assert_true(world_logged(world, "reason=\"the client said goodbye\""));
    world_end(world);
}

static void other_commands_reach_a_server(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    client_send(client, COMMAND_STATISTICS, NULL, 0);
    connection = world_expect(world, "STATISTICS");
    answer_payload(connection, bytes_of_text("Uptime: 5"));
    answer_done(connection);
    client_expect(client, "text Uptime: 5");
    client_send(client, COMMAND_INIT_DB, "store", 5);
    world_run(world);
    client_expect(client, "ok schema=store");
    client_query(client, "USE shop");
    connection = world_expect(world, "QUERY USE shop");
    answer_ok(connection, "schema=shop change");
    client_expect(client, "ok schema=shop");
    world_end(world);
}

/* Another user's statements never run on a connection of the first one. */
static void user_changes(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    client_query(client, "SET @a = 1");
    connection = server_expect(world, PRIMARY, "QUERY SET @a = 1");
    answer_ok(connection, "change");
    client_expect(client, "ok");
    client_change_user(
        client, &(struct client_login){.user = "other", .password = "hidden", .schema = "store"});
    assert_string_equal(client_end_login(client), "ok");
    assert_int_equal(world->workers[0].sessions->pins, 0);
    client_query(client, "DELETE FROM t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM t");
    assert_string_equal(connection->user, "other");
    assert_non_null(strstr(connection->log, "INIT_DB store"));
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_change_user(client, &(struct client_login){.user = "app", .password = "wrong"});
    assert_string_equal(client_end_login(client),
                        "error 1045 28000 Access denied for user 'app'@'127.0.0.1' "
                        "(using password: YES)");
    client_expect_closed(client);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_part),
        cmocka_unit_test(default_schema_is_entered_on_every_connection),
        cmocka_unit_test(unknown_schema_is_refused_in_the_servers_words),
        cmocka_unit_test(transaction_stays_on_one_connection),
        cmocka_unit_test(read_only_transaction_stays_on_one_replica),
        cmocka_unit_test(commands_answered_by_the_proxy),
        cmocka_unit_test(other_commands_reach_a_server),
        cmocka_unit_test(user_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
