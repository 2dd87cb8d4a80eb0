/*
 * The order in here is the promise: a grant is withdrawn from the old primary before a new one gets
 * it, rings and horizons are emptied before a sample of the new history is taken, and a horizon is
 * void before anything else is concluded from a server that came back as another.
 */
#include "health/cluster.h"

#include "health/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_gauge(_Atomic uint64_t *gauge, uint64_t value)
{
    atomic_store_explicit(gauge, value, memory_order_release);
}

static uint64_t gauge_of(const _Atomic uint64_t *gauge)
{
    return atomic_load_explicit(gauge, memory_order_relaxed);
}

static void tell(struct cluster *c, const char *subject, const char *what, const char *why)
{
    if (c->news.count == CLUSTER_NEWS_MAX)
        return;
    struct cluster_event *e = &c->news.events[c->news.count++];
    e->subject = subject;
    e->what = what;
    snprintf(e->why, sizeof(e->why), "%s", why);
}

/* --- life ------------------------------------------------------------------------------------- */

static char *copied(const char *text)
{
    return text ? health_text(text, strlen(text)) : NULL;
}

static void publish(struct cluster *c);

void cluster_init(struct cluster *c, const struct health_options *options)
{
    memset(c, 0, sizeof(*c));
    c->poll_ns = (options->poll_ms ? options->poll_ms : 1000) * UINT64_C(1000000);
    c->count = options->server_count;
    c->primary = -1;
    c->incumbent = -1;
    snprintf(c->why_no_primary, sizeof(c->why_no_primary), "no server has been seen yet");
    c->servers = health_alloc(c->count, sizeof(*c->servers));
    for (size_t i = 0; i < c->count; i++) {
        const struct health_server *from = &options->servers[i];
        struct cluster_server *s = &c->servers[i];
        s->name = copied(from->name);
        s->host = copied(from->host);
        s->unix_path = copied(from->unix_path);
        s->port = from->port;
        s->configured = from->role;
        s->weight = from->weight;
        s->max_connections = from->max_connections;
        s->state = STATE_DOWN;
        s->judgement = (struct judgement){.state = STATE_DOWN, .source = -1};
        snprintf(s->judgement.why_not, sizeof(s->judgement.why_not), "not seen yet");
        set_gauge(&s->gauges.lag_ns, UINT64_MAX);
    }
    horizon_ring_init(&c->by_gtid);
    horizon_ring_init(&c->by_place);
    publish(c);
}

void cluster_dispose(struct cluster *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct cluster_server *s = &c->servers[i];
        free(s->name);
        free(s->host);
        free(s->unix_path);
        look_dispose(&s->look);
        facts_unref(s->facts);
    }
    free(c->servers);
    horizon_ring_dispose(&c->by_gtid);
    horizon_ring_dispose(&c->by_place);
    topology_unref(c->topology);
    catalog_unref(c->catalog);
}

struct cluster_news cluster_take_news(struct cluster *c)
{
    struct cluster_news news = c->news;

    c->news = (struct cluster_news){0};
    return news;
}

/* --- snapshots -------------------------------------------------------------------------------- */

static void publish(struct cluster *c)
{
    struct topology *t = health_alloc(1, sizeof(*t) + c->count * sizeof(t->servers[0]));

    atomic_init(&t->references, 1);
    t->generation = ++c->generation;
    t->primary = c->primary;
    t->why_no_primary = copied(c->primary < 0 ? c->why_no_primary : "");
    t->catalog = catalog_ref(c->catalog);
    t->count = c->count;
    for (size_t i = 0; i < c->count; i++) {
        const struct cluster_server *s = &c->servers[i];
        t->servers[i] = (struct server_info){
            .name = s->name,
            .host = s->host,
            .port = s->port,
            .unix_path = s->unix_path,
            .configured = s->configured,
            .role = s->judgement.role,
            .state = s->judgement.state,
            .usable = s->judgement.usable,
            .why_not = copied(s->judgement.why_not),
            .weight = s->weight,
            .max_connections = s->max_connections,
            .facts = facts_ref(s->facts),
            .gauges = &s->gauges,
        };
    }
    topology_unref(c->topology);
    c->topology = t;
    c->news.changed = true;
}

/* --- horizons --------------------------------------------------------------------------------- */

static const struct source *source_of(const struct cluster_server *s)
{
    int i = s->judgement.source;

    return s->was_seen && s->judgement.role == ROLE_REPLICA && i >= 0 &&
                   (size_t)i < s->look.source_count
               ? &s->look.sources[i]
               : NULL;
}

