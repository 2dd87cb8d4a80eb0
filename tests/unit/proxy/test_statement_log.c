/*
 * The statement log: which statements, what a line says, and lines on their way to a file.
 */
#include "proxy/memory.h"
#include "proxy/statement_log/line.h"
#include "proxy/statement_log/spool.h"
#include "router/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct lexer_mode mode;

static struct statement_record record_of(const char *sql)
{
    struct statement statement;
    struct bytes text = bytes_of_text(sql);

    mode = lexer_mode_default(SQL_FLAVOR_MARIADB);
    classify(text, false, &mode, &statement);
    return (struct statement_record){.session = 12,
                                     .command = 3,
                                     .is_statement = true,
                                     .class = (uint8_t)statement.class,
                                     .digest = statement.digest,
                                     .sql = text,
                                     .mode = &mode,
                                     .target = TARGET_REPLICA,
                                     .server = 1,
                                     .why = "fresh enough",
                                     .began_ns = 1000000,
                                     .ended_ns = 3500000,
                                     .rows = 2,
                                     .bytes = 120,
                                     .bytes_in = 60};
}

static const struct line_names names = {
    .at_unix_us = INT64_C(1795269600123456),
    .user = "app",
    .client = "10.0.0.9:5123",
    .schema = {(const uint8_t *)"sh\"op", 5},
    .server = "db2",
};

static void who_is_in_the_log(void **state)
{
    struct line_policy policy = {.slow_ns = 2500000};
    struct statement_record record = record_of("SELECT 1");

    (void)state;
    assert_int_equal(line_reasons(&record, &policy, 0), LINE_SLOW);
    policy.slow_ns = 2500001;
    assert_int_equal(line_reasons(&record, &policy, 0), 0);
    policy.slow_ns = 0;
    assert_int_equal(line_reasons(&record, &policy, 0), 0);
    policy.sample_rate = 1;
    assert_int_equal(line_reasons(&record, &policy, UINT32_MAX), LINE_SAMPLED);
    policy.sample_rate = 0.5;
    assert_int_equal(line_reasons(&record, &policy, UINT32_MAX / 2), LINE_SAMPLED);
    assert_int_equal(line_reasons(&record, &policy, UINT32_MAX / 2 + 2), 0);
    record.error = 1064;
    record.pins = PIN_TRANSACTION;
    record.retries = 1;
    assert_int_equal(line_reasons(&record, &policy, 0), LINE_FAILED | LINE_PINNED | LINE_RETRIED);
}

static void expect_line(const struct statement_record *record, const struct line_policy *policy,
                        const char *part, bool is_there)
{
    char line[SPOOL_LINE_MAX];
    size_t size = line_write(record, &names, LINE_SLOW | LINE_SAMPLED, policy, line, sizeof line);

    assert_true(size > 2 && line[size - 1] == '\n' && line[size - 2] == '}');
    line[size - 1] = '\0';
    if ((strstr(line, part) != NULL) != is_there) {
        fail_msg("%s in %s", part, line);
    }
}

static void what_a_line_says(void **state)
{
    static const struct line_policy policy = {0};
    struct statement_record record = record_of("select 'x', 7 from `t\x01\xff\xc3\xa4`");

    (void)state;
    expect_line(&record, &policy, "{\"at\":\"2026-11-21T14:00:00.123456Z\"", true);
    expect_line(&record, &policy,
                "\"reasons\":[\"slow\",\"sampled\"],\"session\":12,\"user\":\"app\","
                "\"client\":\"10.0.0.9:5123\",\"schema\":\"sh\\\"op\"",
                true);
    expect_line(&record, &policy, "SELECT ?, ? FROM `t\\u0001\\ufffd\xc3\xa4`\"", true);
    expect_line(
        &record, &policy,
        "\"class\":\"read\",\"target\":\"replica\",\"server\":\"db2\",\"why\":\"fresh enough\","
        "\"took_us\":2500,\"wait_us\":0,\"rows\":2,\"bytes\":120,\"bytes_in\":60,"
        "\"warnings\":0,\"error\":0,\"retries\":0,\"pins\":[],",
        true);
    expect_line(&record, &policy, "\"sql\"", false);
    record.pins = PIN_TRANSACTION | PIN_USER_VARIABLE;
    expect_line(&record, &policy, "\"pins\":[\"transaction\",", true);
}

static void literals_only_when_asked_for_and_passwords_never(void **state)
{
    static const struct line_policy literals = {.with_literals = true};
    static const char *const secret[] = {
        "CREATE USER a IDENTIFIED BY 'hush'",
        "SET PASSWORD = 'hush'",
        "ALTER USER a identified with x as 'hush'",
        "CHANGE MASTER TO MASTER_PASSWORD = 'hush'",
        "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'hush')",
        "SELECT AES_ENCRYPT('a', 'hush')",
        "INSERT INTO users (passwd) VALUES ('hush')",
    };
    struct statement_record record = record_of("SELECT 'hush'");

    (void)state;
    expect_line(&record, &literals, "\"sql\":\"SELECT 'hush'\"", true);
    record.error = 1064; /* nobody could read it: it may be a password typed wrongly */
    expect_line(&record, &literals, "hush", false);
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        record = record_of(secret[i]);
        expect_line(&record, &literals, "hush", false);
    }
}

