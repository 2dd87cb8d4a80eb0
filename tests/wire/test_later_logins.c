/*
 * Global variables and privileges hold from a connection's login on: who logs in after a client has
 * changed them gets no server connection from before.
 */
#include "client.h"
#include "server.h"
#include "world.h"

static struct connection *run(struct client *client, const char *sql)
{
    struct connection *connection;
    char expected[100];

    client_query(client, sql);
    snprintf(expected, sizeof expected, "QUERY %s", sql);
    connection = server_expect(client->world, PRIMARY, expected);
    answer_ok(connection, "");
    client_expect(client, "ok");
    return connection;
}

static void keeps_eras_apart(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *old = client_log_in(world, "shop");
    struct connection *before = run(old, "UPDATE t SET a = 1");
    struct client *same = client_log_in(world, "shop");
    struct connection *after;
    struct client *new;

    (void)state;
    assert_ptr_equal(run(same, "UPDATE t SET a = 2"), before); /* one is enough for both */
    assert_ptr_equal(run(old, "SET GLOBAL a = 1"), before);
    new = client_log_in(world, "shop");
    after = run(new, "UPDATE t SET a = 3");
    assert_ptr_not_equal(after, before);
    /* Each keeps to its own, whichever was used last. */
    assert_ptr_equal(run(old, "UPDATE t SET a = 4"), before);
    assert_ptr_equal(run(new, "UPDATE t SET a = 5"), after);
    assert_ptr_equal(run(same, "UPDATE t SET a = 6"), before);
    world_end(world);
}

/* One connection is all there may be: the old one gives way. */
static void makes_room(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *old = client_log_in(world, "shop");
    struct connection *before = run(old, "SET GLOBAL a = 1");
    struct client *new = client_log_in(world, "shop");
    struct connection *after;

    (void)state;
    client_query(new, "UPDATE t SET a = 1");
    after = world_expect(world, "QUERY UPDATE t SET a = 1");
    assert_ptr_not_equal(after, before);
    answer_ok(after, "");
    client_expect(new, "ok");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_eras_apart),
        cmocka_unit_test(makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
