/*
 * Learning from tracker blocks, as rows. The blocks are what MySQL 9.7 and MariaDB 10.11 send (the
 * order of variables in them included); the statements are what the classifier says of the text
 * that made them.
 */
#include "environment_fixture.h"

#include "protocol/capability.h"
#include "protocol/writer.h"
#include "proxy/client/tracking.h"
#include "proxy/client/variables.h"
#include "router/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static uint8_t packet[70000];

/* --- blocks from text: "schema a|change|time_zone=UTC|state T_______|next SET ...;|gtid x" ---- */

static void write_entry(struct writer *w, uint8_t type, struct writer *content)
{
    write_u8(w, type);
    write_lenenc_bytes(w, writer_bytes(content));
}

static void write_tracker(struct writer *w, struct bytes text)
{
    uint8_t space[512];
    struct writer content = writer_over(space, sizeof space);
    static const struct {
        const char *word;
        uint8_t type;
    } words[] = {{"schema ", TRACKER_SCHEMA},
                 {"state ", TRACKER_TRANSACTION_STATE},
                 {"next ", TRACKER_TRANSACTION_CHARACTERISTICS},
                 {"other ", 77}};
    const uint8_t *sign;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_start_with(text, words[i].word)) {
            write_lenenc_bytes(&content, bytes_after(text, strlen(words[i].word)));
            write_entry(w, words[i].type, &content);
            return;
        }
    }
    if (bytes_equal_text(text, "change")) {
        write_u8(&content, '1'); /* the only one without a length of its own */
        write_entry(w, TRACKER_STATE_CHANGE, &content);
        return;
    }
    sign = memchr(text.data, '=', text.size);
    assert_non_null(sign);
    write_lenenc_bytes(&content, bytes_first(text, (size_t)(sign - text.data)));
    write_lenenc_bytes(&content, bytes_after(text, (size_t)(sign - text.data) + 1));
    write_entry(w, TRACKER_SYSTEM_VARIABLE, &content);
}

static struct bytes block_from_text(const char *text)
{
    struct writer w = writer_over(packet, sizeof packet);

    while (*text) {
        size_t size = strcspn(text, "|");

        write_tracker(&w, bytes_of(text, size));
        text += size;
        text += *text == '|';
    }
    assert_false(w.failed);
    return writer_bytes(&w);
}

/* --- what is learned, as text ---------------------------------------------------------------- */

static void print_pins(const char *sign, unsigned pins, char *text, size_t size)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{PIN_LOCK_TABLES, "lock-tables"},
                 {PIN_ONE_SHOT, "one-shot"},
                 {PIN_LOG_OFF, "log-off"},
                 {PIN_UNKNOWN, "unknown"}};
    size_t at = strlen(text);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (pins & names[i].bit)
            at += (size_t)snprintf(text + at, size - at, " %s%s", sign, names[i].name);
}

static void print_learned(const struct learned *l, char *text, size_t size)
{
    environment_to_text(l->environment, text, size);
    print_pins("+", l->pins_set, text, size);
    print_pins("-", l->pins_cleared, text, size);
    if (l->has_last_insert_id)
        snprintf(text + strlen(text), size - strlen(text), " id=%llu",
                 (unsigned long long)l->last_insert_id);
}

/* --- rows ------------------------------------------------------------------------------------ */

#define L1                                                                                         \
    "character_set_client=latin1|character_set_connection=latin1|character_set_results=latin1"
#define L1_MARIADB                                                                                 \
    "character_set_results=latin1|character_set_connection=latin1|character_set_client=latin1"
#define U4                                                                                         \
    "character_set_client=utf8mb4|character_set_connection=utf8mb4|character_set_results=utf8mb4"
#define NAMES(x, y)                                                                                \
    {                                                                                              \
        .class = STATEMENT_SESSION, .set = {                                                       \
            .kinds = SET_NAMES,                                                                    \
            .charset = TEXT(x),                                                                    \
            .collation = TEXT(y)                                                                   \
        }                                                                                          \
    }
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define SET(n, v)                                                                                  \
    {                                                                                              \
        .class = STATEMENT_SESSION, .set = {                                                       \
            .kinds = SET_SYSTEM,                                                                   \
            .count = 1,                                                                            \
            .assignments = {{TEXT(n), TEXT(v)}}                                                    \
        }                                                                                          \
    }

