/*
 * What a client is shown of trackers, by its session_track_* variables.
 */
#include "protocol/capability.h"
#include "proxy/client/replay.h"
#include "proxy/client/shown.h"
#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Writes trackers from words: "name=value", "/schema", "!", "gtid:…", "chars:…", "state:…". */
static struct bytes block_of(const char *words, uint8_t *memory, size_t size)
{
    struct writer out = writer_over(memory, size);
    char copy[300];
    char *rest;

    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        uint8_t content[200];
        struct writer w = writer_over(content, sizeof content);
        char *colon = strchr(word, ':');
        char *equals = strchr(word, '=');

        if (strcmp(word, "!") == 0) {
            write_u8(&out, TRACKER_STATE_CHANGE);
            write_u8(&w, '1');
        } else if (word[0] == '/') {
            write_u8(&out, TRACKER_SCHEMA);
            write_lenenc_bytes(&w, bytes_of_text(word + 1));
        } else if (colon != NULL) {
            write_u8(&out, word[0] == 'g'   ? TRACKER_GTIDS
                           : word[0] == 'c' ? TRACKER_TRANSACTION_CHARACTERISTICS
                                            : TRACKER_TRANSACTION_STATE);
            if (word[0] == 'g')
                write_u8(&w, 0);
            write_lenenc_bytes(&w, bytes_of_text(colon + 1));
        } else {
            write_u8(&out, TRACKER_SYSTEM_VARIABLE);
            *equals = 0;
            write_lenenc_bytes(&w, bytes_of_text(word));
            write_lenenc_bytes(&w, bytes_of_text(equals + 1));
        }
        write_lenenc_bytes(&out, writer_bytes(&w));
    }
    assert_false(out.failed);
    return writer_bytes(&out);
}

/* The same the other way round. */
static void print(struct bytes block, char *text, size_t size)
{
    static const char *const heads[] = {"", "/", "!", "gtid:", "chars:", "state:"};
    struct tracker_reader r = tracker_reader_over(block);
    struct tracker t;
    size_t at = 0;

    text[0] = 0;
    while (tracker_next(&r, &t))
        at += (size_t)snprintf(
            text + at, size - at, "%s%s%.*s%s%.*s", at > 0 ? " " : "", heads[t.type],
            (int)t.name.size, (const char *)t.name.data, t.name.size > 0 ? "=" : "",
            t.type == TRACKER_STATE_CHANGE ? 0 : (int)t.value.size, (const char *)t.value.data);
    assert_false(r.in.failed);
}

static void check(const struct shown *shown, const struct shown_for *of, enum told *told,
                  unsigned status, const char *words, const char *expected)
{
    uint8_t memory[400], written[400];
    struct ok_packet ok = {.status = (uint16_t)status};
    struct writer out = writer_over(written, sizeof written);
    char text[400];

    ok.trackers = block_of(words, memory, sizeof memory);
    shown_filter(shown, of, told, &ok, &out);
    print(writer_bytes(&out), text, sizeof text);
    if (strcmp(text, expected) != 0)
        fail_msg("of \"%s\" is shown \"%s\", not \"%s\"", words, text, expected);
}

static void test_filter(void **state)
{
    static const char all[] =
        "time_zone=SYSTEM sql_mode=ANSI /shop ! gtid:u:1 chars:BEGIN; state:I_R_____";
    static const struct {
        struct shown shown;
        const char *list, *expected;
    } rows[] = {
        {{.schema = true}, "autocommit,time_zone", "time_zone=SYSTEM /shop gtid:u:1"},
        {{.schema = false}, "", "gtid:u:1"},
        {{.schema = false}, " SQL_MODE ,x", "sql_mode=ANSI gtid:u:1"},
        {{.schema = false}, "*", "time_zone=SYSTEM sql_mode=ANSI gtid:u:1"},
        {{.schema = false}, "sql_mod,ql_mode,sql_mode2", "gtid:u:1"},
        {{.state_change = true}, "", "! gtid:u:1"},
        {{.transactions = SHOWN_STATE}, "", "gtid:u:1 state:I_R_____"},
        {{.transactions = SHOWN_CHARACTERISTICS}, "", "gtid:u:1 chars:BEGIN; state:I_R_____"},
    };
    struct shown_for of = {.is_mysql = true};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shown shown = rows[i].shown;
        enum told told = TOLD_NOTHING;

        shown.list = bytes_of_text(rows[i].list);
        check(&shown, &of, &told, STATUS_AUTOCOMMIT, all, rows[i].expected);
        check(&shown, &of, &told, STATUS_AUTOCOMMIT, "", "");
    }
}

