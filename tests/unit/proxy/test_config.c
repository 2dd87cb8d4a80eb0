/*
 * Files to configurations: what a good file gives, and for every mistake its exact message.
 */
#include "config_fixture.h"

#include "proxy/config/setting.h"
#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *text;
    const char *messages;
};

#define MS "allowed: 0 to 2147483647\n"

/* Each text stands behind CONFIG_BASE, so its first line is line 7. */
static const struct row rows[] = {
    {"", ""},
    {"[proxy]\nlisten = 127.0.0.1:6033, unix:/run/t.sock, [::1]:6033\n", ""},
    {"[proxy]\r\nworkers = 3\r\n", ""},
    {"\t [proxy] ; a comment\n  workers = 3 ; another\n\t# a third\n; a fourth\n", ""},
    {"[proxy]\nworkers: 3\n", ""},
    {"[proxy]\nworkers=auto", ""},
    {"[pool]\ntrust_programs = ON\n", ""},

    /* values */
    {"[proxy]\nworkers = many\n",
     "t.ini:8: workers: \"many\" is not a whole number, allowed: auto | 1 to 1024\n"},
    {"[proxy]\nworkers = 0\n",
     "t.ini:8: workers: \"0\" is out of range, allowed: auto | 1 to 1024\n"},
    {"[proxy]\nidle_timeout_ms = -1\n",
     "t.ini:8: idle_timeout_ms: \"-1\" is not a whole number, " MS},
    {"[proxy]\nidle_timeout_ms = 99999999999999999999999\n",
     "t.ini:8: idle_timeout_ms: \"99999999999999999999999\" is out of range, " MS},
    {"[proxy]\nidle_timeout_ms = 10s\n",
     "t.ini:8: idle_timeout_ms: \"10s\" is not a whole number, " MS},
    {"[proxy]\nidle_timeout_ms =\n", "t.ini:8: idle_timeout_ms: \"\" is not a whole number, " MS},
    {"[proxy]\nlog_level = verbose\n",
     "t.ini:8: log_level: \"verbose\" is not a known word, allowed: error | warn | info | debug\n"},
    {"[pool]\ntrust_programs = maybe\n",
     "t.ini:8: trust_programs: \"maybe\" is not a switch, allowed: on | off\n"},
    {"[proxy]\nsample_rate = 2\n",
     "t.ini:8: sample_rate: \"2\" is out of range, allowed: 0 to 1\n"},
    {"[proxy]\nsample_rate = inf\n",
     "t.ini:8: sample_rate: \"inf\" is not a number, allowed: 0 to 1\n"},
    {"[proxy]\nlog_file = a\tb\n", "t.ini:8: log_file: has a control character in it, "
                                   "allowed: a path\n"},

    /* networks */
    {"[proxy]\nproxy_protocol_networks = 10.0.0.0/8, 192.0.2.1 ,::1/128,2001:db8::/0, unix\n", ""},
    {"[proxy]\nproxy_protocol_networks = \n", ""},
    {"[proxy]\nproxy_protocol_networks = 10.0.0.0/33\n",
     "t.ini:8: proxy_protocol_networks: \"10.0.0.0/33\" has a length of the network that is not a "
     "number of its bits, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = ::1/129\n",
     "t.ini:8: proxy_protocol_networks: \"::1/129\" has a length of the network that is not a "
     "number of its bits, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = 10.0.0.0/\n",
     "t.ini:8: proxy_protocol_networks: \"10.0.0.0/\" has a length of the network that is not a "
     "number of its bits, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = 10.0.0/8\n",
     "t.ini:8: proxy_protocol_networks: \"10.0.0/8\" is not an IP address, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = localhost\n",
     "t.ini:8: proxy_protocol_networks: \"localhost\" is not an IP address, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = unix,, ::1\n",
     "t.ini:8: proxy_protocol_networks: \"\" is empty, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},
    {"[proxy]\nproxy_protocol_networks = unix,\n",
     "t.ini:8: proxy_protocol_networks: ends with a comma, "
     "allowed: ADDRESS[/BITS] | unix, several separated by commas\n"},

    /* addresses */
    {"[proxy]\nlisten = 127.0.0.1\n", "t.ini:8: listen: \"127.0.0.1\" has no port, allowed: "
                                      "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[proxy]\nlisten =\n", "t.ini:8: listen: \"\" is empty, allowed: "
                            "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[proxy]\nlisten = 127.0.0.1:1,\n", "t.ini:8: listen: \"\" is empty, allowed: "
                                         "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[proxy]\nlisten = *:1, 10.0.0.1:1\n",
     "t.ini:8: listen: \"*:1\" and \"10.0.0.1:1\" are the same address, allowed: "
     "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[proxy]\nlisten = ::1:6033\n",
     "t.ini:8: listen: \"::1:6033\" has several colons; an IPv6 address needs brackets, allowed: "
     "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[proxy]\nlisten = unix:t.sock\n",
     "t.ini:8: listen: \"unix:t.sock\" has a socket path that does not begin with /, allowed: "
     "IP:PORT | unix:/PATH, several separated by commas\n"},
    {"[server db2]\naddress = db_2.local:70000\n",
     "t.ini:8: address: \"db_2.local:70000\" has a port that is not 1 to 65535, allowed: "
     "HOST[:PORT] | unix:/PATH\n"},
    {"[server db2]\naddress = 10.0.0\n",
     "t.ini:8: address: \"10.0.0\" has a host that is neither an IP address nor a name, allowed: "
     "HOST[:PORT] | unix:/PATH\n"},
    {"[server db2]\naddress =\n",
     "t.ini:8: address: is empty, allowed: HOST[:PORT] | unix:/PATH\n"},
    {"[server db2]\naddress = 127.0.0.1:3306\n",
     "t.ini:8: address: warning: [server db1] and [server db2] have the same address\n"},

    /* sections and keys */
    {"[proxi]\nworkers = x\n", "t.ini:7: section: [proxi] is unknown, did you mean [proxy]?\n"},
    {"[cache]\n", "t.ini:7: section: [cache] is unknown, allowed: proxy, server NAME, user NAME, "
                  "monitor, consistency, pool, admin, tls, compression\n"},
    {"[server]\n", "t.ini:7: section: [server] has no name, allowed: [server NAME]\n"},
    {"[pool x]\n", "t.ini:7: section: [pool x] exists once, allowed: no name in it\n"},
    {"[server a/b]\n",
     "t.ini:7: section: [server a/b] has a name that is not allowed, allowed: letters, digits, "
     "- _ .\n"},
    {"[server db1]\n",
     "t.ini:7: section: [server db1] appears a second time, first on line 1, allowed: once\n"},
    {"[pool]\n[pool]\n",
     "t.ini:8: section: [pool] appears a second time, first on line 7, allowed: once\n"},
    {"[pool]\nmin_idle = 1\nmin_idle = 1\n",
     "t.ini:9: min_idle: is set a second time, first on line 8 as min_idle, allowed: once\n"},
    {"[proxy]\nworker = 2\n", "t.ini:8: worker: is unknown in [proxy], did you mean workers?\n"},
    {"[proxy]\nbalance = round_robin\n",
     "t.ini:8: balance: is unknown in [proxy], allowed in [pool]\n"},
    {"[tls]\ncolour = blue\n",
     "t.ini:8: colour: is unknown in [tls], allowed: ca, cert, client, client_ca, key, "
     "keylog_file, server, verify_client\n"},
    {"[proxy]\nlog_file_env = X\n",
     "t.ini:8: log_file_env: is unknown in [proxy], did you mean log_file?\n"},

    /* lines */
    {"[proxy\n", "t.ini:7: section: has no ], allowed: [SECTION] or [SECTION NAME]\n"},
    {"[proxy] x\n", "t.ini:7: section: has something behind the ], allowed: a comment\n"},
    {"[user 1234567890123456789012345678901234567890123456]\n",
     "t.ini:7: section: is too long, allowed: at most 49 bytes between the brackets\n"},
    {"[proxy]\nworkers 2\n", "t.ini:8: workers: has no \"=\", allowed: KEY = VALUE\n"},
    {"[proxy]\n= 2\n", "t.ini:8: line: has no key before the \"=\", allowed: KEY = VALUE\n"},
    {"[user b]\npassword hunter2=x\n[pool]\n",
     "t.ini:7: password: is missing in [user b], allowed: password, password_file, password_env or "
     "password_hash\n"
     "t.ini:8: password: has a blank before the \"=\", allowed: KEY = VALUE\n"},
    {"[proxy]\nlisten = 127.0.0.1:1,\n  127.0.0.1:2\n",
     "t.ini:8: listen: \"\" is empty, allowed: IP:PORT | unix:/PATH, several separated by commas\n"
     "t.ini:9: 127.0.0.1: is unknown in [proxy], allowed: admin, auto_file, credential_ttl_ms, "
     "drain_timeout_ms, "
     "failover_wait_ms, http, idle_timeout_ms, listen, log_file, log_level, login_timeout_ms, "
     "max_clients, proxy_protocol_networks, ready, rsa_private_key, sample_rate, server_version, "
     "slow_ms, statement_log, "
     "statement_log_literals, workers\n"},

    /* rules between settings */
    {"[server db2]\n",
     "t.ini:7: address: is missing in [server db2], allowed: HOST[:PORT] | unix:/PATH\n"},
    {"[user b]\n", "t.ini:7: password: is missing in [user b], allowed: password, password_file, "
                   "password_env or password_hash\n"},
    {"[user b]\npassword =\n", ""},
    {"[user b]\npassword = \"x\"\n",
     "t.ini:8: password: warning: the quotes are part of the value\n"},
    {"[user b]\npassword = x\npassword_file = y\n",
     "t.ini:9: password_file: is set a second time, first on line 8 as password, allowed: once\n"},
    {"[user b]\npassword_file = no/such\n",
     "t.ini:8: password_file: the file \"no/such\" cannot be read: No such file or directory, "
     "allowed: a readable file of at most 4096 bytes\n"},
    {"[user b]\npassword_env =\n",
     "t.ini:8: password_env: is empty, allowed: the name of a variable\n"},
    {"[user b]\npassword_hash = *12\n",
     "t.ini:8: password_hash: is not a hash of mysql_native_password, allowed: * and 40 "
     "hexadecimal digits\n"},
    {"[user b]\npassword_hash = *2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\n", ""},
    {"[user b]\npassword_hash = *2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\npassword = x\n",
     "t.ini:8: password_hash: is set in [user b] beside a password, allowed: one of them\n"},
    {"[pool]\ndigests = 10\n", ""},
    {"[proxy]\nadmin = 127.0.0.1:6032\n", ""},
    {"[proxy]\nadmin = 0.0.0.0:6032\n",
     "t.ini:8: admin: is an address that others can reach while [admin] password is the default, "
     "allowed: a loopback address, or another password\n"},
    {"[proxy]\nadmin = *:6033\n[admin]\npassword = other\n",
     "t.ini:8: admin: \"*:6033\" is the same address as in listen, allowed: another port\n"},
    {"[consistency]\nscope = key\n",
     "t.ini:8: scope: \"key\" is not built yet and cannot be ignored safely, allowed for now: "
     "connection\n"},
    {"[consistency]\nscope = connection\n", ""},
    {"[tls]\nclient = required\nserver = verify_ca\n", ""},
    {"[compression]\nclient = zstd\nserver = zlib\nserver_zstd_level = 22\n", ""},
    {"[compression]\nserver = both\n",
     "t.ini:8: server: \"both\" is not a known word, allowed: off | zlib | zstd\n"},
    {"[compression]\nclient_zlib_level = 10\n",
     "t.ini:8: client_zlib_level: \"10\" is out of range, allowed: 1 to 9\n"},
    {"[tls]\nclient = always\n",
     "t.ini:8: client: \"always\" is not a known word, allowed: disabled | preferred | required\n"},
    {"[tls]\ncert = c.pem\n", "t.ini:8: cert: is set without key, allowed: both or none\n"},
    {"[tls]\nkey = k.pem\n", "t.ini:8: key: is set without cert, allowed: both or none\n"},
    {"[tls]\nverify_client = optional\n",
     "t.ini:8: verify_client: is set without client_ca, allowed: off, or a file of authorities\n"},
    {"[tls]\nverify_client = optional\nclient_ca = a.pem\n[user b]\npassword =\nrequire = x509\n",
     ""},
    {"[user b]\npassword =\nrequire = ssl\n", ""},
    {"[user b]\npassword =\nrequire = x509\n", "t.ini:9: require: \"x509\" is set in [user b] "
                                               "while [tls] verify_client is off, allowed: none "
                                               "| ssl\n"},
    {"[user b]\npassword =\nrequire = ssl\n[tls]\nclient = disabled\n",
     "t.ini:9: require: is set in [user b] while [tls] client is disabled, allowed: none\n"},
    {"[pool]\nmin_idle = 101\n",
     "t.ini:8: min_idle: \"101\" is more than max_connections of [server db1], allowed: at most "
     "100\n"},
    {"[server db-2]\naddress = a:1\n[server db_2]\naddress = b:1\n",
     "t.ini:9: section: [server db-2] and [server db_2] have the same names "
     "TIDEMARK_SERVER_DB_2_... in the environment, allowed: names that differ in letters and "
     "digits\n"},

    /* everything at once, in the order of the lines */
    {"[pool]\nbalance = luck\nmin_idle = x\n[server db2]\nweight = 9999\n[what]\n",
     "t.ini:8: balance: \"luck\" is not a known word, allowed: round_robin | least_connections | "
     "least_latency | client_hash\n"
     "t.ini:9: min_idle: \"x\" is not a whole number, allowed: 0 to 10000\n"
     "t.ini:10: address: is missing in [server db2], allowed: HOST[:PORT] | unix:/PATH\n"
     "t.ini:11: weight: \"9999\" is out of range, allowed: 0 to 1000\n"
     "t.ini:12: section: [what] is unknown, allowed: proxy, server NAME, user NAME, monitor, "
     "consistency, pool, admin, tls, compression\n"},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = mem_printf("%s%s", CONFIG_BASE, rows[i].text);
        char *messages;
        struct config *config = config_from_text(text, &messages);

        if (strcmp(messages, rows[i].messages) != 0) {
            print_error("for:\n%s", rows[i].text);
        }
        assert_string_equal(messages, rows[i].messages);
        config_unref(config);
        free(messages);
        mem_free(text);
    }
}

