/*
 * The login of a client, as far as it is the same on every port that speaks the protocol: greeting,
 * login packet, the exchange of the authentication plugin. Who may come in is the caller's to say.
 *
 *   greet ──[TLS]──login packet──▶ account? ──exchange──▶ PROVED | DENIED     FAILED: not a client
 *
 * Before the login packet a client may ask for TLS, with one packet in clear text; all that follows
 * it, what has come already included, is read as TLS or not at all.
 *
 * What the packets hold is protocol/handshake.h's, how a password is proved protocol/auth.h's.
 */
#ifndef TIDEMARK_PROXY_LOGIN_EXCHANGE_H
#define TIDEMARK_PROXY_LOGIN_EXCHANGE_H

#include "protocol/auth.h"
#include "protocol/error.h"
#include "protocol/handshake.h"
#include "proxy/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct tls;
struct tls_room;

enum {
    LOGIN_PACKET_BYTES = 64 << 10, /* longer login packets are refused; attributes may take most */
    LOGIN_NAME_BYTES = 128,
    LOGIN_SCHEMA_BYTES = 65 * 4,
};

struct login_exchange {
    struct auth_server auth;
    uint8_t scramble[SCRAMBLE_SIZE];
    struct tls *tls;       /* shared reference; NULL: no TLS is offered */
    struct tls_room *room; /* borrower: for streams with TLS */
    uint8_t sequence;      /* of the next packet */
    bool authenticating;   /* the login packet came; the exchange goes on */
    bool with_password;    /* for the text of a refusal */
    uint64_t offered;      /* capabilities, as in the greeting */
    uint64_t capabilities; /* agreed on */
    unsigned collation;
    uint8_t zstd_level; /* that the client wants, where it was agreed on */
    char name[LOGIN_NAME_BYTES];
    char schema[LOGIN_SCHEMA_BYTES]; /* "": none */
    struct sql_error error;          /* LOGIN_FAILED: what to send */
};

enum login_step {
    LOGIN_WAITS,   /* for the client's next packet, or the rest of it */
    LOGIN_PROVED,  /* the password is right; the OK is the caller's to send, with `sequence` */
    LOGIN_CLAIMED, /* auth.password is what the client says it is (auth_account.elsewhere) */
    LOGIN_DENIED,  /* login_exchange_refusal() says what to send */
    LOGIN_FAILED,  /* `error` says what to send */
};

/* For COM_CHANGE_USER, in the middle of a session: the greeting's scramble and what was agreed on
 * then still hold. `sequence` is that of the next packet. */
void login_exchange_resume(struct login_exchange *exchange, const uint8_t scramble[SCRAMBLE_SIZE],
                           uint64_t capabilities, uint8_t sequence);

/* Begins with what a login packet or COM_CHANGE_USER brought; `account` as below. */
enum login_step login_exchange_begin(
    struct login_exchange *exchange, struct stream *stream, const struct login *packet,
    struct auth_account (*account)(void *context, const char *name), void *context);

/* Makes the scramble, and takes a reference of `tls`. False: no random numbers can be had. */
MUST_USE bool login_exchange_init(struct login_exchange *exchange, struct tls *tls,
                                  struct tls_room *room);

/* Wipes it; it is the caller's memory. */
void login_exchange_dispose(struct login_exchange *exchange);

/* Sends the greeting, whose scramble and capabilities are filled in here. */
void login_exchange_greet(struct login_exchange *exchange, struct stream *stream,
                          struct greeting *greeting, uint64_t offered);

/* Takes one packet, if it is there. `account` answers what is known of the account `name`;
 * CREDENTIAL_NONE for one that does not exist: it then fails at the end like a wrong password. Its
 * secret must outlive the exchange. */
enum login_step login_exchange_read(struct login_exchange *exchange, struct stream *stream,
                                    struct auth_account (*account)(void *context, const char *name),
                                    void *context);

/* Error 1045 for a client at `peer` ("127.0.0.1:4711"). */
struct sql_error login_exchange_refusal(const struct login_exchange *exchange, const char *peer);

#endif
