/*
 * Permits: first the rules, on one thread, as a walk through who has what; then several threads at
 * once, where no more may be in use than allowed and nobody may be forgotten.
 */
#include "proxy/backend/permits.h"

#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SERVER, OTHER_SERVER, SERVERS };
enum { WORKERS = 3 };

static unsigned woken[WORKERS];

static void note_wake(void *context, unsigned worker)
{
    (void)context;
    woken[worker]++;
}

static struct permits *permits_of(unsigned limit)
{
    const unsigned limits[SERVERS] = {limit, 1};

    memset(woken, 0, sizeof woken);
    return permits_new(WORKERS, SERVERS, limits, note_wake, NULL);
}

static struct waiter waiter_of(unsigned worker, uint64_t group)
{
    return (struct waiter){.worker = worker, .server = SERVER, .group = group};
}

/* For the tests a parcel is only an address. */
static struct backend_parcel *parcel(uintptr_t number)
{
    return (struct backend_parcel *)number; /* NOLINT: never looked into */
}

static void permits_run_out_and_come_back(void **state)
{
    struct permits *permits = permits_of(2);

    (void)state;
    assert_true(permits_try(permits, SERVER));
    assert_true(permits_try(permits, SERVER));
    assert_false(permits_try(permits, SERVER));
    assert_true(permits_try(permits, OTHER_SERVER));
    assert_int_equal(permits_used(permits, SERVER), 2);
    permits_release(permits, SERVER);
    assert_true(permits_try(permits, SERVER));
    assert_int_equal(permits_limit(permits, SERVER), 2);
    permits_free(permits);
}

static void waiters_are_served_in_order(void **state)
{
    struct permits *permits = permits_of(1);
    struct waiter waiters[3] = {waiter_of(0, 1), waiter_of(1, 1), waiter_of(0, 2)};

    (void)state;
    assert_true(permits_try(permits, SERVER));
    for (unsigned i = 0; i < 3; i++) {
        assert_false(permits_enqueue(permits, &waiters[i]));
        assert_int_equal(waiters[i].state, WAITER_QUEUED);
    }
    assert_int_equal(permits_queued(permits, SERVER), 3);
    assert_true(permits_are_awaited(permits, SERVER));
    assert_false(permits_are_awaited(permits, OTHER_SERVER));
    for (unsigned i = 0; i < 3; i++) {
        permits_release(permits, SERVER);
        assert_int_equal(woken[waiters[i].worker], i < 2 ? 1 : 2);
        assert_int_equal(permits_used(permits, SERVER), 1);
        assert_null(permits_collect(permits, 1 - waiters[i].worker));
        assert_ptr_equal(permits_collect(permits, waiters[i].worker), &waiters[i]);
        assert_int_equal(waiters[i].state, WAITER_NONE);
        assert_null(waiters[i].parcel);
    }
    assert_false(permits_are_awaited(permits, SERVER));
    permits_release(permits, SERVER);
    assert_int_equal(permits_used(permits, SERVER), 0);
    permits_free(permits);
}

/* Who comes while others wait does not overtake them, even where a permit is free. */
static void nobody_overtakes(void **state)
{
    struct permits *permits = permits_of(1);
    struct waiter first = waiter_of(0, 1);
    struct waiter alone = waiter_of(1, 1);

    (void)state;
    assert_true(permits_try(permits, SERVER));
    assert_false(permits_enqueue(permits, &first));
    assert_false(permits_try(permits, SERVER));
    permits_release(permits, SERVER); /* granted to `first` at once */
    assert_false(permits_try(permits, SERVER));
    assert_ptr_equal(permits_collect(permits, 0), &first);
    permits_release(permits, SERVER);
    /* With nobody before it, a waiter takes the permit instead of queueing. */
    assert_true(permits_enqueue(permits, &alone));
    assert_int_equal(alone.state, WAITER_NONE);
    assert_int_equal(permits_queued(permits, SERVER), 0);
    permits_release(permits, SERVER);
    permits_free(permits);
}

static void waiters_give_up(void **state)
{
    struct permits *permits = permits_of(1);
    struct waiter waiters[4] = {waiter_of(0, 1), waiter_of(0, 1), waiter_of(1, 1), waiter_of(1, 1)};

    (void)state;
    assert_true(permits_try(permits, SERVER));
    for (unsigned i = 0; i < 4; i++) {
        assert_false(permits_enqueue(permits, &waiters[i]));
    }
    assert_null(permits_cancel(permits, &waiters[1]));
    assert_int_equal(permits_queued(permits, SERVER), 3);
    permits_release(permits, SERVER);
    assert_int_equal(waiters[0].state, WAITER_GRANTED);
    /* Granted, but not collected: the permit goes on to the next one. */
    assert_null(permits_cancel(permits, &waiters[0]));
    assert_int_equal(waiters[2].state, WAITER_GRANTED);
    assert_null(permits_collect(permits, 0));
    assert_null(permits_cancel(permits, &waiters[3]));
    assert_null(permits_cancel(permits, &waiters[3])); /* a second time: nothing */
    assert_ptr_equal(permits_collect(permits, 1), &waiters[2]);
    assert_int_equal(permits_used(permits, SERVER), 1);
    permits_release(permits, SERVER);
    permits_free(permits);
}

