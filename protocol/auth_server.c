/*
 * Authentication in the server's role: is this client who it says it is?
 *
 *     begin --> SWITCHED          the client's plugin cannot be checked: another was asked for
 *     begin, SWITCHED --> ASKED   the password itself was asked for (caching_sha2, full)
 *     ASKED --> KEY_SENT          the client wanted the RSA key first
 *     any --> FINISHED            AUTH_OK, AUTH_DENIED or AUTH_CLAIMED
 *
 * An account of which nothing is known (CREDENTIAL_NONE) goes the same ways as any other and fails
 * at the end, so that the exchange does not tell which users exist.
 */
#include "protocol/auth.h"
#include "protocol/digest.h"
#include "protocol/ed25519.h"
#include "protocol/rsa_key.h"

#include <openssl/crypto.h>

#include <assert.h>

enum state { STATE_SWITCHED, STATE_ASKED, STATE_KEY_SENT, STATE_FINISHED };

#define SHA2_FAST_ENOUGH 3
#define SHA2_SEND_PASSWORD 4
#define SHA2_REQUEST_KEY 2

static enum auth_verdict finish(struct auth_server *s, bool proved)
{
    s->state = STATE_FINISHED;
    return proved ? AUTH_OK : AUTH_DENIED;
}

static enum auth_verdict claim(struct auth_server *s, struct bytes password)
{
    s->state = STATE_FINISHED;
    if (password.size > sizeof s->password)
        return AUTH_DENIED;
    if (password.size > 0)
        memcpy(s->password, password.data, password.size);
    s->password_size = password.size;
    return AUTH_CLAIMED;
}

/* Can the client be told to say its password? */
static bool can_hear(const struct auth_account *account)
{
    return account->secure || account->rsa_key;
}

static bool can_ask_password(const struct auth_account *account)
{
    return account->ask_password && can_hear(account);
}

/* Can a client that uses this plugin be checked with what is known of the password? */
static bool can_check(const struct auth_account *account, enum auth_plugin plugin)
{
    if (plugin == AUTH_PLUGIN_CLEAR)
        return account->may_be_clear;
    /* What is known may be out of date; only with this plugin the password can be asked for. */
    if (account->elsewhere && (account->credential.kind == CREDENTIAL_NONE ||
                               account->plugin == AUTH_PLUGIN_CACHING_SHA2))
        return plugin == AUTH_PLUGIN_CACHING_SHA2 && can_hear(account);
    switch (account->credential.kind) {
    case CREDENTIAL_NONE:
    case CREDENTIAL_PASSWORD:
        return plugin == AUTH_PLUGIN_NATIVE || plugin == AUTH_PLUGIN_CACHING_SHA2 ||
               (plugin == AUTH_PLUGIN_ED25519 && account->nonce);
    case CREDENTIAL_NATIVE_SHA1:
    case CREDENTIAL_NATIVE_HASH:
        return plugin == AUTH_PLUGIN_NATIVE ||
               (plugin == AUTH_PLUGIN_CACHING_SHA2 && can_ask_password(account));
    case CREDENTIAL_SHA2_HASH:
        return plugin == AUTH_PLUGIN_CACHING_SHA2;
    }
    return false;
}

static bool password_is_empty(const struct credential *credential)
{
    return credential->kind == CREDENTIAL_PASSWORD && credential->secret.size == 0;
}

/* SHA1(SHA1(password)) from whatever is known; false when it does not follow from that. Of several
 * hashes the first one. */
static bool native_hash_known(const struct credential *credential, uint8_t hash[NATIVE_HASH_SIZE])
{
    uint8_t sha1[NATIVE_HASH_SIZE];

    switch (credential->kind) {
    case CREDENTIAL_PASSWORD:
        native_sha1_of(credential->secret, sha1);
        native_hash_of_sha1(sha1, hash);
        OPENSSL_cleanse(sha1, sizeof sha1);
        return true;
    case CREDENTIAL_NATIVE_SHA1:
        assert(credential->secret.size == NATIVE_HASH_SIZE);
        native_hash_of_sha1(credential->secret.data, hash);
        return true;
    case CREDENTIAL_NATIVE_HASH:
        assert(credential->secret.size >= NATIVE_HASH_SIZE);
        memcpy(hash, credential->secret.data, NATIVE_HASH_SIZE);
        return true;
    case CREDENTIAL_NONE:
    case CREDENTIAL_SHA2_HASH:
        break;
    }
    return false;
}

