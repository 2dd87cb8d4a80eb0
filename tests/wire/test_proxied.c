/*
 * Clients behind a load balancer that sends PROXY headers: whose address the proxy takes them for.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

#include <string.h>

#define LISTED "TIDEMARK_PROXY_PROXY_PROTOCOL_NETWORKS=10.0.0.0/8, 2001:db8::/33, unix"
#define BALANCER "10.1.2.3:40000"

static const char v1[] = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 3306\r\n";
static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04"
                         "\x0c\xea";

struct bytes_text {
    const void *data;
    size_t size;
};

static const struct bytes_text headers[] = {{v1, sizeof v1 - 1}, {v2, sizeof v2 - 1}};

static const char *peer_of(const struct world *world)
{
    assert_non_null(world->workers[0].sessions);
    return world->workers[0].sessions->peer;
}

static struct client *log_in_behind(struct world *world, const char *balancer,
                                    struct bytes_text header)
{
    struct client *client = client_connect_from(world, 0, balancer);

    client_send_part(client, header.data, header.size);
    assert_string_equal(client_begin_login(client, &(struct client_login){0}), "");
    assert_string_equal(client_end_login(client), "ok");
    return client;
}

static struct bytes_text text(const char *line)
{
    return (struct bytes_text){line, strlen(line)};
}

static void header_tells_the_address(void **state)
{
    static const char *const balancers[] = {BALANCER, "10.255.0.1:1", "2001:db8:7fff::1:9",
                                            "localhost"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned version = 0; version < 2; version++) {
            struct world *world = world_new(1, LISTED, NULL);
            struct client *client = log_in_behind(world, balancers[i], headers[version]);

            assert_string_equal(peer_of(world), "192.0.2.1:56324");
            client_query(client, "DELETE FROM shop.t");
            answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
            client_expect(client, "ok");
            world_end(world);
        }
    }
}

static void other_addresses(void **state)
{
    struct world *world = world_new(1, LISTED, NULL);

    (void)state;
    log_in_behind(world, BALANCER,
                  text("PROXY TCP6 2001:db8:ffff:ffff:ffff:ffff:ffff:fffe ::1 "
                       "65535 2\r\n"));
    assert_string_equal(peer_of(world), "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe:65535");
    log_in_behind(world, BALANCER, text("PROXY TCP6 ::ffff:192.0.2.9 ::1 5 2\r\n"));
    assert_string_equal(peer_of(world), "192.0.2.9:5");
    log_in_behind(world, BALANCER, text("PROXY UNKNOWN\r\n"));
    assert_string_equal(peer_of(world), BALANCER);
    log_in_behind(world, BALANCER, (struct bytes_text){"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16});
    assert_string_equal(peer_of(world), BALANCER);
    world_end(world);
}

/* The balancer's own checks, and clients on its machine. */
static void without_a_header(void **state)
{
    struct world *world = world_new(1, LISTED, NULL);

    (void)state;
    client_log_in_as(world, &(struct client_login){.peer = BALANCER});
    assert_string_equal(peer_of(world), BALANCER);
    world_end(world);
}

static void refusal_names_the_client(void **state)
{
    struct world *world = world_new(1, LISTED, NULL);
    struct client *client = client_connect_from(world, 0, BALANCER);

    (void)state;
    client_send_part(client, v1, sizeof v1 - 1);
    assert_string_equal(client_begin_login(client, &(struct client_login){.password = "x"}), "");
    assert_string_equal(client_end_login(client),
                        "error 1045 28000 Access denied for user 'app'@'192.0.2.1' "
                        "(using password: YES)");
    world_end(world);
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 2; version++) {
        for (size_t cut = 1; cut < headers[version].size; cut++) {
            struct world *world = world_new(1, LISTED, NULL);
            struct client *client = client_connect_from(world, 0, BALANCER);

            client_send_part(client, headers[version].data, cut);
            world_run(world);
            assert_string_equal(peer_of(world), BALANCER);
            client_send_part(client, (const char *)headers[version].data + cut,
                             headers[version].size - cut);
            assert_string_equal(client_begin_login(client, &(struct client_login){0}), "");
            assert_string_equal(client_end_login(client), "ok");
            assert_string_equal(peer_of(world), "192.0.2.1:56324");
            world_end(world);
        }
    }
}

