/*
 * Positions of every kind: what their texts mean, what contains what, and what hostile texts do. A
 * row is a fact; U and V are server UUIDs, so that the rows stay short.
 */
#include "health/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define V "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static const enum position_kind MY = POSITION_MYSQL_GTID;
static const enum position_kind MD = POSITION_MARIADB_GTID;
static const enum position_kind FI = POSITION_FILE;
static const enum position_kind GA = POSITION_GALERA;

static struct position parsed(enum position_kind kind, const char *text)
{
    struct position p;

    if (!position_parse(kind, text, strlen(text), &p))
        fail_msg("does not parse: %s", text);
    return p;
}

/* --- texts ------------------------------------------------------------------------------------ */

struct text_row {
    enum position_kind kind;
    const char *text;
    const char *canonical; /* NULL: malformed */
};

static const struct text_row text_rows[] = {
    {POSITION_MYSQL_GTID, "", ""},
    {POSITION_MYSQL_GTID, " \n ", ""},
    {POSITION_MYSQL_GTID, U ":1", U ":1"},
    {POSITION_MYSQL_GTID, U ":1-5", U ":1-5"},
    {POSITION_MYSQL_GTID, U ":1-5:7", U ":1-5:7"},
    {POSITION_MYSQL_GTID, U ":7:1-5", U ":1-5:7"},
    {POSITION_MYSQL_GTID, U ":1-5:6-9", U ":1-9"},
    {POSITION_MYSQL_GTID, U ":1-5:3-9:20", U ":1-9:20"},
    {POSITION_MYSQL_GTID, U ":1-5," U ":6", U ":1-6"},
    {POSITION_MYSQL_GTID, U ":1-5,\n" V ":1", U ":1-5," V ":1"},
    {POSITION_MYSQL_GTID, V ":1, " U ":2-3", U ":2-3," V ":1"},
    {POSITION_MYSQL_GTID, "3E11FA47-71CA-11E1-9E33-C80AA9429562:1", U ":1"},
    {POSITION_MYSQL_GTID, U ":tag:1-3", U ":tag:1-3"},
    {POSITION_MYSQL_GTID, U ":1-5:tag:1-3", U ":1-5," U ":tag:1-3"},
    {POSITION_MYSQL_GTID, U ":b:2:a:1:3", U ":a:1:3," U ":b:2"},
    {POSITION_MYSQL_GTID, U ":Tag_1:4", U ":tag_1:4"},
    {POSITION_MYSQL_GTID, U ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
     U ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1"},
    {POSITION_MYSQL_GTID, U ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1", NULL},
    {POSITION_MYSQL_GTID, U ":9223372036854775807", U ":9223372036854775807"},
    {POSITION_MYSQL_GTID, U ":9223372036854775808", NULL},
    {POSITION_MYSQL_GTID, U ":18446744073709551616", NULL},
    {POSITION_MYSQL_GTID, U, NULL},
    {POSITION_MYSQL_GTID, U ":", NULL},
    {POSITION_MYSQL_GTID, U ":0", NULL},
    {POSITION_MYSQL_GTID, U ":5-1", NULL},
    {POSITION_MYSQL_GTID, U ":1-", NULL},
    {POSITION_MYSQL_GTID, U ":-1", NULL},
    {POSITION_MYSQL_GTID, U ":1-5:", NULL},
    {POSITION_MYSQL_GTID, U ":1-5,", NULL},
    {POSITION_MYSQL_GTID, "," U ":1-5", NULL},
    {POSITION_MYSQL_GTID, U ":tag", NULL},
    {POSITION_MYSQL_GTID, U ":tag:", NULL},
    {POSITION_MYSQL_GTID, U ":1tag:1", NULL},
    {POSITION_MYSQL_GTID, U " 1", NULL},
    {POSITION_MYSQL_GTID, "3e11fa47-71ca-11e1-9e33-c80aa942956:1", NULL},
    {POSITION_MYSQL_GTID, "3e11fa4771ca11e19e33c80aa9429562:1", NULL},
    {POSITION_MYSQL_GTID, "3e11fa47-71ca-11e1-9e33-c80aa942956g:1", NULL},
    {POSITION_MYSQL_GTID, U ":1'", NULL},
    {POSITION_MYSQL_GTID, "0-1-5", NULL},
    {POSITION_MARIADB_GTID, "", ""},
    {POSITION_MARIADB_GTID, "0-1-100", "0-1-100"},
    {POSITION_MARIADB_GTID, "1-2-3,0-1-100", "0-1-100,1-2-3"},
    {POSITION_MARIADB_GTID, "0-1-100, 7-2-3\n", "0-1-100,7-2-3"},
    {POSITION_MARIADB_GTID, "4294967295-4294967295-18446744073709551615",
     "4294967295-4294967295-18446744073709551615"},
    {POSITION_MARIADB_GTID, "4294967296-1-1", NULL},
    {POSITION_MARIADB_GTID, "0-4294967296-1", NULL},
    {POSITION_MARIADB_GTID, "0-1-18446744073709551616", NULL},
    {POSITION_MARIADB_GTID, "0-1-1,0-2-5", NULL},
    {POSITION_MARIADB_GTID, "0-1", NULL},
    {POSITION_MARIADB_GTID, "0-1-", NULL},
    {POSITION_MARIADB_GTID, "-1-1", NULL},
    {POSITION_MARIADB_GTID, "0-1-1,", NULL},
    {POSITION_MARIADB_GTID, "0-1-1;", NULL},
    {POSITION_MARIADB_GTID, "0-1-0x10", NULL},
    {POSITION_MARIADB_GTID, U ":1-5", NULL},
    {POSITION_FILE, "", ""},
    {POSITION_FILE, "binlog.000003:1234", "binlog.000003:1234"},
    {POSITION_FILE, "my-host.log.000003:0", "my-host.log.000003:0"},
    {POSITION_FILE, "a:b.1:7", "a:b.1:7"},
    {POSITION_FILE, "binlog.000003", NULL},
    {POSITION_FILE, "binlog:12", NULL},
    {POSITION_FILE, ".000003:12", NULL},
    {POSITION_FILE, "000003:12", NULL},
    {POSITION_FILE, "binlog000003:12", NULL},
    {POSITION_FILE, "binlog.000003:", NULL},
    {POSITION_FILE, "binlog.000003:-1", NULL},
    {POSITION_FILE, "bin'log.000003:1", NULL},
    {POSITION_FILE, "bin\\log.000003:1", NULL},
    {POSITION_FILE, "binlog.1234567890123456789:1", NULL},
    {POSITION_FILE, "binlog.1:18446744073709551616", NULL},
    {POSITION_GALERA, "", ""},
    {POSITION_GALERA, U ":5", U ":5"},
    {POSITION_GALERA, U ":-1", ""},
    {POSITION_GALERA, U ":-2", NULL},
    {POSITION_GALERA, U ":9223372036854775808", NULL},
    {POSITION_GALERA, U, NULL},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
        const struct text_row *row = &text_rows[i];
        struct position p;
        bool good = position_parse(row->kind, row->text, strlen(row->text), &p);

        if (good != (row->canonical != NULL))
            fail_msg("%s: %s", row->text, good ? "was accepted" : "was refused");
        char *text = position_text_new(&p);
        assert_string_equal(text, row->canonical ? row->canonical : "");
        assert_int_equal(position_is_empty(&p), text[0] == 0);
        free(text);
        position_dispose(&p);
    }
}

/* Every prefix, in memory of just that size, is either refused or reads back as what it says. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
        const struct text_row *row = &text_rows[i];
        for (size_t size = 0; size <= strlen(row->text); size++) {
            char *cut = malloc(size ? size : 1);
            struct position p;
            struct position again;

            assert_non_null(cut);
            memcpy(cut, row->text, size);
            if (position_parse(row->kind, cut, size, &p)) {
                char *text = position_text_new(&p);
                assert_true(position_parse(row->kind, text, strlen(text), &again));
                assert_true(position_equal(&p, &again));
                position_dispose(&again);
                free(text);
            } else {
                assert_true(position_is_empty(&p));
            }
            position_dispose(&p);
            free(cut);
        }
    }
}

static void test_limits(void **state)
{
    struct position p;
    size_t size = POSITION_TEXT_MAX + 1;
    char *text = malloc(size + 1);
    size_t used = 0;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    assert_false(position_parse(MY, text, size, &p));
    for (unsigned i = 0; i <= POSITION_ENTRIES_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u-1-1", i ? "," : "", i);
    assert_false(position_parse(MD, text, used, &p));
    used = (size_t)snprintf(text, size, U);
    for (unsigned i = 0; i <= POSITION_ENTRIES_MAX; i++)
        used += (size_t)snprintf(text + used, size - used, ":%u", 2 * i + 1);
    assert_false(position_parse(MY, text, used, &p));
    assert_true(position_is_empty(&p));
    assert_false(position_parse(POSITION_NONE, "", 0, &p));
    assert_false(position_parse_file("a.1", POSITION_FILE_MAX + 1, 4, &p));
    free(text);
}

static void test_text_is_cut(void **state)
{
    struct position p = parsed(MY, U ":1-5:7");
    char small[10];
    char none;

    (void)state;
    assert_int_equal(position_text(&p, small, sizeof(small)), strlen(U ":1-5:7"));
    assert_string_equal(small, "3e11fa47-");
    assert_int_equal(position_text(&p, &none, 0), strlen(U ":1-5:7"));
    position_dispose(&p);
}

/* --- contains --------------------------------------------------------------------------------- */

struct contains_row {
    const enum position_kind *kind;
    const char *applied;
    const char *wanted;
    bool contains;
};

static const struct contains_row contains_rows[] = {
    {&MY, "", "", true},
    {&MY, U ":1", "", true},
    {&MY, "", U ":1", false},
    {&MY, U ":1-5", U ":1-5", true},
    {&MY, U ":1-5", U ":2-4", true},
    {&MY, U ":1-5", U ":5", true},
    {&MY, U ":1-5", U ":6", false},
    {&MY, U ":1-5", U ":5-6", false},
    {&MY, U ":2-5", U ":1-2", false},
    {&MY, U ":1-5:7-9", U ":6", false},
    {&MY, U ":1-5:7-9", U ":5-7", false},
    {&MY, U ":1-5:7-9", U ":1:3:7:9", true},
    {&MY, U ":1-5:7-9", U ":1:3:7:10", false},
    {&MY, U ":1-5:6:7-9", U ":4-8", true},
    {&MY, U ":1-5", V ":1", false},
    {&MY, U ":1-5," V ":1-3", V ":2", true},
    {&MY, U ":1-5," V ":1-3", U ":1-5," V ":1-3", true},
    {&MY, U ":1-5," V ":1-3", U ":1-5," V ":1-4", false},
    {&MY, V ":1-3", U ":1," V ":1", false},
    {&MY, U ":1-5," V ":1-3", U ":6," V ":1", false},
    {&MY, U ":1-5:tag:1-3", U ":tag:2", true},
    {&MY, U ":1-5:tag:1-3", U ":2", true},
    {&MY, U ":1-5", U ":tag:2", false},
    {&MY, U ":tag:1-5", U ":2", false},
    {&MY, U ":a:1-5:b:1-2", U ":b:3", false},
    {&MY, U ":a:1-5:b:1-2", U ":a:3:b:2", true},
    {&MY, U ":a:1-5", U ":ab:1", false},
    {&MD, "", "", true},
    {&MD, "0-1-1", "", true},
    {&MD, "", "0-1-1", false},
    {&MD, "0-1-100", "0-1-100", true},
    {&MD, "0-1-101", "0-1-100", true},
    {&MD, "0-1-99", "0-1-100", false},
    {&MD, "0-2-101", "0-1-100", true},
    {&MD, "0-2-100", "0-1-100", false},
    {&MD, "1-1-100", "0-1-100", false},
    {&MD, "0-1-100", "0-1-100,1-1-1", false},
    {&MD, "0-1-100,1-1-5", "0-1-100,1-1-1", true},
    {&MD, "0-1-100,1-1-5", "1-1-5", true},
    {&MD, "0-1-100,1-1-5", "1-1-6", false},
    {&MD, "0-1-100,1-1-5,2-9-9", "0-1-1,2-9-9", true},
    {&MD, "0-1-18446744073709551615", "0-1-18446744073709551614", true},
    {&FI, "", "", true},
    {&FI, "b.000001:4", "", true},
    {&FI, "", "b.000001:4", false},
    {&FI, "b.000001:4", "b.000001:4", true},
    {&FI, "b.000001:5", "b.000001:4", true},
    {&FI, "b.000001:3", "b.000001:4", false},
    {&FI, "b.000002:4", "b.000001:400", true},
    {&FI, "b.000001:400", "b.000002:4", false},
    {&FI, "b.000010:4", "b.000009:4", true},
    {&FI, "b.1000000:4", "b.999999:400", true},
    {&FI, "b.999999:400", "b.1000000:4", false},
    {&FI, "c.000002:4", "b.000001:4", false},
    {&FI, "bb.000002:4", "b.000001:4", false},
    {&GA, U ":5", U ":5", true},
    {&GA, U ":6", U ":5", true},
    {&GA, U ":4", U ":5", false},
    {&GA, V ":6", U ":5", false},
    {&GA, U ":-1", U ":5", false},
    {&GA, U ":5", U ":-1", true},
};

static void test_contains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contains_rows) / sizeof(contains_rows[0]); i++) {
        const struct contains_row *row = &contains_rows[i];
        struct position applied = parsed(*row->kind, row->applied);
        struct position wanted = parsed(*row->kind, row->wanted);

        if (position_contains(&applied, &wanted) != row->contains)
            fail_msg("'%s' contains '%s'?", row->applied, row->wanted);
        assert_true(position_contains(&applied, &applied));
        position_dispose(&applied);
        position_dispose(&wanted);
    }
}

