/*
 * Login packets, most of them as real servers and clients sent them.
 */
#include "check.h"

#include "protocol/capability.h"
#include "protocol/handshake.h"

#include <string.h>

static const char mariadb_greeting[] =
    "0a352e352e352d31302e31312e31392d4d6172696144422d302b646562313275312d6c6f6700040000005673"
    "616c7a41734000feff080200ff81150000000000001d00000024316c4b7074757155344640006d7973716c5f"
    "6e61746976655f70617373776f726400";
static const char mysql_greeting[] =
    "0a392e372e342d320008000000796a34222f06077200ffffff0200ffdf150000000000000000000012736f17"
    "146c4f4c3a69446b0063616368696e675f736861325f70617373776f726400";
static const char mariadb_login[] =
    "8ca2bf000000100021000000000000000000000000000000000000001d000000617070001473e0cb1b85e327"
    "9ff62d493961bf63bd777a1bdb74657374006d7973716c5f6e61746976655f70617373776f7264007f035f6f"
    "73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f7069640531353836300f5f"
    "636c69656e745f76657273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70726f6772"
    "616d5f6e616d65056d7973716c0c5f7365727665725f686f7374093132372e302e302e31";
static const char mysql_login[] =
    "8da2bf1900000001ff00000000000000000000000000000000000000000000006170700020290acad4a40913"
    "ed3afb76918902879e746f936edd74c4ffb59c5c9d414c804a746573740063616368696e675f736861325f70"
    "617373776f72640072045f706964053135393036095f706c6174666f726d067838365f3634035f6f73054c69"
    "6e75780c5f636c69656e745f6e616d65086c69626d7973716c076f735f7573657204726f6f740f5f636c6965"
    "6e745f76657273696f6e05392e372e340c70726f6772616d5f6e616d65056d7973716c";
static const char tls_request[] =
    "8daabf1900000001ff0000000000000000000000000000000000000000000000";

static enum parse decode_greeting(struct bytes payload)
{
    struct greeting greeting;
    return greeting_decode(payload, &greeting);
}

static enum parse decode_login(struct bytes payload)
{
    struct login login;
    return login_decode(payload, &login);
}

/* Encodes again and compares; whatever has one form only must come out as it went in. */
static void check_same(const struct writer *w, struct bytes b)
{
    assert_false(w->failed);
    assert_int_equal(w->size, b.size);
    assert_memory_equal(w->data, b.data, b.size);
}

static void greeting_of_mariadb(void **state)
{
    struct bytes b = from_hex(mariadb_greeting);
    struct greeting greeting;
    uint8_t buffer[256];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    assert_int_equal(greeting_decode(b, &greeting), PARSE_OK);
    check_bytes(greeting.version, "5.5.5-10.11.19-MariaDB-0+deb12u1-log");
    check_bytes(greeting_version(&greeting), "10.11.19-MariaDB-0+deb12u1-log");
    assert_true(greeting_is_mariadb(&greeting));
    assert_int_equal(greeting.thread_id, 4);
    assert_memory_equal(greeting.scramble, "VsalzAs@$1lKptuqU4F@", SCRAMBLE_SIZE);
    assert_true(greeting.capabilities == UINT64_C(0x1d81fffffe));
    assert_int_equal(greeting.status, STATUS_AUTOCOMMIT);
    check_bytes(greeting.plugin, "mysql_native_password");
    greeting_encode(&w, &greeting);
    check_same(&w, b);
    check_prefixes(b, decode_greeting, NULL);
    free_bytes(b);
}

static void greeting_of_mysql(void **state)
{
    struct bytes b = from_hex(mysql_greeting);
    struct greeting greeting;
    uint8_t buffer[256];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    assert_int_equal(greeting_decode(b, &greeting), PARSE_OK);
    check_bytes(greeting_version(&greeting), "9.7.4-2");
    assert_false(greeting_is_mariadb(&greeting));
    assert_true(greeting.capabilities == 0xdfffffff);
    check_bytes(greeting.plugin, "caching_sha2_password");
    greeting_encode(&w, &greeting);
    check_same(&w, b);
    check_prefixes(b, decode_greeting, NULL);
    free_bytes(b);
}

