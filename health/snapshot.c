/*
 * The picture of the cluster that others get: everything in it is a copy or a shared reference, so
 * it stays as it is whatever happens next.
 */
#include "health/cluster_parts.h"

#include "health/arena.h"

#include <string.h>

/* What an empty slot points to: somebody who looks there finds nothing known. */
static const struct server_gauges no_gauges = {.lag_ns = UINT64_MAX};

static char *copied(const char *text)
{
    return health_text(text, strlen(text));
}

static void show_empty(struct server_info *info)
{
    *info = (struct server_info){
        .state = STATE_DOWN, .why_not = "not configured", .trouble = "", .gauges = &no_gauges};
}

static void show(struct server_info *info, const struct cluster_server *s)
{
    *info = (struct server_info){
        .name = s->record->name,
        .host = s->record->host,
        .port = s->record->port,
        .unix_path = s->record->unix_path,
        .configured = s->configured,
        .role = s->judgement.role,
        .state = s->judgement.state,
        .since_ns = s->since,
        .usable = s->judgement.usable,
        .why_not = copied(s->judgement.why_not),
        .trouble = copied(s->trouble),
        .weight = s->weight,
        .max_connections = s->max_connections,
        .facts = facts_ref(s->facts),
        .gauges = &s->record->gauges,
        .record = record_ref(s->record),
    };
}

void cluster_publish(struct cluster *c)
{
    struct topology *t = health_alloc(1, sizeof(*t) + HEALTH_SERVERS * sizeof(t->servers[0]));

    atomic_init(&t->references, 1);
    t->generation = ++c->generation;
    t->primary = c->primary;
    t->why_no_primary = copied(c->primary < 0 ? c->why_no_primary : "");
    t->catalog = catalog_ref(c->catalog);
    t->count = c->count;
    for (size_t i = 0; i < HEALTH_SERVERS; i++) {
        if (c->servers[i])
            show(&t->servers[i], c->servers[i]);
        else
            show_empty(&t->servers[i]);
    }
    topology_unref(c->topology);
    c->topology = t;
    c->is_stale = false;
    c->news.changed = true;
}
