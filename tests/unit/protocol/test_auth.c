/*
 * Authentication: known answers, and both roles against each other. The exchange between them is
 * told as text, each payload by its first byte and size, clients' with '>' and servers' with '<'.
 */
#include "check.h"

#include "protocol/auth.h"
#include "protocol/digest.h"
#include "protocol/ok.h"
#include "protocol/rsa_key.h"

#include <openssl/evp.h>

#include <stdio.h>

static const uint8_t scramble[SCRAMBLE_SIZE + 1] = "abcdefghijklmnopqrst";
static const uint8_t nonce[AUTH_NONCE_SIZE + 1] = "abcdefghijklmnopqrstuvwxyzABCDEF";
static EVP_PKEY *rsa_key;

/* ---- formulas ---- */

/* What real clients sent for the password "app", and the scramble that they had been given. */
static void responses_seen(void **state)
{
    struct bytes native_scramble = from_hex("5673616c7a41734024316c4b7074757155344640");
    struct bytes native = from_hex("73e0cb1b85e3279ff62d493961bf63bd777a1bdb");
    struct bytes sha2_scramble = from_hex("796a34222f06077212736f17146c4f4c3a69446b");
    struct bytes sha2 =
        from_hex("290acad4a40913ed3afb76918902879e746f936edd74c4ffb59c5c9d414c804a");
    uint8_t sha1[NATIVE_HASH_SIZE], hash[SHA2_HASH_SIZE], response[SHA2_HASH_SIZE];

    (void)state;
    native_sha1_of(bytes_of_text("app"), sha1);
    native_response(sha1, native_scramble.data, response);
    assert_memory_equal(response, native.data, NATIVE_HASH_SIZE);
    native_hash_of_sha1(sha1, hash);
    assert_true(native_check(native, hash, native_scramble.data, response));
    assert_memory_equal(response, sha1, NATIVE_HASH_SIZE);
    assert_false(native_check(native, hash, sha2_scramble.data, response));

    sha2_response(bytes_of_text("app"), sha2_scramble.data, response);
    assert_memory_equal(response, sha2.data, SHA2_HASH_SIZE);
    sha2_hash_of(bytes_of_text("app"), hash);
    assert_true(sha2_check(sha2, hash, sha2_scramble.data));
    assert_false(sha2_check(sha2, hash, native_scramble.data));
    assert_false(sha2_check(bytes_first(sha2, 31), hash, sha2_scramble.data));

    free_bytes(native_scramble);
    free_bytes(native);
    free_bytes(sha2_scramble);
    free_bytes(sha2);
}

static void stored_hash(void **state)
{
    uint8_t sha1[NATIVE_HASH_SIZE], hash[NATIVE_HASH_SIZE], given[NATIVE_HASH_SIZE];

    (void)state;
    native_sha1_of(bytes_of_text("password"), sha1);
    native_hash_of_sha1(sha1, hash);
    assert_true(
        native_hash_from_text(bytes_of_text("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"), given));
    assert_memory_equal(hash, given, sizeof hash);
    assert_true(
        native_hash_from_text(bytes_of_text("*2470c0c06dee42fd1618bb99005adca2ec9d1e19"), given));
    assert_memory_equal(hash, given, sizeof hash);
    assert_false(
        native_hash_from_text(bytes_of_text("*2470c0c06dee42fd1618bb99005adca2ec9d1e1g"), given));
    assert_false(
        native_hash_from_text(bytes_of_text("*2470c0c06dee42fd1618bb99005adca2ec9d1e1"), given));
    assert_false(native_hash_from_text(bytes_of_text(""), given));
}

static void scrambles(void **state)
{
    uint8_t random[SCRAMBLE_SIZE], made[SCRAMBLE_SIZE];

    (void)state;
    for (unsigned start = 0; start < 256; start++) {
        for (unsigned i = 0; i < SCRAMBLE_SIZE; i++)
            random[i] = (uint8_t)(start + i);
        scramble_from_random(random, made);
        for (unsigned i = 0; i < SCRAMBLE_SIZE; i++)
            assert_true(made[i] != 0 && made[i] != '$' && made[i] < 128);
    }
}