static void greetings_refused(void **state)
{
    static const char *const rows[] = {
        "ff10 0423 3038303034 546f6f",             /* ERR 1040 in its place */
        "09 3332 00 01000000 6162636465666768 00", /* protocol version 9 */
        /* without PROTOCOL_41 */
        ("0a 39 00 01000000 6162636465666768 00 0080 08 0200 0000 15 00000000000000000000"
         "6162636465666768696a6b6c 00"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i]);
        assert_int_equal(decode_greeting(b), PARSE_BAD);
        free_bytes(b);
    }
}

static void login_of_mariadb(void **state)
{
    struct bytes b = from_hex(mariadb_login);
    struct login login;
    uint8_t buffer[512];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    assert_int_equal(login_decode(b, &login), PARSE_OK);
    check_bytes(login.user, "app");
    check_bytes(login.schema, "test");
    check_bytes(login.plugin, "mysql_native_password");
    assert_int_equal(login.response.size, 20);
    assert_int_equal(login.collation, 33);
    assert_true(login.capabilities >> 32 == 0x1d);
    login_encode(&w, &login);
    check_same(&w, b);
    /* Cut cleanly before the plugin, or before the attributes. */
    size_t before = (size_t)(login.plugin.data - b.data);
    check_prefixes(b, decode_login, (const size_t[]){before, before + login.plugin.size + 1, 0});
    assert_false(login_is_tls_request(b));
    free_bytes(b);
}

static void login_of_mysql(void **state)
{
    struct bytes b = from_hex(mysql_login);
    struct login login;
    struct bytes name, value;
    unsigned attributes = 0;

    (void)state;
    assert_int_equal(login_decode(b, &login), PARSE_OK);
    check_bytes(login.plugin, "caching_sha2_password");
    assert_int_equal(login.response.size, 32);
    struct bytes left = login.attributes;
    while (attribute_next(&left, &name, &value)) {
        if (attributes++ == 3) {
            check_bytes(name, "_client_name");
            check_bytes(value, "libmysql");
        }
    }
    assert_int_equal(attributes, 7);
    assert_int_equal(left.size, 0);
    free_bytes(b);
}

static void request_for_tls(void **state)
{
    struct bytes b = from_hex(tls_request);
    uint64_t capabilities;
    uint8_t buffer[64];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    assert_true(login_is_tls_request(b));
    assert_int_equal(login_capabilities(b, &capabilities), PARSE_OK);
    assert_true(capabilities & CAPABILITY_SSL);
    tls_request_encode(&w, capabilities, 1u << 24, 255);
    check_same(&w, b);
    for (size_t size = 0; size < b.size; size++)
        assert_false(login_is_tls_request(bytes_first(b, size)));
    assert_int_equal(decode_login(b), PARSE_BAD);
    free_bytes(b);
}

/* The three ways to send a response, and what each cannot hold. */
static void forms_of_the_response(void **state)
{
    static const uint64_t forms[] = {CAPABILITY_SECURE_CONNECTION | CAPABILITY_PLUGIN_AUTH_LENENC,
                                     CAPABILITY_SECURE_CONNECTION, 0};
    static const size_t fits[] = {300, 255, 400};
    uint8_t letters[400], buffer[512];

    (void)state;
    memset(letters, 'x', sizeof letters);
    for (size_t i = 0; i < COUNT(forms); i++) {
        for (size_t size = fits[i] - 1; size <= fits[i]; size++) {
            struct writer w = writer_over(buffer, sizeof buffer);
            struct login again, login = {
                                    .capabilities = CAPABILITY_MYSQL | CAPABILITY_PROTOCOL_41 |
                                                    CAPABILITY_CONNECT_WITH_DB | forms[i],
                                    .user = bytes_of_text("u"),
                                    .response = bytes_of(letters, size),
                                    .schema = bytes_of_text("s"),
                                };
            login_encode(&w, &login);
            assert_false(w.failed);
            check_prefixes(writer_bytes(&w), decode_login, NULL);
            assert_int_equal(login_decode(writer_bytes(&w), &again), PARSE_OK);
            assert_int_equal(again.response.size, size);
            check_bytes(again.schema, "s");
        }
    }

    struct writer w = writer_over(buffer, sizeof buffer);
    struct login login = {.capabilities = CAPABILITY_PROTOCOL_41 | CAPABILITY_SECURE_CONNECTION,
                          .response = bytes_of(letters, 256)};
    login_encode(&w, &login);
    assert_true(w.failed);
}

