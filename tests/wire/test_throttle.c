/*
 * Failed logins slow down those that follow from the same address, and nobody else.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/throttle.h"

#include <string.h>

#define BALANCERS "TIDEMARK_PROXY_PROXY_PROTOCOL_NETWORKS=10.0.0.0/8"

static const char refused[] = "error 1045 28000";

static struct client *try(struct world *world, const char *peer, const char *user,
                          const char *password)
{
    struct client *client = client_connect_from(world, 0, peer);

    assert_string_equal(
        client_begin_login(client, &(struct client_login){.user = user, .password = password}), "");
    world_run(world);
    return client;
}

static void fail_times(struct world *world, const char *peer, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct client *client = try(world, peer, "app", "wrong");

        world_advance_ms(world, 4200);
        assert_memory_equal(client_end_login(client), refused, sizeof refused - 1);
    }
}

/* How long an attempt takes, to 100 ms; its answer must begin like this. */
static unsigned takes_ms(struct world *world, const char *peer, const char *user,
                         const char *password, const char *answer)
{
    struct client *client = try(world, peer, user, password);
    unsigned ms = 0;
    const char *came = client_end_login(client);

    while (strcmp(came, "nothing") == 0 && ms < 9000) {
        world_advance_ms(world, 100);
        ms += 100;
        came = client_end_login(client);
    }
    assert_memory_equal(came, answer, strlen(answer));
    return ms;
}

static void delay_grows_and_ends(void **state)
{
    static const unsigned expected[] = {0, 0, 0, 0, 200, 400, 800, 1600, 3200, 4000, 4000};
    struct world *world = world_new(1, NULL);

    (void)state;
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        unsigned ms = takes_ms(world, "192.0.2.1:1", "app", "wrong", refused);

        assert_in_range(ms, expected[i], expected[i] + 100);
    }
    /* A right password waits as long: a quick answer would tell that it is right. */
    assert_in_range(takes_ms(world, "192.0.2.1:2", "app", "secret", "ok"), 4000, 4100);
    /* ... and from then on this account is not held up any more, others there are. */
    assert_int_equal(takes_ms(world, "192.0.2.1:3", "app", "secret", "ok"), 0);
    assert_true(takes_ms(world, "192.0.2.1:4", "other", "hidden", "ok") > 0);
    assert_int_equal(takes_ms(world, "192.0.2.1:5", "other", "hidden", "ok"), 0);
    world_advance_ms(world, (unsigned)(THROTTLE_FORGET_NS / 1000000) + 100);
    assert_int_equal(takes_ms(world, "192.0.2.1:6", "app", "wrong", refused), 0);
    world_end(world);
}

static void others_are_not_delayed(void **state)
{
    struct world *world = world_new(1, NULL);

    (void)state;
    fail_times(world, "192.0.2.1:1", 8);
    try(world, "192.0.2.1:1", "app", "wrong");
    try(world, "2001:db8::1:1", "app", "wrong");
    assert_int_equal(takes_ms(world, "192.0.2.2:1", "app", "secret", "ok"), 0);
    assert_int_equal(takes_ms(world, "192.0.2.2:1", "app", "wrong", refused), 0);
    assert_int_equal(takes_ms(world, "localhost", "app", "secret", "ok"), 0);
    world_advance_ms(world, 5000);
    world_end(world);
}

/* Whoever has a network of IPv6 has all of its addresses. */
static void ip6_by_network(void **state)
{
    struct world *world = world_new(1, NULL);

    (void)state;
    fail_times(world, "2001:db8:0:1::5:1", 8);
    try(world, "2001:db8:0:1::6:1", "app", "wrong");
    assert_true(takes_ms(world, "2001:db8:0:1:ffff::7:1", "app", "wrong", refused) > 1000);
    assert_int_equal(takes_ms(world, "2001:db8:0:2::5:1", "app", "wrong", refused), 0);
    world_end(world);
}

/* Many connections at once try one password after the other. */
static void one_after_the_other(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *clients[8];
    unsigned answered = 0;

    (void)state;
    fail_times(world, "192.0.2.1:1", 8); /* from here on 3.2 s and more */
    for (unsigned i = 0; i < 8; i++) {
        clients[i] = try(world, "192.0.2.1:1", "app", "wrong");
    }
    world_advance_ms(world, 6000);
    for (unsigned i = 0; i < 8; i++) {
        answered += memcmp(client_end_login(clients[i]), refused, sizeof refused - 1) == 0;
    }
    assert_in_range(answered, 1, 3);
    world_advance_ms(world, 10000); /* the others are over their time to log in */
    world_end(world);
}

/* What fails behind a load balancer counts for the client there, not for all of them. */
static void behind_a_balancer(void **state)
{
    static const char one[] = "PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n";
    static const char two[] = "PROXY TCP4 192.0.2.2 192.0.2.9 1 2\r\n";
    struct world *world = world_new(1, BALANCERS, NULL);
    struct client *client;

    (void)state;
    fail_times(world, "10.0.0.1:1", 8); /* without a header: its own checks */
    assert_int_equal(takes_ms(world, "10.0.0.1:1", "app", "wrong", refused), 0);
    for (unsigned i = 0; i < 8; i++) {
        client = client_connect_from(world, 0, "10.0.0.1:1");
        client_send_part(client, one, sizeof one - 1);
        assert_string_equal(client_begin_login(client, &(struct client_login){.password = "x"}),
                            "");
        world_advance_ms(world, 4200);
        assert_memory_equal(client_end_login(client), refused, sizeof refused - 1);
    }
    client = try(world, "192.0.2.1:1", "app", "secret");
    assert_string_equal(client_end_login(client), "ok"); /* the last is long ago */
    client = client_connect_from(world, 0, "10.0.0.1:1");
    client_send_part(client, two, sizeof two - 1);
    assert_string_equal(client_begin_login(client, &(struct client_login){.password = "x"}), "");
    assert_memory_equal(client_end_login(client), refused, sizeof refused - 1);
    world_end(world);
}

/* Who got in as one user and tries the passwords of another one is slowed down too. */
static void by_changing_the_user(void **state)
{
    struct world *world = world_new(1, NULL);
    unsigned waited = 0;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct client *client = try(world, "192.0.2.1:1", "app", "secret");
        const char *came = client_end_login(client);

        while (strcmp(came, "nothing") == 0) {
            world_advance_ms(world, 100);
            waited += 100;
            came = client_end_login(client);
        }
        assert_string_equal(came, "ok");
        client_change_user(client, &(struct client_login){.user = "other", .password = "x"});
        assert_memory_equal(client_end_login(client), refused, sizeof refused - 1);
    }
    assert_true(waited > 2000);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_grows_and_ends), cmocka_unit_test(others_are_not_delayed),
        cmocka_unit_test(ip6_by_network),       cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(behind_a_balancer),    cmocka_unit_test(by_changing_the_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
