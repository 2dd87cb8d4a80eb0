/*
 * Look-ups: collations, variables, replication filters, the catalog; and the reading of views'
 * texts, which are as both servers print them.
 */
#include "health/facts.h"
#include "health/topology.h"
#include "health/view_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct collation collations[] = {
    {8, "latin1_swedish_ci", "latin1", true},
    {45, "utf8mb4_general_ci", "utf8mb4", false},
    {255, "utf8mb4_0900_ai_ci", "utf8mb4", true},
    {2304, "utf8mb4_uca1400_ai_ci", "utf8mb4", false},
};

static const struct server_variable variables[] = {
    {"autocommit", "ON"}, {"max_allowed_packet", "16777216"}, {"wait_timeout", "28800"}};

static void test_look_ups(void **state)
{
    const struct server_facts facts = {.collations = collations,
                                       .collation_count = 4,
                                       .variables = variables,
                                       .variable_count = 3};
    const struct server_facts nothing = {.flavor = FLAVOR_MYSQL};

    (void)state;
    assert_string_equal(facts_collation(&facts, 255)->name, "utf8mb4_0900_ai_ci");
    assert_string_equal(facts_collation(&facts, 8)->charset, "latin1");
    assert_int_equal(facts_collation_named(&facts, bytes_of_text("UTF8MB4_general_ci"))->id, 45);
    assert_int_equal(facts_default_collation(&facts, bytes_of_text("utf8mb4"))->id, 255);
    assert_null(facts_collation(&facts, 9));
    assert_null(facts_collation(&facts, 65535));
    assert_null(facts_collation_named(&facts, bytes_of_text("utf8mb4")));
    assert_string_equal(facts_variable(&facts, "wait_timeout"), "28800");
    assert_string_equal(facts_variable(&facts, "AUTOCOMMIT"), "ON");
    assert_null(facts_variable(&facts, "wait"));
    assert_null(facts_variable(&nothing, "wait_timeout"));
    assert_null(facts_collation(&nothing, 8));
    assert_string_equal(flavor_name(FLAVOR_MARIADB), "mariadb");
}

/* --- filters ---------------------------------------------------------------------------------- */

struct filter_row {
    const char *kind; /* which list, */
    const char *rule; /* with this one rule */
    const char *schema;
    const char *table;
    bool replicates;
};

static const struct filter_row filter_rows[] = {
    {"none", "", "app", "t", true},
    {"do db", "app", "app", "t", true},
    {"do db", "app", "App", "", true},
    {"do db", "app", "other", "t", false},
    {"ignore db", "app", "app", "t", false},
    {"ignore db", "app", "other", "t", true},
    {"do table", "app.t", "app", "t", true},
    {"do table", "app.t", "app", "u", false},
    {"do table", "app.t", "app", "", false},
    {"ignore table", "app.t", "app", "t", false},
    {"ignore table", "app.t", "app", "u", true},
    {"ignore table", "app.t", "app", "", false},
    {"wild do", "app.%", "app", "t", true},
    {"wild do", "app.%", "apps", "t", false},
    {"wild do", "a__.t%x", "app", "tabx", true},
    {"wild do", "a__.t%x", "app", "tabxy", false},
    {"wild do", "app.log\\_%", "app", "log_1", true},
    {"wild do", "app.log\\_%", "app", "logs", false},
    {"wild do", "%%%.%t%", "app", "t", true},
    {"wild ignore", "app.tmp%", "app", "tmp_1", false},
    {"wild ignore", "app.tmp%", "app", "t", true},
};

static void test_filters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(filter_rows) / sizeof(filter_rows[0]); i++) {
        const struct filter_row *row = &filter_rows[i];
        const char *const list[] = {row->rule, NULL};
        struct server_facts facts = {.filters = {.any = strcmp(row->kind, "none") != 0}};
        struct filters *f = &facts.filters;

        f->do_schemas = strcmp(row->kind, "do db") == 0 ? list : NULL;
        f->ignore_schemas = strcmp(row->kind, "ignore db") == 0 ? list : NULL;
        f->do_tables = strcmp(row->kind, "do table") == 0 ? list : NULL;
        f->ignore_tables = strcmp(row->kind, "ignore table") == 0 ? list : NULL;
        f->wild_do_tables = strcmp(row->kind, "wild do") == 0 ? list : NULL;
        f->wild_ignore_tables = strcmp(row->kind, "wild ignore") == 0 ? list : NULL;
        if (facts_replicates(&facts, bytes_of_text(row->schema), bytes_of_text(row->table)) !=
            row->replicates)
            fail_msg("%s %s: %s.%s", row->kind, row->rule, row->schema, row->table);
    }
}

/* --- catalog ---------------------------------------------------------------------------------- */

static const struct catalog_entry entries[] = {
    {"app", "T", RELATION_TABLE},         {"app", "cache", RELATION_UNREPLICATED},
    {"app", "t", RELATION_VIEW},          {"app", "v", RELATION_PROGRAM_VIEW},
    {"application", "t", RELATION_TABLE},
};

static enum relation find(const struct catalog *catalog, const char *schema, const char *name)
{
    return catalog_find(catalog, bytes_of_text(schema), bytes_of_text(name));
}

