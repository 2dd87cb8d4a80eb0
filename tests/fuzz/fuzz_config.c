/*
 * A configuration file, and behind a byte 0x01 lines of an environment: whatever they say, there is
 * a report or a configuration, and never both an error and a configuration in force.
 */
#include "proxy/config/build.h"
#include "proxy/config/draft.h"
#include "proxy/config/environment_source.h"
#include "proxy/config/file_source.h"
#include "proxy/config/report.h"
#include "proxy/config/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts text into lines, in place. */
static void split(char *text, char *lines[VARIABLES_MAX + 1])
{
    size_t count = 0;
    char *rest = text;

    while (rest != NULL && count < VARIABLES_MAX) {
        lines[count++] = strsep(&rest, "\n");
    }
    lines[count] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *bar = size > 0 ? memchr(data, 1, size) : NULL;
    size_t file_size = bar != NULL ? (size_t)(bar - data) : size;
    char *variables = bar != NULL ? strndup((const char *)bar + 1, size - file_size - 1) : NULL;
    char *environment[VARIABLES_MAX + 1] = {NULL};
    struct config_report report = {.messages = NULL};
    struct draft draft;

    if (variables != NULL) {
        split(variables, environment);
    }
    draft_init(&draft, &report);
    file_source_read_text(&draft, "fuzz.ini", LAYER_MAIN, (const char *)data, file_size);
    environment_source_read(&draft, environment);
    /* Building reads the files that secrets are kept in, and an input could name any. */
    if (memmem(data, size, "_file", 5) == NULL && memmem(data, size, "_FILE", 5) == NULL) {
        struct config *config = config_build(&draft, environment);

        rules_check(config, &draft, "fuzz.ini");
        if (report.error_count == 0 && config->server_count == 0) {
            abort();
        }
        config_free(config);
    }
    report_sort(&report);
    for (size_t i = 0; i < report.count; i++) {
        if (strchr(report.messages[i].text, '\n') != NULL) {
            abort();
        }
    }
    draft_dispose(&draft);
    config_report_dispose(&report);
    free(variables);
    return 0;
}