/* ---- the spool ---- */

static char path[] = "/tmp/tidemark-spool-XXXXXX";

static size_t count_lines(const char *file_path, const char *with)
{
    FILE *file = fopen(file_path, "re");
    char line[100];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, with) != NULL;
    }
    fclose(file);
    return count;
}

enum { WORKERS = 3, LINES = 20000, ALL_LINES = WORKERS * LINES };

struct writer {
    struct spool *spool;
    unsigned worker;
};

static void *write_lines(void *argument)
{
    const struct writer *writer = argument;

    for (unsigned i = 0; i < LINES; i++) {
        char line[40];
        int size = snprintf(line, sizeof line, "worker %u line %06u\n", writer->worker, i);

        spool_write(writer->spool, writer->worker, bytes_of((const uint8_t *)line, (size_t)size));
    }
    return NULL;
}

/* Every line is whole, and in the file or counted as dropped. */
static void lines_of_all_workers_come_whole(void **state)
{
    struct spool *spool = spool_new(WORKERS);
    struct writer writers[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t dropped;

    (void)state;
    assert_false(spool_is_open(spool));
    assert_int_equal(spool_open(spool, path), 0);
    assert_true(spool_is_open(spool));
    for (unsigned i = 0; i < WORKERS; i++) {
        writers[i] = (struct writer){spool, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    dropped = spool_dropped(spool);
    spool_free(spool);
    assert_int_equal(count_lines(path, "worker ") + dropped, ALL_LINES);
    assert_int_equal(count_lines(path, "\n"), ALL_LINES - dropped + count_lines(path, "dropped"));
    assert_int_equal(truncate(path, 0), 0);
}

static void a_full_ring_drops_and_says_so(void **state)
{
    struct spool *spool = spool_new(1);
    static char line[SPOOL_LINE_MAX];

    (void)state;
    assert_int_equal(spool_open(spool, "/dev/full"), 0); /* nothing can be written */
    memset(line, 'x', sizeof line);
    for (unsigned i = 0; i < 100; i++) {
        spool_write(spool, 0, bytes_of((const uint8_t *)line, sizeof line));
    }
    assert_int_equal(spool_dropped(spool), 100 - SPOOL_RING_BYTES / SPOOL_LINE_MAX);
    assert_int_equal(spool_open(spool, path), 0); /* what is in the ring goes to the new file */
    spool_free(spool);
    assert_int_equal(count_lines(path, "{\"dropped\":36}"), 1);
    assert_int_equal(truncate(path, 0), 0);
}

/* To wait for a reader would hold up whoever changes the configuration, and signals. */
static void a_pipe_without_a_reader_is_an_error(void **state)
{
    struct spool *spool = spool_new(1);
    char pipe[sizeof path + 5];

    (void)state;
    snprintf(pipe, sizeof pipe, "%s.pipe", path);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(10); /* in case it does wait */
    assert_int_equal(spool_open(spool, pipe), -ENXIO);
    alarm(0);
    unlink(pipe);
    spool_free(spool);
}

static void files_are_switched(void **state)
{
    struct spool *spool = spool_new(1);
    char moved[sizeof path + 2];

    (void)state;
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(spool_open(spool, "/nowhere/at/all"), -2);
    assert_false(spool_is_open(spool));
    assert_int_equal(spool_open(spool, path), 0);
    spool_write(spool, 0, bytes_of_text("one\n"));
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(spool_reopen(spool), 0);
    spool_write(spool, 0, bytes_of_text("two\n"));
    assert_int_equal(spool_open(spool, "/nowhere/at/all"), -2);
    assert_true(spool_is_open(spool));
    assert_int_equal(spool_open(spool, ""), 0);
    assert_false(spool_is_open(spool));
    spool_free(spool);
    assert_int_equal(count_lines(moved, "one"), 1);
    assert_int_equal(count_lines(path, "two"), 1);
    assert_int_equal(count_lines(path, "one"), 0);
    unlink(moved);
}

static int make_file(void **state)
{
    int file = mkstemp(path);

    (void)state;
    return file < 0 || close(file) < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in_the_log),
        cmocka_unit_test(what_a_line_says),
        cmocka_unit_test(literals_only_when_asked_for_and_passwords_never),
        cmocka_unit_test(lines_of_all_workers_come_whole),
        cmocka_unit_test(a_full_ring_drops_and_says_so),
        cmocka_unit_test(a_pipe_without_a_reader_is_an_error),
        cmocka_unit_test(files_are_switched),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
