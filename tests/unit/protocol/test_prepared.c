/*
 * Prepared statements and query attributes.
 */
#include "check.h"

#include "protocol/capability.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"

#include <stdlib.h>

#define PLAIN CAPABILITY_PROTOCOL_41
#define ATTRIBUTES (PLAIN | CAPABILITY_QUERY_ATTRIBUTES)

static enum parse decode_prepare_ok(struct bytes payload)
{
    struct prepare_ok ok;
    return prepare_ok_decode(payload, PLAIN, &ok);
}

static void prepare_response(void **state)
{
    struct bytes b = from_hex("00 07000000 0200 0300 00 0100");
    struct prepare_ok ok;
    uint8_t buffer[16];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    assert_int_equal(prepare_ok_decode(b, PLAIN, &ok), PARSE_OK);
    assert_int_equal(ok.id, 7);
    assert_int_equal(ok.columns, 2);
    assert_int_equal(ok.parameters, 3);
    assert_int_equal(ok.warnings, 1);
    assert_true(ok.metadata_follows);
    prepare_ok_encode(&w, &ok, PLAIN);
    assert_int_equal(w.size, b.size);
    assert_memory_equal(w.data, b.data, b.size);
    check_prefixes(b, decode_prepare_ok, NULL);

    statement_id_patch(buffer, 0x01020304);
    assert_int_equal(prepare_ok_decode(writer_bytes(&w), PLAIN, &ok), PARSE_OK);
    assert_int_equal(ok.id, 0x01020304);
    free_bytes(b);
}

/* Two parameters with types: a number and a text, of the second statement. */
static const char execute_hex[] = "17 02000000 00 01000000 00 01 0800 fd00"
                                  "0500000000000000 026869";

static enum parse decode_two(struct bytes payload)
{
    struct execute execute;
    return execute_decode(payload, 2, PLAIN, &execute);
}

static void execute_with_its_types(void **state)
{
    struct bytes b = from_hex(execute_hex), slices[EXECUTE_SLICES];
    struct execute execute;

    (void)state;
    assert_int_equal(execute_decode(b, 2, PLAIN, &execute), PARSE_OK);
    assert_int_equal(execute.id, 2);
    assert_true(execute.types_sent);
    assert_int_equal(execute.nulls.size, 1);
    assert_int_equal(execute.head.size, 11);
    assert_int_equal(execute.types.size, 4);
    assert_int_equal(execute.values.size, 11);
    assert_int_equal(execute_with_types(&execute, b, bytes_of(NULL, 0), slices), 1);
    assert_true(bytes_equal(slices[0], b));
    /* From the types' end on, the values may be in packets that have not come yet. */
    size_t also[12] = {0};
    for (size_t i = 0; i < 11; i++)
        also[i] = 16 + i;
    check_prefixes(b, decode_two, also);
    for (size_t size = 0; size < 16; size++)
        assert_int_equal(decode_two(bytes_first(b, size)), PARSE_MORE);
    free_bytes(b);
}

static void execute_without_its_types(void **state)
{
    struct bytes whole = from_hex(execute_hex), slices[EXECUTE_SLICES];
    struct bytes b = from_hex("17 02000000 00 01000000 00 00 0500000000000000 026869");
    struct execute execute;
    uint8_t joined[64];
    size_t size = 0;

    (void)state;
    assert_int_equal(execute_decode(b, 2, PLAIN, &execute), PARSE_OK);
    assert_false(execute.types_sent);
    assert_int_equal(execute.values.size, 11);
    size_t count = execute_with_types(&execute, b, bytes_of("\x08\0\xfd\0", 4), slices);
    assert_int_equal(count, EXECUTE_SLICES);
    for (size_t i = 0; i < count; i++) {
        memcpy(joined + size, slices[i].data, slices[i].size);
        size += slices[i].size;
    }
    assert_int_equal(size, whole.size);
    assert_memory_equal(joined, whole.data, size);
    free_bytes(b);
    free_bytes(whole);
}

static void execute_of_nothing(void **state)
{
    struct bytes b = from_hex("17 02000000 00 01000000"), slices[EXECUTE_SLICES];
    struct execute execute;

    (void)state;
    assert_int_equal(execute_decode(b, 0, PLAIN, &execute), PARSE_OK);
    assert_int_equal(execute.head.size, b.size);
    assert_int_equal(execute_with_types(&execute, b, bytes_of(NULL, 0), slices), 1);
    assert_int_equal(execute_decode(b, 1, PLAIN, &execute), PARSE_MORE);
    free_bytes(b);
}

