/* How texts are cut, printed as one letter per token; and the modes. */
#include "router/lexer.h"

#include "router/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* w word, W keyword, q quoted name, s string, n number, p parameter, u @variable, v @@, = :=, else
 * the symbol itself; a ! at the end says odd. */
static void print_tokens(const char *sql, const struct lexer_mode *mode, char *text)
{
    struct lexer lexer;
    struct token token;

    lexer_init(&lexer, bytes_of_text(sql), mode);
    for (lexer_next(&lexer, &token); token.kind != TOKEN_END; lexer_next(&lexer, &token)) {
        switch (token.kind) {
        case TOKEN_WORD:
            *text++ = token.word ? 'W' : 'w';
            break;
        case TOKEN_QUOTED:
            *text++ = 'q';
            break;
        case TOKEN_STRING:
            *text++ = 's';
            break;
        case TOKEN_NUMBER:
            *text++ = 'n';
            break;
        case TOKEN_PARAMETER:
            *text++ = 'p';
            break;
        case TOKEN_USER_VARIABLE:
            *text++ = 'u';
            break;
        case TOKEN_SYSTEM_VARIABLE:
            *text++ = 'v';
            break;
        case TOKEN_ASSIGN:
            *text++ = '=';
            break;
        case TOKEN_PUNCTUATION:
            *text++ = (char)token.symbol;
            break;
        case TOKEN_END:
            break;
        }
    }
    if (lexer.odd)
        *text++ = '!';
    *text = 0;
}

static void test_tokens(void **state)
{
    static const struct {
        const char *sql, *tokens;
    } rows[] = {
        {"", ""},
        {"  \t\r\n\v\f", ""},
        {"select a.b", "Ww.w"},
        {"select.b", "w.w"},
        {"a.select", "w.w"},
        {"a . select", "w.W"},
        {"`a`.`b`", "q.q"},
        {"'a''b' \"c\"\"d\" `e``f`", "ssq"},
        {"'a\\'b'", "s"},
        {"'a'b", "sw"},
        {"N'x' n'y' X'1f' b'01' x'1g'", "ssnnns!"},
        {"1 1.5 .5 1. 1e5 1E+5 1.5e-3 0x1F 0b01", "nnnnnnnnn"},
        {"1a 0x 0xg 0b2 1e 1e+", "wwwwww+"},
        {"1.e", "nw!"},
        {"a.1b a.5", "w.ww.w"},
        {"? :=", "p="},
        {"@a @a.b @'x y' @`q` @\"z\" @", "uuuuuu"},
        {"@@a @@global.b", "vwvw.w"},
        {"a-1 a--1 a-- 1", "w-nw--nw"},
        {"a #b\nc", "ww"},
        {"/* a */b/**/c", "ww"},
        {"/*! a */b", "ww"},
        {"/*!50000 a */b", "ww"},
        {"/*!999999 a */b", "w!"},
        {"/*!5000 a */", "nw"},
        {"/*!50000a*/", "w"},
        {"*/", "*/"},
        {"a /* b", "w!"},
        {"a 'b", "ws!"},
        {"a `b", "wq!"},
        {"a := b", "w=w"},
        {"a : b", "w:w!"},
        {"a \\ b", "w\\w!"},
        {"a->'$.b' a->>b", "w->sw->>w"},
        {"a<=>b a!=b a||b", "w<=>ww!=ww||w"},
        {"{fn f()}", "{ww()}"},
        {"\xc3\xa9 = \xe2\x82\xac", "w=w"},
    };
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_tokens(rows[i].sql, &mode, text);
        if (strcmp(text, rows[i].tokens) != 0)
            print_error("%s\n", rows[i].sql);
        assert_string_equal(text, rows[i].tokens);
    }
}

static void test_end_is_for_ever(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    struct lexer lexer;
    struct token token;

    (void)state;
    lexer_init(&lexer, bytes_of(NULL, 0), &mode);
    for (int i = 0; i < 3; i++) {
        lexer_next(&lexer, &token);
        assert_int_equal(token.kind, TOKEN_END);
        assert_int_equal(token.size, 0);
    }
}

