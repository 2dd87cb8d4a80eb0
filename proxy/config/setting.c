/*
 * See setting.h. Adding a setting is one line here, one field in config.h, and its paragraph in the
 * manual page; a test holds the three together.
 */
#include "proxy/config/setting.h"

#include "proxy/config/config.h"
#include "proxy/config/ini_text.h"
#include "proxy/memory.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const char *const balance_words[] = {"round_robin", "least_connections", "least_latency",
                                            "client_hash", NULL};
static const char *const compression_client_words[] = {"off", "zlib", "zstd", "both", NULL};
static const char *const compression_server_words[] = {"off", "zlib", "zstd", NULL};
static const char *const consistency_words[] = {"eventual",  "bounded", "session",
                                                "monotonic", "strong",  NULL};
static const char *const log_level_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const proxy_protocol_words[] = {"off", "v1", "v2", NULL};
static const char *const ready_words[] = {"writes", "reads", NULL};
static const char *const require_words[] = {"none", "ssl", "x509", NULL};
static const char *const role_words[] = {"auto", "primary", "replica", NULL};
static const char *const scope_words[] = {"connection", "user", "key", "proxy", NULL};
static const char *const tls_client_words[] = {"disabled", "preferred", "required", NULL};
static const char *const tls_server_words[] = {"disabled",  "preferred",       "required",
                                               "verify_ca", "verify_identity", NULL};
static const char *const verify_client_words[] = {"off", "optional", "required", NULL};

enum {
    MS_MAX = 2147483647, /* almost 25 days */
    DAY_MS = 24 * 60 * 60 * 1000,
};

#define BIT(choice) (1U << (choice))
#define AT(type, field) .offset = offsetof(struct type, field)
#define RANGE(least, most) .min = (least), .max = (most)
#define RELOADS .reloadable = true

