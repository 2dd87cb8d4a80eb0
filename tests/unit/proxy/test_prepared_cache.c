/*
 * Which statements a server connection knows: a text prepared in an environment, interned, and the
 * oldest given up when there are too many.
 */
#include "proxy/backend/prepared_cache.h"

#include "proxy/client/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

struct fixture {
    struct environment_store *environments;
    struct prepared_store *store;
    const struct environment *blank, *shop;
};

static void begin(struct fixture *f)
{
    f->environments = environment_store_new();
    f->store = prepared_store_new();
    f->blank = environment_blank(f->environments);
    f->shop = environment_with_schema(f->environments, f->blank, bytes_of_text("shop"));
}

static void end(struct fixture *f)
{
    prepared_store_free(f->store);
    environment_unref(f->blank);
    environment_unref(f->shop);
    assert_int_equal(environment_store_count(f->environments), 1);
    environment_store_free(f->environments);
}

static struct prepared_text *text_of(struct fixture *f, unsigned number)
{
    char sql[40];

    snprintf(sql, sizeof sql, "SELECT %u", number);
    return prepared_text_of(f->store, bytes_of_text(sql), f->blank);
}

static void same_text_and_environment_are_one(void **state)
{
    struct fixture f;
    struct prepared_text *one;
    struct prepared_text *two;
    struct prepared_text *other_text;
    struct prepared_text *other_schema;

    (void)state;
    begin(&f);
    one = prepared_text_of(f.store, bytes_of_text("SELECT ?"), f.blank);
    two = prepared_text_of(f.store, bytes_of_text("SELECT ?"), f.blank);
    other_text = prepared_text_of(f.store, bytes_of_text("SELECT ? "), f.blank);
    other_schema = prepared_text_of(f.store, bytes_of_text("SELECT ?"), f.shop);
    assert_ptr_equal(one, two);
    assert_ptr_not_equal(one, other_text);
    assert_ptr_not_equal(one, other_schema);
    assert_true(bytes_equal_text(prepared_text_sql(one), "SELECT ?"));
    assert_ptr_equal(prepared_text_environment(other_schema), f.shop);
    prepared_text_unref(one);
    assert_ptr_equal(prepared_text_ref(two), one); /* still there: it had two references */
    prepared_text_unref(two);
    prepared_text_unref(two);
    prepared_text_unref(other_text);
    prepared_text_unref(other_schema);
    prepared_text_unref(NULL);
    end(&f);
}

static void empty_text_is_a_text(void **state)
{
    struct fixture f;
    struct prepared_text *empty;

    (void)state;
    begin(&f);
    empty = prepared_text_of(f.store, bytes_of("", 0), f.blank);
    assert_int_equal(prepared_text_sql(empty).size, 0);
    prepared_text_unref(empty);
    end(&f);
}

static void connection_remembers_and_forgets(void **state)
{
    struct fixture f;
    struct prepared_cache *cache = prepared_cache_new();
    struct prepared_text *one;
    struct prepared_text *two;
    uint32_t id = 0;
    uint32_t evicted = 0;

    (void)state;
    begin(&f);
    one = text_of(&f, 1);
    two = text_of(&f, 2);
    assert_false(prepared_cache_find(cache, one, &id));
    assert_false(prepared_cache_add(cache, one, 11, &evicted));
    assert_false(prepared_cache_add(cache, two, 12, &evicted));
    assert_true(prepared_cache_find(cache, one, &id));
    assert_int_equal(id, 11);
    assert_int_equal(prepared_cache_count(cache), 2);
    /* Prepared a second time: the older id has to be closed. */
    assert_true(prepared_cache_add(cache, one, 13, &evicted));
    assert_int_equal(evicted, 11);
    assert_true(prepared_cache_find(cache, one, &id));
    assert_int_equal(id, 13);
    prepared_cache_remove(cache, one);
    prepared_cache_remove(cache, one);
    assert_false(prepared_cache_find(cache, one, &id));
    prepared_cache_clear(cache);
    assert_int_equal(prepared_cache_count(cache), 0);
    assert_false(prepared_cache_find(cache, two, &id));
    prepared_text_unref(one);
    prepared_text_unref(two);
    prepared_cache_free(cache);
    prepared_cache_free(NULL);
    end(&f);
}

/* The cache holds references of its own. */
static void cache_outlives_the_session(void **state)
{
    struct fixture f;
    struct prepared_cache *cache = prepared_cache_new();
    struct prepared_text *text;
    struct prepared_text *again;
    uint32_t id;
    uint32_t evicted;

    (void)state;
    begin(&f);
    text = text_of(&f, 1);
    assert_false(prepared_cache_add(cache, text, 5, &evicted));
    prepared_text_unref(text);
    again = text_of(&f, 1);
    assert_true(prepared_cache_find(cache, again, &id));
    assert_int_equal(id, 5);
    prepared_text_unref(again);
    prepared_cache_free(cache);
    end(&f);
}

