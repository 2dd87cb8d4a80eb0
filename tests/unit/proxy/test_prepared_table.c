/*
 * A session's statements by their ids.
 */
#include "proxy/client/prepared_table.h"

#include "proxy/backend/prepared_cache.h"
#include "proxy/client/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

static struct environment_store *environments;
static struct prepared_store *store;
static const struct environment *blank;

static int begin(void **state)
{
    (void)state;
    environments = environment_store_new();
    store = prepared_store_new();
    blank = environment_blank(environments);
    return 0;
}

/* The stores assert that nobody holds a reference any more. */
static int end(void **state)
{
    (void)state;
    prepared_store_free(store);
    environment_unref(blank);
    environment_store_free(environments);
    return 0;
}

static struct prepared *add(struct prepared_table **table, const char *sql, unsigned pins)
{
    struct statement statement = {.class = STATEMENT_READ, .pins = pins};

    return prepared_table_add(table, prepared_text_of(store, bytes_of_text(sql), blank),
                              &statement);
}

static void ids_begin_at_one_and_are_not_used_again(void **state)
{
    struct prepared_table *table = NULL;
    struct prepared *one;

    (void)state;
    assert_null(prepared_table_find(table, 1));
    one = add(&table, "SELECT 1", 3);
    assert_int_equal(one->id, 1);
    assert_int_equal(add(&table, "SELECT 1", 0)->id, 2);
    assert_ptr_equal(prepared_table_find(table, 1), one);
    assert_int_equal(one->statement->pins, 3); /* a copy of its own */
    assert_true(bytes_equal_text(prepared_text_sql(one->text), "SELECT 1"));
    prepared_table_remove(table, one);
    assert_null(prepared_table_find(table, 1));
    assert_int_equal(add(&table, "SELECT 3", 0)->id, 3);
    assert_null(prepared_table_find(table, 0));
    assert_null(prepared_table_find(table, 4));
    prepared_table_free(table);
    prepared_table_free(NULL);
}

static void types_are_remembered(void **state)
{
    struct prepared_table *table = NULL;
    struct prepared *prepared = add(&table, "SELECT ?", 0);
    char types[] = "\x08\x00\xfd\x00";

    (void)state;
    assert_int_equal(prepared->types_size, 0);
    prepared_set_types(prepared, bytes_of(types, 2));
    types[0] = 1; /* a copy was taken */
    assert_memory_equal(prepared->types, "\x08\x00", 2);
    prepared_set_types(prepared, bytes_of(types, 4));
    assert_int_equal(prepared->types_size, 4);
    assert_memory_equal(prepared->types, "\x01\x00\xfd\x00", 4);
    types[2] = 3;
    prepared_set_types(prepared, bytes_of(types, 4));
    assert_memory_equal(prepared->types, "\x01\x00\x03\x00", 4);
    prepared_table_free(table);
}

static void there_may_be_so_many(void **state)
{
    struct prepared_table *table = NULL;

    (void)state;
    for (unsigned i = 0; i < PREPARED_PER_SESSION; i++) {
        assert_false(prepared_table_is_full(table, 8));
        assert_non_null(add(&table, "SELECT 1", 0));
    }
    assert_true(prepared_table_is_full(table, 8));
    assert_null(add(&table, "SELECT 1", 0)); /* and the reference was given back */
    prepared_table_remove(table, prepared_table_find(table, 7));
    assert_int_equal(add(&table, "SELECT 1", 0)->id, PREPARED_PER_SESSION + 1);
    prepared_table_free(table);
}

static void text_is_limited_in_all(void **state)
{
    struct prepared_table *table = NULL;

    (void)state;
    assert_false(prepared_table_is_full(table, 100));
    assert_non_null(add(&table, "SELECT 1", 0));
    assert_false(prepared_table_is_full(table, PREPARED_BYTES_PER_SESSION - 8));
    assert_true(prepared_table_is_full(table, PREPARED_BYTES_PER_SESSION - 7));
    prepared_table_remove(table, prepared_table_find(table, 1));
    assert_false(prepared_table_is_full(table, PREPARED_BYTES_PER_SESSION));
    prepared_table_free(table);
}

static void last_one_has_a_name(void **state)
{
    struct prepared_table *table = NULL;
    struct prepared *one;

    (void)state;
    assert_null(prepared_table_find(table, PREPARED_LAST_ID));
    one = add(&table, "SELECT 1", 0);
    assert_ptr_equal(prepared_table_find(table, PREPARED_LAST_ID), one);
    one = add(&table, "SELECT 2", 0);
    assert_ptr_equal(prepared_table_find(table, PREPARED_LAST_ID), one);
    prepared_table_forget_last(table);
    assert_null(prepared_table_find(table, PREPARED_LAST_ID));
    one = add(&table, "SELECT 3", 0);
    prepared_table_remove(table, one);
    assert_null(prepared_table_find(table, PREPARED_LAST_ID));
    prepared_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_begin_at_one_and_are_not_used_again, begin, end),
        cmocka_unit_test_setup_teardown(types_are_remembered, begin, end),
        cmocka_unit_test_setup_teardown(there_may_be_so_many, begin, end),
        cmocka_unit_test_setup_teardown(text_is_limited_in_all, begin, end),
        cmocka_unit_test_setup_teardown(last_one_has_a_name, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
