/*
 * The plugins beside native and caching_sha2: client_ed25519 in both roles, sha256_password towards
 * servers.
 */
#include "check.h"

#include "protocol/auth.h"
#include "protocol/ed25519.h"
#include "protocol/rsa_key.h"

#include <openssl/evp.h>
#include <string.h>

static const uint8_t scramble[SCRAMBLE_SIZE + 1] = "abcdefghijklmnopqrst";
static const uint8_t nonce[AUTH_NONCE_SIZE + 1] = "abcdefghijklmnopqrstuvwxyzABCDEF";

/* Keys and signatures of that nonce, by RFC 8032's arithmetic written out in another language. The
 * first key is what MariaDB's manual shows for ed25519_password('secret'), in hexadecimal. */
static const struct {
    const char *password, *key, *signature;
} known[] = {
    {"secret", "648814444520e4f56043a2ec9215e63be7992d2d270bc6dee873e36164786096", NULL},
    {"app", "03a26c2974b79045e739b311dd49c1b1726962af700d39ace9384f32bff4132c",
     "bff293f8de19357e7ef54843ef87302cedc747276b978f8bc57ce29a4902d263"
     "77604231bbad4ed54d0442b1befd0f9d9edb5c87afcbca590ca092950c03f207"},
    {"", "e0b1fe74117e1b95b608a4f221df314774b20ea66842350d515371c7c6966c6e",
     "1385d73f4b81fc5449af440d04f1eff9a27375204446da6c001bf539d571e207"
     "e559dcd966a94b20198dd53e970ea291f369f1983b282aac891f2cfd99432d0f"},
    {"a longer password, more than thirty-two bytes of it",
     "27eae5e9d88dd8d7ff1c1b2a53a00c1d6b6e88a3f0169cf69494b718550b3fae",
     "e807e2eb9967736465155b97013a9d74767652999410b2cb32d7a9b3cdae02c7"
     "af1db63ccfd588e5b92048125effd6b3f33f0b136f6d5e7e117a10c041420d0b"},
};

static void known_answers(void **state)
{
    uint8_t key[ED25519_KEY_SIZE], signature[ED25519_SIGNATURE_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct bytes expected = from_hex(known[i].key);

        ed25519_key_of(bytes_of_text(known[i].password), key);
        assert_memory_equal(key, expected.data, sizeof key);
        free_bytes(expected);
        ed25519_sign(bytes_of_text(known[i].password), nonce, signature);
        if (known[i].signature) {
            expected = from_hex(known[i].signature);
            assert_memory_equal(signature, expected.data, sizeof signature);
            free_bytes(expected);
        }
        assert_true(ed25519_check(bytes_of(signature, sizeof signature), key, nonce));
        assert_false(ed25519_check(bytes_of(signature, sizeof signature - 1), key, nonce));
        assert_false(ed25519_check(bytes_of(signature, sizeof signature), key, nonce + 1));
        signature[i * 20] ^= 1;
        assert_false(ed25519_check(bytes_of(signature, sizeof signature), key, nonce));
    }
}

/* A client that names client_ed25519 with this password, and an account with that one. */
static enum auth_verdict ed25519_login(struct credential account_knows, const char *password)
{
    struct auth_account account = {
        .credential = account_knows, .plugin = AUTH_PLUGIN_NATIVE, .nonce = nonce};
    struct credential client_knows = {CREDENTIAL_PASSWORD, bytes_of_text(password)};
    uint8_t space[2][AUTH_PAYLOAD_MAX];
    struct writer c_out = writer_over(space[0], sizeof space[0]);
    struct writer s_out = writer_over(space[1], sizeof space[1]);
    struct auth_client c;
    struct auth_server s;

    assert_int_equal(auth_client_begin(&c, &client_knows, false, bytes_of_text("client_ed25519"),
                                       scramble, &c_out),
                     AUTH_SEND);
    assert_int_equal(auth_server_begin(&s, &account, scramble, bytes_of_text("client_ed25519"),
                                       writer_bytes(&c_out), &s_out),
                     AUTH_SEND);
    assert_int_equal(s_out.size, 1 + sizeof "client_ed25519" + AUTH_NONCE_SIZE);
    assert_int_equal(auth_client_next(&c, writer_bytes(&s_out), &c_out), AUTH_SEND);
    assert_int_equal(c_out.size, ED25519_SIGNATURE_SIZE);
    return auth_server_next(&s, writer_bytes(&c_out), &s_out);
}

static void ed25519_in_both_roles(void **state)
{
    struct credential app = {CREDENTIAL_PASSWORD, bytes_of_text("app")};
    struct credential empty = {CREDENTIAL_PASSWORD, bytes_of_text("")};
    struct credential nobody = {CREDENTIAL_NONE, bytes_of_text("")};

    (void)state;
    assert_int_equal(ed25519_login(app, "app"), AUTH_OK);
    assert_int_equal(ed25519_login(app, "apq"), AUTH_DENIED);
    assert_int_equal(ed25519_login(app, ""), AUTH_DENIED);
    assert_int_equal(ed25519_login(empty, ""), AUTH_OK);
    assert_int_equal(ed25519_login(empty, "x"), AUTH_DENIED);
    assert_int_equal(ed25519_login(nobody, ""), AUTH_DENIED);
    assert_int_equal(ed25519_login(nobody, "app"), AUTH_DENIED);
}

