/*
 * Replicas and readers of the binary log: events pass as they come, acknowledgements go the other
 * way, and what ends a stream that has no end of its own.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/memory.h"

#include <string.h>

#define EVENT "\5\0\0\1\0evnt"
/* To a semi-synchronous replica, and one that asks it for an acknowledgement. */
#define MARKED "\5\0\0\1\0\xef\0ev"
#define ASKING "\5\0\0\2\0\xef\1ev"

/* A dump from the beginning of the log called `name` ("": from GTIDs said before). */
static struct connection *begin_dump(struct client *client, const char *name)
{
    char body[64] = {0};
    struct connection *connection;

    memcpy(body + 10, name, strlen(name));
    client_send(client, COMMAND_BINLOG_DUMP, body, 10 + strlen(name));
    connection = server_expect(client->world, PRIMARY, "BINLOG_DUMP ");
    connection->raw = true; /* from here on bytes are looked at, both ways */
    return connection;
}

static void expect_bytes(struct wire *wire, const void *bytes, size_t size)
{
    assert_int_equal(wire_unread(wire).size, size);
    assert_memory_equal(wire_unread(wire).data, bytes, size);
    wire_consume(wire, size);
}

static void send_events(struct client *client, struct connection *connection, const void *bytes,
                        size_t size)
{
    wire_write(connection->wire, bytes, size);
    world_run(client->world);
    expect_bytes(client->wire, bytes, size);
}

/* An ERR with this sequence id and code, then the end. */
static void expect_last_error(struct client *client, uint8_t sequence, unsigned code)
{
    struct bytes in = wire_unread(client->wire);

    assert_true(in.size > 7);
    assert_int_equal(in.data[3], sequence);
    assert_int_equal(in.data[4], 0xff);
    assert_int_equal(in.data[5] | in.data[6] << 8, code);
    wire_consume(client->wire, in.size);
    assert_true(client->wire->proxy_closed);
}

/* All of it is the same connection of the primary, and nobody gets it afterwards. */
static void what_a_replica_says_is_on_one_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    world_replicas_follow(world);
    client_query(client, "SET @source_binlog_checksum = 'CRC32'");
    connection = server_expect(world, PRIMARY, "QUERY SET @source_binlog_checksum = 'CRC32'");
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_send(client, COMMAND_REGISTER_REPLICA, "\0\0\0\0", 4);
    connection_expect(connection, "REGISTER_REPLICA ");
    answer_ok(connection, "");
    client_expect(client, "ok");
    assert_ptr_equal(begin_dump(client, "log.1"), connection);
    send_events(client, connection, EVENT, 9);
    client_leave(client);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

static void registered_session_keeps_its_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_send(client, COMMAND_REGISTER_REPLICA, "\0\0\0\0", 4);
    connection = server_expect(world, PRIMARY, "REGISTER_REPLICA ");
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    world_end(world);
}

/* In parts, with sequence ids that begin anew, and an event of several packets. */
static void events_pass_as_they_come(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin_dump(client, "");
    uint8_t *large = mem_calloc(1, FRAME_HEAD_SIZE + FRAME_MAX);
    size_t got = 0;

    (void)state;
    send_events(client, connection, EVENT EVENT, 18);
    send_events(client, connection, EVENT, 6);
    send_events(client, connection, EVENT + 6, 3);
    for (size_t i = 0; i < 9; i++) {
        wire_write(connection->wire, &EVENT[i], 1);
        world_run(world);
    }
    expect_bytes(client->wire, EVENT, 9);
    frame_write(large, (struct frame){FRAME_MAX, 2});
    wire_write(connection->wire, large, FRAME_HEAD_SIZE + FRAME_MAX);
    while (got < FRAME_HEAD_SIZE + FRAME_MAX) {
        world_run(world);
        assert_true(wire_unread(client->wire).size > 0);
        got += wire_unread(client->wire).size;
        wire_consume(client->wire, wire_unread(client->wire).size);
    }
    assert_int_equal(got, FRAME_HEAD_SIZE + FRAME_MAX);
    send_events(client, connection, "\3\0\0\3\xff\xff\xff", 7); /* its rest, whatever it is */
    send_events(client, connection, EVENT, 9);
    mem_free(large);
    client_leave(client);
    world_end(world);
}

/* A client that does not read holds the server up. */
static void unread_events_stay_with_the_server(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin_dump(client, "log.1");
    enum { EVENTS = 200000 };

    (void)state;
    client->wire->window = 1000;
    for (unsigned i = 0; i < EVENTS; i++) {
        wire_write(connection->wire, EVENT, 9);
    }
    world_run(world);
    assert_true(wire_is_paused(connection->wire));
    assert_true(wire_proxy_bytes(client->wire) + wire_proxy_bytes(connection->wire) < 1 << 20);
    client->wire->window = SIZE_MAX;
    while (client->wire->received < (size_t)EVENTS * 9) {
        wire_consume(client->wire, wire_unread(client->wire).size);
        world_run(world);
    }
    wire_consume(client->wire, wire_unread(client->wire).size);
    client_leave(client);
    world_end(world);
}

