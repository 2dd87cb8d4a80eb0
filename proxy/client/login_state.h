/*
 * The inside of proxy/client/login.h, shared by the files named here and by nobody else.
 *
 *   login.c            greeting, exchange, default schema
 *   login_account.c    who wants to come in, and whether the connection is as it must be
 *   guest.c            what the primary says of an account, where no user is configured
 */
#ifndef TIDEMARK_PROXY_CLIENT_LOGIN_STATE_H
#define TIDEMARK_PROXY_CLIENT_LOGIN_STATE_H

#include "protocol/handshake.h"
#include "proxy/client/checks.h"
#include "proxy/client/session.h"
#include "proxy/login_exchange.h"
#include "proxy/roster.h"

/* Of a client whose account is checked with the primary. */
struct guest {
    bool is_asked;              /* facts or kept are what there is to know of its account */
    bool uses_kept;             /* the exchange proves what is kept, and not something new */
    struct account_rules rules; /* REQUIRE, as kept or as just looked up */
    struct account_facts facts; /* of the lookup, if there was one */
    struct secret *secret;      /* reference: what the primary is asked about */
    struct check_waiter waiter; /* for the lookup, then for the login */
    uint8_t *held;              /* owner: a COM_CHANGE_USER that waits for the lookup; or NULL */
    size_t held_size;
    struct session *session;
};

struct session_login {
    struct login_exchange exchange;
    bool greeted;
    bool change_user;
    bool is_spared;                 /* a load balancer's own: failures before do not count */
    bool may_begin;                 /* its password may be looked at */
    uint64_t held_until_ns;         /* not before, for failures before it; 0: not asked yet */
    bool header_sought;             /* the first bytes came: no PROXY header from here on */
    struct roster *roster;          /* shared reference: what the password is checked with */
    const struct config_user *user; /* in the roster; NULL: there is none of that name */
    struct account *account;        /* NULL: there is none, or (yet) none for a guest */
    struct kept kept;               /* its reference is ours */
    uint8_t hash[NATIVE_HASH_SIZE]; /* of password_hash */
    uint8_t nonce[AUTH_NONCE_SIZE]; /* for client_ed25519 */
    struct guest guest;
};

/* ---- login.c ---- */

/* The password is right: what else does it take to come in? */
void login_proved(struct session *session);
/* Begins the exchange with a COM_CHANGE_USER. */
void login_begin_change(struct session *session, const struct login *packet);

/* ---- login_account.c ---- */

/* 1045, and the address has failed once more. */
void login_deny(struct session *session);
/* Nobody on the way can listen; as servers see it, a Unix socket counts. */
bool login_is_private(const struct session *session);
/* The connection is what the user's must be. */
bool login_is_as_required(const struct session *session, const struct config_user *user);
/* What is known of the account: for login_exchange. `context` is the session. */
struct auth_account login_account(void *context, const char *name);

/* ---- guest.c ---- */

/* The client has sent this login packet, or COM_CHANGE_USER. False: the exchange has to wait until
 * the account was looked up; login_read, or login_begin_change, is called then. */
bool guest_may_begin(struct session *session, const struct login *packet);
bool guest_waits(const struct session *session);

/* What is known of the account, for the exchange. */
void guest_describe(struct session *session, const char *name, struct auth_account *account);

/* The exchange is over: the client has proved what the account says, or claims a password. */
void guest_proved(struct session *session);
void guest_claimed(struct session *session);

void guest_dispose(struct guest *guest);

#endif