static const struct statement read_it = {.class = STATEMENT_READ};
static const struct statement write_it = {.class = STATEMENT_WRITE};
static const struct statement set_zone = SET("time_zone", "'UTC'");
static const struct statement set_charset = SET("character_set_connection", "latin1");
static const struct statement set_charset_default = SET("character_set_connection", "default");
static const struct statement set_unknown = SET("a_new_variable", "1");
static const struct statement set_many = {
    .class = STATEMENT_SESSION,
    .set = {.kinds = SET_SYSTEM,
            .count = SET_ASSIGNMENTS + 1,
            .assignments = {{TEXT("time_zone"), TEXT("'UTC'")}}}};
static const struct statement set_server_default = SET("character_set_server", "DEFAULT");
static const struct statement names_latin1 = NAMES("latin1", "");
static const struct statement names_utf8mb4 = NAMES("utf8mb4", "");
static const struct statement names_bin = NAMES("latin1", "latin1_bin");
static const struct statement names_default = NAMES("latin1", "DEFAULT");
static const struct statement names_short = NAMES("latin1", "uca1400_ai_ci");
static const struct statement names_old = NAMES("utf8", "utf8_bin");
static const struct statement names_multi = {
    .is_multi = true,
    .class = STATEMENT_SESSION,
    .set = {.kinds = SET_NAMES, .collation = TEXT("latin1_bin")}};
static const struct statement character_set = {.class = STATEMENT_SESSION,
                                               .set = {.kinds = SET_CHARACTER_SET}};
static const struct statement for_one = {.class = STATEMENT_READ, .set = {.kinds = SET_STATEMENT}};
static const struct statement for_many = {
    .class = STATEMENT_WRITE, .is_multi = true, .set = {.kinds = SET_STATEMENT}};
static const struct statement one_shot = {.class = STATEMENT_SESSION,
                                          .set = {.kinds = SET_ONE_SHOT}};
static const struct statement user_variable = {.class = STATEMENT_SESSION,
                                               .pins = PIN_USER_VARIABLE};
static const struct statement make_temporary = {.class = STATEMENT_WRITE,
                                                .pins = PIN_TEMPORARY_TABLE};
static const struct statement drop_temporary = {.class = STATEMENT_WRITE,
                                                .lessens = PIN_TEMPORARY_TABLE};
static const struct statement deallocate = {.class = STATEMENT_SESSION, .ends_pins = PIN_PREPARE};
static const struct statement use_it = {.class = STATEMENT_SESSION, .use_schema = TEXT("a")};
static const struct statement begin = {.class = STATEMENT_TRANSACTION, .pins = PIN_TRANSACTION};
static const struct statement unlock = {.class = STATEMENT_SESSION, .ends_pins = PIN_LOCK_TABLES};

enum { SHOT = 1 << 30 }; /* in a row's pins: past.one_shot_variable */

