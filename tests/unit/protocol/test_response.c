/*
 * Where answers end: a row for each shape of answer, and each row again with its bytes cut at every
 * place and with the bytes coming one by one. The traces are explained in trace.h.
 */
#include "check.h"
#include "trace.h"

#include "protocol/capability.h"

#define CLASSIC (CAPABILITY_PROTOCOL_41 | CAPABILITY_LOCAL_FILES)
#define MODERN (CLASSIC | CAPABILITY_DEPRECATE_EOF | CAPABILITY_SESSION_TRACK)
#define OPTIONAL CAPABILITY_OPTIONAL_METADATA
#define CACHE CAPABILITY_MARIADB_CACHE_METADATA
#define PROGRESS CAPABILITY_MARIADB_PROGRESS

#define OK "00000002000000"
#define OK_MORE "0000000a000000"
#define END "fe000002000000" /* OK in the place of EOF */
#define END_MORE "fe00000a000000"
#define EOF_ "fe00000200"
#define EOF_MORE "fe00000a00"
#define ERR "ff2804233432303030"         /* 1064 */
#define REPORT "ffffff01010226090001 41" /* of progress: stage 1 of 2, "A" */
#define DEF "0364656600"                 /* as much of a definition as matters here */
#define PREPARED(columns, parameters) "0001000000" columns "00" parameters "00000000"