/* Files that say nothing, or nothing that can be started with. */
static void test_whole_files(void **state)
{
    static const struct row files[] = {
        {"", "t.ini:1: section: no server is configured, allowed: at least one [server NAME] with "
             "an address\n"
             "t.ini:1: password: warning: is not set in [monitor]: \"tidemark\" logs in to the "
             "servers without one\n"},
        {"workers = 2\n" CONFIG_BASE,
         "t.ini:1: workers: stands before the first section, allowed: keys below a line such as "
         "[proxy]\n"},
        {"\xef\xbb\xbf" CONFIG_BASE, ""},
        {"[server db1]\naddress = unix:/run/mysqld.sock\n[user a b]\npassword=\n[monitor]\n"
         "user =\npassword = x\nsample_min_ms = 2000\n",
         "t.ini:6: user: is empty in [monitor], allowed: an account of the servers\n"
         "t.ini:8: sample_min_ms: \"2000\" is more than poll_ms, allowed: at most 1000\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *messages;
        struct config *config = config_from_text(files[i].text, &messages);

        assert_string_equal(messages, files[i].messages);
        config_unref(config);
        free(messages);
    }
}

static void test_missing_file(void **state)
{
    char *messages;

    (void)state;
    config_write_file("t.ini", NULL);
    assert_null(config_from_file(NULL, NULL, &messages));
    assert_string_equal(messages, "t.ini: file: cannot be read: No such file or directory, "
                                  "allowed: a readable text of at most 1 MiB\n");
    free(messages);
}

static void test_long_lines_are_refused_not_cut(void **state)
{
    char *messages;
    char text[sizeof(CONFIG_BASE) + 400];
    int base = snprintf(text, sizeof(text), "%s[user b]\npassword = ", CONFIG_BASE);

    (void)state;
    memset(text + base, 'x', 179); /* "password = " and 179 make 190 */
    text[base + 179] = '\0';
    struct config *config = config_from_text(text, &messages);

    assert_string_equal(messages, "");
    assert_int_equal(strlen(config_find_user(config, "b", 1)->password), 179);
    config_unref(config);
    free(messages);

    text[base + 179] = 'x';
    text[base + 180] = '\0';
    assert_null(config_from_text(text, &messages));
    assert_non_null(strstr(messages, "t.ini:8: password: is on a line that is too long, allowed: "
                                     "at most 190 bytes\n"));
    assert_null(strstr(messages, "xx"));
    free(messages);
}

static void test_zero_bytes_are_refused(void **state)
{
    static const char text[] = CONFIG_BASE "[proxy]\nlog_file = a\0b\n";
    char *messages;

    (void)state;
    config_write_bytes("t.ini", text, sizeof(text) - 1);
    assert_null(config_from_file(NULL, NULL, &messages));
    assert_string_equal(messages,
                        "t.ini:8: log_file: is on a line with a zero byte, allowed: text\n");
    free(messages);
}

static const char whole_file[] = "[proxy]\n"
                                 "listen = 127.0.0.1:6033, unix:/run/t.sock, [::1]:6034, *:6035\n"
                                 "workers = 2\n"
                                 "log_file = log/t.log\n"
                                 "log_level = debug\n"
                                 "sample_rate = 0.25\n"
                                 "[server db1]\n"
                                 "address = db1.example:3307\n"
                                 "role = replica\n"
                                 "weight = 0\n"
                                 "[server db2]\n"
                                 "address = unix:/run/mysqld.sock\n"
                                 "[user app]\n"
                                 "password = p; q ;comment\n"
                                 "consistency = strong\n"
                                 "[user App Two]\n"
                                 "password =\n"
                                 "[monitor]\n"
                                 "password = m=n:o\n"
                                 "[consistency]\n"
                                 "default = monotonic\n"
                                 "[pool]\n"
                                 "balance = client_hash\n"
                                 "trust_programs = on\n";

static void test_values(void **state)
{
    char *messages;
    struct config *config = config_from_text(whole_file, &messages);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->proxy.listen.count, 4);
    assert_int_equal(config->proxy.listen.items[1].kind, CONFIG_ADDRESS_UNIX);
    assert_string_equal(config->proxy.listen.items[1].host, "/run/t.sock");
    assert_string_equal(config->proxy.listen.items[2].host, "::1");
    assert_int_equal(config->proxy.listen.items[2].sockaddr.ss_family, AF_INET6);
    assert_string_equal(config->proxy.listen.items[3].host, "0.0.0.0");
    assert_int_equal(config->proxy.listen.items[3].port, 6035);
    assert_int_equal(config->proxy.workers, 2);
    assert_string_equal(config->proxy.log_file, "log/t.log");
    assert_int_equal(config->proxy.log_level, LOG_LEVEL_DEBUG);
    assert_true(config->proxy.sample_rate > 0.2 && config->proxy.sample_rate < 0.3);
    assert_int_equal(config->proxy.max_clients, 10000);

    const struct config_server *db1 = config_find_server(config, "db1");

    assert_int_equal(config->server_count, 2);
    assert_int_equal(db1->address.kind, CONFIG_ADDRESS_NAME);
    assert_string_equal(db1->address.host, "db1.example");
    assert_int_equal(db1->address.port, 3307);
    assert_int_equal(db1->role, CONFIG_ROLE_REPLICA);
    assert_int_equal(db1->weight, 0);
    assert_int_equal(db1->max_connections, 100);
    assert_null(config_find_server(config, "DB1"));

    const struct config_user *app = config_find_user(config, "app-", 3);

    assert_string_equal(app->password, "p; q");
    assert_int_equal(app->consistency, CONFIG_STRONG);
    assert_string_equal(config_find_user(config, "App Two", 7)->password, "");
    assert_int_equal(config_find_user(config, "App Two", 7)->consistency, CONFIG_CONSISTENCY_UNSET);
    assert_null(config_find_user(config, "APP", 3));
    assert_string_equal(config->monitor.user, "tidemark");
    assert_string_equal(config->monitor.password, "m=n:o");
    assert_int_equal(config->consistency.mode, CONFIG_MONOTONIC);
    assert_int_equal(config->pool.balance, CONFIG_CLIENT_HASH);
    assert_true(config->pool.trust_programs);

    config_unref(config_ref(config));
    config_unref(config);
    free(messages);
}

