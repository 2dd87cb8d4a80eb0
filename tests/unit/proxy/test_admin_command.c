/*
 * Short commands and rewriting: text in, text out. A row says what a statement becomes.
 */
#include "proxy/admin/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the ones above first. */
#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {
    [ORDER_SQL] = "sql",
    [ORDER_NOTHING] = "nothing",
    [ORDER_BEGIN] = "begin",
    [ORDER_COMMIT] = "commit",
    [ORDER_ROLLBACK] = "rollback",
    [ORDER_USE] = "use",
    [ORDER_DRAIN] = "drain",
    [ORDER_ENABLE] = "enable",
    [ORDER_KILL_SESSION] = "kill",
    [ORDER_KILL_QUERY] = "kill-query",
    [ORDER_PAUSE] = "pause",
    [ORDER_RESUME] = "resume",
    [ORDER_RESET_STATEMENTS] = "reset-statements",
    [ORDER_EXPLAIN_ROUTE] = "explain",
    [ORDER_TRACE] = "trace",
    [ORDER_TRACE_OFF] = "trace-off",
    [ORDER_DRIFT] = "drift",
    [ORDER_RELOAD] = "reload",
    [ORDER_RELOAD_DRY] = "reload-dry",
    [ORDER_SAVE] = "save",
    [ORDER_SHUTDOWN] = "shutdown",
    [ORDER_SHUTDOWN_NOW] = "shutdown-now",
    [ORDER_HELP] = "help",
};

static const struct {
    const char *text;
    const char *order; /* kind, "!" when it changes something, name, number, rest, SQL */
} orders[] = {
    {"SHOW SERVERS", "sql |SELECT * FROM servers"},
    {"show Servers like 'db_'", "sql |SELECT * FROM (SELECT * FROM servers) WHERE name LIKE 'db_'"},
    {"SHOW servers WHERE weight > 1",
     "sql |SELECT * FROM (SELECT * FROM servers) WHERE weight > 1"},
    {"/* c */ SHOW -- d\n DRIFT", "drift"},
    {"DRAIN SERVER db1", "drain! db1"},
    {"drain server `db``1`", "drain! db`1"},
    {"DRAIN SERVER 'db''1'", "drain! db'1"},
    {"DRAIN SERVER", "sql"},
    {"DRAIN SERVER a b", "sql"},
    {"DRAIN SERVER 'open", "sql"},
    {"ENABLE SERVER \"x\"", "enable! x"},
    {"KILL SESSION 12", "kill! 12"},
    {"KILL 12", "kill! 12"},
    {"KILL CONNECTION 12", "kill! 12"},
    {"KILL QUERY 12", "kill-query 12"},
    {"KILL 1x", "sql"},
    {"KILL -1", "sql"},
    {"PAUSE", "pause!"},
    {"PAUSE now", "sql"},
    {"RELOAD DRY RUN", "reload-dry"},
    {"RELOAD", "reload!"},
    {"RELOAD DRY", "sql"},
    {"SAVE", "save!"},
    {"SHUTDOWN", "shutdown!"},
    {"SHUTDOWN NOW", "shutdown-now!"},
    {"TRACE SESSION 5", "trace! 5"},
    {"TRACE SESSION 5 OFF", "trace-off! 5"},
    {"RESET STATEMENTS", "reset-statements!"},
    {"EXPLAIN ROUTE SELECT 1", "explain [SELECT 1]"},
    {"EXPLAIN ROUTE SELECT 1 FOR USER app", "explain app [SELECT 1 ]"},
    {"EXPLAIN ROUTE SELECT 1 FOR SESSION 7", "explain 7 [SELECT 1 ]"},
    {"EXPLAIN ROUTE SELECT 1 FOR UPDATE", "explain [SELECT 1 FOR UPDATE]"},
    {"EXPLAIN ROUTE SELECT 1 FOR UPDATE FOR USER 'a b'", "explain a b [SELECT 1 FOR UPDATE ]"},
    {"EXPLAIN ROUTE SELECT 'FOR USER x'", "explain [SELECT 'FOR USER x']"},
    {"EXPLAIN ROUTE SELECT 1 FOR USER a, b", "explain [SELECT 1 FOR USER a, b]"},
    {"EXPLAIN SELECT 1", "sql"},
    {"HELP", "help"},
    {"HELP drain", "help [drain]"},
    {"SET NAMES utf8", "nothing [NAMES utf8]"},
    {"/*!40101 SET NAMES utf8 */", "nothing [NAMES utf8 */]"},
    {"USE `tidemark`", "use tidemark"},
    {"BEGIN", "begin"},
    {"START TRANSACTION READ ONLY", "begin [READ ONLY]"},
    {"COMMIT WORK", "commit"},
    {"SHOW TABLES", "sql |SELECT TABLE_NAME AS \"Tables_in_tidemark\" FROM "
                    "information_schema.tables WHERE TABLE_SCHEMA = 'tidemark' COLLATE NOCASE"},
    {"SHOW TABLES FROM `a'b`", "sql |SELECT TABLE_NAME AS \"Tables_in_a'b\" FROM "
                               "information_schema.tables WHERE TABLE_SCHEMA = 'a''b' "
                               "COLLATE NOCASE"},
    {"SELECT 1", "sql"},
    {"", "sql"},
};