static const struct horizon_ring *ring_for(const struct cluster *c, const struct source *source)
{
    return source->uses_gtid ? &c->by_gtid : &c->by_place;
}

static void void_horizon(struct cluster_server *s)
{
    s->life++; /* answers that are still under way are about the past */
    set_gauge(&s->gauges.horizon_ns, 0);
    set_gauge(&s->gauges.lag_ns, UINT64_MAX);
}

static void raise_horizon(struct cluster *c, struct cluster_server *s, uint64_t to)
{
    if (to <= gauge_of(&s->gauges.horizon_ns))
        return;
    set_gauge(&s->gauges.horizon_ns, to);
    c->news.rose = true;
}

static void measure_lag(const struct cluster *c, struct cluster_server *s, bool looked)
{
    const struct source *source = source_of(s);
    const struct sample *newest = source ? horizon_newest(ring_for(c, source)) : NULL;
    uint64_t horizon = gauge_of(&s->gauges.horizon_ns);

    if (!newest || !horizon) {
        set_gauge(&s->gauges.lag_ns, UINT64_MAX);
        return;
    }
    uint64_t lag = newest->at > horizon ? newest->at - horizon : 0;
    /* Between its looks a replica cannot have shown that it keeps up, so only good news count. */
    if (looked || lag < gauge_of(&s->gauges.lag_ns))
        set_gauge(&s->gauges.lag_ns, lag);
}

static void conclude_horizon(struct cluster *c, struct cluster_server *s, bool looked)
{
    const struct source *source = source_of(s);

    if (source) {
        const struct horizon_ring *ring = ring_for(c, source);
        raise_horizon(c, s, horizon_of(ring, &source->applied, &ring->history));
    }
    measure_lag(c, s, looked);
}

static void start_history(struct cluster *c)
{
    struct history history = {.epoch = ++c->epoch};

    if (c->primary >= 0) {
        const struct look *look = &c->servers[c->primary].look;
        if (look->uuid[0])
            snprintf(history.id, sizeof(history.id), "%s", look->uuid);
        else
            snprintf(history.id, sizeof(history.id), "%llu", (unsigned long long)look->id);
    }
    horizon_ring_reset(&c->by_gtid, &history);
    horizon_ring_reset(&c->by_place, &history);
    for (size_t i = 0; i < c->count; i++)
        void_horizon(&c->servers[i]);
}

/*
 * Looks for replicas that have what the primary, asked at `at`, does not. Only a replica read
 * before that moment can be judged: one read later may simply be ahead of the sample. The finding
 * stays until the server is another one, because the primary's numbers will pass the foreign ones
 * and hide them.
 */
static void find_diverged(struct cluster *c, uint64_t at, const struct position *executed)
{
    const char *uuid = c->servers[c->primary].look.uuid;

    for (size_t i = 0; i < c->count; i++) {
        struct cluster_server *s = &c->servers[i];
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
            struct cluster_server *s = &c->servers[i];
            const struct source *source = source_of(s);
            if (source && ring_for(c, source) == ring && gauge_of(&s->gauges.horizon_ns) == before)
                raise_horizon(c, s, at);
        }
        return true;
    case HORIZON_SHRANK:
        return false;
    }
    return true;
}