static const struct config_value *value_of(const struct config *config, const char *instance,
                                           const char *key)
{
    for (size_t i = 0; i < config->value_count; i++) {
        const struct config_value *value = &config->values[i];

        if (strcmp(value->setting->key, key) == 0 &&
            (instance == NULL
                 ? value->instance == NULL
                 : value->instance != NULL && strcmp(value->instance, instance) == 0)) {
            return value;
        }
    }
    return NULL;
}

static void test_sources_of_values(void **state)
{
    char *messages;
    struct config *config = config_from_text(whole_file, &messages);
    char *origin = config_origin_text(&value_of(config, "db1", "role")->origin);

    (void)state;
    assert_string_equal(origin, "t.ini:9");
    assert_string_equal(value_of(config, "db1", "role")->text, "replica");
    assert_string_equal(value_of(config, "db2", "role")->text, "auto");
    assert_int_equal(value_of(config, "db2", "role")->origin.kind, CONFIG_FROM_DEFAULT);
    assert_string_equal(value_of(config, "app", "password")->text, "********");
    assert_string_equal(value_of(config, "App Two", "password")->text, "");
    for (size_t i = 0; i < config->value_count; i++) {
        assert_null(strstr(config->values[i].text, "p; q"));
    }
    mem_free(origin);
    config_unref(config);
    free(messages);
}

