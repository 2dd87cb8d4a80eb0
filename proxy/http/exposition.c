/*
 * Printing figures. See exposition.h. https://prometheus.io/docs/instrumenting/exposition_formats/,
 * https://github.com/OpenObservability/OpenMetrics (specification/OpenMetrics.md).
 */
#include "proxy/http/exposition.h"

#include "proxy/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exposition exposition_for(const char *accept)
{
    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL
               ? EXPOSITION_OPENMETRICS
               : EXPOSITION_TEXT;
}

const char *exposition_content_type(enum exposition exposition)
{
    return exposition == EXPOSITION_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/* The text format speaks of a counter by its sample's name, OpenMetrics by the family's. */
static const char *family_suffix(const struct metric_family *family, enum exposition exposition)
{
    return family->type == METRIC_COUNTER && exposition == EXPOSITION_TEXT ? "_total" : "";
}

static void print_head(FILE *to, const struct metric_family *family, enum exposition exposition)
{
    const char *suffix = family_suffix(family, exposition);

    fprintf(to, "# HELP %s%s %s\n", family->name, suffix, family->help);
    fprintf(to, "# TYPE %s%s %s\n", family->name, suffix, metric_type_name(family->type));
    if (exposition == EXPOSITION_OPENMETRICS && family->unit[0] != 0) {
        fprintf(to, "# UNIT %s %s\n", family->name, family->unit);
    }
}

static void print_sample(FILE *to, const struct metrics *metrics,
                         const struct metric_sample *sample)
{
    const char *labels = metrics_labels(metrics, sample);
    char value[METRIC_VALUE_BYTES];

    metric_print_value(value, sizeof value, sample->value);
    fprintf(to, labels[0] != 0 ? "%s%s{%s} %s\n" : "%s%s%s %s\n",
            metric_families[sample->metric].name, sample->suffix, labels, value);
}

char *exposition_print(const struct metrics *metrics, enum exposition exposition, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);

    if (to == NULL) {
        abort(); /* no memory, as in proxy/memory.c */
    }
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_sample *sample = &metrics->samples[i];

        if (i == 0 || sample->metric != metrics->samples[i - 1].metric) {
            print_head(to, &metric_families[sample->metric], exposition);
        }
        print_sample(to, metrics, sample);
    }
    if (exposition == EXPOSITION_OPENMETRICS) {
        fputs("# EOF\n", to);
    }
    if (fclose(to) != 0 || text == NULL) {
        abort();
    }
    return text;
}
