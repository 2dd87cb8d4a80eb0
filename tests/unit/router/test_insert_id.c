/*
 * Whether the id that an INSERT's OK told was generated: statements, told ids, and what follows.
 */
#include "router/classify.h"
#include "router/insert_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { KEPT = INSERT_ID_KEPT, TOLD = INSERT_ID_TOLD, UNSURE = INSERT_ID_UNSURE };

/* What LAST_INSERT_ID() was before is 20. */
static const struct {
    const char *sql;
    uint64_t told;
    int after;
} rows[] = {
    {"INSERT INTO t (n) VALUES (1)", 1000, TOLD},
    {"INSERT INTO t (n) VALUES (1000)", 1000, UNSURE},
    {"INSERT INTO t VALUES (NULL, 'Ann', 36, 1.5, -7, TRUE, NOW(), DEFAULT)", 1000, TOLD},
    {"INSERT INTO t VALUES (NULL, 'Ann', 36, 1.5, -7, TRUE, NOW(), DEFAULT)", 36, UNSURE},
    {"INSERT INTO t VALUES (1, 2), (3, 4);", 5, TOLD},
    {"INSERT INTO t VALUES (1, 2), (3, 4);", 4, UNSURE},
    {"insert low_priority ignore into `a`.`t` (`x`, values_x) value (7, '8')", 9, TOLD},
    {"REPLACE INTO t SET a = 1, t.b = '2', `c` = NULL", 3, TOLD},
    {"REPLACE INTO t SET a = 1, t.b = '2', `c` = NULL", 2, UNSURE},
    {"INSERT INTO t () VALUES ()", 3, TOLD},
    {"INSERT INTO t VALUES (?, 3)", 4, TOLD}, /* parameters are another's business */

    /* What becomes of a value in a column of integers. */
    {"INSERT INTO t VALUES (6.4)", 6, UNSURE},
    {"INSERT INTO t VALUES (6.5)", 7, UNSURE},
    {"INSERT INTO t VALUES (6.5)", 8, TOLD},
    {"INSERT INTO t VALUES (.5)", 1, UNSURE},
    {"INSERT INTO t VALUES (6e2)", 5, UNSURE},
    {"INSERT INTO t VALUES (0x10)", 5, UNSURE},
    {"INSERT INTO t VALUES ('12 monkeys')", 12, UNSURE},
    {"INSERT INTO t VALUES (' \t+12.6')", 13, UNSURE},
    {"INSERT INTO t VALUES ('1e3')", 999, UNSURE},
    {"INSERT INTO t VALUES ('1\\2')", 999, UNSURE},
    {"INSERT INTO t VALUES ('\\12')", 999, UNSURE},
    {"INSERT INTO t VALUES ('monkeys 12')", 12, TOLD},
    {"INSERT INTO t VALUES ('2026-11-21')", 2026, UNSURE},
    {"INSERT INTO t VALUES ('2026-11-21')", 11, TOLD},
    {"INSERT INTO t VALUES (-5)", UINT64_MAX - 4, UNSURE},
    {"INSERT INTO t VALUES ('-5')", UINT64_MAX - 4, UNSURE},
    {"INSERT INTO t VALUES (-5)", 5, TOLD},
    {"INSERT INTO t VALUES (9999999999)", 2147483647, UNSURE},
    {"INSERT INTO t VALUES (300)", 255, UNSURE},
    {"INSERT INTO t VALUES (99999999999999999999999)", UINT64_MAX, UNSURE},
    {"INSERT INTO t VALUES (99999999999999999999999)", 77, TOLD},
    {"INSERT INTO t VALUES (TRUE)", 1, UNSURE},
    {"INSERT INTO t VALUES (CURRENT_TIMESTAMP)", 20261121000000, UNSURE},
    {"INSERT INTO t VALUES (NOW())", 20261121000000, UNSURE},

    /* More than plain values. */
    {"INSERT INTO t VALUES (1 + 1)", 900, UNSURE},
    {"INSERT INTO t VALUES ('1' '2')", 900, UNSURE},
    {"INSERT INTO t VALUES (_utf8mb4'1')", 900, UNSURE},
    {"INSERT INTO t VALUES (UUID())", 900, UNSURE},
    {"INSERT INTO t VALUES (@a)", 900, UNSURE},
    {"INSERT INTO t VALUES (a)", 900, UNSURE},
    {"INSERT INTO t VALUES ((1))", 900, UNSURE},
    {"INSERT INTO t VALUES (DEFAULT(a))", 900, UNSURE},
    {"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 2", 900, UNSURE},
    {"INSERT INTO t VALUES ROW(1)", 900, UNSURE},
    {"INSERT INTO t SELECT 1", 900, UNSURE},
    {"INSERT INTO t (SELECT 1)", 900, UNSURE},
    {"INSERT INTO t TABLE u", 900, UNSURE},
    {"INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x", 900, UNSURE},
    {"INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", 900, UNSURE},
    {"INSERT INTO t VALUES (/*!50000 900 */)", 900, UNSURE},
    {"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY) SELECT 1", 1, UNSURE},
    {"UPDATE t SET a = LAST_INSERT_ID(5)", 5, UNSURE},

    /* LAST_INSERT_ID() itself. */
    {"INSERT INTO t (parent) VALUES (LAST_INSERT_ID())", 900, TOLD},
    {"INSERT INTO t (parent) VALUES (LAST_INSERT_ID())", 20, UNSURE},
    {"INSERT INTO t VALUES (LAST_INSERT_ID(900))", 900, UNSURE},

    /* No id was told. */
    {"INSERT INTO t VALUES (1)", 0, KEPT},
    {"INSERT INTO t VALUES (LAST_INSERT_ID())", 0, KEPT},
    {"INSERT INTO t VALUES (LAST_INSERT_ID(0))", 0, UNSURE},
    {"UPDATE t SET a = 1", 0, KEPT},
    {"UPDATE t SET a = LAST_INSERT_ID() WHERE b", 0, KEPT},
    {"UPDATE t SET a = LAST_INSERT_ID(0)", 0, UNSURE},
    {"DELETE FROM t", 0, KEPT},
    {"ALTER TABLE t ADD b INT", 0, KEPT},
    {"SELECT * FROM t FOR UPDATE", 0, KEPT},
    {"SET last_insert_id = 5", 0, KEPT},
    {"COMMIT", 0, KEPT},
    {"LOAD DATA INFILE 'f' INTO TABLE t", 0, UNSURE},
    {"CALL p()", 0, UNSURE},
};

