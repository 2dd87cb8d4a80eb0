/*
 * Clients of a proxy without configured users: what the primary is asked, by which connections, and
 * what becomes of sessions when an account changes.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/rsa_key.h"

#include <stdio.h>
#include <string.h>

static const char open_ini[] = "[proxy]\n"
                               "listen = 127.0.0.1:47000\n"
                               "auto_file =\n"
                               "credential_ttl_ms = 1000\n"
                               "[server db1]\n"
                               "address = 127.0.0.1:47001\n"
                               "[server db2]\n"
                               "address = 127.0.0.1:47002\n"
                               "[server db3]\n"
                               "address = 127.0.0.1:47003\n"
                               "[pool]\n"
                               "min_idle = 0\n"
                               "[monitor]\n"
                               "user = other\n"
                               "password = hidden\n";

/* The hash of "secret". */
#define HASH "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"

static struct world *open_world(bool is_mysql)
{
    struct world *world = world_new(1, NULL);

    if (is_mysql) {
        world->facts.default_plugin = "caching_sha2_password";
        world->facts.version = "9.7.0";
        world->facts.flavor = FLAVOR_MYSQL;
        for (unsigned i = 0; i < WORLD_SERVERS; i++) {
            world->scripts[i].plugin = AUTH_PLUGIN_CACHING_SHA2;
        }
    }
    world->process.rsa_key = rsa_key_generate(2048);
    world_reconfigure(world, open_ini);
    return world;
}

/* The lookup of "app" comes, on the primary, and is answered with these rows. */
static void answer_lookup(struct world *world, const char *rows)
{
    answer_rows(
        server_expect(world, PRIMARY,
                      "QUERY SELECT plugin, authentication_string, ssl_type FROM mysql.user "
                      "WHERE User = X'617070'"),
        "plugin,authentication_string,ssl_type", rows, "");
}

static struct client *begin(struct world *world, const char *password)
{
    struct client *client = client_connect(world, 0);

    client_begin_login(client, &(struct client_login){.password = password});
    return client;
}

static void write_one(struct world *world, struct client *client)
{
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
}

static void by_the_hash_and_the_proof(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "mysql_native_password," HASH ",");
    assert_string_equal(client_end_login(client), "ok");
    assert_int_equal(world->scripts[PRIMARY].count, 2); /* the lookup, and the login that checks */
    write_one(world, client);
    assert_int_equal(world->scripts[PRIMARY].count, 3);
    /* From now on what is kept is enough. */
    client_log_in(world, NULL);
    assert_int_equal(world->scripts[PRIMARY].count, 3);
    world_end(world);
}

static void wrong_and_unknown_look_the_same(void **state)
{
    static const char *const rows[] = {"mysql_native_password," HASH ",", ""};
    struct world *world = open_world(false);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = begin(world, "wrong");

        answer_lookup(world, rows[i]);
        assert_string_equal(client_end_login(client),
                            "error 1045 28000 Access denied for user 'app'@'127.0.0.1' "
                            "(using password: YES)");
        client_expect_closed(client);
    }
    world_end(world);
}

static void by_the_password_itself(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    world->scripts[PRIMARY].asks_password = true; /* its cache is cold: the pool has the password */
    write_one(world, client);
    client_log_in(world, NULL);
    client = begin(world, "wrong");
    assert_memory_equal(client_end_login(client), "error 1045", 10);
    world_end(world);
}

/* Accounts with other plugins are asked for the password too, and with the lookup refused all are.
 */
static void other_plugins_and_no_rights(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "ed25519,abc,");
    assert_string_equal(client_end_login(client), "ok");
    world_end(world);
    world = open_world(false);
    client = begin(world, "secret");
    answer_error(server_expect(world, PRIMARY,
                               "QUERY SELECT plugin, authentication_string, ssl_type FROM "
                               "mysql.user WHERE User = X'617070'"),
                 1142, "SELECT command denied");
    assert_string_equal(client_end_login(client), "ok");
    assert_true(world_logged(world, "cannot read mysql.user"));
    world_end(world);
}

