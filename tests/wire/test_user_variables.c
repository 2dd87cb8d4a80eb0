/*
 * User variables go along to other connections: at once where the text tells their value, else once
 * they were read back.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>
#include <string.h>

#define QUESTION                                                                                   \
    "QUERY SELECT @`a`,COLLATION(@`a`),HEX(@`a`) FROM DUAL WHERE "                                 \
    "0+COALESCE(LENGTH(@`a`),0)<=6000 "                                                            \
    "LIMIT 1"

static unsigned pins(const struct world *world)
{
    return world->workers[0].sessions->pins;
}

/* Something on the primary, with an OK. */
static struct connection *run(struct world *world, struct client *client, const char *sql,
                              const char *words)
{
    char expected[256];
    struct connection *connection;

    snprintf(expected, sizeof expected, "QUERY %s", sql);
    client_query(client, sql);
    connection = server_expect(world, PRIMARY, expected);
    answer_ok(connection, words);
    client_expect(client, "ok");
    return connection;
}

static void value_of_a_literal_needs_no_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    run(world, client, "SET @A = 1, @`b`= 'it', @c = -2.50, @d := NULL", "change");
    assert_int_equal(pins(world), 0);
    world_replicas_follow(world);
    client_query(client, "SELECT @a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT @a FROM shop.t");
    assert_non_null(strstr(connection->log, "@`a`=1,@`b`=_utf8mb4'it' COLLATE utf8mb4_general_ci,"
                                            "@`c`=-2.50,@`d`=NULL"));
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void other_values_are_read_back_before_the_connection_is_left(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    connection = run(world, client, "SELECT s INTO @a FROM shop.t", "");
    assert_int_equal(pins(world), PIN_USER_VARIABLE);
    /* What comes back to the primary anyway goes on there. */
    assert_ptr_equal(run(world, client, "DELETE FROM shop.t", ""), connection);
    assert_int_equal(pins(world), PIN_USER_VARIABLE);

    world_replicas_follow(world);
    client_query(client, "SELECT s FROM shop.t");
    connection_expect(connection, QUESTION);
    answer_rows(connection, "a,b,c", "x,latin1_bin,78", "");
    connection = world_expect(world, "QUERY SELECT s FROM shop.t");
    assert_int_not_equal(connection->server->number, PRIMARY);
    assert_non_null(strstr(connection->log, "@`a`=_latin1 X'78' COLLATE latin1_bin"));
    answer_row(connection, "x");
    client_expect(client, "rows x");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

/* An error, or no row (the values are too large): as before there were questions. */
static void values_that_cannot_be_had_stay_where_they_are(void **state)
{
    struct world *world = world_new(1, NULL);

    (void)state;
    for (int is_error = 0; is_error < 2; is_error++) {
        struct client *client = client_log_in(world, NULL);
        struct connection *connection = run(world, client, "SELECT s INTO @a FROM shop.t", "");

        world_replicas_follow(world);
        client_query(client, "SELECT s FROM shop.t");
        connection_expect(connection, QUESTION);
        if (is_error) {
            answer_error(connection, 1105, "no");
        } else {
            answer_rows(connection, "a,b,c", "", "");
        }
        connection_expect(connection, "QUERY SELECT s FROM shop.t");
        answer_row(connection, "x");
        client_expect(client, "rows x");
        assert_int_equal(pins(world), PIN_USER_VARIABLE | PIN_UNKNOWN);
        client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
        client_expect(client, "ok");
        assert_int_equal(pins(world), 0);
        client_leave(client);
        connection_lose(connection);
        world_run(world);
    }
    world_end(world);
}

/* Another session's variables are never there: they are overwritten, or the connection is reset. */
static void variables_of_others_are_gone(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection = run(world, client, "SET @a = 1", "change");

    (void)state;
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET;
    client_query(other, "SELECT @a FROM shop.t FOR UPDATE");
    connection_expect(connection, "QUERY SELECT @a FROM shop.t FOR UPDATE");
    assert_non_null(strstr(connection->log, "SET @a = 1; RESET_CONNECTION; SETUP; "));
    answer_row(connection, "none");
    client_expect(other, "rows none");
    world_end(world);
}

/* Also in a transaction: they are asked for when it is over. */
static void they_wait_for_the_end_of_a_transaction(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "SET @a = (SELECT 1)");
    connection_expect(connection, "QUERY SET @a = (SELECT 1)");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    assert_int_equal(pins(world), PIN_TRANSACTION | PIN_USER_VARIABLE);
    run(world, client, "COMMIT", "");
    assert_int_equal(pins(world), PIN_USER_VARIABLE);
    world_replicas_follow(world);
    client_query(client, "SELECT s FROM shop.t");
    connection_expect(connection, QUESTION);
    answer_rows(connection, "a,b,c", "x,binary,78", "");
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    connection = world_expect(world, "QUERY SELECT s FROM shop.t");
    answer_row(connection, "x");
    client_expect(client, "rows x");
    world_end(world);
}

/* The connection is lost while it is asked: what it knew is gone. */
static void lost_values_end_the_session(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = run(world, client, "SELECT s INTO @a FROM shop.t", "");

    (void)state;
    world_replicas_follow(world);
    client_query(client, "SELECT s FROM shop.t");
    connection_expect(connection, QUESTION);
    connection_lose(connection);
    client_expect_error(client, 2013, "lost the connection to server db1");
    client_expect_closed(client);
    world_end(world);
}

/* Somebody else needs the connection, while the session rests. */
static void others_who_wait_get_the_connection(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection = run(world, client, "SELECT s INTO @a FROM shop.t", "");

    (void)state;
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET | BY_ITSELF_RESET;
    client_query(other, "DELETE FROM shop.t");
    world_run(world);
    world_advance_ms(world, 200);
    connection_expect(connection, QUESTION);
    answer_rows(connection, "a,b,c", "x,latin1_bin,78", "");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(other, "ok");
    client_query(client, "DELETE FROM shop.t WHERE s = @a");
    connection_expect(connection, "QUERY DELETE FROM shop.t WHERE s = @a");
    assert_non_null(strstr(connection->log, "@`a`=_latin1 X'78' COLLATE latin1_bin"));
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_of_a_literal_needs_no_connection),
        cmocka_unit_test(other_values_are_read_back_before_the_connection_is_left),
        cmocka_unit_test(values_that_cannot_be_had_stay_where_they_are),
        cmocka_unit_test(variables_of_others_are_gone),
        cmocka_unit_test(they_wait_for_the_end_of_a_transaction),
        cmocka_unit_test(lost_values_end_the_session),
        cmocka_unit_test(others_who_wait_get_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
