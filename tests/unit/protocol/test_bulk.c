/*
 * Executions in bulk: layouts in protocol/bulk.h.
 */
#include "check.h"

#include "protocol/bulk.h"
#include "protocol/capability.h"
#include "protocol/result_set.h"

/* Two parameters, a number and a text; rows (5, "hi"), (NULL, DEFAULT). */
#define HEAD "fa 02000000"
#define TYPES "0880 fd00"
#define ROWS "00 0500000000000000 00 026869 01 02"

static enum parse decode_two(struct bytes payload)
{
    struct bulk bulk;
    return bulk_decode(payload, 2, &bulk);
}

static void bulk_with_its_types(void **state)
{
    struct bytes b = from_hex(HEAD "8000" TYPES ROWS);
    struct bulk bulk;

    (void)state;
    assert_int_equal(bulk_decode(b, 2, &bulk), PARSE_OK);
    assert_int_equal(bulk.id, 2);
    assert_int_equal(bulk.flags, BULK_TYPES_SENT);
    assert_int_equal(bulk.types.size, 4);
    assert_int_equal(bulk.values.size, 15);
    for (size_t size = 0; size < BULK_HEAD_SIZE + 4; size++)
        assert_int_equal(bulk_decode(bytes_first(b, size), 2, &bulk), PARSE_MORE);
    /* The rows may be cut anywhere: they are not looked at. */
    for (size_t size = BULK_HEAD_SIZE + 4; size <= b.size; size++)
        assert_int_equal(decode_two(bytes_first(b, size)), PARSE_OK);
    free_bytes(b);
    b = from_hex("17 02000000 8000");
    assert_int_equal(decode_two(b), PARSE_BAD);
    free_bytes(b);
}

static void bulk_without_types(void **state)
{
    struct bytes b = from_hex(HEAD "4000" ROWS), again = from_hex(HEAD "c000");
    uint8_t space[BULK_HEAD_SIZE];
    struct writer w = writer_over(space, sizeof space);
    struct bulk bulk;

    (void)state;
    assert_int_equal(bulk_decode(b, 2, &bulk), PARSE_OK);
    assert_int_equal(bulk.types.size, 0);
    assert_int_equal(bulk.values.size, 15);
    bulk_head_encode(&w, &bulk);
    assert_false(w.failed);
    assert_int_equal(w.size, again.size);
    assert_memory_equal(space, again.data, again.size);
    free_bytes(b);
    free_bytes(again);
}

static void parameters_of_all_rows(void **state)
{
    struct bytes b = from_hex(HEAD "0000" ROWS), types = from_hex(TYPES);
    struct bulk_reader r;
    struct parameter p;
    struct bulk bulk;

    (void)state;
    assert_int_equal(bulk_decode(b, 2, &bulk), PARSE_OK);
    r = bulk_parameters(&bulk, types);
    assert_true(bulk_next(&r, &p));
    assert_int_equal(p.type, COLUMN_LONGLONG);
    assert_true(p.is_unsigned);
    assert_false(p.is_null);
    assert_int_equal(p.value.data[0], 5);
    assert_int_equal(p.value.size, 8);
    assert_true(bulk_next(&r, &p));
    assert_int_equal(p.type, COLUMN_VAR_STRING);
    assert_true(bytes_equal_text(p.value, "hi"));
    assert_false(p.is_unsigned);
    assert_true(bulk_next(&r, &p) && p.is_null && p.type == COLUMN_LONGLONG);
    assert_false(bulk_is_read(&r));
    assert_true(bulk_next(&r, &p) && p.is_null && p.type == COLUMN_VAR_STRING);
    assert_false(bulk_next(&r, &p));
    assert_true(bulk_is_read(&r));
    free_bytes(b);
    free_bytes(types);
}

/* How far the rows can be read, and whether they were whole. */
static const struct {
    const char *rows;
    unsigned parameters;
    bool whole;
} rows[] = {
    {"", 0, true},
    {"01", 1, false},
    {"01 03", 2, true},
    {"01 04", 1, false},
    {"00 05000000", 0, false},
    {"01 00 03 6869", 1, false},
    {"01 00 fe ffffffffffffffff", 1, false},
};

static void malformed_rows(void **state)
{
    struct bytes types = from_hex(TYPES);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes values = from_hex(rows[i].rows);
        struct bulk bulk = {.parameters = 2, .values = values};
        struct bulk_reader r = bulk_parameters(&bulk, types);
        struct parameter p;
        unsigned seen = 0;

        while (bulk_next(&r, &p))
            seen++;
        assert_int_equal(seen, rows[i].parameters);
        assert_int_equal(bulk_is_read(&r), rows[i].whole);
        /* Types that were never sent end it as well. */
        r = bulk_parameters(&bulk, bytes_of(NULL, 0));
        assert_false(bulk_next(&r, &p));
        free_bytes(values);
    }
    free_bytes(types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_with_its_types),
        cmocka_unit_test(bulk_without_types),
        cmocka_unit_test(parameters_of_all_rows),
        cmocka_unit_test(malformed_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