static void rsa(void **state)
{
    struct writer pem = writer_growing(8192), secret = writer_growing(8192);
    uint8_t password[PASSWORD_MAX];
    size_t size;

    (void)state;
    rsa_key_write_public_pem(rsa_key, &pem);
    assert_false(pem.failed);
    EVP_PKEY *public_key = rsa_key_from_public_pem(writer_bytes(&pem));
    assert_non_null(public_key);
    rsa_key_encrypt_password(public_key, bytes_of_text("secret"), scramble, &secret);
    assert_false(secret.failed);
    assert_true(rsa_key_decrypt_password(rsa_key, writer_bytes(&secret), scramble, password,
                                         sizeof password, &size));
    check_bytes(bytes_of(password, size), "secret");

    /* Another scramble, too little room, bytes cut off or changed. */
    uint8_t other[SCRAMBLE_SIZE] = {1};
    assert_false(rsa_key_decrypt_password(rsa_key, writer_bytes(&secret), other, password,
                                          sizeof password, &size));
    assert_false(
        rsa_key_decrypt_password(rsa_key, writer_bytes(&secret), scramble, password, 5, &size));
    assert_false(rsa_key_decrypt_password(rsa_key, bytes_first(writer_bytes(&secret), 255),
                                          scramble, password, sizeof password, &size));
    secret.data[10] ^= 1;
    assert_false(rsa_key_decrypt_password(rsa_key, writer_bytes(&secret), scramble, password,
                                          sizeof password, &size));

    /* A password that the padding leaves no room for. */
    uint8_t letters[PASSWORD_MAX + 1] = {'x'};
    rsa_key_encrypt_password(public_key, bytes_of(letters, PASSWORD_MAX), scramble, &secret);
    assert_true(secret.failed);
    writer_clear(&secret);
    rsa_key_encrypt_password(public_key, bytes_of(letters, PASSWORD_MAX + 1), scramble, &secret);
    assert_true(secret.failed);

    writer_clear(&pem);
    rsa_key_write_private_pem(rsa_key, &pem);
    EVP_PKEY *again = rsa_key_from_private_pem(writer_bytes(&pem));
    assert_non_null(again);
    assert_null(rsa_key_from_public_pem(writer_bytes(&pem)));
    assert_null(rsa_key_from_private_pem(bytes_of_text("no key")));
    EVP_PKEY_free(again);
    EVP_PKEY_free(public_key);
    writer_dispose(&pem);
    writer_dispose(&secret);
}

/* ---- both roles ---- */

enum form { NONE, CLEAR, SHA1, HASH, SHA2 };

/* What of the password `text` is known; kept in `room`. */
static struct credential credential_of(enum form form, const char *text, uint8_t room[64])
{
    uint8_t sha1[NATIVE_HASH_SIZE];

    native_sha1_of(bytes_of_text(text), sha1);
    switch (form) {
    case NONE:
        break;
    case CLEAR:
        return (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(text)};
    case SHA1:
        memcpy(room, sha1, sizeof sha1);
        return (struct credential){CREDENTIAL_NATIVE_SHA1, bytes_of(room, NATIVE_HASH_SIZE)};
    case HASH:
        native_hash_of_sha1(sha1, room);
        return (struct credential){CREDENTIAL_NATIVE_HASH, bytes_of(room, NATIVE_HASH_SIZE)};
    case SHA2:
        sha2_hash_of(bytes_of_text(text), room);
        return (struct credential){CREDENTIAL_SHA2_HASH, bytes_of(room, SHA2_HASH_SIZE)};
    }
    return (struct credential){CREDENTIAL_NONE, {NULL, 0}};
}

struct exchange {
    const char *name;
    enum form server_knows;
    const char *server_password;
    enum auth_plugin server_plugin;
    enum form client_knows;
    const char *client_password;
    const char *client_plugin;
    bool secure, ask, key;
    const char *told;
};

#define NATIVE_NAME "mysql_native_password"
#define SHA2_NAME "caching_sha2_password"
#define N AUTH_PLUGIN_NATIVE
#define S AUTH_PLUGIN_CACHING_SHA2

