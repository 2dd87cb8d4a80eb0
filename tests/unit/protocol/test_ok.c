/*
 * OK, EOF and ERR packets and session trackers.
 */
#include "check.h"

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/error.h"
#include "protocol/ok.h"

#include <stdio.h>

#define TRACK (CAPABILITY_PROTOCOL_41 | CAPABILITY_SESSION_TRACK)
#define PLAIN CAPABILITY_PROTOCOL_41

/* Every kind of tracker, and one that is not known. */
static const char all_trackers[] = "00 0f 0a6175746f636f6d6d6974 034f4646"
                                   "01 05 0474657374"
                                   "02 01 31"
                                   "03 0b 00 09757569643a312d3330"
                                   "04 13 1253544152542054 52414e53414354494f4e3b"
                                   "05 09 08545f5f5f575f535f"
                                   "0c 02 6162";

static enum parse decode_tracked(struct bytes payload)
{
    struct ok_packet ok;
    return ok_decode(payload, TRACK, &ok);
}

static void fields(void **state)
{
    struct bytes b = from_hex("00 fcff00 fd000001 0240 0700 03616263 03 020131");
    struct ok_packet ok;

    (void)state;
    assert_int_equal(ok_decode(b, TRACK, &ok), PARSE_OK);
    assert_true(ok.affected_rows == 255);
    assert_true(ok.insert_id == 65536);
    assert_int_equal(ok.status, STATUS_AUTOCOMMIT | STATUS_SESSION_STATE_CHANGED);
    assert_int_equal(ok.warnings, 7);
    check_bytes(ok.info, "abc");
    assert_int_equal(ok.trackers.size, 3);
    /* Servers leave info and trackers out when they are empty. */
    check_prefixes(b, decode_tracked, (const size_t[]){12, 16, 0});

    /* Without SESSION_TRACK the info has its length too, as servers write it, and no block. */
    assert_int_equal(ok_decode(b, PLAIN, &ok), PARSE_OK);
    check_bytes(ok.info, "abc");
    assert_int_equal(ok.trackers.size, 0);
    free_bytes(b);
}

static void not_an_ok(void **state)
{
    static const char *const rows[] = {
        "", "00", "01000002000000", "00000002000000 04616263", "00fb0002000000", "00ff0002000000"};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i]);
        assert_int_equal(decode_tracked(b), PARSE_BAD);
        free_bytes(b);
    }
}

/* An OK with these trackers, for decoding again. */
static struct bytes ok_with(struct bytes trackers, struct writer *w)
{
    const struct ok_packet ok = {
        .affected_rows = 3, .insert_id = 4, .status = STATUS_AUTOCOMMIT, .trackers = trackers};

    ok_encode(w, &ok, TRACK);
    assert_false(w->failed);
    return writer_bytes(w);
}

static void print_trackers(struct bytes trackers, char *text, size_t size)
{
    struct tracker_reader r = tracker_reader_over(trackers);
    struct tracker t;
    size_t used = 0;

    text[0] = 0;
    while (tracker_next(&r, &t))
        used += (size_t)snprintf(text + used, size - used, "%u %.*s=%.*s, ", t.type,
                                 (int)t.name.size, (const char *)t.name.data, (int)t.value.size,
                                 (const char *)t.value.data);
    snprintf(text + used, size - used, "%s", r.in.failed ? "malformed" : "end");
}

static void trackers(void **state)
{
    static const struct {
        const char *hex, *text;
    } rows[] = {
        {all_trackers, "0 autocommit=OFF, 1 =test, 2 =1, 3 =uuid:1-30, 4 =START TRANSACTION;, "
                       "5 =T___W_S_, 12 =ab, end"},
        {"", "end"},
        {"01 01 00", "1 =, end"},
        {"04 01 00", "4 =, end"},
        {"01 00", "malformed"},
        {"01", "malformed"},
        {"01 02 0561", "malformed"},
        {"00 02 0161", "malformed"},
        {"01 05 0474657374 05 09 08", "1 =test, malformed"},
        {"02 00", "2 =, end"},
        {"0c ff", "malformed"},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = from_hex(rows[i].hex), exact = exact_copy(b);
        print_trackers(exact, text, sizeof text);
        assert_string_equal(text, rows[i].text);
        free_bytes(exact);
        free_bytes(b);
    }
}

/* Any prefix of a block gives its whole entries and then "malformed", never more. */
static void trackers_cut(void **state)
{
    struct bytes b = from_hex(all_trackers);

    (void)state;
    for (size_t size = 0; size <= b.size; size++) {
        struct bytes exact = exact_copy(bytes_first(b, size));
        struct tracker_reader r = tracker_reader_over(exact);
        struct tracker t;
        size_t whole = 0;

        while (tracker_next(&r, &t))
            whole += t.whole.size;
        assert_int_equal(r.in.failed, whole != size);
        free_bytes(exact);
    }
    free_bytes(b);
}