/* Header and login packet byte by byte: also where the one ends and the other begins. */
static void one_byte_at_a_time(void **state)
{
    (void)state;
    for (unsigned version = 0; version < 2; version++) {
        struct world *world = world_new(1, LISTED, NULL);
        struct client *client = client_connect_from(world, 0, BALANCER);

        client->wire->chunk_max = 1;
        client_send_part(client, headers[version].data, headers[version].size);
        assert_string_equal(client_begin_login(client, &(struct client_login){0}), "");
        assert_string_equal(client_end_login(client), "ok");
        assert_string_equal(peer_of(world), "192.0.2.1:56324");
        world_end(world);
    }
}

static void expect_bad_handshake(struct world *world, const char *peer, struct bytes_text sent)
{
    struct client *client = client_connect_from(world, 0, peer);
    struct bytes came;

    client_send_part(client, sent.data, sent.size);
    world_run(world);
    came = wire_unread(client->wire); /* the greeting, and then */
    assert_non_null(memmem(came.data, came.size, "Bad handshake", 13));
    assert_true(client->wire->proxy_closed);
}

static void malformed_or_not_allowed(void **state)
{
    struct world *world = world_new(1, LISTED, NULL);
    struct world *closed = world_new(1, NULL);
    char long_line[200];

    (void)state;
    for (unsigned version = 0; version < 2; version++) {
        expect_bad_handshake(world, "192.168.0.1:40000", headers[version]);
        expect_bad_handshake(world, "11.0.0.1:40000", headers[version]);
        expect_bad_handshake(world, "2001:db8:8000::1:40000", headers[version]);
        expect_bad_handshake(closed, BALANCER, headers[version]);
        expect_bad_handshake(closed, "localhost", headers[version]);
    }
    expect_bad_handshake(world, BALANCER, text("PROXY TCP4 192.0.2.1 x 1 2\r\n"));
    expect_bad_handshake(world, BALANCER, text("PROXY nonsense\r\n"));
    memset(long_line, 'x', sizeof long_line);
    memcpy(long_line, "PROXY UNKNOWN ", 14);
    expect_bad_handshake(world, BALANCER, (struct bytes_text){long_line, sizeof long_line});
    expect_bad_handshake(world, BALANCER,
                         (struct bytes_text){"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0", 16});
    expect_bad_handshake(world, BALANCER,
                         text("PROXY UNKNOWN\r\nPROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    world_end(closed);
    world_end(world);
}

/* A header that never ends is given up like any login. */
static void header_that_stops(void **state)
{
    struct world *world = world_new(1, LISTED, NULL);
    struct client *client = client_connect_from(world, 0, BALANCER);

    (void)state;
    client_send_part(client, v2, 20);
    world_advance_ms(world, 9000);
    assert_false(client->wire->proxy_closed);
    world_advance_ms(world, 2000);
    assert_true(client->wire->proxy_closed);
    world_end(world);
}

static void changes_while_running(void **state)
{
    struct world *world = world_new(1, NULL);

    (void)state;
    expect_bad_handshake(world, BALANCER, headers[0]);
    world_reconfigure(world, "[proxy]\nlisten = 127.0.0.1:47000\nauto_file =\n"
                             "proxy_protocol_networks = 10.1.2.3\n"
                             "[server db1]\naddress = 127.0.0.1:47001\n"
                             "[server db2]\naddress = 127.0.0.1:47002\n"
                             "[server db3]\naddress = 127.0.0.1:47003\n"
                             "[user app]\npassword = secret\n[monitor]\npassword = m\n");
    log_in_behind(world, BALANCER, headers[0]);
    assert_string_equal(peer_of(world), "192.0.2.1:56324");
    expect_bad_handshake(world, "10.1.2.4:40000", headers[0]);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_tells_the_address), cmocka_unit_test(other_addresses),
        cmocka_unit_test(without_a_header),         cmocka_unit_test(refusal_names_the_client),
        cmocka_unit_test(cut_at_every_byte),        cmocka_unit_test(one_byte_at_a_time),
        cmocka_unit_test(malformed_or_not_allowed), cmocka_unit_test(header_that_stops),
        cmocka_unit_test(changes_while_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
