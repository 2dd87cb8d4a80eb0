/* Every row gives the class and pins that it says; no cut of it is ever taken for a read. */
#include "router/classify.h"

#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static unsigned wrong, checked;

static void print_statement(const struct statement *statement, char *text, size_t size)
{
    char pins[256];

    pins_print(statement->pins, pins, sizeof pins);
    snprintf(text, size, "%s%s%s", statement_class_name(statement->class), pins[0] ? " " : "",
             pins);
}

static void check_row(const struct row *row, const struct lexer_mode *mode)
{
    struct statement statement;
    char text[512];

    classify(bytes_of_text(row->sql), false, mode, &statement);
    print_statement(&statement, text, sizeof text);
    checked++;
    if (strcmp(text, row->expected) != 0) {
        wrong++;
        print_error("[%s] %s\n    is:        %s (%s)\n    should be: %s\n", row->mode, row->sql,
                    text, statement.why, row->expected);
    }
    if (statement.class == STATEMENT_READ && statement.may_change)
        fail_msg("a read that may change data: %s", row->sql);
}

static void check_rows(const struct rows *rows)
{
    rows_each(rows, check_row);
}

static void test_rows(void **state)
{
    (void)state;
    rows_each_table(check_rows);
    assert_int_equal(wrong, 0);
    assert_true(checked >= 400);
}

/* A copy of exact size, so that the sanitizer sees any byte read beyond it. */
static void check_cuts(const struct row *row, const struct lexer_mode *mode)
{
    size_t size = strlen(row->sql);

    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        struct statement statement;

        memcpy(copy, row->sql, cut);
        classify(bytes_of(copy, cut), true, mode, &statement);
        assert_int_not_equal(statement.class, STATEMENT_READ);
        assert_true(statement.pins & PIN_UNKNOWN);
        classify(bytes_of(copy, cut), false, mode, &statement);
        assert_true(statement.table_count <= STATEMENT_TABLES);
        if (statement.connection_id_size)
            assert_true(statement.connection_id_offset + statement.connection_id_size <= cut);
        free(copy);
    }
}

static void check_all_cuts(const struct rows *rows)
{
    rows_each(rows, check_cuts);
}

static void test_no_prefix_is_a_read(void **state)
{
    (void)state;
    rows_each_table(check_all_cuts);
}

static struct statement classified(const char *sql)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct statement statement;

    classify(bytes_of_text(sql), false, &mode, &statement);
    return statement;
}

static struct statement classified_mariadb(const char *sql)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    struct statement statement;

    classify(bytes_of_text(sql), false, &mode, &statement);
    return statement;
}

#define assert_bytes(b, text)                                                                      \
    assert_true(bytes_equal_text((b), (text)) ||                                                   \
                (print_error("is '%.*s'\n", (int)(b).size, (const char *)(b).data), false))

/* "schema.name name" */
static void print_tables(const struct statement *statement, char *text, size_t size)
{
    size_t length = 0;

    text[0] = 0;
    for (unsigned i = 0; i < statement->table_count; i++) {
        char schema[80], name[80];

        name_unquote(statement->tables[i].schema, schema, sizeof schema);
        name_unquote(statement->tables[i].name, name, sizeof name);
        length += (size_t)snprintf(text + length, size - length, "%s%s%s%s", i ? " " : "", schema,
                                   schema[0] ? "." : "", name);
    }
}

