/*
 * The history of the primary, and how far each replica is in it: samples in, horizons out. A sample
 * is added only to the history that it was asked of, and a wait counts only for the life and the
 * history that it was begun in.
 */
#include "health/cluster_parts.h"

#include <stdio.h>
#include <string.h>

/* --- horizons --------------------------------------------------------------------------------- */

/* The source through which a server follows the primary; NULL: it does not, or the slot is empty.
 */
static const struct source *source_of(const struct cluster_server *s)
{
    int i = s ? s->judgement.source : -1;

    return i >= 0 && s->was_seen && s->judgement.role == ROLE_REPLICA &&
                   (size_t)i < s->look.source_count
               ? &s->look.sources[i]
               : NULL;
}

static const struct horizon_ring *ring_for(const struct cluster *c, const struct source *source)
{
    return source->uses_gtid ? &c->by_gtid : &c->by_place;
}

void cluster_void_horizon(struct cluster *c, struct cluster_server *s)
{
    s->life = ++c->lives; /* answers that are still under way are about the past */
    set_gauge(&s->record->gauges.horizon_ns, 0);
    set_gauge(&s->record->gauges.lag_ns, UINT64_MAX);
}

static void raise_horizon(struct cluster *c, struct cluster_server *s, uint64_t to)
{
    if (to <= gauge_of(&s->record->gauges.horizon_ns))
        return;
    set_gauge(&s->record->gauges.horizon_ns, to);
    c->news.rose = true;
}

static void measure_lag(const struct cluster *c, struct cluster_server *s, bool looked)
{
    const struct source *source = source_of(s);
    const struct sample *newest = source ? horizon_newest(ring_for(c, source)) : NULL;
    uint64_t horizon = gauge_of(&s->record->gauges.horizon_ns);

    if (!newest || !horizon) {
        set_gauge(&s->record->gauges.lag_ns, UINT64_MAX);
        return;
    }
    uint64_t lag = newest->at > horizon ? newest->at - horizon : 0;
    /* Between its looks a replica cannot have shown that it keeps up, so only good news count. */
    if (looked || lag < gauge_of(&s->record->gauges.lag_ns))
        set_gauge(&s->record->gauges.lag_ns, lag);
}

void cluster_conclude_horizon(struct cluster *c, struct cluster_server *s, bool looked)
{
    const struct source *source = source_of(s);

    if (source) {
        const struct horizon_ring *ring = ring_for(c, source);
        raise_horizon(c, s, horizon_of(ring, &source->applied, &ring->history));
    }
    measure_lag(c, s, looked);
}

void cluster_start_history(struct cluster *c)
{
    struct history history = {.epoch = ++c->epoch};

    if (c->primary >= 0) {
        const struct look *look = &c->servers[c->primary]->look;
        if (look->uuid[0])
            snprintf(history.id, sizeof(history.id), "%s", look->uuid);
        else
            snprintf(history.id, sizeof(history.id), "%llu", (unsigned long long)look->id);
    }
    horizon_ring_reset(&c->by_gtid, &history);
    horizon_ring_reset(&c->by_place, &history);
    for (size_t i = 0; i < c->count; i++) {
        if (c->servers[i])
            cluster_void_horizon(c, c->servers[i]);
    }
}

/*
 * Looks for replicas that have what the primary, asked at `at`, does not. Only a replica read
 * before that moment can be judged: one read later may simply be ahead of the sample. The finding
 * stays until the server is another one, because the primary's numbers will pass the foreign ones
 * and hide them.
 */
static void find_diverged(struct cluster *c, uint64_t at, const struct position *executed)
{
    const char *uuid = c->servers[c->primary]->look.uuid;

    for (size_t i = 0; i < c->count; i++) {
        struct cluster_server *s = c->servers[i];
        const struct source *source = source_of(s);
        if (source && source->uses_gtid && s->look.done_at <= at &&
            position_has_diverged(&s->look.executed, executed, uuid))
            s->diverged = true;
    }
}