/* All sets over six transactions against all others: inclusion is what the bits say. */
static void test_contains_exhaustively(void **state)
{
    enum { BITS = 6 };
    static struct position sets[1 << BITS];

    (void)state;
    for (unsigned bits = 0; bits < 1 << BITS; bits++) {
        char text[400] = "";
        size_t used = 0;
        for (unsigned i = 0; i < BITS; i++) { /* three of one server, three of another */
            if (bits & 1U << i)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%u",
                                         used ? "," : "", i < 3 ? U : V, i % 3 + 1);
        }
        sets[bits] = parsed(MY, text);
    }
    for (unsigned a = 0; a < 1 << BITS; a++) {
        for (unsigned b = 0; b < 1 << BITS; b++)
            assert_int_equal(position_contains(&sets[a], &sets[b]), (a & b) == b);
    }
    for (unsigned a = 0; a < 1 << BITS; a++)
        position_dispose(&sets[a]);
}

static void test_kinds_do_not_mix(void **state)
{
    struct position all[] = {
        {0}, parsed(MY, U ":1"), parsed(MD, "0-1-1"), parsed(FI, "b.1:1"), parsed(GA, U ":1")};
    const size_t count = sizeof(all) / sizeof(all[0]);

    (void)state;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++)
            assert_int_equal(position_contains(&all[a], &all[b]), a == b && a != 0);
    }
    for (size_t a = 0; a < count; a++) {
        struct position copy = position_copy(&all[a]);
        assert_true(position_equal(&copy, &all[a]));
        position_dispose(&copy);
        position_dispose(&all[a]);
        assert_true(position_is_empty(&all[a]));
    }
}