static enum parse decode_change_user(struct bytes payload)
{
    struct login login;
    return change_user_decode(payload, CAPABILITIES_OFFERED, &login);
}

static void change_user(void **state)
{
    uint8_t buffer[256];
    struct writer w = writer_over(buffer, sizeof buffer);
    struct login again, login = {
                            .capabilities = CAPABILITIES_OFFERED,
                            .collation = 255,
                            .user = bytes_of_text("other"),
                            .response = bytes_of_text("01234567890123456789"),
                            .schema = bytes_of_text("shop"),
                            .plugin = bytes_of_text("mysql_native_password"),
                            .attributes = bytes_of("\1k\1v", 4),
                        };

    (void)state;
    change_user_encode(&w, &login);
    assert_false(w.failed);
    assert_int_equal(change_user_decode(writer_bytes(&w), CAPABILITIES_OFFERED, &again), PARSE_OK);
    check_bytes(again.user, "other");
    check_bytes(again.schema, "shop");
    check_bytes(again.plugin, "mysql_native_password");
    assert_int_equal(again.collation, 255);
    assert_int_equal(again.attributes.size, 4);
    /* Cut cleanly behind the schema, the collation, the plugin. */
    check_prefixes(writer_bytes(&w), decode_change_user, (const size_t[]){33, 35, 57, 0});
}

static enum parse decode_switch(struct bytes payload)
{
    struct auth_switch request;
    return auth_switch_decode(payload, &request);
}

static void switching(void **state)
{
    uint8_t buffer[128];
    struct writer w = writer_over(buffer, sizeof buffer);
    struct auth_switch again,
        request = {bytes_of_text("mysql_native_password"), bytes_of_text("abcdefghijklmnopqrst")};

    (void)state;
    auth_switch_encode(&w, &request);
    assert_int_equal(auth_switch_decode(writer_bytes(&w), &again), PARSE_OK);
    check_bytes(again.plugin, "mysql_native_password");
    check_bytes(again.data, "abcdefghijklmnopqrst");
    /* A shorter scramble is for the plugin to refuse: not before its name is whole, then always. */
    for (size_t size = 2; size < 23; size++)
        assert_int_equal(decode_switch(bytes_first(writer_bytes(&w), size)), PARSE_BAD);
    assert_int_equal(decode_switch(bytes_of("", 0)), PARSE_BAD);
    assert_int_equal(auth_switch_decode(bytes_of("\xfe", 1), &again), PARSE_OK);
    check_bytes(again.plugin, "mysql_old_password");

    struct bytes data;
    assert_int_equal(auth_more_decode(bytes_of("\1\3", 2), &data), PARSE_OK);
    assert_int_equal(data.size, 1);
    assert_int_equal(auth_more_decode(bytes_of("\0", 1), &data), PARSE_BAD);
    assert_int_equal(auth_more_decode(bytes_of("", 0), &data), PARSE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeting_of_mariadb),
        cmocka_unit_test(greeting_of_mysql),
        cmocka_unit_test(greetings_refused),
        cmocka_unit_test(login_of_mariadb),
        cmocka_unit_test(login_of_mysql),
        cmocka_unit_test(request_for_tls),
        cmocka_unit_test(forms_of_the_response),
        cmocka_unit_test(change_user),
        cmocka_unit_test(switching),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
