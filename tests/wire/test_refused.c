/*
 * A replica refuses as a write what was taken for a read: the primary does it, the client sees
 * nothing of it, and the next time it goes there at once.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

#define REFUSAL "The MariaDB server is running with the --read-only option"

static void refused_read_is_repeated_on_the_primary(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *replica;
    struct connection *primary;

    (void)state;
    client_query(client, "SELECT 1");
    replica = world_expect(world, "QUERY SELECT 1");
    assert_int_not_equal(replica->server->number, PRIMARY);
    answer_error(replica, 1290, REFUSAL);
    primary = server_expect(world, PRIMARY, "QUERY SELECT 1");
    client_expect_nothing(client);
    answer_row(primary, "1");
    client_expect(client, "rows 1");
    /* A refused statement can leave something behind: the connection was reset. */
    assert_string_equal(replica->log, "SETUP; QUERY SELECT 1; RESET_CONNECTION; SETUP");
    assert_true(world_logged(world, "a replica refused a statement taken for a read"));

    client_query(client, "SELECT 1");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    /* Another statement is not affected. */
    client_query(client, "SELECT 1, 2");
    replica = world_expect(world, "QUERY SELECT 1, 2");
    assert_int_not_equal(replica->server->number, PRIMARY);
    answer_rows(replica, "1,2", "1,2", "");
    client_expect(client, "rows 1,2");
    world_end(world);
}

/* The same error from the primary is the client's to see. */
static void refusal_by_the_primary_is_passed_on(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    answer_error(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), 1290, REFUSAL);
    client_expect(client, "error 1290 HY000 " REFUSAL);
    world_end(world);
}

/* Other errors of a replica are answers. */
static void other_errors_are_passed_on(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_query(client, "SELECT nosuch");
    answer_error(world_expect(world, "QUERY SELECT nosuch"), 1054, "Unknown column 'nosuch'");
    client_expect(client, "error 1054 42S22 Unknown column 'nosuch'");
    world_expect_nothing(world);
    world_end(world);
}

static void prepared_read_is_refused(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *replica;
    struct connection *primary;

    (void)state;
    client_send(client, 22, "SELECT 1", 8);
    replica = world_expect(world, "PREPARE SELECT 1");
    assert_int_not_equal(replica->server->number, PRIMARY);
    answer_prepared(replica, 0, 1);
    client_expect(client, "prepared 1 parameters=0 columns=1");
    client_execute_plain(client, 1);
    connection_expect(replica, "EXECUTE 1 0001000000");
    answer_error(replica, 1290, REFUSAL);
    primary = server_expect(world, PRIMARY, "PREPARE SELECT 1");
    primary->last_statement = 3;
    answer_prepared(primary, 0, 1);
    connection_expect(primary, "EXECUTE 4 0001000000");
    answer_row(primary, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_read_is_repeated_on_the_primary),
        cmocka_unit_test(refusal_by_the_primary_is_passed_on),
        cmocka_unit_test(other_errors_are_passed_on),
        cmocka_unit_test(prepared_read_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
