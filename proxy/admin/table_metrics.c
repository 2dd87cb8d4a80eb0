/*
 * The table `metrics`: the figures that /metrics shows, one row per sample.
 */
#include "proxy/admin/rows.h"
#include "proxy/admin/tables.h"

#include "proxy/memory.h"
#include "proxy/metrics.h"

enum { PATIENCE_MS = 5000 };

static const struct admin_column columns[] = {
    {"name", ADMIN_TEXT, "as /metrics calls it; its last word is the unit", false},
    {"labels", ADMIN_TEXT, "what the figure is about: server=\"db1\",state=\"idle\"", false},
    {"value", ADMIN_REAL, "in base units: seconds, bytes, counts", false},
    {"type", ADMIN_TEXT, "counter, gauge, histogram", false},
    {"help", ADMIN_TEXT, "what it is", false},
};

static void fill(struct program *program, struct admin_rows *rows)
{
    struct metrics *metrics = metrics_collect(program, PATIENCE_MS);

    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_sample *sample = &metrics->samples[i];
        const struct metric_family *family = &metric_families[sample->metric];
        char *name = mem_printf("%s%s", family->name, sample->suffix);

        admin_rows_text(rows, name);
        admin_rows_text(rows, metrics_labels(metrics, sample));
        admin_rows_real(rows, sample->value);
        admin_rows_text(rows, metric_type_name(family->type));
        admin_rows_text(rows, family->help);
        mem_free(name);
    }
    metrics_free(metrics);
}

const struct admin_table admin_table_metrics = {
    .name = "metrics",
    .help = "the figures of /metrics",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
