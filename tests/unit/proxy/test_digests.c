/* The digest table: what is counted, what goes first, and that no literal ever gets into it. */
#include "proxy/statistics/digests.h"

#include "proxy/statistics/digest_list.h"

#include "record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct lexer_mode mode_of(enum sql_flavor flavor, const char *sql_mode)
{
    struct lexer_mode mode = lexer_mode_default(flavor);

    assert_true(lexer_mode_set_sql_mode(&mode, bytes_of_text(sql_mode)));
    return mode;
}

static void counts_what_a_record_says(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    struct digests *digests = digests_new(10);
    struct statement_record record = record_of("SELECT a FROM t WHERE id = 5", &mode);
    const struct digest_entry *entry;

    (void)state;
    record.rows = 3;
    record.bytes = 100;
    record.bytes_in = 40;
    record.on_replica = true;
    digests_take(digests, &record);
    record = record_of("SELECT a FROM t WHERE id = 777", &mode);
    record.is_prepared = true;
    record.began_ns = 10000000;
    record.ended_ns = 14000000;
    record.wait_ns = 2000000;
    record.retries = 1;
    record.pins = PIN_WARNINGS;
    record.error = 1205;
    record.bytes_in = 60;
    digests_take(digests, &record);

    assert_int_equal(digests_count(digests), 1);
    entry = digests_find(digests, record.digest);
    assert_non_null(entry);
    assert_string_equal(entry->text, "SELECT a FROM t WHERE id = ?");
    assert_int_equal(entry->text_size, strlen(entry->text));
    assert_int_equal(entry->count, 2);
    assert_int_equal(entry->errors, 1);
    assert_int_equal(entry->last_error, 1205);
    assert_int_equal(entry->rows, 3);
    assert_int_equal(entry->bytes, 100);
    assert_int_equal(entry->bytes_in, 100);
    assert_int_equal(entry->on_replica, 1);
    assert_int_equal(entry->prepared, 1);
    assert_int_equal(entry->retries, 1);
    assert_int_equal(entry->pinned, 1);
    assert_int_equal(entry->pins, PIN_WARNINGS);
    assert_int_equal(entry->waited, 1);
    assert_int_equal(entry->wait_ns, 2000000);
    assert_int_equal(entry->total_ns, 5000000);
    assert_int_equal(entry->max_ns, 4000000);
    assert_int_equal(entry->first_ns, 6000000);
    assert_int_equal(entry->last_ns, 14000000);
    assert_int_equal(entry->class, STATEMENT_READ);
    assert_in_range(histogram_percentile_us(&entry->took, 0.5), 900, 1100);
    assert_in_range(histogram_percentile_us(&entry->took, 0.99), 3600, 4400);
    digests_free(digests);
}

/* Takes "SELECT aN", which has a digest of its own. */
static uint64_t take_numbered(struct digests *digests, unsigned number)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    char sql[40];
    struct statement_record record;

    snprintf(sql, sizeof sql, "SELECT a%u", number);
    record = record_of(sql, &mode);
    digests_take(digests, &record);
    return record.digest;
}

static void the_one_used_longest_ago_goes_first(void **state)
{
    struct digests *digests = digests_new(3);
    uint64_t known[5];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        known[i] = take_numbered(digests, i);
    }
    take_numbered(digests, 0); /* now 1 is the oldest */
    known[3] = take_numbered(digests, 3);
    assert_null(digests_find(digests, known[1]));
    assert_int_equal(digests_find(digests, known[0])->count, 2);
    known[4] = take_numbered(digests, 4);
    assert_null(digests_find(digests, known[2]));
    assert_non_null(digests_find(digests, known[0]));
    assert_non_null(digests_find(digests, known[3]));
    assert_non_null(digests_find(digests, known[4]));
    assert_int_equal(digests_count(digests), 3);
    assert_int_equal(digests_evicted(digests), 2);
    /* One that comes back begins anew. */
    take_numbered(digests, 1);
    assert_int_equal(digests_find(digests, known[1])->count, 1);
    assert_string_equal(digests_find(digests, known[1])->text, "SELECT a1");
    digests_free(digests);
}

