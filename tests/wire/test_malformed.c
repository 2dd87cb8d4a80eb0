/*
 * Bad input at every stage: the connection concerned ends, with an error and a log line, and nobody
 * else notices.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/memory.h"

#include <string.h>
#include <uv.h>

/* A second client, which must be served as before. */
static void assert_others_are_well(struct world *world)
{
    struct client *other;

    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].silent = false;
        world->scripts[i].greeting_bytes = NULL;
        world->scripts[i].lacks = 0;
    }
    other = client_log_in(world, "shop");
    client_query(other, "INSERT INTO t VALUES (1)");
    answer_ok(server_expect(world, PRIMARY, "QUERY INSERT INTO t VALUES (1)"), "affected=1");
    client_expect(other, "ok affected=1");
    client_query(other, "SELECT a FROM t");
    answer_row(world_expect(world, "QUERY SELECT a FROM t"), "1");
    client_expect(other, "rows 1");
}

/* ---- clients ---- */

/* What a client sends in place of its login packet ends in this error. */
static void login_bytes(const void *data, size_t size, const char *error)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);

    world_run(world);
    wire_consume(client->wire, wire_unread(client->wire).size);
    client_send_part(client, data, size);
    world_run(world);
    assert_true(wire_unread(client->wire).size > 4);
    client->sequence = wire_unread(client->wire).data[3]; /* whichever: the packet is looked at */
    assert_string_equal(client_end_login(client), error);
    client_expect_closed(client);
    assert_true(world_logged(world, "reason=\"error 1"));
    assert_others_are_well(world);
    world_end(world);
}

static void bad_logins(void **state)
{
    static uint8_t junk[300];

    (void)state;
    memset(junk, 0xa5, sizeof junk);
    login_bytes("\3\0\0\1abc", 7, "error 1043 08S01 Bad handshake");
    login_bytes("\0\0\0\1", 4, "error 1043 08S01 Bad handshake");
    login_bytes("\xff\xff\xff\1", 4, "error 1043 08S01 Bad handshake");
    memcpy(junk, "\x28\1\0\1", 4);
    /* It says that it does not speak protocol 4.1: then there is no SQLSTATE. */
    login_bytes(junk, sizeof junk, "error 1043 HY000 Bad handshake");
    junk[5] |= 2;
    login_bytes(junk, sizeof junk, "error 1043 08S01 Bad handshake");
    login_bytes("\1\0\0\0\3", 5, "error 1156 08S01 Got packets out of order");
}

static void client_hangs_up_in_the_middle_of_a_login(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);

    (void)state;
    world_run(world);
    client_send_part(client, "\x40\0\0\1abc", 7);
    client_leave(client);
    world_run(world);
    assert_true(client->wire->proxy_closed);
    assert_others_are_well(world);
    world_end(world);
}

static void wrong_password_and_unknown_user(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);
    struct client *stranger = client_connect(world, 0);
    struct client *nobody = client_connect(world, 0);

    (void)state;
    client_begin_login(client, &(struct client_login){.password = "wrong"});
    assert_string_equal(client_end_login(client),
                        "error 1045 28000 Access denied for user 'app'@'127.0.0.1' "
                        "(using password: YES)");
    client_begin_login(stranger, &(struct client_login){.user = "stranger"});
    assert_string_equal(client_end_login(stranger),
                        "error 1045 28000 Access denied for user 'stranger'@'127.0.0.1' "
                        "(using password: YES)");
    client_begin_login(nobody, &(struct client_login){.password = ""});
    assert_string_equal(client_end_login(nobody),
                        "error 1045 28000 Access denied for user 'app'@'127.0.0.1' "
                        "(using password: NO)");
    assert_others_are_well(world);
    world_end(world);
}

/* Bytes after a good login, and the error they end in; NULL: none, the session lives on. */
static void command_bytes(const void *data, size_t size, unsigned code)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    client_send_part(client, data, size);
    client->codes[0] = COMMAND_QUERY;
    client->first = 0;
    client->count = 1;
    client_expect_error(client, code, "");
    client_expect_closed(client);
    assert_others_are_well(world);
    world_end(world);
}

