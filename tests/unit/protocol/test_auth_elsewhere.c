/*
 * Passwords that somebody else has to judge: how the client is made to say them, and when it need
 * not; and mysql_clear_password in both roles.
 */
#include "check.h"

#include "protocol/auth.h"
#include "protocol/digest.h"
#include "protocol/rsa_key.h"

#include <openssl/evp.h>
#include <string.h>

static const uint8_t scramble[SCRAMBLE_SIZE] = "abcdefghijklmnopqrst";
static EVP_PKEY *rsa_key;

/* A client with this password and plugin, against the account; what is claimed goes to `claimed`.
 */
static enum auth_verdict log_in(const struct auth_account *account, const char *password,
                                const char *plugin, char claimed[PASSWORD_MAX + 1])
{
    const struct credential credential = {CREDENTIAL_PASSWORD, bytes_of_text(password)};
    uint8_t from_client[AUTH_PAYLOAD_MAX], from_server[AUTH_PAYLOAD_MAX];
    struct writer c_out = writer_over(from_client, sizeof from_client);
    struct writer s_out = writer_over(from_server, sizeof from_server);
    enum auth_verdict verdict;
    struct auth_client c;
    struct auth_server s;

    claimed[0] = 0;
    assert_int_equal(auth_client_begin(&c, &credential, account->secure, bytes_of_text(plugin),
                                       scramble, &c_out),
                     AUTH_SEND);
    verdict = auth_server_begin(&s, account, scramble, bytes_of_text(auth_plugin_name(c.plugin)),
                                writer_bytes(&c_out), &s_out);
    while (verdict == AUTH_SEND) {
        assert_int_equal(auth_client_next(&c, writer_bytes(&s_out), &c_out), AUTH_SEND);
        verdict = auth_server_next(&s, writer_bytes(&c_out), &s_out);
    }
    if (verdict == AUTH_CLAIMED) {
        memcpy(claimed, s.password, s.password_size);
        claimed[s.password_size] = 0;
    }
    return verdict;
}

static void the_password_is_heard(void **state)
{
    struct auth_account account = {.plugin = AUTH_PLUGIN_CACHING_SHA2, .elsewhere = true};
    char claimed[PASSWORD_MAX + 1];

    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        account.secure = secure;
        account.rsa_key = secure ? NULL : rsa_key;
        assert_int_equal(log_in(&account, "pw", "caching_sha2_password", claimed), AUTH_CLAIMED);
        assert_string_equal(claimed, "pw");
        assert_int_equal(log_in(&account, "pw", "mysql_native_password", claimed), AUTH_CLAIMED);
        assert_string_equal(claimed, "pw");
        assert_int_equal(log_in(&account, "", "caching_sha2_password", claimed), AUTH_CLAIMED);
        assert_string_equal(claimed, "");
    }
    account.secure = false;
    account.rsa_key = NULL;
    assert_int_equal(log_in(&account, "pw", "caching_sha2_password", claimed), AUTH_DENIED);
}

/* What is known serves the quick exchange; any other password is claimed. */
static void the_known_password_is_enough(void **state)
{
    struct auth_account account = {.credential = {CREDENTIAL_PASSWORD, bytes_of_text("old")},
                                   .plugin = AUTH_PLUGIN_CACHING_SHA2,
                                   .rsa_key = rsa_key,
                                   .elsewhere = true};
    char claimed[PASSWORD_MAX + 1];

    (void)state;
    assert_int_equal(log_in(&account, "old", "caching_sha2_password", claimed), AUTH_OK);
    assert_int_equal(log_in(&account, "new", "caching_sha2_password", claimed), AUTH_CLAIMED);
    assert_string_equal(claimed, "new");
    assert_int_equal(log_in(&account, "", "caching_sha2_password", claimed), AUTH_CLAIMED);
    assert_string_equal(claimed, "");
    account.credential.secret = bytes_of_text("");
    assert_int_equal(log_in(&account, "new", "caching_sha2_password", claimed), AUTH_CLAIMED);
    assert_string_equal(claimed, "new");
}

