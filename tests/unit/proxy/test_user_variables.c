/*
 * User variables as text: lists, names, what literals and answers become.
 */
#include "proxy/client/user_variables.h"

#include "protocol/result_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static uint8_t memory[32 << 10];

static const char *text_of(const struct writer *out)
{
    static char text[sizeof memory];

    snprintf(text, sizeof text, "%.*s", (int)out->size, (const char *)out->data);
    return text;
}

static void test_lists(void **state)
{
    static const struct {
        const char *list, *name, *expression, *result;
    } rows[] = {
        {"", "a", "1", "a 1\n"},
        {"a 1\n", "a", "2", "a 2\n"},
        {"b 1\n", "a", "2", "a 2\nb 1\n"},
        {"a 1\n", "ab", "2", "a 1\nab 2\n"},
        {"a 1\nc 3\n", "b", "_utf8mb4'x y'", "a 1\nb _utf8mb4'x y'\nc 3\n"},
        {"a 1\nc 3\n", "c", "4", "a 1\nc 4\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer out = writer_over(memory, sizeof memory);

        assert_true(user_variables_with(bytes_of_text(rows[i].list), bytes_of_text(rows[i].name),
                                        bytes_of_text(rows[i].expression), &out));
        assert_string_equal(text_of(&out), rows[i].result);
    }
    assert_true(user_variables_cover(bytes_of_text("a 1\nb 2\n"), bytes_of_text("b 7\n")));
    assert_true(user_variables_cover(bytes_of_text(""), bytes_of_text("")));
    assert_false(user_variables_cover(bytes_of_text("a 1\n"), bytes_of_text("a 1\nb 2\n")));
}

static void test_ceilings(void **state)
{
    uint8_t other[sizeof memory];
    uint8_t *from = memory, *to = other;
    static char long_one[USER_VARIABLES_MAX_SIZE];
    struct bytes list = {NULL, 0};
    struct writer out;

    (void)state;
    for (int i = 0; i <= USER_VARIABLES_MAX; i++) {
        char name[8];
        uint8_t *swap = from;

        snprintf(name, sizeof name, "v%d", i);
        out = writer_over(to, sizeof memory);
        assert_int_equal(user_variables_with(list, bytes_of_text(name), bytes_of_text("1"), &out),
                         i < USER_VARIABLES_MAX);
        list = writer_bytes(&out);
        from = to;
        to = swap;
    }
    memset(long_one, '1', sizeof long_one - 1);
    out = writer_over(memory, sizeof memory);
    assert_false(
        user_variables_with(bytes_of_text(""), bytes_of_text("a"), bytes_of_text(long_one), &out));
}

static void test_names(void **state)
{
    static const struct {
        const char *written, *name;
    } rows[] = {
        {"x", "x"},       {"Xy_1$.z", "xy_1$.z"}, {"`A`", "a"},
        {"'b'", "b"},     {"\"c\"", "c"},         {"", ""},
        {"``", ""},       {"`a b`", ""},          {"`a``b`", ""},
        {"\xc3\xbc", ""}, {"`\xc3\xbc`", ""},
    };
    char name[USER_VARIABLE_NAME];
    char longest[USER_VARIABLE_NAME + 2];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes found = user_variable_name(bytes_of_text(rows[i].written), name);

        assert_true(bytes_equal_text(found, rows[i].name));
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(user_variable_name(bytes_of_text(longest), name).size, 0);
    assert_int_equal(user_variable_name(bytes_of_text(longest + 1), name).size, USER_VARIABLE_NAME);
}

static void test_literals(void **state)
{
    static const struct {
        const char *literal, *collation, *expression; /* NULL: unknown */
    } rows[] = {
        {"1", "", "1"},
        {"-7", "", "-7"},
        {"1.50", "", "1.50"},
        {"999999999999999999", "", "999999999999999999"},
        {"9999999999999999999", "", NULL}, /* unsigned */
        {"1e3", "", NULL},
        {"0x41", "", NULL},
        {"1-1", "", NULL},
        {"- 1", "", NULL},
        {".", "", NULL},
        {"null", "", "NULL"},
        {"TRUE", "", "1"},
        {"false", "", "0"},
        {"'abc'", "", NULL}, /* of a collation that is not known */
        {"'abc'", "latin1_bin", "_latin1'abc' COLLATE latin1_bin"},
        {"''", "utf8mb4_general_ci", NULL}, /* MariaDB's EMPTY_STRING_IS_NULL */
        {"'a'", "ucs2_bin", NULL},          /* its bytes are others */
        {"'a'", "binary", NULL},
        {"'a\\n'", "latin1_bin", NULL},
        {"'it''s'", "latin1_bin", NULL},
        {"'\xc3\xbc'", "latin1_bin", NULL},
        {"\"a\"", "latin1_bin", NULL},
        {"_latin1'a'", "latin1_bin", NULL},
        {"?", "", NULL},
        {"DEFAULT", "", NULL},
        {"x", "", NULL},
        {"", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer out = writer_over(memory, sizeof memory);
        bool known = user_variable_of_literal(bytes_of_text(rows[i].literal),
                                              bytes_of_text(rows[i].collation), &out);

        assert_int_equal(known, rows[i].expression != NULL);
        if (known) {
            assert_string_equal(text_of(&out), rows[i].expression);
        }
    }
}

static void test_answers(void **state)
{
    static const struct {
        uint8_t type;
        uint16_t flags;
        uint32_t length;
        const char *value, *collation, *hex, *expression; /* NULL: unknown */
    } rows[] = {
        {COLUMN_LONGLONG, 0, 20, "5", "binary", "5", "5"},
        {COLUMN_LONGLONG, 0, 20, "-5", "binary", "", "-5"},
        {COLUMN_LONGLONG, COLUMN_FLAG_UNSIGNED, 20, "5", "binary", "5", "CAST(5 AS UNSIGNED)"},
        {COLUMN_LONGLONG, 0, 20, NULL, "binary", NULL, "0,@`x`=NULL"},
        {COLUMN_DOUBLE, 0, 23, "1.5", "binary", "2", "1.5e0"},
        {COLUMN_DOUBLE, 0, 23, "1e20", "binary", "2", "1e20"},
        {COLUMN_DOUBLE, 0, 23, NULL, "binary", NULL, "0e0,@`x`=NULL"},
        {COLUMN_NEWDECIMAL, 0, 83, "1.50", "binary", "2", "1.50"},
        {COLUMN_NEWDECIMAL, 0, 83, "7", "binary", "7", "7."},
        {COLUMN_NEWDECIMAL, 0, 83, NULL, "binary", NULL, "0.,@`x`=NULL"},
        {COLUMN_MEDIUM_BLOB, 0, 16777215, "ab", "utf8mb4_bin", "6162",
         "_utf8mb4 X'6162' COLLATE utf8mb4_bin"},
        {COLUMN_LONG_BLOB, 0, 16777215, "ab", "binary", "6162", "_binary X'6162'"},
        {COLUMN_MEDIUM_BLOB, 0, 16777215, NULL, "latin1_bin", NULL,
         "_latin1 X'' COLLATE latin1_bin,@`x`=NULL"},
        {COLUMN_MEDIUM_BLOB, 0, 16777215, NULL, "binary", NULL, "NULL"},
        {COLUMN_VAR_STRING, 0, 65532, NULL, "binary", NULL, ""}, /* never set */
        {COLUMN_GEOMETRY, 0, 16777215, "ab", "binary", "6162", NULL},
        {COLUMN_LONGLONG, 0, 20, "1; DROP", "binary", "1", NULL},
        {COLUMN_MEDIUM_BLOB, 0, 16777215, "a", "x; y", "61", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer out = writer_over(memory, sizeof memory);
        struct user_variable_answer answer = {
            .column = {.type = rows[i].type, .flags = rows[i].flags, .length = rows[i].length},
            .value = bytes_of_text(rows[i].value),
            .collation = bytes_of_text(rows[i].collation),
            .hex = bytes_of_text(rows[i].hex)};
        enum user_variable_state found = user_variable_of_answer(bytes_of_text("x"), &answer, &out);

        if (rows[i].expression == NULL) {
            assert_int_equal(found, USER_VARIABLE_UNKNOWN);
        } else if (rows[i].expression[0] == 0) {
            assert_int_equal(found, USER_VARIABLE_UNSET);
        } else {
            assert_int_equal(found, USER_VARIABLE_SET);
            assert_string_equal(text_of(&out), rows[i].expression);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),   cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_literals),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
