/*
 * The configuration: everything a user can set, read once, checked once, never changed.
 *
 *   defaults < main file < auto file < environment < flags
 *            \____________ draft (texts, each with its origin) __________/
 *                                     | every value parsed, every rule checked
 *                                     v
 *                        struct config: immutable, shared by reference
 *
 * A `struct config` exists only when nothing at all is wrong with its sources; a change is a new
 * one. All mistakes of all sources are collected in a report first, so a user sees them at once.
 *
 * Durations are milliseconds. Texts are never NULL where a comment does not say so; a setting that
 * was left empty is "".
 */
#ifndef TIDEMARK_PROXY_CONFIG_CONFIG_H
#define TIDEMARK_PROXY_CONFIG_CONFIG_H

#include "proxy/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

struct config_sources;
struct options;
struct setting;

enum config_address_kind {
    CONFIG_ADDRESS_NONE, /* the setting is empty */
    CONFIG_ADDRESS_IP,   /* IPv4 or IPv6: sockaddr holds address and port */
    CONFIG_ADDRESS_NAME, /* host has to be looked up (servers only); sockaddr is unset */
    CONFIG_ADDRESS_UNIX, /* host is the path; sockaddr holds it too; port is 0 */
};

struct config_address {
    enum config_address_kind kind;
    char *text; /* as written, for messages and tables */
    char *host; /* without brackets; the path for CONFIG_ADDRESS_UNIX */
    uint16_t port;
    struct sockaddr_storage sockaddr;
    socklen_t sockaddr_size;
};

struct config_addresses {
    struct config_address *items;
    size_t count;
};

/* See proxy/config/network.h. */
struct config_network {
    int family;                /* AF_INET or AF_INET6 */
    unsigned bits;             /* how many of the address count */
    unsigned char address[16]; /* the first 4 for AF_INET */
};

struct config_networks {
    struct config_network *items;
    size_t count;
    bool unix_sockets; /* peers on Unix sockets belong to it too */
};

enum config_role { CONFIG_ROLE_AUTO, CONFIG_ROLE_PRIMARY, CONFIG_ROLE_REPLICA };

enum config_consistency {
    CONFIG_EVENTUAL,
    CONFIG_BOUNDED,
    CONFIG_SESSION,
    CONFIG_MONOTONIC,
    CONFIG_STRONG,
    CONFIG_CONSISTENCY_UNSET, /* users only: [consistency] default rules */
};

enum config_scope {
    CONFIG_SCOPE_CONNECTION,
    CONFIG_SCOPE_USER,
    CONFIG_SCOPE_KEY,
    CONFIG_SCOPE_PROXY,
};

enum config_balance {
    CONFIG_ROUND_ROBIN,
    CONFIG_LEAST_CONNECTIONS,
    CONFIG_LEAST_LATENCY,
    CONFIG_CLIENT_HASH,
};

/* The values are the version of the header. */
enum config_proxy_protocol {
    CONFIG_PROXY_PROTOCOL_OFF,
    CONFIG_PROXY_PROTOCOL_V1,
    CONFIG_PROXY_PROTOCOL_V2,
};

enum config_ready { CONFIG_READY_WRITES, CONFIG_READY_READS };

enum config_tls_client {
    CONFIG_TLS_CLIENT_DISABLED,
    CONFIG_TLS_CLIENT_PREFERRED,
    CONFIG_TLS_CLIENT_REQUIRED,
};

enum config_verify_client {
    CONFIG_VERIFY_CLIENT_OFF,
    CONFIG_VERIFY_CLIENT_OPTIONAL,
    CONFIG_VERIFY_CLIENT_REQUIRED,
};

/* What a user's connection must have, as in CREATE USER ... REQUIRE. */
enum config_require { CONFIG_REQUIRE_NONE, CONFIG_REQUIRE_SSL, CONFIG_REQUIRE_X509 };

enum config_tls_server {
    CONFIG_TLS_SERVER_DISABLED,
    CONFIG_TLS_SERVER_PREFERRED,
    CONFIG_TLS_SERVER_REQUIRED,
    CONFIG_TLS_SERVER_VERIFY_CA,
    CONFIG_TLS_SERVER_VERIFY_IDENTITY,
};

/* Bits, for what clients are offered. */
enum config_compression_words {
    CONFIG_COMPRESSION_OFF,
    CONFIG_COMPRESSION_ZLIB,
    CONFIG_COMPRESSION_ZSTD,
    CONFIG_COMPRESSION_BOTH,
};

struct config_proxy {
    struct config_address admin; /* kind NONE: no admin port */
    char *auto_file;             /* resolved path; "": none */
    unsigned credential_ttl_ms;
    unsigned drain_timeout_ms;
    unsigned failover_wait_ms;
    struct config_address http;
    unsigned idle_timeout_ms;       /* 0: the server's wait_timeout rules */
    struct config_addresses listen; /* at least one */
    char *log_file;                 /* "": stderr */
    int log_level;                  /* enum log_level */
    unsigned login_timeout_ms;
    unsigned max_clients;
    struct config_networks proxy_protocol_networks; /* whose PROXY headers are believed */
    int ready;                                      /* enum config_ready */
    char *rsa_private_key;                          /* PEM file; "": a key pair is made at start */
    double sample_rate;                             /* 0 to 1 */
    char *server_version;                           /* "": as the first server seen */
    unsigned slow_ms;
    char *statement_log; /* "": none */
    bool statement_log_literals;
    unsigned workers; /* never 0: "auto" is already resolved to the cores */
};

struct config_server {
    char *name;
    struct config_address address; /* IP, NAME or UNIX */
    unsigned max_connections;
    int proxy_protocol; /* enum config_proxy_protocol */
    int role;           /* enum config_role */
    unsigned weight;
};

