/*
 * The environment and the flags as sources: which names mean what, and what overrides what.
 */
#include "config_fixture.h"

#include "proxy/config/cores.h"
#include "proxy/config/environment_source.h"
#include "proxy/config/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 4 };

struct row {
    char *environment[VARIABLES_MAX + 1];
    const char *messages;
};

/* Read with a file that holds CONFIG_BASE. */
static const struct row rows[] = {
    {{"PATH=/bin", "TIDEMARK=/usr/bin/tidemark", "TIDEMARK_HOME=/x", "TIDEMARK_CACHE=/y"}, ""},
    {{"TIDEMARK_PROXY_WORKERS=3", "TIDEMARK_SERVER_DB1_WEIGHT=2", "TIDEMARK_USER_APP_PASSWORD="},
     ""},
    {{"TIDEMARK_PROXY_WORKERS=x"},
     "environment: TIDEMARK_PROXY_WORKERS: \"x\" is not a whole number, allowed: auto | 1 to "
     "1024\n"},
    {{"TIDEMARK_PROXY_WORKRES=3"},
     "environment: TIDEMARK_PROXY_WORKRES: means no setting, did you mean "
     "TIDEMARK_PROXY_WORKERS?\n"},
    {{"TIDEMARK_PROXY_workers=3"},
     "environment: TIDEMARK_PROXY_workers: means no setting, did you mean "
     "TIDEMARK_PROXY_WORKERS?\n"},
    {{"TIDEMARK_PROXI_WORKERS=3"},
     "environment: TIDEMARK_PROXI_WORKERS: warning: means no setting, did you mean "
     "TIDEMARK_PROXY_WORKERS?\n"},
    {{"TIDEMARK_TLS_COLOUR_OF_IT=blue"},
     "environment: TIDEMARK_TLS_COLOUR_OF_IT: means no setting, allowed: TIDEMARK_SECTION_KEY or "
     "TIDEMARK_SECTION_NAME_KEY with a known key\n"},
    {{"TIDEMARK_SERVER_DB1_WIEGHT=2"},
     "environment: TIDEMARK_SERVER_DB1_WIEGHT: means no setting, did you mean "
     "TIDEMARK_SERVER_DB1_WEIGHT?\n"},
    {{"TIDEMARK_SERVER_DB2_WEIGHT=2"},
     "environment: TIDEMARK_SERVER_DB2_WEIGHT: is missing in [server db2], allowed: HOST[:PORT] | "
     "unix:/PATH\n"},
    {{"TIDEMARK_USER_APP_PASSWORD=a", "TIDEMARK_USER_APP_PASSWORD_ENV=B"},
     "environment: TIDEMARK_USER_APP_PASSWORD_ENV: is set a second time, also by "
     "TIDEMARK_USER_APP_PASSWORD, allowed: once\n"},
    {{"TIDEMARK_MONITOR_PASSWORD_ENV=NOT_THERE"},
     "environment: TIDEMARK_MONITOR_PASSWORD_ENV: the variable \"NOT_THERE\" is not set, allowed: "
     "one that is\n"},
    {{"TIDEMARK_CONSISTENCY_SCOPE=proxy"},
     "environment: TIDEMARK_CONSISTENCY_SCOPE: \"proxy\" is not built yet and cannot be ignored "
     "safely, allowed for now: connection\n"},
    {{"TIDEMARK_SERVICE_HOST=10.0.0.1", "TIDEMARK_PORT=tcp://10.0.0.1:6033",
      "TIDEMARK_PROXY_PORT_6033_TCP_ADDR=10.0.0.1", "TIDEMARK_SERVER_SERVICE_PORT=3306"},
     ""},
};

static void test_messages(void **state)
{
    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *messages;
        struct config *config = config_from_file(rows[i].environment, NULL, &messages);

        assert_string_equal(messages, rows[i].messages);
        config_unref(config);
        free(messages);
    }
}

static void test_every_layer_overrides_those_before(void **state)
{
    char *const environment[] = {"TIDEMARK_PROXY_WORKERS=4", "TIDEMARK_PROXY_MAX_CLIENTS=40", NULL};
    const struct options options = {
        .config_file = "t.ini",
        .overrides = {{"--workers", "proxy", "workers", "5"}},
        .override_count = 1,
    };
    char *messages;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE "[proxy]\nworkers = 2\nmax_clients = 20\n"
                                           "login_timeout_ms = 20\ndrain_timeout_ms = 20\n");
    config_write_file("tidemark.auto.ini",
                      "[proxy]\nworkers = 3\nmax_clients = 30\nlogin_timeout_ms = 30\n");
    struct config *config = config_from_file(environment, &options, &messages);

    assert_string_equal(messages, "");
    assert_int_equal(config->proxy.workers, 5);
    assert_int_equal(config->proxy.max_clients, 40);
    assert_int_equal(config->proxy.login_timeout_ms, 30);
    assert_int_equal(config->proxy.drain_timeout_ms, 20);
    assert_int_equal(config->proxy.idle_timeout_ms, 0);
    config_unref(config);
    free(messages);
    config_write_file("tidemark.auto.ini", NULL);
}