static const struct row {
    const char *name;
    enum command command;
    uint64_t capabilities;
    const char *script;
    const char *trace;
} rows[] = {
    {"ok", COMMAND_QUERY, MODERN, OK, "ok:11 rows=0 sets=0 status=2"},
    {"ok with trackers", COMMAND_QUERY, MODERN, "0000000240000000 050203 313233",
     "ok:18 rows=0 sets=0 status=4002"},
    {"error", COMMAND_QUERY, MODERN, ERR, "error:13 rows=0 sets=0 status=0"},
    {"error without sqlstate", COMMAND_QUERY, MODERN, "ff1004", "error:7 rows=0 sets=0 status=0"},
    {"error sent unasked", COMMAND_QUERY, MODERN, "+255 " ERR, "error:13 rows=0 sets=0 status=0"},
    {"ping", COMMAND_PING, MODERN, OK, "ok:11 rows=0 sets=0 status=2"},
    {"reset", COMMAND_RESET_CONNECTION, CLASSIC, OK, "ok:11 rows=0 sets=0 status=2"},
    {"more results mean nothing after a ping", COMMAND_PING, CLASSIC, OK_MORE,
     "ok:11 rows=0 sets=0 status=a"},
    {"schema", COMMAND_INIT_DB, CLASSIC, ERR, "error:13 rows=0 sets=0 status=0"},
    {"option, EOF", COMMAND_SET_OPTION, CLASSIC, EOF_, "eof:9 rows=0 sets=0 status=2"},
    {"option, OK for EOF", COMMAND_SET_OPTION, MODERN, END, "ok:11 rows=0 sets=0 status=2"},
    {"statistics", COMMAND_STATISTICS, MODERN, "557074696d65", "pass:10 rows=0 sets=0 status=0"},
    {"statistics refused", COMMAND_STATISTICS, MODERN, ERR, "error:13 rows=0 sets=0 status=0"},

    {"events", COMMAND_BINLOG_DUMP, MODERN, "00aabb|00|00fe|" EOF_,
     "pass:18 eof:9 rows=0 sets=0 status=2"},
    {"events, error", COMMAND_BINLOG_DUMP_GTID, CLASSIC, "00aabb|" ERR,
     "pass:7 error:13 rows=0 sets=0 status=0"},
    {"events refused", COMMAND_BINLOG_DUMP, CLASSIC, ERR, "error:13 rows=0 sets=0 status=0"},
    {"events, counted anew", COMMAND_BINLOG_DUMP, CLASSIC, "00aa|+7 00bb|+3 00cc|+9 " EOF_,
     "pass:18 eof:9 rows=0 sets=0 status=2"},
    {"events, marked", COMMAND_BINLOG_DUMP, MODERN, "00ef0011|00ef0122|00ef|00|" EOF_,
     "pass:27 eof:9 rows=0 sets=0 status=2"},
    {"no event", COMMAND_BINLOG_DUMP, CLASSIC, "00aa|01|" EOF_,
     "pass:6 bad:0 (a packet that is neither an event nor an EOF) rows=0 sets=0 status=0 left"},
    {"an empty event", COMMAND_BINLOG_DUMP, CLASSIC, "00aa||" EOF_,
     "pass:6 bad:0 (empty packet) rows=0 sets=0 status=0 left"},

    {"rows", COMMAND_QUERY, MODERN, "01|" DEF "|0131|0132|" END,
     "pass:26 ok:11 rows=2 sets=1 status=2"},
    {"rows, EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|" EOF_ "|0131|0132|" EOF_,
     "pass:14 eof:9 pass:12 eof:9 rows=2 sets=1 status=2"},
    {"no rows", COMMAND_QUERY, MODERN, "02|" DEF "|" DEF "|" END,
     "pass:23 ok:11 rows=0 sets=1 status=2"},
    {"no rows, EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|" EOF_ "|" EOF_,
     "pass:14 eof:9 eof:9 rows=0 sets=1 status=2"},
    {"null row", COMMAND_QUERY, MODERN, "01|" DEF "|fb|" END,
     "pass:19 ok:11 rows=1 sets=1 status=2"},
    {"error behind rows", COMMAND_QUERY, MODERN, "01|" DEF "|0131|" ERR,
     "pass:20 error:13 rows=1 sets=1 status=0"},
    {"error in place of EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|" ERR,
     "pass:14 error:13 rows=0 sets=1 status=0"},
    {"error in place of a definition", COMMAND_QUERY, CLASSIC, "02|" DEF "|" ERR,
     "pass:14 error:13 rows=0 sets=1 status=0"},
    {"300 columns announced in three bytes", COMMAND_QUERY, MODERN, "fc0200|" DEF "|" DEF "|" END,
     "pass:25 ok:11 rows=0 sets=1 status=2"},
    {"rows end with trackers", COMMAND_QUERY, MODERN,
     "01|" DEF "|0131|fe00000240000000 050203 313233", "pass:20 ok:18 rows=1 sets=1 status=4002"},

    {"two results", COMMAND_QUERY, MODERN, "01|" DEF "|0131|" END_MORE "|01|" DEF "|0131|" END,
     "pass:20 ok:11 pass:20 ok:11 rows=2 sets=2 status=2"},
    {"two results, EOF", COMMAND_QUERY, CLASSIC,
     "01|" DEF "|" EOF_MORE "|0131|" EOF_MORE "|01|" DEF "|" EOF_ "|" EOF_,
     "pass:14 eof:9 pass:6 eof:9 pass:14 eof:9 eof:9 rows=1 sets=2 status=2"},
    {"ok, rows, ok", COMMAND_QUERY, MODERN, OK_MORE "|01|" DEF "|" END_MORE "|" OK,
     "ok:11 pass:14 ok:11 ok:11 rows=0 sets=1 status=2"},
    {"error in the second result", COMMAND_QUERY, MODERN, OK_MORE "|" ERR,
     "ok:11 error:13 rows=0 sets=0 status=a"},
    {"OUT parameters, marked only in the first EOF", COMMAND_STMT_EXECUTE, CLASSIC,
     "01|" DEF "|fe00000a10|000031|" EOF_ "|" OK,
     "pass:14 eof:9 pass:7 eof:9 ok:11 rows=1 sets=1 status=2"},

    {"file", COMMAND_QUERY, MODERN, "fb2f61|+1 " OK, "file:7 ok:11 rows=0 sets=0 status=2"},
    {"file refused", COMMAND_QUERY, CLASSIC, "fb2f61|+1 " ERR,
     "file:7 error:13 rows=0 sets=0 status=0"},
    {"file not agreed on", COMMAND_QUERY, CAPABILITY_PROTOCOL_41, "fb2f61",
     "bad:0 (unexpected first packet of an answer) rows=0 sets=0 status=0 left"},

    {"prepare", COMMAND_STMT_PREPARE, MODERN, PREPARED("01", "02") "|" DEF "|" DEF "|" DEF,
     "prepared:16 pass:27 rows=0 sets=0 status=0"},
    {"prepare, EOF", COMMAND_STMT_PREPARE, CLASSIC,
     PREPARED("01", "02") "|" DEF "|" DEF "|" EOF_ "|" DEF "|" EOF_,
     "prepared:16 pass:18 eof:9 pass:9 eof:9 rows=0 sets=0 status=2"},
    {"prepare, no parameters, EOF", COMMAND_STMT_PREPARE, CLASSIC,
     PREPARED("01", "00") "|" DEF "|" EOF_, "prepared:16 pass:9 eof:9 rows=0 sets=0 status=2"},
    {"prepare, no columns", COMMAND_STMT_PREPARE, CLASSIC, PREPARED("00", "01") "|" DEF "|" EOF_,
     "prepared:16 pass:9 eof:9 rows=0 sets=0 status=2"},
    {"prepare, nothing", COMMAND_STMT_PREPARE, CLASSIC, PREPARED("00", "00"),
     "prepared:16 rows=0 sets=0 status=0"},
    {"prepare refused", COMMAND_STMT_PREPARE, CLASSIC, ERR, "error:13 rows=0 sets=0 status=0"},
    {"prepare, metadata off", COMMAND_STMT_PREPARE, MODERN | OPTIONAL, PREPARED("01", "02") "00",
     "prepared:17 rows=0 sets=0 status=0"},
    {"prepare, metadata off, EOF", COMMAND_STMT_PREPARE, CLASSIC | OPTIONAL,
     PREPARED("01", "02") "00|" EOF_ "|" EOF_, "prepared:17 eof:9 eof:9 rows=0 sets=0 status=2"},
    {"prepare, metadata on", COMMAND_STMT_PREPARE, MODERN | OPTIONAL,
     PREPARED("01", "00") "01|" DEF, "prepared:17 pass:9 rows=0 sets=0 status=0"},

    {"execute", COMMAND_STMT_EXECUTE, MODERN, "01|" DEF "|000031|" END,
     "pass:21 ok:11 rows=1 sets=1 status=2"},
    {"execute with cursor, EOF", COMMAND_STMT_EXECUTE, CLASSIC, "01|" DEF "|fe00004200",
     "pass:14 eof:9 rows=0 sets=1 status=42"},
    {"execute with cursor", COMMAND_STMT_EXECUTE, MODERN, "01|" DEF "|fe000042000000",
     "pass:14 ok:11 rows=0 sets=1 status=42"},
    {"fetch", COMMAND_STMT_FETCH, CLASSIC, "000031|fe00004200",
     "pass:7 eof:9 rows=1 sets=0 status=42"},
    {"fetch, the last", COMMAND_STMT_FETCH, MODERN, "fe000082000000",
     "ok:11 rows=0 sets=0 status=82"},
    {"fetch without cursor", COMMAND_STMT_FETCH, MODERN, ERR, "error:13 rows=0 sets=0 status=0"},
    {"metadata off", COMMAND_QUERY, MODERN | OPTIONAL, "0200|01310131|" END,
     "pass:14 ok:11 rows=1 sets=1 status=2"},
    {"metadata off, EOF", COMMAND_QUERY, CLASSIC | OPTIONAL, "0200|" EOF_ "|01310131|" EOF_,
     "pass:6 eof:9 pass:8 eof:9 rows=1 sets=1 status=2"},
    {"metadata cached", COMMAND_STMT_EXECUTE, MODERN | CACHE, "0100|000031|" END,
     "pass:13 ok:11 rows=1 sets=1 status=2"},

    {"progress before OK", COMMAND_QUERY, MODERN | PROGRESS, REPORT "|" REPORT "|" OK,
     "pass:30 ok:11 rows=0 sets=0 status=2"},
    {"progress before an error", COMMAND_QUERY, CLASSIC | PROGRESS, REPORT "|" ERR,
     "pass:15 error:13 rows=0 sets=0 status=0"},
    {"progress among rows", COMMAND_QUERY, MODERN | PROGRESS,
     REPORT "|01|" DEF "|" REPORT "|0131|" REPORT "|0132|" END,
     "pass:71 ok:11 rows=2 sets=1 status=2"},
    {"progress among rows, EOF", COMMAND_QUERY, CLASSIC | PROGRESS,
     "01|" DEF "|" EOF_ "|" REPORT "|0131|" EOF_,
     "pass:14 eof:9 pass:21 eof:9 rows=1 sets=1 status=2"},
    {"progress between results", COMMAND_STMT_EXECUTE, MODERN | PROGRESS, OK_MORE "|" REPORT "|" OK,
     "ok:11 pass:15 ok:11 rows=0 sets=0 status=2"},
    {"progress behind a file", COMMAND_QUERY, MODERN | PROGRESS, "fb2f61|+1 " REPORT "|" OK,
     "file:7 pass:15 ok:11 rows=0 sets=0 status=2"},
    {"progress out of order", COMMAND_QUERY, MODERN | PROGRESS, "01|" DEF "|+1 " REPORT "|" END,
     "pass:14 bad:0 (packets out of order) rows=0 sets=1 status=0 left"},
    {"the same number where nobody asked for progress", COMMAND_QUERY, MODERN, REPORT,
     "error:15 rows=0 sets=0 status=0"},

    {"fields", COMMAND_FIELD_LIST, CLASSIC, DEF "|" DEF "|" EOF_,
     "pass:18 eof:9 rows=0 sets=0 status=2"},
    {"fields, OK for EOF", COMMAND_FIELD_LIST, MODERN, DEF "|" END,
     "pass:9 ok:11 rows=0 sets=0 status=2"},
    {"no fields", COMMAND_FIELD_LIST, CLASSIC, EOF_, "eof:9 rows=0 sets=0 status=2"},
    {"fields of nothing", COMMAND_FIELD_LIST, CLASSIC, ERR, "error:13 rows=0 sets=0 status=0"},

    {"change user", COMMAND_CHANGE_USER, MODERN, "fe6100|+1 0103|+1 " OK,
     "auth:7 auth:6 ok:11 rows=0 sets=0 status=2"},
    {"change user refused", COMMAND_CHANGE_USER, MODERN, ERR, "error:13 rows=0 sets=0 status=0"},
    {"no answer", COMMAND_STMT_CLOSE, MODERN, "", "rows=0 sets=0 status=0"},

    {"out of order", COMMAND_QUERY, MODERN, "+1 " OK,
     "bad:0 (packets out of order) rows=0 sets=0 status=0 left"},
    {"row out of order", COMMAND_QUERY, MODERN, "01|" DEF "|0131|+1 0132|" END,
     "pass:20 bad:0 (packets out of order) rows=1 sets=1 status=0 left"},
    {"empty packet", COMMAND_QUERY, MODERN, "|" OK,
     "bad:0 (empty packet) rows=0 sets=0 status=0 left"},
    {"empty row", COMMAND_QUERY, MODERN, "01|" DEF "||" END,
     "pass:14 bad:0 (empty packet) rows=0 sets=1 status=0 left"},
    {"column count with something behind it", COMMAND_QUERY, MODERN, "0102",
     "bad:0 (malformed column count) rows=0 sets=0 status=0 left"},
    {"too many columns", COMMAND_QUERY, MODERN, "fd000001",
     "bad:0 (malformed column count) rows=0 sets=0 status=0 left"},
    {"long column count", COMMAND_QUERY, MODERN, "fe01",
     "bad:0 (malformed OK packet) rows=0 sets=0 status=0 left"},
    {"short OK", COMMAND_QUERY, MODERN, "0000",
     "bad:0 (malformed OK packet) rows=0 sets=0 status=0 left"},
    {"OK whose trackers are cut", COMMAND_QUERY, MODERN, "0000000240000000 050203",
     "bad:0 (malformed OK packet) rows=0 sets=0 status=0 left"},
    {"short ERR", COMMAND_QUERY, MODERN, "ff28",
     "bad:0 (malformed ERR packet) rows=0 sets=0 status=0 left"},
    {"short EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|fe0000",
     "pass:14 bad:0 (malformed EOF packet) rows=0 sets=1 status=0 left"},
    {"row in place of EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|0131",
     "pass:14 bad:0 (no EOF behind the column definitions) rows=0 sets=1 status=0 left"},
    {"neither row nor EOF", COMMAND_QUERY, CLASSIC, "01|" DEF "|" EOF_ "|fe0000020000000000",
     "pass:14 eof:9 bad:0 (a packet that is neither a row nor an EOF) rows=0 sets=1 status=2 left"},
    {"rows for a ping", COMMAND_PING, MODERN, "01",
     "bad:0 (unexpected first packet of an answer) rows=0 sets=0 status=0 left"},
    {"short prepare response", COMMAND_STMT_PREPARE, MODERN, "000100000001",
     "bad:0 (malformed prepare response) rows=0 sets=0 status=0 left"},
    {"cut off", COMMAND_QUERY, MODERN, "01|" DEF "|0131", "pass:20 rows=1 sets=1 status=0 open"},
};

