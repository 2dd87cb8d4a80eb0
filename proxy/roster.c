/*
 * Rosters, and who has which number. See roster.h.
 */
#include "proxy/roster.h"

#include "proxy/config/address.h"
#include "proxy/memory.h"
#include "proxy/tls.h"

#include <openssl/crypto.h>
#include <string.h>

/* The server that has, or last had, a number. */
struct registered_server {
    char *name; /* owner; NULL: nobody ever had it */
    char *address;
    unsigned generation;
    bool is_configured;
};

struct registry {
    struct registered_server servers[ROSTER_SERVERS];
    struct account *accounts;
    unsigned account_count;
};

/* ---- rosters ---- */

struct roster *roster_ref(struct roster *roster)
{
    atomic_fetch_add_explicit(&roster->references, 1, memory_order_relaxed);
    return roster;
}

void roster_unref(struct roster *roster)
{
    if (roster != NULL &&
        atomic_fetch_sub_explicit(&roster->references, 1, memory_order_acq_rel) == 1) {
        config_unref(roster->config);
        tls_unref(roster->tls);
        mem_free(roster);
    }
}

const struct roster_user *roster_find_user(const struct roster *roster, const char *name)
{
    for (unsigned i = 0; i < roster->user_count; i++) {
        if (roster->users[i].config != NULL && strcmp(roster->users[i].config->name, name) == 0) {
            return &roster->users[i];
        }
    }
    return NULL;
}

/* ---- the registry ---- */

struct registry *registry_new(void)
{
    return mem_calloc(1, sizeof(struct registry));
}

static void free_account(struct account *account)
{
    struct user_secret *next;

    for (struct user_secret *secret = account->secrets; secret != NULL; secret = next) {
        next = secret->next;
        OPENSSL_cleanse(secret->sha1, sizeof secret->sha1);
        mem_free_secret(secret->hash);
        mem_free(secret);
    }
    mem_free(account->name);
    mem_free(account);
}

void registry_free(struct registry *registry)
{
    struct account *next;

    if (registry == NULL) {
        return;
    }
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        mem_free(registry->servers[i].name);
        mem_free(registry->servers[i].address);
    }
    for (struct account *account = registry->accounts; account != NULL; account = next) {
        next = account->next;
        free_account(account);
    }
    mem_free(registry);
}

static bool is_same(const struct registered_server *registered, const struct config_server *server)
{
    return registered->is_configured && strcmp(registered->name, server->name) == 0 &&
           strcmp(registered->address, server->address.text) == 0;
}

static const struct config_server *find_same(const struct config *config,
                                             const struct registered_server *registered)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (is_same(registered, &config->servers[i])) {
            return &config->servers[i];
        }
    }
    return NULL;
}

static bool has_number(const struct roster *roster, const struct config_server *server)
{
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        if (roster->servers[i].config == server) {
            return true;
        }
    }
    return false;
}

/* A number for a server that is new. -1: none. */
static int number_for(const struct registry *registry, const struct roster *roster,
                      bool (*is_free)(void *context, unsigned number), void *context)
{
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        const struct registered_server *registered = &registry->servers[i];

        if (roster->servers[i].config == NULL &&
            (registered->name == NULL || (!registered->is_configured && is_free(context, i)))) {
            return (int)i;
        }
    }
    return -1;
}

/* Those that stay keep their numbers; then the new ones get theirs. */
static bool enrol_servers(struct registry *registry, struct roster *roster,
                          bool (*is_free)(void *context, unsigned number), void *context)
{
    const struct config *config = roster->config;

    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        struct registered_server *registered = &registry->servers[i];

        roster->servers[i].config = find_same(config, registered);
        roster->servers[i].generation = registered->generation;
        if (roster->servers[i].config != NULL) {
            roster->server_count = i + 1;
        }
    }
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = &config->servers[i];
        int number;

        if (has_number(roster, server)) {
            continue;
        }
        number = number_for(registry, roster, is_free, context);
        if (number < 0) {
            return false;
        }
        /* Also where the whole is given up below: an unused generation harms nobody. */
        roster->servers[number].config = server;
        roster->servers[number].generation = ++registry->servers[number].generation;
        if (roster->server_count <= (unsigned)number) {
            roster->server_count = (unsigned)number + 1;
        }
    }
    return true;
}

/* The registry follows what the roster says. */
static void register_servers(struct registry *registry, const struct roster *roster)
{
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        struct registered_server *registered = &registry->servers[i];
        const struct config_server *server = roster->servers[i].config;

        registered->is_configured = server != NULL;
        if (server != NULL) {
            mem_free(registered->name);
            mem_free(registered->address);
            registered->name = mem_text(server->name);
            registered->address = mem_text(server->address.text);
        }
    }
}

static struct account *account_of(struct registry *registry, const char *name)
{
    struct account *account;

    for (account = registry->accounts; account != NULL; account = account->next) {
        if (strcmp(account->name, name) == 0) {
            return account;
        }
    }
    account = mem_calloc(1, sizeof *account);
    account->name = mem_text(name);
    account->number = registry->account_count++;
    account->next = registry->accounts;
    registry->accounts = account;
    return account;
}

static struct user_secret *secret_of(struct account *account, const char *hash)
{
    struct user_secret *secret;

    for (secret = account->secrets; secret != NULL; secret = secret->next) {
        if (strcmp(secret->hash, hash) == 0) {
            return secret;
        }
    }
    secret = mem_calloc(1, sizeof *secret);
    secret->hash = mem_text(hash);
    secret->next = account->secrets;
    account->secrets = secret;
    return secret;
}

static void enrol_users(struct registry *registry, struct roster *roster)
{
    const struct config *config = roster->config;

    for (struct account *account = registry->accounts; account != NULL; account = account->next) {
        roster->users[account->number].account = account;
    }
    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];
        struct account *account = account_of(registry, user->name);

        roster->users[account->number] = (struct roster_user){
            .config = user,
            .account = account,
            .secret = secret_of(account, user->password_hash != NULL ? user->password_hash : ""),
        };
    }
}

struct roster *registry_enrol(struct registry *registry, struct config *config, struct tls *tls,
                              bool (*is_free)(void *context, unsigned number), void *context)
{
    struct roster *roster;

    for (size_t i = 0; i < config->user_count; i++) {
        account_of(registry, config->users[i].name);
    }
    roster = mem_calloc(1, sizeof *roster + registry->account_count * sizeof roster->users[0]);
    atomic_init(&roster->references, 1);
    roster->config = config_ref(config);
    roster->tls = tls != NULL ? tls_ref(tls) : NULL;
    roster->user_count = registry->account_count;
    if (!enrol_servers(registry, roster, is_free, context)) {
        roster_unref(roster);
        return NULL;
    }
    enrol_users(registry, roster);
    register_servers(registry, roster);
    return roster;
}