static const struct exchange exchanges[] = {
    {"native", CLEAR, "pw", N, CLEAR, "pw", NATIVE_NAME, false, false, true, ">20 ok"},
    {"native, wrong", CLEAR, "pw", N, CLEAR, "no", NATIVE_NAME, false, false, true, ">20 denied"},
    {"native, both empty", CLEAR, "", N, CLEAR, "", NATIVE_NAME, false, false, true, ">0 ok"},
    {"native, empty but should not", CLEAR, "pw", N, CLEAR, "", NATIVE_NAME, false, false, true,
     ">0 denied"},
    {"native, should be empty", CLEAR, "", N, CLEAR, "pw", NATIVE_NAME, false, false, true,
     ">20 denied"},
    {"native from SHA1", CLEAR, "pw", N, SHA1, "pw", NATIVE_NAME, false, false, true, ">20 ok"},
    {"native by SHA1", SHA1, "pw", N, CLEAR, "pw", NATIVE_NAME, false, false, true, ">20 ok"},
    {"native by hash", HASH, "pw", N, CLEAR, "pw", NATIVE_NAME, false, false, true, ">20 ok"},
    {"native by hash, wrong", HASH, "pw", N, CLEAR, "no", NATIVE_NAME, false, false, true,
     ">20 denied"},
    {"native by hash, empty", HASH, "pw", N, CLEAR, "", NATIVE_NAME, false, false, true,
     ">0 denied"},
    {"native, nobody", NONE, "", N, CLEAR, "pw", NATIVE_NAME, false, false, true, ">20 denied"},
    {"nobody with an empty password", NONE, "", N, CLEAR, "", NATIVE_NAME, false, false, true,
     ">0 denied"},

    {"fast", CLEAR, "pw", S, CLEAR, "pw", SHA2_NAME, false, false, true, ">32 <1:2 ok"},
    {"fast, wrong", CLEAR, "pw", S, CLEAR, "no", SHA2_NAME, false, false, true, ">32 denied"},
    {"fast by hash", SHA2, "pw", S, CLEAR, "pw", SHA2_NAME, false, false, true, ">32 <1:2 ok"},
    {"fast, nobody", NONE, "", S, CLEAR, "pw", SHA2_NAME, false, false, true, ">32 denied"},
    {"fast, both empty", CLEAR, "", S, CLEAR, "", SHA2_NAME, false, false, true, ">1 ok"},
    {"fast, empty but should not", SHA2, "pw", S, CLEAR, "", SHA2_NAME, false, false, true,
     ">1 denied"},
    {"full in clear", CLEAR, "pw", S, CLEAR, "pw", SHA2_NAME, true, true, true, ">32 <1:2 >3 ok"},
    {"full in clear, wrong", CLEAR, "pw", S, CLEAR, "not", SHA2_NAME, true, true, true,
     ">32 <1:2 >4 denied"},
    {"full, encrypted", CLEAR, "pw", S, CLEAR, "pw", SHA2_NAME, false, true, true,
     ">32 <1:2 >1 <1:452 >256 ok"},
    {"full, encrypted, wrong", CLEAR, "pw", S, CLEAR, "no", SHA2_NAME, false, true, true,
     ">32 <1:2 >1 <1:452 >256 denied"},
    {"full, nobody", NONE, "", S, CLEAR, "pw", SHA2_NAME, false, true, true,
     ">32 <1:2 >1 <1:452 >256 denied"},
    {"full, only the native hash known", HASH, "pw", N, CLEAR, "pw", SHA2_NAME, false, true, true,
     ">32 <1:2 >1 <1:452 >256 ok"},
    {"full wanted, but no way to carry it", CLEAR, "pw", S, CLEAR, "pw", SHA2_NAME, false, true,
     false, ">32 <1:2 ok"},

    {"switched to native", HASH, "pw", N, CLEAR, "pw", SHA2_NAME, false, false, true,
     ">32 <254:44 >20 ok"},
    {"switched to native, wrong", HASH, "pw", N, CLEAR, "no", SHA2_NAME, false, false, true,
     ">32 <254:44 >20 denied"},
    {"switched to caching_sha2", SHA2, "pw", S, CLEAR, "pw", NATIVE_NAME, false, false, true,
     ">20 <254:44 >32 <1:2 ok"},
    {"switched from what is not known", CLEAR, "pw", S, CLEAR, "pw", "client_ed25519", false, false,
     true, ">20 ok"},
    {"SHA1 does not do for caching_sha2", SHA2, "pw", S, SHA1, "pw", NATIVE_NAME, false, false,
     true, ">20 <254:44 gave up"},
    {"the hash does not do for a client", CLEAR, "pw", N, HASH, "pw", NATIVE_NAME, false, false,
     true, "gave up"},
};

static void tell(char *text, size_t size, const char *direction, struct bytes payload, bool first)
{
    size_t used = strlen(text);

    if (first)
        snprintf(text + used, size - used, "%s%u:%zu ", direction, payload.data[0], payload.size);
    else
        snprintf(text + used, size - used, "%s%zu ", direction, payload.size);
}

