/*
 * Damping as rows: looks as letters (g good, t timed out, r refused), one a second, and the state
 * after each (U up, S suspect, D down).
 */
#include "health/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const rows[][2] = {
    {"g", "U"},
    {"rrg", "DDU"},
    {"ttg", "DDU"},
    {"gtg", "USU"},
    {"gtt", "USD"},
    {"gtgtgt", "USUSUS"}, /* one lost look at a time is no outage */
    {"gr", "UD"},
    {"gtr", "USD"},
    {"grg", "UDU"},
    {"grgrg", "UDUDD"}, /* down a second time within a minute: two good looks */
    {"grgrgg", "UDUDDU"},
    {"grgrgrg", "UDUDDDD"}, /* a bad look in between starts the count again */
    {"grgrggrgggg", "UDUDDUDDDDU"},
    {"grgrggrggggrgggggggg", "UDUDDUDDDDUDDDDDDDDU"},
};

static char letter(enum server_state state)
{
    switch (state) {
    case STATE_UP:
        return 'U';
    case STATE_SUSPECT:
        return 'S';
    case STATE_DOWN:
        return 'D';
    case STATE_DRAINING:
    case STATE_DIVERGED:
        break;
    }
    return '?';
}

static void test_damping(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct damping v = {0};
        char seen[40] = "";

        for (size_t k = 0; rows[i][0][k]; k++) {
            char c = rows[i][0][k];
            enum look_result result = c == 'g'   ? LOOK_GOOD
                                      : c == 't' ? LOOK_TIMED_OUT
                                                 : LOOK_REFUSED;
            seen[k] = letter(verdict_after(&v, result, (k + 1) * 1000000000));
        }
        assert_string_equal(seen, rows[i][1]);
    }
}

static void test_flaps_are_forgotten(void **state)
{
    struct damping v = {0};
    uint64_t at = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(verdict_after(&v, LOOK_GOOD, at += 1), STATE_UP);
        assert_int_equal(verdict_after(&v, LOOK_REFUSED, at += 61000000000), STATE_DOWN);
    }
}

static void test_another_life(void **state)
{
    static const struct look base = {.uuid = "a", .id = 1, .started_s = 100, .connection_id = 9};
    struct look look = base;

    (void)state;
    assert_false(look_is_another_life(&base, &look));
    look.started_s = 102; /* Uptime is in whole seconds */
    look.connection_id = 12;
    assert_false(look_is_another_life(&base, &look));
    look.started_s = 103;
    assert_true(look_is_another_life(&base, &look));
    look = base;
    look.connection_id = 8; /* numbers start anew with the server */
    assert_true(look_is_another_life(&base, &look));
    look = base;
    look.id = 2;
    assert_true(look_is_another_life(&base, &look));
    look = base;
    look.uuid[0] = 'b';
    assert_true(look_is_another_life(&base, &look));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damping),
        cmocka_unit_test(test_flaps_are_forgotten),
        cmocka_unit_test(test_another_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
