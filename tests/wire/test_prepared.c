/*
 * Prepared statements of sessions that share connections: prepared again where they are missing,
 * under the schema they were first prepared in, with the parameter types sent along.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>

/* The server's end of what client_execute sends: id apart, flags, count, nulls, types, value. */
#define EXECUTE_X "00010000000001fd000178" /* "x", with its type */
#define EXECUTE_Y "00010000000001fd000179"

static struct connection *prepare(struct world *world, struct client *client, const char *sql)
{
    struct connection *connection;
    char text[200];

    client_send(client, COMMAND_STMT_PREPARE, sql, strlen(sql));
    snprintf(text, sizeof text, "PREPARE %s", sql);
    connection = world_expect(world, text);
    answer_prepared(connection, 1, 1);
    return connection;
}

static void statement_is_executed_where_it_was_prepared(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, "SELECT ? FROM t");
    client_expect(client, "prepared 1 parameters=1 columns=1");
    assert_int_not_equal(connection->server->number, PRIMARY);
    client_execute(client, 1, "x", true);
    connection_expect(connection, "EXECUTE 1 " EXECUTE_X);
    answer_row(connection, "x");
    client_expect(client, "rows x");
    world_end(world);
}

/* The session moves on to another schema, and the connection with the statement is lost. */
static void statement_is_prepared_again_under_its_own_schema(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *first;
    struct connection *second;

    (void)state;
    first = prepare(world, client, "SELECT ? FROM t");
    client_expect(client, "prepared 1 parameters=1 columns=1");
    client_execute(client, 1, "x", true);
    connection_expect(first, "EXECUTE 1 " EXECUTE_X);
    answer_row(first, "x");
    client_expect(client, "rows x");
    client_send(client, COMMAND_INIT_DB, "store", 5);
    client_expect(client, "ok schema=store");
    world->servers[first->server->number].usable = false;
    world_publish(world);
    connection_lose(first);
    world_run(world);

    client_execute(client, 1, "y", false);
    second = world_expect(world, "PREPARE SELECT ? FROM t");
    assert_int_not_equal(second->server->number, PRIMARY);
    assert_string_equal(second->log, "SETUP; INIT_DB shop; PREPARE SELECT ? FROM t");
    second->last_statement = 8;
    answer_prepared(second, 1, 1);
    /* Back under the session's schema, then EXECUTE under the server's id, types put in. */
    connection_expect(second, "EXECUTE 9 " EXECUTE_Y);
    assert_string_equal(second->log, "SETUP; INIT_DB shop; PREPARE SELECT ? FROM t; "
                                     "INIT_DB store; EXECUTE 9 " EXECUTE_Y);
    answer_row(second, "y");
    client_expect(client, "rows y");
    world_end(world);
}

static void preparing_again_may_fail(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, "INSERT INTO t VALUES (?)");
    client_expect(client, "prepared 1 parameters=1 columns=1");
    assert_int_equal(connection->server->number, PRIMARY);
    connection_lose(connection);
    world_run(world);
    client_execute(client, 1, "x", true);
    connection = server_expect(world, PRIMARY, "PREPARE INSERT INTO t VALUES (?)");
    answer_error(connection, 1146, "Table 'shop.t' doesn't exist");
    client_expect(client, "error 1146 42S02 Table 'shop.t' doesn't exist");
    assert_null(strstr(connection->log, "EXECUTE"));
    world_end(world);
}

static void ids_are_the_sessions_own(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *one = client_log_in(world, "shop");
    struct client *two = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    (void)prepare(world, one, "INSERT INTO t VALUES (?)");
    client_expect(one, "prepared 1 parameters=1 columns=1");
    connection = prepare(world, two, "DELETE FROM t WHERE a = ?");
    client_expect(two, "prepared 1 parameters=1 columns=1");
    assert_int_equal(connection->last_statement, 2);
    client_execute(two, 1, "x", true);
    connection_expect(connection, "EXECUTE 2 " EXECUTE_X);
    answer_ok(connection, "affected=3");
    client_expect(two, "ok affected=3");
    client_execute(one, 1, "y", true);
    connection_expect(connection, "EXECUTE 1 " EXECUTE_Y);
    answer_ok(connection, "affected=1");
    client_expect(one, "ok affected=1");
    client_execute(one, 5, "y", true);
    client_expect(one, "error 1243 HY000 Unknown prepared statement handler (5) given to "
                       "mysqld_stmt_execute");
    client_send(one, COMMAND_STMT_CLOSE, "\1\0\0\0", 4);
    client_execute(one, 1, "y", true);
    client_expect_error(one, 1243, "(1)");
    world_end(world);
}

static void refused_statement_has_no_id(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");

    (void)state;
    client_send(client, COMMAND_STMT_PREPARE, "SELECT ? FROM t WHERE", 21);
    answer_error(world_expect(world, "PREPARE SELECT ? FROM t WHERE"), 1064, "near ''");
    client_expect(client, "error 1064 42000 near ''");
    prepare(world, client, "SELECT ? FROM t");
    client_expect(client, "prepared 1 parameters=1 columns=1");
    world_end(world);
}

/* Long data lives on one connection: it pins until the statement was executed. */
static void long_data_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, "INSERT INTO t VALUES (?)");
    client_expect(client, "prepared 1 parameters=1 columns=1");
    client_send(client, COMMAND_STMT_SEND_LONG_DATA, "\1\0\0\0\0\0abc", 9);
    /* It becomes a statement of its own, which no other of the same text can meet. */
    connection_expect(connection, "PREPARE INSERT INTO t VALUES (?)");
    answer_prepared(connection, 1, 1);
    connection_expect(connection, "SEND_LONG_DATA 2 0000616263");
    answer_done(connection);
    assert_int_equal(world->workers[0].sessions->pins, PIN_LONG_DATA);
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    client_execute(client, 1, "", true);
    world_run(world);
    assert_non_null(strstr(connection->log, "EXECUTE 2 "));
    connection_expect(connection, connection->first->text);
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    assert_int_equal(world->workers[0].sessions->pins, 0);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statement_is_executed_where_it_was_prepared),
        cmocka_unit_test(statement_is_prepared_again_under_its_own_schema),
        cmocka_unit_test(preparing_again_may_fail),
        cmocka_unit_test(ids_are_the_sessions_own),
        cmocka_unit_test(refused_statement_has_no_id),
        cmocka_unit_test(long_data_pins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
