/*
 * All accounts there ever were since the program began, under numbers that stay theirs. Configured
 * users have theirs from the roster; where no user is configured, one whom the primary has let in
 * gets a number then. Accounts are added, never removed: looking takes no lock.
 */
#ifndef TIDEMARK_PROXY_ACCOUNTS_H
#define TIDEMARK_PROXY_ACCOUNTS_H

#include "proxy/credentials.h"

#include <stdatomic.h>

/* A user's name as long as the program runs, whether configured now or not. */
struct account {
    char *name; /* owner */
    unsigned number;
    atomic_uint clients; /* logged in now */
    struct secret_keeping keeping;
};

struct accounts;

struct accounts *accounts_new(void);
void accounts_free(struct accounts *accounts); /* NULL is fine */

unsigned accounts_count(const struct accounts *accounts);

/* NULL where nobody has that number, or name. */
struct account *accounts_at(const struct accounts *accounts, unsigned number);
struct account *accounts_find(const struct accounts *accounts, const char *name);

/* The account of that name, a new one where there is none. NULL: there are too many. */
struct account *accounts_admit(struct accounts *accounts, const char *name);

#endif
