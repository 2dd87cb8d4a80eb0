/*
 * EXPLAIN ROUTE says where statements really go, and changes nothing.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/backend/pool.h"
#include "proxy/client/explain_route.h"
#include "proxy/client/session.h"

#include <string.h>

static struct session *session_of(const struct client *client)
{
    for (struct session *session = client->world->workers[0].sessions; session != NULL;
         session = session->next) {
        if (session->id == client->id) {
            return session;
        }
    }
    return NULL;
}

static struct route_explanation explanation;

static int chosen(void)
{
    int found = -1;

    for (size_t i = 0; i < explanation.count; i++) {
        assert_true(explanation.servers[i].is_listed);
        assert_string_not_equal(explanation.servers[i].reason, "");
        if (explanation.servers[i].is_chosen) {
            assert_int_equal(found, -1);
            found = (int)i;
        }
    }
    return found;
}

static int ask(struct client *client, const char *sql)
{
    explain_route(session_of(client), bytes_of_text(sql), &explanation);
    return chosen();
}

static int ask_anew(struct world *world, const char *schema, const char *sql)
{
    explain_route_for(&world->workers[0], 0, bytes_of_text(schema), bytes_of_text(sql),
                      &explanation);
    return chosen();
}

static bool is_replica(int server)
{
    return server == REPLICA_1 || server == REPLICA_2;
}

/* Where it really goes: that, and nothing else, gets the statement. */
static struct connection *put(struct client *client, const char *sql, int server)
{
    char text[256];

    snprintf(text, sizeof text, "QUERY %s", sql);
    client_query(client, sql);
    assert_true(server >= 0);
    return server_expect(client->world, (unsigned)server, text);
}

static void new_sessions(void **state)
{
    struct world *world = world_new(1, NULL);

    (void)state;
    world_replicas_follow(world);
    assert_true(is_replica(ask_anew(world, "shop", "SELECT a FROM t WHERE b = 'x'")));
    assert_int_equal(explanation.class, STATEMENT_READ);
    assert_int_equal(explanation.target, TARGET_REPLICA);
    assert_non_null(strstr(explanation.servers[PRIMARY].reason, "only when no replica may"));
    assert_int_equal(ask_anew(world, "", "INSERT INTO shop.t VALUES (1)"), PRIMARY);
    assert_string_equal(explanation.servers[REPLICA_1].reason, "only the primary may serve it");
    assert_int_equal(ask_anew(world, "", "CALL shop.p()"), PRIMARY);
    assert_true(explanation.pins & PIN_PROGRAM);
    /* In no schema nobody knows which table is meant. */
    assert_int_equal(ask_anew(world, "", "SELECT a FROM t"), PRIMARY);
    assert_int_equal(ask_anew(world, "", "SELECT CONNECTION_ID()"), -1);
    assert_non_null(strstr(explanation.servers[PRIMARY].reason, "answers by itself"));
    assert_null(world->workers[0].pool->groups); /* asking opens no connections */
    world_end(world);
}

static void servers_that_may_not(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_CONSISTENCY_MAX_LAG_MS=10000", NULL);

    (void)state;
    world_replicas_follow(world);
    world->servers[REPLICA_1].usable = false;
    world->servers[REPLICA_1].state = STATE_DRAINING;
    world->servers[REPLICA_1].why_not = "draining";
    world_publish(world);
    world_run(world);
    atomic_store(&world->gauges[REPLICA_2].lag_ns, 12000000000);
    assert_int_equal(ask_anew(world, "shop", "SELECT a FROM t"), PRIMARY);
    assert_string_equal(explanation.servers[REPLICA_1].reason, "not usable: draining");
    assert_string_equal(explanation.servers[REPLICA_2].reason,
                        "12000 ms behind, more than max_lag_ms = 10000");
    /* Nobody has asked it yet, or it has not answered. */
    atomic_store(&world->gauges[REPLICA_1].lag_ns, UINT64_MAX);
    atomic_store(&world->gauges[REPLICA_2].lag_ns, UINT64_MAX);
    assert_int_equal(ask_anew(world, "shop", "SELECT a FROM t"), PRIMARY);
    assert_string_equal(explanation.servers[REPLICA_1].reason, "not usable: draining");
    assert_string_equal(explanation.servers[REPLICA_2].reason, "how far it is behind is not known");
    world_end(world);
}

