/*
 * KILL SESSION: what the client sees, and that nothing goes on at the server.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/kill.h"
#include "proxy/client/session.h"

#include <string.h>

static struct session *session_of(const struct client *client)
{
    for (unsigned i = 0; i < client->world->worker_count; i++) {
        for (struct session *session = client->world->workers[i].sessions; session != NULL;
             session = session->next) {
            if (session->id == client->id) {
                return session;
            }
        }
    }
    return NULL;
}

static struct kill_outcome kill_session(struct client *client)
{
    struct kill_outcome outcome;

    session_kill(session_of(client), false, &outcome);
    return outcome;
}

/* Between statements servers say nothing. */
static void idle_session_is_closed_without_a_word(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    assert_false(kill_session(client).statement_killed);
    client_expect_closed(client);
    world_end(world);
}

static void transaction_is_not_left_open(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    assert_false(kill_session(client).statement_killed);
    client_expect_closed(client);
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

/* The server would go on with the statement: it is told to end it, by the same user. */
static void running_statement_is_killed(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection;
    struct connection *killer;
    struct kill_outcome outcome;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    client_query(other, "DELETE FROM shop.u");
    outcome = kill_session(client);
    assert_true(outcome.statement_killed);
    assert_int_equal(outcome.server, PRIMARY);
    assert_int_equal(outcome.thread_id, connection->number);
    client_expect_error(client, 1927, "Connection was killed");
    client_expect_closed(client);
    killer = server_expect(world, PRIMARY, "QUERY KILL 1");
    assert_string_equal(killer->user, "app");
    assert_true(connection->wire->proxy_closed);
    /* The limit holds: who waits gets a connection when the KILL is done. */
    assert_int_equal(world_permits(world, PRIMARY), 1);
    client_expect_nothing(other);
    answer_ok(killer, "");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.u");
    assert_true(killer->wire->proxy_closed);
    answer_ok(connection, "");
    client_expect(other, "ok");
    world_end(world);
}

/* It had ended by itself. */
static void killing_what_has_ended_is_no_failure(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *killer;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    (void)kill_session(client);
    killer = server_expect(world, PRIMARY, "QUERY KILL 1");
    answer_error(killer, 1094, "Unknown thread id: 1");
    world_run(world);
    assert_true(killer->wire->proxy_closed);
    assert_int_equal(world_permits(world, PRIMARY), 0);
    world_end(world);
}

/* Half a result is no place for an error. */
static void session_in_the_middle_of_an_answer_is_closed(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT a FROM shop.t FOR UPDATE");
    connection = server_expect(world, PRIMARY, "QUERY SELECT a FROM shop.t FOR UPDATE");
    answer_columns(connection, "a");
    world_run(world);
    (void)kill_session(client);
    answer_ok(server_expect(world, PRIMARY, "QUERY KILL 1"), "");
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

static void waiting_session_leaves_the_queue(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *holder = client_log_in(world, NULL);
    struct client *waiter = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(holder, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    client_query(waiter, "DELETE FROM shop.u");
    world_run(world);
    assert_false(kill_session(waiter).statement_killed);
    client_expect_error(waiter, 1927, "Connection was killed");
    client_expect_closed(waiter);
    answer_ok(connection, "");
    client_expect(holder, "ok");
    world_expect_nothing(world);
    world_end(world);
}

static void mysql_says_it_in_its_own_way(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->facts.flavor = FLAVOR_MYSQL;
    world_publish(world);
    world_run(world);
    client_query(client, "DELETE FROM shop.t");
    server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    (void)kill_session(client);
    client_expect_error(client, 1053, "killed by an administrator");
    answer_ok(server_expect(world, PRIMARY, "QUERY KILL 1"), "");
    world_end(world);
}

static void session_that_logs_in_is_closed(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_connect(world, 0);

    (void)state;
    world_run(world);
    session_kill(world->workers[0].sessions, false, &(struct kill_outcome){0});
    world_run(world);
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_session_is_closed_without_a_word),
        cmocka_unit_test(transaction_is_not_left_open),
        cmocka_unit_test(running_statement_is_killed),
        cmocka_unit_test(killing_what_has_ended_is_no_failure),
        cmocka_unit_test(session_in_the_middle_of_an_answer_is_closed),
        cmocka_unit_test(waiting_session_leaves_the_queue),
        cmocka_unit_test(mysql_says_it_in_its_own_way),
        cmocka_unit_test(session_that_logs_in_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