static void check_row(const struct row *row, struct bytes packets, size_t cut)
{
    char trace[TRACE_SIZE];

    trace_response(row->command, row->capabilities, packets, cut, trace);
    if (strcmp(trace, row->trace) != 0)
        fail_msg("%s, cut at %zu:\n  is        %s\n  should be %s", row->name, cut, trace,
                 row->trace);
}

static void every_shape_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes packets = script_packets(rows[i].script);

        for (size_t cut = 0; cut < packets.size; cut++)
            check_row(&rows[i], packets, cut);
        if (packets.size)
            check_row(&rows[i], packets, SIZE_MAX);
        free_bytes(packets);
    }
}

/* Rows of several packets. What continues a row may begin with anything: here with 0xfe and 0xff.
 */
static const struct row long_rows[] = {
    {"continued", COMMAND_QUERY, MODERN, "01|" DEF "|*16777215 61|fe|0131|" END,
     "pass:16777244 ok:11 rows=2 sets=1 status=2"},
    {"continued by nothing", COMMAND_QUERY, CLASSIC, "01|" DEF "|" EOF_ "|*16777215 61||" EOF_,
     "pass:14 eof:9 pass:16777223 eof:9 rows=1 sets=1 status=2"},
    {"beginning with a value of 16 MiB", COMMAND_QUERY, MODERN,
     "01|" DEF "|*16777215 fe|*16777215 ff|ff|0131|" END,
     "pass:33554463 ok:11 rows=2 sets=1 status=2"},
    {"the longest that is one packet", COMMAND_QUERY, MODERN, "01|" DEF "|*16777214 61|0131|" END,
     "pass:16777238 ok:11 rows=2 sets=1 status=2"},
    {"continued event", COMMAND_BINLOG_DUMP, MODERN, "*16777215 00|ff|00|" EOF_,
     "pass:16777229 eof:9 rows=0 sets=0 status=2"},
    {"event continued by nothing", COMMAND_BINLOG_DUMP, MODERN, "*16777215 00||" EOF_,
     "pass:16777223 eof:9 rows=0 sets=0 status=2"},
    {"continued out of order", COMMAND_QUERY, MODERN, "01|" DEF "|*16777215 61|+1 61|" END,
     "pass:16777233 bad:0 (packets out of order) rows=1 sets=1 status=0 left"},
};

