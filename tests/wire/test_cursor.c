/*
 * Cursors: the session keeps its connection from the EXECUTE that opens one until the cursor ends,
 * in any of its ways, and FETCH finds the statement there under the server's own id.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>
#include <string.h>

#define SQL "SELECT a FROM t"
#define FLAGS_CURSOR " 0101000000" /* the server's end of an EXECUTE: flags, count */
#define FLAGS_NONE " 0001000000"

static unsigned pins(const struct world *world)
{
    return world->workers[0].sessions->pins;
}

/* The client's statement 1 is prepared, on a replica. */
static void prepare(struct world *world, struct client *client)
{
    struct connection *connection;

    client_send(client, COMMAND_STMT_PREPARE, SQL, sizeof SQL - 1);
    connection = world_expect(world, "PREPARE " SQL);
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_prepared(connection, 0, 1);
    client_expect(client, "prepared 1 parameters=0 columns=1");
}

/* Opens the cursor of statement 1, which is `id` for the server. */
static struct connection *open_cursor(struct world *world, struct client *client, unsigned id)
{
    struct connection *connection;
    char text[64];

    client_execute_cursor(client, 1);
    connection = server_expect(world, PRIMARY, "PREPARE " SQL);
    connection->last_statement = id - 1;
    answer_prepared(connection, 0, 1);
    snprintf(text, sizeof text, "EXECUTE %u" FLAGS_CURSOR, id);
    connection_expect(connection, text);
    answer_cursor(connection, "a", "cursor");
    client_expect(client, "rows (cursor)");
    return connection;
}

static struct client *client_with(struct world *world, uint64_t capabilities)
{
    return client_log_in_as(world,
                            &(struct client_login){.schema = "shop", .capabilities = capabilities});
}

/* The session is free: its reads go to replicas again. */
static void assert_free(struct world *world, struct client *client)
{
    struct connection *connection;

    assert_int_equal(pins(world), 0);
    client_query(client, "SELECT 7");
    connection = world_expect(world, "QUERY SELECT 7");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "7");
    client_expect(client, "rows 7");
}

static void fetches_until_the_last_row(uint64_t capabilities)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, capabilities);
    struct connection *connection;

    prepare(world, client);
    connection = open_cursor(world, client, 42);
    assert_int_equal(pins(world), PIN_CURSOR);
    client_fetch(client, 1, 2);
    connection_expect(connection, "FETCH 42 02000000");
    answer_fetched(connection, "1;2", "cursor");
    client_expect(client, "rows 1;2 (cursor)");
    assert_int_equal(pins(world), PIN_CURSOR);

    /* Whatever else the session does meanwhile, it does there. */
    client_query(client, "SELECT 5");
    connection_expect(connection, "QUERY SELECT 5");
    answer_row(connection, "5");
    client_expect(client, "rows 5");
    client_query(client, "DELETE FROM t");
    connection_expect(connection, "QUERY DELETE FROM t");
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    assert_int_equal(pins(world), PIN_CURSOR);

    client_fetch(client, 1, 2);
    connection_expect(connection, "FETCH 42 02000000");
    answer_fetched(connection, "3", "last-row");
    client_expect(client, "rows 3 (last-row)");
    assert_free(world, client);
    client_fetch(client, 1, 2);
    client_expect_error(client, 1421, "HY000 The statement (1) has no open cursor");
    world_expect_nothing(world);
    assert_free(world, client);
    world_end(world);
}

static void cursor_lasts_until_the_last_row(void **state)
{
    (void)state;
    fetches_until_the_last_row(CLIENT_CAPABILITIES);
    fetches_until_the_last_row(CLIENT_CAPABILITIES & ~CAPABILITY_DEPRECATE_EOF);
}

static void reset_ends_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_statement(client, COMMAND_STMT_RESET, 1);
    connection_expect(connection, "RESET 9");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_free(world, client);
    client_fetch(client, 1, 1);
    client_expect_error(client, 1421, "(1)");
    /* Where nothing is open a RESET concerns no server. */
    client_statement(client, COMMAND_STMT_RESET, 1);
    client_expect(client, "ok");
    world_expect_nothing(world);
    world_end(world);
}

static void close_ends_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_statement(client, COMMAND_STMT_CLOSE, 1);
    world_run(world);
    assert_free(world, client);
    assert_non_null(strstr(connection->log, "CLOSE 9"));
    client_fetch(client, 1, 1);
    client_expect_error(client, 1243, "(1) given to mysqld_stmt_fetch");
    world_end(world);
}

static void another_execute_ends_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_execute_plain(client, 1);
    connection_expect(connection, "EXECUTE 9" FLAGS_NONE);
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    assert_free(world, client);
    world_end(world);
}

static void errors_end_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_fetch(client, 1, 1);
    connection_expect(connection, "FETCH 9 01000000");
    answer_error(connection, 1317, "Query execution was interrupted");
    client_expect(client, "error 1317 70100 Query execution was interrupted");
    assert_int_equal(pins(world) & PIN_CURSOR, 0);

    client_execute_cursor(client, 1);
    connection_expect(connection, "EXECUTE 9" FLAGS_CURSOR);
    answer_error(connection, 1146, "Table 'shop.t' doesn't exist");
    client_expect_error(client, 1146, "shop.t");
    assert_int_equal(pins(world) & PIN_CURSOR, 0);
    world_end(world);
}