static void tls_that_the_account_requires(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "mysql_native_password," HASH ",ANY");
    assert_memory_equal(client_end_login(client), "error 1045", 10);
    world_end(world);
}

/* While clients are there the primary is asked again; what it refuses ends their sessions. */
static void checked_again(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    write_one(world, client);
    assert_int_equal(world->scripts[PRIMARY].count, 3);
    world_advance_ms(world, 1200);
    assert_int_equal(world->scripts[PRIMARY].count, 4);
    write_one(world, client);
    world->scripts[PRIMARY].login_error = 1045;
    world_advance_ms(world, 1500);
    client_expect_closed(client);
    assert_int_equal(world_permits(world, PRIMARY), 0); /* no idle connection is left */
    world_end(world);
}

/* A replica may not have the account yet: the primary is asked at once, and its word counts. */
static void a_replica_that_is_behind(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");

    (void)state;
    world->scripts[REPLICA_1].login_error = world->scripts[REPLICA_2].login_error = 1045;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    client_query(client, "SELECT a FROM shop.t");
    world_run(world);
    (void)client_read(client);
    world_advance_ms(world, 300);
    assert_int_equal(world->scripts[PRIMARY].count, 3);
    write_one(world, client);
    world_end(world);
}

/* Equal questions share their answer, if it was not asked for before they came. */
static void many_at_once(void **state)
{
    enum { CLIENTS = 50 };
    struct world *world = open_world(false);
    struct client *clients[CLIENTS];

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = begin(world, "secret");
    }
    answer_lookup(world, "mysql_native_password," HASH ",");
    answer_lookup(world, "mysql_native_password," HASH ",");
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_string_equal(client_end_login(clients[i]), "ok");
    }
    assert_in_range(world->scripts[PRIMARY].count, 3, 6);
    world_end(world);
}

static void a_server_that_is_lost_is_asked_again(void **state)
{
    struct world *world = open_world(false);
    struct client *client;

    (void)state;
    world->scripts[PRIMARY].connect_status = -111;
    client = begin(world, "secret");
    world_run(world);
    world->scripts[PRIMARY].connect_status = 0;
    world_advance_ms(world, 300);
    answer_lookup(world, "mysql_native_password," HASH ",");
    assert_string_equal(client_end_login(client), "ok");
    world->scripts[PRIMARY].connect_status = -111;
    world_advance_ms(world, 2000);
    client = begin(world, "secret");
    world_advance_ms(world, 11000);
    assert_non_null(strstr(client_end_login(client), "the password could not be checked in time"));
    world_end(world);
}

/* A client that leaves while the primary is being asked leaves nothing behind. */
static void leaving_while_it_is_asked(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    world_run(world);
    client_leave(client);
    answer_lookup(world, "mysql_native_password," HASH ",");
    world_end(world);
    world = open_world(true);
    begin(world, "secret");
    world_run(world);
    world_end(world);
}

/* Its second command comes with the first: it wants to know the same, which is just being told. */
static void change_user_at_once(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    world_advance_ms(world, 1500);
    client = begin(world, "secret");
    client_change_user(client, &(struct client_login){.user = "app", .password = "secret"});
    answer_lookup(world, "caching_sha2_password,whatever,");
    world_run(world);
    assert_false(client->wire->proxy_closed);
    world_end(world);
}

/* The answer comes when the client is on its way out, in every order of events. */
static void answered_too_late(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 60; seed++) {
        struct world *world = open_world(false);
        struct client *client = begin(world, "secret");

        world_run(world);
        world->scripts[PRIMARY].holds_connects = true;
        answer_lookup(world, "mysql_native_password," HASH ",");
        world_run(world);
        world->network.seed = seed;
        world->scripts[PRIMARY].holds_connects = false;
        world->scripts[PRIMARY].last->wire->held = false;
        for (unsigned i = 0; i < seed % 12; i++) {
            network_step(&world->network);
        }
        client_leave(client);
        world_run(world);
        world_end(world);
    }
}

