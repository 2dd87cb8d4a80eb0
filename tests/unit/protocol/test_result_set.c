/*
 * Result sets of our own, read back by the response machine: it must find their end where it is.
 */
#include "check.h"
#include "trace.h"

#include "protocol/capability.h"
#include "protocol/result_set.h"
#include "protocol/error.h"

static const struct column columns[] = {
    {.name = {(const uint8_t *)"id", 2}, .type = COLUMN_LONGLONG, .is_unsigned = true},
    {.name = {(const uint8_t *)"name", 4}, .type = COLUMN_VAR_STRING},
};

static void two_rows(struct writer *w, uint64_t capabilities)
{
    struct result_set set = result_set_begin(w, capabilities, 1, columns, COUNT(columns));

    result_set_row(&set, (const struct bytes[]){bytes_of_text("1"), bytes_of_text("one")});
    result_set_row(&set, (const struct bytes[]){bytes_of_text("2"), bytes_of(NULL, 0)});
    result_set_end(&set, STATUS_AUTOCOMMIT, 0);
}

static void in_every_dialect(void **state)
{
    static const struct {
        uint64_t capabilities;
        const char *trace;
    } rows[] = {
        {0, "pass:63 eof:9 pass:17 eof:9 rows=2 sets=1 status=2"},
        {CAPABILITY_DEPRECATE_EOF, "pass:80 ok:11 rows=2 sets=1 status=2"},
        {CAPABILITY_DEPRECATE_EOF | CAPABILITY_SESSION_TRACK,
         "pass:80 ok:11 rows=2 sets=1 status=2"},
        {CAPABILITY_DEPRECATE_EOF | CAPABILITY_OPTIONAL_METADATA,
         "pass:81 ok:11 rows=2 sets=1 status=2"},
        {CAPABILITY_DEPRECATE_EOF | CAPABILITY_MARIADB_EXTENDED_METADATA,
         "pass:82 ok:11 rows=2 sets=1 status=2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer w = writer_growing(4096);
        char trace[TRACE_SIZE];

        two_rows(&w, rows[i].capabilities);
        assert_false(w.failed);
        trace_response(COMMAND_QUERY, rows[i].capabilities, writer_bytes(&w), SIZE_MAX, trace);
        assert_string_equal(trace, rows[i].trace);
        writer_dispose(&w);
    }
}

static void ends_with_an_error(void **state)
{
    struct sql_error error = error_make(ERROR_QUERY_INTERRUPTED, "interrupted");
    uint8_t buffer[256];
    struct writer w = writer_over(buffer, sizeof buffer);
    struct result_set set = result_set_begin(&w, CAPABILITY_PROTOCOL_41, 5, columns, 1);
    char trace[TRACE_SIZE];

    (void)state;
    result_set_fail(&set, &error);
    assert_int_equal(buffer[3], 5);
    assert_int_equal(set.sequence, 9);
    for (unsigned i = 0, at = 0; i < 4; i++, at += 4u + buffer[at])
        buffer[at + 3] = (uint8_t)(1 + i);
    trace_response(COMMAND_QUERY, CAPABILITY_PROTOCOL_41, writer_bytes(&w), 0, trace);
    assert_string_equal(trace, "pass:33 eof:9 error:24 rows=0 sets=1 status=2");
}

/* The same values in text and in the binary protocol, byte by byte. */
static void typed_values(void **state)
{
    static const uint8_t text[] = {8, 0, 0, 1, 2, '-', '7', 3, '2', '.', '5', 0xfb};
    static const uint8_t binary[] = {18,   0,    0,    1, 0, 0x10, 0xf9, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0, 0, 0,    0,    0,    0,    4,    0x40};
    static const struct result_value values[] = {
        {.kind = RESULT_INTEGER, .integer = -7},
        {.kind = RESULT_REAL, .real = 2.5},
        {.kind = RESULT_NULL},
    };
    uint8_t buffer[64];
    struct writer w = writer_over(buffer, sizeof buffer);
    struct result_set set = {.out = &w, .columns = COUNT(values), .sequence = 1};

    (void)state;
    result_set_values(&set, values, false);
    assert_int_equal(w.size, sizeof text);
    assert_memory_equal(buffer, text, sizeof text);
    writer_clear(&w);
    set.sequence = 1;
    result_set_values(&set, values, true);
    assert_int_equal(w.size, sizeof binary);
    assert_memory_equal(buffer, binary, sizeof binary);
}

static void does_not_fit(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 98; capacity++) {
        struct writer w = writer_growing(capacity);
        two_rows(&w, 0);
        assert_true(w.failed);
        writer_dispose(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_every_dialect),
        cmocka_unit_test(ends_with_an_error),
        cmocka_unit_test(typed_values),
        cmocka_unit_test(does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