static bool sha2_hash_known(const struct credential *credential, uint8_t hash[SHA2_HASH_SIZE])
{
    if (credential->kind == CREDENTIAL_PASSWORD) {
        sha2_hash_of(credential->secret, hash);
        return true;
    }
    if (credential->kind == CREDENTIAL_SHA2_HASH) {
        assert(credential->secret.size == SHA2_HASH_SIZE);
        memcpy(hash, credential->secret.data, SHA2_HASH_SIZE);
        return true;
    }
    return false;
}

static enum auth_verdict check_native(struct auth_server *s, struct bytes response)
{
    const struct credential *credential = &s->account.credential;
    uint8_t hash[NATIVE_HASH_SIZE];

    if (response.size == 0 || password_is_empty(credential))
        return finish(s, response.size == 0 && password_is_empty(credential));
    s->has_native_sha1 = native_hash_known(credential, hash) &&
                         native_check(response, hash, s->scramble, s->native_sha1);
    for (size_t at = NATIVE_HASH_SIZE; credential->kind == CREDENTIAL_NATIVE_HASH &&
                                       !s->has_native_sha1 && at < credential->secret.size;
         at += NATIVE_HASH_SIZE)
        s->has_native_sha1 =
            native_check(response, credential->secret.data + at, s->scramble, s->native_sha1);
    return finish(s, s->has_native_sha1);
}

static enum auth_verdict ask_password(struct auth_server *s, struct writer *out)
{
    auth_more_encode(out, bytes_of(&(uint8_t){SHA2_SEND_PASSWORD}, 1));
    s->state = STATE_ASKED;
    return AUTH_SEND;
}

static enum auth_verdict check_sha2(struct auth_server *s, struct bytes response,
                                    struct writer *out)
{
    const struct credential *credential = &s->account.credential;
    /* Drivers send an empty password as nothing, or as its terminating zero. */
    bool empty = response.size == 0 || (response.size == 1 && response.data[0] == 0);
    uint8_t hash[SHA2_HASH_SIZE];

    if (empty && !password_is_empty(credential) && s->account.elsewhere)
        return claim(s, bytes_of_text(""));
    if (empty || (password_is_empty(credential) && !s->account.elsewhere))
        return finish(s, empty && password_is_empty(credential));
    if (can_ask_password(&s->account))
        return ask_password(s, out);
    if (!sha2_hash_known(credential, hash) || !sha2_check(response, hash, s->scramble))
        return s->account.elsewhere && can_hear(&s->account) ? ask_password(s, out)
                                                             : finish(s, false);
    auth_more_encode(out, bytes_of(&(uint8_t){SHA2_FAST_ENOUGH}, 1));
    return finish(s, true);
}

/* MariaDB's server lets an empty password sign like any other. */
static enum auth_verdict check_ed25519(struct auth_server *s, struct bytes response)
{
    const struct credential *credential = &s->account.credential;
    bool known = credential->kind == CREDENTIAL_PASSWORD;
    uint8_t key[ED25519_KEY_SIZE];

    /* Whoever does not exist takes as long. */
    ed25519_key_of(known ? credential->secret : bytes_of_text(""), key);
    return finish(s, ed25519_check(response, key, s->nonce) && known);
}

/* Compares hashes, not the texts: so neither time nor length of the password shows. */
static enum auth_verdict check_password(struct auth_server *s, struct bytes password)
{
    const struct credential *credential = &s->account.credential;
    uint8_t known[SHA2_HASH_SIZE], given[SHA2_HASH_SIZE];
    bool proved = false;

    if (sha2_hash_known(credential, known)) {
        sha2_hash_of(password, given);
        proved = CRYPTO_memcmp(known, given, SHA2_HASH_SIZE) == 0;
    } else if (native_hash_known(credential, known)) {
        native_sha1_of(password, s->native_sha1);
        native_hash_of_sha1(s->native_sha1, given);
        proved = CRYPTO_memcmp(known, given, NATIVE_HASH_SIZE) == 0;
        s->has_native_sha1 = proved;
    }
    return proved || !s->account.elsewhere ? finish(s, proved) : claim(s, password);
}

/* The password, with its terminating zero. */
static enum auth_verdict check_clear(struct auth_server *s, struct bytes payload)
{
    if (payload.size > 0 && payload.data[payload.size - 1] == 0)
        payload.size--;
    if (payload.size > PASSWORD_MAX || (payload.size > 0 && memchr(payload.data, 0, payload.size)))
        return finish(s, false);
    return check_password(s, payload);
}

