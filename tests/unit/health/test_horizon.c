/*
 * The ring of samples: which moment an applied position reaches, and when the ring refuses, moves
 * on, or starts anew.
 */
#include "health/horizon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct history FIRST = {"1", 1};

static struct position at_sequence(uint64_t n)
{
    char text[40] = "";
    struct position p;
    int size = n ? snprintf(text, sizeof(text), "0-1-%llu", (unsigned long long)n) : 0;

    assert_true(position_parse(POSITION_MARIADB_GTID, text, (size_t)size, &p));
    return p;
}

static enum horizon_add add(struct horizon_ring *ring, uint64_t at, uint64_t sequence)
{
    struct position p = at_sequence(sequence);
    enum horizon_add result = horizon_add(ring, at, &p);

    position_dispose(&p);
    return result;
}

static uint64_t reached(const struct horizon_ring *ring, uint64_t sequence)
{
    struct position p = at_sequence(sequence);
    uint64_t at = horizon_of(ring, &p, &FIRST);

    position_dispose(&p);
    return at;
}

static int set_up(void **state)
{
    static struct horizon_ring ring;

    horizon_ring_init(&ring);
    horizon_ring_reset(&ring, &FIRST);
    *state = &ring;
    return 0;
}

static int tear_down(void **state)
{
    horizon_ring_dispose(*state);
    return 0;
}

static void test_newest_contained(void **state)
{
    struct horizon_ring *ring = *state;

    assert_int_equal(reached(ring, 5), 0);
    assert_int_equal(add(ring, 100, 10), HORIZON_ADDED);
    assert_int_equal(add(ring, 200, 20), HORIZON_ADDED);
    assert_int_equal(add(ring, 300, 30), HORIZON_ADDED);
    assert_int_equal(reached(ring, 9), 0);
    assert_int_equal(reached(ring, 10), 100);
    assert_int_equal(reached(ring, 19), 100);
    assert_int_equal(reached(ring, 20), 200);
    assert_int_equal(reached(ring, 999), 300);
    assert_int_equal(horizon_newest(ring)->at, 300);
}

static void test_same_position_moves_on(void **state)
{
    struct horizon_ring *ring = *state;

    add(ring, 100, 10);
    assert_int_equal(add(ring, 200, 10), HORIZON_MOVED_ON);
    assert_int_equal(ring->count, 1);
    assert_int_equal(reached(ring, 10), 200);
}

static void test_empty_is_no_sample(void **state)
{
    struct horizon_ring *ring = *state;
    struct position none = {0};

    assert_int_equal(add(ring, 100, 0), HORIZON_REFUSED);
    assert_int_equal(horizon_add(ring, 100, &none), HORIZON_REFUSED);
    assert_null(horizon_newest(ring));
    add(ring, 100, 10);
    assert_int_equal(reached(ring, 0), 0); /* and an empty applied position has reached nothing */
    assert_int_equal(horizon_of(ring, &none, &FIRST), 0);
}

static void test_time_does_not_go_back(void **state)
{
    struct horizon_ring *ring = *state;

    add(ring, 100, 10);
    assert_int_equal(add(ring, 99, 11), HORIZON_REFUSED);
    assert_int_equal(reached(ring, 11), 100);
}

static void test_shrinking_empties(void **state)
{
    struct horizon_ring *ring = *state;

    add(ring, 100, 10);
    assert_int_equal(add(ring, 200, 9), HORIZON_SHRANK);
    assert_int_equal(ring->count, 0);
    assert_int_equal(reached(ring, 999), 0);
}

static void test_another_history(void **state)
{
    struct horizon_ring *ring = *state;
    const struct history others[] = {{"1", 2}, {"2", 1}};
    struct position p = at_sequence(10);

    add(ring, 100, 10);
    for (size_t i = 0; i < 2; i++) {
        assert_false(history_equal(&FIRST, &others[i]));
        assert_int_equal(horizon_of(ring, &p, &others[i]), 0);
    }
    horizon_ring_reset(ring, &others[0]);
    assert_int_equal(horizon_of(ring, &p, &others[0]), 0);
    position_dispose(&p);
}

/* An hour of samples every 10 ms: the ring reaches back to the start and is dense near now. */
static void test_thinning(void **state)
{
    struct horizon_ring *ring = *state;
    const uint64_t step = 10000000;
    const uint64_t count = 360000;

    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(add(ring, i * step, i), HORIZON_ADDED);
    assert_int_equal(ring->count, HORIZON_RING_SIZE);
    assert_int_equal(reached(ring, count), count * step);
    for (uint64_t behind = 1; behind < count; behind *= 2) {
        uint64_t at = reached(ring, count - behind);
        uint64_t truth = (count - behind) * step;
        assert_in_range(at, 1, truth);
        /* What thinning costs: a lag of n is never taken for more than 1.5 n. */
        if (2 * (truth - at) > behind * step)
            fail_msg("behind %llu: off by %llu", (unsigned long long)behind,
                     (unsigned long long)((truth - at) / step));
    }
    for (size_t i = 1; i < ring->count; i++)
        assert_true(ring->samples[i].at > ring->samples[i - 1].at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_newest_contained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_position_moves_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_is_no_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_does_not_go_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shrinking_empties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_history, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_thinning, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