static const char *run_exchange(const struct exchange *e, char *text, size_t size)
{
    uint8_t room[2][64], from_client[AUTH_PAYLOAD_MAX], from_server[AUTH_PAYLOAD_MAX];
    struct writer c_out = writer_over(from_client, sizeof from_client);
    struct writer s_out = writer_over(from_server, sizeof from_server);
    struct credential known = credential_of(e->client_knows, e->client_password, room[0]);
    struct auth_account account = {.credential =
                                       credential_of(e->server_knows, e->server_password, room[1]),
                                   .plugin = e->server_plugin,
                                   .secure = e->secure,
                                   .ask_password = e->ask,
                                   .rsa_key = e->key ? rsa_key : NULL,
                                   .nonce = nonce};
    struct auth_client c;
    struct auth_server s;

    text[0] = 0;
    if (auth_client_begin(&c, &known, e->secure, bytes_of_text(e->client_plugin), scramble,
                          &c_out) == AUTH_DENIED)
        return "gave up";
    tell(text, size, ">", writer_bytes(&c_out), false);
    enum auth_verdict verdict =
        auth_server_begin(&s, &account, scramble, bytes_of_text(auth_plugin_name(c.plugin)),
                          writer_bytes(&c_out), &s_out);
    for (;;) {
        struct bytes sent = exact_copy(writer_bytes(&s_out));
        enum auth_verdict answer = AUTH_WAIT;

        assert_false(s_out.failed);
        if (sent.size) {
            tell(text, size, "<", sent, true);
            answer = auth_client_next(&c, sent, &c_out);
        }
        free_bytes(sent);
        if (answer == AUTH_DENIED)
            return "gave up";
        if (verdict != AUTH_SEND) {
            assert_int_equal(answer, AUTH_WAIT);
            return verdict == AUTH_OK ? "ok" : "denied";
        }
        assert_int_equal(answer, AUTH_SEND);
        sent = exact_copy(writer_bytes(&c_out));
        tell(text, size, ">", sent, false);
        verdict = auth_server_next(&s, sent, &s_out);
        free_bytes(sent);
    }
}

static void both_roles(void **state)
{
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT(exchanges); i++) {
        const char *end = run_exchange(&exchanges[i], text, sizeof text);
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "%s", end);
        if (strcmp(text, exchanges[i].told) != 0)
            fail_msg("%s: '%s', should be '%s'", exchanges[i].name, text, exchanges[i].told);
    }
}

/* ---- one role against nonsense ---- */

static void server_switches_unknown_plugins(void **state)
{
    struct auth_account account = {
        .credential = {CREDENTIAL_PASSWORD, bytes_of_text("pw")}, .plugin = S, .rsa_key = rsa_key};
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);
    struct auth_switch request;
    struct auth_server s;

    (void)state;
    assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text("dialog"),
                                       bytes_of_text("anything"), &out),
                     AUTH_SEND);
    assert_int_equal(auth_switch_decode(writer_bytes(&out), &request), PARSE_OK);
    check_bytes(request.plugin, SHA2_NAME);
    check_bytes(request.data, (const char *)scramble);
    assert_int_equal(auth_server_next(&s, bytes_of_text("nonsense"), &out), AUTH_DENIED);
    assert_int_equal(auth_server_next(&s, bytes_of_text("more"), &out), AUTH_DENIED);
}

/* MySQL's client without the native plugin, greeted with that one. */
static void server_asks_a_client_that_waits(void **state)
{
    const struct auth_account account = {.credential = {CREDENTIAL_PASSWORD, bytes_of_text("pw")},
                                         .plugin = AUTH_PLUGIN_NATIVE};
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);
    struct auth_switch request;
    struct auth_server s;

    (void)state;
    assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text(SHA2_NAME),
                                       bytes_of(NULL, 0), &out),
                     AUTH_SEND);
    assert_int_equal(auth_switch_decode(writer_bytes(&out), &request), PARSE_OK);
    assert_true(bytes_equal_text(request.plugin, SHA2_NAME));
    assert_int_equal(auth_server_next(&s, bytes_of(NULL, 0), &out), AUTH_DENIED);
    /* With the greeting's plugin nothing means an empty password, at once. */
    assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text(NATIVE_NAME),
                                       bytes_of(NULL, 0), &out),
                     AUTH_DENIED);
}