/* Written again as read: with trackers, and without where there are none or they are not known. */
static void rewriting(void **state)
{
    struct bytes block = from_hex(all_trackers);
    uint8_t buffer[256], again[256];
    struct writer w = writer_over(buffer, sizeof buffer), out = writer_over(again, sizeof again);
    struct ok_packet ok, rewritten;
    struct tracker_reader r = tracker_reader_over(block);
    struct tracker first;
    char text[256];

    (void)state;
    assert_int_equal(ok_decode(ok_with(block, &w), TRACK, &ok), PARSE_OK);
    assert_true(tracker_next(&r, &first));
    ok.trackers = first.whole;
    ok_encode(&out, &ok, TRACK);
    assert_int_equal(ok_decode(writer_bytes(&out), TRACK, &rewritten), PARSE_OK);
    print_trackers(rewritten.trackers, text, sizeof text);
    assert_string_equal(text + strlen(text) - strlen(" end"), " end");
    assert_true(bytes_equal(rewritten.trackers, first.whole));
    assert_int_equal(rewritten.status, STATUS_AUTOCOMMIT | STATUS_SESSION_STATE_CHANGED);
    assert_true(rewritten.affected_rows == 3 && rewritten.insert_id == 4);

    for (int way = 0; way < 2; way++) {
        writer_clear(&out);
        ok.trackers = way == 0 ? first.whole : bytes_of(NULL, 0);
        ok_encode(&out, &ok, way == 0 ? PLAIN : TRACK);
        assert_int_equal(out.size, 7);
        assert_int_equal(ok_decode(writer_bytes(&out), TRACK, &rewritten), PARSE_OK);
        assert_int_equal(rewritten.status, STATUS_AUTOCOMMIT);
    }

    /* Info goes along with its length, whatever the client knows. */
    ok.info = bytes_of_text("Rows matched: 1");
    writer_clear(&out);
    ok_encode(&out, &ok, PLAIN);
    assert_int_equal(out.size, 7 + 1 + ok.info.size);
    assert_int_equal(ok_decode(writer_bytes(&out), PLAIN, &rewritten), PARSE_OK);
    check_bytes(rewritten.info, "Rows matched: 1");
    free_bytes(block);
}

static enum parse decode_eof(struct bytes payload)
{
    struct eof_packet eof;
    return eof_decode(payload, &eof);
}

static void eof(void **state)
{
    struct bytes b = from_hex("fe 0100 0a00");
    struct eof_packet eof;

    (void)state;
    assert_int_equal(eof_decode(b, &eof), PARSE_OK);
    assert_int_equal(eof.warnings, 1);
    assert_int_equal(eof.status, STATUS_MORE_RESULTS | STATUS_AUTOCOMMIT);
    check_prefixes(b, decode_eof, NULL);
    free_bytes(b);
    b = from_hex("fe 0100 0a00 00");
    assert_int_equal(decode_eof(b), PARSE_BAD);
    free_bytes(b);
}

static void errors(void **state)
{
    uint8_t buffer[600], letters[700];
    struct writer w = writer_over(buffer, sizeof buffer);
    struct sql_error error = error_make(ERROR_ACCESS_DENIED, "Access denied for '%s'", "me"), again;

    (void)state;
    error_encode(&w, &error, PLAIN);
    assert_int_equal(error_decode(writer_bytes(&w), &again), PARSE_OK);
    assert_int_equal(again.code, 1045);
    assert_string_equal(again.sqlstate, "28000");
    assert_string_equal(again.text, "Access denied for 'me'");
    for (size_t size = 0; size < 9; size++)
        if (size != 3)
            assert_int_equal(error_decode(bytes_first(writer_bytes(&w), size), &again), PARSE_BAD);

    /* Before capabilities are known there is no SQLSTATE. */
    writer_clear(&w);
    error_encode(&w, &error, 0);
    assert_int_equal(error_decode(writer_bytes(&w), &again), PARSE_OK);
    assert_string_equal(again.sqlstate, "HY000");
    assert_string_equal(again.text, "Access denied for 'me'");

    /* A text longer than we keep is cut. */
    memset(letters, 'x', sizeof letters);
    letters[0] = 0xff;
    assert_int_equal(error_decode(bytes_of(letters, sizeof letters), &again), PARSE_OK);
    assert_int_equal(strlen(again.text), sizeof again.text - 1);

    assert_string_equal(error_sqlstate(ERROR_READ_ONLY_TRANSACTION), "25006");
    assert_string_equal(error_sqlstate(ERROR_TOO_MANY_CONNECTIONS), "08004");
    assert_string_equal(error_sqlstate(9999), "HY000");
}

static void commands(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++)
        assert_non_null(command_info((uint8_t)code)->name);
    assert_string_equal(command_info(COMMAND_QUERY)->name, "QUERY");
    assert_int_equal(command_info(COMMAND_STMT_PREPARE)->answer, ANSWER_PREPARE);
    assert_string_equal(command_info(200)->name, "unknown");
    assert_string_equal(command_info(250)->name, "STMT_BULK_EXECUTE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),       cmocka_unit_test(not_an_ok), cmocka_unit_test(trackers),
        cmocka_unit_test(trackers_cut), cmocka_unit_test(rewriting), cmocka_unit_test(eof),
        cmocka_unit_test(errors),       cmocka_unit_test(commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
