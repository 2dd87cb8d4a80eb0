/*
 * Changes laid over the sources, and the auto file that makes them last.
 */
#include "config_fixture.h"

#include "proxy/config/auto_file.h"
#include "proxy/config/compare.h"
#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *const no_environment[] = {NULL};
static const struct options only_file = {.action = OPTIONS_RUN, .config_file = "t.ini"};

static void open_sources(struct config_sources *sources, char *const *environment)
{
    struct config_report report = {.messages = NULL};
    struct config *config = config_open(sources, &only_file, environment, false, &report);

    if (config == NULL) {
        config_report_print(&report, stderr);
    }
    assert_non_null(config);
    config_unref(config);
    config_report_dispose(&report);
}

/* "error" of the first mistake, or NULL and *config. */
static char *build(const struct config_sources *sources, const struct config_edits *edits,
                   struct config **config)
{
    struct config_report report = {.messages = NULL};
    char *error;

    *config = config_sources_build(sources, edits, NULL, &report);
    error = *config == NULL ? mem_text(report.messages[0].text) : NULL;
    config_report_dispose(&report);
    return error;
}

static void expect_error(const struct config_sources *sources, const struct config_edits *edits,
                         const char *text)
{
    struct config *config;
    char *error = build(sources, edits, &config);

    assert_non_null(error);
    assert_string_equal(error, text);
    mem_free(error);
}

static struct config *expect_config(const struct config_sources *sources,
                                    const struct config_edits *edits)
{
    struct config *config;
    char *error = build(sources, edits, &config);

    if (error != NULL) {
        fail_msg("%s", error);
    }
    return config;
}

static void note(void *context, const struct config_value *was, const struct config_value *is)
{
    char **all = context;
    char *name = config_value_name(is != NULL ? is : was);
    char *longer = mem_printf("%s%s: %s -> %s\n", *all, name, was != NULL ? was->text : "(none)",
                              is != NULL ? is->text : "(none)");

    mem_free(name);
    mem_free(*all);
    *all = longer;
}

static void expect_difference(const struct config *a, const struct config *b, const char *text)
{
    char *all = mem_text("");

    config_compare(a, b, note, &all);
    assert_string_equal(all, text);
    mem_free(all);
}

static void edits_change_what_is_built(void **state)
{
    struct config_sources sources;
    struct config_edits edits = {.items = NULL};
    struct config *before;
    struct config *after;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    open_sources(&sources, no_environment);
    before = expect_config(&sources, &edits);
    config_edits_append(&edits, EDIT_SET, "pool", NULL, "min_idle", "3");
    config_edits_append(&edits, EDIT_SET, "server", "db1", "weight", "7");
    config_edits_append(&edits, EDIT_ADD, "server", "db2", NULL, NULL);
    config_edits_append(&edits, EDIT_SET, "server", "db2", "address", "127.0.0.2:3307");
    config_edits_append(&edits, EDIT_SET, "user", "app", "password", "t");
    after = expect_config(&sources, &edits);
    assert_int_equal(after->pool.min_idle, 3);
    assert_int_equal(after->server_count, 2);
    assert_int_equal(config_find_server(after, "db2")->address.port, 3307);
    assert_string_equal(config_find_user(after, "app", 3)->password, "t");
    expect_difference(before, after,
                      "server db2.address: (none) -> 127.0.0.2:3307\n"
                      "server db2.max_connections: (none) -> 100\n"
                      "server db2.proxy_protocol: (none) -> off\n"
                      "server db2.role: (none) -> auto\n"
                      "server db1.weight: 1 -> 7\n"
                      "server db2.weight: (none) -> 1\n"
                      "user app.password: ******** -> ********\n"
                      "pool.min_idle: 1 -> 3\n");
    config_unref(before);
    config_unref(after);
    config_edits_dispose(&edits);
    config_sources_dispose(&sources);
}

