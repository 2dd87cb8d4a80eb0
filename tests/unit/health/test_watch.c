/*
 * When a thread counts as gone, and the list of those that are watched.
 */
#include "health/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* A thread of server 5, whose connection was opened at second 1000. */
static const struct {
    const char *what;
    uint64_t identity;
    struct thread_answer answer; /* identity, start, sees all, listed */
    bool gone;
} rows[] = {
    {"it runs", 5, {5, 10, true, true}, false},
    {"it is not there", 5, {5, 10, true, false}, true},
    {"it is not shown", 5, {5, 10, false, false}, false},
    {"the server started after it", 5, {5, 1010, true, false}, true},
    {"the number is another one's by now", 5, {5, 1010, true, true}, true},
    {"the start tells, whatever is shown", 5, {5, 1010, false, false}, true},
    {"the start may be before it", 5, {5, 1003, true, true}, false},
    {"the start may be before it, not shown", 5, {5, 1003, false, false}, false},
    {"another server is at the address", 5, {6, 10, true, false}, false},
    {"another server, started later", 5, {6, 2000, true, false}, false},
    {"nobody knows whose thread it was", 0, {5, 10, true, false}, false},
    {"nobody knows who answers", 0, {0, 10, true, false}, false},
};

static void test_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct thread_watch watch = {
            .identity = rows[i].identity, .opened_ns = 1000 * S, .thread_id = 3};
        if (thread_is_gone(&watch, &rows[i].answer) != rows[i].gone)
            fail_msg("%s", rows[i].what);
    }
}

static struct watch_list list;

static struct thread_watch *add(uint32_t thread_id, uint64_t now)
{
    const struct thread_watch wanted = {.identity = 5, .opened_ns = 1, .thread_id = thread_id};

    return watch_list_add(&list, &wanted, now, 10 * MS);
}

static void test_pace(void **state)
{
    static const unsigned gaps_ms[] = {10, 20, 40, 80, 100, 100};

    (void)state;
    list = (struct watch_list){0};
    struct thread_watch *first = add(1, 1 * S);
    assert_int_equal(list.due_ns, 1 * S); /* at once */
    uint64_t now = 1 * S;
    for (size_t i = 0; i < sizeof(gaps_ms) / sizeof(gaps_ms[0]); i++) {
        watch_list_asked(&list, now, 100 * MS);
        assert_int_equal(list.due_ns, now + gaps_ms[i] * MS);
        now = list.due_ns;
    }
    /* Another one hurries, but a crowd of them is no flood of questions. */
    watch_list_asked(&list, now, 100 * MS);
    struct thread_watch *second = add(2, now + 1 * MS);
    assert_int_equal(list.due_ns, now + 10 * MS);
    assert_int_equal(list.gap_ns, 10 * MS);
    thread_watch_unref(first);
    thread_watch_unref(second);
    assert_false(watch_list_is_needed(&list));
}

static void test_ends(void **state)
{
    (void)state;
    list = (struct watch_list){0};
    struct thread_watch *a = add(1, 1);
    struct thread_watch *b = add(2, 1);
    struct thread_watch *c = add(3, 1);
    watch_list_conclude(&list, 0, 77);
    assert_int_equal(thread_watch_gone(a), 77);
    assert_int_equal(thread_watch_gone(b), 0);
    assert_int_equal(list.count, 2);
    thread_watch_unref(b); /* nobody wants to know any more */
    assert_true(watch_list_is_needed(&list));
    assert_int_equal(list.count, 1);
    assert_ptr_equal(list.items[0], c);
    watch_list_dispose(&list);
    assert_int_equal(thread_watch_gone(c), 0);
    thread_watch_unref(a);
    thread_watch_unref(c);
}

static void test_full(void **state)
{
    struct thread_watch *all[WATCH_MAX];

    (void)state;
    list = (struct watch_list){0};
    for (unsigned i = 0; i < WATCH_MAX; i++) {
        all[i] = add(i + 1, 1);
        assert_non_null(all[i]);
    }
    assert_null(add(WATCH_MAX + 1, 1));
    thread_watch_unref(all[7]);
    assert_true(watch_list_is_needed(&list));
    all[7] = add(WATCH_MAX + 2, 1);
    assert_non_null(all[7]);
    watch_list_dispose(&list);
    for (unsigned i = 0; i < WATCH_MAX; i++)
        thread_watch_unref(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
