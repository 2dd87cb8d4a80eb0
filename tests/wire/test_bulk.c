/*
 * What MariaDB's drivers negotiate: executions in bulk, progress reports, and an EXECUTE sent right
 * behind its PREPARE.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "packets.h"
#include "protocol/bulk.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/result_set.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>

#define MARIADB_CAPABILITIES                                                                       \
    ((CLIENT_CAPABILITIES & ~CAPABILITY_MYSQL) | CAPABILITY_MARIADB_PROGRESS |                     \
     CAPABILITY_MARIADB_BULK | CAPABILITY_MARIADB_EXTENDED_METADATA)

#define INSERT "INSERT INTO t VALUES (?)"

/* The server's end of a bulk execution, behind the id: flags, type, two rows. */
#define TYPES_HEX "8000fd00"
#define ROWS_HEX                                                                                   \
    "0001"                                                                                         \
    "78"                                                                                           \
    "01"
#define BULK_HEX TYPES_HEX ROWS_HEX

static struct client *driver(struct world *world, uint64_t capabilities)
{
    return client_log_in_as(world,
                            &(struct client_login){.schema = "shop", .capabilities = capabilities});
}

static struct connection *prepare(struct world *world, struct client *client, const char *sql)
{
    struct connection *connection;
    char text[200];

    client_send(client, COMMAND_STMT_PREPARE, sql, strlen(sql));
    snprintf(text, sizeof text, "PREPARE %s", sql);
    connection = world_expect(world, text);
    answer_prepared(connection, 1, 0);
    client_expect(client, "prepared 1 parameters=1 columns=0");
    return connection;
}

/* Rows "x" and NULL of one parameter, a string; with its type or without. */
static void send_bulk(struct client *client, uint32_t id, bool with_type)
{
    uint8_t space[64];
    struct writer out = writer_over(space, sizeof space);

    write_u32(&out, id);
    write_u16(&out, with_type ? BULK_TYPES_SENT : 0);
    if (with_type) {
        write_u16(&out, COLUMN_VAR_STRING);
    }
    write_u8(&out, BULK_VALUE);
    write_lenenc_bytes(&out, bytes_of_text("x"));
    write_u8(&out, BULK_NULL);
    assert_false(out.failed);
    client_send(client, COMMAND_STMT_BULK_EXECUTE, space, out.size);
}

static struct session *only_session(const struct world *world)
{
    return world->workers[0].sessions;
}

static void a_bulk_is_a_write(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, INSERT);
    send_bulk(client, 1, true);
    connection_expect(connection, "BULK_EXECUTE 1 " BULK_HEX);
    assert_int_equal(connection->server->number, PRIMARY);
    assert_int_equal(only_session(world)->last_write, 0);
    answer_ok(connection, "affected=2 id=7");
    client_expect(client, "ok affected=2 id=7");
    assert_int_not_equal(only_session(world)->last_write, 0);
    assert_int_equal(only_session(world)->last_insert_id, 7);
    assert_int_equal(only_session(world)->pins, 0);
    assert_int_equal(world->workers[0].statistics.counters.prepared, 1);
    assert_int_equal(world->workers[0].statistics.counters.statements[STATEMENT_WRITE], 1);
    world_end(world);
}

static void types_are_remembered(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, INSERT);
    send_bulk(client, 1, false); /* never sent, whatever the connection may have of others */
    client_expect_error(client, 1210, "Incorrect arguments to mysqld_stmt_bulk_execute");
    send_bulk(client, 1, true);
    connection_expect(connection, "BULK_EXECUTE 1 " BULK_HEX);
    answer_ok(connection, "affected=2");
    client_expect(client, "ok affected=2");
    connection_lose(connection);
    world_run(world);

    send_bulk(client, 1, false);
    connection = server_expect(world, PRIMARY, "PREPARE " INSERT);
    connection->last_statement = 4;
    answer_prepared(connection, 1, 0);
    connection_expect(connection, "BULK_EXECUTE 5 " BULK_HEX);
    answer_ok(connection, "affected=2");
    client_expect(client, "ok affected=2");

    /* One execution's types are the other's. */
    client_execute(client, 1, "y", false);
    connection_expect(connection, "EXECUTE 5 00010000000001fd000179");
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    world_end(world);
}

