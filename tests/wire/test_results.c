/*
 * Answers of several results, and those in which it is the client's turn: LOAD DATA LOCAL INFILE.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <string.h>

#define LOAD "LOAD DATA LOCAL INFILE 'f.csv' INTO TABLE shop.t"

static void several_results(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "INSERT INTO shop.t VALUES (1); SELECT 1; SELECT 2");
    connection =
        server_expect(world, PRIMARY, "QUERY INSERT INTO shop.t VALUES (1); SELECT 1; SELECT 2");
    answer_ok(connection, "affected=1 more");
    answer_rows(connection, "1", "1", "more");
    assert_null(client_read(client));
    answer_rows(connection, "2", "2;3", "");
    client_expect(client, "ok affected=1 more + rows 1 (more) + rows 2;3");
    world_end(world);
}

static void error_ends_several_results(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET; /* LAST_INSERT_ID() is asked for */
    client_query(client, "DELETE FROM shop.t; DELETE FROM shop.nosuch; DELETE FROM shop.t");
    connection = server_expect(
        world, PRIMARY, "QUERY DELETE FROM shop.t; DELETE FROM shop.nosuch; DELETE FROM shop.t");
    answer_ok(connection, "affected=1 more");
    answer_error(connection, 1146, "Table 'shop.nosuch' doesn't exist");
    client_expect(client,
                  "ok affected=1 more + error 1146 42S02 Table 'shop.nosuch' doesn't exist");
    client_query(client, "SELECT 1");
    answer_row(world_expect(world, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    world_end(world);
}

/* A procedure may leave anything behind: pinned until the session ends or resets. */
static void procedure_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    client_query(client, "CALL p()");
    connection = server_expect(world, PRIMARY, "QUERY CALL p()");
    answer_rows(connection, "a", "1", "more");
    answer_ok(connection, "affected=0");
    client_expect(client, "rows 1 (more) + ok");
    assert_true(world->workers[0].sessions->pins & PIN_PROGRAM);
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    assert_int_equal(world->workers[0].sessions->pins, 0);
    assert_non_null(strstr(connection->log, "CALL p(); RESET_CONNECTION"));
    world_end(world);
}

static struct client *loader(struct world *world)
{
    return client_log_in_as(world, &(struct client_login){.capabilities = CLIENT_CAPABILITIES |
                                                                          CAPABILITY_LOCAL_FILES});
}

/* The server wants the file; from then on the test reads its bytes itself. */
static struct connection *ask_for_file(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, LOAD);
    connection = server_expect(world, PRIMARY, "QUERY " LOAD);
    connection->raw = true;
    answer_payload(connection, bytes_of("\xfb"
                                        "f.csv",
                                        6));
    client_expect(client, "file f.csv");
    client->codes[client->first] = COMMAND_QUERY; /* another answer follows */
    client->count = 1;
    return connection;
}

static void local_file_is_sent(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = loader(world);
    struct connection *connection = ask_for_file(world, client);
    static const char file[] = "\6\0\0\2one,tw\2\0\0\3o\n\0\0\0\4";

    (void)state;
    for (size_t i = 0; i < sizeof file - 1; i++) {
        client_send_part(client, file + i, 1);
        world_run(world);
    }
    assert_true(bytes_equal(wire_unread(connection->wire), bytes_of(file, sizeof file - 1)));
    wire_consume(connection->wire, sizeof file - 1);
    connection->raw = false;
    connection->sequence = 5;
    client->upload_sequence = 4;
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    client->upload_sequence = 0;
    /* LOAD DATA may have generated ids, and does not tell: asked before the connection is left. */
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_replicas_follow(world);
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SET last_insert_id=LAST_INSERT_ID()");
    answer_ok(connection, "set:last_insert_id=7 change");
    answer_row(world_expect(world, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    assert_int_equal(world->workers[0].sessions->last_insert_id, 7);
    world_end(world);
}

static void empty_local_file(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = loader(world);
    struct connection *connection = ask_for_file(world, client);

    (void)state;
    client_send_part(client, "\0\0\0\2", 4);
    world_run(world);
    assert_int_equal(wire_unread(connection->wire).size, 4);
    wire_consume(connection->wire, 4);
    connection->raw = false;
    connection->sequence = 3;
    client->upload_sequence = 2;
    answer_error(connection, 1062, "Duplicate entry");
    client_expect(client, "error 1062 HY000 Duplicate entry");
    world_end(world);
}

static void server_is_lost_during_a_local_file(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = loader(world);
    struct connection *connection = ask_for_file(world, client);

    (void)state;
    client_send_part(client, "\6\0\0\2one,", 8);
    world_run(world);
    connection_lose(connection);
    world_run(world);
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

static void client_is_lost_during_a_local_file(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = loader(world);
    struct connection *connection = ask_for_file(world, client);

    (void)state;
    client_send_part(client, "\6\0\0\2one,", 8);
    client_leave(client);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

static void local_file_out_of_order(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = loader(world);
    struct connection *connection = ask_for_file(world, client);

    (void)state;
    client_send_part(client, "\1\0\0\7x", 5);
    world_run(world);
    assert_true(client->wire->proxy_closed);
    assert_true(connection->wire->proxy_closed);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_results),
        cmocka_unit_test(error_ends_several_results),
        cmocka_unit_test(procedure_pins),
        cmocka_unit_test(local_file_is_sent),
        cmocka_unit_test(empty_local_file),
        cmocka_unit_test(server_is_lost_during_a_local_file),
        cmocka_unit_test(client_is_lost_during_a_local_file),
        cmocka_unit_test(local_file_out_of_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