static void long_rows_cut_where_it_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(long_rows); i++) {
        struct bytes packets = script_packets(long_rows[i].script);
        static const size_t around[] = {14, 23, 16777215, 16777233, 16777242, 33554452};

        check_row(&long_rows[i], packets, 0);
        for (size_t k = 0; k < COUNT(around); k++)
            for (size_t cut = around[k] - 1; cut < around[k] + 2 && cut < packets.size; cut++)
                check_row(&long_rows[i], packets, cut);
        free_bytes(packets);
    }
}

/* A packet that has to be whole may not be long; rows of that size may. */
static void ceiling(void **state)
{
    static const struct row too_long = {
        "long OK", COMMAND_QUERY, MODERN, "*1048577 00",
        "bad:0 (a packet too long for its kind) rows=0 sets=0 status=0 left"};
    static const struct row fits = {"long OK", COMMAND_QUERY, MODERN, "*1048576 00",
                                    "ok:1048580 rows=0 sets=0 status=0"};

    (void)state;
    struct bytes packets = script_packets(too_long.script);
    check_row(&too_long, packets, 0);
    check_row(&too_long, packets, 5);
    free_bytes(packets);
    packets = script_packets(fits.script);
    check_row(&fits, packets, 0);
    free_bytes(packets);
}

/* A command of three packets is answered from sequence id 3 on; and 255 is followed by 0. */
static void sequence_ids(void **state)
{
    struct response_request request = {COMMAND_QUERY, MODERN, 3};
    struct response r;

    (void)state;
    struct bytes packets = script_packets("+2 " OK);
    response_begin(&r, &request);
    struct response_step step = response_next(&r, packets);
    assert_int_equal(step.what, RESPONSE_OK);
    assert_int_equal(step.sequence, 3);
    assert_true(step.last);
    free_bytes(packets);

    request.sequence = 254;
    packets = script_packets("+253 01|" DEF "|0131|0131|" END);
    response_begin(&r, &request);
    step = response_next(&r, packets);
    assert_int_equal(step.what, RESPONSE_PASS);
    step = response_next(&r, bytes_after(packets, step.size));
    assert_int_equal(step.what, RESPONSE_OK);
    assert_int_equal(step.sequence, 2);
    assert_int_equal(r.bytes, packets.size);
    free_bytes(packets);
}

