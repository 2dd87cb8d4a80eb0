/*
 * One byte wrong, at each place: of what a server sends from its greeting to the end of an answer,
 * and of what a client sends from its login to its last command. Whatever follows, nobody else
 * notices, and nothing is left behind.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"

#include <string.h>
#include <uv.h>

static const uint8_t masks[] = {0x01, 0x80, 0xff, 0xfb};

/* Answers whatever is asked for, until nothing more is; a connection that asks for what makes no
 * sense is left alone. */
static bool answer_anything(struct connection *connection, const struct seen *seen)
{
    if (strncmp(seen->text, "QUERY SELECT a FROM t", 21) == 0) {
        answer_rows(connection, "a", "1;2", "warnings=1");
    } else if (strcmp(seen->text, "QUERY DELETE FROM t") == 0) {
        answer_ok(connection, "affected=3 schema=shop change");
    } else if (seen->code == COMMAND_INIT_DB) {
        answer_ok(connection, "schema=shop change");
    } else if (seen->code == COMMAND_STMT_PREPARE) {
        answer_prepared(connection, 1, 1);
    } else {
        answer_ok(connection, "");
    }
    return true;
}

static struct world *corrupt_world(void)
{
    struct world *world =
        world_new(1, "TIDEMARK_POOL_WAIT_TIMEOUT_MS=1000", "TIDEMARK_PROXY_FAILOVER_WAIT_MS=0",
                  "TIDEMARK_PROXY_LOGIN_TIMEOUT_MS=2000", NULL);

    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].answer = answer_anything;
        world->scripts[i].by_itself = BY_ITSELF_SETUP | BY_ITSELF_CLOSE | BY_ITSELF_QUIT;
    }
    return world;
}

/* A client of its own kind, whose connections are its own: as before, whatever happened. */
static void assert_others_are_well(struct world *world)
{
    struct client *other = client_log_in_as(
        world, &(struct client_login){.user = "other", .password = "hidden", .schema = "shop"});

    client_query(other, "DELETE FROM t");
    client_expect(other, "ok affected=3 schema=shop");
    client_query(other, "SELECT a FROM t");
    client_expect(other, "rows 1;2 (warnings=1)");
}

/* Sends a few commands and looks at nothing of the answers. */
static void use(struct client *client)
{
    client_query(client, "DELETE FROM t");
    client_query(client, "SELECT a FROM t");
    client_query(client, "INSERT INTO t SELECT a FROM t");
    client_query(client, "SELECT a FROM t FOR UPDATE");
    client_send(client, COMMAND_STMT_PREPARE, "DELETE FROM t WHERE a = ?", 25);
}

/* ---- servers ---- */

/* The primary's connection number 1 has its byte at `place` changed. False: it never sent one. */
static bool corrupt_server(size_t place, uint8_t mask)
{
    struct world *world = corrupt_world();
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    bool reached;

    client_query(client, "USE shop"); /* opens it, and the tampering begins */
    world->scripts[PRIMARY].corrupt_at = place + 1;
    world->scripts[PRIMARY].corrupt_mask = mask;
    use(client);
    world_run(world);
    world->scripts[PRIMARY].corrupt_at = 0;
    connection = server_connection(world, PRIMARY, 1);
    assert_non_null(connection);
    reached = connection->wire->delivered + connection->wire->to_proxy.size > place;
    if (!client->wire->proxy_closed) {
        client_leave(client);
    }
    connection_lose(connection);
    world_advance_ms(world, 3000);
    assert_others_are_well(world);
    world_end(world);
    return reached;
}

static void servers_with_one_byte_wrong(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof masks; m++) {
        size_t place = 0;

        while (corrupt_server(place, masks[m])) {
            place++;
        }
        assert_true(place > 150);
    }
}

/* ---- clients ---- */

static bool corrupt_client(size_t place, uint8_t mask)
{
    struct world *world = corrupt_world();
    struct client *client = client_connect(world, 0);
    bool reached;

    client->wire->corrupt_at = place + 1;
    client->wire->corrupt_mask = mask;
    client_begin_login(client, &(struct client_login){.schema = "shop"});
    world_run(world);
    use(client);
    world_run(world);
    reached = client->wire->delivered + client->wire->to_proxy.size > place;
    client_leave(client);
    world_advance_ms(world, 3000);
    assert_true(client->wire->proxy_closed);
    assert_others_are_well(world);
    world_end(world);
    return reached;
}

static void clients_with_one_byte_wrong(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof masks; m++) {
        size_t place = 0;

        while (corrupt_client(place, masks[m])) {
            place++;
        }
        assert_true(place > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_with_one_byte_wrong),
        cmocka_unit_test(clients_with_one_byte_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