static void test_the_environment_alone_is_enough(void **state)
{
    char *const environment[] = {
        "TIDEMARK_USER_APP_PASSWORD_ENV=SECRET",
        "SECRET=hunter2",
        "TIDEMARK_SERVER_DB2_ADDRESS=10.0.0.2",
        "TIDEMARK_SERVER_MY_DB1_MAX_CONNECTIONS=7",
        "TIDEMARK_SERVER_MY_DB1_ADDRESS=10.0.0.1:3307",
        "TIDEMARK_MONITOR_PASSWORD=m",
        NULL,
    };
    const struct options options = {.action = OPTIONS_RUN};
    char *messages;
    struct config *config = config_from_file(environment, &options, &messages);

    (void)state;
    assert_string_equal(messages, "");
    assert_int_equal(config->server_count, 2);
    assert_string_equal(config->servers[0].name, "db2");
    assert_int_equal(config->servers[0].address.port, 3306);
    assert_string_equal(config->servers[1].name, "my_db1");
    assert_int_equal(config->servers[1].max_connections, 7);
    assert_string_equal(config_find_user(config, "app", 3)->password, "hunter2");
    config_unref(config);
    free(messages);
}

/* One form of a secret takes the place of another from an earlier layer. */
static void test_secret_forms_override_each_other(void **state)
{
    char *const environment[] = {"TIDEMARK_USER_APP_PASSWORD_FILE=secret",
                                 "TIDEMARK_USER_ODD_NAME__PASSWORD=other", NULL};
    char *messages;

    (void)state;
    config_write_file("secret", "from the file\n");
    config_write_file("t.ini", CONFIG_BASE "[user odd-name.]\npassword_env = NOT_THERE\n");
    struct config *config = config_from_file(environment, NULL, &messages);

    assert_string_equal(messages, "");
    assert_string_equal(config_find_user(config, "app", 3)->password, "from the file");
    assert_string_equal(config_find_user(config, "odd-name.", 9)->password, "other");
    config_unref(config);
    free(messages);
}

static void test_the_auto_file_can_be_moved(void **state)
{
    char *const environment[] = {"TIDEMARK_PROXY_AUTO_FILE=other.ini", NULL};
    char *messages;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    config_write_file("other.ini", "[proxy]\nworkers = 9\n");
    struct config *config = config_from_file(environment, NULL, &messages);

    assert_int_equal(config->proxy.workers, 9);
    config_unref(config);
    free(messages);
}

static void test_suggestions(void **state)
{
    static const struct {
        const char *typed, *word;
        bool near;
    } pairs[] = {
        {"worker", "workers", true}, {"wokrers", "workers", true}, {"WORKERS", "workers", true},
        {"ca", "cert", false},       {"x", "ca", false},           {"lisen", "listen", true},
        {"", "ca", false},           {"password", "user", false},  {"kye", "key", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct suggestion suggestion = suggestion_for(pairs[i].typed);

        suggestion_offer(&suggestion, pairs[i].word);
        assert_int_equal(suggestion.best != NULL, pairs[i].near);
    }
}

static void test_cores(void **state)
{
    (void)state;
    assert_int_equal(cores_in_quota("200000 100000\n"), 2);
    assert_int_equal(cores_in_quota("150000 100000\n"), 2);
    assert_int_equal(cores_in_quota("1000 100000\n"), 1);
    assert_int_equal(cores_in_quota("max 100000\n"), 0);
    assert_int_equal(cores_in_quota(""), 0);
    assert_int_equal(cores_in_quota("5 0"), 0);
    assert_true(cores_usable() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_every_layer_overrides_those_before),
        cmocka_unit_test(test_the_environment_alone_is_enough),
        cmocka_unit_test(test_secret_forms_override_each_other),
        cmocka_unit_test(test_the_auto_file_can_be_moved),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_cores),
    };

    return cmocka_run_group_tests(tests, config_folder_make, config_folder_remove);
}