/* Against a list that is kept the simple way. */
static void order_of_use_at_random(void **state)
{
    enum { CAPACITY = 37, KINDS = 100 };
    struct digests *digests = digests_new(CAPACITY);
    uint64_t digest_of[KINDS] = {0};
    unsigned last_use[KINDS] = {0};
    uint64_t random = 3;

    (void)state;
    for (unsigned turn = 1; turn < 5000; turn++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned kind = (unsigned)((random >> 33) % KINDS);

        digest_of[kind] = take_numbered(digests, kind);
        last_use[kind] = turn;
        for (unsigned i = 0; i < KINDS; i++) {
            unsigned younger = 0;

            for (unsigned k = 0; k < KINDS; k++) {
                younger += last_use[k] > last_use[i];
            }
            assert_int_equal(digests_find(digests, digest_of[i]) != NULL,
                             last_use[i] > 0 && younger < CAPACITY);
        }
    }
    digests_free(digests);
}

static void nothing_is_remembered_with_no_room(void **state)
{
    struct digests *digests = digests_new(0);
    size_t place = 0;

    (void)state;
    assert_null(digests_find(digests, take_numbered(digests, 1)));
    assert_false(digests_visit(digests, &place, 10, NULL, NULL));
    digests_free(digests);
}

static void another_capacity_keeps_those_used_last(void **state)
{
    struct digests *digests = digests_new(4);
    uint64_t known[6];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        known[i] = take_numbered(digests, i);
    }
    take_numbered(digests, 0);
    digests = digests_resized(digests, 2);
    assert_int_equal(digests_capacity(digests), 2);
    assert_int_equal(digests_count(digests), 2);
    assert_int_equal(digests_find(digests, known[0])->count, 2);
    assert_non_null(digests_find(digests, known[3]));
    known[4] = take_numbered(digests, 4); /* 3 was used before 0 */
    assert_null(digests_find(digests, known[3]));
    digests = digests_resized(digests, 100);
    assert_int_equal(digests_count(digests), 2);
    for (unsigned i = 10; i < 90; i++) {
        take_numbered(digests, i);
    }
    assert_string_equal(digests_find(digests, known[0])->text, "SELECT a0");
    digests = digests_resized(digests, 0);
    assert_int_equal(digests_count(digests), 0);
    digests = digests_resized(digests, 1);
    assert_non_null(digests_find(digests, take_numbered(digests, 5)));
    digests_reset(digests);
    assert_int_equal(digests_count(digests), 0);
    assert_null(digests_find(digests, take_numbered(digests, 5) + 1));
    digests_free(digests);
}

static void lists_of_workers_become_one(void **state)
{
    struct digests *workers[2] = {digests_new(50), digests_new(50)};
    struct digest_list lists[2] = {0};
    struct digest_list all;
    unsigned calls = 0;

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        take_numbered(workers[0], i);
        take_numbered(workers[1], i + 10);
    }
    for (unsigned i = 0; i < 2; i++) {
        while (!digest_list_collect(&lists[i], workers[i], 7)) {
            calls++;
        }
    }
    assert_int_equal(calls, 8);
    all = digest_list_merge(lists, 2);
    assert_int_equal(all.count, 40);
    for (size_t i = 0; i < all.count; i++) {
        const struct digest_entry *entry = &all.entries[i];
        unsigned number;

        assert_int_equal(sscanf(entry->text, "SELECT a%u", &number), 1);
        assert_int_equal(entry->count, number < 10 || number >= 30 ? 1 : 2);
        assert_int_equal(entry->total_ns, entry->count * 1000000);
        assert_true(i == 0 || entry->digest > all.entries[i - 1].digest);
    }
    digest_list_dispose(&all);
    digests_free(workers[0]);
    digests_free(workers[1]);
}

static void merging_takes_the_later_and_the_larger(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct digests *one = digests_new(1), *two = digests_new(1);
    struct statement_record record = record_of("SELECT a FROM t", &mode);
    struct digest_entry entry;

    (void)state;
    record.error = 1064;
    digests_take(one, &record);
    record.error = 0;
    record.began_ns = 1000000;
    record.ended_ns = 4000000;
    record.pins = PIN_PROGRAM;
    digests_take(two, &record);
    entry = *digests_find(one, record.digest);
    assert_int_equal(entry.text_is, TEXT_UNPARSED);
    digest_entry_merge(&entry, digests_find(two, record.digest));
    assert_int_equal(entry.count, 2);
    assert_int_equal(entry.errors, 1);
    assert_int_equal(entry.last_error, 1064);
    assert_int_equal(entry.first_ns, 4000000);
    assert_int_equal(entry.last_ns, 6000000);
    assert_int_equal(entry.max_ns, 3000000);
    assert_int_equal(entry.pins, PIN_PROGRAM);
    assert_string_equal(entry.text, "SELECT a FROM t");
    digests_free(one);
    digests_free(two);
}

