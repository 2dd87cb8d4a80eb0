/*
 * XA: what happens between START and the end keeps its connection, whoever commits. MariaDB keeps
 * a prepared transaction with its session until that ends; MySQL detaches it at once, and its
 * status flags say so.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/session.h"

#include <stdio.h>
#include <string.h>

static unsigned pins(const struct world *world)
{
    return world->workers[0].sessions->pins;
}

/* A statement that ends in an OK, on this connection. */
static void run(struct client *client, struct connection *connection, const char *sql,
                const char *words)
{
    char text[100];

    client_query(client, sql);
    snprintf(text, sizeof text, "QUERY %s", sql);
    connection_expect(connection, text);
    answer_ok(connection, words);
    assert_memory_equal(client_read(client), "ok", 2);
}

/* The same on any connection of the primary. */
static struct connection *run_first(struct world *world, struct client *client, const char *sql,
                                    const char *words)
{
    struct connection *connection;
    char text[100];

    client_query(client, sql);
    snprintf(text, sizeof text, "QUERY %s", sql);
    connection = server_expect(world, PRIMARY, text);
    answer_ok(connection, words);
    assert_memory_equal(client_read(client), "ok", 2);
    return connection;
}

static void read_here(struct client *client, struct connection *connection)
{
    client_query(client, "SELECT 5");
    connection_expect(connection, "QUERY SELECT 5");
    answer_rows(connection, "5", "5", "trans");
    client_expect(client, "rows 5 (trans)");
}

static void assert_free(struct world *world, struct client *client)
{
    struct connection *connection;

    assert_int_equal(pins(world), 0);
    world_replicas_follow(world);
    client_query(client, "SELECT 7");
    connection = world_expect(world, "QUERY SELECT 7");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "7");
    client_expect(client, "rows 7");
}

/* START, a write, END, PREPARE as MariaDB answers them: still in the transaction. */
static struct connection *prepare(struct world *world, struct client *client)
{
    struct connection *connection =
        run_first(world, client, "XA START 'x'", "trans state=T_______");

    run(client, connection, "DELETE FROM shop.t", "trans state=T___W___");
    run(client, connection, "XA END 'x'", "trans");
    run(client, connection, "XA PREPARE 'x'", "trans");
    return connection;
}

static void two_phases_on_one_connection(const char *end)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    connection = run_first(world, client, "XA START 'x'", "trans state=T_______");
    assert_int_equal(pins(world), PIN_TRANSACTION | PIN_XA);
    read_here(client, connection);
    run(client, connection, "DELETE FROM shop.t", "trans state=T___W___");
    run(client, connection, "XA END 'x'", "trans");
    assert_int_equal(pins(world), PIN_TRANSACTION | PIN_XA);
    read_here(client, connection);
    run(client, connection, "XA PREPARE 'x'", "trans");
    assert_int_equal(pins(world), PIN_TRANSACTION | PIN_XA);
    read_here(client, connection);
    world->now += 1000;
    run(client, connection, end, "state=________");
    assert_int_equal(world->workers[0].sessions->last_write, world->now);
    assert_free(world, client);
    world_end(world);
}

static void prepared_stays_with_its_connection(void **state)
{
    (void)state;
    two_phases_on_one_connection("XA COMMIT 'x'");
    two_phases_on_one_connection("XA ROLLBACK 'x'");
}

static void one_phase(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    connection = run_first(world, client, "XA START 'x'", "trans");
    run(client, connection, "DELETE FROM shop.t", "trans");
    run(client, connection, "XA END 'x'", "trans");
    run(client, connection, "XA COMMIT 'x' ONE PHASE", "");
    assert_free(world, client);
    world_end(world);
}

/* MySQL: once prepared it belongs to nobody, and anybody may commit it. */
static void detached_frees_its_session(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client *other;
    struct connection *connection;

    (void)state;
    connection = run_first(world, client, "XA START 'x'", "trans state=T_______");
    run(client, connection, "DELETE FROM shop.t", "trans state=T___W___");
    run(client, connection, "XA END 'x'", "trans");
    run(client, connection, "XA PREPARE 'x'", "state=________");
    assert_free(world, client);
    client_leave(client);
    world_run(world);
    assert_null(strstr(connection->log, "RESET"));

    other = client_log_in(world, NULL);
    assert_ptr_equal(run_first(world, other, "XA COMMIT 'x'", ""), connection);
    assert_int_equal(world->workers[0].sessions->last_write, world->now);
    assert_free(world, other);
    world_end(world);
}