/* MySQL tells of explicit transactions also while it is asked not to; MariaDB does not. */
static void test_explicit_transactions(void **state)
{
    static const struct {
        const char *words;
        bool begins, snapshot, open;
        const char *expected;
    } steps[] = {
        {"state:T_______", true, false, true, "state:T_______"},
        {"state:T_R___S_", false, false, true, ""},
        {"state:T_R_W_S_", false, false, true, ""},
        {"state:T_______", true, false, true, ""}, /* BEGIN again */
        {"state:T_R_____", true, true, true, "state:T_R_____"},
        {"state:T_R___S_", false, false, true, ""},
        {"state:T_______", true, false, true, "state:T_______"},
        {"state:________", false, false, false, "state:________"},
        {"state:I_R___S_", false, false, true, ""}, /* autocommit = 0 */
        {"state:________", false, false, false, ""},
        {"state:T_______", true, false, true, "state:T_______"},
        {"", false, false, true, ""},
        {"", false, false, false, "state:________"}, /* the server's word was lost */
        {"", false, false, false, ""},
    };
    struct shown shown = {.schema = false};

    (void)state;
    for (int mysql = 0; mysql < 2; mysql++) {
        enum told told = TOLD_NOTHING;

        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            struct shown_for of = {mysql != 0, steps[i].begins, steps[i].snapshot};

            check(&shown, &of, &told, steps[i].open ? STATUS_IN_TRANSACTION : 0, steps[i].words,
                  mysql ? steps[i].expected : "");
        }
    }
}

static void test_following(void **state)
{
    struct shown off = {.schema = false}, on = {.transactions = SHOWN_STATE};
    uint8_t memory[400], written[400];
    struct writer out = writer_over(written, sizeof written);
    struct ok_packet ok = {0};
    char text[400];

    (void)state;
    ok.trackers = block_of("session_track_schema=ON ! chars:SET", memory, sizeof memory);
    shown_filter_following(&off, &ok, &out);
    print(writer_bytes(&out), text, sizeof text);
    assert_string_equal(text, "session_track_schema=ON ! chars:");
    writer_clear(&out);
    shown_filter_following(&on, &ok, &out);
    print(writer_bytes(&out), text, sizeof text);
    assert_string_equal(text, "session_track_schema=ON ! chars:SET");
}

static void test_values(void **state)
{
    /* A count, a definition, and the row. */
    static const uint8_t rows[] = "\1\0\0\1\4"
                                  "\3\0\0\2\3de"
                                  "\x18\0\0\3\x0f"
                                  "sql_mode,nosuch\1"
                                  "1\1"
                                  "0\3OFF",
                         null[] = "\1\0\0\1\4"
                                  "\x0b\0\0\3\xfb\1"
                                  "0\1"
                                  "1\5STATE";
    char sql[300];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};
    struct shown shown, *copy;

    (void)state;
    assert_true(shown_read(bytes_of(rows, sizeof rows - 1), &shown));
    copy = shown_copy(&shown);
    assert_true(bytes_equal_text(copy->list, "sql_mode,nosuch"));
    assert_true(shown.schema && !shown.state_change && !shown.is_null);
    assert_int_equal(shown.transactions, SHOWN_NO_TRANSACTIONS);
    assert_true(shown_assign(copy, &plan));
    sql[plan.sql_size] = 0;
    assert_string_equal(sql, "SET session_track_system_variables=_utf8mb4'sql_mode,nosuch',"
                             "session_track_schema=ON,session_track_state_change=OFF,"
                             "session_track_transaction_info='OFF'");
    mem_free(copy);
    for (size_t size = 0; size < sizeof rows - 1; size++)
        assert_false(shown_read(bytes_of(rows, size), &shown));

    assert_true(shown_read(bytes_of(null, sizeof null - 1), &shown));
    assert_true(shown.is_null && !shown.schema && shown.state_change);
    plan.sql_size = 0;
    assert_true(shown_assign(&shown, &plan));
    assert_memory_equal(sql, "SET session_track_system_variables=NULL,", 40);
    plan.capacity = 60;
    plan.sql_size = 0;
    assert_false(shown_assign(&shown, &plan));
}

static void test_needs_all(void **state)
{
    static const struct {
        const char *list;
        bool all;
    } rows[] = {
        {"", false},
        {"sql_mode, TIME_ZONE,", false},
        {"session_track_schema", false},
        {"*", true},
        {"sql_mode,last_gtid", true},
        {"nosuch", true},
        {"statement_id", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shown shown = {.list = bytes_of_text(rows[i].list)};

        assert_int_equal(shown_needs_all(&shown), rows[i].all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),    cmocka_unit_test(test_explicit_transactions),
        cmocka_unit_test(test_following), cmocka_unit_test(test_values),
        cmocka_unit_test(test_needs_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