static void say(const struct order *order, char *text, size_t size)
{
    char number[32] = "";
    int at = snprintf(text, size, "%s%s", names[order->kind], order->changes ? "!" : "");

    if (order->kind != ORDER_SQL && order->name[0] != 0) {
        at += snprintf(text + at, size - (size_t)at, " %s", order->name);
    }
    if (order->number != 0) {
        snprintf(number, sizeof number, " %llu", (unsigned long long)order->number);
    }
    at += snprintf(text + at, size - (size_t)at, "%s", number);
    if (order->rest.size > 0) {
        at += snprintf(text + at, size - (size_t)at, " [%.*s]", (int)order->rest.size,
                       (const char *)order->rest.data);
    }
    if (order->sql != NULL) {
        snprintf(text + at, size - (size_t)at, " |%s", order->sql);
    }
}

static void orders_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct order order = order_read(bytes_of_text(orders[i].text));
        char text[1024];

        say(&order, text, sizeof text);
        assert_string_equal(text, orders[i].order);
        order_dispose(&order);
    }
}

static const struct {
    const char *text, *rewritten; /* NULL: stays */
} rewritings[] = {
    {"SELECT 1", NULL},
    {"SELECT @@version", "SELECT system_variable('@@version')"},
    {"SELECT @@session.a, @@b AS c",
     "SELECT system_variable('@@session.a'), system_variable('@@b') AS c"},
    {"SELECT @@`a`", "SELECT system_variable('@@`a`')"},
    {"SELECT @@`a'b`", NULL},
    {"SELECT '@@version', \"@@x\"", NULL},
    {"SELECT @@", NULL},
    {"SELECT a DIV 60 * 60", "SELECT a / 60 * 60"},
    {"SELECT f(a) div (2)", "SELECT f(a) / (2)"},
    {"SELECT div FROM t", NULL},
    {"SELECT a AS div FROM t", NULL},
    {"SELECT 1 FROM DUAL WHERE 1=0", "SELECT 1  WHERE 1=0"},
    {"SELECT dual FROM t", NULL},
    {"SELECT CONVERT(a, UNSIGNED INTEGER), CONVERT (f(b, 1), signed)",
     "SELECT CONVERT(a), CONVERT (f(b, 1))"},
    {"SELECT a, unsigned FROM t", NULL},
    {"SELECT a, @@b", "SELECT a, system_variable('@@b')"},
};

static void statements_are_rewritten(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rewritings); i++) {
        char *text = command_rewrite(bytes_of_text(rewritings[i].text));

        if (rewritings[i].rewritten == NULL) {
            assert_null(text);
        } else {
            assert_non_null(text);
            assert_string_equal(text, rewritings[i].rewritten);
        }
        sqlite3_free(text);
    }
}

static const struct {
    const char *text, *statements;
} texts[] = {
    {"", ""},
    {" ; ;; ", ""},
    {"-- nothing\n", ""},
    {"SELECT 1", "<SELECT 1>"},
    {" SELECT 1 ; ", "<SELECT 1>"},
    {"SELECT 1;SELECT 2;", "<SELECT 1><SELECT 2>"},
    {"SELECT ';' ; /* ; */ PAUSE", "<SELECT ';'></* ; */ PAUSE>"},
    {"SELECT 'a\\'; PAUSE", "<SELECT 'a\\'><PAUSE>"},
    {"SHOW SERVERS\\G", "<SHOW SERVERS>"},
    {"SHOW SERVERS \\g\n", "<SHOW SERVERS>"},
    {"SELECT 'open; PAUSE", "<SELECT 'open; PAUSE>"},
};

static void texts_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct bytes rest = bytes_of_text(texts[i].text);
        struct bytes statement;
        char seen[256] = "";

        while (command_cut(&rest, &statement)) {
            size_t size = strlen(seen);

            snprintf(seen + size, sizeof seen - size, "<%.*s>", (int)statement.size,
                     (const char *)statement.data);
        }
        assert_string_equal(seen, texts[i].statements);
    }
}

static const struct {
    const char *text, *meant; /* NULL: nothing */
} mistakes[] = {
    {"SELEC 1", "SELECT"},
    {"drian server x", "DRAIN"},
    {"SHOW SERVRES", "SHOW servers"},
    {"SHOW DIRFT", "SHOW DRIFT"},
    {"RELOAD DRU", "RELOAD DRY"},
    {"SELECT 1", NULL},
    {"SHOW SERVERS x", NULL},
    {"completely different", NULL},
    {"", NULL},
    {"'x'", NULL},
};

static void the_nearest_command_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        char meant[COMMAND_MEANT_BYTES];
        bool found = command_meant(bytes_of_text(mistakes[i].text), meant);

        assert_int_equal(found, mistakes[i].meant != NULL);
        if (found) {
            assert_string_equal(meant, mistakes[i].meant);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_read),
        cmocka_unit_test(statements_are_rewritten),
        cmocka_unit_test(texts_are_cut),
        cmocka_unit_test(the_nearest_command_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