static enum auth_verdict check_response(struct auth_server *s, struct bytes response,
                                        struct writer *out)
{
    switch (s->plugin) {
    case AUTH_PLUGIN_ED25519:
        return check_ed25519(s, response);
    case AUTH_PLUGIN_CLEAR:
        return check_clear(s, response);
    case AUTH_PLUGIN_CACHING_SHA2:
        return check_sha2(s, response, out);
    case AUTH_PLUGIN_NATIVE:
    case AUTH_PLUGIN_SHA256:
    case AUTH_PLUGIN_OTHER:
        break;
    }
    return check_native(s, response);
}

static enum auth_verdict check_encrypted(struct auth_server *s, struct bytes secret)
{
    uint8_t password[PASSWORD_MAX];
    size_t size = 0;
    enum auth_verdict verdict;

    if (!s->account.rsa_key || !rsa_key_decrypt_password(s->account.rsa_key, secret, s->scramble,
                                                         password, sizeof password, &size))
        return finish(s, false);
    verdict = check_password(s, bytes_of(password, size));
    OPENSSL_cleanse(password, sizeof password);
    return verdict;
}

static enum auth_verdict send_key(struct auth_server *s, struct writer *out)
{
    if (!s->account.rsa_key)
        return finish(s, false);
    auth_more_encode(out, bytes_of(NULL, 0));
    rsa_key_write_public_pem(s->account.rsa_key, out);
    s->state = STATE_KEY_SENT;
    return AUTH_SEND;
}

/* The answer to "send the password": the password, a request for the key, or it encrypted at once.
 */
static enum auth_verdict take_password(struct auth_server *s, struct bytes payload,
                                       struct writer *out)
{
    if (payload.size == 1 && payload.data[0] == SHA2_REQUEST_KEY)
        return send_key(s, out);
    if (!s->account.secure)
        return check_encrypted(s, payload);
    if (payload.size == 0 || payload.size > PASSWORD_MAX + 1 || payload.data[payload.size - 1] != 0)
        return finish(s, false);
    return check_password(s, bytes_first(payload, payload.size - 1));
}

enum auth_verdict auth_server_begin(struct auth_server *s, const struct auth_account *account,
                                    const uint8_t scramble[SCRAMBLE_SIZE], struct bytes plugin,
                                    struct bytes response, struct writer *out)
{
    *s = (struct auth_server){.account = *account, .plugin = auth_plugin_of(plugin)};
    /* A client that does not have the greeting's plugin names its own and says nothing else: the
     * scramble was not meant for that one, so it waits to be asked, by a switch to it. */
    bool waits = s->plugin == AUTH_PLUGIN_ED25519; /* a greeting has no nonce for it either */

    waits = waits || (response.size == 0 && s->plugin != account->plugin &&
                      !password_is_empty(&account->credential));
    if (account->nonce)
        memcpy(s->nonce, account->nonce, AUTH_NONCE_SIZE);

    memcpy(s->scramble, scramble, SCRAMBLE_SIZE);
    writer_clear(out);
    if (can_check(account, s->plugin)) {
        if (!waits)
            return check_response(s, response, out);
    } else {
        s->plugin = account->plugin;
        if (!can_check(account, s->plugin))
            s->plugin = can_check(account, AUTH_PLUGIN_NATIVE) ? AUTH_PLUGIN_NATIVE
                                                               : AUTH_PLUGIN_CACHING_SHA2;
    }
    const struct auth_switch request = {bytes_of_text(auth_plugin_name(s->plugin)),
                                        s->plugin == AUTH_PLUGIN_ED25519
                                            ? bytes_of(s->nonce, AUTH_NONCE_SIZE)
                                            : bytes_of(s->scramble, SCRAMBLE_SIZE)};
    auth_switch_encode(out, &request);
    s->state = STATE_SWITCHED;
    return AUTH_SEND;
}

enum auth_verdict auth_server_next(struct auth_server *s, struct bytes payload, struct writer *out)
{
    writer_clear(out);
    switch ((enum state)s->state) {
    case STATE_SWITCHED:
        return check_response(s, payload, out);
    case STATE_ASKED:
        return take_password(s, payload, out);
    case STATE_KEY_SENT:
        return check_encrypted(s, payload);
    case STATE_FINISHED:
        break;
    }
    return AUTH_DENIED;
}
