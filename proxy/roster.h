/*
 * The roster: the configuration in force, as workers see it, with the servers and users under
 * numbers that stay the same for as long as they are configured. Immutable and shared by reference;
 * a change of the configuration is a new roster, which a worker adopts between two events.
 *
 *   struct config (from the files)  ──registry gives numbers──▶  struct roster ──▶ workers
 *
 * A server that is removed leaves a hole; its number may come to mean another server later, with
 * another `generation`. A server whose address changes is another server. Users have the numbers of
 * their accounts (accounts.h).
 */
#ifndef TIDEMARK_PROXY_ROSTER_H
#define TIDEMARK_PROXY_ROSTER_H

#include "proxy/accounts.h"
#include "proxy/config/config.h"
#include "router/balance.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { ROSTER_SERVERS = BALANCE_SERVERS };

struct roster_server {
    const struct config_server *config; /* NULL: a hole */
    unsigned generation;                /* of this number */
};

struct roster_user {
    const struct config_user *config; /* NULL: not configured now */
};

struct tls;

struct roster {
    atomic_uint references;
    struct config *config;     /* shared reference */
    struct tls *tls;           /* shared reference; NULL: no TLS on either side */
    unsigned server_count;     /* highest number in use, plus 1 */
    struct accounts *accounts; /* borrower: the registry's, which outlives all rosters */
    bool is_open;              /* no user is configured: whoever the primary lets in is one */
    struct config_user guest;  /* what holds for them */
    unsigned user_count;
    struct roster_server servers[ROSTER_SERVERS];
    struct roster_user users[]; /* by account number */
};

struct roster *roster_ref(struct roster *roster);
void roster_unref(struct roster *roster);

/* NULL where there is none of that number now. */
static inline const struct config_server *roster_server(const struct roster *roster,
                                                        unsigned number)
{
    return number < ROSTER_SERVERS ? roster->servers[number].config : NULL;
}

/* What is configured for the account of that number; NULL: it may not come in now. */
static inline const struct config_user *roster_user(const struct roster *roster, unsigned number)
{
    const struct config_user *user =
        number < roster->user_count ? roster->users[number].config : NULL;

    return user == NULL && roster->is_open ? &roster->guest : user;
}

/* The account of that number, whether configured now or not; NULL where there is none. */
static inline struct account *roster_account(const struct roster *roster, unsigned number)
{
    return accounts_at(roster->accounts, number);
}

static inline unsigned roster_account_count(const struct roster *roster)
{
    return accounts_count(roster->accounts);
}

/* Is this number still the server that it was in that generation? */
static inline bool roster_has(const struct roster *roster, unsigned number, unsigned generation)
{
    return roster_server(roster, number) != NULL &&
           roster->servers[number].generation == generation;
}

/* ---- numbers ---- */

/* Who has which number, for as long as the program runs. Used by one thread at a time. */
struct registry;

struct registry *registry_new(void);
/* No roster and no session may be left. */
void registry_free(struct registry *registry);

/* The roster of a configuration, with one reference for the caller; it takes its own of `config`
 * and of `tls`, which may be NULL.
 * `is_free(context, number)` tells whether a hole may be used for another server: nothing may be
 * left of the old one. NULL: no number is free. */
struct roster *registry_enrol(struct registry *registry, struct config *config, struct tls *tls,
                              bool (*is_free)(void *context, unsigned number), void *context);

#endif
