/*
 * See config_fixture.h.
 */
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/tidemark-config-XXXXXX";

int config_folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

int config_folder_remove(void **state)
{
    static const char *const names[] = {"t.ini", "tidemark.auto.ini", "other.ini", "secret", "log"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    return chdir("/") != 0 || rmdir(folder) != 0;
}

void config_write_bytes(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void config_write_file(const char *name, const char *text)
{
    if (text == NULL) {
        unlink(name);
    } else {
        config_write_bytes(name, text, strlen(text));
    }
}

struct config *config_from_file(char *const *environment, const struct options *options,
                                char **messages)
{
    static char *const nothing[] = {NULL};
    struct options only_file = {.action = OPTIONS_CHECK, .config_file = "t.ini"};
    struct config_report report = {.messages = NULL};
    size_t size;
    FILE *printed = open_memstream(messages, &size);
    struct config *config = config_load_with(options != NULL ? options : &only_file,
                                             environment != NULL ? environment : nothing, &report);

    config_report_print(&report, printed);
    fclose(printed);
    assert_true((config == NULL) == (report.error_count != 0));
    config_report_dispose(&report);
    return config;
}

struct config *config_from_text(const char *text, char **messages)
{
    config_write_file("t.ini", text);
    return config_from_file(NULL, NULL, messages);
}