/* The last byte of a server's nonce may be 0, which is no terminator. */
static void nonce_that_ends_in_zero(void **state)
{
    struct credential app = {CREDENTIAL_PASSWORD, bytes_of_text("app")};
    uint8_t space[AUTH_PAYLOAD_MAX], request[1 + sizeof "client_ed25519" + AUTH_NONCE_SIZE];
    uint8_t key[ED25519_KEY_SIZE];
    struct writer out = writer_over(space, sizeof space);
    struct auth_client c;

    (void)state;
    request[0] = 0xfe;
    memcpy(request + 1, "client_ed25519", sizeof "client_ed25519");
    memset(request + 1 + sizeof "client_ed25519", 0, AUTH_NONCE_SIZE);
    ed25519_key_of(bytes_of_text("app"), key);
    for (size_t cut = 0; cut < 3; cut++) {
        assert_int_equal(auth_client_begin(&c, &app, false, bytes_of_text("mysql_native_password"),
                                           scramble, &out),
                         AUTH_SEND);
        assert_int_equal(auth_client_next(&c, bytes_of(request, sizeof request - cut), &out),
                         cut == 0 ? AUTH_SEND : AUTH_DENIED);
        if (cut == 0)
            assert_true(ed25519_check(writer_bytes(&out), key, request + sizeof request - 32));
    }
}

/* Without a nonce, or of which only a hash is known: the client is asked for another plugin. */
static void ed25519_that_cannot_be_checked(void **state)
{
    static const uint8_t hash[NATIVE_HASH_SIZE];
    const struct auth_account accounts[] = {
        {.credential = {CREDENTIAL_PASSWORD, bytes_of_text("pw")}, .plugin = AUTH_PLUGIN_NATIVE},
        {.credential = {CREDENTIAL_NATIVE_HASH, bytes_of(hash, sizeof hash)},
         .plugin = AUTH_PLUGIN_NATIVE,
         .nonce = nonce},
    };
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct auth_switch request;
    struct auth_server s;

    (void)state;
    for (size_t i = 0; i < COUNT(accounts); i++) {
        assert_int_equal(auth_server_begin(&s, &accounts[i], scramble,
                                           bytes_of_text("client_ed25519"), bytes_of_text("x"),
                                           &out),
                         AUTH_SEND);
        assert_int_equal(auth_switch_decode(writer_bytes(&out), &request), PARSE_OK);
        check_bytes(request.plugin, "mysql_native_password");
    }
}

static void begin_sha256(struct auth_client *c, const char *password, bool secure,
                         struct writer *out)
{
    struct credential credential = {CREDENTIAL_PASSWORD, bytes_of_text(password)};

    assert_int_equal(
        auth_client_begin(c, &credential, secure, bytes_of_text("sha256_password"), scramble, out),
        AUTH_SEND);
}

/* The key comes as more data, or by itself. */
static void sha256_encrypted(void **state)
{
    EVP_PKEY *key = rsa_key_generate(2048);
    uint8_t space[2][AUTH_PAYLOAD_MAX], password[PASSWORD_MAX];
    size_t size;

    (void)state;
    for (unsigned with_head = 0; with_head < 2; with_head++) {
        struct writer out = writer_over(space[0], sizeof space[0]);
        struct writer pem = writer_over(space[1], sizeof space[1]);
        struct auth_client c;

        if (with_head)
            write_u8(&pem, 1);
        rsa_key_write_public_pem(key, &pem);
        begin_sha256(&c, "pw", false, &out);
        check_bytes(writer_bytes(&out), "\1");
        assert_int_equal(auth_client_next(&c, writer_bytes(&pem), &out), AUTH_SEND);
        assert_true(rsa_key_decrypt_password(key, writer_bytes(&out), scramble, password,
                                             sizeof password, &size));
        check_bytes(bytes_of(password, size), "pw");
        /* It gives its password once. */
        assert_int_equal(auth_client_next(&c, writer_bytes(&pem), &out), AUTH_DENIED);
    }
    EVP_PKEY_free(key);
}

static void sha256_otherwise(void **state)
{
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct credential sha1 = {CREDENTIAL_NATIVE_SHA1, bytes_of(nonce, NATIVE_HASH_SIZE)};
    uint8_t request[1 + sizeof "sha256_password" + SCRAMBLE_SIZE + 1] = "\xfesha256_password";
    struct auth_client c;

    (void)state;
    begin_sha256(&c, "pw", true, &out);
    assert_int_equal(out.size, 3);
    assert_memory_equal(out.data, "pw", 3);
    begin_sha256(&c, "", false, &out);
    assert_int_equal(out.size, 1);
    assert_int_equal(out.data[0], 0);
    begin_sha256(&c, "pw", false, &out);
    assert_int_equal(auth_client_next(&c, bytes_of_text("-----BEGIN NONSENSE"), &out), AUTH_DENIED);

    memcpy(request + 1 + sizeof "sha256_password", scramble, SCRAMBLE_SIZE);
    assert_int_equal(
        auth_client_begin(&c, &sha1, false, bytes_of_text("mysql_native_password"), scramble, &out),
        AUTH_SEND);
    assert_int_equal(auth_client_next(&c, bytes_of(request, sizeof request), &out), AUTH_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),           cmocka_unit_test(ed25519_in_both_roles),
        cmocka_unit_test(nonce_that_ends_in_zero), cmocka_unit_test(ed25519_that_cannot_be_checked),
        cmocka_unit_test(sha256_encrypted),        cmocka_unit_test(sha256_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