static void acknowledgements_go_to_the_server(void **state)
{
    static const char ack[] = "\x0e\0\0\0\xef\4\0\0\0\0\0\0\0log.1";
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin_dump(client, "log.1");
    size_t before = wire_unread(connection->wire).size;

    (void)state;
    wire_consume(connection->wire, before);
    send_events(client, connection, EVENT, 9);
    for (size_t i = 0; i < sizeof ack - 1; i++) {
        client_send_part(client, ack + i, 1);
        world_run(world);
    }
    expect_bytes(connection->wire, ack, sizeof ack - 1);
    client_send_part(client, ack, sizeof ack - 1);
    client_send_part(client, ack, sizeof ack - 1);
    world_run(world);
    assert_int_equal(wire_unread(connection->wire).size, 2 * (sizeof ack - 1));
    wire_consume(connection->wire, wire_unread(connection->wire).size);
    send_events(client, connection, EVENT, 9);
    /* What else it sends is a command: it waits, and acknowledgements behind it too. */
    client_send_part(client, "\1\0\0\0\x0e", 5);
    client_send_part(client, ack, sizeof ack - 1);
    world_run(world);
    assert_int_equal(wire_unread(connection->wire).size, 0);
    send_events(client, connection, EVENT, 9);
    client_leave(client);
    world_end(world);
}

/* After an EOF both servers close; a server that refuses the dump may go on. */
static void ends_as_the_server_ends_it(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin_dump(client, "log.1");

    (void)state;
    send_events(client, connection, EVENT "\5\0\0\2\xfe\0\0\2\0", 18);
    world_run(world);
    assert_false(client->wire->proxy_closed);
    connection_lose(connection);
    world_run(world);
    assert_true(client->wire->proxy_closed);

    client = client_log_in(world, NULL);
    connection = begin_dump(client, "log.1");
    answer_error(connection, 1227, "Access denied");
    client_expect_error(client, 1227, "Access denied");
    connection->raw = false;
    wire_consume(connection->wire, wire_unread(connection->wire).size);
    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    world_end(world);
}

/* A replica that has a place in this very server's log must not go on in another's. */
static void ends_with_the_primarys_role(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *by_place = client_log_in(world, NULL);
    struct client *by_gtid = client_log_in(world, NULL);
    struct client *inside = client_log_in(world, NULL);
    struct connection *connection = begin_dump(by_place, "log.1");

    (void)state;
    send_events(by_place, connection, EVENT, 9);
    connection = begin_dump(by_gtid, "");
    send_events(by_gtid, connection, EVENT, 9);
    connection = begin_dump(inside, "");
    send_events(inside, connection, EVENT, 6);
    world->primary = -1; /* that the primary is not usable for a while is no reason */
    world_publish(world);
    world_advance_ms(world, 500);
    assert_false(by_place->wire->proxy_closed || by_gtid->wire->proxy_closed);
    world->primary = REPLICA_1;
    world->servers[REPLICA_1].role = ROLE_PRIMARY;
    world->servers[PRIMARY].role = ROLE_REPLICA;
    world_publish(world);
    world_advance_ms(world, 200);
    expect_last_error(by_place, 2, 1236);
    expect_last_error(by_gtid, 2, 1053);
    assert_true(inside->wire->proxy_closed); /* half an event is no place for an error */
    assert_int_equal(wire_unread(inside->wire).size, 0);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

static void ends_with_its_server_and_with_the_proxy(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin_dump(client, "log.1");

    (void)state;
    send_events(client, connection, EVENT, 9);
    world_advance_ms(world, 60000);
    assert_false(client->wire->proxy_closed);
    world->servers[PRIMARY].state = STATE_DRAINING;
    world_publish(world);
    world_advance_ms(world, 200);
    expect_last_error(client, 2, 1053);
    world->servers[PRIMARY].state = STATE_UP;
    world_publish(world);

    client = client_log_in(world, NULL);
    connection = begin_dump(client, "log.1");
    send_events(client, connection, EVENT, 9);
    worker_drain(&world->workers[0], world->now + UINT64_C(5000000000));
    world_run(world);
    expect_last_error(client, 2, 1053);
    world_end(world);
}

/* Behind an event that asks for an acknowledgement a replica counts anew. */
static void ends_where_a_replica_counts_anew(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *at_rest = client_log_in(world, NULL);
    struct client *later = client_log_in(world, NULL);
    struct client *inside = client_log_in(world, NULL);
    struct connection *connection = begin_dump(at_rest, "log.1");

    (void)state;
    send_events(at_rest, connection, MARKED ASKING, 18);
    connection = begin_dump(later, "log.1");
    send_events(later, connection, MARKED ASKING MARKED, 27);
    connection = begin_dump(inside, "log.1");
    send_events(inside, connection, MARKED ASKING, 17);
    world->primary = REPLICA_1;
    world->servers[REPLICA_1].role = ROLE_PRIMARY;
    world->servers[PRIMARY].role = ROLE_REPLICA;
    world_publish(world);
    world_advance_ms(world, 200);
    expect_last_error(at_rest, 1, 1236);
    expect_last_error(later, 2, 1236);
    assert_true(inside->wire->proxy_closed);
    assert_int_equal(wire_unread(inside->wire).size, 0);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_replica_says_is_on_one_connection),
        cmocka_unit_test(registered_session_keeps_its_connection),
        cmocka_unit_test(events_pass_as_they_come),
        cmocka_unit_test(unread_events_stay_with_the_server),
        cmocka_unit_test(acknowledgements_go_to_the_server),
        cmocka_unit_test(ends_as_the_server_ends_it),
        cmocka_unit_test(ends_with_the_primarys_role),
        cmocka_unit_test(ends_where_a_replica_counts_anew),
        cmocka_unit_test(ends_with_its_server_and_with_the_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
