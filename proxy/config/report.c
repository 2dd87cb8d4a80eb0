/*
 * See report.h.
 */
#include "proxy/config/report.h"

#include "proxy/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char *place_of(const struct config_origin *origin, const char *key)
{
    switch (origin->kind) {
    case CONFIG_FROM_ENVIRONMENT:
        return mem_printf("environment: %s", origin->where);
    case CONFIG_FROM_FLAG:
        return mem_printf("command line: %s", origin->where);
    case CONFIG_FROM_FILE:
        if (origin->line == 0) {
            return mem_printf("%s: %s", origin->where, key);
        }
        return mem_printf("%s:%u: %s", origin->where, origin->line, key);
    case CONFIG_FROM_ADMIN:
    case CONFIG_FROM_START:
        return mem_text(key);
    case CONFIG_FROM_DEFAULT:
        break;
    }
    return mem_printf("default: %s", key);
}

static char *escaped(const char *text)
{
    size_t size = log_escape((char[1]){0}, 1, text) + 1;
    char *copy = mem_alloc(size);

    log_escape(copy, size, text);
    return copy;
}

static void add(struct config_report *report, const struct config_origin *origin, const char *key,
                bool is_error, const char *format, va_list arguments)
{
    char *what = NULL;

    if (vasprintf(&what, format, arguments) < 0) {
        what = mem_text("out of memory");
    }
    char *place = place_of(origin, key);
    char *line = mem_printf("%s: %s%s", place, is_error ? "" : "warning: ", what);

    report->messages =
        mem_realloc(report->messages, (report->count + 1) * sizeof(report->messages[0]));
    report->messages[report->count] = (struct config_message){
        .text = escaped(line),
        .is_error = is_error,
        .layer = origin->layer,
        .line = origin->line,
        .number = report->count,
    };
    report->count++;
    report->error_count += is_error ? 1 : 0;
    mem_free(line);
    mem_free(place);
    free(what);
}

void report_error(struct config_report *report, const struct config_origin *origin, const char *key,
                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(report, origin, key, true, format, arguments);
    va_end(arguments);
}

void report_warning(struct config_report *report, const struct config_origin *origin,
                    const char *key, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(report, origin, key, false, format, arguments);
    va_end(arguments);
}

void report_repeat(struct config_report *report, const struct config_message *message)
{
    report->messages =
        mem_realloc(report->messages, (report->count + 1) * sizeof(report->messages[0]));
    report->messages[report->count] = *message;
    report->messages[report->count].text = mem_text(message->text);
    report->messages[report->count].number = report->count;
    report->count++;
    report->error_count += message->is_error ? 1 : 0;
}

void report_as_warnings(struct config_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        report->messages[i].is_error = false;
    }
    report->error_count = 0;
}

static int in_order(const void *left, const void *right)
{
    const struct config_message *a = left, *b = right;

    if (a->layer != b->layer) {
        return a->layer < b->layer ? -1 : 1;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

void report_sort(struct config_report *report)
{
    if (report->count > 1) {
        qsort(report->messages, report->count, sizeof(report->messages[0]), in_order);
    }
}

void config_report_print(const struct config_report *report, FILE *to)
{
    for (size_t i = 0; i < report->count; i++) {
        fprintf(to, "%s\n", report->messages[i].text);
    }
}

void config_report_dispose(struct config_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        mem_free(report->messages[i].text);
    }
    mem_free(report->messages);
    *report = (struct config_report){.messages = NULL};
}