static void least_recently_used_is_given_up(void **state)
{
    struct fixture f;
    struct prepared_cache *cache = prepared_cache_new();
    struct prepared_text *texts[PREPARED_PER_CONNECTION + 2];
    uint32_t id;
    uint32_t evicted;

    (void)state;
    begin(&f);
    for (unsigned i = 0; i < PREPARED_PER_CONNECTION + 2; i++) {
        texts[i] = text_of(&f, i);
    }
    for (unsigned i = 0; i < PREPARED_PER_CONNECTION; i++) {
        assert_false(prepared_cache_add(cache, texts[i], i + 1, &evicted));
    }
    /* The first was used just now: the second goes. */
    assert_true(prepared_cache_find(cache, texts[0], &id));
    assert_true(prepared_cache_add(cache, texts[PREPARED_PER_CONNECTION], 1000, &evicted));
    assert_int_equal(evicted, 2);
    assert_true(prepared_cache_add(cache, texts[PREPARED_PER_CONNECTION + 1], 1001, &evicted));
    assert_int_equal(evicted, 3);
    assert_true(prepared_cache_find(cache, texts[0], &id));
    assert_false(prepared_cache_find(cache, texts[1], &id));
    assert_int_equal(prepared_cache_count(cache), PREPARED_PER_CONNECTION);
    for (unsigned i = 0; i < PREPARED_PER_CONNECTION + 2; i++) {
        prepared_text_unref(texts[i]);
    }
    prepared_cache_free(cache);
    end(&f);
}

/* What lives with a private statement on its connection must not meet another of the same text. */
static void private_statements_are_shared_with_nobody(void **state)
{
    struct fixture f;
    struct prepared_cache *cache = prepared_cache_new();
    struct prepared_text *shared;
    struct prepared_text *one;
    struct prepared_text *two;
    uint32_t id;
    uint32_t evicted;

    (void)state;
    begin(&f);
    shared = text_of(&f, 1);
    one = prepared_text_private(shared);
    two = prepared_text_private(shared);
    assert_false(prepared_text_is_private(shared));
    assert_true(prepared_text_is_private(one));
    assert_ptr_not_equal(one, two);
    assert_true(bytes_equal(prepared_text_sql(one), prepared_text_sql(shared)));
    assert_ptr_equal(prepared_text_environment(one), f.blank);
    assert_false(prepared_cache_add(cache, shared, 1, &evicted));
    assert_false(prepared_cache_find(cache, one, &id));
    assert_false(prepared_cache_add(cache, one, 2, &evicted));
    assert_false(prepared_cache_add(cache, two, 3, &evicted));
    assert_true(prepared_cache_find(cache, one, &id));
    assert_int_equal(id, 2);
    prepared_text_unref(shared); /* the private ones live on without it */
    prepared_cache_remove(cache, one);
    assert_false(prepared_cache_find(cache, one, &id));
    prepared_text_unref(one);
    prepared_text_unref(two);
    prepared_cache_free(cache);
    end(&f);
}

/* ... and is not given up while its session has it. */
static void private_statements_are_not_given_up(void **state)
{
    struct fixture f;
    struct prepared_cache *cache = prepared_cache_new();
    struct prepared_text *shared;
    struct prepared_text *own;
    uint32_t id;
    uint32_t evicted = 0;

    (void)state;
    begin(&f);
    shared = text_of(&f, 0);
    own = prepared_text_private(shared);
    prepared_text_unref(shared);
    assert_false(prepared_cache_add(cache, own, 1000, &evicted));
    for (unsigned i = 0; i < 2 * PREPARED_PER_CONNECTION; i++) {
        struct prepared_text *text = text_of(&f, i);

        if (prepared_cache_add(cache, text, i + 1, &evicted)) {
            assert_int_not_equal(evicted, 1000);
        }
        prepared_text_unref(text);
    }
    assert_true(prepared_cache_find(cache, own, &id));
    assert_int_equal(id, 1000);
    prepared_text_unref(own);
    prepared_cache_free(cache);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_text_and_environment_are_one),
        cmocka_unit_test(empty_text_is_a_text),
        cmocka_unit_test(connection_remembers_and_forgets),
        cmocka_unit_test(cache_outlives_the_session),
        cmocka_unit_test(least_recently_used_is_given_up),
        cmocka_unit_test(private_statements_are_shared_with_nobody),
        cmocka_unit_test(private_statements_are_not_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