static enum insert_id_after after(const char *sql, const struct insert_outcome *outcome)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct statement statement;

    classify(bytes_of_text(sql), false, &mode, &statement);
    return insert_id_after(&statement, bytes_of_text(sql), &mode, outcome);
}

static void test_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct insert_outcome outcome = {
            .told = rows[i].told, .before = 20, .before_known = true};
        int got = (int)after(rows[i].sql, &outcome);
        if (got != rows[i].after)
            fail_msg("%s, told %llu: %d", rows[i].sql, (unsigned long long)rows[i].told, got);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *sql;
        int after;
    } failed[] = {
        {"INSERT INTO t VALUES (1, 2)", KEPT},
        {"INSERT INTO t SET a = 1", KEPT},
        {"INSERT INTO t VALUES (1, 2), (3, 4)", UNSURE}, /* the first row may have generated one */
        {"INSERT INTO t SELECT 1", UNSURE},
        {"UPDATE t SET a = 1", KEPT},
        {"DELETE FROM t", KEPT},
        {"CREATE TABLE t SELECT 1", UNSURE},
        {"SELECT * FROM t FOR UPDATE", KEPT},
    };
    const struct insert_outcome outcome = {.errored = true};

    (void)state;
    for (size_t i = 0; i < sizeof(failed) / sizeof(failed[0]); i++) {
        int got = (int)after(failed[i].sql, &outcome);
        if (got != failed[i].after)
            fail_msg("%s: %d", failed[i].sql, got);
    }
}

static void test_other_signs(void **state)
{
    struct insert_outcome outcome = {.told = 9, .before_known = true};

    (void)state;
    outcome.parameters_may_be_it = true;
    assert_int_equal(after("INSERT INTO t VALUES (?)", &outcome), UNSURE);
    assert_int_equal(after("INSERT INTO t VALUES (1)", &outcome), TOLD); /* it has none */
    outcome = (struct insert_outcome){.told = 9, .before = 20};
    assert_int_equal(after("INSERT INTO t VALUES (LAST_INSERT_ID())", &outcome), UNSURE);
    outcome = (struct insert_outcome){.has_rows = true};
    assert_int_equal(after("INSERT INTO t VALUES (1) RETURNING a", &outcome), UNSURE);
    assert_int_equal(after("SELECT 1 FROM t FOR UPDATE", &outcome), KEPT);
    assert_true(insert_id_may_be_real(7, 6.5));
    assert_false(insert_id_may_be_real(7, 8.0));
    assert_true(insert_id_may_be_real(UINT64_MAX - 4, -5.0));
    assert_true(insert_id_may_be_real(UINT64_MAX, 1e300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_other_signs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