static const struct {
    const char *before, *block;
    const struct statement *statement;
    unsigned status, pins;
    const char *learned;
} rows[] = {
    {"", "", &read_it, 0, 0, ""},
    {"schema=a", "schema b|change", &use_it, 0, 0, "schema=b"},
    {"schema=a", "schema ", NULL, 0, 0, ""},
    {"", "time_zone=UTC|change", &set_zone, 0, 0, "time_zone=UTC"},
    {"", "TIME_ZONE=UTC|change", NULL, 0, 0, "time_zone=UTC"},
    {"time_zone=UTC", "time_zone=UTC|change", &set_zone, 0, 0, "time_zone=UTC"},
    {"autocommit=ON", "autocommit=OFF|change", NULL, 0, 0, "autocommit=OFF"},
    {"", "wsrep_OSU_method=RSU|change", NULL, 0, 0, "wsrep_osu_method=RSU"},

    /* a variable that nobody knows, beside one that is reported */
    {"", "time_zone=UTC|change", &set_unknown, 0, 0, "time_zone=UTC +unknown"},
    {"", "time_zone=UTC|change", &set_many, 0, 0, "time_zone=UTC +unknown"},

    /* character sets: what no tracker reports comes from the statement */
    {"", L1 "|change", &names_latin1, 0, 0,
     "names=latin1;character_set_client=latin1;character_set_results=latin1"},
    {"", L1_MARIADB "|change", &names_latin1, 0, 0,
     "names=latin1;character_set_client=latin1;character_set_results=latin1"},
    {"", L1 "|change", &names_bin, 0, 0,
     "character_set_client=latin1;character_set_results=latin1;collation_connection=latin1_bin"},
    {"", L1 "|change", &names_default, 0, 0,
     "names=latin1;character_set_client=latin1;character_set_results=latin1"},
    {"", "character_set_connection=utf8mb3|change", &names_old, 0, 0,
     "collation_connection=utf8_bin"},
    {"", "character_set_connection=latin1|change", &names_short, 0, 0,
     "collation_connection=uca1400_ai_ci +unknown"},
    {"", "character_set_connection=latin1|change", &names_multi, 0, 0,
     "collation_connection=latin1_bin +unknown"},
    {"collation_connection=utf8mb4_bin", U4 "|change", &names_utf8mb4, 0, 0,
     "names=utf8mb4;character_set_client=utf8mb4;character_set_results=utf8mb4"},
    {"", "character_set_connection=latin1|change", &set_charset, 0, 0,
     "character_set_connection=latin1"},
    {"", "character_set_connection=latin1|change", &set_charset_default, 0, 0,
     "character_set_connection=latin1 +unknown"},
    {"", "character_set_server=latin1|change", &set_server_default, 0, 0,
     "character_set_server=latin1 +unknown"},
    {"", "character_set_connection=latin1|change", &character_set, 0, 0,
     "character_set_connection=latin1 +unknown"},
    {"", "character_set_connection=latin1|change", &write_it, 0, 0,
     "character_set_connection=latin1 +unknown"},
    {"", "character_set_connection=latin1|change", NULL, 0, 0,
     "character_set_connection=latin1 +unknown"},
    /* both reported: the collation is final, in any order and from any statement */
    {"", "collation_connection=latin1_bin|character_set_connection=latin1|change", NULL, 0, 0,
     "collation_connection=latin1_bin"},
    {"", "character_set_connection=latin1|collation_connection=latin1_bin|change", &character_set,
     0, 0, "collation_connection=latin1_bin"},
    {"", "character_set_results=|change", NULL, 0, 0, "character_set_results="},
    /* MySQL: the default of utf8mb4 can be another */
    {"default_collation_for_utf8mb4=utf8mb4_general_ci", U4 "|change", &names_utf8mb4, 0, 0,
     "default_collation_for_utf8mb4=utf8mb4_general_ci;character_set_client=utf8mb4;"
     "character_set_results=utf8mb4;collation_connection=utf8mb4_general_ci"},
    {"names=utf8mb4", "default_collation_for_utf8mb4=utf8mb4_general_ci|change", NULL, 0, 0,
     "default_collation_for_utf8mb4=utf8mb4_general_ci;names=utf8mb4 +unknown"},
    {"names=latin1", "default_collation_for_utf8mb4=utf8mb4_general_ci|change", NULL, 0, 0,
     "default_collation_for_utf8mb4=utf8mb4_general_ci;names=latin1"},
    {"schema=\xc3\xa9", L1 "|change", &names_latin1, 0, 0,
     "schema=\xc3\xa9;names=latin1;character_set_client=latin1;character_set_results=latin1"
     " +unknown"},

    /* one that sets another along, whatever the order in the block */
    {"sql_big_selects=ON", "max_join_size=9|change", NULL, 0, 0, "max_join_size=9"},
    {"", "sql_big_selects=ON|max_join_size=9|change", NULL, 0, 0,
     "max_join_size=9;sql_big_selects=ON"},

    /* never replayed */
    {"", "insert_id=5|change", NULL, 0, 0, " +one-shot"},
    {"", "timestamp=1.5|change", NULL, 0, 0, " +one-shot"},
    {"", "sql_log_bin=OFF|change", NULL, 0, 0, " +log-off"},
    {"", "profiling=ON|change", NULL, 0, 0, " +unknown"},
    {"", "last_insert_id=18446744073709551615|change", NULL, 0, 0, " id=18446744073709551615"},
    {"", "no_such_variable=5|change", NULL, 0, 0, " +unknown"},
    {"", "statement_id=5", NULL, 0, 0, ""},
    {"", "statement_id=5|change", NULL, 0, 0, " +unknown"},
    {"", "session_track_schema=OFF|time_zone=UTC", NULL, 0, 0, "time_zone=UTC"},
    {"", "", &one_shot, 0, 0, " +one-shot"},

    /* temporary values */
    {"", "sort_buffer_size=300000|change", &for_one, 0, 0, ""},
    {"", "sort_buffer_size=300000|change", &for_many, 0, 0, " +unknown"},

    /* a change without a name */
    {"", "change", NULL, 0, 0, " +unknown"},
    {"", "change", &read_it, 0, 0, " +unknown"},
    {"", "change", &write_it, 0, 0, " +unknown"},
    {"", "change", &begin, 0, 0, " +unknown"},
    {"", "change", &user_variable, 0, 0, ""},
    {"", "change", &make_temporary, 0, 0, ""},
    {"", "change", &drop_temporary, 0, PIN_TEMPORARY_TABLE, ""},
    {"", "change", &write_it, 0, PIN_TEMPORARY_TABLE, ""},
    {"", "change", &read_it, 0, PIN_TEMPORARY_TABLE, " +unknown"},
    {"", "change", &deallocate, 0, 0, ""},
    {"", "change", &use_it, 0, 0, ""},
    {"", "change", &write_it, 0, PIN_PROGRAM, ""},
    {"", "change", &write_it, 0, PIN_USER_VARIABLE, " +unknown"},
    {"", "other x", NULL, 0, 0, ""},
    {"", "other x|change", NULL, 0, 0, " +unknown"},

    /* transactions */
    {"", "next SET TRANSACTION READ ONLY;", NULL, 0, 0, " +one-shot"},
    {"", "next START TRANSACTION;|state T_______", &begin, STATUS_IN_TRANSACTION, 0, ""},
    {"", "next |state ________", NULL, 0, PIN_ONE_SHOT, " -one-shot"},
    {"", "next |state ________", NULL, 0, PIN_ONE_SHOT | SHOT, ""},
    {"", "next |timestamp=1", NULL, 0, PIN_ONE_SHOT, " +one-shot"},
    {"", "state _______L", NULL, 0, 0, " +lock-tables"},
    {"", "state ________", &unlock, 0, PIN_LOCK_TABLES, " -lock-tables"},
    {"", "state T_______", &begin, 0, PIN_LOCK_TABLES, ""},
};

