/*
 * Proving a password, in both roles, as small machines that take the peer's payload and give the
 * next one. No I/O here: the caller frames, sends and receives.
 *
 *     mysql_native_password   response = SHA1(p) xor SHA1(scramble, SHA1(SHA1(p)))
 *     caching_sha2_password   response = SHA256(p) xor SHA256(SHA256(SHA256(p)), scramble)    fast
 *                             then more data: 3 "fast is enough", or 4 "send the password":   full
 *                             in clear and with a zero under TLS or on a unix socket; else the
 * client asks for the RSA key (a payload of one byte 2), gets it as more data in PEM, and sends the
 * password and its zero, xored with the scramble again and again, under RSA-OAEP (SHA1)
 *
 *     client_ed25519          MariaDB's: a signature of 32 random bytes; see ed25519.h
 *     sha256_password         the password as in the full exchange of caching_sha2 (towards
 * servers)
 *     mysql_clear_password    the password and a zero, where nobody can listen
 *
 * Where the password is not known here the account's `elsewhere` says that somebody else can tell:
 * then the client is made to say it (the full exchange of caching_sha2 serves any client that has
 * that plugin, whatever the account's), and the verdict on what it said is AUTH_CLAIMED.
 *
 * Manual pages: page_protocol_connection_phase_authentication_methods,
 * page_caching_sha2_authentication_exchanges.
 */
#ifndef PROTOCOL_AUTH_H
#define PROTOCOL_AUTH_H

#include "protocol/error.h"
#include "protocol/handshake.h"

#include <openssl/types.h>

#define NATIVE_HASH_SIZE 20
#define SHA2_HASH_SIZE 32
#define AUTH_NONCE_SIZE 32    /* client_ed25519 */
#define PASSWORD_MAX 255      /* bytes; longer ones are refused */
#define AUTH_PAYLOAD_MAX 2048 /* no payload that these machines write is longer */

enum auth_plugin {
    AUTH_PLUGIN_NATIVE,       /* mysql_native_password */
    AUTH_PLUGIN_CACHING_SHA2, /* caching_sha2_password */
    AUTH_PLUGIN_ED25519,      /* client_ed25519: from a password, in both roles */
    AUTH_PLUGIN_SHA256,       /* sha256_password: from a password, towards servers only */
    AUTH_PLUGIN_CLEAR,        /* mysql_clear_password: in both roles, if that is safe */
    AUTH_PLUGIN_OTHER
};

/* AUTH_PLUGIN_OTHER for a name not known here; an empty name is native, as for a server. */
enum auth_plugin auth_plugin_of(struct bytes name);
const char *auth_plugin_name(enum auth_plugin plugin);

/* What is known of an account's password. */
enum credential_kind {
    CREDENTIAL_NONE,        /* nothing: every login is denied, after the same exchange */
    CREDENTIAL_PASSWORD,    /* the password itself (may be empty); serves everything */
    CREDENTIAL_NATIVE_SHA1, /* SHA1(password): serves native in both roles */
    CREDENTIAL_NATIVE_HASH, /* SHA1(SHA1(password)), what servers store: checks native clients;
                             * of several, one after the other, any may be the right one */
    CREDENTIAL_SHA2_HASH    /* SHA256(SHA256(password)): checks caching_sha2 clients */
};

struct credential {
    enum credential_kind kind;
    struct bytes secret; /* borrowed; must outlive the exchange */
};

enum auth_verdict {
    AUTH_SEND,   /* send `out` as one packet (an empty payload too), then wait for the peer */
    AUTH_WAIT,   /* nothing to send; the peer's next packet is awaited */
    AUTH_OK,     /* proved. Role server: send `out` first if it is not empty, then OK */
    AUTH_DENIED, /* role server: wrong; send ERR. Role client: see `error` */
    AUTH_CLAIMED /* role server, account.elsewhere: `password` is what the client says it is */
};

/*
 * Makes a scramble from random bytes of the caller's: every byte becomes one of 1..127 other than
 * '$', because zero would end it early and '$' separates fields in what servers store.
 */
void scramble_from_random(const uint8_t random[SCRAMBLE_SIZE], uint8_t scramble[SCRAMBLE_SIZE]);

/* The same for the nonce of client_ed25519, in place. */
void nonce_from_random(uint8_t nonce[AUTH_NONCE_SIZE]);

/* ---- towards a client ---- */

struct auth_account {
    struct credential credential;
    enum auth_plugin plugin; /* preferred, when the client's cannot be used (as in the greeting) */
    bool secure;             /* the transport may carry a password in clear (TLS, unix socket) */
    bool ask_password;       /* with caching_sha2: ask for the password even if fast would do */
    EVP_PKEY *rsa_key;       /* borrowed, may be null: then no password without `secure` */
    const uint8_t *nonce;    /* AUTH_NONCE_SIZE fresh random bytes, none of them 0, for who comes
                              * with client_ed25519; copied; null: that plugin is not served */
    bool may_be_clear;       /* serves who comes with mysql_clear_password */
    bool elsewhere;          /* a password that is not the known one may be right all the same */
};

struct auth_server {
    struct auth_account account;
    enum auth_plugin plugin; /* in use */
    int state;               /* private to auth_server.c */
    uint8_t scramble[SCRAMBLE_SIZE];
    uint8_t nonce[AUTH_NONCE_SIZE];
    uint8_t native_sha1[NATIVE_HASH_SIZE]; /* SHA1(password), once proved by native */
    bool has_native_sha1;
    uint8_t password[PASSWORD_MAX]; /* AUTH_CLAIMED: the caller's to wipe, with the rest */
    size_t password_size;
};

/*
 * Starts with what the login packet (or COM_CHANGE_USER) brought: the plugin the client named and
 * its response to `scramble`, the one in the greeting. `out` must have room for AUTH_PAYLOAD_MAX;
 * it is cleared first, here and in next. Once AUTH_OK or AUTH_DENIED was answered the machine is
 * finished.
 */
MUST_USE enum auth_verdict auth_server_begin(struct auth_server *s,
                                             const struct auth_account *account,
                                             const uint8_t scramble[SCRAMBLE_SIZE],
                                             struct bytes plugin, struct bytes response,
                                             struct writer *out);

/* Goes on with the client's next payload. */
MUST_USE enum auth_verdict auth_server_next(struct auth_server *s, struct bytes payload,
                                            struct writer *out);

/* ---- towards a server ---- */

struct auth_client {
    struct credential credential;
    bool secure;
    enum auth_plugin plugin; /* in use; its name goes into the login packet */
    int state;               /* private to auth_client.c */
    uint8_t scramble[SCRAMBLE_SIZE];
    uint8_t nonce[AUTH_NONCE_SIZE];
    struct sql_error error; /* why AUTH_DENIED: the server's ERR, or ours */
};

/*
 * Starts with the greeting's plugin and scramble: `out` gets the response for the login packet (or
 * COM_CHANGE_USER), auth_plugin_name(c->plugin) is the plugin to name there. A plugin not known
 * here is no failure yet: the account may have another, so native is tried and the server will
 * switch.
 */
MUST_USE enum auth_verdict
auth_client_begin(struct auth_client *c, const struct credential *credential, bool secure,
                  struct bytes plugin, const uint8_t scramble[SCRAMBLE_SIZE], struct writer *out);

/*
 * Goes on with the server's next payload, OK and ERR included: those give AUTH_OK (decode the
 * payload with ok_decode for its status) and AUTH_DENIED.
 */
MUST_USE enum auth_verdict auth_client_next(struct auth_client *c, struct bytes payload,
                                            struct writer *out);

#endif
