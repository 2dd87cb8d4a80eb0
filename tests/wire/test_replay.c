/*
 * Ahead of a write the connection is brought in step first, and the write is sent only when every
 * step has succeeded.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

/* A client with a schema and a time zone of its own; its connections have both. */
static struct client *client_with_state(struct world *world)
{
    struct client *client = client_log_in(world, "shop");

    client_query(client, "SET time_zone='+02:00'");
    answer_ok(world_expect(world, "QUERY SET time_zone='+02:00'"), "set:time_zone=+02:00 change");
    client_expect(client, "ok set:time_zone=+02:00");
    return client;
}

/* The primary's next connection is a fresh one, and answers steps only when told to. */
static void forget_primary(struct world *world)
{
    for (unsigned i = 1; server_connection(world, PRIMARY, i) != NULL; i++) {
        connection_lose(server_connection(world, PRIMARY, i));
    }
    world->scripts[PRIMARY].by_itself = BY_ITSELF_SETUP | BY_ITSELF_QUIT;
    world_run(world);
}

static void steps_are_awaited_before_a_write(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with_state(world);
    struct connection *connection;

    (void)state;
    forget_primary(world);
    client_query(client, "INSERT INTO t VALUES (1)");
    connection = server_expect(world, PRIMARY, "INIT_DB shop");
    answer_ok(connection, "schema=shop");
    connection_expect(connection, "QUERY SET time_zone=_utf8mb4'+02:00'");
    assert_null(connection->first);
    answer_ok(connection, "set:time_zone=+02:00 change");
    connection_expect(connection, "QUERY INSERT INTO t VALUES (1)");
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    world_end(world);
}

static void write_is_not_sent_when_the_schema_fails(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with_state(world);
    struct connection *connection;

    (void)state;
    forget_primary(world);
    client_query(client, "INSERT INTO t VALUES (1)");
    connection = server_expect(world, PRIMARY, "INIT_DB shop");
    answer_error(connection, 1049, "Unknown database 'shop'");
    connection_expect(connection, "QUERY SET time_zone=_utf8mb4'+02:00'");
    answer_ok(connection, "set:time_zone=+02:00 change");
    client_expect(client, "error 1049 42000 Unknown database 'shop'");
    assert_null(strstr(connection->log, "INSERT"));
    assert_int_equal(world->workers[0].sessions->last_write, 0);
    world_end(world);
}

static void write_is_not_sent_when_the_second_step_fails(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_with_state(world);
    struct connection *connection;

    (void)state;
    forget_primary(world);
    client_query(client, "DELETE FROM t");
    connection = server_expect(world, PRIMARY, "INIT_DB shop");
    answer_ok(connection, "schema=shop");
    connection_expect(connection, "QUERY SET time_zone=_utf8mb4'+02:00'");
    client_expect_nothing(client);
    answer_error(connection, 1298, "Unknown or incorrect time zone: '+02:00'");
    client_expect(client, "error 1298 HY000 Unknown or incorrect time zone: '+02:00'");
    assert_null(strstr(connection->log, "DELETE"));
    /* Nobody gets that connection as it is. */
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SCHEMA | BY_ITSELF_SET | BY_ITSELF_RESET;
    client_query(client, "DELETE FROM t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM t"), "affected=2");
    client_expect(client, "ok affected=2");
    assert_true(connection->wire->proxy_closed || strstr(connection->log, "RESET") != NULL);
    world_end(world);
}

/* Two sessions with different state take turns on one connection. */
static void two_sessions_share_a_connection(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *one = client_with_state(world);
    struct client *two;
    struct connection *connection = server_connection(world, PRIMARY, 1);

    (void)state;
    connection->server->by_itself |= BY_ITSELF_SET;
    two = client_log_in(world, "store");
    connection->log[0] = 0;
    client_query(one, "DELETE FROM t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM t"), "");
    client_expect(one, "ok");
    client_query(two, "DELETE FROM t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM t"), "");
    client_expect(two, "ok");
    assert_string_equal(connection->log,
                        "INIT_DB shop; QUERY SET time_zone=_utf8mb4'+02:00'; QUERY DELETE FROM t; "
                        "RESET_CONNECTION; SETUP; INIT_DB store; "
                        "QUERY SET character_set_client=_utf8mb4'utf8mb4',"
                        "character_set_results=_utf8mb4'utf8mb4',"
                        "collation_connection=_utf8mb4'utf8mb4_general_ci'; "
                        "QUERY DELETE FROM t");
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    world_end(world);
}