static void test_rows(void **state)
{
    struct environment_store *store = environment_store_new();
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct environment *before = environment_from_text(store, rows[i].before);
        struct tracking_past past = {.pins = rows[i].pins & ~(unsigned)SHOT,
                                     .one_shot_variable = rows[i].pins & SHOT};
        struct ok_packet ok = {.status = (uint16_t)rows[i].status,
                               .trackers = block_from_text(rows[i].block)};
        struct learned l = tracking_learn(store, before, &past, &ok, rows[i].statement);

        print_learned(&l, text, sizeof text);
        if (strcmp(text, rows[i].learned) != 0)
            fail_msg("row %zu: %s + %s\n  got  %s\n  want %s", i, rows[i].before, rows[i].block,
                     text, rows[i].learned);
        assert_int_equal(l.changed, l.environment != before);
        assert_int_equal(l.unexplained, (l.pins_set & PIN_UNKNOWN) != 0);
        environment_unref(l.environment);
        environment_unref(before);
    }
    environment_store_free(store);
}

static void test_transaction_state(void **state)
{
    struct environment_store *store = environment_store_new();
    const struct environment *blank = environment_blank(store);
    struct tracking_past past = {0};
    struct ok_packet ok = {.trackers = block_from_text("state T_R_W_S_")};
    struct learned l = tracking_learn(store, blank, &past, &ok, NULL);

    (void)state;
    assert_true(l.has_transaction_state);
    assert_memory_equal(l.transaction_state, "T_R_W_S_", 8);
    environment_unref(l.environment);
    ok.trackers = block_from_text("state T");
    l = tracking_learn(store, blank, &past, &ok, NULL);
    assert_false(l.has_transaction_state);
    environment_unref(l.environment);
    environment_unref(blank);
    environment_store_free(store);
}