/* The sequence id behind these events of a dump, coming in parts of `part` bytes. */
static uint8_t next_behind_events(struct bytes packets, size_t part)
{
    static const struct response_request request = {COMMAND_BINLOG_DUMP, MODERN, 1};
    struct response r;
    uint8_t sequence;
    size_t at = 0;

    response_begin(&r, &request);
    for (size_t end = part; at < packets.size; end += part) {
        size_t size = end < packets.size ? end : packets.size;
        struct response_step step = response_next(&r, (struct bytes){packets.data + at, size - at});

        assert_true(step.what == RESPONSE_PASS || step.need > size - at);
        at += step.size;
    }
    assert_true(response_is_between(&r, &sequence));
    return sequence;
}

static void expect_next_behind(const char *script, uint8_t expected)
{
    struct bytes packets = script_packets(script);

    for (size_t part = 1; part <= packets.size; part++)
        assert_int_equal(next_behind_events(packets, part), expected);
    free_bytes(packets);
}

/* What asks a semi-synchronous replica for an acknowledgement is followed by number 1. */
static void sequence_ids_of_events(void **state)
{
    (void)state;
    expect_next_behind("00aabb|00aabb", 3);
    expect_next_behind("00ef0011|00ef0022", 3);
    expect_next_behind("00ef0011|00ef0122", 1);
    expect_next_behind("00ef0011|00ef0122|+254 00ef0033|00ef0033", 3);
    expect_next_behind("00ef0011|00ef0122|+254 00ef0133", 1);
    expect_next_behind("00000000|00ef0122", 3); /* no mark, but the time */
    expect_next_behind("00ef|00ef", 3);

    struct bytes packets = script_packets("*16777215 00|ff");
    memcpy((uint8_t *)packets.data + 4, "\x00\xef\x01", 3);
    assert_int_equal(next_behind_events(packets, packets.size), 1);
    assert_int_equal(next_behind_events(packets, 16777220), 1);
    free_bytes(packets);
}