static void test_tokens_cover_the_text_in_order(void **state)
{
    static const char sql[] =
        "SELECT /* c */ `a`, 'b' FROM t -- d\n WHERE x = 1.5e3 AND y IN (?, @z)";
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct lexer lexer;
    struct token token;
    size_t last = 0;

    (void)state;
    lexer_init(&lexer, bytes_of_text(sql), &mode);
    for (lexer_next(&lexer, &token); token.kind != TOKEN_END; lexer_next(&lexer, &token)) {
        assert_true(token.offset >= last);
        assert_true(token.size > 0);
        last = token.offset + token.size;
    }
    assert_int_equal(last, strlen(sql));
    assert_false(lexer.odd);
}

static void test_call_is_adjacent(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct lexer lexer;
    struct token token;

    (void)state;
    lexer_init(&lexer, bytes_of_text("f(1) f (1)"), &mode);
    lexer_next(&lexer, &token);
    assert_true(token.call);
    for (int i = 0; i < 4; i++)
        lexer_next(&lexer, &token);
    assert_int_equal(token.kind, TOKEN_WORD);
    assert_false(token.call);
}

static void test_every_word_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < word_count; i++) {
        const struct word *word = &words[i];
        size_t size = strlen(word->name);
        uint8_t *copy = malloc(size);

        assert_int_equal(size, word->size);
        for (size_t k = 0; k < size; k++) /* every second letter in upper case */
            copy[k] =
                (uint8_t)(k % 2 && word->name[k] >= 'a' && word->name[k] <= 'z' ? word->name[k] - 32
                                                                                : word->name[k]);
        assert_ptr_equal(word_find(copy, size, copy + size), word);
        if (size > 1)
            assert_ptr_not_equal(word_find(copy, size - 1, copy + size), word);
        copy[size / 2] = 0x80;
        assert_null(word_find(copy, size, copy + size));
        free(copy);
    }
}

static void test_sql_mode(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);

    (void)state;
    assert_true(lexer_mode_set_sql_mode(&mode, bytes_of_text("ansi_quotes,STRICT_TRANS_TABLES")));
    assert_true(mode.ansi_quotes);
    assert_false(mode.ignore_space);
    assert_true(lexer_mode_set_sql_mode(&mode, bytes_of_text("")));
    assert_false(mode.ansi_quotes);
    assert_true(lexer_mode_set_sql_mode(&mode, bytes_of_text("NO_BACKSLASH_ESCAPES,ANSI")));
    assert_true(mode.no_backslash_escapes && mode.ansi_quotes && mode.ignore_space);
    assert_true(lexer_mode_set_sql_mode(&mode, bytes_of_text("ORACLE")));
    assert_true(mode.foreign_grammar);
    assert_false(lexer_mode_set_sql_mode(&mode, bytes_of_text("ANSI_QUOTES,NEW_THING")));
    assert_true(mode.ansi_quotes);
}

static void test_charset(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);

    (void)state;
    assert_true(lexer_mode_set_charset(&mode, bytes_of_text("GBK")));
    assert_int_equal(mode.charset, LEXER_CHARSET_GBK);
    assert_true(lexer_mode_set_charset(&mode, bytes_of_text("cp932")));
    assert_int_equal(mode.charset, LEXER_CHARSET_SJIS);
    assert_true(lexer_mode_set_charset(&mode, bytes_of_text("utf8mb3")));
    assert_int_equal(mode.charset, LEXER_CHARSET_UTF8);
    assert_false(lexer_mode_set_charset(&mode, bytes_of_text("klingon")));
    assert_int_equal(mode.charset, LEXER_CHARSET_SINGLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_end_is_for_ever),
        cmocka_unit_test(test_tokens_cover_the_text_in_order),
        cmocka_unit_test(test_call_is_adjacent),
        cmocka_unit_test(test_every_word_is_found),
        cmocka_unit_test(test_sql_mode),
        cmocka_unit_test(test_charset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
