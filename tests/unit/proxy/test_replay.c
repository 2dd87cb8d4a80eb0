/*
 * Replay plans as rows: from, to, and the commands as text.
 */
#include "environment_fixture.h"

#include "proxy/client/replay.h"
#include "proxy/client/variables.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static char sql[REPLAY_SQL_CAPACITY];

/* "none", "impossible", or "[reset; ][init shop; ][SET ...]". */
static void print_plan(enum replay_kind kind, const struct replay *plan, char *text, size_t size)
{
    if (kind == REPLAY_NONE || kind == REPLAY_IMPOSSIBLE) {
        snprintf(text, size, "%s", kind == REPLAY_NONE ? "none" : "impossible");
        return;
    }
    snprintf(text, size, "%s%s%.*s%s%.*s", kind == REPLAY_RESET ? "reset; " : "",
             plan->init_db ? "init " : "", plan->init_db ? (int)plan->schema.size : 0,
             plan->schema.data ? (const char *)plan->schema.data : "", plan->init_db ? "; " : "",
             (int)plan->sql_size, plan->sql);
}

#define LOGIN "character_set_client=utf8mb4;character_set_results=utf8mb4;"
#define NAMES_LATIN1 "names=latin1;character_set_client=latin1;character_set_results=latin1"

static const struct {
    const char *from, *to, *plan; /* from "?": unknown */
} rows[] = {
    {"", "", "none"},
    {"schema=a", "schema=a", "none"},
    {"schema=a", "schema=b", "init b; "},
    {"", "schema=b", "init b; "},
    {"schema=a", "", "impossible"},
    {"?", "", "impossible"},
    {"?", "schema=a", "reset; init a; "},
    {"?", "schema=a;autocommit=OFF", "reset; init a; SET autocommit=OFF"},

    /* kinds */
    {"", "autocommit=ON", "SET autocommit=ON"},
    {"", "autocommit=1", "SET autocommit=_utf8mb4'1'"},
    {"", "wait_timeout=60", "SET wait_timeout=60"},
    {"", "optimizer_trace_offset=-1", "SET optimizer_trace_offset=-1"},
    {"", "long_query_time=1.500000", "SET long_query_time=1.500000"},
    {"", "wait_timeout=1 OR 1", "SET wait_timeout=_utf8mb4'1 OR 1'"},
    {"", "wait_timeout=", "SET wait_timeout=_utf8mb4''"},
    {"", "wait_timeout=1-1", "SET wait_timeout=_utf8mb4'1-1'"},
    {"", "time_zone=+02:00", "SET time_zone=_utf8mb4'+02:00'"},
    {"", "time_zone=it's", "SET time_zone=_utf8mb4'it''s'"},
    {"", "sql_mode=", "SET sql_mode=_utf8mb4''"},
    {"", "innodb_tmpdir=C:\\tmp", "SET innodb_tmpdir=_utf8mb4 X'433A5C746D70'"},
    {"", "innodb_tmpdir=/\xc3\xbc", "SET innodb_tmpdir=_utf8mb4 X'2FC3BC'"},
    {"", "innodb_tmpdir=", "SET innodb_tmpdir=NULL"},
    {"", "character_set_results=", "SET character_set_results=NULL"},

    /* only what differs; character sets last */
    {"autocommit=OFF;time_zone=UTC", "autocommit=OFF;time_zone=SYSTEM",
     "SET time_zone=_utf8mb4'SYSTEM'"},
    {"", LOGIN "collation_connection=utf8mb4_bin;wait_timeout=5",
     "SET wait_timeout=5,character_set_client=_utf8mb4'utf8mb4',"
     "character_set_results=_utf8mb4'utf8mb4',collation_connection=_utf8mb4'utf8mb4_bin'"},

    /* user variables: those that differ; one too many takes a reset */
    {"", "user_variables=a 1\nb _latin1'x' COLLATE latin1_bin\n",
     "SET @`a`=1,@`b`=_latin1'x' COLLATE latin1_bin"},
    {"user_variables=a 1\nb 2\n", "user_variables=a 1\nb 3\nc 4\n", "SET @`b`=3,@`c`=4"},
    {"user_variables=a 1\nb 2\n", "user_variables=a 1\n", "reset; SET @`a`=1"},
    {"user_variables=a 1\n", "wait_timeout=5", "reset; SET wait_timeout=5"},
    {"user_variables=a 1\n", "user_variables=a 1\n;wait_timeout=5", "SET wait_timeout=5"},
    {"", "wait_timeout=5;user_variables=a 1\n", "SET wait_timeout=5,@`a`=1"},

    /* nothing takes a variable back but a reset */
    {"autocommit=OFF", "", "reset; "},
    {"schema=a;autocommit=OFF", "schema=a", "reset; "},
    {"schema=a;autocommit=OFF", "schema=b;time_zone=UTC",
     "reset; init b; SET time_zone=_utf8mb4'UTC'"},
    {"autocommit=OFF;time_zone=UTC", "time_zone=UTC", "reset; SET time_zone=_utf8mb4'UTC'"},

    /* groups: another of the group takes its place */
    {LOGIN "collation_connection=utf8mb4_bin", LOGIN "character_set_connection=utf8mb4",
     "SET character_set_connection=_utf8mb4'utf8mb4'"},
    {"default_storage_engine=MyISAM", "storage_engine=InnoDB",
     "SET storage_engine=_utf8mb4'InnoDB'"},

    /* NAMES sets three, so the other two follow it */
    {LOGIN "collation_connection=utf8mb4_bin", NAMES_LATIN1,
     "SET NAMES 'latin1',character_set_client=_utf8mb4'latin1',"
     "character_set_results=_utf8mb4'latin1'"},
    {LOGIN "collation_connection=utf8mb4_bin", "names=latin1;" LOGIN "character_set_results=",
     "SET NAMES 'latin1',character_set_client=_utf8mb4'utf8mb4',character_set_results=NULL"},
    {NAMES_LATIN1, NAMES_LATIN1 ";character_set_results=", "SET character_set_results=NULL"},
    {"", "names=latin1", "SET character_set_connection=_utf8mb4'latin1'"},
    {"", "names=a\\b;" LOGIN "wait_timeout=1", "impossible"},

    /* one that sets another along */
    {"", "max_join_size=9;sql_big_selects=ON", "SET max_join_size=9,sql_big_selects=ON"},
    {"max_join_size=9;sql_big_selects=ON", "max_join_size=9", "SET max_join_size=9"},
    {"sql_big_selects=ON", "max_join_size=9;sql_big_selects=ON",
     "SET max_join_size=9,sql_big_selects=ON"},
    {"max_join_size=9;sql_big_selects=ON", "max_join_size=9;sql_big_selects=OFF",
     "SET sql_big_selects=OFF"},
    {"max_join_size=9;sql_big_selects=ON", "sql_big_selects=ON", "reset; SET sql_big_selects=ON"},

    /* a schema that the connection's character set cannot spell */
    {"character_set_client=latin1", "schema=\xc3\xa9;character_set_client=utf8mb4", "impossible"},
    {"character_set_client=utf8mb3", "schema=\xc3\xa9;character_set_client=utf8mb3",
     "init \xc3\xa9; "},
};