static bool add_to(struct cluster *c, struct horizon_ring *ring, uint64_t at,
                   const struct position *position)
{
    const struct sample *newest = horizon_newest(ring);
    uint64_t before = newest ? newest->at : 0;

    switch (horizon_add(ring, at, position)) {
    case HORIZON_ADDED:
    case HORIZON_REFUSED:
        return true;
    case HORIZON_MOVED_ON: /* who had all of it still has */
        for (size_t i = 0; i < c->count; i++) {
            struct cluster_server *s = c->servers[i];
            const struct source *source = source_of(s);
            if (source && ring_for(c, source) == ring &&
                gauge_of(&s->record->gauges.horizon_ns) == before)
                raise_horizon(c, s, at);
        }
        return true;
    case HORIZON_SHRANK:
        return false;
    }
    return true;
}

void cluster_add_sample(struct cluster *c, uint64_t at, const struct position *executed,
                        const struct position *logged)
{
    if (!add_to(c, &c->by_gtid, at, executed) || !add_to(c, &c->by_place, at, logged)) {
        cluster_tell(c, c->servers[c->primary]->record->name, "history started anew",
                     "its position shrank");
        cluster_start_history(c);
        horizon_add(&c->by_gtid, at, executed);
        horizon_add(&c->by_place, at, logged);
    }
    find_diverged(c, at, executed);
    const struct sample *newest = horizon_newest(&c->by_gtid);
    if (!newest)
        newest = horizon_newest(&c->by_place);
    set_gauge(&c->servers[c->primary]->record->gauges.horizon_ns, newest ? newest->at : 0);
    set_gauge(&c->servers[c->primary]->record->gauges.lag_ns, 0);
    for (size_t i = 0; i < c->count; i++) {
        if (c->servers[i] && (int)i != c->primary)
            cluster_conclude_horizon(c, c->servers[i], false);
    }
}

/* --- waits ------------------------------------------------------------------------------------ */

bool cluster_job_for(const struct cluster *c, size_t i, uint64_t wanted, struct cluster_job *job)
{
    const struct cluster_server *s = c->servers[i];
    const struct source *source = c->primary >= 0 && s->judgement.usable ? source_of(s) : NULL;
    const struct sample *newest = source ? horizon_newest(ring_for(c, source)) : NULL;
    uint64_t horizon = gauge_of(&s->record->gauges.horizon_ns);

    if (!newest || horizon >= newest->at || horizon >= wanted)
        return false;
    *job = (struct cluster_job){newest->at, c->epoch, s->life, position_copy(&newest->position)};
    return true;
}

void cluster_reached(struct cluster *c, size_t i, const struct cluster_job *job)
{
    struct cluster_server *s = c->servers[i];
    const struct source *source = source_of(s);

    if (job->epoch != c->epoch || job->life != s->life || !source)
        return;
    /* Further samples may have come that say the same: then it has reached those too. */
    uint64_t also = horizon_of(ring_for(c, source), &job->position, &ring_for(c, source)->history);
    raise_horizon(c, s, also > job->at ? also : job->at);
    measure_lag(c, s, false);
}

static bool has_replica(const struct cluster *c, bool by_gtid)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct source *source = source_of(c->servers[i]);
        if (source && c->servers[i]->judgement.usable && source->uses_gtid == by_gtid)
            return true;
    }
    return false;
}

bool cluster_needs_gtid(const struct cluster *c)
{
    return has_replica(c, true);
}

bool cluster_needs_place(const struct cluster *c)
{
    return has_replica(c, false);
}

uint64_t cluster_sampled(const struct cluster *c)
{
    const struct sample *gtid = horizon_newest(&c->by_gtid);
    const struct sample *place = horizon_newest(&c->by_place);
    uint64_t at = UINT64_MAX;

    if (cluster_needs_gtid(c))
        at = gtid ? gtid->at : 0;
    if (cluster_needs_place(c) && (place ? place->at : 0) < at)
        at = place ? place->at : 0;
    return at;
}