struct config_user {
    char *name;
    int consistency;          /* enum config_consistency, CONFIG_CONSISTENCY_UNSET included */
    unsigned max_connections; /* 0: no limit of its own */
    char *password;           /* NULL when only password_hash is given; wiped when freed */
    char *password_hash;      /* "*" and 40 hexadecimal digits, of mysql_native_password; or NULL */
    int require;              /* enum config_require */
};

struct config_monitor {
    char *password;
    unsigned poll_ms;
    unsigned sample_min_ms;
    char *user; /* "": none was set */
};

struct config_consistency_rules {
    int mode;            /* [consistency] default; enum config_consistency, never UNSET */
    unsigned max_lag_ms; /* 0: no limit */
    unsigned max_staleness_ms;
    int scope;        /* enum config_scope */
    unsigned wait_ms; /* 0: never wait */
};

struct config_pool {
    int balance;      /* enum config_balance */
    unsigned digests; /* 0: off */
    unsigned idle_timeout_ms;
    unsigned max_lifetime_ms;
    unsigned min_idle;
    bool trust_programs;
    unsigned wait_timeout_ms;
};

struct config_admin {
    char *password;
    char *read_password;
    char *read_user;
    char *user;
};

struct config_tls {
    char *ca;
    char *cert;
    int client; /* enum config_tls_client */
    char *client_ca;
    char *key;
    char *keylog_file; /* "": none */
    int server;        /* enum config_tls_server */
    int verify_client; /* enum config_verify_client */
};

struct config_compression {
    int client; /* enum config_compression_words */
    unsigned client_zlib_level;
    unsigned client_zstd_level_max; /* clients choose the level themselves */
    int server;                     /* enum config_compression_words without BOTH */
    unsigned server_zlib_level;
    unsigned server_zstd_level;
};

/* Where a value came from, for the table of settings and for messages. */
enum config_origin_kind {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_FLAG,
    CONFIG_FROM_ADMIN, /* changed on the admin port; where: the auto file it can be saved to */
    CONFIG_FROM_START, /* the files say otherwise by now, but it cannot change while running */
};

struct config_origin {
    enum config_origin_kind kind;
    char *where;    /* file path, variable name or flag; "" for a default */
    unsigned line;  /* in a file; else 0 */
    unsigned layer; /* later layers override earlier ones: default 0, main file 1, ... */
};

/* One setting as it is in force, for the admin port's `settings`: "proxy.workers",
 * "server db1.weight". */
struct config_value {
    const struct setting *setting; /* name, default, range, help: proxy/config/setting.h */
    char *instance;                /* "db1"; NULL for sections that exist once */
    char *text;                    /* as given; a secret's text is "" or "********" */
    struct config_origin origin;
};

struct config {
    struct config_proxy proxy;
    struct config_monitor monitor;
    struct config_consistency_rules consistency;
    struct config_pool pool;
    struct config_admin admin;
    struct config_tls tls;
    struct config_compression compression;

    struct config_server *servers; /* in the order of the file; at least one */
    size_t server_count;
    struct config_user *users;
    size_t user_count;

    struct config_value *values; /* every setting once, in the order of the settings table */
    size_t value_count;

    atomic_uint references; /* config_ref(), config_unref() */
};

/* One mistake or warning, as one line: "file:line: key: what is wrong, what is allowed". */
struct config_message {
    char *text;
    bool is_error;
    unsigned layer, line; /* the order of the sources */
    size_t number;        /* the order of finding */
};

struct config_report {
    struct config_message *messages;
    size_t count;
    size_t error_count;
};

/* Reads options->config_file (if any), the auto file beside it, the environment and the flags of
 * options. Answers a configuration with one reference, owned by the caller, or NULL when the report
 * has an error. The report must be all zero at first; the caller disposes of it either way. Never
 * puts a secret into the report. */
struct config *config_load(const struct options *options, struct config_report *report)
    __attribute__((warn_unused_result));

/* As config_load(), with the environment handed in: NULL-terminated "NAME=value" texts. */
struct config *config_load_with(const struct options *options, char *const *environment,
                                struct config_report *report) __attribute__((warn_unused_result));

/* As config_load_with(), and leaves the sources it was built from (config/sources.h), which the
 * caller disposes of, whatever is answered. `spare_auto`: when the auto file is what is wrong, it
 * is left out, its mistakes become warnings, and the main file alone is used. */
struct config *config_open(struct config_sources *sources, const struct options *options,
                           char *const *environment, bool spare_auto, struct config_report *report)
    __attribute__((warn_unused_result));

/* References are counted atomically; the last unref wipes the secrets and frees. NULL is fine for
 * unref. */
struct config *config_ref(struct config *config);
void config_unref(struct config *config);

/* NULL when there is none of that name; user names are case-sensitive, as on the servers. */
const struct config_server *config_find_server(const struct config *config, const char *name);
const struct config_user *config_find_user(const struct config *config, const char *name,
                                           size_t name_size);

/* Text of a value's source: "default", "tidemark.ini:12", "environment TIDEMARK_POOL_DIGESTS",
 * "flag --workers". Owner: the caller (mem_free). */
char *config_origin_text(const struct config_origin *origin);

/* The words of the configuration file for the enums above, e.g. "least_connections". */
const char *config_consistency_name(enum config_consistency consistency);
const char *config_role_name(enum config_role role);
const char *config_balance_name(enum config_balance balance);

/* All messages, one per line, in the order of the sources. */
void config_report_print(const struct config_report *report, FILE *to);
void config_report_dispose(struct config_report *report);

/* The table of settings as text, for --help-config. */
void config_print_settings(FILE *to);

#endif