static void refused_start_pins_nothing(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_query(client, "XA START 'x'");
    answer_error(server_expect(world, PRIMARY, "QUERY XA START 'x'"), 1440, "XAER_DUPID");
    client_expect_error(client, 1440, "XAER_DUPID");
    client_query(client, "XA COMMIT 'x'");
    answer_error(server_expect(world, PRIMARY, "QUERY XA COMMIT 'x'"), 1397, "XAER_NOTA");
    client_expect_error(client, 1397, "XAER_NOTA");
    assert_int_equal(pins(world) & ~(unsigned)PIN_WARNINGS, 0);
    world_end(world);
}

/* A COMMIT at the wrong moment changes nothing; one that ends in a rollback is an error too, and
 * the next answer tells that the transaction is over. */
static void refused_commit_keeps_the_connection(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    connection = run_first(world, client, "XA START 'x'", "trans");
    client_query(client, "XA COMMIT 'x'");
    connection_expect(connection, "QUERY XA COMMIT 'x'");
    answer_error(connection, 1399, "XAER_RMFAIL");
    client_expect_error(client, 1399, "XAER_RMFAIL");
    assert_int_equal(pins(world) & ~(unsigned)PIN_WARNINGS, PIN_TRANSACTION | PIN_XA);
    run(client, connection, "DELETE FROM shop.t", "trans");
    run(client, connection, "XA END 'x'", "trans");
    client_query(client, "XA COMMIT 'x' ONE PHASE");
    connection_expect(connection, "QUERY XA COMMIT 'x' ONE PHASE");
    answer_error(connection, 1402, "XA_RBROLLBACK");
    client_expect_error(client, 1402, "XA_RBROLLBACK");
    run(client, connection, "DO 1", "");
    assert_free(world, client);
    world_end(world);
}

/* A connection that may hold a prepared transaction is closed, never reset: MariaDB forgets such a
 * transaction's changes at a reset and keeps their locks, while it keeps the whole of it when the
 * connection ends. */
static void assert_closed(struct world *world, struct connection *connection)
{
    world_run(world);
    assert_true(connection->wire->proxy_closed);
    assert_null(strstr(connection->log, "RESET"));
}

static void client_leaves_with_a_prepared_one(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = prepare(world, client);

    (void)state;
    client_leave(client);
    assert_closed(world, connection);
    client = client_log_in(world, NULL);
    assert_ptr_not_equal(run_first(world, client, "XA COMMIT 'x'", ""), connection);
    world_end(world);
}

static void client_resets_with_a_prepared_one(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = prepare(world, client);

    (void)state;
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    assert_closed(world, connection);
    run_first(world, client, "XA COMMIT 'x'", "");
    assert_free(world, client);
    world_end(world);
}

static void user_changes_with_a_prepared_one(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = prepare(world, client);

    (void)state;
    client_change_user(client, &(struct client_login){.user = "other", .password = "hidden"});
    assert_string_equal(client_end_login(client), "ok");
    assert_closed(world, connection);
    world_end(world);
}

/* What an SQL EXECUTE or a stored program did in the transaction that it left open is not known:
 * it may have been XA. */
static void unseen_transaction_may_be_prepared(void **state)
{
    static const char *const statements[] = {"EXECUTE s", "CALL p()"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_new(1, NULL);
        struct client *client = client_log_in(world, NULL);
        struct connection *connection = run_first(world, client, "PREPARE s FROM @a", "");

        run(client, connection, statements[i], "trans");
        client_leave(client);
        assert_closed(world, connection);
        world_end(world);
    }
}

/* An ordinary transaction is only rolled back: its connection is reset and goes on. */
static void plain_transaction_is_reset(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection = run_first(world, client, "BEGIN", "trans");

    (void)state;
    client_leave(client);
    world_run(world);
    assert_false(connection->wire->proxy_closed);
    assert_non_null(strstr(connection->log, "RESET_CONNECTION"));
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepared_stays_with_its_connection),
        cmocka_unit_test(one_phase),
        cmocka_unit_test(detached_frees_its_session),
        cmocka_unit_test(refused_start_pins_nothing),
        cmocka_unit_test(refused_commit_keeps_the_connection),
        cmocka_unit_test(client_leaves_with_a_prepared_one),
        cmocka_unit_test(client_resets_with_a_prepared_one),
        cmocka_unit_test(user_changes_with_a_prepared_one),
        cmocka_unit_test(unseen_transaction_may_be_prepared),
        cmocka_unit_test(plain_transaction_is_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