static void connection_given_back_is_claimed(void **state)
{
    struct permits *permits = permits_of(1);
    struct waiter here = waiter_of(0, 7);
    struct waiter there = waiter_of(1, 7);
    struct waiter other = waiter_of(0, 8);
    struct waiter *claimed;

    (void)state;
    assert_true(permits_try(permits, SERVER));
    assert_int_equal(permits_claim(permits, SERVER, 0, 7, &claimed), CLAIM_NOBODY);
    assert_null(claimed);
    assert_false(permits_enqueue(permits, &here));
    assert_false(permits_enqueue(permits, &there));
    assert_false(permits_enqueue(permits, &other));
    assert_int_equal(permits_claim(permits, SERVER, 0, 7, &claimed), CLAIM_HERE);
    assert_ptr_equal(claimed, &here);
    assert_int_equal(here.state, WAITER_NONE);
    assert_int_equal(permits_claim(permits, SERVER, 0, 7, &claimed), CLAIM_MOVE);
    assert_null(claimed);
    assert_int_equal(there.state, WAITER_QUEUED);
    assert_true(permits_deliver(permits, SERVER, 7, parcel(99)));
    assert_ptr_equal(permits_collect(permits, 1), &there);
    assert_ptr_equal(there.parcel, parcel(99));
    assert_int_equal(permits_claim(permits, SERVER, 1, 7, &claimed), CLAIM_CLOSE);
    assert_int_equal(permits_used(permits, SERVER), 1);
    permits_release(permits, SERVER); /* it was closed */
    assert_ptr_equal(permits_collect(permits, 0), &other);
    assert_null(other.parcel);
    permits_release(permits, SERVER);
    permits_free(permits);
}

/* Between packing a connection and delivering it, whoever wanted it may have left. */
static void parcel_comes_too_late(void **state)
{
    struct permits *permits = permits_of(1);
    struct waiter waiter = waiter_of(1, 7);
    struct waiter other = waiter_of(2, 8);
    struct waiter *claimed;

    (void)state;
    assert_true(permits_try(permits, SERVER));
    assert_false(permits_enqueue(permits, &waiter));
    assert_int_equal(permits_claim(permits, SERVER, 0, 7, &claimed), CLAIM_MOVE);
    assert_null(permits_cancel(permits, &waiter));
    assert_false(permits_deliver(permits, SERVER, 7, parcel(1)));
    assert_false(permits_enqueue(permits, &other));
    assert_false(permits_deliver(permits, SERVER, 7, parcel(1)));
    assert_true(permits_deliver(permits, SERVER, 8, parcel(1)));
    /* It leaves with the parcel on its list: then the parcel is the caller's. */
    assert_ptr_equal(permits_cancel(permits, &other), parcel(1));
    assert_null(permits_collect(permits, 2));
    assert_int_equal(permits_used(permits, SERVER), 1);
    permits_release(permits, SERVER);
    permits_free(permits);
}

/* Where a permit comes back soon the first in the queue needs nobody else's connection. */
static void announced_permits_serve_the_front_of_the_queue(void **state)
{
    struct permits *permits = permits_of(3);
    struct waiter first = waiter_of(0, 8);
    struct waiter second = waiter_of(1, 7);
    struct waiter third = waiter_of(2, 9);
    struct waiter *claimed;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(permits_try(permits, SERVER));
    }
    permits_announce(permits, SERVER);
    assert_int_equal(permits_used(permits, SERVER), 3);
    assert_false(permits_try(permits, SERVER)); /* it is not back yet */
    assert_false(permits_enqueue(permits, &first));
    assert_true(permits_are_awaited(permits, SERVER));
    assert_int_equal(permits_lacking(permits, SERVER), 0);
    assert_int_equal(permits_claim(permits, SERVER, 1, 7, &claimed), CLAIM_NOBODY);
    assert_false(permits_enqueue(permits, &second));
    assert_false(permits_enqueue(permits, &third));
    assert_int_equal(permits_lacking(permits, SERVER), 2);
    /* The third is not next: the second gets what it wants, or room is made for it. */
    assert_int_equal(permits_claim(permits, SERVER, 2, 9, &claimed), CLAIM_CLOSE);
    assert_false(permits_deliver(permits, SERVER, 9, parcel(1)));
    assert_int_equal(permits_claim(permits, SERVER, 0, 7, &claimed), CLAIM_MOVE);
    assert_int_equal(permits_claim(permits, SERVER, 1, 7, &claimed), CLAIM_HERE);
    assert_ptr_equal(claimed, &second);
    permits_release_announced(permits, SERVER);
    assert_ptr_equal(permits_collect(permits, 0), &first);
    assert_int_equal(permits_used(permits, SERVER), 3);
    assert_int_equal(permits_lacking(permits, SERVER), 1);
    /* A lower limit takes the permit that comes back: it serves nobody. */
    permits_announce(permits, SERVER);
    assert_int_equal(permits_lacking(permits, SERVER), 0);
    permits_set_limit(permits, SERVER, 2);
    assert_int_equal(permits_lacking(permits, SERVER), 1);
    permits_release_announced(permits, SERVER);
    assert_int_equal(third.state, WAITER_QUEUED);
    permits_release(permits, SERVER);
    assert_ptr_equal(permits_collect(permits, 2), &third);
    assert_int_equal(permits_used(permits, SERVER), 2);
    permits_free(permits);
}

