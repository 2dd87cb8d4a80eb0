/*
 * A read that goes out in one write with the steps that bring its connection in step: both are
 * answered in order, and the server does not stop at the error of a step.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

/* A client in schema shop, whose next read opens a connection to a replica: INIT_DB and the read
 * are on their way in one write. The connection it was answered on is returned. */
static struct connection *pipelined_read(struct world *world, struct client **client)
{
    struct connection *connection;

    *client = client_log_in(world, "shop");
    world->scripts[REPLICA_1].by_itself &= ~(unsigned)BY_ITSELF_SCHEMA;
    world->scripts[REPLICA_2].by_itself &= ~(unsigned)BY_ITSELF_SCHEMA;
    client_query(*client, "SELECT a FROM t");
    connection = world_expect(world, "INIT_DB shop");
    assert_int_not_equal(connection->server->number, PRIMARY);
    assert_string_equal(connection->log, "SETUP; INIT_DB shop; QUERY SELECT a FROM t");
    return connection;
}

static void steps_and_read_go_out_together(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client;
    struct connection *connection = pipelined_read(world, &client);

    (void)state;
    answer_ok(connection, "schema=shop");
    connection_expect(connection, "QUERY SELECT a FROM t");
    client_expect_nothing(client);
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void read_behind_a_failing_use_is_repeated_on_the_primary(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client;
    struct connection *replica = pipelined_read(world, &client);
    struct connection *primary;

    (void)state;
    answer_error(replica, 1049, "Unknown database 'shop'");
    connection_expect(replica, "QUERY SELECT a FROM t");
    answer_row(replica, "wrong schema");
    primary = server_expect(world, PRIMARY, "QUERY SELECT a FROM t");
    client_expect_nothing(client);
    answer_row(primary, "right");
    client_expect(client, "rows right");
    client_expect_nothing(client);
    world_end(world);
}

/* The wrong answer is long, and comes in pieces; nothing of it may reach the client. */
static void long_wrong_answer_is_swallowed_piece_by_piece(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client;
    struct connection *replica = pipelined_read(world, &client);
    static char big[60000];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    replica->wire->chunk_max = 997;
    answer_error(replica, 1049, "Unknown database 'shop'");
    connection_expect(replica, "QUERY SELECT a FROM t");
    answer_rows(replica, "a", big, "");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT a FROM t"), "right");
    client_expect(client, "rows right");
    world_end(world);
}

static void read_whose_steps_fail_on_the_primary_too(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client;
    struct connection *replica = pipelined_read(world, &client);
    struct connection *primary = server_connection(world, PRIMARY, 1);

    (void)state;
    /* The primary's idle connection is in schema shop already: it must open a new one. */
    connection_lose(primary);
    world->scripts[PRIMARY].by_itself &= ~(unsigned)BY_ITSELF_SCHEMA;
    answer_error(replica, 1049, "Unknown database 'shop'");
    connection_expect(replica, "QUERY SELECT a FROM t");
    answer_error(replica, 1046, "No database selected");
    primary = server_expect(world, PRIMARY, "INIT_DB shop");
    answer_error(primary, 1049, "Unknown database 'shop'");
    connection_expect(primary, "QUERY SELECT a FROM t");
    answer_error(primary, 1046, "No database selected");
    client_expect(client, "error 1049 42000 Unknown database 'shop'");
    /* The session lives on. */
    client_query(client, "SELECT 2 FROM store.t");
    replica = world_expect(world, "INIT_DB shop");
    answer_ok(replica, "schema=shop");
    connection_expect(replica, "QUERY SELECT 2 FROM store.t");
    answer_row(replica, "2");
    client_expect(client, "rows 2");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_and_read_go_out_together),
        cmocka_unit_test(read_behind_a_failing_use_is_repeated_on_the_primary),
        cmocka_unit_test(long_wrong_answer_is_swallowed_piece_by_piece),
        cmocka_unit_test(read_whose_steps_fail_on_the_primary_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