static void add_sample(struct cluster *c, uint64_t at, const struct position *executed,
                       const struct position *logged)
{
    if (!add_to(c, &c->by_gtid, at, executed) || !add_to(c, &c->by_place, at, logged)) {
        tell(c, c->servers[c->primary].name, "history started anew", "its position shrank");
        start_history(c);
        horizon_add(&c->by_gtid, at, executed);
        horizon_add(&c->by_place, at, logged);
    }
    find_diverged(c, at, executed);
    const struct sample *newest = horizon_newest(&c->by_gtid);
    if (!newest)
        newest = horizon_newest(&c->by_place);
    set_gauge(&c->servers[c->primary].gauges.horizon_ns, newest ? newest->at : 0);
    set_gauge(&c->servers[c->primary].gauges.lag_ns, 0);
    for (size_t i = 0; i < c->count; i++) {
        if ((int)i != c->primary)
            conclude_horizon(c, &c->servers[i], false);
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

static void judge_all(const struct cluster *c, struct judgement *out, int *primary,
                      char why[LOOK_WHY_MAX + 1])
{
    struct member members[c->count + 1];

    for (size_t i = 0; i < c->count; i++) {
        const struct cluster_server *s = &c->servers[i];
        members[i] = (struct member){
            .name = s->name,
            .host = s->host,
            .port = s->port,
            .configured = s->configured,
            .state = s->state,
            .draining = s->draining,
            .diverged = s->diverged,
            .look = s->was_seen ? &s->look : NULL,
            .trouble = s->trouble,
        };
    }
    *primary = judge(members, c->count, c->incumbent, out, why);
}

static void change_primary(struct cluster *c, int primary)
{
    /* First nobody may believe in the old one, then the new one is known. */
    for (size_t i = 0; i < c->count; i++)
        set_gauge(&c->servers[i].gauges.granted_until_ns, 0);
    c->primary = primary;
    if (primary < 0)
        return;
    c->said_no_primary[0] = 0;
    for (size_t i = 0; i < c->count && primary != c->incumbent; i++)
        c->servers[i].diverged = false; /* measured against another history */
    c->incumbent = primary;
    start_history(c); /* also for the old one: somebody else may have been it meanwhile */
    tell(c, c->servers[primary].name, "primary", "");
}

/* Each reason once; not while some server has not been looked at, for it may be the primary. */
static void say_no_primary(struct cluster *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!c->servers[i].was_looked_at)
            return;
    }
    if (c->primary >= 0 || strcmp(c->said_no_primary, c->why_no_primary) == 0)
        return;
    snprintf(c->said_no_primary, sizeof(c->said_no_primary), "%s", c->why_no_primary);
    tell(c, "cluster", "no primary", c->why_no_primary);
}

static bool is_same_judgement(const struct judgement *a, const struct judgement *b)
{
    return a->role == b->role && a->state == b->state && a->usable == b->usable &&
           strcmp(a->why_not, b->why_not) == 0;
}

static void adopt(struct cluster *c, struct cluster_server *s, const struct judgement *j)
{
    if (s->judgement.role != j->role || s->judgement.source != j->source)
        void_horizon(s);
    if (s->judgement.role != j->role && j->role != ROLE_PRIMARY)
        tell(c, s->name, server_role_name(j->role), j->why_not);
    else if (s->judgement.state != j->state)
        tell(c, s->name, server_state_name(j->state), j->why_not[0] ? j->why_not : s->trouble);
    else if (s->judgement.usable != j->usable && j->role != ROLE_PRIMARY)
        tell(c, s->name, j->usable ? "usable again" : "not usable", j->why_not);
    s->judgement = *j;
}

static void rejudge(struct cluster *c)
{
    struct judgement judgements[c->count + 1];
    char why[LOOK_WHY_MAX + 1];
    int primary;
    bool changed = false;

    judge_all(c, judgements, &primary, why);
    changed = primary != c->primary || (primary < 0 && strcmp(why, c->why_no_primary) != 0);
    snprintf(c->why_no_primary, sizeof(c->why_no_primary), "%s", why);
    for (size_t i = 0; i < c->count; i++) {
        changed = changed || !is_same_judgement(&c->servers[i].judgement, &judgements[i]);
        adopt(c, &c->servers[i], &judgements[i]);
    }
    if (primary != c->primary)
        change_primary(c, primary);
    say_no_primary(c);
    if (changed)
        publish(c);
}

/* --- looks ------------------------------------------------------------------------------------ */

static bool has_shrunk(const struct look *before, const struct look *after)
{
    for (size_t i = 0; i < before->source_count && i < after->source_count; i++) {
        const struct source *b = &before->sources[i];
        const struct source *a = &after->sources[i];
        if (b->applied.kind == POSITION_NONE)
            continue; /* void already */
        if (b->uses_gtid != a->uses_gtid || strcmp(b->uuid, a->uuid) != 0 || b->id != a->id ||
            !position_contains(&a->applied, &b->applied))
            return true;
    }
    return false;
}

static void take_good_look(struct cluster *c, size_t i, struct look *look)
{
    struct cluster_server *s = &c->servers[i];
    bool another = s->was_seen && look_is_another_life(&s->look, look);

    if (another || (s->was_seen && has_shrunk(&s->look, look))) {
        void_horizon(s);
        s->diverged = false;
        if ((int)i == c->incumbent && another) {
            set_gauge(&s->gauges.granted_until_ns, 0);
            start_history(c);
        }
    }
    if (another)
        tell(c, s->name, "restarted", "");
    look_dispose(&s->look);
    s->look = *look;
    memset(look, 0, sizeof(*look));
    s->was_seen = true;
    s->trouble[0] = 0;
    set_gauge(&s->gauges.identity, look_identity(&s->look));
    set_gauge(&s->gauges.looked_ns, s->look.at);
}