/* clang-format off */
const struct setting settings[] = {
    {SECTION_PROXY, "admin", SETTING_ADDRESS, "", AT(config_proxy, admin),
     .help = "address of the admin port; empty: none"},
    {SECTION_PROXY, "auto_file", SETTING_PATH, "tidemark.auto.ini", AT(config_proxy, auto_file),
     .help = "file of saved changes, read after the main file; it may be missing; empty: none"},
    {SECTION_PROXY, "credential_ttl_ms", SETTING_NUMBER, "60000", RANGE(100, DAY_MS),
     AT(config_proxy, credential_ttl_ms), RELOADS,
     .help = "without [user] sections: a password is checked with the primary again after this"},
    {SECTION_PROXY, "drain_timeout_ms", SETTING_NUMBER, "30000", RANGE(0, MS_MAX),
     AT(config_proxy, drain_timeout_ms), RELOADS,
     .help = "how long running transactions may take to end after SIGTERM"},
    {SECTION_PROXY, "failover_wait_ms", SETTING_NUMBER, "10000", RANGE(0, MS_MAX),
     AT(config_proxy, failover_wait_ms), RELOADS,
     .help = "how long a statement that needs the primary waits while there is none"},
    {SECTION_PROXY, "http", SETTING_ADDRESS, "", AT(config_proxy, http),
     .help = "address of the HTTP port (metrics, liveness, readiness); empty: none"},
    {SECTION_PROXY, "idle_timeout_ms", SETTING_NUMBER, "0", RANGE(0, MS_MAX),
     AT(config_proxy, idle_timeout_ms), RELOADS,
     .help = "an idle client is closed after this; 0: the server's wait_timeout rules"},
    {SECTION_PROXY, "listen", SETTING_ADDRESSES, "127.0.0.1:6033", AT(config_proxy, listen),
     .help = "addresses for clients, separated by commas"},
    {SECTION_PROXY, "log_file", SETTING_PATH, "", AT(config_proxy, log_file),
     .help = "file that log lines are appended to; empty: stderr"},
    {SECTION_PROXY, "log_level", SETTING_CHOICE, "info", .choices = log_level_words,
     AT(config_proxy, log_level), RELOADS,
     .help = "the least important events that are logged"},
    {SECTION_PROXY, "login_timeout_ms", SETTING_NUMBER, "10000", RANGE(1, MS_MAX),
     AT(config_proxy, login_timeout_ms), RELOADS,
     .help = "how long a client may take to log in"},
    {SECTION_PROXY, "max_clients", SETTING_NUMBER, "10000", RANGE(1, 1000000),
     AT(config_proxy, max_clients), RELOADS,
     .help = "more clients than this are refused with error 1040"},
    {SECTION_PROXY, "proxy_protocol_networks", SETTING_NETWORKS, "",
     AT(config_proxy, proxy_protocol_networks), RELOADS,
     .help = "networks of load balancers whose PROXY headers tell clients' addresses; empty: none"},
    {SECTION_PROXY, "ready", SETTING_CHOICE, "writes", .choices = ready_words,
     AT(config_proxy, ready), RELOADS,
     .help = "what /readyz asks for: a usable primary, or any usable server"},
    {SECTION_PROXY, "rsa_private_key", SETTING_PATH, "", AT(config_proxy, rsa_private_key),
     .help = "PEM file of the key for caching_sha2_password logins; empty: made at start"},
    {SECTION_PROXY, "sample_rate", SETTING_RATIO, "0", AT(config_proxy, sample_rate), RELOADS,
     .help = "share of ordinary statements in the statement log; 1: all"},
    {SECTION_PROXY, "server_version", SETTING_TEXT, "", AT(config_proxy, server_version),
     .help = "version in the greeting before any server was seen; empty: clients wait for one"},
    {SECTION_PROXY, "slow_ms", SETTING_NUMBER, "1000", RANGE(0, MS_MAX), AT(config_proxy, slow_ms),
     RELOADS, .help = "a statement that took at least this is in the statement log; 0: none is slow"},
    {SECTION_PROXY, "statement_log", SETTING_PATH, "", AT(config_proxy, statement_log), RELOADS,
     .help = "file of slow, failed, pinned, retried and sampled statements, JSON lines; empty: none"},
    {SECTION_PROXY, "statement_log_literals", SETTING_BOOL, "off",
     AT(config_proxy, statement_log_literals), RELOADS,
     .help = "on: the statement log has statements as they came, but those that may hold passwords"},
    {SECTION_PROXY, "workers", SETTING_CORES, "auto", RANGE(1, 1024), AT(config_proxy, workers),
     .help = "threads that serve clients; auto: one per core that may be used"},

    {SECTION_SERVER, "address", SETTING_ADDRESS, NULL, AT(config_server, address), RELOADS,
     .help = "where the server listens; the port is 3306 when left out"},
    {SECTION_SERVER, "max_connections", SETTING_NUMBER, "100", RANGE(1, 100000),
     AT(config_server, max_connections), RELOADS,
     .help = "never more connections to this server than this, "
             "those being opened and closed included"},
    {SECTION_SERVER, "proxy_protocol", SETTING_CHOICE, "off", .choices = proxy_protocol_words,
     AT(config_server, proxy_protocol), RELOADS,
     .help = "PROXY header that connections to the server begin with: the proxy speaks for itself"},
    {SECTION_SERVER, "role", SETTING_CHOICE, "auto", .choices = role_words,
     AT(config_server, role), RELOADS,
     .help = "auto: read_only and a configured replication source make a replica"},
    {SECTION_SERVER, "weight", SETTING_NUMBER, "1", RANGE(0, 1000), AT(config_server, weight),
     RELOADS, .help = "share of the reads among equal servers; 0: only when there is no other"},

    {SECTION_USER, "consistency", SETTING_OPTIONAL_CHOICE, "", .choices = consistency_words,
     AT(config_user, consistency), RELOADS,
     .help = "what this user's reads may miss; empty: [consistency] default rules"},
    {SECTION_USER, "max_connections", SETTING_NUMBER, "0", RANGE(0, 100000),
     AT(config_user, max_connections), RELOADS,
     .help = "more clients of this user at once than this are refused; 0: no limit of its own"},
    {SECTION_USER, "password", SETTING_SECRET, "", AT(config_user, password), RELOADS,
     .help = "the password, as the servers know it"},
    {SECTION_USER, "password_hash", SETTING_PASSWORD_HASH, "", AT(config_user, password_hash),
     RELOADS,
     .help = "instead of the password: its hash of mysql_native_password, * and 40 hex digits"},
    {SECTION_USER, "require", SETTING_CHOICE, "none", .choices = require_words,
     AT(config_user, require), RELOADS,
     .help = "what the user's connections must have: TLS, or a client certificate too"},

    {SECTION_MONITOR, "password", SETTING_SECRET, "", AT(config_monitor, password), RELOADS,
     .help = "password of the monitor's account"},
    {SECTION_MONITOR, "poll_ms", SETTING_NUMBER, "1000", RANGE(10, DAY_MS),
     AT(config_monitor, poll_ms), RELOADS,
     .help = "time between two looks at a server"},
    {SECTION_MONITOR, "sample_min_ms", SETTING_NUMBER, "10", RANGE(1, DAY_MS),
     AT(config_monitor, sample_min_ms), RELOADS,
     .help = "least time between two samples of the primary while a pinned session reads"},
    {SECTION_MONITOR, "user", SETTING_TEXT, "tidemark", AT(config_monitor, user), RELOADS,
     .help = "the account that looks at the servers"},

    {SECTION_CONSISTENCY, "default", SETTING_CHOICE, "session", .choices = consistency_words,
     AT(config_consistency_rules, mode), RELOADS,
     .help = "what a read may miss, unless its user or session says otherwise"},
    {SECTION_CONSISTENCY, "max_lag_ms", SETTING_NUMBER, "10000", RANGE(0, MS_MAX),
     AT(config_consistency_rules, max_lag_ms), RELOADS,
     .help = "a replica further behind serves nobody; 0: no limit"},
    {SECTION_CONSISTENCY, "max_staleness_ms", SETTING_NUMBER, "500", RANGE(0, MS_MAX),
     AT(config_consistency_rules, max_staleness_ms), RELOADS,
     .help = "how old the data of a bounded read may be"},
    {SECTION_CONSISTENCY, "scope", SETTING_CHOICE, "connection", .choices = scope_words,
     AT(config_consistency_rules, scope), RELOADS,
     .refused = BIT(CONFIG_SCOPE_USER) | BIT(CONFIG_SCOPE_KEY) | BIT(CONFIG_SCOPE_PROXY),
     .help = "whose writes a session's reads must see"},
    {SECTION_CONSISTENCY, "wait_ms", SETTING_NUMBER, "0", RANGE(0, MS_MAX),
     AT(config_consistency_rules, wait_ms), RELOADS,
     .help = "how long a read waits for a replica before it goes to the primary"},

    {SECTION_POOL, "balance", SETTING_CHOICE, "least_connections", .choices = balance_words,
     AT(config_pool, balance), RELOADS,
     .help = "how one of several suitable servers is chosen"},
    {SECTION_POOL, "digests", SETTING_NUMBER, "5000", RANGE(0, 100000), AT(config_pool, digests),
     RELOADS, .help = "statements remembered by digest, 2 KiB each and per worker; 0: none"},
    {SECTION_POOL, "idle_timeout_ms", SETTING_NUMBER, "60000", RANGE(0, MS_MAX),
     AT(config_pool, idle_timeout_ms), RELOADS,
     .help = "an idle server connection beyond min_idle is closed after this; 0: never"},
    {SECTION_POOL, "max_lifetime_ms", SETTING_NUMBER, "3600000", RANGE(0, MS_MAX),
     AT(config_pool, max_lifetime_ms), RELOADS,
     .help = "an older server connection is closed when it is next idle; 0: no limit"},
    {SECTION_POOL, "min_idle", SETTING_NUMBER, "1", RANGE(0, 10000), AT(config_pool, min_idle),
     RELOADS, .help = "idle connections kept per server and user once they were used"},
    {SECTION_POOL, "trust_programs", SETTING_BOOL, "off", AT(config_pool, trust_programs), RELOADS,
     .help = "on: stored programs leave nothing behind, so they do not pin a session"},
    {SECTION_POOL, "wait_timeout_ms", SETTING_NUMBER, "10000", RANGE(1, MS_MAX),
     AT(config_pool, wait_timeout_ms), RELOADS,
     .help = "how long a statement waits for a server connection before it fails"},

    {SECTION_ADMIN, "password", SETTING_SECRET, "admin", AT(config_admin, password), RELOADS,
     .help = "refused on an address that is not loopback while it is \"admin\" or empty"},
    {SECTION_ADMIN, "read_password", SETTING_SECRET, "", AT(config_admin, read_password), RELOADS,
     .help = "password of read_user"},
    {SECTION_ADMIN, "read_user", SETTING_TEXT, "", AT(config_admin, read_user), RELOADS,
     .help = "a second admin user, who may look but not change; empty: none"},
    {SECTION_ADMIN, "user", SETTING_TEXT, "admin", AT(config_admin, user), RELOADS,
     .help = "user of the admin port"},

    {SECTION_TLS, "ca", SETTING_PATH, "", AT(config_tls, ca), RELOADS,
     .help = "PEM file of the authorities that servers' certificates must come from; empty: the system's"},
    {SECTION_TLS, "cert", SETTING_PATH, "", AT(config_tls, cert), RELOADS,
     .help = "PEM file of the certificate shown to clients, then its chain; empty: made at start"},
    {SECTION_TLS, "client", SETTING_CHOICE, "preferred", .choices = tls_client_words,
     AT(config_tls, client), RELOADS, .help = "TLS between clients and the proxy"},
    {SECTION_TLS, "client_ca", SETTING_PATH, "", AT(config_tls, client_ca), RELOADS,
     .help = "PEM file of the authorities that clients' certificates must come from"},
    {SECTION_TLS, "key", SETTING_PATH, "", AT(config_tls, key), RELOADS,
     .help = "PEM file of the certificate's private key, not encrypted"},
    {SECTION_TLS, "keylog_file", SETTING_PATH, "", AT(config_tls, keylog_file), RELOADS,
     .help = "for debugging: file that the secrets of TLS sessions are appended to; empty: none"},
    {SECTION_TLS, "server", SETTING_CHOICE, "preferred", .choices = tls_server_words,
     AT(config_tls, server), RELOADS, .help = "TLS between the proxy and the servers"},
    {SECTION_TLS, "verify_client", SETTING_CHOICE, "off", .choices = verify_client_words,
     AT(config_tls, verify_client), RELOADS,
     .help = "are clients asked for a certificate, and must they have one"},

    {SECTION_COMPRESSION, "client", SETTING_CHOICE, "both", .choices = compression_client_words,
     AT(config_compression, client), RELOADS,
     .help = "compression that clients are offered; they ask for it, or not"},
    {SECTION_COMPRESSION, "client_zlib_level", SETTING_NUMBER, "6", RANGE(1, 9),
     AT(config_compression, client_zlib_level), RELOADS,
     .help = "how hard zlib tries towards clients; 1: least"},
    {SECTION_COMPRESSION, "client_zstd_level_max", SETTING_NUMBER, "7", RANGE(1, 22),
     AT(config_compression, client_zstd_level_max), RELOADS,
     .help = "clients name the level of zstd that they want; they get this at most. High ones hold up "
             "others: at 22 a packet takes 50 ms"},
    {SECTION_COMPRESSION, "server", SETTING_CHOICE, "off", .choices = compression_server_words,
     AT(config_compression, server), RELOADS,
     .help = "compression that servers are asked for; those that do not have it are not"},
    {SECTION_COMPRESSION, "server_zlib_level", SETTING_NUMBER, "6", RANGE(1, 9),
     AT(config_compression, server_zlib_level), RELOADS,
     .help = "how hard zlib tries towards servers; 1: least"},
    {SECTION_COMPRESSION, "server_zstd_level", SETTING_NUMBER, "3", RANGE(1, 22),
     AT(config_compression, server_zstd_level), RELOADS,
     .help = "how hard zstd tries towards servers, and they towards the proxy; 1: least"},
};
/* clang-format on */