static void test_rows(void **state)
{
    struct environment_store *store = environment_store_new();
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool unknown = strcmp(rows[i].from, "?") == 0;
        const struct environment *from =
            unknown ? NULL : environment_from_text(store, rows[i].from);
        const struct environment *to = environment_from_text(store, rows[i].to);
        struct replay plan = {.sql = sql, .capacity = sizeof sql};

        print_plan(replay_plan(from, to, &plan), &plan, text, sizeof text);
        if (strcmp(text, rows[i].plan) != 0)
            fail_msg("%s -> %s\n  got  %s\n  want %s", rows[i].from, rows[i].to, text,
                     rows[i].plan);
        environment_unref(from);
        environment_unref(to);
    }
    environment_store_free(store);
}

/* Each capacity that is too small is refused, and nothing is written beyond it. */
static void test_capacity(void **state)
{
    static const char want[] = "SET time_zone=_utf8mb4'it''s',wait_timeout=60";
    struct environment_store *store = environment_store_new();
    const struct environment *from = environment_blank(store);
    const struct environment *to = environment_from_text(store, "time_zone=it's;wait_timeout=60");
    char small[sizeof want];

    (void)state;
    for (size_t capacity = 0; capacity < sizeof small; capacity++) {
        struct replay plan = {.sql = small, .capacity = capacity};
        enum replay_kind kind;

        memset(small, '~', sizeof small);
        kind = replay_plan(from, to, &plan);
        assert_int_equal(kind, capacity < sizeof want - 1 ? REPLAY_IMPOSSIBLE : REPLAY_STATE);
        if (kind == REPLAY_STATE)
            assert_memory_equal(small, want, sizeof want - 1);
        for (size_t i = capacity; i < sizeof small; i++)
            assert_int_equal(small[i], '~');
    }
    environment_unref(from);
    environment_unref(to);
    environment_store_free(store);
}

/* The same answer for equal states of two stores, where pointers differ. */
static void test_two_stores(void **state)
{
    struct environment_store *one = environment_store_new(), *two = environment_store_new();
    const struct environment *from = environment_from_text(one, "schema=a;autocommit=OFF");
    const struct environment *to = environment_from_text(two, "schema=a;autocommit=OFF");
    struct replay plan = {.sql = sql, .capacity = sizeof sql};

    (void)state;
    assert_int_equal(replay_plan(from, to, &plan), REPLAY_NONE);
    environment_unref(from);
    environment_unref(to);
    environment_store_free(one);
    environment_store_free(two);
}

static void test_last_insert_id(void **state)
{
    char text[128] = "SET autocommit=OFF";
    struct replay plan = {.sql = text, .capacity = sizeof text, .sql_size = strlen(text)};

    (void)state;
    assert_true(replay_add_last_insert_id(&plan, UINT64_MAX));
    text[plan.sql_size] = 0;
    assert_string_equal(text, "SET autocommit=OFF,last_insert_id=18446744073709551615");
    plan.sql_size = 0;
    assert_true(replay_add_last_insert_id(&plan, 7));
    text[plan.sql_size] = 0;
    assert_string_equal(text, "SET last_insert_id=7");
    plan.capacity = plan.sql_size + 5;
    assert_false(replay_add_last_insert_id(&plan, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_two_stores),
        cmocka_unit_test(test_last_insert_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
