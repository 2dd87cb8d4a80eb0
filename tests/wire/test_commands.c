/*
 * The commands besides statements: which reach a server, in which state they find it, and that a
 * session lives on after one that is not served.
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

static void write_one(struct world *world, struct client *client)
{
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
}

static struct connection *begin(struct world *world, struct client *client)
{
    struct connection *connection;

    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    return connection;
}

static void commit(struct client *client, struct connection *connection)
{
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
}

static void send_option(struct client *client, uint8_t option)
{
    client_send(client, COMMAND_SET_OPTION, (uint8_t[]){option, 0}, 2);
}

/* ---- FIELD_LIST, STATISTICS ---- */

/* Its table's name is looked up in the session's schema. */
static void field_list_finds_the_schema(void **state)
{
    static const uint64_t less[] = {0, CAPABILITY_DEPRECATE_EOF};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_new(1, NULL);
        struct client *client = client_log_in_as(
            world, &(struct client_login){.schema = "shop",
                                          .capabilities = CLIENT_CAPABILITIES & ~less[i]});
        struct connection *connection;

        client_send(client, COMMAND_INIT_DB, "store", 5);
        client_expect(client, "ok schema=store");
        client_send(client, COMMAND_FIELD_LIST, "t\0%", 3);
        connection = server_expect(world, PRIMARY, "FIELD_LIST t");
        assert_non_null(strstr(connection->log, "INIT_DB store; FIELD_LIST t"));
        answer_fields(connection, "a,b", "");
        client_expect(client, "fields 2");
        assert_int_equal(pins(world), 0);

        client_send(client, COMMAND_FIELD_LIST, "nosuch\0", 7);
        connection = server_expect(world, PRIMARY, "FIELD_LIST nosuch");
        answer_error(connection, 1146, "Table 'store.nosuch' doesn't exist");
        client_expect_error(client, 1146, "store.nosuch");
        write_one(world, client);
        world_end(world);
    }
}

/* The session's own temporary table is on the connection it holds. */
static void field_list_stays_on_a_held_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection = begin(world, client);

    (void)state;
    client_send(client, COMMAND_FIELD_LIST, "t\0", 2);
    connection_expect(connection, "FIELD_LIST t");
    answer_fields(connection, "a", "trans");
    client_expect(client, "fields 1");
    client_send(client, COMMAND_STATISTICS, NULL, 0);
    connection_expect(connection, "STATISTICS");
    answer_payload(connection, bytes_of_text("Uptime: 5"));
    answer_done(connection);
    client_expect(client, "text Uptime: 5");
    assert_int_equal(pins(world), PIN_TRANSACTION);
    commit(client, connection);
    assert_int_equal(pins(world), 0);
    world_end(world);
}

static void refused_statistics(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_send(client, COMMAND_STATISTICS, NULL, 0);
    answer_error(server_expect(world, PRIMARY, "STATISTICS"), 1227, "Access denied");
    client_expect_error(client, 1227, "Access denied");
    write_one(world, client);
    world_end(world);
}

/* ---- SET_OPTION ---- */

/* Nobody has to be asked: the session's statements run on connections of the other kind. */
static void set_option_chooses_other_connections(void **state)
{
    static const uint64_t less[] = {0, CAPABILITY_DEPRECATE_EOF};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_new(1, NULL);
        struct client *client = client_log_in_as(
            world, &(struct client_login){.capabilities = CLIENT_CAPABILITIES & ~less[i]});

        write_one(world, client);
        send_option(client, 1);
        client_expect(client, "eof");
        world_expect_nothing(world);
        write_one(world, client);
        send_option(client, 0);
        client_expect(client, "eof");
        write_one(world, client);
        assert_true(server_connection(world, PRIMARY, 1)->capabilities &
                    CAPABILITY_MULTI_STATEMENTS);
        assert_false(server_connection(world, PRIMARY, 2)->capabilities &
                     CAPABILITY_MULTI_STATEMENTS);
        assert_int_equal(world->scripts[PRIMARY].count, 2);
        world_end(world);
    }
}

