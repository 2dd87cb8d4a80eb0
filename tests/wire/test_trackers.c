/*
 * What the servers' trackers say: learned by the session, shown to clients that asked for it, and
 * fetched where an EOF could not carry it.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>

static unsigned pins(struct world *world)
{
    return world->workers[0].sessions->pins;
}

/* Asks the primary, which answers with an OK of these words. */
static void run(struct world *world, struct client *client, const char *sql, const char *words)
{
    char text[300];

    client_query(client, sql);
    snprintf(text, sizeof text, "QUERY %s", sql);
    answer_ok(server_expect(world, PRIMARY, text), words);
    assert_non_null(client_read(client));
    assert_memory_equal(client->answer, "ok", 2);
}

static void trackers_are_stripped_for_clients_that_did_not_ask(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client =
        client_log_in_as(world, &(struct client_login){.schema = "shop",
                                                       .capabilities = CLIENT_CAPABILITIES &
                                                                       ~CAPABILITY_SESSION_TRACK});
    struct connection *connection;

    (void)state;
    run(world, client, "SET time_zone='+02:00'", "set:time_zone=+02:00 change");
    assert_string_equal(client->answer, "ok");
    run(world, client, "USE store", "schema=store change");
    assert_string_equal(client->answer, "ok");
    assert_int_equal(pins(world), 0);
    /* Both were learned: a replica's connection gets them. */
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    client_query(client, "SELECT a FROM t");
    connection = world_expect(world, "QUERY SELECT a FROM t");
    assert_string_equal(connection->log,
                        "SETUP; INIT_DB store; QUERY SET time_zone=_utf8mb4'+02:00'; "
                        "QUERY SELECT a FROM t");
    answer_rows(connection, "a", "1", "warnings=1 set:time_zone=+02:00");
    client_expect(client, "rows 1 (warnings=1)");
    world_end(world);
}

/* What servers track by default is shown, the rest is the proxy's own. */
static void clients_are_shown_the_usual_trackers(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    run(world, client, "SET autocommit=1, sql_mode='ANSI'",
        "set:autocommit=ON set:sql_mode=ANSI change");
    assert_string_equal(client->answer, "ok set:autocommit=ON");
    run(world, client, "INSERT INTO shop.t VALUES (1)", "affected=1 info=Records: 1");
    assert_string_equal(client->answer, "ok affected=1 info=Records: 1");
    world_end(world);
}

static void change_that_nobody_explains_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = NULL;

    (void)state;
    run(world, client, "DELETE FROM shop.t", "affected=1 change");
    assert_true(pins(world) & PIN_UNKNOWN);
    connection = server_connection(world, PRIMARY, 1);
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    /* Nobody else gets that connection before it was reset. */
    client_leave(client);
    world_run(world);
    assert_string_equal(connection->log, "SETUP; QUERY DELETE FROM shop.t; QUERY SELECT 1; "
                                         "RESET_CONNECTION; SETUP");
    assert_false(connection->wire->proxy_closed);
    world_end(world);
}

static void change_that_is_explained_does_not_pin(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    run(world, client, "SET time_zone='+02:00'", "set:time_zone=+02:00 change");
    assert_int_equal(pins(world), 0);
    run(world, client, "SET @a = x", "change");
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET;
    assert_int_equal(pins(world), PIN_USER_VARIABLE);
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    assert_int_equal(pins(world), 0);
    run(world, client, "CREATE TEMPORARY TABLE shop.x (a int)", "change");
    assert_int_equal(pins(world), PIN_TEMPORARY_TABLE);
    run(world, client, "DROP TEMPORARY TABLE shop.x", "change");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

/* Without DEPRECATE_EOF a result set brings no trackers: a PING fetches them. */
static void withheld_trackers_are_fetched(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client =
        client_log_in_as(world, &(struct client_login){.capabilities = CLIENT_CAPABILITIES &
                                                                       ~CAPABILITY_DEPRECATE_EOF});
    struct connection *connection;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (1) RETURNING a");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1) RETURNING a");
    assert_false(connection->capabilities & CAPABILITY_DEPRECATE_EOF);
    answer_rows(connection, "a", "1", "");
    client_expect(client, "rows 1");
    connection_expect(connection, "PING");
    /* What the client sends meanwhile waits. */
    client_query(client, "DELETE FROM shop.t");
    world_run(world);
    assert_null(connection->first);
    answer_ok(connection, "set:time_zone=+05:00 change");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok set:time_zone=+05:00"); /* as a server: with the next OK */
    assert_int_equal(pins(world), PIN_ROW_COUNT);     /* LAST_INSERT_ID() is not known */
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SET last_insert_id=LAST_INSERT_ID()");
    answer_ok(connection, "set:last_insert_id=7 change");
    connection = world_expect(world, "QUERY SELECT 1");
    assert_string_equal(connection->log,
                        "SETUP; QUERY SET time_zone=_utf8mb4'+05:00'; QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_expect_nothing(world); /* a plain read changes nothing: no PING */
    world_end(world);
}

/* The connection is lost while the trackers are fetched: the client has its answer already. */
static void lost_while_trackers_are_fetched(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client =
        client_log_in_as(world, &(struct client_login){.capabilities = CLIENT_CAPABILITIES &
                                                                       ~CAPABILITY_DEPRECATE_EOF});
    struct connection *connection;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (1) RETURNING a");
    connection = server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1) RETURNING a");
    answer_rows(connection, "a", "1", "");
    client_expect(client, "rows 1");
    connection_expect(connection, "PING");
    connection_lose(connection);
    client_expect_closed(client);
    world_end(world);
}

