/*
 * Authentication on both sides: what clients offer, what the servers' accounts want, and the two
 * plugins between them.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/rsa_key.h"

#include <string.h>

static struct world *sha2_world(bool with_key)
{
    struct world *world = world_new(1, NULL);

    world->facts.default_plugin = "caching_sha2_password";
    world->facts.version = "9.7.0";
    world->facts.flavor = FLAVOR_MYSQL;
    if (with_key) {
        world->process.rsa_key = rsa_key_generate(2048);
        assert_non_null(world->process.rsa_key);
    }
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].plugin = AUTH_PLUGIN_CACHING_SHA2;
    }
    return world;
}

static void write_one(struct world *world, struct client *client)
{
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
}

static void sha2_fast_on_both_sides(void **state)
{
    struct world *world = sha2_world(false);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    assert_string_equal(client->plugin, "caching_sha2_password");
    assert_string_equal(client->version, "9.7.0");
    write_one(world, client);
    world_end(world);
}

static void sha2_wrong_password(void **state)
{
    struct world *world = sha2_world(true);
    struct client *client = client_connect(world, 0);

    (void)state;
    client_begin_login(client, &(struct client_login){.password = "wrong"});
    assert_string_equal(client_end_login(client),
                        "error 1045 28000 Access denied for user 'app'@'127.0.0.1' "
                        "(using password: YES)");
    client_expect_closed(client);
    world_end(world);
}

/* A server whose cache is cold asks for the password itself: it goes encrypted with its key. */
static void server_asks_for_the_password(void **state)
{
    struct world *world = sha2_world(true);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].asks_password = true;
    write_one(world, client);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    world_end(world);
}

/* The greeting names one plugin, the client comes with the other. */
static void client_has_the_other_plugin(void **state)
{
    struct world *world = sha2_world(false);
    struct world *native;
    struct client *client;

    (void)state;
    client = client_log_in_as(world, &(struct client_login){.plugin = "mysql_native_password"});
    write_one(world, client);
    world_end(world);
    native = world_new(1, NULL);
    client = client_log_in_as(native, &(struct client_login){.plugin = "caching_sha2_password"});
    assert_string_equal(client->plugin, "mysql_native_password");
    write_one(native, client);
    world_end(native);
}

/* The server's account has another plugin than its greeting says. */
static void server_switches_plugins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    world->scripts[PRIMARY].greets_with_other_plugin = true;
    write_one(world, client);
    world_end(world);
}

/* Of this user only the hash is configured: what servers want is learned from its first client. */
static void hash_is_enough_for_native(void **state)
{
    /* *14E65567ABDB5135D0CFD9A70B3032C179A49EE7 is the hash of "secret". */
    struct world *world = world_new(
        1, "TIDEMARK_USER_HASHED_PASSWORD_HASH=*14E65567ABDB5135D0CFD9A70B3032C179A49EE7", NULL);
    struct client *client = client_connect(world, 0);

    (void)state;
    client_begin_login(client, &(struct client_login){.user = "hashed", .password = "wrong"});
    assert_memory_equal(client_end_login(client), "error 1045", 10);
    client = client_log_in_as(world, &(struct client_login){.user = "hashed"});
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
    assert_string_equal(server_connection(world, PRIMARY, 1)->user, "hashed");
    world_end(world);
}

static void session_ids_are_the_proxys(void **state)
{
    struct world *world = world_new(2, NULL);
    struct client *one = client_log_in(world, NULL);
    struct client *two = client_log_in_as(world, &(struct client_login){.worker = 1});

    (void)state;
    assert_int_not_equal(one->id, two->id);
    assert_int_not_equal(one->id, 0);
    assert_memory_not_equal(one->scramble, two->scramble, SCRAMBLE_SIZE);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2_fast_on_both_sides),
        cmocka_unit_test(sha2_wrong_password),
        cmocka_unit_test(server_asks_for_the_password),
        cmocka_unit_test(client_has_the_other_plugin),
        cmocka_unit_test(server_switches_plugins),
        cmocka_unit_test(hash_is_enough_for_native),
        cmocka_unit_test(session_ids_are_the_proxys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