/* Compressed packets' insides have numbers of no meaning: they get those that they would have. */
static void events_are_numbered(void **state)
{
    static const struct response_request request = {COMMAND_BINLOG_DUMP, MODERN, 1};
    static const char script[] = "00ef0011|00ef0122|+254 00ef0033|00ef0133|+254 00ef0044|" EOF_;
    struct bytes right = script_packets(script);
    struct bytes packets = script_packets(script);
    uint8_t *bytes = (uint8_t *)packets.data;

    (void)state;
    for (size_t part = 1; part <= right.size; part++) {
        struct response r;
        size_t at = 0;

        memcpy(bytes, right.data, right.size);
        for (size_t i = 0; i < right.size; i += i < 40 ? 8 : 9)
            bytes[i + 3] = 99;
        response_begin(&r, &request);
        for (size_t end = part; !r.done; end += part) {
            size_t size = (end < packets.size ? end : packets.size) - at;

            response_number(&r, bytes + at, size);
            at += response_next(&r, bytes_of(bytes + at, size)).size;
        }
        assert_int_equal(at, right.size);
        assert_memory_equal(bytes, right.data, right.size);
    }
    free_bytes(right);
    free_bytes(packets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_cut_everywhere),
        cmocka_unit_test(long_rows_cut_where_it_matters),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(sequence_ids),
        cmocka_unit_test(sequence_ids_of_events),
        cmocka_unit_test(events_are_numbered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
