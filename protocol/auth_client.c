/*
 * Authentication in the client's role: proving the account's password to a server.
 *
 * A server leads: it may ask to switch to another plugin (MariaDB does so once for each plugin an
 * account may use), say that the fast proof was enough, or want the password itself. The password
 * goes in clear only over a secure transport.
 */
#include "protocol/auth.h"
#include "protocol/digest.h"
#include "protocol/ed25519.h"
#include "protocol/rsa_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <assert.h>

enum state {
    STATE_PROVING,  /* a response was given */
    STATE_KEY_ASKED /* the server's RSA key was asked for */
};

#define SHA2_FAST_ENOUGH 3
#define SHA2_SEND_PASSWORD 4
#define SHA2_REQUEST_KEY 2
#define SHA256_REQUEST_KEY 1

static enum auth_verdict deny(struct auth_client *c, struct sql_error error)
{
    c->error = error;
    return AUTH_DENIED;
}

static enum auth_verdict deny_malformed(struct auth_client *c)
{
    return deny(c, error_make(ERROR_HANDSHAKE, "Malformed authentication packet from the server"));
}

static enum auth_verdict deny_credential(struct auth_client *c)
{
    return deny(c, error_make(ERROR_AUTH_PLUGIN,
                              "What is known of the password does not serve for plugin '%s'",
                              auth_plugin_name(c->plugin)));
}

static enum auth_verdict respond_native(struct auth_client *c, struct writer *out)
{
    uint8_t sha1[NATIVE_HASH_SIZE], response[NATIVE_HASH_SIZE];

    if (c->credential.kind == CREDENTIAL_PASSWORD) {
        if (c->credential.secret.size == 0)
            return AUTH_SEND;
        native_sha1_of(c->credential.secret, sha1);
    } else if (c->credential.kind == CREDENTIAL_NATIVE_SHA1) {
        assert(c->credential.secret.size == NATIVE_HASH_SIZE);
        memcpy(sha1, c->credential.secret.data, NATIVE_HASH_SIZE);
    } else {
        return deny_credential(c);
    }
    native_response(sha1, c->scramble, response);
    write_bytes(out, bytes_of(response, sizeof response));
    OPENSSL_cleanse(sha1, sizeof sha1);
    return AUTH_SEND;
}

static enum auth_verdict respond_sha2(struct auth_client *c, struct writer *out)
{
    uint8_t response[SHA2_HASH_SIZE];

    if (c->credential.kind != CREDENTIAL_PASSWORD)
        return deny_credential(c);
    if (c->credential.secret.size == 0) {
        write_u8(out, 0);
        return AUTH_SEND;
    }
    sha2_response(c->credential.secret, c->scramble, response);
    write_bytes(out, bytes_of(response, sizeof response));
    return AUTH_SEND;
}

static enum auth_verdict respond_ed25519(struct auth_client *c, struct writer *out)
{
    uint8_t signature[ED25519_SIGNATURE_SIZE];

    if (c->credential.kind != CREDENTIAL_PASSWORD)
        return deny_credential(c);
    ed25519_sign(c->credential.secret, c->nonce, signature);
    write_bytes(out, bytes_of(signature, sizeof signature));
    return AUTH_SEND;
}

/* In clear over a secure transport; else encrypted, for which the key is asked for first. */
static enum auth_verdict send_password(struct auth_client *c, struct writer *out)
{
    if (c->secure) {
        write_nul_text(out, c->credential.secret);
        return out->failed ? deny_credential(c) : AUTH_SEND;
    }
    c->state = STATE_KEY_ASKED;
    write_u8(out, c->plugin == AUTH_PLUGIN_SHA256 ? SHA256_REQUEST_KEY : SHA2_REQUEST_KEY);
    return AUTH_SEND;
}

static enum auth_verdict respond_sha256(struct auth_client *c, struct writer *out)
{
    if (c->credential.kind != CREDENTIAL_PASSWORD)
        return deny_credential(c);
    if (c->credential.secret.size == 0) {
        write_u8(out, 0);
        return AUTH_SEND;
    }
    return send_password(c, out);
}

/* For accounts whose password another service checks (PAM, LDAP). */
static enum auth_verdict respond_clear(struct auth_client *c, struct writer *out)
{
    if (!c->secure)
        return deny(c, error_make(ERROR_AUTH_PLUGIN,
                                  "The server asks for the password in clear text "
                                  "(mysql_clear_password), which goes over TLS only"));
    if (c->credential.kind != CREDENTIAL_PASSWORD)
        return deny_credential(c);
    write_nul_text(out, c->credential.secret);
    return out->failed ? deny_credential(c) : AUTH_SEND;
}