const size_t setting_count = sizeof(settings) / sizeof(settings[0]);

static const char *const section_names[SECTION_COUNT] = {
    [SECTION_PROXY] = "proxy",
    [SECTION_SERVER] = "server",
    [SECTION_USER] = "user",
    [SECTION_MONITOR] = "monitor",
    [SECTION_POOL] = "pool",
    [SECTION_CONSISTENCY] = "consistency",
    [SECTION_ADMIN] = "admin",
    [SECTION_TLS] = "tls",
    [SECTION_COMPRESSION] = "compression",
};

const char *setting_section_name(enum setting_section section)
{
    return section < SECTION_COUNT ? section_names[section] : "";
}

bool setting_section_is_named(enum setting_section section)
{
    return section == SECTION_SERVER || section == SECTION_USER;
}

const char *setting_name_complaint(enum setting_section section, const char *name)
{
    const char *kind = setting_section_name(section);

    if (!setting_section_is_named(section)) {
        return name[0] == '\0' ? NULL : "exists once, allowed: no name in it";
    }
    if (name[0] == '\0') {
        return kind[0] == 's' ? "has no name, allowed: [server NAME]"
                              : "has no name, allowed: [user NAME]";
    }
    if (strlen(kind) + 1 + strlen(name) > INI_NAME_BYTES) {
        return "has too long a name, allowed: at most 49 bytes between the brackets";
    }
    if (isblank((unsigned char)name[0]) || isblank((unsigned char)name[strlen(name) - 1])) {
        return "has a name with blanks at its ends, allowed: none there";
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) {
            return "has a control character in its name, allowed: text";
        }
        if (strchr(";]", *c) != NULL) {
            return "has a ; or ] in its name, allowed: other characters";
        }
        if (section == SECTION_SERVER && !isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL) {
            return "has a name that is not allowed, allowed: letters, digits, - _ .";
        }
    }
    return NULL;
}

