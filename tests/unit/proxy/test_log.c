/*
 * The log: the form of a line, what it must not let through, and moving the file away.
 */
#include "proxy/log.h"

#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 200 };

static size_t read_log(char *text, size_t size)
{
    FILE *file = fopen("log", "re");

    assert_non_null(file);
    size_t length = fread(text, 1, size - 1, file);

    fclose(file);
    text[length] = '\0';
    return length;
}

static void fresh_log(enum log_level level)
{
    unlink("log");
    assert_int_equal(log_open("log", level), 0);
}

static void test_form(void **state)
{
    char text[LOG_LINE_MAX * 4];
    regex_t form;

    (void)state;
    fresh_log(LOG_LEVEL_INFO);
    log_info(log_number("session", 12), "closed reason=%s queries=%u", "\"idle\"", 17U);
    log_warn(log_name("server", "db1"), "down");
    log_error(log_name("proxy", NULL), "x");
    log_debug(log_name("proxy", NULL), "not shown");
    read_log(text, sizeof(text));
    assert_int_equal(
        regcomp(&form,
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info session "
                "12: closed reason=\"idle\" queries=17\n"
                "[^ ]+ warn server db1: down\n"
                "[^ ]+ error proxy: x\n$",
                REG_EXTENDED | REG_NOSUB),
        0);
    assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
    regfree(&form);
    log_close();
}

static void test_a_message_cannot_forge_a_line(void **state)
{
    char text[LOG_LINE_MAX * 2];

    (void)state;
    fresh_log(LOG_LEVEL_INFO);
    log_info(log_name("user", "a\nb"), "name=%s", "x\n2026 error\r\t\x1b[31m\x7f");
    read_log(text, sizeof(text));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, "user a\\nb: name=x\\n2026 error\\r\\t\\x1b[31m\\x7f\n"));
    log_close();
}

static void test_long_lines_say_that_they_were_cut(void **state)
{
    static const size_t sizes[] = {1900, 2010, 2016, 2017, 2018, 2030, 2047, 2048, 5000};
    char text[LOG_LINE_MAX * 2], message[6000];

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fresh_log(LOG_LEVEL_INFO);
        memset(message, 'x', sizes[i]);
        message[sizes[i]] = '\0';
        log_info(log_name("p", NULL), "%s", message);
        size_t size = read_log(text, sizeof(text));
        bool cut = strcmp(text + size - 4, "...\n") == 0;

        assert_true(size <= LOG_LINE_MAX);
        assert_true(cut || strspn(strstr(text, ": ") + 2, "x") == sizes[i]);
        assert_int_equal(text[size - 1], '\n');
    }
    log_close();
}

static void test_escape_keeps_to_its_room(void **state)
{
    char to[8];

    (void)state;
    for (size_t room = 1; room <= sizeof(to); room++) {
        memset(to, '#', sizeof(to));
        assert_int_equal(log_escape(to, room, "a\x01\nb"), 8);
        assert_true(strlen(to) < room);
    }
}

static void test_reopening_follows_the_name(void **state)
{
    char text[LOG_LINE_MAX];

    (void)state;
    fresh_log(LOG_LEVEL_INFO);
    log_info(log_name("p", NULL), "one");
    assert_int_equal(rename("log", "secret"), 0);
    log_info(log_name("p", NULL), "two");
    assert_int_equal(log_reopen(), 0);
    log_info(log_name("p", NULL), "three");
    read_log(text, sizeof(text));
    assert_null(strstr(text, "two"));
    assert_non_null(strstr(text, "three"));
    assert_int_equal(log_open("no/such/folder", LOG_LEVEL_DEBUG), -ENOENT);
    assert_false(log_shows(LOG_LEVEL_DEBUG));
    log_close();
}

static void *write_lines(void *number)
{
    for (int i = 0; i < LINES; i++) {
        log_info(log_number("thread", *(unsigned *)number), "line=%d end", i);
    }
    return NULL;
}

static void test_threads_do_not_mix_their_lines(void **state)
{
    static char text[LOG_LINE_MAX * THREADS * LINES];
    unsigned numbers[THREADS];
    pthread_t threads[THREADS];
    size_t lines = 0;

    (void)state;
    fresh_log(LOG_LEVEL_INFO);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(log_reopen(), 0);
        log_set_level(i % 2 != 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    read_log(text, sizeof(text));
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        assert_string_equal(line + strlen(line) - 4, " end");
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES);
    log_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_a_message_cannot_forge_a_line),
        cmocka_unit_test(test_long_lines_say_that_they_were_cut),
        cmocka_unit_test(test_escape_keeps_to_its_room),
        cmocka_unit_test(test_reopening_follows_the_name),
        cmocka_unit_test(test_threads_do_not_mix_their_lines),
    };

    return cmocka_run_group_tests(tests, config_folder_make, config_folder_remove);
}
