/*
 * Comparing configurations. See compare.h. Both lists of values are sorted first, so that many
 * thousand users are compared in one pass.
 */
#include "proxy/config/compare.h"

#include "proxy/config/setting.h"
#include "proxy/memory.h"

#include <stdlib.h>
#include <string.h>

static int in_order(const struct config_value *a, const struct config_value *b)
{
    if (a->setting != b->setting) {
        return a->setting < b->setting ? -1 : 1;
    }
    return a->instance == NULL || b->instance == NULL ? 0 : strcmp(a->instance, b->instance);
}

static int by_name(const void *left, const void *right)
{
    return in_order(*(const struct config_value *const *)left,
                    *(const struct config_value *const *)right);
}

static const struct config_value **sorted(const struct config *config)
{
    const struct config_value **values = mem_calloc(config->value_count + 1, sizeof *values);

    for (size_t i = 0; i < config->value_count; i++) {
        values[i] = &config->values[i];
    }
    qsort(values, config->value_count, sizeof *values, by_name);
    return values;
}

/* A secret's text is not among the values: it is where the program reads it. */
static const char *secret_of(const struct config *config, const struct config_value *value)
{
    const char *base = NULL;

    switch (value->setting->section) {
    case SECTION_USER:
        base = (const char *)config_find_user(config, value->instance, strlen(value->instance));
        break;
    case SECTION_MONITOR:
        base = (const char *)&config->monitor;
        break;
    case SECTION_ADMIN:
        base = (const char *)&config->admin;
        break;
    case SECTION_PROXY:
    case SECTION_SERVER:
    case SECTION_CONSISTENCY:
    case SECTION_POOL:
    case SECTION_TLS:
    case SECTION_COMPRESSION:
    case SECTION_COUNT:
        break;
    }
    return base != NULL ? *(char *const *)(const void *)(base + value->setting->offset) : NULL;
}

static bool is_same(const struct config *before, const struct config_value *was,
                    const struct config *after, const struct config_value *is)
{
    const char *a = was->text;
    const char *b = is->text;

    if (was->setting->type == SETTING_SECRET || was->setting->type == SETTING_PASSWORD_HASH) {
        a = secret_of(before, was);
        b = secret_of(after, is);
    }
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void config_compare(const struct config *before, const struct config *after,
                    config_difference *difference, void *context)
{
    const struct config_value **was = sorted(before);
    const struct config_value **is = sorted(after);
    size_t i = 0;
    size_t j = 0;

    while (i < before->value_count || j < after->value_count) {
        int order = i == before->value_count  ? 1
                    : j == after->value_count ? -1
                                              : in_order(was[i], is[j]);

        if (order < 0) {
            difference(context, was[i++], NULL);
        } else if (order > 0) {
            difference(context, NULL, is[j++]);
        } else {
            if (!is_same(before, was[i], after, is[j])) {
                difference(context, was[i], is[j]);
            }
            i++;
            j++;
        }
    }
    mem_free(was);
    mem_free(is);
}

char *config_value_name(const struct config_value *value)
{
    return mem_printf("%s%s%s.%s", setting_section_name(value->setting->section),
                      value->instance != NULL ? " " : "",
                      value->instance != NULL ? value->instance : "", value->setting->key);
}
