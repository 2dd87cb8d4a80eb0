/*
 * See rules.h. One function per rule. A value that was already reported as wrong is not reported
 * again for what follows from it.
 */
#include "proxy/config/rules.h"

#include "proxy/config/address.h"
#include "proxy/config/report.h"
#include "router/balance.h"

#include <string.h>

struct rules {
    const struct config *config;
    struct draft *draft;
    struct config_origin file; /* where something that is nowhere should have been */
};

static const struct draft_entry *entry_of(const struct rules *rules, enum setting_section section,
                                          const char *name, const char *key)
{
    return draft_entry(draft_find(rules->draft, section, name), setting_find(section, key));
}

/* The place of a value, or of its section when it is a default, or of the file. */
static const struct config_origin *place_of(const struct rules *rules, enum setting_section section,
                                            const char *name, const char *key)
{
    const struct draft_section *in = draft_find(rules->draft, section, name);
    const struct draft_entry *entry = entry_of(rules, section, name, key);

    if (entry->text != NULL) {
        return &entry->origin;
    }
    return in->origin.kind != CONFIG_FROM_DEFAULT ? &in->origin : &rules->file;
}

static void check_servers_exist(const struct rules *rules)
{
    if (rules->config->server_count == 0) {
        report_error(
            rules->draft->report, &rules->file, "section",
            "no server is configured, allowed: at least one [server NAME] with an address");
    }
    if (rules->config->server_count > BALANCE_SERVERS) {
        report_error(rules->draft->report, &rules->file, "section",
                     "%zu servers are configured, allowed: at most %d", rules->config->server_count,
                     BALANCE_SERVERS);
    }
}

static void check_server_addresses(const struct rules *rules)
{
    const struct config *config = rules->config;

    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = &config->servers[i];
        const struct config_origin *place =
            place_of(rules, SECTION_SERVER, server->name, "address");

        if (entry_of(rules, SECTION_SERVER, server->name, "address")->text == NULL) {
            report_error(rules->draft->report, place, "address",
                         "is missing in [server %s], allowed: HOST[:PORT] | unix:/PATH",
                         server->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (address_same(&config->servers[j].address, &server->address)) {
                report_warning(rules->draft->report, place, "address",
                               "[server %s] and [server %s] have the same address",
                               config->servers[j].name, server->name);
            }
        }
    }
}

static void check_users(const struct rules *rules)
{
    const struct config *config = rules->config;

    for (size_t i = 0; i < config->user_count; i++) {
        const char *name = config->users[i].name;
        const struct draft_entry *password = entry_of(rules, SECTION_USER, name, "password");
        const struct draft_entry *hash = entry_of(rules, SECTION_USER, name, "password_hash");

        bool has_hash = hash->text != NULL && hash->text[0] != '\0';
        bool has_password = password->text != NULL && (!has_hash || password->text[0] != '\0');

        if (!has_password && !has_hash) {
            report_error(rules->draft->report, place_of(rules, SECTION_USER, name, "password"),
                         "password",
                         "is missing in [user %s], allowed: password, password_file, password_env "
                         "or password_hash",
                         name);
        } else if (has_password && has_hash) {
            report_error(rules->draft->report, &hash->origin, "password_hash",
                         "is set in [user %s] beside a password, allowed: one of them", name);
        }
    }
}

/* A port that is open to others must not have the password everybody knows. */
static void check_admin_password(const struct rules *rules)
{
    const struct config *config = rules->config;
    const struct draft_entry *password = entry_of(rules, SECTION_ADMIN, NULL, "password");

    if (config->proxy.admin.kind == CONFIG_ADDRESS_NONE || address_is_local(&config->proxy.admin) ||
        password->is_bad) {
        return;
    }
    if (config->admin.password[0] == '\0' || strcmp(config->admin.password, "admin") == 0) {
        report_error(rules->draft->report, place_of(rules, SECTION_PROXY, NULL, "admin"), "admin",
                     "is an address that others can reach while [admin] password is %s, allowed: a "
                     "loopback address, or another password",
                     config->admin.password[0] == '\0' ? "empty" : "the default");
    }
}

static void check_same_address(const struct rules *rules, const struct config_address *a,
                               const struct config_address *b, const char *key, const char *other)
{
    if (address_same(a, b)) {
        report_error(rules->draft->report, place_of(rules, SECTION_PROXY, NULL, key), key,
                     "\"%s\" is the same address as in %s, allowed: another port", a->text, other);
    }
}