static void last_insert_id_is_brought_along(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1)");
    answer_ok(connection, "affected=1 id=42");
    client_expect(client, "ok affected=1 id=42");
    client_query(other, "INSERT INTO shop.t VALUES (2)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (2)");
    answer_ok(connection, "affected=1 id=50");
    client_expect(other, "ok affected=1 id=50");
    client_query(client, "INSERT INTO shop.t VALUES (LAST_INSERT_ID())");
    connection_expect(connection, "QUERY SET last_insert_id=42");
    answer_ok(connection, "set:last_insert_id=42 change");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (LAST_INSERT_ID())");
    answer_ok(connection, "affected=1 id=43");
    client_expect(client, "ok affected=1 id=43");
    world_end(world);
}

/* The id that an OK tells may have been given by the statement. Where its text leaves that open,
 * the server is asked before the connection is lent on. */
static void given_id_is_not_taken_for_a_generated_one(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(other, "INSERT INTO shop.t VALUES (NULL, 'x')");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (NULL, 'x')");
    answer_ok(connection, "affected=1 id=42");
    client_expect(other, "ok affected=1 id=42");
    client_query(client, "INSERT INTO shop.t VALUES (NULL, '9 lives')");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (NULL, '9 lives')");
    answer_ok(connection, "affected=1 id=43");
    client_expect(client, "ok affected=1 id=43");
    client_query(other, "INSERT INTO shop.t VALUES (NULL, 'x')");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (NULL, 'x')");
    answer_ok(connection, "affected=1 id=44");
    client_expect(other, "ok affected=1 id=44");

    /* The client has its answer at once; the next session waits for the server's word: till it has
     * waited for a moment nobody asks. */
    client_query(client, "INSERT INTO shop.t VALUES (900, 'x')");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (900, 'x')");
    answer_ok(connection, "affected=1 id=900");
    client_expect(client, "ok affected=1 id=900");
    client_query(other, "DELETE FROM shop.t");
    world_expect_nothing(world);
    world_advance_ms(world, WORKER_TICK_MS);
    connection_expect(connection, "QUERY SET last_insert_id="
                                  "CAST(IF(LAST_INSERT_ID()=44,43,LAST_INSERT_ID()) AS UNSIGNED)");
    assert_null(connection->first);
    answer_ok(connection, "set:last_insert_id=43 change");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(other, "ok");
    client_query(client, "INSERT INTO shop.t VALUES (LAST_INSERT_ID(), 'y')");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (LAST_INSERT_ID(), 'y')");
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    client_query(other, "UPDATE shop.t SET a = LAST_INSERT_ID()");
    connection_expect(connection, "QUERY SET last_insert_id=44");
    answer_ok(connection, "set:last_insert_id=44 change");
    connection_expect(connection, "QUERY UPDATE shop.t SET a = LAST_INSERT_ID()");
    answer_ok(connection, "");
    client_expect(other, "ok");
    world_end(world);
}

/* The next statement goes on where the session is, and asks nothing; what it tells settles it. */
static void unsure_session_stays_while_it_writes(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        client_query(client, "INSERT INTO shop.t VALUES (900)");
        connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (900)");
        answer_ok(connection, "affected=1 id=900");
        client_expect(client, "ok affected=1 id=900");
        client_query(client, "SELECT ROW_COUNT(), LAST_INSERT_ID()");
        connection_expect(connection, "QUERY SELECT ROW_COUNT(), LAST_INSERT_ID()");
        answer_rows(connection, "a,b", "1,0", "");
        client_expect(client, "rows 1,0");
    }
    client_query(client, "INSERT INTO shop.t VALUES (NULL)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (NULL)");
    answer_ok(connection, "affected=1 id=901");
    client_expect(client, "ok affected=1 id=901");
    assert_int_equal(world->workers[0].sessions->last_insert_id, 901);
    assert_null(strstr(connection->log, "SET last_insert_id"));
    world_end(world);
}