static void wrong_edits_are_refused(void **state)
{
    static const struct {
        enum config_edit_kind kind;
        const char *section, *name, *key, *value;
        const char *error;
    } rows[] = {
        {EDIT_SET, "pool", NULL, "min_idle", "many",
         "min_idle: \"many\" is not a whole number, allowed: 0 to 10000"},
        {EDIT_SET, "pool", NULL, "mini", "1", "mini: is unknown in [pool]"},
        {EDIT_SET, "pond", NULL, "min_idle", "1", "pond: is no section"},
        {EDIT_SET, "server", "db9", "weight", "1", "server: there is no \"db9\""},
        {EDIT_SET, "proxy", NULL, "workers", "3",
         "workers: cannot be changed while the program runs, allowed: set it in the configuration "
         "file and restart"},
        {EDIT_ADD, "server", "db1", NULL, NULL,
         "server: \"db1\" exists already, allowed: another "
         "name"},
        {EDIT_ADD, "server", "a b", NULL, NULL,
         "server: [server a b] has a name that is not allowed, allowed: letters, digits, - _ ."},
        {EDIT_ADD, "server", "db2", NULL, NULL,
         "address: is missing in [server db2], allowed: HOST[:PORT] | unix:/PATH"},
        {EDIT_REMOVE, "server", "db9", NULL, NULL, "server: there is no \"db9\""},
        {EDIT_REMOVE, "pool", NULL, NULL, NULL, "pool: cannot be removed"},
        {EDIT_SET, "pool", NULL, "min_idle", "500",
         "min_idle: \"500\" is more than max_connections of [server db1], allowed: at most 100"},
    };
    struct config_sources sources;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    open_sources(&sources, no_environment);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_edits edits = {.items = NULL};

        config_edits_append(&edits, rows[i].kind, rows[i].section, rows[i].name, rows[i].key,
                            rows[i].value);
        expect_error(&sources, &edits, rows[i].error);
        config_edits_dispose(&edits);
    }
    config_sources_dispose(&sources);
}

static void merge(struct config_edits *edits, enum config_edit_kind kind, const char *section,
                  const char *name, const char *key, const char *value)
{
    struct config_edits one = {.items = NULL};

    config_edits_append(&one, kind, section, name, key, value);
    config_edits_merge(edits, &one);
    config_edits_dispose(&one);
}

static void merged_edits_do_not_pile_up(void **state)
{
    struct config_edits edits = {.items = NULL};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        merge(&edits, EDIT_SET, "server", "db1", "weight", i % 2 == 0 ? "1" : "2");
        merge(&edits, EDIT_ADD, "server", "db2", NULL, NULL);
        merge(&edits, EDIT_SET, "server", "db2", "address", "127.0.0.2");
        merge(&edits, EDIT_REMOVE, "server", "db2", NULL, NULL);
        merge(&edits, EDIT_SET, "user", "app", "password", "x");
        merge(&edits, EDIT_SET, "user", "app", "password_hash",
              "*0123456789012345678901234567890123456789");
    }
    assert_int_equal(edits.count, 2);
    assert_string_equal(edits.items[0].value, "2");
    assert_string_equal(edits.items[1].key, "password_hash");
    merge(&edits, EDIT_UNSET, "server", "db1", "weight", NULL);
    merge(&edits, EDIT_UNSET, "user", "app", "password_hash", NULL);
    assert_int_equal(edits.count, 0);
    config_edits_dispose(&edits);
}

/* What SAVE writes, read by the next start, is what was in force. */
static void saved_edits_come_back(void **state)
{
    struct config_sources sources;
    struct config_edits edits = {.items = NULL};
    struct config *before;
    struct config *after;
    struct stat status;
    char *error;
    char *text;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE "[server db2]\naddress = 127.0.0.2\nweight = 5\n"
                                           "[server db3]\naddress = 127.0.0.3\n"
                                           "[user old]\npassword = o\n");
    config_write_file("tidemark.auto.ini", "[pool]\nmin_idle = 2\n[server db1]\nweight = 9\n");
    open_sources(&sources, no_environment);
    config_edits_append(&edits, EDIT_SET, "server", "db1", "max_connections", "50");
    config_edits_append(&edits, EDIT_REMOVE, "server", "db3", NULL, NULL);
    config_edits_append(&edits, EDIT_REMOVE, "server", "db2", NULL, NULL);
    config_edits_append(&edits, EDIT_ADD, "server", "db2", NULL, NULL); /* weight 1 again */
    config_edits_append(&edits, EDIT_SET, "server", "db2", "address", "127.0.0.4");
    config_edits_append(&edits, EDIT_SET, "user", "old", "password_hash",
                        "*0123456789012345678901234567890123456789");
    config_edits_append(&edits, EDIT_ADD, "user", "new one", NULL, NULL);
    config_edits_append(&edits, EDIT_SET, "user", "new one", "password", "p'\"=#x");
    config_edits_append(&edits, EDIT_ADD, "user", "open", NULL, NULL);
    config_edits_append(&edits, EDIT_SET, "user", "open", "password", "");
    before = expect_config(&sources, &edits);
    text = auto_file_text(&sources, &edits, NULL, NULL, &error);
    if (text == NULL) {
        fail_msg("%s", error);
    }
    assert_true(auto_file_write("tidemark.auto.ini", text, &error));
    mem_free_secret(text);
    assert_int_equal(stat("tidemark.auto.ini", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    config_sources_dispose(&sources);
    open_sources(&sources, no_environment);
    after = expect_config(&sources, NULL);
    expect_difference(before, after, "");
    assert_int_equal(after->server_count, 2);
    assert_int_equal(config_find_server(after, "db1")->weight, 9);
    assert_int_equal(config_find_server(after, "db1")->max_connections, 50);
    assert_int_equal(config_find_server(after, "db2")->weight, 1);
    assert_int_equal(after->pool.min_idle, 2);
    assert_string_equal(config_find_user(after, "new one", 7)->password, "p'\"=#x");
    assert_null(config_find_user(after, "old", 3)->password);
    assert_string_equal(config_find_user(after, "open", 4)->password, "");
    config_unref(before);
    config_unref(after);
    config_edits_dispose(&edits);
    config_sources_dispose(&sources);
    config_write_file("tidemark.auto.ini", NULL);
}

static void what_a_file_cannot_hold_is_not_saved(void **state)
{
    static const char *const values[] = {"a ;b", " a", "a "};
    struct config_sources sources;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    open_sources(&sources, no_environment);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct config_edits edits = {.items = NULL};
        char *error;

        config_edits_append(&edits, EDIT_SET, "user", "app", "password", values[i]);
        assert_null(auto_file_text(&sources, &edits, NULL, NULL, &error));
        assert_non_null(strstr(error, "password of [user app] has characters"));
        assert_null(strstr(error, "a ;b"));
        mem_free(error);
        config_edits_dispose(&edits);
    }
    config_sources_dispose(&sources);
}