/* --- MariaDB's two positions, and divergence -------------------------------------------------- */

static void test_higher(void **state)
{
    static const char *const rows[][3] = {
        {"", "", ""},
        {"0-1-5", "", "0-1-5"},
        {"", "0-1-5", "0-1-5"},
        {"0-1-5", "0-2-7", "0-2-7"},
        {"0-1-9", "0-2-7", "0-1-9"},
        {"0-1-5,2-1-1", "1-1-1,2-3-9", "0-1-5,1-1-1,2-3-9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct position a = parsed(MD, rows[i][0]);
        struct position b = parsed(MD, rows[i][1]);
        struct position higher = position_higher(&a, &b);
        char *text = position_text_new(&higher);

        assert_string_equal(text, rows[i][2]);
        free(text);
        position_dispose(&a);
        position_dispose(&b);
        position_dispose(&higher);
    }
}

struct diverged_row {
    const enum position_kind *kind;
    const char *applied;
    const char *primary;
    bool diverged;
};

static const struct diverged_row diverged_rows[] = {
    {&MD, "0-1-100", "0-1-100", false},
    {&MD, "0-1-99", "0-1-100", false},
    {&MD, "0-1-101", "0-1-100", true},
    {&MD, "0-2-100", "0-1-100", true},
    {&MD, "0-2-99", "0-1-100", false},
    {&MD, "5-9-1,0-1-99", "0-1-100", false}, /* a domain of its own harms nobody */
    {&MD, "0-1-100,1-1-9", "0-1-100,1-1-8", true},
    {&MD, "", "0-1-100", false},
    {&MD, "0-1-100", "", false},
    {&MY, U ":1-5", U ":1-5", false},
    {&MY, U ":1-4", U ":1-5", false},
    {&MY, U ":1-6", U ":1-5", true},          /* the primary lost what it had sent */
    {&MY, U ":1-5," V ":1", U ":1-5", false}, /* the replica's own */
    {&MY, U ":1-5:tag:1", U ":1-5", true},
    {&FI, "b.1:9", "b.1:5", false},
};

static void test_diverged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(diverged_rows) / sizeof(diverged_rows[0]); i++) {
        const struct diverged_row *row = &diverged_rows[i];
        struct position applied = parsed(*row->kind, row->applied);
        struct position primary = parsed(*row->kind, row->primary);

        if (position_has_diverged(&applied, &primary, U) != row->diverged)
            fail_msg("'%s' has left '%s'?", row->applied, row->primary);
        position_dispose(&applied);
        position_dispose(&primary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_text_is_cut),
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_contains_exhaustively),
        cmocka_unit_test(test_kinds_do_not_mix),
        cmocka_unit_test(test_higher),
        cmocka_unit_test(test_diverged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
