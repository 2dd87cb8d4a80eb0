/*
 * What the proxy keeps of passwords, to open server connections later: for every account one
 * secret, in locked memory (locked.h). Where it came from:
 *
 *   [user] password         not kept here: it is in the configuration, in locked memory too
 *   [user] password_hash    SHA1 of the password, which the first client that proves it reveals
 *   no [user] sections      what a client said or revealed, once the primary has let it in with it
 *
 * A secret that the primary refuses (error 1045) is dropped; the account's `generation` then tells
 * workers that idle connections which were opened with it must go. Any thread.
 */
#ifndef TIDEMARK_PROXY_CREDENTIALS_H
#define TIDEMARK_PROXY_CREDENTIALS_H

#include "protocol/auth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Immutable, in locked memory, shared by reference; the last one wipes it. */
struct secret {
    atomic_uint references;
    uint8_t kind; /* enum credential_kind: CREDENTIAL_PASSWORD, CREDENTIAL_NATIVE_SHA1 */
    uint16_t size;
    uint8_t data[PASSWORD_MAX];
};

/* At most PASSWORD_MAX bytes. One reference for the caller. */
struct secret *secret_new(enum credential_kind kind, struct bytes data);
struct secret *secret_ref(struct secret *secret);
void secret_unref(struct secret *secret); /* NULL is fine */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Good as long as the secret. */
struct credential secret_credential(const struct secret *secret);

/* What else the primary says of an account. */
struct account_rules {
    uint64_t looked_ns; /* when it was asked for that last; 0: never */
    bool wants_tls;     /* it has REQUIRE SSL */
};

/* What is kept of one account. */
struct secret_keeping {
    pthread_mutex_t lock;
    struct secret *secret; /* shared reference; NULL: none */
    char *origin;          /* owner: the password_hash it belongs to; "": the primary's word */
    uint64_t checked_ns;   /* when the primary said so last */
    uint64_t tried_ns;     /* when it was asked last, with whatever answer */
    struct account_rules rules;
    atomic_uint generation;
    atomic_bool is_refused;  /* the primary's last word was no */
    atomic_bool is_doubted;  /* another server has refused it: the primary is to be asked */
    atomic_bool is_checking; /* somebody is asking it */
};

/* A look at it; the caller owns the reference `secret`, which may be NULL. */
struct kept {
    struct secret *secret;
    uint64_t checked_ns, tried_ns;
    unsigned generation;
    struct account_rules rules;
};

void keeping_init(struct secret_keeping *keeping);
void keeping_dispose(struct secret_keeping *keeping);

/* What is kept for that origin. */
struct kept keeping_get(struct secret_keeping *keeping, const char *origin);

/* The secret was found right at that moment; takes a reference of its own. */
void keeping_put(struct secret_keeping *keeping, const char *origin, struct secret *secret,
                 uint64_t checked_ns, struct account_rules rules);

/* Somebody was asked about it at that moment, in vain: it is not to be tried again at once. */
void keeping_tried(struct secret_keeping *keeping, uint64_t now_ns);

/* The account was looked up anew; its secret is as before. */
void keeping_rules(struct secret_keeping *keeping, struct account_rules rules);

/* Does a server's refusal with this error say that the account does not come in with this password
 * (wrong, no such account, locked, expired), and not only that it cannot now? */
bool refusal_is_final(unsigned code);

/* The primary has refused this secret: it is dropped, unless another has taken its place. */
void keeping_refuse(struct secret_keeping *keeping, const struct secret *secret);

#endif
