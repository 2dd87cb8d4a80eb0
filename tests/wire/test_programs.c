/*
 * Stored programs: they may leave behind what nothing reports, so the session keeps the connection
 * that ran one, unless the configuration says that programs can be trusted.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <string.h>

static unsigned pins(const struct world *world)
{
    return world->workers[0].sessions->pins;
}

static struct connection *call(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "CALL p()");
    connection = server_expect(world, PRIMARY, "QUERY CALL p()");
    answer_rows(connection, "a", "1", "more");
    answer_ok(connection, "");
    client_expect(client, "rows 1 (more) + ok");
    return connection;
}

static void assert_reads_on_a_replica(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "SELECT 7");
    connection = world_expect(world, "QUERY SELECT 7");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "7");
    client_expect(client, "rows 7");
}

static void call_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection = call(world, client);
    char names[40];

    (void)state;
    pins_print(pins(world), names, sizeof names);
    assert_string_equal(names, "program");
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    /* Nothing but a reset ends it, and then the connection is reset too. */
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_int_equal(pins(world), PIN_PROGRAM);
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    assert_non_null(strstr(connection->log, "RESET_CONNECTION"));
    assert_int_equal(pins(world), 0);
    assert_reads_on_a_replica(world, client);
    world_end(world);
}

/* A program may have generated ids, and does not tell: before its connection is left, it is asked.
 */
static void assert_leaves_for_a_replica(struct client *client, struct connection *connection)
{
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SET last_insert_id=LAST_INSERT_ID()");
    answer_ok(connection, "set:last_insert_id=0 change");
    connection = world_expect(client->world, "QUERY SELECT 1");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "1");
    client_expect(client, "rows 1");
}

static void trusted_call_does_not_pin(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_TRUST_PROGRAMS=on", NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection = call(world, client);

    (void)state;
    assert_int_equal(pins(world), PIN_ROW_COUNT); /* until the next statement */
    assert_leaves_for_a_replica(client, connection);
    assert_int_equal(pins(world), 0);
    /* It is still a write: what it may have written is read. */
    call(world, client);
    assert_int_equal(world->workers[0].sessions->last_write, world->now);
    world->now += 1000;
    world_replicas_follow(world);
    world_set_horizon(world, REPLICA_1, world->now - 2000);
    world_set_horizon(world, REPLICA_2, world->now - 2000);
    client_query(client, "SELECT 8");
    assert_ptr_equal(server_expect(world, PRIMARY, "QUERY SELECT 8"), connection);
    answer_row(connection, "8");
    client_expect(client, "rows 8");
    assert_null(strstr(connection->log, "RESET"));
    world_end(world);
}

/* Trust does not extend to what it reports itself, nor to a program that failed half way. */
static void trust_has_limits(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_TRUST_PROGRAMS=on", NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    client_query(client, "CALL p()");
    connection = server_expect(world, PRIMARY, "QUERY CALL p()");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    assert_int_equal(pins(world), PIN_TRANSACTION);
    client_query(client, "ROLLBACK");
    connection_expect(connection, "QUERY ROLLBACK");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_int_equal(pins(world), PIN_ROW_COUNT);

    client_query(client, "CALL p()");
    connection = server_expect(world, PRIMARY, "QUERY CALL p()");
    answer_error(connection, 1644, "half way");
    client_expect_error(client, 1644, "half way");
    assert_true(pins(world) & PIN_PROGRAM);
    world_end(world);
}

/* A function that is not known to be pure, also in a prepared statement, is a program too. */
static void functions_are_programs(void **state)
{
    static const char *const settings[] = {"TIDEMARK_POOL_TRUST_PROGRAMS=off",
                                           "TIDEMARK_POOL_TRUST_PROGRAMS=on"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_new(1, settings[i], NULL);
        struct client *client = client_log_in(world, "shop");
        struct connection *connection;

        world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET;
        client_query(client, "SELECT f(1)");
        connection = server_expect(world, PRIMARY, "QUERY SELECT f(1)");
        answer_row(connection, "1");
        client_expect(client, "rows 1");
        assert_int_equal(pins(world), i == 0 ? PIN_PROGRAM : 0);
        client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
        client_expect(client, "ok");

        client_send(client, COMMAND_STMT_PREPARE, "SELECT f(2)", 11);
        connection = server_expect(world, PRIMARY, "PREPARE SELECT f(2)");
        answer_prepared(connection, 0, 1);
        client_expect(client, "prepared 1 parameters=0 columns=1");
        assert_int_equal(pins(world), 0); /* nothing has run yet */
        client_execute_plain(client, 1);
        world_run(world);
        connection_expect(connection, connection->first->text);
        answer_row(connection, "2");
        client_expect(client, "rows 2");
        assert_int_equal(pins(world), i == 0 ? PIN_PROGRAM : 0);
        world_end(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_pins),
        cmocka_unit_test(trusted_call_does_not_pin),
        cmocka_unit_test(trust_has_limits),
        cmocka_unit_test(functions_are_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
