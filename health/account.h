/*
 * As whom, and how patiently, monitors connect: immutable and shared, because it can be replaced
 * while threads are connecting with the one before. The last to let go of it wipes the password.
 */
#ifndef HEALTH_ACCOUNT_H
#define HEALTH_ACCOUNT_H

#include "health/security.h"

#include <stdatomic.h>
#include <stdbool.h>

struct account {
    atomic_uint references;
    char *user;
    char *password;
    unsigned timeout_ms;
    enum health_tls tls;
    char *ca;
};

/* Texts are copied; NULL counts as "". */
struct account *account_new(const char *user, const char *password,
                            const struct health_security *security, unsigned timeout_ms);
struct account *account_ref(struct account *account);
void account_unref(struct account *account);

bool account_equal(const struct account *a, const struct account *b);

#endif
