/*
 * PAUSE and RESUME: what begins waits, what runs goes on, and who holds locks may end.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/command.h"
#include "proxy/client/session.h"

#include <string.h>

static void set_paused(struct world *world, bool is_paused)
{
    atomic_store(&world->process.is_paused, is_paused);
    for (unsigned i = 0; i < world->worker_count; i++) {
        struct session *next;

        for (struct session *session = world->workers[i].sessions; session != NULL;
             session = next) {
            next = session->next;
            command_recall(session, -1);
        }
        worker_wake(&world->workers[i]);
    }
}

static void statements_wait_until_resumed(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *late;
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    set_paused(world, true);
    answer_ok(connection, ""); /* what runs ends */
    client_expect(client, "ok");
    client_query(client, "SELECT a FROM shop.t");
    late = client_log_in(world, NULL); /* without a schema to enter no server is needed */
    client_query(late, "DELETE FROM shop.t");
    client_send(late, COMMAND_PING, NULL, 0);
    world_advance_ms(world, 60000); /* longer than failover_wait_ms */
    client_expect_nothing(client);
    world_expect_nothing(world);
    set_paused(world, false);
    answer_row(world_expect(world, "QUERY SELECT a FROM shop.t"), "1");
    client_expect(client, "rows 1");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(late, "ok");
    client_expect(late, "ok");
    world_end(world);
}

static void transactions_go_on_to_their_end(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    set_paused(world, true);
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    client_query(client, "BEGIN");
    world_expect_nothing(world);
    client_expect_nothing(client);
    set_paused(world, false);
    answer_ok(server_expect(world, PRIMARY, "QUERY BEGIN"), "trans");
    client_expect(client, "ok trans");
    world_end(world);
}

/* It holds its connection while it waits, and the state on it. */
static void pinned_session_waits_with_its_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SET ROLE r");
    connection = server_expect(world, PRIMARY, "QUERY SET ROLE r");
    answer_ok(connection, "");
    client_expect(client, "ok");
    set_paused(world, true);
    client_query(client, "SELECT 1");
    world_expect_nothing(world);
    set_paused(world, false);
    connection_expect(connection, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");

    /* Lost while it waits: the state is gone, so the session is. */
    set_paused(world, true);
    client_query(client, "SELECT 1");
    world_expect_nothing(world);
    connection_lose(connection);
    client_expect_error(client, 2013, "lost the connection to server db1");
    client_expect_closed(client);
    set_paused(world, false);
    client_query(other, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(other, "ok");
    world_end(world);
}

static void who_waits_for_a_connection_is_held_back(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *holder = client_log_in(world, NULL);
    struct client *waiter = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(holder, "DELETE FROM shop.t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    client_query(waiter, "DELETE FROM shop.u");
    world_advance_ms(world, 500);
    set_paused(world, true);
    answer_ok(connection, "");
    client_expect(holder, "ok");
    world_advance_ms(world, 30000); /* longer than [pool] wait_timeout_ms */
    client_expect_nothing(waiter);
    world_expect_nothing(world);
    set_paused(world, false);
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.u"), "");
    client_expect(waiter, "ok");
    /* Both waits are counted: in the queue, and for RESUME. */
    assert_int_equal(world->workers[0].statistics.counters.wait_ns, 30500000000);
    world_end(world);
}

static void nobody_waits_for_ever(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    set_paused(world, true);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, COMMAND_PAUSE_MS - 1000);
    client_expect_nothing(client);
    world_advance_ms(world, 2000);
    client_expect_error(client, 1105, "statements are paused, and nobody has resumed them");
    world_end(world);
}

/* The time of the pause does not count against failover_wait_ms. */
static void failover_wait_begins_at_the_end_of_the_pause(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=5000", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    set_paused(world, true);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 20000);
    world->primary = -1;
    world->servers[PRIMARY].role = ROLE_UNKNOWN;
    world->servers[PRIMARY].usable = false;
    world_publish(world);
    set_paused(world, false);
    world_advance_ms(world, 4000);
    client_expect_nothing(client);
    world_advance_ms(world, 1200);
    client_expect_error(client, 1105, "failover_wait_ms");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_wait_until_resumed),
        cmocka_unit_test(transactions_go_on_to_their_end),
        cmocka_unit_test(pinned_session_waits_with_its_connection),
        cmocka_unit_test(who_waits_for_a_connection_is_held_back),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(failover_wait_begins_at_the_end_of_the_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
