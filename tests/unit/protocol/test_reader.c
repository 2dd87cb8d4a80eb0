/*
 * Integers and strings: every width, every form of length encoding, and what is cut short.
 */
#include "check.h"

static void integers(void **state)
{
    (void)state;
    struct bytes b = from_hex("01 0302 060504 0a090807 1211100f0e0d0c0b");
    struct reader r = reader_over(b);

    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u24(&r), 0x040506);
    assert_int_equal(read_u32(&r), 0x0708090a);
    assert_true(read_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
    assert_true(reader_is_done(&r));
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.failed);
    free_bytes(b);
}

static void length_encoded(void **state)
{
    static const struct {
        const char *hex;
        uint64_t value;
        bool fails;
    } rows[] = {
        {"00", 0, false},
        {"fa", 250, false},
        {"fb", 0, true}, /* NULL */
        {"fcfb00", 251, false},
        {"fcffff", 65535, false},
        {"fc01", 0, true},
        {"fd000001", 65536, false},
        {"fdffffff", 0xffffff, false},
        {"fdffff", 0, true},
        {"fe0000000100000000", 0x1000000, false},
        {"feffffffffffffffff", UINT64_MAX, false},
        {"feffffff", 0, true},
        {"ff", 0, true}, /* ERR */
        {"", 0, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i].hex);
        struct bytes exact = exact_copy(b);
        struct reader r = reader_over(exact);

        assert_true(read_lenenc(&r) == rows[i].value);
        assert_int_equal(r.failed, rows[i].fails);
        free_bytes(exact);
        free_bytes(b);
    }
}

static void strings(void **state)
{
    (void)state;
    struct bytes b = from_hex("03616263 00 646500 fb 6667");
    struct bytes exact = exact_copy(b);
    struct reader r = reader_over(exact);

    check_bytes(read_lenenc_bytes(&r), "abc");
    struct bytes empty = read_lenenc_bytes_or_null(&r);
    assert_int_equal(empty.size, 0);
    assert_non_null(empty.data);
    check_bytes(read_nul_text(&r), "de");
    assert_null(read_lenenc_bytes_or_null(&r).data);
    check_bytes(read_rest(&r), "fg");
    check_bytes(read_rest(&r), "");
    assert_false(r.failed);
    read_nul_text(&r);
    assert_true(r.failed);
    free_bytes(exact);
    free_bytes(b);
}

/* Lengths beyond the end, up to those that would wrap a pointer around. */
static void lies_about_length(void **state)
{
    static const char *const rows[] = {"02 61", "fc ffff 61", "fd ffffff 61",
                                       "fe ffffffffffffffff 61", "fe f8ffffffffffffff 61"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i]);
        struct bytes exact = exact_copy(b);
        struct reader r = reader_over(exact);

        assert_int_equal(read_lenenc_bytes(&r).size, 0);
        assert_true(r.failed);
        assert_int_equal(read_rest(&r).size, 0);
        free_bytes(exact);
        free_bytes(b);
    }
}

static void an_empty_slice(void **state)
{
    (void)state;
    struct reader r = reader_over(bytes_of(NULL, 0));

    assert_int_equal(read_rest(&r).size, 0);
    assert_int_equal(reader_peek(&r), 0);
    assert_true(reader_is_done(&r));
    read_u64(&r);
    assert_true(r.failed);
}

static void text_out_of_bytes(void **state)
{
    char text[4];

    (void)state;
    assert_true(bytes_to_text(bytes_of_text("abc"), text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(bytes_to_text(bytes_of_text("abcd"), text, sizeof text));
    assert_string_equal(text, "");
    assert_false(bytes_to_text(bytes_of("a\0b", 3), text, sizeof text));
    assert_true(bytes_equal_text_nocase(bytes_of_text("AbC"), "aBc"));
    assert_false(bytes_equal_nocase(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
    assert_int_equal(bytes_after(bytes_of_text("ab"), 3).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),       cmocka_unit_test(length_encoded),
        cmocka_unit_test(strings),        cmocka_unit_test(lies_about_length),
        cmocka_unit_test(an_empty_slice), cmocka_unit_test(text_out_of_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