/* ---- secrets ---- */

static const struct digest_entry *taken(struct digests *digests,
                                        const struct statement_record *record)
{
    digests_take(digests, record);
    return digests_find(digests, record->digest);
}

/* Statements with passwords as both servers take them; the secret is always the same. */
static const char *const with_secrets[] = {
    "SET PASSWORD = 'hunter2'",
    "SET PASSWORD = PASSWORD('hunter2')",
    "SET PASSWORD FOR 'bob'@'%' = 'hunter2' REPLACE 'hunter2'",
    "CREATE USER bob IDENTIFIED BY 'hunter2'",
    "CREATE USER 'bob'@'%' IDENTIFIED WITH caching_sha2_password BY 'hunter2' REQUIRE SSL",
    "CREATE OR REPLACE USER bob IDENTIFIED VIA ed25519 USING PASSWORD('hunter2')",
    "CREATE USER bob IDENTIFIED BY PASSWORD '*hunter2'",
    "ALTER USER bob IDENTIFIED BY 'hunter2' REPLACE 'hunter2' RETAIN CURRENT PASSWORD",
    "ALTER USER bob IDENTIFIED WITH 'mysql_native_password' AS '*hunter2'",
    "GRANT ALL ON *.* TO bob IDENTIFIED BY 'hunter2' WITH GRANT OPTION",
    "GRANT ALL ON *.* TO bob IDENTIFIED BY N'hunter2'",
    "CHANGE MASTER TO MASTER_USER = 'repl', MASTER_PASSWORD = 'hunter2', MASTER_PORT = 3306",
    "CHANGE MASTER 'two' TO MASTER_PASSWORD='hunter2'",
    "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='hunter2', GET_SOURCE_PUBLIC_KEY=1",
    "START REPLICA USER = 'repl' PASSWORD = 'hunter2'",
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'hunter2')",
    "CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='mysql://u:hunter2@h/d/t'",
    "SELECT AES_ENCRYPT('x', 'hunter2'), _utf8mb4'hunter2', x'68756e74657232'",
    "PREPARE s FROM 'SET PASSWORD = ''hunter2'''",
    "INSERT INTO users VALUES (1, \"hunter2\"), (2, 'a\\'hunter2')",
    "SELECT 1 /* hunter2 */ -- hunter2",
    "SELECT 1 # hunter2",
};

static void no_literal_gets_into_a_text(void **state)
{
    const enum sql_flavor flavors[] = {SQL_FLAVOR_MARIADB, SQL_FLAVOR_MYSQL};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct lexer_mode mode = lexer_mode_default(flavors[f]);

        for (size_t i = 0; i < sizeof with_secrets / sizeof with_secrets[0]; i++) {
            struct digests *digests = digests_new(1);
            struct statement_record record = record_of(with_secrets[i], &mode);
            const struct digest_entry *entry = taken(digests, &record);

            if (entry->text_is != TEXT_SHOWN || strstr(entry->text, "hunter2") != NULL) {
                fail_msg("%s -> %u %s", with_secrets[i], entry->text_is, entry->text);
            }
            digests_free(digests);
        }
    }
}

