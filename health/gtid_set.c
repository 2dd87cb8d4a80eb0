/*
 * Set arithmetic on MySQL GTIDs. One flat array, because the walk that decides inclusion runs for
 * each replica and sample, and a flat array is read front to back.
 */
#include "health/gtid_set.h"

#include "health/arena.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Order of origins (server UUID, then tag), without the numbers. */
static int origin_order(const struct gtid_interval *a, const struct gtid_interval *b)
{
    int order = memcmp(a->uuid, b->uuid, sizeof(a->uuid));

    return order ? order : strcmp(a->tag, b->tag);
}

static int interval_order(const void *a, const void *b)
{
    const struct gtid_interval *x = a;
    const struct gtid_interval *y = b;
    int order = origin_order(x, y);

    if (order)
        return order;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void sort_and_merge(struct gtid_interval *set, size_t *count)
{
    size_t kept = 0;

    qsort(set, *count, sizeof(*set), interval_order);
    for (size_t i = 1; i < *count; i++) {
        struct gtid_interval *last = &set[kept];
        if (origin_order(last, &set[i]) == 0 && set[i].first <= last->last + 1) {
            if (set[i].last > last->last)
                last->last = set[i].last;
        } else {
            set[++kept] = set[i];
        }
    }
    *count = *count ? kept + 1 : 0;
}

struct growing {
    struct gtid_interval *set;
    size_t count;
    size_t room;
};

static bool grow_by(struct growing *g, const struct gtid_interval *interval)
{
    if (g->count == POSITION_ENTRIES_MAX)
        return false;
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 4;
        g->set = health_realloc(g->set, g->room, sizeof(*g->set));
    }
    g->set[g->count++] = *interval;
    return true;
}

static bool scan_interval(struct scan *s, struct gtid_interval *interval)
{
    /* The largest number a server gives out is 2^63 - 2 (manual, as above). */
    if (!scan_number(s, INT64_MAX, &interval->first) || interval->first == 0)
        return false;
    interval->last = interval->first;
    if (scan_char(s, '-') && !scan_number(s, INT64_MAX, &interval->last))
        return false;
    return interval->first <= interval->last;
}

/* What follows one uuid: intervals, and tags that hold for the intervals after them. */
static bool scan_of_one_server(struct scan *s, struct growing *g)
{
    struct gtid_interval interval = {0};
    bool needs_interval = true;

    if (!scan_uuid(s, interval.uuid))
        return false;
    scan_spaces(s);
    while (scan_char(s, ':')) {
        scan_spaces(s);
        if (scan_word(s, interval.tag, sizeof(interval.tag))) {
            needs_interval = true;
        } else {
            if (!scan_interval(s, &interval) || !grow_by(g, &interval))
                return false;
            needs_interval = false;
        }
        scan_spaces(s);
    }
    return !needs_interval;
}

bool gtid_set_scan(struct scan *s, struct gtid_interval **out, size_t *count)
{
    struct growing g = {0};
    bool good;

    do {
        scan_spaces(s);
        good = scan_of_one_server(s, &g);
    } while (good && scan_char(s, ','));
    good = good && scan_is_done(s);
    if (good)
        sort_and_merge(g.set, &g.count);
    *out = g.set;
    *count = g.count;
    return good;
}

bool gtid_set_contains(const struct gtid_interval *set, size_t count,
                       const struct gtid_interval *wanted, size_t wanted_count)
{
    size_t i = 0;

    for (size_t w = 0; w < wanted_count; w++) {
        /* Merged intervals: one wanted interval must lie inside one of ours. */
        int order = -1;
        while (i < count && ((order = origin_order(&set[i], &wanted[w])) < 0 ||
                             (order == 0 && set[i].last < wanted[w].last)))
            i++;
        if (i == count || order != 0 || set[i].first > wanted[w].first)
            return false;
    }
    return true;
}

void gtid_set_write(struct sink *sink, const struct gtid_interval *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || origin_order(&set[i - 1], &set[i]) != 0) {
            sink_format(sink, "%s", i ? "," : "");
            sink_uuid(sink, set[i].uuid);
            if (set[i].tag[0])
                sink_format(sink, ":%s", set[i].tag);
        }
        sink_format(sink, ":%" PRIu64, set[i].first);
        if (set[i].last != set[i].first)
            sink_format(sink, "-%" PRIu64, set[i].last);
    }
}