/* The OK tells the last id, also one that a row gave: then the server has to be asked. */
static void an_id_among_the_rows(void **state)
{
    static const uint8_t rows[] = {1, 0, 0, 0, 0x80, 0, COLUMN_TINY, 0, BULK_VALUE, 100, 3, 0, 101};
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    struct connection *connection;

    (void)state;
    connection = prepare(world, client, INSERT);
    client_send(client, COMMAND_STMT_BULK_EXECUTE, rows, sizeof rows);
    connection_expect(connection, "BULK_EXECUTE 1 80000100006403"
                                  "0065");
    answer_ok(connection, "affected=3 id=99");
    client_expect(client, "ok affected=3 id=99");
    assert_int_equal(only_session(world)->last_insert_id, 99);
    assert_false(only_session(world)->insert_id_unsure);
    client_send(client, COMMAND_STMT_BULK_EXECUTE, rows, sizeof rows);
    connection_expect(connection, "BULK_EXECUTE 1 80000100006403"
                                  "0065");
    answer_ok(connection, "affected=3 id=101");
    client_expect(client, "ok affected=3 id=101");
    assert_int_equal(only_session(world)->last_insert_id, 99);
    assert_true(only_session(world)->insert_id_unsure);
    client_quit(client);
    world_end(world);
}

static void those_who_did_not_ask_for_bulk(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES & ~CAPABILITY_MARIADB_BULK);

    (void)state;
    (void)prepare(world, client, INSERT);
    send_bulk(client, 1, true);
    client_expect_error(client, 1295, "This command is not supported");
    client_send(client, COMMAND_STMT_BULK_EXECUTE, "\1\0\0\0", 4);
    client_expect_error(client, 1835, "Malformed communication packet");
    client_quit(client);
    client = driver(world, MARIADB_CAPABILITIES);
    send_bulk(client, 8, true);
    client_expect_error(client, 1243, "Unknown prepared statement handler (8)");
    world->facts.flavor = FLAVOR_MYSQL;
    world_publish(world);
    client_quit(client);
    client = client_log_in(world, "shop");
    send_bulk(client, 1, true);
    client_expect_error(client, 1047, "Unknown command");
    world_end(world);
}

static void what_is_offered(void **state)
{
    static const struct {
        enum flavor flavor;
        unsigned version;
        uint64_t mariadb;
    } rows[] = {
        {FLAVOR_MYSQL, 90704, 0},
        {FLAVOR_MARIADB, 100139, 0},
        {FLAVOR_MARIADB, 100501, CAPABILITY_MARIADB_PROGRESS | CAPABILITY_MARIADB_BULK},
        {FLAVOR_MARIADB, 101106,
         CAPABILITY_MARIADB_PROGRESS | CAPABILITY_MARIADB_BULK |
             CAPABILITY_MARIADB_EXTENDED_METADATA},
        {FLAVOR_MARIADB, 110501,
         CAPABILITY_MARIADB_PROGRESS | CAPABILITY_MARIADB_BULK |
             CAPABILITY_MARIADB_EXTENDED_METADATA | CAPABILITY_MARIADB_BULK_RESULTS},
    };
    struct world *world = world_new(1, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client *client;
        struct greeting greeting;

        world->facts.flavor = rows[i].flavor;
        world->facts.version_number = rows[i].version;
        world_publish(world);
        client = client_connect(world, 0);
        world_run(world);
        assert_int_equal(
            greeting_decode(bytes_after(wire_unread(client->wire), FRAME_HEAD_SIZE), &greeting),
            PARSE_OK);
        assert_int_equal(greeting.capabilities & CAPABILITIES_MARIADB, rows[i].mariadb);
        assert_int_equal(greeting.capabilities & CAPABILITY_MYSQL, rows[i].mariadb == 0);
        client_leave(client);
        world_run(world);
    }
    world_end(world);
}

/* Bytes that tell their place, behind an indicator and a length of eight bytes. */
static void send_and_answer(size_t payload)
{
    static const uint8_t head[] = {0xfa, 1, 0, 0, 0, 0x80, 0, COLUMN_BLOB, 0, BULK_VALUE, 0xfe};
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    uint8_t *bytes = mem_alloc(payload);
    uint64_t length = payload - sizeof head - 8;
    struct connection *connection;

    connection = prepare(world, client, INSERT);
    for (size_t i = 0; i < payload; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, &length, 8);
    client_send(client, COMMAND_STMT_BULK_EXECUTE, bytes + 1, payload - 1);
    world_run(world);
    assert_non_null(connection->first);
    assert_int_equal(connection->first->size, payload);
    assert_memory_equal(connection->first->payload, bytes, payload);
    connection_expect(connection, connection->first->text);
    answer_ok(connection, "affected=1");
    client_expect(client, "ok affected=1");
    client->upload_sequence = 0;
    /* Without its types, a packet that they would not fit into is refused. */
    bytes[5] = 0;
    memmove(bytes + 7, bytes + 9, payload - 9);
    client_send(client, COMMAND_STMT_BULK_EXECUTE, bytes + 1, payload - 3);
    if (payload < FRAME_MAX) {
        bytes[5] = 0x80;
        world_run(world);
        assert_int_equal(connection->first->size, payload);
        assert_memory_equal(connection->first->payload, bytes, 7);
        assert_memory_equal(connection->first->payload + 9, bytes + 7, payload - 9);
        connection_expect(connection, connection->first->text);
        answer_ok(connection, "affected=1");
        client_expect(client, "ok affected=1");
    } else {
        client->upload_sequence = 0; /* it is told before it has sent all */
        client_expect_error(client, 1210, "16 MiB or more has to bring its parameter types");
    }
    mem_free(bytes);
    world_end(world);
}