/* Asked because somebody else waits: that it fails is not the client's concern. */
static void question_about_the_id_fails(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
        struct client *client = client_log_in(world, NULL);
        struct client *other = client_log_in(world, NULL);
        struct connection *connection;

        client_query(client, "INSERT INTO shop.t VALUES (900)");
        connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (900)");
        answer_ok(connection, "affected=1 id=900");
        client_expect(client, "ok affected=1 id=900");
        client_query(other, "DELETE FROM shop.t");
        world_advance_ms(world, WORKER_TICK_MS);
        connection_expect(connection, "QUERY SET last_insert_id=LAST_INSERT_ID()");
        if (round == 0) {
            answer_error(connection, 1317, "interrupted");
        } else if (round == 1) {
            connection_lose(connection);
        } else {
            client_leave(client);
        }
        world_run(world);
        if (round == 2) {
            answer_ok(connection, "set:last_insert_id=7 change");
        } else {
            assert_null(world->workers[0].sessions->doubt);
        }
        connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
        answer_ok(connection, "");
        client_expect(other, "ok");
        if (round != 2) {
            client_query(client, "DELETE FROM shop.t");
            answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
            client_expect(client, "ok");
        }
        world_end(world);
    }
}

/* After an error the connection is held for SHOW WARNINGS; the next statement that uses a
 * table leaves it. */
static void id_is_asked_for_before_the_connection_is_left(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        client_query(client, "INSERT INTO shop.t VALUES (NULL), (1)");
        connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (NULL), (1)");
        answer_error(connection, 1062, "Duplicate entry");
        client_expect_error(client, 1062, "Duplicate entry");
        world_run(world);
        world_expect_nothing(world);
        world_replicas_follow(world);
        client_query(client, "SELECT n FROM shop.t");
        connection_expect(connection, "QUERY SET last_insert_id=LAST_INSERT_ID()");
        if (round == 0) {
            answer_error(connection, 1317, "interrupted");
        } else if (round == 1) {
            connection_lose(connection);
        } else {
            answer_ok(connection, "set:last_insert_id=7 change");
        }
        connection = world_expect(world, "QUERY SELECT n FROM shop.t");
        assert_int_not_equal(connection->server->number, PRIMARY);
        answer_row(connection, "1");
        client_expect(client, "rows 1");
    }
    assert_int_equal(world->workers[0].sessions->last_insert_id, 7);
    world_end(world);
}

/* Unsure while pinned to a connection that never had the session's id: put right once, by the
 * server, which then does not have to be asked for ever. */
static void id_that_is_not_sure_is_put_right_once(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (NULL)");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (NULL)");
    answer_ok(connection, "affected=1 id=42");
    client_expect(client, "ok affected=1 id=42");
    client_query(other, "INSERT INTO shop.t VALUES (NULL)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (NULL)");
    answer_ok(connection, "affected=1 id=50");
    client_expect(other, "ok affected=1 id=50");
    client_query(client, "LOCK TABLES shop.t WRITE");
    connection_expect(connection, "QUERY LOCK TABLES shop.t WRITE");
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_query(client, "INSERT INTO shop.t VALUES (900)");
    connection_expect(connection, "QUERY INSERT INTO shop.t VALUES (900)");
    answer_ok(connection, "affected=1 id=900");
    client_expect(client, "ok affected=1 id=900");
    for (unsigned round = 0; round < 2; round++) {
        client_query(client, "SELECT LAST_INSERT_ID()");
        if (round == 0) {
            connection_expect(connection,
                              "QUERY SET last_insert_id="
                              "CAST(IF(LAST_INSERT_ID()=50,42,LAST_INSERT_ID()) AS UNSIGNED)");
            answer_ok(connection, "set:last_insert_id=42 change");
        }
        connection_expect(connection, "QUERY SELECT LAST_INSERT_ID()");
        answer_row(connection, "42");
        client_expect(client, "rows 42");
    }
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_awaited_before_a_write),
        cmocka_unit_test(write_is_not_sent_when_the_schema_fails),
        cmocka_unit_test(write_is_not_sent_when_the_second_step_fails),
        cmocka_unit_test(two_sessions_share_a_connection),
        cmocka_unit_test(last_insert_id_is_brought_along),
        cmocka_unit_test(given_id_is_not_taken_for_a_generated_one),
        cmocka_unit_test(unsure_session_stays_while_it_writes),
        cmocka_unit_test(question_about_the_id_fails),
        cmocka_unit_test(id_is_asked_for_before_the_connection_is_left),
        cmocka_unit_test(id_that_is_not_sure_is_put_right_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
