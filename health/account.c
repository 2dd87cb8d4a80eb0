/*
 * A reference count around two texts, one of them secret.
 */
#include "health/account.h"

#include "health/arena.h"

#include <stdlib.h>
#include <string.h>

static char *copied(const char *text)
{
    return health_text(text ? text : "", text ? strlen(text) : 0);
}

struct account *account_new(const char *user, const char *password,
                            const struct health_security *security, unsigned timeout_ms)
{
    struct account *account = health_alloc(1, sizeof(*account));

    atomic_init(&account->references, 1);
    account->user = copied(user);
    account->password = copied(password);
    account->timeout_ms = timeout_ms;
    account->tls = security->tls;
    account->ca = copied(security->ca);
    return account;
}

struct account *account_ref(struct account *account)
{
    atomic_fetch_add_explicit(&account->references, 1, memory_order_relaxed);
    return account;
}

void account_unref(struct account *account)
{
    if (atomic_fetch_sub_explicit(&account->references, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(account->password, strlen(account->password));
    free(account->password);
    free(account->user);
    free(account->ca);
    free(account);
}

bool account_equal(const struct account *a, const struct account *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0 &&
           a->timeout_ms == b->timeout_ms && a->tls == b->tls && strcmp(a->ca, b->ca) == 0;
}