/* A server that opens none (nothing to read, or too simple) sends the rows, and nothing pins. */
static void server_may_open_none(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    client_execute_cursor(client, 1);
    connection = server_expect(world, PRIMARY, "PREPARE " SQL);
    answer_prepared(connection, 0, 1);
    connection_expect(connection, "EXECUTE 1" FLAGS_CURSOR);
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    assert_free(world, client);
    world_end(world);
}

static void forgotten_state_ends_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    assert_non_null(strstr(connection->log, "RESET_CONNECTION"));
    assert_free(world, client);
    client_fetch(client, 1, 1);
    client_expect_error(client, 1243, "(1)");
    world_end(world);
}

/* The session is free when the last of its cursors has ended, not before. */
static void last_of_two_cursors_frees(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    client_send(client, COMMAND_STMT_PREPARE, SQL, sizeof SQL - 1);
    connection_expect(connection, "PREPARE " SQL);
    answer_prepared(connection, 0, 1);
    client_expect(client, "prepared 2 parameters=0 columns=1");
    client_execute_cursor(client, 2);
    connection_expect(connection, "PREPARE " SQL); /* its own, which no other cursor can meet */
    answer_prepared(connection, 0, 1);
    connection_expect(connection, "EXECUTE 11" FLAGS_CURSOR);
    answer_cursor(connection, "a", "cursor");
    client_expect(client, "rows (cursor)");

    client_fetch(client, 1, 5);
    connection_expect(connection, "FETCH 9 05000000");
    answer_fetched(connection, "", "last-row");
    client_expect(client, "rows (last-row)");
    assert_int_equal(pins(world), PIN_CURSOR);
    client_fetch(client, 2, 5);
    connection_expect(connection, "FETCH 11 05000000");
    answer_fetched(connection, "1", "last-row");
    client_expect(client, "rows 1 (last-row)");
    assert_free(world, client);
    world_end(world);
}

/* Two sessions have the same text prepared and a cursor each: neither fetches from the other's. */
static void sessions_fetch_their_own(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *one = client_with(world, 0);
    struct client *two = client_with(world, 0);
    struct client *three;
    struct connection *first;
    struct connection *second;

    (void)state;
    prepare(world, one);
    prepare(world, two);
    first = open_cursor(world, one, 9);
    second = open_cursor(world, two, 21);
    assert_ptr_not_equal(first, second);
    client_fetch(one, 1, 1);
    client_fetch(two, 1, 1);
    connection_expect(second, "FETCH 21 01000000");
    answer_fetched(second, "2", "cursor");
    connection_expect(first, "FETCH 9 01000000");
    answer_fetched(first, "1", "cursor");
    client_expect(one, "rows 1 (cursor)");
    client_expect(two, "rows 2 (cursor)");

    /* The first one's cursor ends, and its connection is lent to a third session, which does not
     * meet the first one's statement there. */
    client_statement(one, COMMAND_STMT_RESET, 1);
    connection_expect(first, "RESET 9");
    answer_ok(first, "");
    client_expect(one, "ok");
    three = client_with(world, 0);
    client_send(three, COMMAND_STMT_PREPARE, SQL, sizeof SQL - 1);
    answer_prepared(world_expect(world, "PREPARE " SQL), 0, 1);
    client_expect(three, "prepared 1 parameters=0 columns=1");
    assert_ptr_equal(open_cursor(world, three, 30), first);
    world_end(world);
}

static void fetch_without_a_statement(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);

    (void)state;
    client_fetch(client, 5, 1);
    client_expect_error(client, 1243, "HY000 Unknown prepared statement handler (5)");
    client_statement(client, COMMAND_STMT_RESET, 5);
    client_expect_error(client, 1243, "HY000 Unknown prepared statement handler (5)");
    world_expect_nothing(world);
    world_end(world);
}

/* The connection with the cursor is lost: nobody can fetch its rows from another one. */
static void lost_cursor_ends_the_session(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with(world, 0);
    struct connection *connection;

    (void)state;
    prepare(world, client);
    connection = open_cursor(world, client, 9);
    connection_lose(connection);
    world_run(world);
    client_expect_closed(client);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursor_lasts_until_the_last_row),
        cmocka_unit_test(reset_ends_it),
        cmocka_unit_test(close_ends_it),
        cmocka_unit_test(another_execute_ends_it),
        cmocka_unit_test(errors_end_it),
        cmocka_unit_test(server_may_open_none),
        cmocka_unit_test(forgotten_state_ends_it),
        cmocka_unit_test(last_of_two_cursors_frees),
        cmocka_unit_test(sessions_fetch_their_own),
        cmocka_unit_test(fetch_without_a_statement),
        cmocka_unit_test(lost_cursor_ends_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
