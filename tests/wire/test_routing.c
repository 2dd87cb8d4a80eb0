/*
 * The ordinary road: a login, a write on the primary, reads on replicas, and back.
 */
#include "client.h"
#include "server.h"
#include "world.h"

static void reads_and_writes_part(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    assert_int_not_equal(connection->server->number, PRIMARY);
    answer_row(connection, "1");
    client_expect(client, "rows 1");

    client_query(client, "INSERT INTO shop.t VALUES (1)");
    connection = world_expect(world, "QUERY INSERT INTO shop.t VALUES (1)");
    assert_int_equal(connection->server->number, PRIMARY);
    answer_ok(connection, "affected=1 id=7");
    client_expect(client, "ok affected=1 id=7");
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_and_writes_part)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
