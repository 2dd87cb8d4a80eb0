/*
 * Kept secrets. See credentials.h.
 */
#include "proxy/credentials.h"

#include "proxy/locked.h"
#include "proxy/memory.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

struct secret *secret_new(enum credential_kind kind, struct bytes data)
{
    struct secret *secret = locked_alloc(sizeof *secret);

    assert(data.size <= sizeof secret->data);
    atomic_init(&secret->references, 1);
    secret->kind = (uint8_t)kind;
    secret->size = (uint16_t)data.size;
    if (data.size > 0) {
        memcpy(secret->data, data.data, data.size);
    }
    return secret;
}

struct secret *secret_ref(struct secret *secret)
{
    atomic_fetch_add_explicit(&secret->references, 1, memory_order_relaxed);
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (secret != NULL &&
        atomic_fetch_sub_explicit(&secret->references, 1, memory_order_acq_rel) == 1) {
        locked_free(secret);
    }
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->kind == b->kind && a->size == b->size &&
           CRYPTO_memcmp(a->data, b->data, a->size) == 0;
}

struct credential secret_credential(const struct secret *secret)
{
    return (struct credential){(enum credential_kind)secret->kind,
                               bytes_of(secret->data, secret->size)};
}

void keeping_init(struct secret_keeping *keeping)
{
    memset(keeping, 0, sizeof *keeping);
    pthread_mutex_init(&keeping->lock, NULL);
    keeping->origin = mem_text("");
}

void keeping_dispose(struct secret_keeping *keeping)
{
    secret_unref(keeping->secret);
    mem_free_secret(keeping->origin);
    pthread_mutex_destroy(&keeping->lock);
}

struct kept keeping_get(struct secret_keeping *keeping, const char *origin)
{
    struct kept kept = {.secret = NULL};

    pthread_mutex_lock(&keeping->lock);
    if (keeping->secret != NULL && strcmp(keeping->origin, origin) == 0) {
        kept.secret = secret_ref(keeping->secret);
        kept.checked_ns = keeping->checked_ns;
        kept.tried_ns = keeping->tried_ns;
        kept.rules = keeping->rules;
    }
    kept.generation = atomic_load(&keeping->generation);
    pthread_mutex_unlock(&keeping->lock);
    return kept;
}

/* The lock is held. */
static void replace(struct secret_keeping *keeping, struct secret *secret)
{
    secret_unref(keeping->secret);
    keeping->secret = secret;
    atomic_fetch_add(&keeping->generation, 1);
}

void keeping_put(struct secret_keeping *keeping, const char *origin, struct secret *secret,
                 uint64_t checked_ns, struct account_rules rules)
{
    pthread_mutex_lock(&keeping->lock);
    if (keeping->secret == NULL || !secret_equal(keeping->secret, secret)) {
        replace(keeping, secret_ref(secret));
    }
    if (strcmp(keeping->origin, origin) != 0) {
        mem_free_secret(keeping->origin);
        keeping->origin = mem_secret(origin);
    }
    keeping->checked_ns = keeping->tried_ns = checked_ns;
    if (rules.looked_ns >= keeping->rules.looked_ns) {
        keeping->rules = rules;
    }
    atomic_store(&keeping->is_refused, false);
    atomic_store(&keeping->is_doubted, false);
    pthread_mutex_unlock(&keeping->lock);
}

void keeping_tried(struct secret_keeping *keeping, uint64_t now_ns)
{
    pthread_mutex_lock(&keeping->lock);
    keeping->tried_ns = now_ns;
    pthread_mutex_unlock(&keeping->lock);
}

void keeping_rules(struct secret_keeping *keeping, struct account_rules rules)
{
    pthread_mutex_lock(&keeping->lock);
    if (keeping->secret != NULL && rules.looked_ns >= keeping->rules.looked_ns) {
        keeping->rules = rules;
    }
    pthread_mutex_unlock(&keeping->lock);
}

bool refusal_is_final(unsigned code)
{
    return code == ERROR_ACCESS_DENIED || code == ERROR_ACCESS_DENIED_NO_PASSWORD ||
           code == ERROR_ACCOUNT_LOCKED || code == ERROR_ACCOUNT_LOCKED_MARIADB ||
           code == ERROR_PASSWORD_EXPIRED;
}

void keeping_refuse(struct secret_keeping *keeping, const struct secret *secret)
{
    pthread_mutex_lock(&keeping->lock);
    if (keeping->secret != NULL && secret_equal(keeping->secret, secret)) {
        replace(keeping, NULL);
        atomic_store(&keeping->is_refused, true);
        atomic_store(&keeping->is_doubted, false);
    }
    pthread_mutex_unlock(&keeping->lock);
}
