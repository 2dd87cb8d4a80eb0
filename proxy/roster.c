/*
 * Rosters, and who has which number. See roster.h.
 */
#include "proxy/roster.h"

#include "proxy/config/address.h"
#include "proxy/memory.h"
#include "proxy/tls.h"

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
    struct accounts *accounts; /* owner */
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

/* ---- the registry ---- */

struct registry *registry_new(void)
{
    struct registry *registry = mem_calloc(1, sizeof *registry);

    registry->accounts = accounts_new();
    return registry;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        mem_free(registry->servers[i].name);
        mem_free(registry->servers[i].address);
    }
    accounts_free(registry->accounts);
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

static void enrol_users(struct roster *roster)
{
    const struct config *config = roster->config;

    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];

        roster->users[accounts_find(roster->accounts, user->name)->number].config = user;
    }
    roster->is_open = config->user_count == 0;
    roster->guest = (struct config_user){.name = "", .consistency = CONFIG_CONSISTENCY_UNSET};
}

struct roster *registry_enrol(struct registry *registry, struct config *config, struct tls *tls,
                              bool (*is_free)(void *context, unsigned number), void *context)
{
    struct roster *roster;
    unsigned count;

    for (size_t i = 0; i < config->user_count; i++) {
        if (accounts_admit(registry->accounts, config->users[i].name) == NULL) {
            return NULL;
        }
    }
    count = accounts_count(registry->accounts);
    roster = mem_calloc(1, sizeof *roster + count * sizeof roster->users[0]);
    roster->accounts = registry->accounts;
    atomic_init(&roster->references, 1);
    roster->config = config_ref(config);
    roster->tls = tls != NULL ? tls_ref(tls) : NULL;
    roster->user_count = count;
    if (!enrol_servers(registry, roster, is_free, context)) {
        roster_unref(roster);
        return NULL;
    }
    enrol_users(roster);
    register_servers(registry, roster);
    return roster;
}