static void take_failed_look(struct cluster *c, struct cluster_server *s, const struct look *look)
{
    /* Going down is told with the judgement; being down for another reason, or from the start,
     * here. */
    if (s->judgement.state == STATE_DOWN && strcmp(s->trouble, look->why) != 0)
        tell(c, s->name, "down", look->why);
    snprintf(s->trouble, sizeof(s->trouble), "%s", look->why);
    atomic_fetch_add_explicit(&s->gauges.errors, 1, memory_order_relaxed);
    if (look->result == LOOK_REFUSED) {
        void_horizon(s);
        for (size_t i = 0; i < s->look.source_count; i++)
            position_dispose(&s->look.sources[i].applied);
    }
}

void cluster_take_look(struct cluster *c, size_t i, struct look *look)
{
    struct cluster_server *s = &c->servers[i];
    bool good = look->result == LOOK_GOOD;
    uint64_t at = look->at;

    s->was_looked_at = true;
    s->state = verdict_after(&s->verdict, look->result, at);
    if (good)
        take_good_look(c, i, look);
    else
        take_failed_look(c, s, look);
    look_dispose(look);
    rejudge(c);
    if (!good || s->state == STATE_DOWN)
        return;
    if ((int)i == c->primary) {
        set_gauge(&s->gauges.granted_until_ns, at + 2 * c->poll_ns);
        add_sample(c, at, &s->look.executed, &s->look.logged);
        rejudge(c); /* the sample may have shown that a replica has diverged */
    } else {
        conclude_horizon(c, s, true);
    }
}

void cluster_take_sample(struct cluster *c, uint64_t epoch, uint64_t at,
                         const struct position *executed, const struct position *logged)
{
    if (c->primary < 0 || epoch != c->epoch)
        return;
    add_sample(c, at, executed, logged);
    rejudge(c);
}

/* --- waits ------------------------------------------------------------------------------------ */

bool cluster_job_for(const struct cluster *c, size_t i, uint64_t wanted, struct cluster_job *job)
{
    const struct cluster_server *s = &c->servers[i];
    const struct source *source = c->primary >= 0 && s->judgement.usable ? source_of(s) : NULL;
    const struct sample *newest = source ? horizon_newest(ring_for(c, source)) : NULL;
    uint64_t horizon = gauge_of(&s->gauges.horizon_ns);

    if (!newest || horizon >= newest->at || horizon >= wanted)
        return false;
    *job = (struct cluster_job){newest->at, c->epoch, s->life, position_copy(&newest->position)};
    return true;
}

void cluster_reached(struct cluster *c, size_t i, const struct cluster_job *job)
{
    struct cluster_server *s = &c->servers[i];
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
        const struct source *source = source_of(&c->servers[i]);
        if (source && c->servers[i].judgement.usable && source->uses_gtid == by_gtid)
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

/* --- what others say -------------------------------------------------------------------------- */

void cluster_suspect(struct cluster *c, size_t i)
{
    struct cluster_server *s = &c->servers[i];

    if ((int)i == c->primary)
        return; /* its grant stands or falls with the look that follows at once */
    void_horizon(s);
    for (size_t k = 0; k < s->look.source_count; k++)
        position_dispose(&s->look.sources[k].applied);
}

bool cluster_knows_primary(const struct cluster *c, size_t i, struct thread_answer *who)
{
    const struct cluster_server *s = &c->servers[i];

    if ((int)i != c->primary || s->state != STATE_UP || s->trouble[0])
        return false;
    *who =
        (struct thread_answer){.identity = look_identity(&s->look), .started_s = s->look.started_s};
    return true;
}

void cluster_drain(struct cluster *c, size_t i, bool draining)
{
    c->servers[i].draining = draining;
    rejudge(c);
}

void cluster_set_facts(struct cluster *c, size_t i, struct server_facts *facts)
{
    struct server_facts *old = c->servers[i].facts;

    if (old && old->fingerprint == facts->fingerprint) {
        facts_unref(facts);
        return;
    }
    facts_unref(old);
    c->servers[i].facts = facts;
    publish(c);
}

void cluster_set_catalog(struct cluster *c, struct catalog *catalog)
{
    if (c->catalog && c->catalog->fingerprint == catalog->fingerprint) {
        catalog_unref(catalog);
        return;
    }
    catalog_unref(c->catalog);
    c->catalog = catalog;
    publish(c);
}