enum setting_section setting_section_of(const char *name)
{
    unsigned section = 0;

    while (section < SECTION_COUNT && strcmp(section_names[section], name) != 0) {
        section++;
    }
    return (enum setting_section)section;
}

const struct setting *setting_find(enum setting_section section, const char *key)
{
    for (size_t i = 0; i < setting_count; i++) {
        if (settings[i].section == section && strcmp(settings[i].key, key) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

int setting_choice_index(const struct setting *setting, const char *word)
{
    for (int i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(setting->choices[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

static char *words_joined(const char *const *words)
{
    char *all = mem_text(words[0]);

    for (size_t i = 1; words[i] != NULL; i++) {
        char *longer = mem_printf("%s | %s", all, words[i]);

        mem_free(all);
        all = longer;
    }
    return all;
}

char *setting_allowed(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_ADDRESS:
        return mem_text(setting->section == SECTION_SERVER ? "HOST[:PORT] | unix:/PATH"
                                                           : "IP:PORT | unix:/PATH");
    case SETTING_ADDRESSES:
        return mem_text("IP:PORT | unix:/PATH, several separated by commas");
    case SETTING_BOOL:
        return mem_text("on | off");
    case SETTING_CHOICE:
    case SETTING_OPTIONAL_CHOICE:
        return words_joined(setting->choices);
    case SETTING_CORES:
        return mem_printf("auto | %u to %u", setting->min, setting->max);
    case SETTING_NETWORKS:
        return mem_text("ADDRESS[/BITS] | unix, several separated by commas");
    case SETTING_NUMBER:
        return mem_printf("%u to %u", setting->min, setting->max);
    case SETTING_PASSWORD_HASH:
        return mem_text("* and 40 hexadecimal digits");
    case SETTING_PATH:
        return mem_text("a path");
    case SETTING_RATIO:
        return mem_text("0 to 1");
    case SETTING_SECRET:
    case SETTING_TEXT:
        return mem_text("a text");
    }
    return mem_text("");
}