/* Every prefix of a good block: either a shorter good block or malformed, and then it pins. */
static void test_prefixes(void **state)
{
    struct environment_store *store = environment_store_new();
    const struct environment *blank = environment_blank(store);
    struct bytes block = block_from_text("schema a|time_zone=UTC|change|state T_______|next x");
    struct tracking_past past = {0};

    (void)state;
    for (size_t size = 0; size < block.size; size++) {
        uint8_t *copy = malloc(size + 1);
        struct ok_packet ok;
        struct learned l;

        assert_non_null(copy);
        memcpy(copy, block.data, size);
        ok = (struct ok_packet){.trackers = bytes_of(copy, size)};
        l = tracking_learn(store, blank, &past, &ok, NULL);
        assert_int_equal(l.malformed, l.unexplained);
        environment_unref(l.environment);
        free(copy);
    }
    environment_unref(blank);
    assert_int_equal(environment_store_count(store), 1);
    environment_store_free(store);
}

/* A value beyond the ceiling pins and leaves the environment as it was. */
static void test_ceiling(void **state)
{
    static uint8_t value[ENVIRONMENT_MAX_VALUE + 1];
    struct environment_store *store = environment_store_new();
    const struct environment *before = environment_from_text(store, "time_zone=UTC");
    struct tracking_past past = {0};
    struct writer content = writer_growing(1 << 17);
    struct writer w = writer_over(packet, sizeof packet);
    struct ok_packet ok = {0};
    struct learned l;

    (void)state;
    memset(value, 'x', sizeof value);
    write_lenenc_bytes(&content, bytes_of_text("sql_mode"));
    write_lenenc_bytes(&content, bytes_of(value, sizeof value));
    write_entry(&w, TRACKER_SYSTEM_VARIABLE, &content);
    writer_dispose(&content);
    assert_false(w.failed);
    ok.trackers = writer_bytes(&w);
    l = tracking_learn(store, before, &past, &ok, NULL);
    assert_ptr_equal(l.environment, before);
    assert_true(l.unexplained);
    assert_false(l.malformed);
    environment_unref(l.environment);
    environment_unref(before);
    environment_store_free(store);
}

static void test_setup_sql(void **state)
{
    static const struct {
        const char *server, *sql;
    } setups[] = {
        {"autocommit,session_track_gtids,session_track_schema,session_track_state_change,"
         "session_track_system_variables,session_track_transaction_info,statement_id,time_zone",
         "SET session_track_system_variables='autocommit,session_track_gtids,time_zone',"
         "session_track_schema=ON,session_track_state_change=ON,session_track_transaction_info='"
         "CHARACTERISTICS'"},
        {"AUTOCOMMIT,SESSION_TRACK_SCHEMA,SESSION_TRACK_SYSTEM_VARIABLES",
         "SET session_track_system_variables='AUTOCOMMIT',session_track_schema=ON"},
        {"autocommit,session_track_schema", ""},
        {"", ""},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        size_t size = tracking_setup_sql(bytes_of_text(setups[i].server), text, sizeof text);

        assert_int_equal(size, strlen(setups[i].sql));
        if (size > 0)
            assert_string_equal(text, setups[i].sql);
    }
    for (size_t capacity = 0; capacity <= strlen(setups[0].sql); capacity++)
        assert_int_equal(tracking_setup_sql(bytes_of_text(setups[0].server), text, capacity), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_transaction_state),
        cmocka_unit_test(test_prefixes),  cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_setup_sql),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
