/*
 * Bytes come in pieces: an answer cut at each place gives the client the same bytes, and a client
 * that sends one byte at a time, or everything at once, is served alike.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/memory.h"

#include <string.h>

static void answer_results(struct connection *connection)
{
    answer_rows(connection, "a,b", "1,two;3,four;,", "more warnings=2");
    answer_ok(connection, "affected=7 id=9 more schema=store");
    answer_rows(connection, "c", "", "set:autocommit=ON set:sql_mode=ANSI schema=shop change");
}

static void answer_with_error(struct connection *connection)
{
    answer_columns(connection, "a,b,c");
    answer_error(connection, 1317, "Query execution was interrupted");
}

/* Asks, answers, and returns the raw bytes that came. */
static struct memory_buffer answer_cut_at(void (*answer)(struct connection *connection),
                                          uint64_t capabilities, size_t cut)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in_as(
        world, &(struct client_login){.schema = "shop", .capabilities = capabilities});
    struct connection *connection;
    struct memory_buffer copy;
    struct bytes came;

    client_query(client, "SELECT 1; DELETE FROM t; SELECT 2");
    connection = server_expect(world, PRIMARY, "QUERY SELECT 1; DELETE FROM t; SELECT 2");
    connection->wire->cut_at = connection->wire->delivered + cut;
    answer(connection);
    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET; /* LAST_INSERT_ID() is asked for */
    world_run(world);
    if ((capabilities & CAPABILITY_DEPRECATE_EOF) == 0) {
        while (connection->first != NULL) { /* the PING that fetches trackers */
            connection_expect(connection, "PING");
            answer_ok(connection, "");
            world_run(world);
        }
    }
    came = wire_unread(client->wire);
    copy = (struct memory_buffer){mem_copy(came.data, came.size), 0, came.size, came.size};
    assert_non_null(client_read(client));
    client_expect_nothing(client);
    world_end(world);
    return copy;
}

static void cut_everywhere(void (*answer)(struct connection *connection), uint64_t capabilities)
{
    struct memory_buffer whole = answer_cut_at(answer, capabilities, 0);

    assert_true(whole.size > 20);
    for (size_t cut = 1; cut < whole.size + 60; cut++) {
        struct memory_buffer pieces = answer_cut_at(answer, capabilities, cut);

        assert_int_equal(pieces.size, whole.size);
        assert_memory_equal(pieces.data, whole.data, whole.size);
        mem_free(pieces.data);
    }
    mem_free(whole.data);
}

static void answers_cut_everywhere(void **state)
{
    (void)state;
    cut_everywhere(answer_results, CLIENT_CAPABILITIES);
    cut_everywhere(answer_with_error, CLIENT_CAPABILITIES);
}

static void answers_with_eof_cut_everywhere(void **state)
{
    (void)state;
    cut_everywhere(answer_results, CLIENT_CAPABILITIES & ~CAPABILITY_DEPRECATE_EOF);
}

static void answers_without_trackers_cut_everywhere(void **state)
{
    (void)state;
    cut_everywhere(answer_results, CLIENT_CAPABILITIES & ~CAPABILITY_SESSION_TRACK);
}

static void client_sends_one_byte_at_a_time(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);
    struct client_login login = {.schema = "shop"};

    (void)state;
    client->wire->chunk_max = 1;
    assert_string_equal(client_begin_login(client, &login), "");
    assert_string_equal(client_end_login(client), "ok");
    client_query(client, "SELECT a FROM t WHERE b = 'something longer than a packet head'");
    answer_row(world_expect(world, "QUERY SELECT a FROM t WHERE b = 'something longer than a "
                                   "packet head'"),
               "1");
    client_expect(client, "rows 1");
    client_send(client, COMMAND_PING, NULL, 0);
    client_expect(client, "ok");
    world_end(world);
}

static void client_sends_everything_at_once(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        client_query(client, "INSERT INTO t VALUES (1)");
        client_send(client, COMMAND_PING, NULL, 0);
        client_query(client, "SELECT a FROM t");
        client_send(client, COMMAND_STMT_CLOSE, "\1\0\0\0", 4); /* has no answer */
    }
    client_send(client, COMMAND_QUIT, NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        answer_ok(server_expect(world, PRIMARY, "QUERY INSERT INTO t VALUES (1)"), "affected=1");
        client_expect(client, "ok affected=1");
        client_expect(client, "ok");
        connection = world_expect(world, "QUERY SELECT a FROM t");
        answer_row(connection, "1");
        client_expect(client, "rows 1");
    }
    client_expect_closed(client);
    world_end(world);
}

/* Thousands of commands that the proxy answers itself must not become a recursion. */
static void many_pings_at_once(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        client_send(client, COMMAND_PING, NULL, 0);
    }
    for (unsigned i = 0; i < 4000; i++) {
        client_expect(client, "ok");
    }
    client_expect_nothing(client);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_cut_everywhere),
        cmocka_unit_test(answers_with_eof_cut_everywhere),
        cmocka_unit_test(answers_without_trackers_cut_everywhere),
        cmocka_unit_test(client_sends_one_byte_at_a_time),
        cmocka_unit_test(client_sends_everything_at_once),
        cmocka_unit_test(many_pings_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
