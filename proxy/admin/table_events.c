/*
 * The table `events`: what changed, when and why; the newest EVENTS_KEPT.
 */
#include "proxy/admin/rows.h"
#include "proxy/admin/tables.h"
#include "proxy/event_ring.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <stdio.h>
#include <time.h>

enum { TIME_BYTES = 40 };

static const struct admin_column columns[] = {
    {"number", ADMIN_INTEGER, "counts up from 1", false},
    {"at", ADMIN_TEXT, "when, UTC: 2026-11-21 13:34:25.123456", false},
    {"subject", ADMIN_TEXT, "what it is about: server db1, config, admin", false},
    {"what", ADMIN_TEXT, "what happened", false},
    {"why", ADMIN_TEXT, "why, or by whom", false},
};

static void add_time(struct admin_rows *rows, int64_t at_unix_us)
{
    time_t seconds = (time_t)(at_unix_us / 1000000);
    char text[TIME_BYTES];
    struct tm parts;
    size_t size;

    gmtime_r(&seconds, &parts);
    size = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%06u", (unsigned)(at_unix_us % 1000000));
    admin_rows_text(rows, text);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct event *events = mem_calloc(EVENTS_KEPT, sizeof *events);
    size_t count = event_ring_copy(program->events, events, EVENTS_KEPT);

    for (size_t i = 0; i < count; i++) {
        admin_rows_integer(rows, (int64_t)events[i].number);
        add_time(rows, events[i].at_unix_us);
        admin_rows_text(rows, events[i].subject);
        admin_rows_text(rows, events[i].what);
        admin_rows_text(rows, events[i].why);
    }
    mem_free(events);
}

const struct admin_table admin_table_events = {
    .name = "events",
    .help = "what changed, when and why",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