/* Servers block addresses from which connections are given up during the handshake. */
static void what_was_begun_is_ended_in_good_order(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    world->scripts[PRIMARY].holds_connects = true;
    world_run(world);
    client_leave(client);
    world_run(world);
    assert_int_equal(world->scripts[PRIMARY].count, 1);
    assert_false(world->scripts[PRIMARY].last->wire->proxy_closed);
    world->scripts[PRIMARY].holds_connects = false;
    world->scripts[PRIMARY].last->wire->held = false;
    answer_lookup(world, "mysql_native_password," HASH ",");
    world_run(world);
    world_end(world);
}

/* What is kept is out of date. A plugin that cannot be asked for the password must not be asked. */
static void changed_password_by_native(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    client_quit(client);
    world_run(world);
    world->scripts[PRIMARY].password = "fresh";
    world_advance_ms(world, 2000);
    client = client_connect(world, 0);
    client_begin_login(
        client, &(struct client_login){.password = "fresh", .plugin = "mysql_native_password"});
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    world_end(world);
}

/* Many guesses that wait for one answer are looked at one after the other. */
static void a_burst_of_guesses(void **state)
{
    enum { GUESSES = 40 };
    struct world *world = open_world(false);
    struct client *clients[GUESSES];
    unsigned judged = 0;

    (void)state;
    for (unsigned i = 0; i < GUESSES; i++) {
        clients[i] = begin(world, "wrong");
    }
    answer_lookup(world, "mysql_native_password," HASH ",");
    world_run(world);
    for (unsigned i = 0; i < GUESSES; i++) {
        judged += clients[i]->wire->proxy_closed;
    }
    assert_in_range(judged, 1, 6);
    world_end(world);
}

/* The primary says neither yes nor no: it is not asked without end. */
static void an_answer_that_settles_nothing(void **state)
{
    struct world *world = open_world(true);
    struct client *client = begin(world, "secret");
    unsigned before;

    (void)state;
    answer_lookup(world, "caching_sha2_password,whatever,");
    assert_string_equal(client_end_login(client), "ok");
    world->scripts[PRIMARY].login_error = 1130;
    world_advance_ms(world, 1200);
    before = world->scripts[PRIMARY].count;
    world_advance_ms(world, 10000);
    assert_in_range(world->scripts[PRIMARY].count - before, 1, 3);
    world_end(world);
}

static void change_user(void **state)
{
    struct world *world = open_world(false);
    struct client *client = begin(world, "secret");

    (void)state;
    answer_lookup(world, "mysql_native_password," HASH ",");
    assert_string_equal(client_end_login(client), "ok");
    client_change_user(client, &(struct client_login){.user = "other", .password = "hidden"});
    answer_rows(
        server_expect(world, PRIMARY,
                      "QUERY SELECT plugin, authentication_string, ssl_type FROM mysql.user "
                      "WHERE User = X'6f74686572'"),
        "plugin,authentication_string,ssl_type",
        "mysql_native_password,*249B3B9CF37A1B373CF5CCE7A44D03AB8138F680,", "");
    assert_string_equal(client_end_login(client), "ok");
    write_one(world, client);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_hash_and_the_proof),
        cmocka_unit_test(wrong_and_unknown_look_the_same),
        cmocka_unit_test(by_the_password_itself),
        cmocka_unit_test(other_plugins_and_no_rights),
        cmocka_unit_test(tls_that_the_account_requires),
        cmocka_unit_test(checked_again),
        cmocka_unit_test(a_replica_that_is_behind),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(a_server_that_is_lost_is_asked_again),
        cmocka_unit_test(leaving_while_it_is_asked),
        cmocka_unit_test(change_user),
        cmocka_unit_test(change_user_at_once),
        cmocka_unit_test(answered_too_late),
        cmocka_unit_test(what_was_begun_is_ended_in_good_order),
        cmocka_unit_test(changed_password_by_native),
        cmocka_unit_test(a_burst_of_guesses),
        cmocka_unit_test(an_answer_that_settles_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