static void a_failed_save_leaves_the_old_file(void **state)
{
    struct rlimit limit;
    struct stat status;
    char *error;

    (void)state;
    assert_false(auto_file_write("no/such/folder/tidemark.auto.ini", "x", &error));
    assert_non_null(
        strstr(error, "cannot write no/such/folder/tidemark.auto.ini.new: No such file"));
    mem_free(error);
    /* As on a full disk: the file may not grow to its size. */
    config_write_file("tidemark.auto.ini", "[pool]\nmin_idle = 2\n");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){10, limit.rlim_max}), 0);
    assert_false(auto_file_write("tidemark.auto.ini", "[pool]\nmin_idle = 3\n", &error));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(error, "cannot write tidemark.auto.ini.new: "));
    mem_free(error);
    assert_int_equal(access("tidemark.auto.ini.new", F_OK), -1);
    assert_int_equal(stat("tidemark.auto.ini", &status), 0);
    assert_int_equal(status.st_size, strlen("[pool]\nmin_idle = 2\n"));
    config_write_file("tidemark.auto.ini", NULL);
}

static void a_broken_auto_file_is_left_out(void **state)
{
    struct config_report report = {.messages = NULL};
    struct config_sources sources;
    struct config *config;

    (void)state;
    config_write_file("t.ini", CONFIG_BASE);
    config_write_file("tidemark.auto.ini", "[pool]\nmin_idle = 3\nno sense\n");
    config = config_open(&sources, &only_file, no_environment, true, &report);
    assert_non_null(config);
    assert_int_equal(config->pool.min_idle, 1);
    assert_true(sources.is_auto_left_out);
    assert_int_equal(report.error_count, 0);
    assert_non_null(strstr(report.messages[0].text, "tidemark.auto.ini:3: "));
    assert_non_null(strstr(report.messages[report.count - 1].text, "the main file alone is used"));
    config_report_dispose(&report);
    config_unref(config);
    config_sources_dispose(&sources);

    config_write_file("t.ini", "[pool]\nnonsense = 1\n"); /* the main file is wrong: no mercy */
    assert_null(config_open(&sources, &only_file, no_environment, true, &report));
    config_report_dispose(&report);
    config_sources_dispose(&sources);
    config_write_file("tidemark.auto.ini", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_change_what_is_built),
        cmocka_unit_test(wrong_edits_are_refused),
        cmocka_unit_test(merged_edits_do_not_pile_up),
        cmocka_unit_test(saved_edits_come_back),
        cmocka_unit_test(what_a_file_cannot_hold_is_not_saved),
        cmocka_unit_test(a_failed_save_leaves_the_old_file),
        cmocka_unit_test(a_broken_auto_file_is_left_out),
    };

    return cmocka_run_group_tests(tests, config_folder_make, config_folder_remove);
}