static enum auth_verdict respond(struct auth_client *c, struct writer *out)
{
    c->state = STATE_PROVING;
    switch (c->plugin) {
    case AUTH_PLUGIN_CACHING_SHA2:
        return respond_sha2(c, out);
    case AUTH_PLUGIN_ED25519:
        return respond_ed25519(c, out);
    case AUTH_PLUGIN_SHA256:
        return respond_sha256(c, out);
    case AUTH_PLUGIN_CLEAR:
        return respond_clear(c, out);
    case AUTH_PLUGIN_NATIVE:
    case AUTH_PLUGIN_OTHER:
        break;
    }
    return respond_native(c, out);
}

enum auth_verdict auth_client_begin(struct auth_client *c, const struct credential *credential,
                                    bool secure, struct bytes plugin,
                                    const uint8_t scramble[SCRAMBLE_SIZE], struct writer *out)
{
    *c = (struct auth_client){
        .credential = *credential, .secure = secure, .plugin = auth_plugin_of(plugin)};
    memcpy(c->scramble, scramble, SCRAMBLE_SIZE);
    writer_clear(out);
    /* The account may well have another plugin than the server's default: let the server switch. */
    if (c->plugin == AUTH_PLUGIN_OTHER || c->plugin == AUTH_PLUGIN_ED25519 ||
        c->plugin == AUTH_PLUGIN_CLEAR || credential->kind == CREDENTIAL_NATIVE_SHA1)
        c->plugin = AUTH_PLUGIN_NATIVE;
    return respond(c, out);
}

static enum auth_verdict take_switch(struct auth_client *c, struct bytes payload,
                                     struct writer *out)
{
    struct auth_switch request;

    if (auth_switch_decode(payload, &request) != PARSE_OK)
        return deny_malformed(c);
    c->plugin = auth_plugin_of(request.plugin);
    if (c->plugin == AUTH_PLUGIN_OTHER)
        return deny(c,
                    error_make(ERROR_AUTH_PLUGIN, "Authentication plugin '%.*s' is not supported",
                               (int)bytes_first(request.plugin, 64).size,
                               (const char *)request.plugin.data));
    if (c->plugin == AUTH_PLUGIN_CLEAR)
        return respond(c, out); /* whatever comes along, it is not used */
    if (request.data.size != (c->plugin == AUTH_PLUGIN_ED25519 ? AUTH_NONCE_SIZE : SCRAMBLE_SIZE))
        return deny_malformed(c);
    memcpy(c->plugin == AUTH_PLUGIN_ED25519 ? c->nonce : c->scramble, request.data.data,
           request.data.size);
    return respond(c, out);
}

static enum auth_verdict send_encrypted(struct auth_client *c, struct bytes pem, struct writer *out)
{
    EVP_PKEY *key = rsa_key_from_public_pem(pem);

    c->state = STATE_PROVING;
    if (!key)
        return deny(c, error_make(ERROR_AUTH_PLUGIN, "The server's RSA key is not usable"));
    rsa_key_encrypt_password(key, c->credential.secret, c->scramble, out);
    EVP_PKEY_free(key);
    return out->failed ? deny_credential(c) : AUTH_SEND;
}

static enum auth_verdict take_more(struct auth_client *c, struct bytes payload, struct writer *out)
{
    struct bytes data;

    if (auth_more_decode(payload, &data) != PARSE_OK)
        return deny_malformed(c);
    if (c->state == STATE_KEY_ASKED)
        return send_encrypted(c, data, out);
    if (data.size != 1 || c->plugin != AUTH_PLUGIN_CACHING_SHA2)
        return deny_malformed(c);
    if (data.data[0] == SHA2_FAST_ENOUGH)
        return AUTH_WAIT;
    if (data.data[0] == SHA2_SEND_PASSWORD)
        return send_password(c, out);
    return deny_malformed(c);
}

enum auth_verdict auth_client_next(struct auth_client *c, struct bytes payload, struct writer *out)
{
    struct sql_error error;

    writer_clear(out);
    switch (payload.size ? payload.data[0] : 0x7f) {
    case 0x00:
        return AUTH_OK;
    case 0x01:
        return take_more(c, payload, out);
    case 0xfe:
        return take_switch(c, payload, out);
    case 0xff:
        return error_decode(payload, &error) == PARSE_OK ? deny(c, error) : deny_malformed(c);
    case '-':
        /* The key of sha256_password may come without a head: it looks like none. */
        if (c->plugin == AUTH_PLUGIN_SHA256 && c->state == STATE_KEY_ASKED)
            return send_encrypted(c, payload, out);
        return deny_malformed(c);
    default:
        return deny_malformed(c);
    }
}