static void bad_commands(void **state)
{
    (void)state;
    command_bytes("\5\0\0\3\3DO 1", 9, 1156); /* wrong sequence */
    command_bytes("\1\0\0\0\x17", 5, 1835);   /* EXECUTE without an id */
    command_bytes("\1\0\0\0\x1a", 5, 1835);   /* RESET likewise */
    command_bytes("\1\0\0\0\x11", 5, 1047);   /* CHANGE_USER without a user */
}

static void too_long_commands(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    char *name = mem_alloc(300000);

    (void)state;
    memset(name, 'x', 300000);
    client_send(client, COMMAND_INIT_DB, name, 300000);
    client_expect_error(client, 1153, "bigger");
    client_expect_closed(client);
    mem_free(name);
    assert_others_are_well(world);
    world_end(world);
}

/* ---- servers ---- */

static void greeting_bytes(const char *data, size_t size, const char *problem)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=0", NULL);
    struct client *client = client_log_in(world, NULL);

    world->scripts[PRIMARY].greeting_bytes = data;
    world->scripts[PRIMARY].greeting_size = size;
    client_query(client, "DELETE FROM shop.t");
    world_run(world);
    if (wire_unread(client->wire).size == 0) { /* it waits for the rest of a packet */
        world_advance_ms(world, 11000);
    }
    assert_non_null(client_read(client));
    if (strncmp(client->answer, "error ", 6) != 0 || strstr(client->answer, problem) == NULL) {
        fail_msg("expected an error with \"%s\", got: %s", problem, client->answer);
    }
    assert_int_equal(world_permits(world, PRIMARY), 0);
    assert_others_are_well(world);
    world_end(world);
}

static void bad_greetings(void **state)
{
    static char junk[70000];

    (void)state;
    memset(junk, 'j', sizeof junk);
    greeting_bytes("\4\0\0\0\x09"
                   "abc",
                   8, "greeting is malformed");
    greeting_bytes("\1\0\0\0\x0a", 5, "greeting is malformed");
    greeting_bytes(junk, sizeof junk, "too long");
    greeting_bytes("\x0a\0\0\0\x0a"
                   "5",
                   6, "did not complete the login");
    greeting_bytes("\x17\0\0\0\xff\x10\x04Too many connections", 27, "Too many connections");
}

static void server_lacks_what_the_client_was_promised(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=0", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].lacks = CAPABILITY_DEPRECATE_EOF;
    client_query(client, "DELETE FROM shop.t");
    client_expect_error(client, 1043, "lacks a protocol capability");
    assert_others_are_well(world);
    world_end(world);
}

/* A server that answers a write with these bytes. */
static void answer_bytes(const void *data, size_t size, const char *problem)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    wire_write(connection->wire, data, size);
    client_expect_error(client, 2013, problem);
    assert_true(connection->wire->proxy_closed);
    assert_true(world_logged(world, problem));
    connection_lose(connection);
    assert_others_are_well(world);
    world_end(world);
}

static void bad_answers(void **state)
{
    static uint8_t junk[2000];

    (void)state;
    memset(junk, 0x5a, sizeof junk);
    answer_bytes("\7\0\0\2\0\0\0\2\0\0\0", 11, "packets out of order");
    answer_bytes("\0\0\0\1", 4, "empty packet");
    answer_bytes("\2\0\0\1\0\xfc", 6, "malformed OK packet");
    answer_bytes("\1\0\0\1\xff", 5, "malformed ERR packet");
    answer_bytes("\2\0\0\1\xfc\1", 6, "malformed column count");
    answer_bytes("\xff\xff\xff\1\0", 5, "too long");
    answer_bytes(junk, sizeof junk, "out of order");
}

/* Bytes that nobody asked for, on an idle connection and on a pinned one. */
static void unasked_bytes(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    wire_write(connection->wire, "\7\0\0\1\0\0\0\2\0\0\0", 11);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    wire_write(connection->wire, "x", 1);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    client_expect_closed(client);
    assert_others_are_well(world);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_logins),
        cmocka_unit_test(client_hangs_up_in_the_middle_of_a_login),
        cmocka_unit_test(wrong_password_and_unknown_user),
        cmocka_unit_test(bad_commands),
        cmocka_unit_test(too_long_commands),
        cmocka_unit_test(bad_greetings),
        cmocka_unit_test(server_lacks_what_the_client_was_promised),
        cmocka_unit_test(bad_answers),
        cmocka_unit_test(unasked_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
