/* Durations in log-linear buckets: where each falls, and how near percentiles are. */
#include "proxy/statistics/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void each_duration_is_within_its_bucket(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t us = i < 70000 ? i : (random >> 8) >> (random & 63);
        unsigned bucket = histogram_bucket(us);

        assert_true(bucket < HISTOGRAM_BUCKETS);
        assert_true(histogram_bound_us(bucket) <= us);
        if (bucket < HISTOGRAM_BUCKETS - 1) {
            assert_true(us < histogram_bound_us(bucket + 1));
        } else {
            assert_true(us >= UINT64_C(1) << HISTOGRAM_TOP_LOG2);
        }
    }
}

/* A bucket is one µs wide, or an eighth of where it begins: that is what the header promises. */
static void buckets_are_as_narrow_as_promised(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        uint64_t from = histogram_bound_us(i);
        uint64_t width = histogram_bound_us(i + 1) - from;

        assert_true(width == 1 || width * HISTOGRAM_PARTS <= from);
    }
    assert_int_equal(histogram_bound_us(HISTOGRAM_BUCKETS - 1), UINT64_C(1) << HISTOGRAM_TOP_LOG2);
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *one = a;
    const uint64_t *two = b;

    return (*one > *two) - (*one < *two);
}

static void percentiles_are_near_the_true_ones(void **state)
{
    static uint64_t samples[20000];
    static const double shares[] = {0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    const size_t count = sizeof samples / sizeof samples[0];
    struct histogram histogram = {0};
    uint64_t random = 7;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        samples[i] = 100 + (random >> 33) % 900 * ((random >> 20) % 17 == 0 ? 97 : 1);
        histogram_add(&histogram, samples[i]);
    }
    qsort(samples, count, sizeof samples[0], by_size);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        size_t at = (size_t)(shares[i] * (double)count);
        double exact = (double)samples[at > 0 ? at - 1 : 0];
        double found = (double)histogram_percentile_us(&histogram, shares[i]);

        if (found < exact * 7 / 8 || found > exact * 9 / 8) {
            fail_msg("%g: %g instead of %g", shares[i], found, exact);
        }
    }
}

static void nothing_counted(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_percentile_us(&histogram, 0.5), 0);
}

static void merging_is_counting_together(void **state)
{
    struct histogram one = {0}, two = {0}, both = {0};

    (void)state;
    for (uint64_t us = 1; us < 100000; us = us * 3 / 2 + 1) {
        histogram_add(us % 2 ? &one : &two, us);
        histogram_add(&both, us);
    }
    histogram_merge(&one, &two);
    assert_memory_equal(&one, &both, sizeof one);
}

static void counts_stay_at_their_end(void **state)
{
    struct histogram one = {.counts = {UINT32_MAX - 1}}, two = {.counts = {5}};

    (void)state;
    histogram_add(&one, 0);
    histogram_add(&one, 0);
    assert_int_equal(one.counts[0], UINT32_MAX);
    histogram_merge(&one, &two);
    assert_int_equal(one.counts[0], UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_duration_is_within_its_bucket),
        cmocka_unit_test(buckets_are_as_narrow_as_promised),
        cmocka_unit_test(percentiles_are_near_the_true_ones),
        cmocka_unit_test(nothing_counted),
        cmocka_unit_test(merging_is_counting_together),
        cmocka_unit_test(counts_stay_at_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
