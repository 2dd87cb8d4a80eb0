/*
 * Payloads of 16 MiB and more, which take several packets, in both directions.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "packets.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/memory.h"

#include <string.h>
#include <uv.h>

/* Bytes that tell their place, so that none can be lost, doubled, or exchanged. */
static uint8_t pattern(size_t place)
{
    return (uint8_t)('a' + (place * 7 + place / 251) % 23);
}

static char *long_insert(size_t size)
{
    static const char head[] = "INSERT INTO shop.t VALUES ('";
    char *sql = mem_alloc(size);

    for (size_t i = 0; i < size; i++) {
        sql[i] = (char)pattern(i);
    }
    memcpy(sql, head, sizeof head - 1);
    memcpy(sql + size - 2, "')", 2);
    return sql;
}

/* Sends a statement whose whole payload has `payload` bytes. */
static void send_and_answer(size_t payload)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    char *sql = long_insert(payload - 1);
    struct connection *connection;

    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET; /* LAST_INSERT_ID() is asked for */
    client_send(client, COMMAND_QUERY, sql, payload - 1);
    world_run(world);
    connection = server_connection(world, PRIMARY, 1);
    assert_non_null(connection);
    assert_non_null(connection->first);
    assert_int_equal(connection->first->size, payload);
    assert_memory_equal(connection->first->payload + 1, sql, payload - 1);
    assert_int_equal(connection->first->sequence, payload / FRAME_MAX);
    connection_expect(connection, connection->first->text);
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    client->upload_sequence = 0;
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    mem_free(sql);
    world_end(world);
}

static void statements_around_the_limits(void **state)
{
    (void)state;
    send_and_answer((256 << 10) - FRAME_HEAD_SIZE); /* the longest that is held whole */
    send_and_answer((256 << 10) - FRAME_HEAD_SIZE + 1);
    send_and_answer(FRAME_MAX - 1);
    send_and_answer(FRAME_MAX); /* followed by an empty packet */
    send_and_answer(FRAME_MAX + 1);
    send_and_answer(2 * (size_t)FRAME_MAX + 5);
}

/* A row whose payload has so many bytes, then another one, and the end. The row is one value, with
 * its length in front of it: three bytes of it, or eight. */
static void answer_large_row(struct connection *connection, size_t payload)
{
    uint8_t *row = mem_alloc(payload);
    bool is_short = payload - 4 < 1 << 24;
    size_t value = payload - (is_short ? 4 : 9);

    for (size_t i = 0; i < payload; i++) {
        row[i] = pattern(i);
    }
    row[0] = is_short ? 0xfd : 0xfe;
    for (unsigned i = 0; i < (is_short ? 3 : 8); i++) {
        row[1 + i] = (uint8_t)(value >> 8 * i);
    }
    answer_columns(connection, "a");
    answer_payload(connection, bytes_of(row, payload));
    answer_payload(connection, bytes_of("\1b", 2));
    answer_end(connection, "");
    mem_free(row);
}

/* Puts the packets of the first row together, and checks every byte of it. */
static void check_large_row(struct client *client, size_t payload)
{
    struct bytes in = wire_unread(client->wire);
    struct bytes part;
    uint8_t sequence;
    uint8_t expected = 1;
    size_t at = 0;

    for (unsigned i = 0; i < 2; i++) { /* count and definition */
        assert_true(packet_next(&in, &part, &sequence));
        assert_int_equal(sequence, expected++);
    }
    do {
        assert_true(packet_next(&in, &part, &sequence));
        assert_int_equal(sequence, expected++);
        for (size_t i = 0; i < part.size; i++) {
            if (at + i >= 9 && part.data[i] != pattern(at + i)) {
                fail_msg("byte %zu of the row is not what was sent", at + i);
            }
        }
        at += part.size;
    } while (part.size == FRAME_MAX);
    assert_int_equal(at, payload);
    assert_true(packet_next(&in, &part, &sequence));
    assert_true(bytes_equal_text(part, "\1b"));
    assert_true(packet_next(&in, &part, &sequence));
    assert_int_equal(part.data[0], 0xfe);
    assert_int_equal(in.size, 0);
    wire_consume(client->wire, wire_unread(client->wire).size);
    client->count = 0;
}

static void read_and_check(size_t payload)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    client_query(client, "SELECT a FROM shop.t");
    connection = world_expect(world, "QUERY SELECT a FROM shop.t");
    answer_large_row(connection, payload);
    world_run(world);
    check_large_row(client, payload);
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

static void rows_around_the_limit(void **state)
{
    (void)state;
    read_and_check(FRAME_MAX - 1);
    read_and_check(FRAME_MAX);
    read_and_check(FRAME_MAX + 1);
    read_and_check(2 * (size_t)FRAME_MAX);
    read_and_check(2 * (size_t)FRAME_MAX + 17);
}

/* The server is lost while a long statement is on its way to it. */
static void lost_during_a_long_statement(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    char *sql = long_insert(1 << 20);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    connection->wire->window = 1000;
    client_send(client, COMMAND_QUERY, sql, 1 << 20);
    world_run(world);
    connection_lose(connection);
    client_expect_error(client, 2013, "db1");
    client_expect_closed(client);
    mem_free(sql);
    world_end(world);
}

/* ... or says that it does not want it, and hangs up. */
static void refused_during_a_long_statement(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    char *sql = long_insert(1 << 20);
    struct connection *connection;
    size_t received;
    static const char refusal[] = "\x1c\0\0\1\xff\x81\x04#08S01Got a packet bigger";

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    connection->wire->window = 1000;
    connection->raw = true;
    client_send(client, COMMAND_QUERY, sql, 1 << 20);
    world_run(world);
    received = connection->wire->received;
    wire_write(connection->wire, refusal, 4 + 0x1c);
    world_run(world);
    /* A QUIT would be taken for the rest of the statement. */
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(connection->wire->received, received);
    wire_end(connection->wire, UV_EOF);
    client_expect_error(client, 1153, "Got a packet bigger");
    client_expect_closed(client);
    mem_free(sql);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_around_the_limits),
        cmocka_unit_test(rows_around_the_limit),
        cmocka_unit_test(lost_during_a_long_statement),
        cmocka_unit_test(refused_during_a_long_statement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
