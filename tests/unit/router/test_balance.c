/* Who may serve, and who of those is taken. */
#include "router/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct candidate primary(void)
{
    return (struct candidate){
        .horizon = UINT64_MAX, .id = 100, .weight = 1, .usable = true, .is_primary = true};
}

static struct candidate replica(uint64_t id, uint64_t horizon)
{
    return (struct candidate){.horizon = horizon, .id = id, .weight = 1, .usable = true};
}

static struct balance_request request(enum balance algorithm)
{
    return (struct balance_request){.algorithm = algorithm, .previous = -1};
}

static void test_verdicts(void **state)
{
    struct balance_request r = {.floor = 50, .min_horizon = 20, .previous = -1};
    struct candidate c = replica(1, 50);

    (void)state;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_OK);
    c.horizon = 49;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_BEHIND);
    r.floor = 0;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_OK);
    c.horizon = 19;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_LAGGING);
    r.min_horizon = 0;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_OK);
    c.weight = 0;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_NO_WEIGHT);
    c.usable = false;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_NOT_USABLE);
    c = primary();
    assert_int_equal(balance_verdict(&c, &r), VERDICT_FALLBACK);
    r.primary_only = true;
    assert_int_equal(balance_verdict(&c, &r), VERDICT_OK);
    assert_string_equal(verdict_text(VERDICT_BEHIND), "horizon below the floor");
}

static void test_order_of_candidates(void **state)
{
    struct candidate c[3] = {primary(), replica(1, 10), replica(2, 10)};
    struct balance_request r = request(BALANCE_LEAST_CONNECTIONS);
    struct balance_state turns = {{0}};

    (void)state;
    assert_int_not_equal(balance_pick(&r, c, 3, &turns), 0);
    r.floor = 11;
    assert_int_equal(balance_pick(&r, c, 3, &turns), 0);
    r.floor = 0;
    c[1].weight = 0;
    c[2].usable = false;
    assert_int_equal(balance_pick(&r, c, 3, &turns), 1);
    c[1].usable = false;
    assert_int_equal(balance_pick(&r, c, 3, &turns), 0);
    c[0].usable = false;
    assert_int_equal(balance_pick(&r, c, 3, &turns), -1);
    assert_int_equal(balance_pick(&r, c, 0, &turns), -1);
    c[1].usable = true;
    c[1].weight = 1;
    r.primary_only = true;
    assert_int_equal(balance_pick(&r, c, 3, &turns), -1);
}

static void test_turns_follow_weights(void **state)
{
    struct candidate c[3] = {replica(1, 10), replica(2, 10), replica(3, 10)};
    struct balance_request r = request(BALANCE_ROUND_ROBIN);
    struct balance_state turns = {{0}};
    int taken[3] = {0, 0, 0}, last = -1, row = 0, longest = 0;

    (void)state;
    c[0].weight = 5;
    c[1].weight = 3;
    c[2].weight = 2;
    for (int i = 0; i < 1000; i++) {
        int pick = balance_pick(&r, c, 3, &turns);

        assert_true(pick >= 0);
        taken[pick]++;
        row = pick == last ? row + 1 : 1;
        longest = row > longest ? row : longest;
        last = pick;
    }
    assert_int_equal(taken[0], 500);
    assert_int_equal(taken[1], 300);
    assert_int_equal(taken[2], 200);
    assert_true(longest <= 2);
}

static void test_least_connections(void **state)
{
    struct candidate c[2] = {replica(1, 10), replica(2, 10)};
    struct balance_request r = request(BALANCE_LEAST_CONNECTIONS);
    struct balance_state turns = {{0}};
    int taken[2] = {0, 0};

    (void)state;
    c[0].weight = 3;
    for (int i = 0; i < 400; i++) {
        int pick = balance_pick(&r, c, 2, &turns);

        c[pick].leased++;
        taken[pick]++;
    }
    assert_in_range(taken[0], 298, 302);
    c[0].max = c[0].leased; /* full: the other one, though it is busier by weight */
    c[1].leased += 50;
    assert_int_equal(balance_pick(&r, c, 2, &turns), 1);
    c[1].max = c[1].leased; /* both full: the better one, where the pool then queues */
    assert_int_equal(balance_pick(&r, c, 2, &turns), 0);
}

