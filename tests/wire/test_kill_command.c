/*
 * KILL by clients: the ids that the proxy shows, mapped to sessions and server connections.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

static struct client *log_in_on(struct world *world, unsigned worker, const char *user)
{
    struct client_login login = {.worker = worker, .user = user};

    if (user != NULL) {
        login.password = "hidden";
    }
    return client_log_in_as(world, &login);
}

static void kill_by(struct client *asker, const char *words, const struct client *target)
{
    char sql[64];

    snprintf(sql, sizeof sql, "%s %u", words, target->id);
    client_query(asker, sql);
}

/* From another worker; the server's own number is in what the server gets. */
static void query_is_killed_on_its_server(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;
    struct connection *killer;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    kill_by(asker, "KILL QUERY", client);
    killer = server_expect(world, PRIMARY, "QUERY KILL QUERY 1");
    assert_string_equal(killer->user, "app");
    client_expect_nothing(asker);
    answer_ok(killer, "");
    client_expect(asker, "ok");
    assert_true(killer->wire->proxy_closed);
    answer_error(connection, 1317, "Query execution was interrupted");
    client_expect_error(client, 1317, "Query execution was interrupted");
    /* It lives on, with its connection. */
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

static void session_is_killed_in_silence(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *idle = log_in_on(world, 1, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    kill_by(asker, "KILL", client);
    client_expect(asker, "ok");
    client_expect_closed(client);
    assert_true(connection->wire->proxy_closed);
    answer_ok(server_expect(world, PRIMARY, "QUERY KILL 1"), "");
    kill_by(asker, "KILL CONNECTION", idle);
    client_expect(asker, "ok");
    client_expect_closed(idle);
    world_end(world);
}

static void idle_session_has_no_query(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    kill_by(asker, "KILL QUERY", client);
    client_expect(asker, "ok");
    world_expect_nothing(world);
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

static void others_and_unknown_ids_are_refused(void **state)
{
    struct world *world = world_new(3, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *other = log_in_on(world, 1, "other");
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "You are not owner of thread %u", client->id);
    kill_by(other, "KILL", client);
    client_expect_error(other, 1095, text);
    kill_by(other, "KILL QUERY", client);
    client_expect_error(other, 1095, text);
    client_query(other, "KILL 99999999");
    client_expect_error(other, 1094, "Unknown thread id: 99999999");
    client_query(other, "KILL QUERY 99999999999");
    client_expect_error(other, 1094, "Unknown thread id: 99999999999");
    client_query(other, "KILL USER app");
    client_expect_error(other, 1235, "KILL USER");
    client_query(other, "KILL 1 + 1");
    client_expect_error(other, 1235, "with a number");
    client_query(other, "DO 1; KILL 1");
    client_expect_error(other, 1235, "only by itself");
    world_expect_nothing(world);
    world_end(world);
}

/* The forms that name no connection, or are no SQL there, are for the server. */
static void what_needs_no_mapping_is_the_servers(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "KILL QUERY ID 7");
    connection = server_expect(world, PRIMARY, "QUERY KILL QUERY ID 7");
    answer_error(connection, 1957, "Unknown query id: 7");
    client_expect_error(client, 1957, "Unknown query id: 7");
    world->facts.flavor = FLAVOR_MYSQL;
    world_publish(world);
    world_run(world);
    client_query(client, "KILL HARD 7");
    connection_expect(connection, "QUERY KILL HARD 7");
    answer_error(connection, 1064, "You have an error in your SQL syntax");
    client_expect_error(client, 1064, "You have an error");
    world_end(world);
}

static void one_may_kill_oneself(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 1, NULL);
    struct client *by_name = log_in_on(world, 0, NULL);

    (void)state;
    kill_by(client, "KILL QUERY", client);
    client_expect_error(client, 1317, "Query execution was interrupted");
    client_query(client, "KILL QUERY CONNECTION_ID()");
    client_expect_error(client, 1317, "Query execution was interrupted");
    kill_by(client, "KILL", client);
    client_expect_error(client, 1927, "Connection was killed");
    client_expect_closed(client);
    world->facts.flavor = FLAVOR_MYSQL;
    world_publish(world);
    client_query(by_name, "KILL CONNECTION_ID();");
    client_expect_error(by_name, 1317, "Query execution was interrupted");
    client_expect_closed(by_name);
    world_expect_nothing(world);
    world_end(world);
}

/* The one to be killed is the one who fills the server. */
static void killing_needs_no_room(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *waiting = log_in_on(world, 1, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    client_query(waiting, "DELETE FROM shop.u");
    client_expect_nothing(waiting);
    kill_by(asker, "KILL SOFT QUERY", client);
    answer_ok(server_expect(world, PRIMARY, "QUERY KILL SOFT QUERY 1"), "");
    client_expect(asker, "ok");
    assert_int_equal(world_permits(world, PRIMARY), 1);
    kill_by(asker, "KILL QUERY", waiting);
    client_expect(asker, "ok");
    client_expect_error(waiting, 1317, "interrupted");
    answer_error(connection, 1317, "Query execution was interrupted");
    client_expect_error(client, 1317, "interrupted");
    client_query(waiting, "DELETE FROM shop.u");
    world_advance_ms(world, 200); /* the warnings there could be asked for, but somebody waits */
    answer_ok(world_expect(world, "QUERY DELETE FROM shop.u"), "");
    client_expect(waiting, "ok");
    world_end(world);
}

/* A KILL that was on its way when the command ended would hit what runs there next. */
static void late_kill_hits_nobody_else(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *asker = client_log_in(world, NULL);
    struct connection *connection;
    struct connection *killer;
    struct connection *next;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    kill_by(asker, "KILL QUERY", client);
    killer = server_expect(world, PRIMARY, "QUERY KILL QUERY 1");
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_query(client, "DELETE FROM shop.u");
    next = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.u");
    assert_ptr_not_equal(next, connection);
    assert_true(connection->wire->proxy_closed);
    answer_ok(next, "");
    client_expect(client, "ok");
    answer_ok(killer, "");
    client_expect(asker, "ok");
    world_end(world);
}

/* The same for a session that keeps its connection: its next command waits. */
static void transaction_waits_for_the_kill(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *asker = client_log_in(world, NULL);
    struct connection *connection;
    struct connection *killer;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    kill_by(asker, "KILL QUERY", client);
    killer = server_expect(world, PRIMARY, "QUERY KILL QUERY 1");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "COMMIT");
    world_run(world);
    assert_null(connection->first);
    answer_ok(killer, "");
    client_expect(asker, "ok");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

/* The command ended while the KILL's connection was made: the KILL is not sent. */
static void nothing_is_sent_once_the_command_has_ended(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *asker = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    world->scripts[PRIMARY].holds_connects = true;
    kill_by(asker, "KILL QUERY", client);
    client_expect_nothing(asker);
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    /* Another one, which is not meant. */
    client_query(client, "DELETE FROM shop.u");
    connection_expect(connection, "QUERY DELETE FROM shop.u");
    server_connection(world, PRIMARY, 2)->wire->held = false;
    client_expect(asker, "ok");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    /* And when that connection cannot be had, who asked is told. */
    client_query(client, "DELETE FROM shop.u");
    connection_expect(connection, "QUERY DELETE FROM shop.u");
    world->scripts[PRIMARY].holds_connects = false;
    world->scripts[PRIMARY].connect_status = UV_ECONNREFUSED;
    kill_by(asker, "KILL QUERY", client);
    client_expect_error(asker, 2013, "cannot connect to server db1");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    world_end(world);
}

static void prepared_kill_is_mapped_too(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;
    char value[16];

    (void)state;
    client_send(asker, COMMAND_STMT_PREPARE, "KILL ?", 6);
    connection = server_expect(world, PRIMARY, "PREPARE KILL ?");
    answer_prepared(connection, 1, 0);
    client_expect(asker, "prepared 1 parameters=1 columns=0");
    snprintf(value, sizeof value, "%u", client->id);
    client_execute(asker, 1, value, true);
    client_expect(asker, "ok");
    client_expect_closed(client);
    client_execute(asker, 1, value, false);
    client_expect_error(asker, 1094, "Unknown thread id");
    world_end(world);
}

static void process_kill_is_kill(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    uint8_t id[4] = {(uint8_t)client->id, (uint8_t)(client->id >> 8), 0, 0};

    (void)state;
    client_send(asker, COMMAND_PROCESS_KILL, id, sizeof id);
    client_expect(asker, "ok");
    client_expect_closed(client);
    client_send(asker, COMMAND_PROCESS_KILL, id, sizeof id);
    client_expect_error(asker, 1094, "Unknown thread id");
    world->facts.flavor = FLAVOR_MYSQL;
    world_publish(world);
    client_send(asker, COMMAND_PROCESS_KILL, id, sizeof id);
    client_expect_error(asker, 1047, "Unknown command");
    world_end(world);
}

/* The asker goes away while others look for what it wants to kill. */
static void asker_need_not_wait(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *client = log_in_on(world, 0, NULL);
    struct client *asker = log_in_on(world, 1, NULL);
    struct connection *connection;
    struct connection *killer;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    kill_by(asker, "KILL QUERY", client);
    killer = server_expect(world, PRIMARY, "QUERY KILL QUERY 1");
    client_leave(asker);
    world_run(world);
    answer_ok(killer, "");
    world_run(world);
    connection_lose(connection);
    client_expect_error(client, 2013, "lost");
    world_thread_gone(world, PRIMARY, 1);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_is_killed_on_its_server),
        cmocka_unit_test(session_is_killed_in_silence),
        cmocka_unit_test(idle_session_has_no_query),
        cmocka_unit_test(others_and_unknown_ids_are_refused),
        cmocka_unit_test(what_needs_no_mapping_is_the_servers),
        cmocka_unit_test(one_may_kill_oneself),
        cmocka_unit_test(killing_needs_no_room),
        cmocka_unit_test(late_kill_hits_nobody_else),
        cmocka_unit_test(transaction_waits_for_the_kill),
        cmocka_unit_test(nothing_is_sent_once_the_command_has_ended),
        cmocka_unit_test(prepared_kill_is_mapped_too),
        cmocka_unit_test(process_kill_is_kill),
        cmocka_unit_test(asker_need_not_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