/* Any of the hashes may be the right one, and it shows which. */
static void several_hashes(void **state)
{
    uint8_t hashes[2 * NATIVE_HASH_SIZE], sha1[NATIVE_HASH_SIZE];
    struct auth_account account = {
        .credential = {CREDENTIAL_NATIVE_HASH, bytes_of(hashes, sizeof hashes)},
        .plugin = AUTH_PLUGIN_NATIVE};
    char claimed[PASSWORD_MAX + 1];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        native_sha1_of(bytes_of_text(i ? "two" : "one"), sha1);
        native_hash_of_sha1(sha1, hashes + i * NATIVE_HASH_SIZE);
    }
    assert_int_equal(log_in(&account, "one", "mysql_native_password", claimed), AUTH_OK);
    assert_int_equal(log_in(&account, "two", "mysql_native_password", claimed), AUTH_OK);
    assert_int_equal(log_in(&account, "three", "mysql_native_password", claimed), AUTH_DENIED);
}

static enum auth_verdict say(const struct auth_account *account, struct bytes response,
                             struct writer *out)
{
    struct auth_server s;

    return auth_server_begin(&s, account, scramble, bytes_of_text("mysql_clear_password"), response,
                             out);
}

/* Who comes with the password in clear is heard where that is safe, and else asked otherwise. */
static void clear_from_clients(void **state)
{
    struct auth_account account = {.credential = {CREDENTIAL_PASSWORD, bytes_of_text("pw")},
                                   .plugin = AUTH_PLUGIN_NATIVE,
                                   .may_be_clear = true};
    uint8_t space[AUTH_PAYLOAD_MAX], too_long[PASSWORD_MAX + 2];
    struct writer out = writer_over(space, sizeof space);
    struct auth_switch request;

    (void)state;
    memset(too_long, 'x', sizeof too_long);
    assert_int_equal(say(&account, bytes_of("pw", 3), &out), AUTH_OK);
    assert_int_equal(say(&account, bytes_of("pw", 2), &out), AUTH_OK);
    assert_int_equal(say(&account, bytes_of("pw\0x", 4), &out), AUTH_DENIED);
    assert_int_equal(say(&account, bytes_of("no", 3), &out), AUTH_DENIED);
    assert_int_equal(say(&account, bytes_of("", 1), &out), AUTH_DENIED);
    account.elsewhere = true;
    assert_int_equal(say(&account, bytes_of("no", 3), &out), AUTH_CLAIMED);
    assert_int_equal(say(&account, bytes_of(too_long, sizeof too_long), &out), AUTH_DENIED);
    account.credential.kind = CREDENTIAL_NONE;
    assert_int_equal(say(&account, bytes_of("no", 3), &out), AUTH_CLAIMED);
    account.elsewhere = false;
    assert_int_equal(say(&account, bytes_of("no", 3), &out), AUTH_DENIED);
    account.may_be_clear = false;
    account.credential.kind = CREDENTIAL_PASSWORD;
    assert_int_equal(say(&account, bytes_of("pw", 3), &out), AUTH_SEND);
    assert_int_equal(auth_switch_decode(writer_bytes(&out), &request), PARSE_OK);
    check_bytes(request.plugin, "mysql_native_password");
}

static void clear_towards_servers(void **state)
{
    const struct credential password = {CREDENTIAL_PASSWORD, bytes_of_text("pw")};
    const struct bytes request = bytes_of("\xfemysql_clear_password\0", 22);
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct auth_client c;

    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        assert_int_equal(auth_client_begin(&c, &password, secure,
                                           bytes_of_text("mysql_clear_password"), scramble, &out),
                         AUTH_SEND);
        assert_int_equal(out.size, NATIVE_HASH_SIZE);
        assert_int_equal(auth_client_next(&c, request, &out), secure ? AUTH_SEND : AUTH_DENIED);
        if (secure)
            check_bytes(bytes_first(writer_bytes(&out), 2), "pw");
        else
            assert_non_null(strstr(c.error.text, "goes over TLS only"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_is_heard), cmocka_unit_test(the_known_password_is_enough),
        cmocka_unit_test(several_hashes),        cmocka_unit_test(clear_from_clients),
        cmocka_unit_test(clear_towards_servers),
    };
    int failed;

    rsa_key = rsa_key_generate(2048);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(rsa_key);
    return failed;
}