static void test_least_latency(void **state)
{
    struct candidate c[2] = {replica(1, 10), replica(2, 10)};
    struct balance_request r = request(BALANCE_LEAST_LATENCY);
    struct balance_state turns = {{0}};

    (void)state;
    c[0].latency_us = 900;
    c[1].latency_us = 200;
    assert_int_equal(balance_pick(&r, c, 2, &turns), 1);
    r.previous = 0; /* a difference this small is no reason to move */
    assert_int_equal(balance_pick(&r, c, 2, &turns), 1);
    c[0].latency_us = 700;
    assert_int_equal(balance_pick(&r, c, 2, &turns), 0);
}

static void test_keeps_the_last_server(void **state)
{
    static const enum balance algorithms[] = {BALANCE_ROUND_ROBIN, BALANCE_LEAST_CONNECTIONS,
                                              BALANCE_LEAST_LATENCY};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct candidate c[3] = {primary(), replica(1, 10), replica(2, 10)};
        struct balance_request r = request(algorithms[i]);
        struct balance_state turns = {{0}};

        r.previous = 2;
        for (int k = 0; k < 5; k++)
            assert_int_equal(balance_pick(&r, c, 3, &turns), 2);
        c[2].horizon = 0; /* no longer allowed */
        r.floor = 5;
        assert_int_equal(balance_pick(&r, c, 3, &turns), 1);
        r.previous = 7; /* a server that is gone */
        assert_int_equal(balance_pick(&r, c, 3, &turns), 1);
    }
}

static void test_leaves_a_busy_server(void **state)
{
    struct candidate c[2] = {replica(1, 10), replica(2, 10)};
    struct balance_request r = request(BALANCE_LEAST_CONNECTIONS);
    struct balance_state turns = {{0}};

    (void)state;
    r.previous = 0;
    c[1].leased = 8;
    c[0].leased = 12; /* a quarter and two more: kept */
    assert_int_equal(balance_pick(&r, c, 2, &turns), 0);
    c[0].leased = 13;
    assert_int_equal(balance_pick(&r, c, 2, &turns), 1);
}

static void test_client_hash(void **state)
{
    struct candidate c[4] = {replica(11, 10), replica(22, 10), replica(33, 10), primary()};
    struct balance_request r = request(BALANCE_CLIENT_HASH);
    struct balance_state turns = {{0}};
    int before[3000], taken[4] = {0, 0, 0, 0};

    (void)state;
    c[1].weight = 2;
    for (int i = 0; i < 3000; i++) {
        r.client_hash = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15);
        before[i] = balance_pick(&r, c, 4, &turns);
        assert_int_equal(balance_pick(&r, c, 4, &turns), before[i]);
        taken[before[i]]++;
    }
    assert_in_range(taken[0], 650, 850);
    assert_in_range(taken[1], 1350, 1650);
    assert_in_range(taken[2], 650, 850);
    assert_int_equal(taken[3], 0);
    c[0].usable = false;
    for (int i = 0; i < 3000; i++) {
        int after;

        r.client_hash = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15);
        after = balance_pick(&r, c, 4, &turns);
        assert_true(before[i] == 0 ? after != 0 : after == before[i]);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(balance_name(BALANCE_ROUND_ROBIN), "round_robin");
    assert_string_equal(balance_name(BALANCE_LEAST_CONNECTIONS), "least_connections");
    assert_string_equal(balance_name(BALANCE_LEAST_LATENCY), "least_latency");
    assert_string_equal(balance_name(BALANCE_CLIENT_HASH), "client_hash");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_order_of_candidates),
        cmocka_unit_test(test_turns_follow_weights),
        cmocka_unit_test(test_least_connections),
        cmocka_unit_test(test_least_latency),
        cmocka_unit_test(test_keeps_the_last_server),
        cmocka_unit_test(test_leaves_a_busy_server),
        cmocka_unit_test(test_client_hash),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