static enum parse decode_named(struct bytes payload)
{
    struct execute execute;
    return execute_decode(payload, 1, ATTRIBUTES, &execute);
}

static void execute_with_attributes(void **state)
{
    struct bytes b = from_hex("17 02000000 08 01000000 02 00 01 0100 00 fe00 036b6579"
                              "05 027534");
    struct execute execute;

    (void)state;
    assert_int_equal(execute_decode(b, 1, ATTRIBUTES, &execute), PARSE_OK);
    assert_int_equal(execute.parameters, 2);
    assert_int_equal(execute.types.size, 9);
    assert_int_equal(execute.values.size, 4);
    check_prefixes(b, decode_named, (const size_t[]){22, 23, 24, 25, 0});
    free_bytes(b);

    /* Attributes alone, for a statement without parameters; and the flag not set. */
    b = from_hex("17 02000000 08 01000000 01 00 01 0100 016b 05");
    assert_int_equal(execute_decode(b, 0, ATTRIBUTES, &execute), PARSE_OK);
    assert_int_equal(execute.parameters, 1);
    free_bytes(b);
    b = from_hex("17 02000000 00 01000000");
    assert_int_equal(execute_decode(b, 0, ATTRIBUTES, &execute), PARSE_OK);
    assert_int_equal(execute.parameters, 0);
    free_bytes(b);
}

static void execute_refused(void **state)
{
    static const char *const rows[] = {
        "18 02000000 00 01000000",                         /* another command */
        "17 02000000 00 01000000 00 02 0800 fd00",         /* "types follow" is 2 */
        "17 02000000 08 01000000 fd000001 00 01",          /* 65536 parameters */
        "17 02000000 08 01000000 feffffffffffffffff 00 01" /* 2^64 - 1 */
    };
    struct execute execute;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i]);
        assert_int_equal(execute_decode(b, 2, i < 2 ? PLAIN : ATTRIBUTES, &execute), PARSE_BAD);
        free_bytes(b);
    }
}

static void query_plain(void **state)
{
    struct query query;

    (void)state;
    assert_int_equal(query_decode(bytes_of_text("\3SELECT 1"), PLAIN, &query), PARSE_OK);
    check_bytes(query.text, "SELECT 1");
    assert_int_equal(query.prefix.size, 0);
    assert_int_equal(query_decode(bytes_of_text("\3"), PLAIN, &query), PARSE_OK);
    assert_int_equal(query.text.size, 0);
    assert_int_equal(query_decode(bytes_of("", 0), PLAIN, &query), PARSE_MORE);
    assert_int_equal(query_decode(bytes_of_text("\4t"), PLAIN, &query), PARSE_BAD);
}

static enum parse decode_query(struct bytes payload)
{
    struct query query;
    return query_decode(payload, ATTRIBUTES, &query);
}

/* One of every size of value, and one NULL. */
static void query_with_attributes(void **state)
{
    struct bytes b =
        from_hex("03 07 01 40 01"
                 "0180 0161 0200 0162 0300 0163 0800 0164 0c00 0165 fe00 0166 fe00 0167"
                 "ff 0200 03000000 0400000000000000 04e8070101 0378797a"
                 "444f2031");
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    static const size_t sizes[] = {1, 2, 4, 8, 4, 3, 0};
    struct query query;
    struct parameter p;

    (void)state;
    assert_int_equal(query_decode(b, ATTRIBUTES, &query), PARSE_OK);
    check_bytes(query.text, "DO 1");
    assert_int_equal(query.attributes, 7);
    assert_int_equal(query.prefix.size, b.size - 5);

    struct parameter_reader r = query_attributes(&query);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_true(parameter_next(&r, &p));
        check_bytes(p.name, names[i]);
        assert_int_equal(p.value.size, sizes[i]);
        assert_int_equal(p.is_null, i == 6);
        assert_int_equal(p.is_unsigned, i == 0);
    }
    assert_false(parameter_next(&r, &p));
    assert_false(r.values.failed);
    assert_true(reader_is_done(&r.values));

    check_prefixes(b, decode_query,
                   (const size_t[]){b.size - 4, b.size - 3, b.size - 2, b.size - 1, 0});
    free_bytes(b);
}