static void large_ones(void **state)
{
    (void)state;
    send_and_answer((256 << 10) - FRAME_HEAD_SIZE); /* the longest that is held whole */
    send_and_answer((256 << 10) - FRAME_HEAD_SIZE + 1);
    send_and_answer(FRAME_MAX - 1);
    send_and_answer(FRAME_MAX);
    send_and_answer(2 * (size_t)FRAME_MAX + 5);
}

static void report(struct connection *connection)
{
    answer_payload(connection, bytes_of("\xff\xff\xff\1\1\2\0\0\0\4copy", 14));
}

static void progress_goes_to_those_who_asked(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    struct client *other = driver(world, MARIADB_CAPABILITIES & ~CAPABILITY_MARIADB_PROGRESS);
    struct connection *connection;
    struct connection *second;

    (void)state;
    client_query(client, "ALTER TABLE t ENGINE = InnoDB");
    connection = server_expect(world, PRIMARY, "QUERY ALTER TABLE t ENGINE = InnoDB");
    assert_true(connection->capabilities & CAPABILITY_MARIADB_PROGRESS);
    report(connection);
    world_run(world);
    assert_int_equal(wire_unread(client->wire).size, 18);
    report(connection);
    answer_ok(connection, "");
    client_expect(client, "progress, progress, ok");

    client_query(other, "CHECK TABLE t");
    second = server_expect(world, PRIMARY, "QUERY CHECK TABLE t");
    assert_ptr_not_equal(second, connection);
    assert_false(second->capabilities & CAPABILITY_MARIADB_PROGRESS);
    answer_row(second, "fine");
    client_expect(other, "rows fine");

    /* An error behind reports is one, and so is that number where it cannot be a report. */
    client_query(client, "ALTER TABLE t ADD KEY (nosuch)");
    connection_expect(connection, "QUERY ALTER TABLE t ADD KEY (nosuch)");
    report(connection);
    answer_error(connection, 1072, "no such column");
    client_expect(client, "progress, error 1072 HY000 no such column");
    world_end(world);
}

static void send_execute_of_last(struct client *client)
{
    client_execute_plain(client, UINT32_MAX);
}

/* Both come in one write, before the first was answered: they are answered in turn. */
static void execute_behind_its_prepare(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = driver(world, MARIADB_CAPABILITIES);
    struct connection *connection;

    (void)state;
    client_send(client, COMMAND_STMT_PREPARE, "DELETE FROM t", 13);
    send_execute_of_last(client);
    client_send(client, COMMAND_STMT_PREPARE, "DELETE nonsense", 15);
    send_execute_of_last(client);
    connection = server_expect(world, PRIMARY, "PREPARE DELETE FROM t");
    connection->last_statement = 6;
    client_expect_nothing(client);
    answer_prepared(connection, 0, 0);
    client_expect(client, "prepared 1 parameters=0 columns=0");
    connection_expect(connection, "EXECUTE 7 0001000000");
    answer_ok(connection, "affected=3");
    client_expect(client, "ok affected=3");
    connection_expect(connection, "PREPARE DELETE nonsense");
    answer_error(connection, 1064, "nonsense");
    client_expect(client, "error 1064 42000 nonsense");
    client_expect_error(client, 1243, "Unknown prepared statement handler (4294967295)");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bulk_is_a_write),
        cmocka_unit_test(types_are_remembered),
        cmocka_unit_test(an_id_among_the_rows),
        cmocka_unit_test(those_who_did_not_ask_for_bulk),
        cmocka_unit_test(what_is_offered),
        cmocka_unit_test(large_ones),
        cmocka_unit_test(progress_goes_to_those_who_asked),
        cmocka_unit_test(execute_behind_its_prepare),
    };

    return cmocka_run_group_tests_name("wire/bulk", tests, NULL, NULL);
}
