/*
 * Inquiries with a time limit, on real worker threads: who answers is heard, who does not is named
 * by its missing state, and nothing is lost or leaked when it answers later after all.
 */
#include "program_fixture.h"

#include "proxy/inquiry.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <unistd.h>

enum { PARTS = 3 };

struct visit {
    unsigned parts;
    unsigned worker;
    char *text; /* owner */
};

static atomic_uint disposed;

static bool visit(struct worker *worker, void *state)
{
    struct visit *self = state;

    mem_free(self->text);
    self->text = mem_printf("worker %u", worker->number);
    self->worker = worker->number;
    return ++self->parts == PARTS;
}

static void dispose(void *state)
{
    struct visit *self = state;

    mem_free(self->text);
    atomic_fetch_add(&disposed, 1);
}

static struct inquiry *begin(struct program_fixture *fixture)
{
    return inquiry_begin(fixture->workers, FIXTURE_WORKERS, visit, sizeof(struct visit), dispose);
}

static void test_all_answer(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct inquiry *inquiry = begin(fixture);

    (void)state;
    atomic_store(&disposed, 0);
    assert_true(inquiry_wait(inquiry, LONG_MS));
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        struct visit *one = inquiry_state(inquiry, i);

        assert_non_null(one);
        assert_int_equal(one->worker, i);
        assert_int_equal(one->parts, PARTS);
    }
    inquiry_end(inquiry);
    assert_int_equal(atomic_load(&disposed), FIXTURE_WORKERS);
    fixture_stop(fixture);
}

/* Given up before the worker began: it never does. */
static void test_one_stands_still(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct inquiry *inquiry;

    (void)state;
    atomic_store(&disposed, 0);
    fixture_hold(fixture, 1);
    inquiry = begin(fixture);
    while (inquiry_state(inquiry, 0) == NULL) {
        usleep(1000);
    }
    assert_false(inquiry_wait(inquiry, SHORT_MS));
    assert_non_null(inquiry_state(inquiry, 0));
    assert_null(inquiry_state(inquiry, 1));
    inquiry_end(inquiry);
    assert_int_equal(atomic_load(&disposed), FIXTURE_WORKERS);
    fixture_let_go(fixture, 1);
    fixture_stop(fixture);
}

static atomic_bool is_inside, may_leave;

static bool linger(struct worker *worker, void *state)
{
    struct visit *self = state;

    if (worker->number == 0) {
        return true;
    }
    atomic_store(&is_inside, true);
    while (!atomic_load(&may_leave)) {
        usleep(1000);
    }
    self->text = mem_text("written after the asker has gone");
    return ++self->parts == PARTS;
}

/* Given up while the worker is at it: the memory stays until it has left, and it does only the part
 * that it had begun. */
static void test_given_up_in_the_middle(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct inquiry *inquiry =
        inquiry_begin(fixture->workers, FIXTURE_WORKERS, linger, sizeof(struct visit), dispose);

    (void)state;
    atomic_store(&disposed, 0);
    while (!atomic_load(&is_inside)) {
        usleep(1000);
    }
    assert_false(inquiry_wait(inquiry, SHORT_MS));
    inquiry_end(inquiry);
    assert_int_equal(atomic_load(&disposed), 0);
    atomic_store(&may_leave, true);
    while (atomic_load(&disposed) != FIXTURE_WORKERS) {
        usleep(1000);
    }
    /* The worker goes on with other things. */
    inquiry = begin(fixture);
    assert_true(inquiry_wait(inquiry, LONG_MS));
    inquiry_end(inquiry);
    fixture_stop(fixture);
}

static void test_many_are_given_up(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct inquiry *kept;

    (void)state;
    atomic_store(&disposed, 0);
    fixture_hold(fixture, 0);
    kept = begin(fixture);
    for (unsigned i = 0; i < 100; i++) {
        struct inquiry *inquiry = begin(fixture);

        (void)inquiry_wait(inquiry, 0);
        inquiry_end(inquiry);
    }
    fixture_let_go(fixture, 0);
    assert_true(inquiry_wait(kept, LONG_MS));
    inquiry_end(kept);
    fixture_stop(fixture);
    assert_int_equal(atomic_load(&disposed), 101 * FIXTURE_WORKERS);
}

static void test_ended_workers_are_left_out(void **state)
{
    struct program_fixture *fixture = fixture_start();
    struct inquiry *inquiry;
    struct visit states[FIXTURE_WORKERS] = {{.parts = 0}};

    (void)state;
    fixture_drain(fixture);
    inquiry = begin(fixture);
    assert_true(inquiry_wait(inquiry, 0));
    assert_int_equal(((struct visit *)inquiry_state(inquiry, 0))->parts, 0);
    inquiry_end(inquiry);
    inquiry_run(fixture->workers, FIXTURE_WORKERS, visit, states, sizeof states[0]);
    assert_int_equal(states[1].parts, 0);
    fixture_stop(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_answer),
        cmocka_unit_test(test_one_stands_still),
        cmocka_unit_test(test_given_up_in_the_middle),
        cmocka_unit_test(test_many_are_given_up),
        cmocka_unit_test(test_ended_workers_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