/* Where the proxy and MySQL could differ on where the text begins, the packet is bad. */
static void query_with_odd_attributes(void **state)
{
    static const char *const packets[] = {
        "03 01 01 00 01 0900 016e 0f787878 444f2031", /* INT24 */
        "03 01 01 00 01 0d00 016e 0f78 444f2031",     /* YEAR */
        "03 01 01 00 01 0600 016e 444f2031",          /* NULL that says it is not */
        "03 01 01 00 01 f400 016e 01 444f2031",       /* BOOL */
        "03 01 01 00 00 0300 016e 01000000 444f2031", /* no types */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(packets); i++) {
        struct bytes b = from_hex(packets[i]);
        struct query query;

        assert_int_equal(query_decode(b, ATTRIBUTES, &query), PARSE_BAD);
        free_bytes(b);
    }
}

static void query_with_no_attributes(void **state)
{
    struct query query;

    (void)state;
    assert_int_equal(query_decode(bytes_of("\3\0\1DO 1", 7), ATTRIBUTES, &query), PARSE_OK);
    check_bytes(query.text, "DO 1");
    assert_int_equal(query.prefix.size, 2);
    assert_int_equal(query_decode(bytes_of("\3\0\2DO 1", 7), ATTRIBUTES, &query), PARSE_BAD);
    assert_int_equal(query_decode(bytes_of("\3\xfd\0\0\1\1", 6), ATTRIBUTES, &query), PARSE_BAD);
}

static void small_packets(void **state)
{
    uint32_t id, rows;
    uint16_t parameter;
    struct bytes data;

    (void)state;
    assert_int_equal(fetch_decode(bytes_of("\x1c\1\0\0\0\5\0\0\0", 9), &id, &rows), PARSE_OK);
    assert_int_equal(id, 1);
    assert_int_equal(rows, 5);
    assert_int_equal(fetch_decode(bytes_of("\x1c\1\0\0\0\5\0\0", 8), &id, &rows), PARSE_BAD);
    assert_int_equal(long_data_decode(bytes_of("\x18\2\0\0\0\1\0xyz", 10), &id, &parameter, &data),
                     PARSE_OK);
    assert_int_equal(id, 2);
    assert_int_equal(parameter, 1);
    check_bytes(data, "xyz");
    for (size_t size = 0; size < 7; size++)
        assert_int_equal(
            long_data_decode(bytes_of("\x18\2\0\0\0\1\0xyz", size), &id, &parameter, &data),
            PARSE_BAD);
    for (size_t size = 0; size < 5; size++)
        assert_int_equal(statement_id_read(bytes_of("\x19\7\0\0\0", size), &id), PARSE_MORE);
    assert_int_equal(statement_id_read(bytes_of("\x19\7\0\0\0", 5), &id), PARSE_OK);
    assert_int_equal(id, 7);
}

/* A text of the proxy's own needs the two bytes that say there are no attributes. */
static void test_query_begin(void **state)
{
    uint8_t memory[16];
    struct writer w = writer_over(memory, sizeof memory);
    struct query query;

    (void)state;
    query_begin(&w, PLAIN);
    assert_int_equal(w.size, 1);
    writer_clear(&w);
    query_begin(&w, ATTRIBUTES);
    write_bytes(&w, bytes_of_text("DO 1"));
    assert_int_equal(query_decode(writer_bytes(&w), ATTRIBUTES, &query), PARSE_OK);
    assert_int_equal(query.attributes, 0);
    check_bytes(query.text, "DO 1");
}

/* Of remembered types those of the statement's own parameters, which come first. */
static void test_types_first(void **state)
{
    static const uint8_t named[] = {8, 0, 0, 254, 0, 1, 'n'}, plain[] = {8, 0, 254, 0};

    (void)state;
    for (unsigned count = 0; count < 4; count++) {
        size_t of_named = execute_types_first(bytes_of(named, 7), count, ATTRIBUTES).size;
        size_t of_plain = execute_types_first(bytes_of(plain, 4), count, PLAIN).size;

        assert_int_equal(of_named, count == 1 ? 3 : count == 2 ? 7 : 0);
        assert_int_equal(of_plain, count < 3 ? 2 * count : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare_response),
        cmocka_unit_test(execute_with_its_types),
        cmocka_unit_test(execute_without_its_types),
        cmocka_unit_test(execute_of_nothing),
        cmocka_unit_test(execute_with_attributes),
        cmocka_unit_test(execute_refused),
        cmocka_unit_test(query_plain),
        cmocka_unit_test(query_with_attributes),
        cmocka_unit_test(query_with_odd_attributes),
        cmocka_unit_test(query_with_no_attributes),
        cmocka_unit_test(small_packets),
        cmocka_unit_test(test_query_begin),
        cmocka_unit_test(test_types_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