/* The connection follows the client for such a statement, then leads again. */
static void clients_own_tracking_changes_what_is_shown(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SET session_track_schema = OFF, sql_mode = 'ANSI'");
    connection = world_expect(world, "QUERY SET session_track_schema = OFF, sql_mode = 'ANSI'");
    assert_string_equal(
        connection->log + strlen(connection->log) -
            strlen("FOLLOW; QUERY SET session_track_schema = OFF, sql_mode = 'ANSI'"),
        "FOLLOW; QUERY SET session_track_schema = OFF, sql_mode = 'ANSI'");
    answer_ok(connection, "set:session_track_schema=OFF");
    client_expect(client, "ok set:session_track_schema=OFF"); /* as it came */
    connection = world_expect(world, "ASK");
    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_SETUP;
    answer_rows(connection, "a,b,c,d", "sql_mode,0,1,OFF", "");
    connection = world_expect(world, "SETUP");
    assert_int_equal(pins(world), 0);
    answer_ok(connection, "set:sql_mode=ANSI change");
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SETUP;
    world_run(world);

    /* What was set besides is known, and what is shown is by the client's values. */
    run(world, client, "USE store", "set:sql_mode=x schema=store change");
    assert_string_equal(client->answer, "ok set:sql_mode=x change");
    run(world, client, "SET time_zone='+02:00'", "set:time_zone=+02:00");
    assert_string_equal(client->answer, "ok");
    world->scripts[REPLICA_1].by_itself |= BY_ITSELF_SET;
    world->scripts[REPLICA_2].by_itself |= BY_ITSELF_SET;
    client_query(client, "SELECT a FROM t");
    connection = world_expect(world, "QUERY SELECT a FROM t");
    assert_non_null(strstr(connection->log, "sql_mode=_utf8mb4'x'"));
    answer_rows(connection, "a", "1", "");
    client_expect(client, "rows 1");
    world_end(world);
}

/* Warnings would be lost if its values were asked for at once: they are before the next statement
 * that does not ask for them. */
static void what_was_set_with_warnings_is_read_later(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    run(world, client, "SET session_track_schema = OFF", "warnings=1");
    world_expect_nothing(world);
    assert_true(pins(world) & PIN_TRACKING);
    client_query(client, "SHOW WARNINGS");
    answer_rows(world_expect(world, "QUERY SHOW WARNINGS"), "a", "hm", "");
    client_expect(client, "rows hm");
    client_query(client, "DO 1");
    connection = world_expect(world, "ASK");
    answer_rows(connection, "a,b,c,d", "sql_mode,0,0,OFF", "");
    answer_ok(world_expect(world, "QUERY DO 1"), "schema=shop");
    client_expect(client, "ok");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

/* One that is lost before its values were read ends the session: they would be unknown. */
static void lost_while_it_follows(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    run(world, client, "SET session_track_schema = OFF", "");
    connection = world_expect(world, "ASK");
    connection_lose(connection);
    client_expect_closed(client);
    world_end(world);
}

/* Several statements: nobody knows what they set, so the connection stays the client's. */
static void what_cannot_be_followed_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    static const char sql[] = "SET session_track_schema = OFF; SELECT 1";
    struct connection *connection;

    (void)state;
    client_query(client, sql);
    connection = world_expect(world, "QUERY SET session_track_schema = OFF; SELECT 1");
    answer_ok(connection, "more");
    answer_rows(connection, "a", "1", "");
    world_run(world);
    (void)client_read(client);
    assert_true(pins(world) & PIN_TRACKER);
    run(world, client, "USE store", "schema=store set:sql_mode=x");
    assert_string_equal(client->answer, "ok schema=store set:sql_mode=x");
    world_end(world);
}

static void autocommit_off_keeps_reads_on_the_primary(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    run(world, client, "SET autocommit=0", "set:autocommit=OFF no-autocommit change");
    assert_string_equal(client->answer, "ok no-autocommit set:autocommit=OFF");
    client_query(client, "SELECT a FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY SELECT a FROM shop.t");
    answer_rows(connection, "a", "1", "no-autocommit trans state=I_R___S_");
    client_expect(client, "rows 1 (trans no-autocommit)");
    assert_true(pins(world) & PIN_TRANSACTION);
    run(world, client, "COMMIT", "no-autocommit state=________");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trackers_are_stripped_for_clients_that_did_not_ask),
        cmocka_unit_test(clients_are_shown_the_usual_trackers),
        cmocka_unit_test(change_that_nobody_explains_pins),
        cmocka_unit_test(change_that_is_explained_does_not_pin),
        cmocka_unit_test(withheld_trackers_are_fetched),
        cmocka_unit_test(lost_while_trackers_are_fetched),
        cmocka_unit_test(clients_own_tracking_changes_what_is_shown),
        cmocka_unit_test(what_was_set_with_warnings_is_read_later),
        cmocka_unit_test(lost_while_it_follows),
        cmocka_unit_test(what_cannot_be_followed_pins),
        cmocka_unit_test(autocommit_off_keeps_reads_on_the_primary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