static void server_given_nonsense_for_a_password(void **state)
{
    static const struct {
        bool secure, key;
        const char *hex;
    } rows[] = {
        {true, true, ""},    {true, true, "7077"}, /* not terminated */
        {true, false, "02"},                       /* no key to give */
        {false, true, ""},   {false, true, "7077 00"}, {false, true, "02 02"},
    };
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);
    uint8_t response[SHA2_HASH_SIZE];

    (void)state;
    sha2_response(bytes_of_text("pw"), scramble, response);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct auth_account account = {.credential = {CREDENTIAL_PASSWORD, bytes_of_text("pw")},
                                       .plugin = S,
                                       .secure = rows[i].secure,
                                       .ask_password = true,
                                       .rsa_key = rows[i].key ? rsa_key : NULL};
        struct bytes payload = from_hex(rows[i].hex);
        struct auth_server s;

        assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text(SHA2_NAME),
                                           bytes_of(response, sizeof response), &out),
                         AUTH_SEND);
        assert_int_equal(auth_server_next(&s, payload, &out), AUTH_DENIED);
        free_bytes(payload);
    }
}

/* SHA1(password) falls out of a native proof, for logging in to servers with it later. */
static void server_learns_sha1(void **state)
{
    uint8_t room[64], sha1[NATIVE_HASH_SIZE], response[NATIVE_HASH_SIZE];
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);
    struct auth_account account = {.credential = credential_of(HASH, "pw", room), .plugin = N};
    struct auth_server s;

    (void)state;
    native_sha1_of(bytes_of_text("pw"), sha1);
    native_response(sha1, scramble, response);
    assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text(NATIVE_NAME),
                                       bytes_of(response, sizeof response), &out),
                     AUTH_OK);
    assert_true(s.has_native_sha1);
    assert_memory_equal(s.native_sha1, sha1, sizeof sha1);
}

static void client_given_nonsense(void **state)
{
    static const struct {
        const char *hex;
        unsigned code;
    } rows[] = {
        {"", ERROR_HANDSHAKE},
        {"01", ERROR_HANDSHAKE},
        {"0105", ERROR_HANDSHAKE},
        {"010304", ERROR_HANDSHAKE},
        {"02", ERROR_HANDSHAKE},
        {"ff", ERROR_HANDSHAKE},
        {"ff1504 23 3238303030 6e6f", 1045},
        {"fe", ERROR_AUTH_PLUGIN},
        {"fe 6469616c6f67 00 00", ERROR_AUTH_PLUGIN},
        {"fe 6d7973716c5f6e61746976655f70617373776f7264 00 6162 00", ERROR_HANDSHAKE},
        {"fe 6d7973716c5f6e6174", ERROR_HANDSHAKE},
    };
    struct credential known = {CREDENTIAL_PASSWORD, bytes_of_text("pw")};
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i].hex), payload = exact_copy(b);
        struct auth_client c;

        assert_int_equal(
            auth_client_begin(&c, &known, false, bytes_of_text(SHA2_NAME), scramble, &out),
            AUTH_SEND);
        assert_int_equal(auth_client_next(&c, payload, &out), AUTH_DENIED);
        assert_int_equal(c.error.code, rows[i].code);
        assert_null(strstr(c.error.text, "pw"));
        free_bytes(payload);
        free_bytes(b);
    }
}

/* The password never leaves in clear where the transport is not secure, whatever the server says.
 */
static void client_keeps_its_password(void **state)
{
    struct credential known = {CREDENTIAL_PASSWORD, bytes_of_text("pw")};
    uint8_t buffer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(buffer, sizeof buffer);
    struct auth_client c;

    (void)state;
    assert_int_equal(auth_client_begin(&c, &known, false, bytes_of_text(SHA2_NAME), scramble, &out),
                     AUTH_SEND);
    assert_int_equal(auth_client_next(&c, bytes_of("\1\4", 2), &out), AUTH_SEND);
    assert_int_equal(out.size, 1);
    assert_int_equal(buffer[0], 2);
    assert_int_equal(auth_client_next(&c, bytes_of_text("\1not a key"), &out), AUTH_DENIED);
    assert_int_equal(c.error.code, ERROR_AUTH_PLUGIN);
    assert_int_equal(out.size, 0);
    assert_int_equal(auth_client_next(&c, bytes_of("\0\0\0\2\0\0\0", 7), &out), AUTH_OK);
}

static int make_key(void **state)
{
    (void)state;
    rsa_key = rsa_key_generate(2048);
    return rsa_key ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_seen),
        cmocka_unit_test(stored_hash),
        cmocka_unit_test(scrambles),
        cmocka_unit_test(rsa),
        cmocka_unit_test(both_roles),
        cmocka_unit_test(server_switches_unknown_plugins),
        cmocka_unit_test(server_asks_a_client_that_waits),
        cmocka_unit_test(server_given_nonsense_for_a_password),
        cmocka_unit_test(server_learns_sha1),
        cmocka_unit_test(client_given_nonsense),
        cmocka_unit_test(client_keeps_its_password),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