static void test_catalog(void **state)
{
    struct catalog catalog = {.is_complete = true, .count = 5, .entries = entries};

    (void)state;
    assert_int_equal(find(&catalog, "app", "T"), RELATION_TABLE);
    assert_int_equal(find(&catalog, "app", "t"), RELATION_VIEW);
    assert_int_equal(find(&catalog, "app", "cache"), RELATION_UNREPLICATED);
    assert_int_equal(find(&catalog, "app", "v"), RELATION_PROGRAM_VIEW);
    assert_int_equal(find(&catalog, "application", "t"), RELATION_TABLE);
    assert_int_equal(find(&catalog, "app", "new"), RELATION_UNKNOWN);
    assert_int_equal(find(&catalog, "ap", "pT"), RELATION_UNKNOWN);
    assert_int_equal(find(&catalog, "", ""), RELATION_UNKNOWN);
    assert_int_equal(find(NULL, "app", "t"), RELATION_UNKNOWN);
    catalog.is_complete = false;
    assert_int_equal(find(&catalog, "app", "new"), RELATION_TABLE);
    assert_int_equal(find(&catalog, "app", "v"), RELATION_PROGRAM_VIEW);
    catalog.entries += 3;
    catalog.count = 2;
    catalog.folds_case = true;
    assert_int_equal(find(&catalog, "App", "V"), RELATION_PROGRAM_VIEW);
}

static void test_server_replicates(void **state)
{
    static const char *const ignored[] = {"scratch", NULL};
    static const char *const unlogged[] = {"private", NULL};
    static struct server_facts of_replica = {.filters = {.any = true, .ignore_schemas = ignored}};
    static struct server_facts of_primary = {.filters = {.any = true, .ignore_schemas = unlogged}};
    struct catalog catalog = {.is_complete = true, .count = 5, .entries = entries};
    struct topology *t = calloc(1, sizeof(*t) + 2 * sizeof(t->servers[0]));
    static const char *const rows[][3] = {
        {"app", "T", "yes"},    {"app", "new", "yes"},  {"app", "cache", "no"},
        {"scratch", "t", "no"}, {"private", "t", "no"}, {"app", "t", "yes"},
    };

    (void)state;
    assert_non_null(t);
    t->count = 2;
    t->catalog = &catalog;
    t->servers[0].facts = &of_primary;
    t->servers[1].facts = &of_replica;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(server_replicates(t, &t->servers[1], bytes_of_text(rows[i][0]),
                                           bytes_of_text(rows[i][1])),
                         rows[i][2][0] == 'y');
    free(t);
}

/* --- views ------------------------------------------------------------------------------------ */

struct view_row {
    const char *text;
    const char *pairs;
    bool calls_stored;
    bool calls_sleep;
};

static const struct view_row view_rows[] = {
    {"select `app`.`t`.`a` AS `a` from `app`.`t`", "app.t t.a app.t ", false, false},
    {"select `app`.`f`(`app`.`t`.`a`) AS `x` from `app`.`t`", "app.f app.t t.a app.t ", true,
     false},
    {"select `f`(1) AS `x`", "", true, false},
    {"select concat(`app`.`t`.`a`,'`g`(1)') AS `c` from `app`.`t`", "app.t t.a app.t ", false,
     false},
    {"select 'it''s \\' `f`(' AS `c` from (`app`.`t` join `app`.`u`)", "app.t app.u ", false,
     false},
    {"select sleep(1) AS `sleep(1)`", "", false, true},
    {"select 1 AS `sleep` from `app`.`sleep`", "app.sleep ", false, false},
    {"select SLEEP(1) AS `x`", "", false, true},
    {"select 1 AS `a``.`b", "", false, false},
    {"select `a``b`.`c` from `app`", "a``b.c ", false, false},
    {"", "", false, false},
};

static void test_views(void **state)
{
    static const char *const sleep_only[] = {"sleep", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(view_rows) / sizeof(view_rows[0]); i++) {
        const struct view_row *row = &view_rows[i];
        struct bytes text = bytes_of_text(row->text);
        struct bytes schema;
        struct bytes name;
        char pairs[200] = "";
        size_t used = 0;
        size_t at = 0;

        while (view_text_next_pair(text, &at, &schema, &name))
            used += (size_t)snprintf(pairs + used, sizeof(pairs) - used, "%.*s.%.*s ",
                                     (int)schema.size, (const char *)schema.data, (int)name.size,
                                     (const char *)name.data);
        assert_string_equal(pairs, row->pairs);
        assert_int_equal(view_text_calls_stored(text), row->calls_stored);
        assert_int_equal(view_text_calls_any(text, sleep_only), row->calls_sleep);
    }
}

/* Cut anywhere, in memory of that size: it ends, and reads nothing behind. */
static void test_view_prefixes(void **state)
{
    static const char *const nothing[] = {NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(view_rows) / sizeof(view_rows[0]); i++) {
        for (size_t size = 0; size <= strlen(view_rows[i].text); size++) {
            char *cut = malloc(size ? size : 1);
            struct bytes schema;
            struct bytes name;
            size_t at = 0;

            assert_non_null(cut);
            memcpy(cut, view_rows[i].text, size);
            while (view_text_next_pair(bytes_of(cut, size), &at, &schema, &name))
                assert_true(at <= size);
            view_text_calls_stored(bytes_of(cut, size));
            view_text_calls_any(bytes_of(cut, size), nothing);
            free(cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_ups), cmocka_unit_test(test_filters),
        cmocka_unit_test(test_catalog),  cmocka_unit_test(test_server_replicates),
        cmocka_unit_test(test_views),    cmocka_unit_test(test_view_prefixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