static void others_are_asked_for_idle_connections(void **state)
{
    struct permits *permits = permits_of(4);

    (void)state;
    permits_ask(permits, 0, SERVER);
    assert_int_equal(woken[1] + woken[2], 0);
    permits_set_idle(permits, 0, SERVER, 1); /* one's own does not count */
    permits_set_idle(permits, 2, SERVER, 1);
    permits_set_idle(permits, 1, OTHER_SERVER, 1);
    permits_ask(permits, 0, SERVER);
    assert_int_equal(woken[2], 1);
    assert_int_equal(woken[0] + woken[1], 0);
    assert_false(permits_asked(permits, 1, SERVER));
    assert_false(permits_asked(permits, 2, OTHER_SERVER));
    assert_true(permits_asked(permits, 2, SERVER));
    assert_false(permits_asked(permits, 2, SERVER));
    permits_set_idle(permits, 2, SERVER, 0);
    permits_ask(permits, 0, SERVER);
    assert_false(permits_asked(permits, 2, SERVER));
    permits_free(permits);
}

/* ---- threads ---- */

enum { THREADS = WORKERS, LEASES = 4000, LIMIT = 2 };

static struct permits *shared;
static atomic_int in_use;
static atomic_int mistakes;
static atomic_int served;

static void ignore_wake(void *context, unsigned worker)
{
    (void)context;
    (void)worker; /* the threads look by themselves */
}

/* Has a permit: nobody else may make more than LIMIT of them. */
static void use_permit(unsigned *random)
{
    if (atomic_fetch_add(&in_use, 1) >= LIMIT) {
        atomic_fetch_add(&mistakes, 1);
    }
    if (rand_r(random) % 4 == 0) {
        sched_yield();
    }
    atomic_fetch_sub(&in_use, 1);
    atomic_fetch_add(&served, 1);
    if (rand_r(random) % 2 == 0) {
        permits_release(shared, SERVER);
        return;
    }
    permits_announce(shared, SERVER);
    sched_yield();
    permits_release_announced(shared, SERVER);
}

/* Waits for the grant, or gives up after a while. */
static void wait_for_permit(unsigned worker, struct waiter *waiter, unsigned *random)
{
    unsigned patience = rand_r(random) % 3 == 0 ? (unsigned)rand_r(random) % 20 : 1u << 30;
    struct waiter *granted;

    while ((granted = permits_collect(shared, worker)) == NULL && patience-- > 0) {
        sched_yield();
    }
    if (granted == NULL) {
        /* May find it granted at the last moment: then the permit goes on to the next one. */
        if (permits_cancel(shared, waiter) != NULL) {
            atomic_fetch_add(&mistakes, 1);
        }
    } else if (granted != waiter) {
        atomic_fetch_add(&mistakes, 1);
    } else {
        use_permit(random);
    }
}

static void *lease_and_release(void *argument)
{
    unsigned worker = *(unsigned *)argument;
    unsigned random = worker + 1;

    for (unsigned i = 0; i < LEASES; i++) {
        struct waiter waiter = waiter_of(worker, 1);

        if (permits_try(shared, SERVER) || permits_enqueue(shared, &waiter)) {
            use_permit(&random);
        } else {
            wait_for_permit(worker, &waiter, &random);
        }
    }
    return NULL;
}

static void threads_share_permits(void **state)
{
    const unsigned limits[SERVERS] = {LIMIT, 1};
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];

    (void)state;
    shared = permits_new(WORKERS, SERVERS, limits, ignore_wake, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, lease_and_release, &numbers[i]), 0);
    }
    /* That they all end says that nobody who waits without end was forgotten. */
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&mistakes), 0);
    assert_true(atomic_load(&served) > LEASES);
    assert_int_equal(permits_used(shared, SERVER), 0);
    assert_int_equal(permits_queued(shared, SERVER), 0);
    assert_int_equal(permits_lacking(shared, SERVER), 0);
    permits_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permits_run_out_and_come_back),
        cmocka_unit_test(waiters_are_served_in_order),
        cmocka_unit_test(nobody_overtakes),
        cmocka_unit_test(waiters_give_up),
        cmocka_unit_test(connection_given_back_is_claimed),
        cmocka_unit_test(parcel_comes_too_late),
        cmocka_unit_test(announced_permits_serve_the_front_of_the_queue),
        cmocka_unit_test(others_are_asked_for_idle_connections),
        cmocka_unit_test(threads_share_permits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
