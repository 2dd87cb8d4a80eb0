/*
 * Whoever is slow is waited for, and not at the price of memory: a client that does not read stops
 * the server's stream at the high water, a server that does not read stops the client's.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/memory.h"

#include <string.h>

enum {
    BIG_BYTES = 8 << 20,
    ROW_BYTES = 60000,
    MEMORY_MAX = 1 << 20, /* of one session, both streams together */
};

static size_t proxy_bytes(const struct client *client, const struct connection *connection)
{
    return wire_proxy_bytes(client->wire) + wire_proxy_bytes(connection->wire);
}

/* Rows of ROW_BYTES, in all BIG_BYTES, without an end. */
static void answer_rows_only(struct connection *connection)
{
    uint8_t *row = mem_alloc(ROW_BYTES);
    unsigned count = BIG_BYTES / ROW_BYTES;

    memset(row, 'x', ROW_BYTES);
    row[0] = 0xfd; /* a value whose length takes three bytes */
    row[1] = (uint8_t)(ROW_BYTES - 4);
    row[2] = (uint8_t)((ROW_BYTES - 4) >> 8);
    row[3] = 0;
    answer_columns(connection, "a");
    for (unsigned i = 0; i < count; i++) {
        answer_payload(connection, bytes_of(row, ROW_BYTES));
    }
    mem_free(row);
}

static void answer_big(struct connection *connection)
{
    answer_rows_only(connection);
    answer_end(connection, "");
}

/* Takes what is there, and nothing of its meaning; returns how much. */
static size_t swallow(struct client *client)
{
    size_t size = wire_unread(client->wire).size;

    wire_consume(client->wire, size);
    return size;
}

static void client_stops_reading(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    size_t sent;
    size_t taken = 0;
    size_t worst = 0;
    unsigned pauses = 0;

    (void)state;
    client->wire->window = 10000;
    client_query(client, "SELECT a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT a FROM shop.t");
    answer_big(connection);
    sent = connection->wire->to_proxy.size;
    world_run(world);
    assert_true(wire_is_paused(connection->wire));
    assert_true(connection->wire->to_proxy.size > sent - 2 * (size_t)QUEUE_HIGH_BYTES);
    while (taken < sent) {
        pauses += wire_is_paused(connection->wire);
        worst = proxy_bytes(client, connection) > worst ? proxy_bytes(client, connection) : worst;
        taken += swallow(client);
        world_run(world);
        assert_false(client->wire->proxy_closed);
    }
    assert_true(worst < MEMORY_MAX);
    assert_true(pauses > 5);
    assert_int_equal(taken, sent);
    client->count = 0;
    assert_false(wire_is_paused(connection->wire));
    assert_int_equal(proxy_bytes(client, connection), 0);
    /* The session, and the connection, are as good as before. */
    client->wire->window = SIZE_MAX;
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void client_stops_reading_for_ever(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client->wire->window = 10000;
    client_query(client, "SELECT a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT a FROM shop.t");
    answer_big(connection);
    world_run(world);
    client_leave(client);
    wire_end(client->wire, 0);
    world_run(world);
    assert_true(client->wire->proxy_closed);
    assert_true(connection->wire->proxy_closed); /* in the middle of an answer: nobody wants it */
    assert_int_equal(world_permits(world, connection->server->number), 0);
    world_end(world);
}

/* A client that is being closed still gets what it was sent, if it reads within five seconds. */
static struct connection *cut_off_a_slow_client(struct world *world, struct client *client)
{
    struct connection *connection;

    client->wire->window = 10000;
    client_query(client, "SELECT a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT a FROM shop.t");
    answer_rows_only(connection);
    world_run(world);
    assert_true(wire_is_paused(connection->wire));
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        struct connection *each = server_connection(world, i, 1);

        if (each != NULL) {
            connection_lose(each);
        }
    }
    /* The loss shows once the proxy reads on. */
    while (!connection->wire->proxy_closed) {
        (void)swallow(client);
        world_run(world);
    }
    return connection;
}

static void closing_client_gets_the_rest(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = cut_off_a_slow_client(world, client);
    size_t rest = 0;

    (void)state;
    assert_false(client->wire->proxy_closed);
    while (!client->wire->proxy_closed) {
        rest += swallow(client);
        world_run(world);
    }
    rest += swallow(client);
    assert_true(rest > 10000);
    assert_int_equal(world_permits(world, connection->server->number), 0);
    world_end(world);
}

