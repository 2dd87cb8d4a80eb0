/*
 * Environments: equal states are one pointer, variables that share state are kept in a form that
 * replays exactly, and what a peer chooses has ceilings.
 */
#include "environment_fixture.h"

#include "proxy/client/environment.h"
#include "proxy/client/variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct environment_store *store;

static int set_up(void **state)
{
    (void)state;
    store = environment_store_new();
    return 0;
}

/* Every test gives its references back: the store counts. */
static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(environment_store_count(store), 1);
    environment_store_free(store);
    return 0;
}

static void test_states_in_their_form(void **state)
{
    static const struct {
        const char *steps, *kept;
    } rows[] = {
        {"", ""},
        {"schema=shop", "schema=shop"},
        {"schema=shop;schema=", ""},
        {"autocommit=OFF;autocommit=ON", "autocommit=ON"},
        {"time_zone=UTC;autocommit=OFF", "autocommit=OFF;time_zone=UTC"},
        /* character sets last */
        {"character_set_results=utf8mb4;wait_timeout=9",
         "wait_timeout=9;character_set_results=utf8mb4"},
        {"character_set_results=;character_set_client=gbk",
         "character_set_client=gbk;character_set_results="},
        /* of one group, the last */
        {"collation_connection=latin1_bin;character_set_connection=utf8mb4",
         "character_set_connection=utf8mb4"},
        {"character_set_connection=utf8mb4;collation_connection=latin1_bin",
         "collation_connection=latin1_bin"},
        {"collation_connection=latin1_bin;names=utf8mb4", "names=utf8mb4"},
        {"names=utf8mb4;character_set_client=utf8mb4;collation_connection=utf8mb4_bin",
         "character_set_client=utf8mb4;collation_connection=utf8mb4_bin"},
        {"default_storage_engine=MyISAM;storage_engine=InnoDB", "storage_engine=InnoDB"},
        {"tx_isolation=SERIALIZABLE;transaction_isolation=READ-COMMITTED",
         "transaction_isolation=READ-COMMITTED"},
        /* what sets another along drops it, and comes before it */
        {"sql_big_selects=OFF;max_join_size=100", "max_join_size=100"},
        {"max_join_size=100;sql_big_selects=ON", "max_join_size=100;sql_big_selects=ON"},
        {"log_slow_admin_statements=OFF;log_slow_slave_statements=OFF;"
         "log_slow_disabled_statements=sp",
         "log_slow_disabled_statements=sp"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct environment *e = environment_from_text(store, rows[i].steps);

        assert_string_equal(environment_to_text(e, text, sizeof text), rows[i].kept);
        environment_unref(e);
    }
}

static void test_equal_states_are_one(void **state)
{
    const struct environment *a = environment_from_text(store, "schema=shop;autocommit=OFF");
    const struct environment *b =
        environment_from_text(store, "autocommit=ON;schema=shop;autocommit=OFF");
    const struct environment *c = environment_from_text(store, "schema=shop;autocommit=ON");
    const struct environment *d = environment_from_text(store, "schema=sho;autocommit=OFF");

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_not_equal(a, d);
    assert_int_equal(environment_store_count(store), 4);
    environment_unref(a);
    assert_int_equal(environment_store_count(store), 4);
    environment_unref(b);
    assert_int_equal(environment_store_count(store), 3);
    environment_unref(c);
    environment_unref(d);
}

static void test_memory_is_given_back(void **state)
{
    size_t blank = environment_store_size(store);
    const struct environment *e = environment_from_text(store, "schema=shop;time_zone=UTC");

    (void)state;
    assert_int_equal(environment_store_size(store), blank + environment_size(e));
    assert_ptr_equal(environment_ref(e), e);
    environment_unref(e);
    environment_unref(e);
    environment_unref(NULL);
    assert_null(environment_ref(NULL));
    assert_int_equal(environment_store_size(store), blank);
}

static void test_login_and_reset(void **state)
{
    const struct environment *blank = environment_blank(store);
    const struct environment *login = environment_with_charset(
        store, blank, bytes_of_text("utf8mb4"), bytes_of_text("utf8mb4_general_ci"));
    const struct environment *shop = environment_with_schema(store, login, bytes_of_text("shop"));
    const struct environment *reset = environment_without_variables(store, shop);
    const struct environment *less =
        environment_without_variable(store, shop, variable_collation_connection());
    char text[256];

    (void)state;
    assert_string_equal(environment_to_text(shop, text, sizeof text),
                        "schema=shop;character_set_client=utf8mb4;character_set_results=utf8mb4;"
                        "collation_connection=utf8mb4_general_ci");
    assert_string_equal(environment_to_text(reset, text, sizeof text), "schema=shop");
    assert_string_equal(environment_to_text(less, text, sizeof text),
                        "schema=shop;character_set_client=utf8mb4;character_set_results=utf8mb4");
    assert_int_equal(environment_character_set_client(reset).size, 0);
    assert_true(bytes_equal_text(environment_character_set_client(shop), "utf8mb4"));
    environment_unref(blank);
    environment_unref(login);
    environment_unref(shop);
    environment_unref(reset);
    environment_unref(less);
}

static void test_facts(void **state)
{
    static const struct {
        const char *environment, *facts;
    } rows[] = {
        {"", "- -"},
        {"autocommit=OFF", "off -"},
        {"autocommit=ON;sql_mode=", "on mode"},
        {"sql_mode=STRICT_TRANS_TABLES,ANSI_QUOTES", "- mode ansi"},
        {"sql_mode=NO_BACKSLASH_ESCAPES", "- mode literal"},
        {"sql_mode=PIPES_AS_CONCAT,ANSI_QUOTES,ORACLE", "- mode ansi oracle"},
        {"sql_mode=ANSI_QUOTES_NOT", "- mode"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct environment *e = environment_from_text(store, rows[i].environment);
        const struct environment_facts *f = environment_facts(e);

        snprintf(text, sizeof text, "%s %s%s%s%s",
                 !f->autocommit_set ? "-"
                 : f->autocommit    ? "on"
                                    : "off",
                 f->sql_mode_set ? "mode" : "-", f->ansi_quotes ? " ansi" : "",
                 f->no_backslash_escapes ? " literal" : "", f->oracle ? " oracle" : "");
        assert_string_equal(text, rows[i].facts);
        environment_unref(e);
    }
}

static void test_ceilings(void **state)
{
    static char long_value[ENVIRONMENT_MAX_VALUE + 1];
    const struct environment *blank = environment_blank(store), *one, *two;
    int zone = variable_find(bytes_of_text("time_zone"));
    int mode = variable_sql_mode();

    (void)state;
    memset(long_value, 'x', sizeof long_value);
    assert_null(
        environment_with_schema(store, blank, bytes_of(long_value, ENVIRONMENT_MAX_SCHEMA + 1)));
    assert_null(
        environment_with_variable(store, blank, zone, bytes_of(long_value, sizeof long_value)));
    one =
        environment_with_variable(store, blank, zone, bytes_of(long_value, ENVIRONMENT_MAX_VALUE));
    assert_non_null(one);
    two = environment_with_variable(store, one, mode, bytes_of(long_value, ENVIRONMENT_MAX_VALUE));
    assert_null(two);
    assert_null(environment_with_variable(store, blank, -1, bytes_of_text("x")));
    assert_null(environment_with_variable(store, blank, (int)variable_count(), bytes_of_text("x")));
    assert_null(environment_with_variable(store, blank, variable_find(bytes_of_text("insert_id")),
                                          bytes_of_text("1")));
    environment_unref(one);
    environment_unref(blank);
}

static void test_import(void **state)
{
    struct environment_store *other = environment_store_new();
    const struct environment *foreign =
        environment_from_text(other, "schema=shop;names=utf8mb4;time_zone=UTC");
    const struct environment *mine = environment_import(store, foreign);
    char a[256], b[256];

    (void)state;
    environment_to_text(foreign, a, sizeof a);
    environment_unref(foreign);
    environment_store_free(other);
    assert_string_equal(environment_to_text(mine, b, sizeof b), a);
    environment_unref(mine);
}

/* Random walks: many states alive at once, and two ways to one state meet in one pointer. */
static void test_many(void **state)
{
    enum { COUNT = 400 };
    const struct environment *held[COUNT];
    unsigned seed = 7;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const struct environment *e = environment_blank(store);

        for (int step = 0; step < 6; step++) {
            int variable = rand_r(&seed) % (int)variable_count();
            char value[8];
            const struct environment *next;

            snprintf(value, sizeof value, "%d", rand_r(&seed) % 3);
            next = environment_with_variable(store, e, variable, bytes_of_text(value));
            if (next) {
                environment_unref(e);
                e = next;
            }
        }
        held[i] = e;
    }
    for (size_t i = 0; i < COUNT; i++) {
        const struct environment *again = environment_import(store, held[i]);

        assert_ptr_equal(again, held[i]);
        environment_unref(again);
        environment_unref(held[i]);
    }
}

/* --- the table ------------------------------------------------------------------------------- */

static void test_table_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < variable_count(); i++) {
        const struct variable *v = variable_at((int)i);
        char upper[128];

        if (v->kind == VARIABLE_NAMES || v->kind == VARIABLE_USER)
            continue;
        for (size_t c = 0; c <= strlen(v->name); c++)
            upper[c] =
                (char)((v->name[c] >= 'a' && v->name[c] <= 'z') ? v->name[c] - 32 : v->name[c]);
        assert_int_equal(variable_find(bytes_of_text(v->name)), (int)i);
        assert_int_equal(variable_find(bytes_of_text(upper)), (int)i);
        if (v->reset_by >= 0)
            assert_int_equal(variable_at(v->reset_by)->rank, VARIABLE_RANK_FIRST);
    }
    assert_int_equal(variable_find(bytes_of_text("")), -1);
    assert_int_equal(variable_find(bytes_of_text("autocommi")), -1);
    assert_int_equal(variable_find(bytes_of_text("autocommit_")), -1);
    assert_int_equal(variable_find(bytes_of_text("names")), -1);
}