static void test_auto_file_overrides_the_main_file(void **state)
{
    char *messages;

    (void)state;
    config_write_file("tidemark.auto.ini", "[proxy]\nworkers = 5\n[server db1]\nweight = 7\n");
    struct config *config = config_from_text(whole_file, &messages);

    assert_int_equal(config->proxy.workers, 5);
    assert_int_equal(config_find_server(config, "db1")->weight, 7);
    assert_int_equal(config_find_server(config, "db1")->address.port, 3307);
    config_unref(config);
    free(messages);

    config_write_file("tidemark.auto.ini", "[proxy]\nauto_file = x\nworkers = 0\n");
    config = config_from_text(CONFIG_BASE, &messages);
    assert_null(config);
    assert_string_equal(
        messages,
        "tidemark.auto.ini:2: auto_file: stands in the auto file itself, allowed: in the main "
        "file\n"
        "tidemark.auto.ini:3: workers: \"0\" is out of range, allowed: auto | 1 to 1024\n");
    free(messages);
    config_write_file("tidemark.auto.ini", NULL);

    config_write_file("other.ini", "[proxy]\nworkers = 6\n");
    config = config_from_text(CONFIG_BASE "[proxy]\nauto_file = other.ini\n", &messages);
    assert_int_equal(config->proxy.workers, 6);
    config_unref(config);
    free(messages);
    config_write_file("other.ini", NULL);
}