/* A held connection is told, and nobody else gets it afterwards. */
static void set_option_on_a_held_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin(world, client);

    (void)state;
    send_option(client, 1);
    world_run(world);
    assert_int_equal(connection->first->code, COMMAND_SET_OPTION);
    assert_int_equal(connection->first->payload[1], 1);
    connection_expect(connection, connection->first->text);
    answer_end(connection, "trans");
    client_expect(client, "eof (trans)");
    assert_int_equal(pins(world), PIN_TRANSACTION);
    commit(client, connection);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    write_one(world, client);
    assert_false(server_connection(world, PRIMARY, 2)->capabilities & CAPABILITY_MULTI_STATEMENTS);
    world_end(world);
}

static void unknown_options(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    send_option(client, 2);
    client_expect_error(client, 1047, "08S01 Unknown");
    client_send(client, COMMAND_SET_OPTION, "\1", 1);
    client_expect_error(client, 1047, "08S01 Unknown");
    world_expect_nothing(world);
    write_one(world, client);
    world_end(world);
}

/* ---- not served ---- */

/* Every code there is, also in the middle of a transaction, which goes on. */
static void commands_that_are_not_served(void **state)
{
    static const uint8_t served[] = {COMMAND_QUIT,
                                     COMMAND_INIT_DB,
                                     COMMAND_QUERY,
                                     COMMAND_FIELD_LIST,
                                     COMMAND_STATISTICS,
                                     COMMAND_PROCESS_KILL,
                                     COMMAND_PROCESS_INFO,
                                     COMMAND_REFRESH,
                                     COMMAND_DEBUG,
                                     COMMAND_SHUTDOWN,
                                     COMMAND_PING,
                                     COMMAND_CHANGE_USER,
                                     COMMAND_STMT_PREPARE,
                                     COMMAND_STMT_EXECUTE,
                                     COMMAND_STMT_BULK_EXECUTE,
                                     COMMAND_STMT_SEND_LONG_DATA,
                                     COMMAND_STMT_CLOSE,
                                     COMMAND_STMT_RESET,
                                     COMMAND_SET_OPTION,
                                     COMMAND_STMT_FETCH,
                                     COMMAND_RESET_CONNECTION,
                                     COMMAND_REGISTER_REPLICA,
                                     COMMAND_BINLOG_DUMP,
                                     COMMAND_BINLOG_DUMP_GTID};
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = begin(world, client);
    unsigned refused = 0;

    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        if (memchr(served, (int)code, sizeof served) == NULL) {
            client_send(client, code, "\1\0\0\0", 4);
            client_expect_error(client, 1047, "08S01 Unknown command");
            refused++;
        }
    }
    assert_int_equal(refused, 256 - sizeof served);
    world_expect_nothing(world);
    commit(client, connection);
    client_send(client, COMMAND_CLONE, NULL, 0);
    client_expect_error(client, 1047, "COM_CLONE");
    write_one(world, client);
    world_end(world);
}

/* About the server itself: the primary, whatever its answer is. */
static void commands_about_the_server(void **state)
{
    static const struct {
        uint8_t code;
        const char *name;
    } commands[] = {{COMMAND_DEBUG, "DEBUG"},
                    {COMMAND_REFRESH, "REFRESH"},
                    {COMMAND_PROCESS_INFO, "PROCESS_INFO"},
                    {COMMAND_SHUTDOWN, "SHUTDOWN"}};
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        client_send(client, commands[i].code, NULL, 0);
        answer_error(server_expect(world, PRIMARY, commands[i].name), 1227, "Access denied");
        client_expect_error(client, 1227, "Access denied");
    }
    client_send(client, COMMAND_PROCESS_INFO, NULL, 0);
    answer_rows(server_expect(world, PRIMARY, "PROCESS_INFO"), "Id,User", "1,app", "");
    client_expect(client, "rows 1,app");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field_list_finds_the_schema),
        cmocka_unit_test(field_list_stays_on_a_held_connection),
        cmocka_unit_test(refused_statistics),
        cmocka_unit_test(set_option_chooses_other_connections),
        cmocka_unit_test(set_option_on_a_held_connection),
        cmocka_unit_test(unknown_options),
        cmocka_unit_test(commands_that_are_not_served),
        cmocka_unit_test(commands_about_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