static void test_tables(void **state)
{
    static const struct {
        const char *sql, *tables;
    } rows[] = {
        {"SELECT 1", ""},
        {"SELECT a FROM t", "t"},
        {"SELECT a FROM db.t x, `u` AS y", "db.t u"},
        {"SELECT a FROM t JOIN (u, v) ON 1 LEFT JOIN w USING (a, b) WHERE a IN (1, 2)", "t u v w"},
        {"SELECT a, b FROM t ORDER BY c, d", "t"},
        {"SELECT a FROM t USE INDEX FOR ORDER BY (i), u GROUP BY e, f", "t u"},
        {"SELECT a FROM (SELECT b FROM u WHERE c = (SELECT MAX(d) FROM v)) x, w", "u v w"},
        {"SELECT EXTRACT(YEAR FROM a), TRIM('x' FROM b) FROM t", "t"},
        {"WITH c AS (SELECT 1 FROM t) SELECT * FROM c, u", "t u"},
        {"WITH t AS (SELECT 1 FROM t) SELECT * FROM t, T", "t T"},
        {"WITH c (a) AS (SELECT 1 FROM c), d AS (SELECT a FROM c) SELECT * FROM d, c", "c"},
        {"WITH RECURSIVE c (a) AS (SELECT 1 UNION SELECT a FROM c) SELECT * FROM c", ""},
        {"WITH c AS (SELECT 1 FROM t) SELECT * FROM c.u, c", "t c.u c"},
        {"SELECT * FROM (WITH c AS (SELECT 1 FROM t) SELECT * FROM c) x", "t c"},
        {"SELECT a FROM t UNION SELECT b FROM u, v", "t u v"},
        {"TABLE db.t", "db.t"},
        {"SELECT 1 FROM dual", ""},
        {"SELECT * FROM t, JSON_TABLE(t.a, '$' COLUMNS (b INT PATH '$')) j, u", "t u"},
        {"SELECT * FROM t STRAIGHT_JOIN u", "t u"},
        {"SELECT STRAIGHT_JOIN a FROM t", "t"},
        {"DESC db.t", "db.t"},
        {"SHOW CREATE TABLE t", "t"},
        {"SHOW COLUMNS FROM t FROM db", "db.t"},
        {"EXPLAIN SELECT * FROM t", "t"},
        {"INSERT INTO db.t (a) SELECT b FROM u", "db.t u"},
        {"UPDATE t, u SET t.a = 1, u.b = 2 WHERE c = 3", "t u"},
        {"DELETE FROM t WHERE a = 1", "t"},
        {"DELETE FROM t USING t JOIN u USING (a)", "t t u a"},
        {"REPLACE t VALUES (1)", "t"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct statement statement = classified(rows[i].sql);
        char text[512];

        print_tables(&statement, text, sizeof text);
        if (strcmp(text, rows[i].tables) != 0)
            print_error("%s\n", rows[i].sql);
        assert_string_equal(text, rows[i].tables);
    }
}

static void test_many_tables(void **state)
{
    struct statement statement = classified("SELECT 1 FROM a, b, c, d, e, f, g, h, i, j, k, l, m, "
                                            "n, o, p");

    (void)state;
    assert_int_equal(statement.table_count, 16);
    assert_false(statement.table_overflow);
    statement = classified("SELECT 1 FROM a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, z.q");
    assert_true(statement.table_overflow);
    assert_bytes(statement.tables[15].name, "p");
    assert_int_equal(statement.class, STATEMENT_READ);
}

static void test_set(void **state)
{
    struct statement statement = classified("SET NAMES 'utf8mb4' COLLATE utf8mb4_bin");

    (void)state;
    assert_int_equal(statement.set.kinds, SET_NAMES);
    assert_bytes(statement.set.charset, "utf8mb4");
    assert_bytes(statement.set.collation, "utf8mb4_bin");
    statement = classified("SET NAMES DEFAULT");
    assert_int_equal(statement.set.kinds, SET_NAMES);
    assert_int_equal(statement.set.charset.size, 0);
    statement = classified("SET CHARACTER SET latin1");
    assert_int_equal(statement.set.kinds, SET_CHARACTER_SET);
    assert_bytes(statement.set.charset, "latin1");
    statement = classified("SET @@session.`sql_mode` = 'ANSI' /* x */, autocommit=0");
    assert_int_equal(statement.set.kinds, SET_SYSTEM | SET_AUTOCOMMIT);
    assert_true(statement.may_change);
    assert_int_equal(statement.set.count, 2);
    assert_bytes(statement.set.assignments[0].name, "sql_mode");
    assert_bytes(statement.set.assignments[0].value, "'ANSI'");
    assert_bytes(statement.set.assignments[1].name, "autocommit");
    assert_bytes(statement.set.assignments[1].value, "0");
    statement =
        classified("SET session_track_schema = OFF, SESSION session_track_gtids='OWN_GTID'");
    assert_int_equal(statement.set.kinds, SET_TRACKER | SET_SYSTEM);
    assert_int_equal(statement.uses, 0);
    assert_int_equal(statement.pins, 0);
    assert_bytes(statement.set.assignments[1].value, "'OWN_GTID'");
    statement = classified("SET session_track_schema = OFF, sql_mode = ''");
    assert_int_equal(statement.set.kinds, SET_TRACKER | SET_SYSTEM);
    statement = classified("SET x = 1 + 1");
    assert_int_equal(statement.set.kinds, SET_SYSTEM | SET_EXPRESSION);
    statement = classified("SET SESSION TRANSACTION READ ONLY");
    assert_int_equal(statement.set.kinds, SET_TRANSACTION_SESSION);
    statement = classified("SET GLOBAL a = 1");
    assert_int_equal(statement.set.kinds, SET_GLOBAL);
    statement = classified("SELECT 1");
    assert_int_equal(statement.set.kinds, 0);
    statement = classified_mariadb("SET STATEMENT max_statement_time=1 FOR SELECT 1");
    assert_int_equal(statement.set.kinds, SET_SYSTEM | SET_STATEMENT);
    statement = classified("SET a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9");
    assert_int_equal(statement.set.count, 9);
}

static void test_tracking_names(void **state)
{
    static const struct {
        const char *sql;
        bool reads;
    } rows[] = {
        {"SELECT @@session_track_schema", true},
        {"SELECT @@session.session_track_state_change", true},
        {"SELECT @@session_track_gtids", false}, /* the connection has the session's own */
        {"SET @a = @@session_track_schema", true},
        {"SET session_track_schema = 1", false},
        {"SHOW VARIABLES", true},
        {"SHOW SESSION VARIABLES", true},
        {"SHOW LOCAL VARIABLES WHERE Variable_name = 'x'", true},
        {"SHOW VARIABLES LIKE 'session%'", true},
        {"SHOW VARIABLES LIKE 'sess_on\\_track%'", true},
        {"SHOW VARIABLES LIKE '%'", true},
        {"SHOW VARIABLES LIKE 'sql_mode'", false},
        {"SHOW VARIABLES LIKE 'auto%'", false},
        {"SHOW GLOBAL VARIABLES", false},
        {"SHOW STATUS", false},
        {"SHOW SESSION STATUS", false},
        {"SELECT * FROM performance_schema.session_variables", true},
        {"SELECT * FROM information_schema.SYSTEM_VARIABLES", true},
        {"SELECT * FROM performance_schema.global_variables", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct statement statement = classified(rows[i].sql);

        if (((statement.uses & USE_TRACKER_NAME) != 0) != rows[i].reads)
            fail_msg("%s: %s", rows[i].sql, rows[i].reads ? "reads them" : "does not");
    }
}

static void test_kill(void **state)
{
    struct statement statement = classified("KILL 18446744");

    (void)state;
    assert_int_equal(statement.kill.kind, KILL_CONNECTION);
    assert_true(statement.kill.literal);
    assert_int_equal(statement.kill.id, 18446744);
    statement = classified("KILL QUERY 7");
    assert_int_equal(statement.kill.kind, KILL_QUERY);
    assert_int_equal(statement.kill.id, 7);
    statement = classified("KILL 5 + 1");
    assert_false(statement.kill.literal);
    assert_int_equal(statement.kill.id, 0);
    statement = classified("KILL CONNECTION_ID()");
    assert_false(statement.kill.literal);
    assert_int_equal(statement.uses & USE_CONNECTION_ID, USE_CONNECTION_ID);
    statement = classified("KILL 99999999999999999999");
    assert_false(statement.kill.literal);
    statement = classified_mariadb("KILL SOFT QUERY ID 9");
    assert_int_equal(statement.kill.kind, KILL_QUERY_ID);
    assert_true(statement.kill.soft);
    statement = classified_mariadb("KILL USER u");
    assert_int_equal(statement.kill.kind, KILL_USER);
    statement = classified("SELECT 1");
    assert_int_equal(statement.kill.kind, KILL_NONE);
}

static void test_connection_id(void **state)
{
    struct statement statement = classified("SELECT CONNECTION_ID ( ) + 1, 'CONNECTION_ID()'");

    (void)state;
    assert_int_equal(statement.connection_id_calls, 1);
    assert_int_equal(statement.connection_id_offset, 7);
    assert_int_equal(statement.connection_id_size, 17);
    statement = classified("SELECT connection_id(), connection_id()");
    assert_int_equal(statement.connection_id_calls, 2);
    assert_int_equal(statement.connection_id_size, 15);
}

static void test_transaction(void **state)
{
    static const struct {
        const char *sql;
        enum transaction_step step;
        bool chains, releases, snapshot;
        unsigned ends;
    } rows[] = {
        {"SELECT 1", TRANSACTION_NONE, false, false, false, 0},
        {"BEGIN", TRANSACTION_BEGIN, false, false, false, 0},
        {"START TRANSACTION", TRANSACTION_BEGIN, false, false, false, 0},
        {"START TRANSACTION READ ONLY", TRANSACTION_BEGIN_READ_ONLY, false, false, false, 0},
        {"START TRANSACTION READ WRITE", TRANSACTION_BEGIN_READ_WRITE, false, false, false, 0},
        {"START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT", TRANSACTION_BEGIN_READ_ONLY,
         false, false, true, 0},
        {"COMMIT", TRANSACTION_COMMIT, false, false, false, PIN_TRANSACTION},
        {"COMMIT AND CHAIN", TRANSACTION_COMMIT, true, false, false, 0},
        {"COMMIT RELEASE", TRANSACTION_COMMIT, false, true, false, PIN_TRANSACTION},
        {"COMMIT AND NO CHAIN NO RELEASE", TRANSACTION_COMMIT, false, false, false,
         PIN_TRANSACTION},
        {"ROLLBACK", TRANSACTION_ROLLBACK, false, false, false, PIN_TRANSACTION},
        {"ROLLBACK TO SAVEPOINT a", TRANSACTION_ROLLBACK_TO, false, false, false, 0},
        {"SAVEPOINT a", TRANSACTION_SAVEPOINT, false, false, false, 0},
        {"RELEASE SAVEPOINT a", TRANSACTION_RELEASE_SAVEPOINT, false, false, false, 0},
        {"XA START 'a'", TRANSACTION_XA, false, false, false, 0},
        {"XA COMMIT 'a'", TRANSACTION_XA, false, false, false, PIN_XA},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct statement statement = classified(rows[i].sql);

        assert_int_equal(statement.transaction, rows[i].step);
        assert_int_equal(statement.chains, rows[i].chains);
        assert_int_equal(statement.releases, rows[i].releases);
        assert_int_equal(statement.consistent_snapshot, rows[i].snapshot);
        assert_int_equal(statement.ends_pins, rows[i].ends);
    }
}

/* "schema.name name" */
static void assert_objects(const struct statement *statement, const char *expected)
{
    char text[256];
    size_t size = 0;

    text[0] = 0;
    for (unsigned i = 0; i < statement->object_count; i++) {
        const struct table_name *object = &statement->objects[i];

        size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s%s%.*s", i ? " " : "",
                                 (int)object->schema.size, (const char *)object->schema.data,
                                 object->schema.size ? "." : "", (int)object->name.size,
                                 (const char *)object->name.data);
    }
    assert_string_equal(text, expected);
}

/* A lock is named only where the function certainly runs once. */
static void test_locks(void **state)
{
    static const struct {
        const char *sql, *object;
        unsigned lessens;
    } rows[] = {
        {"SELECT GET_LOCK('a', 1)", "'a'", 0},
        {"DO GET_LOCK('a', 1)", "'a'", 0},
        {"SELECT GET_LOCK('a', 1) FROM t", "", 0},
        {"INSERT INTO t SELECT GET_LOCK('a', 1) FROM t", "", 0},
        {"SELECT GET_LOCK(?, 1)", "", 0},
        {"SELECT GET_LOCK(CONCAT('a', b), 1)", "", 0},
        {"SELECT GET_LOCK('a' 'b', 1)", "", 0},
        {"SELECT GET_LOCK('a', 1), GET_LOCK('b', 1)", "", 0},
        {"SELECT IF(1, GET_LOCK('a', 1), 0)", "", 0},
        {"SELECT RELEASE_LOCK('a')", "'a'", PIN_GET_LOCK},
        {"DO RELEASE_LOCK('a')", "'a'", PIN_GET_LOCK},
        {"SELECT RELEASE_LOCK('a') LIMIT 0", "", 0},
        {"SELECT 0 AND RELEASE_LOCK('a')", "", 0},
        {"SELECT RELEASE_LOCK('a'), RELEASE_LOCK('b')", "", 0},
        {"SELECT RELEASE_LOCK('a') FETCH FIRST 0 ROWS ONLY", "", 0},
        {"SELECT RELEASE_LOCK('a') OFFSET 1 ROWS", "", 0},
        {"SELECT /*+ SET_VAR(sql_select_limit=0) */ RELEASE_LOCK('a')", "", 0},
        {"SELECT\n RELEASE_LOCK('a')", "'a'", PIN_GET_LOCK},
        {"INSERT INTO t SELECT RELEASE_LOCK('a')", "'a'", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct statement statement = classified(rows[i].sql);

        assert_objects(&statement, rows[i].object);
        assert_int_equal(statement.lessens, rows[i].lessens);
    }
    assert_int_equal(classified("EXPLAIN SELECT RELEASE_LOCK('a')").lessens, 0);
    assert_int_equal(classified("CREATE TABLE IF NOT EXISTS t AS SELECT RELEASE_LOCK('a')").lessens,
                     0);
    assert_int_equal(
        classified_mariadb("SET STATEMENT sql_select_limit=0 FOR SELECT RELEASE_LOCK('a')").lessens,
        0);
    assert_int_equal(classified("HANDLER t READ FIRST WHERE a = close").lessens, 0);
    assert_int_equal(classified("HANDLER t OPEN AS close").pins, PIN_HANDLER);
    assert_int_equal(classified("HANDLER t CLOSE").lessens, PIN_HANDLER);
}

static void test_what_ends(void **state)
{
    struct statement statement = classified("DROP TEMPORARY TABLE a, b");

    (void)state;
    assert_int_equal(statement.lessens, PIN_TEMPORARY_TABLE);
    assert_objects(&statement, "a b");
    statement = classified("DROP TEMPORARY TABLE IF EXISTS s.`a`");
    assert_objects(&statement, "s.`a`");
    statement = classified("DROP TABLE IF EXISTS a, s.b CASCADE");
    assert_int_equal(statement.lessens, PIN_TEMPORARY_TABLE);
    assert_objects(&statement, "a s.b");
    statement = classified("CREATE TEMPORARY TABLE IF NOT EXISTS s.a (x INT)");
    assert_objects(&statement, "s.a");
    statement = classified("CREATE TEMPORARY TABLE a SELECT 1");
    assert_objects(&statement, "a");
    assert_int_equal(classified("CREATE TABLE a (x INT)").object_count, 0);
    assert_true(classified("ALTER TABLE a RENAME b").renames);
    assert_true(classified("RENAME TABLE a TO b").renames);
    statement = classified("DEALLOCATE PREPARE s");
    assert_int_equal(statement.lessens, PIN_PREPARE);
    assert_objects(&statement, "s");
    statement = classified("DROP PREPARE s");
    assert_int_equal(statement.lessens, PIN_PREPARE);
    assert_objects(&statement, "s");
    statement = classified("PREPARE s FROM 'SELECT 1'");
    assert_objects(&statement, "s");
    statement = classified("HANDLER s.t OPEN AS h");
    assert_objects(&statement, "h");
    statement = classified("HANDLER s.t OPEN h");
    assert_objects(&statement, "h");
    statement = classified("HANDLER s.t OPEN");
    assert_objects(&statement, "t");
    statement = classified("HANDLER h READ FIRST WHERE s.a = b");
    assert_objects(&statement, "h");
    statement = classified("HANDLER h CLOSE");
    assert_int_equal(statement.lessens, PIN_HANDLER);
    assert_objects(&statement, "h");
    statement = classified("UNLOCK TABLES");
    assert_int_equal(statement.ends_pins, PIN_LOCK_TABLES);
    statement = classified("SELECT RELEASE_ALL_LOCKS()");
    assert_int_equal(statement.ends_pins, PIN_GET_LOCK);
    statement = classified("SELECT RELEASE_ALL_LOCKS() FROM t");
    assert_int_equal(statement.ends_pins, 0);
    statement = classified("SELECT IF(0, RELEASE_ALL_LOCKS(), 1)");
    assert_int_equal(statement.ends_pins, 0);
    statement = classified("UNLOCK TABLES; SELECT 1");
    assert_int_equal(statement.ends_pins, 0);
    assert_true(statement.is_multi);
}

static void test_uses(void **state)
{
    (void)state;
    assert_int_equal(classified("SELECT LAST_INSERT_ID()").uses, USE_LAST_INSERT_ID);
    assert_int_equal(classified("SELECT @@identity").uses & USE_LAST_INSERT_ID, USE_LAST_INSERT_ID);
    assert_int_equal(classified("SELECT @@session.last_insert_id").uses & USE_LAST_INSERT_ID,
                     USE_LAST_INSERT_ID);
    assert_int_equal(classified("SELECT FOUND_ROWS()").uses, USE_FOUND_ROWS);
    assert_int_equal(classified("SELECT ROW_COUNT()").uses, USE_ROW_COUNT);
    assert_int_equal(classified("SHOW WARNINGS").uses, USE_WARNINGS);
    assert_int_equal(classified("SELECT @@warning_count").uses & USE_WARNINGS, USE_WARNINGS);
    assert_int_equal(classified("GET DIAGNOSTICS @a = NUMBER").uses & USE_WARNINGS, USE_WARNINGS);
    assert_int_equal(classified("SELECT @a").uses, USE_USER_VARIABLE);
    assert_int_equal(classified("EXECUTE s").uses, USE_PREPARED);
    assert_int_equal(classified("SET session_track_schema = 1").uses, 0);
    assert_int_equal(classified("SELECT '@a', `@b`").uses, 0);
}

static void test_renews_logins(void **state)
{
    static const char *const yes[] = {
        "GRANT SELECT ON *.* TO u",
        "revoke r from u",
        "CREATE USER u",
        "CREATE OR REPLACE ROLE r",
        "ALTER USER u IDENTIFIED BY 'x'",
        "DROP USER IF EXISTS u",
        "DROP ROLE r",
        "RENAME USER a TO b",
        "SET PASSWORD = 'x'",
        "SET DEFAULT ROLE r TO u",
        "SET GLOBAL sort_buffer_size = 1",
        "SET @@global.sql_mode = '', @@session.sql_mode = ''",
        "SET PERSIST sql_mode = ''",
        "FLUSH PRIVILEGES",
        "SELECT 1; GRANT ALL ON *.* TO u; SELECT 2",
    };
    static const char *const no[] = {
        "SELECT user FROM mysql.user",
        "CREATE TABLE user (a INT)",
        "DROP TABLE role",
        "ALTER TABLE user ADD b INT",
        "SET sort_buffer_size = 1",
        "FLUSH TABLES",
        "SET ROLE r",
        "CREATE VIEW role AS SELECT 1",
        "RENAME TABLE user TO role",
        "SHOW GRANTS",
    };

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!classified(yes[i]).renews_logins)
            fail_msg("renews logins: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (classified(no[i]).renews_logins)
            fail_msg("does not renew logins: %s", no[i]);
}

static void test_small_facts(void **state)
{
    (void)state;
    assert_bytes(classified("USE `my db`").use_schema, "my db");
    assert_bytes(classified("USE db;").use_schema, "db");
    assert_true(classified("LOAD DATA LOCAL INFILE 'x' INTO TABLE t").is_local_infile);
    assert_false(classified("LOAD DATA INFILE 'x' INTO TABLE t").is_local_infile);
    assert_true(classified("CREATE OR REPLACE DATABASE d").changes_schemas);
    assert_true(classified("SELECT 1; DROP SCHEMA d").changes_schemas);
    assert_true(classified("ALTER DATABASE CHARACTER SET latin1").changes_schemas);
    assert_false(classified("CREATE TABLE d.t (a INT)").changes_schemas);
    assert_true(classified("  -- x").is_empty);
    assert_false(classified("SELECT 1").is_empty);
    assert_false(classified("SELECT 1;").is_multi);
    assert_true(classified("SELECT 1;SELECT 2").is_multi);
    assert_true(classified("SELECT * FROM t FOR UPDATE").is_locking);
    assert_true(classified("SELECT 'open").is_uncertain);
    assert_false(classified("SHOW STATUS").may_change);
    assert_false(classified("SET sql_mode = ''").may_change);
    assert_true(classified("COMMIT").may_change);
    assert_false(classified("BEGIN").may_change);
}

static void test_unquote(void **state)
{
    char text[8];

    (void)state;
    assert_int_equal(name_unquote(bytes_of_text("`a``b`"), text, sizeof text), 3);
    assert_string_equal(text, "a`b");
    assert_int_equal(name_unquote(bytes_of_text("plain"), text, sizeof text), 5);
    assert_string_equal(text, "plain");
    assert_int_equal(name_unquote(bytes_of_text("\"x\""), text, sizeof text), 1);
    assert_int_equal(name_unquote(bytes_of_text("too-long-name"), text, sizeof text), sizeof text);
}

/* SELECT ((((1)))) */
static enum statement_class class_at_depth(size_t depth)
{
    char sql[600] = "SELECT ";
    size_t start = strlen(sql);

    memset(sql + start, '(', depth);
    sql[start + depth] = '1';
    memset(sql + start + depth + 1, ')', depth);
    sql[start + 2 * depth + 1] = 0;
    return classified(sql).class;
}

static void test_nesting(void **state)
{
    (void)state;
    assert_int_equal(class_at_depth(60), STATEMENT_READ);
    assert_int_equal(class_at_depth(200), STATEMENT_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_no_prefix_is_a_read),
        cmocka_unit_test(test_tables),        cmocka_unit_test(test_many_tables),
        cmocka_unit_test(test_set),           cmocka_unit_test(test_kill),
        cmocka_unit_test(test_connection_id), cmocka_unit_test(test_transaction),
        cmocka_unit_test(test_locks),         cmocka_unit_test(test_what_ends),
        cmocka_unit_test(test_uses),          cmocka_unit_test(test_small_facts),
        cmocka_unit_test(test_unquote),       cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_renews_logins), cmocka_unit_test(test_tracking_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
