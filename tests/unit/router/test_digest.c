/* Digest texts as rows; equal texts have equal digests, and the classifier finds the same. */
#include "router/digest.h"

#include "router/classify.h"
#include "router/explain.h"

#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *sql, *text;
} rows[] = {
    {"select c from sbtest1 where id=123", "SELECT c FROM sbtest1 WHERE id = ?"},
    {"SELECT c FROM sbtest1 /* x */ WHERE id = -5 -- y", "SELECT c FROM sbtest1 WHERE id = ?"},
    {"SELECT c FROM sbtest1 WHERE id = ?;", "SELECT c FROM sbtest1 WHERE id = ?"},
    {"SELECT 'a' 'b', +1, - 2, a-1, a - b", "SELECT ?, ?, ?, a - ?, a - b"},
    {"SELECT * FROM t WHERE a IN (1,2, 'x')", "SELECT * FROM t WHERE a IN (...)"},
    {"SELECT * FROM t WHERE a IN (1)", "SELECT * FROM t WHERE a IN (?)"},
    {"SELECT * FROM t WHERE a IN (-1,+2)", "SELECT * FROM t WHERE a IN (...)"},
    {"SELECT * FROM t WHERE a IN (1,b)", "SELECT * FROM t WHERE a IN (?, b)"},
    {"INSERT INTO t (a,b) VALUES (1,2)", "INSERT INTO t(a, b) VALUES(...)"},
    {"insert into t(a, b) values (1,2),(3,4) , (5,6)", "INSERT INTO t(a, b) VALUES(...)"},
    {"INSERT INTO t VALUES (1),(2)", "INSERT INTO t VALUES(?)"},
    {"INSERT INTO t VALUES (1,2),(3,4),(5,now())", "INSERT INTO t VALUES(...), (?, NOW())"},
    {"SELECT COUNT(*), count(a), f(1)", "SELECT COUNT(*), COUNT(a), f(?)"},
    {"SELECT T.a FROM T", "SELECT T.a FROM T"},
    {"SELECT a>=1 AND b<=>2 OR c!=3", "SELECT a >= ? AND b <=> ? OR c != ?"},
    {"SELECT @a := 1, @@session.b", "SELECT @a := ?, @@session.b"},
    {"SELECT 1; SELECT 2", "SELECT ?; SELECT ?"},
    {"SELECT /*! SQL_NO_CACHE */ 1", "SELECT SQL_NO_CACHE ?"},
    {"CALL p()", "CALL p()"},
    {"(SELECT 1) UNION (SELECT 2)", "(SELECT ?) UNION (SELECT ?)"},
    {"SELECT ((1)), ((1,2),(3,4))", "SELECT ((?)), ((...))"},
    {"", ""},
};

static void test_texts(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    char text[200];
    size_t length;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t hash = digest_text(bytes_of_text(rows[i].sql), &mode, text, sizeof text, &length);

        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
        assert_int_equal(hash, digest(bytes_of_text(rows[i].sql), &mode));
    }
}

/* Within the rows: the same digest exactly where the text is the same. */
static void test_equal_texts_have_equal_digests(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            uint64_t a = digest(bytes_of_text(rows[i].sql), &mode);
            uint64_t b = digest(bytes_of_text(rows[k].sql), &mode);

            assert_int_equal(a == b, strcmp(rows[i].text, rows[k].text) == 0);
        }
    }
}

static void check_same(const struct row *row, const struct lexer_mode *mode)
{
    struct statement statement;
    char text[1000];
    size_t length;

    classify(bytes_of_text(row->sql), false, mode, &statement);
    if (statement.digest != digest_text(bytes_of_text(row->sql), mode, text, sizeof text, &length))
        fail_msg("classify and digest differ: %s", row->sql);
    for (size_t size = 8; size < 40; size++) {
        assert_int_equal(digest_text(bytes_of_text(row->sql), mode, text, size, &length),
                         statement.digest);
        assert_true(length < size);
        assert_int_equal(text[length], 0);
    }
}

static void check_table(const struct rows *table)
{
    rows_each(table, check_same);
}

static void test_classify_finds_the_same(void **state)
{
    (void)state;
    rows_each_table(check_table);
}

static void test_cut(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    char text[16];
    size_t length;

    (void)state;
    digest_text(bytes_of_text("SELECT abcdefghijk"), &mode, text, sizeof text, &length);
    assert_string_equal(text, "SELECT abcde...");
    digest_text(bytes_of_text("SELECT abcd\xc3\xa9zzzz"), &mode, text, sizeof text, &length);
    assert_string_equal(text, "SELECT abcd...");
}

static void test_print(void **state)
{
    char text[DIGEST_HEX];

    (void)state;
    digest_print(UINT64_C(0x0123456789abcdef), text);
    assert_string_equal(text, "0123456789abcdef");
    digest_print(0, text);
    assert_string_equal(text, "0000000000000000");
}

static void test_explain(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    char text[512], expected[512], hex[DIGEST_HEX];

    (void)state;
    digest_print(digest(bytes_of_text("SELECT @a := 1"), &mode), hex);
    snprintf(expected, sizeof expected,
             "class: write\ndigest: %s\npins: user-variable\ntarget: primary\n"
             "why: assigns a user variable\n\n",
             hex);
    assert_int_equal(explain(bytes_of_text("SELECT @a := 1"), &mode, text, sizeof text),
                     strlen(expected));
    assert_string_equal(text, expected);
    explain(bytes_of_text("SELECT a FROM t"), &mode, text, sizeof text);
    assert_non_null(strstr(text, "class: read\n"));
    assert_non_null(strstr(text, "\npins: \ntarget: replica\n"));
    explain(bytes_of_text("SET NAMES utf8mb4"), &mode, text, sizeof text);
    assert_non_null(strstr(text, "class: session\n"));
    assert_non_null(strstr(text, "target: session\n"));
    assert_int_equal(explain(bytes_of_text("SELECT 1"), &mode, text, 10), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_equal_texts_have_equal_digests),
        cmocka_unit_test(test_classify_finds_the_same),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_explain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