/* Where the server did not understand it, what looks like a name may be a secret. */
static void no_text_before_a_server_could_parse_it(void **state)
{
    static const struct {
        const char *sql, *sql_mode;
        uint16_t error;
        int server;
    } rows[] = {
        {"SET PASSWORD = hunter2", "", 1064, 0},
        {"CREATE USER bob IDENTIFIED BY hunter2", "", 1064, 0},
        {"CREATE USER bob IDENTIFIED BY \"hunter2\"", "ANSI_QUOTES", 1064, 0},
        {"SELECT * FROM t WHERE a = 'O'hunter2' AND b = ''", "", 1064, 0},
        {"SET passwrd = hunter2", "", 1193, 0},
        {"SET PASSWORD = hunter2", "", 1105, -1}, /* no server was there */
        {"SET PASSWORD = hunter2", "", 2013, 0},
        {"INSERT INTO t VALUES (1); SET PASSWORD = hunter2", "", 1062, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lexer_mode mode = mode_of(SQL_FLAVOR_MYSQL, rows[i].sql_mode);
        struct digests *digests = digests_new(1);
        struct statement_record record = record_of(rows[i].sql, &mode);
        const struct digest_entry *entry;

        record.error = rows[i].error;
        record.server = rows[i].server;
        entry = taken(digests, &record);
        assert_int_equal(entry->text_is, TEXT_UNPARSED);
        assert_string_equal(entry->text, "");
        assert_int_equal(entry->errors, 1);
        digests_free(digests);
    }
}

static void a_text_comes_when_it_was_parsed(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct digests *digests = digests_new(1);
    struct statement_record record = record_of("SELECT a FROM t", &mode);

    (void)state;
    record.is_aborted = true;
    assert_string_equal(taken(digests, &record)->text, "");
    record.is_aborted = false;
    record.error = 1064;
    assert_string_equal(taken(digests, &record)->text, "");
    record.error = 1146; /* no such table: its name was understood */
    assert_string_equal(taken(digests, &record)->text, "SELECT a FROM t");
    assert_int_equal(taken(digests, &record)->errors, 4);
    digests_free(digests);
}

/* Prepared under one sql_mode, executed under another: the wrong one would show the literal. */
static void a_text_read_in_the_wrong_mode_is_not_shown(void **state)
{
    struct lexer_mode plain = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct lexer_mode ansi = mode_of(SQL_FLAVOR_MYSQL, "ANSI_QUOTES");
    struct digests *digests = digests_new(1);
    struct statement_record record = record_of("SELECT \"hunter2\"", &plain);

    (void)state;
    record.mode = &ansi;
    assert_int_equal(taken(digests, &record)->text_is, TEXT_UNSURE);
    assert_string_equal(taken(digests, &record)->text, "");
    digests_free(digests);
}

static void what_servers_may_read_differently_is_not_shown(void **state)
{
    static const char *const rows[] = {
        "SELECT 1 /*!80030 + hunter2 */",
        "CLONE INSTANCE FROM 'u'@'h':3306 IDENTIFIED BY 'hunter2'",
    };
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct digests *digests = digests_new(1);
        struct statement_record record = record_of(rows[i], &mode);

        assert_int_equal(taken(digests, &record)->text_is, TEXT_UNSURE);
        assert_string_equal(taken(digests, &record)->text, "");
        digests_free(digests);
    }
}

/* The beginning of a long one, cut anywhere. */
static void a_cut_text_is_shown_without_its_literals(void **state)
{
    static const char sql[] = "INSERT INTO `t` VALUES (1, 'it''s hunter2'), (2, \"hunter2\"), "
                              "(3, /* hunter2 */ 0x1f)";
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);

    (void)state;
    for (size_t size = 1; size < sizeof sql; size++) {
        struct digests *digests = digests_new(1);
        char part[sizeof sql];
        struct statement_record record;
        const struct digest_entry *entry;

        snprintf(part, sizeof part, "%.*s", (int)size, sql);
        record = record_of(part, &mode);
        record.is_cut = true;
        entry = taken(digests, &record);
        assert_int_equal(entry->text_is, TEXT_SHOWN);
        assert_null(strstr(entry->text, "hunter"));
        digests_free(digests);
    }
}

static void a_long_text_ends_in_dots(void **state)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    struct digests *digests = digests_new(1);
    char sql[4000] = "SELECT a";
    struct statement_record record;
    const struct digest_entry *entry;

    (void)state;
    while (strlen(sql) < 3000) {
        snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ", column_%zu", strlen(sql));
    }
    record = record_of(sql, &mode);
    entry = taken(digests, &record);
    assert_int_equal(entry->text_size, DIGEST_TEXT_BYTES - 1);
    assert_string_equal(entry->text + entry->text_size - 3, "...");
    digests_free(digests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_a_record_says),
        cmocka_unit_test(the_one_used_longest_ago_goes_first),
        cmocka_unit_test(order_of_use_at_random),
        cmocka_unit_test(nothing_is_remembered_with_no_room),
        cmocka_unit_test(another_capacity_keeps_those_used_last),
        cmocka_unit_test(lists_of_workers_become_one),
        cmocka_unit_test(merging_takes_the_later_and_the_larger),
        cmocka_unit_test(no_literal_gets_into_a_text),
        cmocka_unit_test(no_text_before_a_server_could_parse_it),
        cmocka_unit_test(a_text_comes_when_it_was_parsed),
        cmocka_unit_test(a_text_read_in_the_wrong_mode_is_not_shown),
        cmocka_unit_test(what_servers_may_read_differently_is_not_shown),
        cmocka_unit_test(a_cut_text_is_shown_without_its_literals),
        cmocka_unit_test(a_long_text_ends_in_dots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