static void check_listeners(const struct rules *rules)
{
    const struct config_proxy *proxy = &rules->config->proxy;

    for (size_t i = 0; i < proxy->listen.count; i++) {
        check_same_address(rules, &proxy->admin, &proxy->listen.items[i], "admin", "listen");
        check_same_address(rules, &proxy->http, &proxy->listen.items[i], "http", "listen");
    }
    check_same_address(rules, &proxy->http, &proxy->admin, "http", "admin");
}

static void check_monitor(const struct rules *rules)
{
    const struct config_monitor *monitor = &rules->config->monitor;

    if (entry_of(rules, SECTION_MONITOR, NULL, "password")->text == NULL) {
        report_warning(
            rules->draft->report, place_of(rules, SECTION_MONITOR, NULL, "password"), "password",
            "is not set in [monitor]: \"%.60s\" logs in to the servers without one", monitor->user);
    }
    if (monitor->user[0] == '\0') {
        report_error(rules->draft->report, place_of(rules, SECTION_MONITOR, NULL, "user"), "user",
                     "is empty in [monitor], allowed: an account of the servers");
    }
    if (monitor->sample_min_ms > monitor->poll_ms) {
        report_error(rules->draft->report, place_of(rules, SECTION_MONITOR, NULL, "sample_min_ms"),
                     "sample_min_ms", "\"%u\" is more than poll_ms, allowed: at most %u",
                     monitor->sample_min_ms, monitor->poll_ms);
    }
}

static void check_tls(const struct rules *rules)
{
    const struct config_tls *tls = &rules->config->tls;

    if (tls->cert[0] != '\0' && tls->key[0] == '\0') {
        report_error(rules->draft->report, place_of(rules, SECTION_TLS, NULL, "cert"), "cert",
                     "is set without key, allowed: both or none");
    }
    if (tls->key[0] != '\0' && tls->cert[0] == '\0') {
        report_error(rules->draft->report, place_of(rules, SECTION_TLS, NULL, "key"), "key",
                     "is set without cert, allowed: both or none");
    }
    if (tls->verify_client != CONFIG_VERIFY_CLIENT_OFF && tls->client_ca[0] == '\0') {
        report_error(rules->draft->report, place_of(rules, SECTION_TLS, NULL, "verify_client"),
                     "verify_client",
                     "is set without client_ca, allowed: off, or a file of authorities");
    }
}

/* A user whom nobody could ever be is a mistake. */
static void check_requirements(const struct rules *rules)
{
    const struct config_tls *tls = &rules->config->tls;

    for (size_t i = 0; i < rules->config->user_count; i++) {
        const struct config_user *user = &rules->config->users[i];

        if (user->require != CONFIG_REQUIRE_NONE && tls->client == CONFIG_TLS_CLIENT_DISABLED) {
            report_error(rules->draft->report, place_of(rules, SECTION_USER, user->name, "require"),
                         "require",
                         "is set in [user %s] while [tls] client is disabled, allowed: none",
                         user->name);
        } else if (user->require == CONFIG_REQUIRE_X509 &&
                   tls->verify_client == CONFIG_VERIFY_CLIENT_OFF) {
            report_error(rules->draft->report, place_of(rules, SECTION_USER, user->name, "require"),
                         "require",
                         "\"x509\" is set in [user %s] while [tls] verify_client is off, "
                         "allowed: none | ssl",
                         user->name);
        }
    }
}

static void check_pool(const struct rules *rules)
{
    const struct config *config = rules->config;

    for (size_t i = 0; i < config->server_count; i++) {
        if (config->pool.min_idle > config->servers[i].max_connections) {
            report_error(
                rules->draft->report, place_of(rules, SECTION_POOL, NULL, "min_idle"), "min_idle",
                "\"%u\" is more than max_connections of [server %s], allowed: at "
                "most %u",
                config->pool.min_idle, config->servers[i].name, config->servers[i].max_connections);
            return;
        }
    }
}

void rules_check(const struct config *config, struct draft *draft, const char *path)
{
    struct rules rules = {
        .config = config,
        .draft = draft,
        .file = {.kind = CONFIG_FROM_FILE,
                 .where = draft_place(draft, path != NULL ? path : "configuration"),
                 .line = 1,
                 .layer = LAYER_MAIN},
    };

    check_servers_exist(&rules);
    check_server_addresses(&rules);
    check_users(&rules);
    check_admin_password(&rules);
    check_listeners(&rules);
    check_monitor(&rules);
    check_tls(&rules);
    check_requirements(&rules);
    check_pool(&rules);
}