static void test_secret_files(void **state)
{
    static const struct {
        const char *content;
        const char *password; /* NULL: refused */
    } secrets[] = {
        {"hunter2\n", "hunter2"},
        {"hunter2", "hunter2"},
        {"hunter2\r\n", "hunter2"},
        {"two\nlines\n", "two\nlines"},
        {" odd ; = secret \n", " odd ; = secret "},
        {"", NULL},
        {"\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        char *messages;

        config_write_file("secret", secrets[i].content);
        struct config *config =
            config_from_text(CONFIG_BASE "[user b]\npassword_file = secret\n", &messages);

        if (secrets[i].password != NULL) {
            assert_string_equal(config_find_user(config, "b", 1)->password, secrets[i].password);
        } else {
            assert_string_equal(messages,
                                "t.ini:8: password_file: the file \"secret\" is empty, allowed: a "
                                "secret (an empty one is written as an empty value)\n");
        }
        config_unref(config);
        free(messages);
    }
}

static void test_no_prefix_of_a_file_does_harm(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(whole_file); size++) {
        char *messages;

        config_write_bytes("t.ini", whole_file, size);
        config_unref(config_from_file(NULL, NULL, &messages));
        free(messages);
    }
}

static void test_settings_are_in_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < setting_count; i++) {
        const struct setting *before = &settings[i - 1], *setting = &settings[i];

        assert_true(before->section <= setting->section);
        if (before->section == setting->section) {
            assert_true(strcmp(before->key, setting->key) < 0);
        }
        assert_non_null(setting->help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_whole_files),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_long_lines_are_refused_not_cut),
        cmocka_unit_test(test_zero_bytes_are_refused),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_sources_of_values),
        cmocka_unit_test(test_auto_file_overrides_the_main_file),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_no_prefix_of_a_file_does_harm),
        cmocka_unit_test(test_settings_are_in_order),
    };

    return cmocka_run_group_tests(tests, config_folder_make, config_folder_remove);
}
