/*
 * What a statement may ask about the one before it: the connection that knows is kept for as long
 * as that may happen, and no longer.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>
#include <string.h>

static unsigned pins(const struct world *world)
{
    return world->workers[0].sessions->pins;
}

/* One statement on the primary, and its OK. */
static void write_once(struct world *world, struct client *client, const char *sql)
{
    char expected[128];

    snprintf(expected, sizeof expected, "QUERY %s", sql);
    client_query(client, sql);
    answer_ok(server_expect(world, PRIMARY, expected), "affected=1");
    client_expect(client, "ok affected=1");
}

static void counts_are_kept_once_they_were_asked_for(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    write_once(world, client, "DELETE FROM shop.t");
    assert_int_equal(pins(world), 0);
    client_query(client, "SELECT ROW_COUNT()");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT ROW_COUNT()"), "1");
    client_expect(client, "rows 1");
    assert_int_equal(pins(world), PIN_ROW_COUNT);
    write_once(world, client, "DELETE FROM shop.t");
    assert_int_equal(pins(world), PIN_ROW_COUNT);

    /* A read leaves it: it may be on a replica. */
    world_replicas_follow(world);
    client_query(client, "SELECT n FROM shop.t");
    answer_row(server_expect(world, REPLICA_1, "QUERY SELECT n FROM shop.t"), "1");
    client_expect(client, "rows 1");
    client_query(client, "SELECT ROW_COUNT()");
    answer_row(server_expect(world, REPLICA_1, "QUERY SELECT ROW_COUNT()"), "-1");
    client_expect(client, "rows -1");
    world_end(world);
}

static void found_rows_end_with_the_next_read(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world_replicas_follow(world);
    client_query(client, "SELECT SQL_CALC_FOUND_ROWS n FROM shop.t LIMIT 1");
    connection = world_expect(world, "QUERY SELECT SQL_CALC_FOUND_ROWS n FROM shop.t LIMIT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    assert_int_equal(pins(world), PIN_FOUND_ROWS);
    client_query(client, "SELECT n FROM shop.t");
    answer_row(world_expect(world, "QUERY SELECT n FROM shop.t"), "1");
    client_expect(client, "rows 1");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

static void warnings_outlive_what_uses_no_table(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.nosuch");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.nosuch");
    answer_error(connection, 1146, "no such table");
    client_expect_error(client, 1146, "no such table");
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_int_equal(pins(world), PIN_WARNINGS);
    client_query(client, "SHOW WARNINGS");
    connection_expect(connection, "QUERY SHOW WARNINGS");
    answer_row(connection, "1146");
    client_expect(client, "rows 1146");
    write_once(world, client, "DELETE FROM shop.t");
    assert_int_equal(pins(world), 0);
    world_end(world);
}

static void failed_prepare_can_be_asked_about(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    static const char sql[] = "DELETE FROM shop.nosuch";
    struct connection *connection;

    (void)state;
    client_send(client, COMMAND_STMT_PREPARE, sql, strlen(sql));
    connection = server_expect(world, PRIMARY, "PREPARE DELETE FROM shop.nosuch");
    answer_error(connection, 1146, "no such table");
    client_expect_error(client, 1146, "no such table");
    assert_int_equal(pins(world), PIN_WARNINGS);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_kept_once_they_were_asked_for),
        cmocka_unit_test(found_rows_end_with_the_next_read),
        cmocka_unit_test(warnings_outlive_what_uses_no_table),
        cmocka_unit_test(failed_prepare_can_be_asked_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