static void closing_client_that_does_not_read_is_cut_off(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    (void)cut_off_a_slow_client(world, client);
    world_advance_ms(world, 4800);
    assert_false(client->wire->proxy_closed);
    world_advance_ms(world, 400);
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

/* Long commands: the server takes them slowly. */
static void server_reads_slowly(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *idle = client_log_in(world, NULL);
    char *sql = mem_alloc(BIG_BYTES);
    struct connection *connection;
    size_t worst = 0;
    unsigned pauses = 0;
    size_t received;

    (void)state;
    memset(sql, 'y', BIG_BYTES);
    memcpy(sql, "INSERT INTO shop.t VALUES ('", 28);
    memcpy(sql + BIG_BYTES - 2, "')", 2);
    /* A first write opens the connection. */
    client_query(idle, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(idle, "ok");
    connection->wire->window = 10000;
    connection->raw = true;
    received = connection->wire->received;
    client_send(client, COMMAND_QUERY, sql, BIG_BYTES);
    world_run(world);
    assert_true(wire_is_paused(client->wire));
    while (connection->wire->received < received + BIG_BYTES + FRAME_HEAD_SIZE + 1) {
        pauses += wire_is_paused(client->wire);
        worst = proxy_bytes(client, connection) > worst ? proxy_bytes(client, connection) : worst;
        wire_consume(connection->wire, wire_unread(connection->wire).size);
        world_run(world);
        assert_false(client->wire->proxy_closed);
    }
    assert_true(worst < MEMORY_MAX);
    assert_true(pauses > 5);
    assert_false(wire_is_paused(client->wire));
    wire_consume(connection->wire, wire_unread(connection->wire).size);
    wire_write(connection->wire, "\7\0\0\1\0\1\0\2\0\0\0", 11);
    client_expect(client, "ok affected=1");
    connection->raw = false;
    connection->wire->window = SIZE_MAX;
    client_query(client, "SELECT 1");
    answer_row(world_expect(world, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    mem_free(sql);
    world_end(world);
}

/* The client sends commands and reads no answers: they are not taken without end. */
static void client_pipelines_and_does_not_read(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    size_t sent = 0;
    static const uint8_t ping[] = {1, 0, 0, 0, COMMAND_PING};

    (void)state;
    client->wire->window = 1000;
    for (unsigned i = 0; i < 100000; i++) {
        client_send_part(client, ping, sizeof ping);
        sent += sizeof ping;
    }
    world_run(world);
    assert_true(wire_proxy_bytes(client->wire) < MEMORY_MAX);
    assert_int_equal(sent, 500000);
    while (wire_unread(client->wire).size > 0) {
        wire_consume(client->wire, wire_unread(client->wire).size);
        world_run(world);
    }
    assert_int_equal(client->wire->to_proxy.size, 0);
    client->wire->window = SIZE_MAX;
    client_send(client, COMMAND_PING, NULL, 0);
    client_expect(client, "ok");
    world_end(world);
}

/* Sockets that take a few bytes at a time change nothing in what arrives. */
static void sockets_take_little(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;
    static char value[5000];

    (void)state;
    memset(value, 'z', sizeof value - 1);
    client->wire->take_max = 3;
    client->wire->window = 7;
    client_query(client, "SELECT a FROM t");
    connection = world_expect(world, "QUERY SELECT a FROM t");
    answer_row(connection, value);
    for (unsigned i = 0; i < 2000; i++) {
        client->wire->window += 7;
        world_run(world);
    }
    world_run(world);
    assert_memory_equal(client_read(client), "rows zzz", 8);
    assert_int_equal(strlen(client->answer), strlen(value) + 5);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_stops_reading),
        cmocka_unit_test(client_stops_reading_for_ever),
        cmocka_unit_test(closing_client_gets_the_rest),
        cmocka_unit_test(closing_client_that_does_not_read_is_cut_off),
        cmocka_unit_test(server_reads_slowly),
        cmocka_unit_test(client_pipelines_and_does_not_read),
        cmocka_unit_test(sockets_take_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