static void test_tracked_list(void **state)
{
    static const struct {
        const char *server, *tracked;
    } rows[] = {
        {"", ""},
        {"autocommit", "autocommit"},
        {"AUTOCOMMIT, sql_mode ,,time_zone,", "AUTOCOMMIT,sql_mode,time_zone"},
        {"statement_id,autocommit,session_track_schema,last_gtid", "autocommit"},
        {"a_new_variable,autocommit", "a_new_variable,autocommit"},
        {"autocommit',x,time_zone", "x,time_zone"},
        {"statement_id", ""},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = variables_tracked(bytes_of_text(rows[i].server), text, sizeof text);

        assert_int_equal(size, strlen(rows[i].tracked));
        if (size > 0)
            assert_string_equal(text, rows[i].tracked);
    }
    assert_int_equal(variables_tracked(bytes_of_text("autocommit"), text, 10), 0);
    assert_int_equal(variables_tracked(bytes_of_text("autocommit"), text, 12), 10);
    assert_int_equal(variables_tracked(bytes_of_text("autocommit,a"), text, 12), 0);
    assert_int_equal(variables_tracked(bytes_of_text("autocommit"), text, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_states_in_their_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_states_are_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_is_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_login_and_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_facts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ceilings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_import, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test(test_table_is_found),
        cmocka_unit_test(test_tracked_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