static void what_a_session_has_done(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;
    uint64_t written;
    unsigned wants;
    int server;

    (void)state;
    world_replicas_follow(world);
    server = ask(client, "SELECT a FROM t");
    assert_true(is_replica(server));
    answer_row(put(client, "SELECT a FROM t", server), "1");
    client_expect(client, "rows 1");

    /* It has written: no replica is that far. */
    world_replicas_stop(world);
    connection = put(client, "DELETE FROM t", ask(client, "DELETE FROM t"));
    world_advance_ms(world, 50);
    answer_ok(connection, "");
    client_expect(client, "ok");
    written = world->now;
    world_advance_ms(world, 20);
    wants = world->wants;
    assert_int_equal(ask(client, "SELECT a FROM t"), PRIMARY);
    assert_int_equal(world->wants, wants); /* the monitors are not asked */
    assert_int_equal(explanation.floor_ns, written);
    assert_non_null(strstr(explanation.servers[REPLICA_1].reason, "ms below the floor"));
    answer_row(put(client, "SELECT a FROM t", PRIMARY), "1");
    client_expect(client, "rows 1");

    /* In a transaction. */
    answer_ok(put(client, "BEGIN", ask(client, "BEGIN")), "trans");
    client_expect(client, "ok trans");
    world_replicas_follow(world);
    assert_int_equal(ask(client, "SELECT a FROM t"), PRIMARY);
    assert_string_equal(explanation.servers[PRIMARY].reason,
                        "the session holds a connection to it (transaction)");
    assert_int_equal(explanation.target, TARGET_SESSION);
    assert_int_equal(session_of(client)->pins, PIN_TRANSACTION);
    assert_int_equal(session_of(client)->lease.state, LEASE_HELD);
    answer_rows(put(client, "SELECT a FROM t", PRIMARY), "a", "1", "trans");
    client_expect(client, "rows 1 (trans)");
    answer_ok(put(client, "COMMIT", ask(client, "COMMIT")), "");
    client_expect(client, "ok");
    world_end(world);
}

/* A READ ONLY transaction on a replica ends where the next one begins, on the primary. */
static void read_only_transaction_is_left(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    int server;

    (void)state;
    world_replicas_follow(world);
    server = ask(client, "START TRANSACTION READ ONLY");
    assert_true(is_replica(server));
    answer_ok(put(client, "START TRANSACTION READ ONLY", server), "trans read-only");
    client_expect(client, "ok trans read-only");
    assert_int_equal(ask(client, "SELECT a FROM t"), server);
    assert_int_equal(ask(client, "BEGIN"), PRIMARY);
    assert_int_equal(session_of(client)->pins, PIN_TRANSACTION);
    assert_int_equal(session_of(client)->transaction, SESSION_TRANSACTION_READ_ONLY);
    assert_int_equal(ask(client, "SELECT a FROM t"), server);
    answer_ok(put(client, "BEGIN", PRIMARY), "trans");
    client_expect(client, "ok trans");
    world_end(world);
}

/* It may be asked while a statement runs. */
static void busy_session(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;

    (void)state;
    world_replicas_follow(world);
    connection = put(client, "DELETE FROM t", PRIMARY);
    (void)ask(client, "SELECT a FROM t");
    answer_ok(connection, "affected=3");
    client_expect(client, "ok affected=3");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_sessions),
        cmocka_unit_test(servers_that_may_not),
        cmocka_unit_test(what_a_session_has_done),
        cmocka_unit_test(read_only_transaction_is_left),
        cmocka_unit_test(busy_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
