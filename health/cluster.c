/*
 * The order in here is the promise: a grant is withdrawn from the old primary before a new one gets
 * it, rings and horizons are emptied before a sample of the new history is taken, and a horizon is
 * void before anything else is concluded from a server that came back as another.
 */
#include "health/cluster_parts.h"

#include "health/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_tell(struct cluster *c, const char *subject, const char *what, const char *why)
{
    if (c->news.count == CLUSTER_NEWS_MAX)
        return;
    struct cluster_event *e = &c->news.events[c->news.count++];
    snprintf(e->subject, sizeof(e->subject), "%s", subject);
    e->what = what;
    snprintf(e->why, sizeof(e->why), "%s", why);
}

/* --- life ------------------------------------------------------------------------------------- */

static void free_server(struct cluster_server *s)
{
    look_dispose(&s->look);
    facts_unref(s->facts);
    record_unref(s->record);
    free(s);
}

static void set_settings(struct cluster_server *s, const struct health_server *from)
{
    s->configured = from->role;
    s->weight = from->weight;
    s->max_connections = from->max_connections;
    atomic_store_explicit(&s->record->proxy_protocol, from->proxy_protocol, memory_order_relaxed);
}

static void add_server(struct cluster *c, size_t number, const struct health_server *from)
{
    struct cluster_server *s = health_alloc(1, sizeof(*s));

    s->record = record_new(from);
    set_settings(s, from);
    s->state = STATE_DOWN;
    s->since = c->now;
    s->life = ++c->lives;
    s->judgement = (struct judgement){.state = STATE_DOWN, .source = -1};
    snprintf(s->judgement.why_not, sizeof(s->judgement.why_not), "not seen yet");
    c->servers[number] = s;
    if (number >= c->count)
        c->count = number + 1;
}

void cluster_init(struct cluster *c, const struct health_options *options)
{
    assert(options->server_count <= HEALTH_SERVERS);
    memset(c, 0, sizeof(*c));
    c->poll_ns = (options->poll_ms ? options->poll_ms : 1000) * UINT64_C(1000000);
    c->primary = -1;
    c->incumbent = -1;
    snprintf(c->why_no_primary, sizeof(c->why_no_primary), "no server has been seen yet");
    for (size_t i = 0; i < options->server_count; i++)
        add_server(c, i, &options->servers[i]);
    horizon_ring_init(&c->by_gtid);
    horizon_ring_init(&c->by_place);
    cluster_publish(c);
}

void cluster_dispose(struct cluster *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->servers[i])
            free_server(c->servers[i]);
    }
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

/* --- judging ---------------------------------------------------------------------------------- */

/* Judges the servers there are, close together: empty slots are the cluster's affair. `numbers`
 * tells which server each judgement is of; returns how many there are. */
static size_t judge_all(const struct cluster *c, size_t *numbers, struct judgement *out,
                        int *primary, char why[LOOK_WHY_MAX + 1])
{
    struct member members[HEALTH_SERVERS];
    size_t count = 0;
    int incumbent = -1;

    for (size_t i = 0; i < c->count; i++) {
        const struct cluster_server *s = c->servers[i];
        if (!s)
            continue;
        if ((int)i == c->incumbent)
            incumbent = (int)count;
        members[count] = (struct member){
            .name = s->record->name,
            .host = s->record->host,
            .port = s->record->port,
            .configured = s->configured,
            .state = s->state,
            .draining = s->draining,
            .diverged = s->diverged,
            .look = s->was_seen ? &s->look : NULL,
            .trouble = s->trouble,
        };
        numbers[count++] = i;
    }
    int chosen = judge(members, count, incumbent, out, why);
    *primary = chosen < 0 ? -1 : (int)numbers[chosen];
    return count;
}

static void change_primary(struct cluster *c, int primary)
{
    /* First nobody may believe in the old one, then the new one is known. */
    for (size_t i = 0; i < c->count; i++) {
        if (c->servers[i])
            set_gauge(&c->servers[i]->record->gauges.granted_until_ns, 0);
    }
    c->primary = primary;
    if (primary < 0)
        return;
    c->said_no_primary[0] = 0;
    for (size_t i = 0; i < c->count && primary != c->incumbent; i++) {
        if (c->servers[i])
            c->servers[i]->diverged = false; /* measured against another history */
    }
    c->incumbent = primary;
    cluster_start_history(c); /* also for the old one: somebody else may have been it meanwhile */
    cluster_tell(c, c->servers[primary]->record->name, "primary", "");
}

/* Each reason once; not while some server has not been looked at, for it may be the primary. */
static void say_no_primary(struct cluster *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->servers[i] && !c->servers[i]->was_looked_at)
            return;
    }
    if (c->primary >= 0 || strcmp(c->said_no_primary, c->why_no_primary) == 0)
        return;
    snprintf(c->said_no_primary, sizeof(c->said_no_primary), "%s", c->why_no_primary);
    cluster_tell(c, "cluster", "no primary", c->why_no_primary);
}

static bool is_same_judgement(const struct judgement *a, const struct judgement *b)
{
    return a->role == b->role && a->state == b->state && a->usable == b->usable &&
           strcmp(a->why_not, b->why_not) == 0;
}

static void adopt(struct cluster *c, struct cluster_server *s, const struct judgement *j)
{
    if (s->judgement.role != j->role || s->judgement.source != j->source)
        cluster_void_horizon(c, s);
    if (s->judgement.role != j->role && j->role != ROLE_PRIMARY)
        cluster_tell(c, s->record->name, server_role_name(j->role), j->why_not);
    else if (s->judgement.state != j->state)
        cluster_tell(c, s->record->name, server_state_name(j->state),
                     j->why_not[0] ? j->why_not : s->trouble);
    else if (s->judgement.usable != j->usable && j->role != ROLE_PRIMARY)
        cluster_tell(c, s->record->name, j->usable ? "usable again" : "not usable", j->why_not);
    if (s->judgement.state != j->state)
        s->since = c->now;
    if (!is_same_judgement(&s->judgement, j))
        c->is_stale = true;
    s->judgement = *j;
}

static void rejudge(struct cluster *c)
{
    struct judgement judgements[HEALTH_SERVERS];
    size_t numbers[HEALTH_SERVERS];
    char why[LOOK_WHY_MAX + 1];
    int primary;
    size_t count = judge_all(c, numbers, judgements, &primary, why);

    if (primary != c->primary || (primary < 0 && strcmp(why, c->why_no_primary) != 0))
        c->is_stale = true;
    snprintf(c->why_no_primary, sizeof(c->why_no_primary), "%s", why);
    for (size_t i = 0; i < count; i++)
        adopt(c, c->servers[numbers[i]], &judgements[i]);
    if (primary != c->primary)
        change_primary(c, primary);
    say_no_primary(c);
    if (c->is_stale)
        cluster_publish(c);
}

/* --- servers come and go ---------------------------------------------------------------------- */

bool cluster_put(struct cluster *c, size_t number, const struct health_server *from)
{
    struct cluster_server *s = number < HEALTH_SERVERS ? c->servers[number] : NULL;

    if (number >= HEALTH_SERVERS || (s && !record_is_of(s->record, from)))
        return false;
    if (s) {
        set_settings(s, from);
    } else {
        add_server(c, number, from);
        cluster_tell(c, from->name, "added", "");
    }
    c->is_stale = true; /* settings are in it that no judgement depends on */
    rejudge(c);
    return true;
}

/* The history is the incumbent's: without it nobody can say what anything is measured against. */
static void forget_primary(struct cluster *c)
{
    c->primary = -1;
    c->incumbent = -1;
    cluster_start_history(c);
    catalog_unref(c->catalog);
    c->catalog = NULL;
}

void cluster_remove(struct cluster *c, size_t number)
{
    struct cluster_server *s = number < c->count ? c->servers[number] : NULL;

    if (!s)
        return;
    set_gauge(&s->record->gauges.granted_until_ns, 0);
    cluster_void_horizon(c, s);
    if ((int)number == c->primary || (int)number == c->incumbent)
        forget_primary(c);
    cluster_tell(c, s->record->name, "removed", "");
    c->servers[number] = NULL;
    free_server(s);
    while (c->count > 0 && !c->servers[c->count - 1])
        c->count--;
    c->is_stale = true;
    rejudge(c);
}

void cluster_set_poll(struct cluster *c, uint64_t poll_ns)
{
    uint64_t until = c->now + 2 * poll_ns;

    c->poll_ns = poll_ns;
    if (c->primary < 0)
        return;
    /* A look follows at once; until then a grant of the slower pace lasts no longer than one of the
     * new pace that were given now. */
    _Atomic uint64_t *granted = &c->servers[c->primary]->record->gauges.granted_until_ns;
    if (gauge_of(granted) > until)
        set_gauge(granted, until);
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
    struct cluster_server *s = c->servers[i];
    bool another = s->was_seen && look_is_another_life(&s->look, look);

    if (another || (s->was_seen && has_shrunk(&s->look, look))) {
        cluster_void_horizon(c, s);
        s->diverged = false;
        if ((int)i == c->incumbent && another) {
            set_gauge(&s->record->gauges.granted_until_ns, 0);
            cluster_start_history(c);
        }
    }
    if (another)
        cluster_tell(c, s->record->name, "restarted", "");
    look_dispose(&s->look);
    s->look = *look;
    memset(look, 0, sizeof(*look));
    s->was_seen = true;
    if (s->trouble[0])
        c->is_stale = true;
    s->trouble[0] = 0;
    set_gauge(&s->record->gauges.identity, look_identity(&s->look));
    set_gauge(&s->record->gauges.looked_ns, s->look.at);
}

static void take_failed_look(struct cluster *c, struct cluster_server *s, const struct look *look)
{
    /* Going down is told with the judgement; being down for another reason, or from the start,
     * here. */
    if (strcmp(s->trouble, look->why) != 0) {
        c->is_stale = true;
        if (s->judgement.state == STATE_DOWN)
            cluster_tell(c, s->record->name, "down", look->why);
    }
    snprintf(s->trouble, sizeof(s->trouble), "%s", look->why);
    atomic_fetch_add_explicit(&s->record->gauges.errors, 1, memory_order_relaxed);
    if (look->result == LOOK_REFUSED) {
        cluster_void_horizon(c, s);
        for (size_t i = 0; i < s->look.source_count; i++)
            position_dispose(&s->look.sources[i].applied);
    }
}

void cluster_take_look(struct cluster *c, size_t i, struct look *look)
{
    struct cluster_server *s = c->servers[i];
    bool good = look->result == LOOK_GOOD;
    uint64_t at = look->at;

    s->was_looked_at = true;
    atomic_fetch_add_explicit(&s->record->gauges.looks, 1, memory_order_relaxed);
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
        set_gauge(&s->record->gauges.granted_until_ns, at + 2 * c->poll_ns);
        cluster_add_sample(c, at, &s->look.executed, &s->look.logged);
        rejudge(c); /* the sample may have shown that a replica has diverged */
    } else {
        cluster_conclude_horizon(c, s, true);
    }
}

void cluster_take_sample(struct cluster *c, uint64_t epoch, uint64_t at,
                         const struct position *executed, const struct position *logged)
{
    if (c->primary < 0 || epoch != c->epoch)
        return;
    cluster_add_sample(c, at, executed, logged);
    rejudge(c);
}

/* --- what others say -------------------------------------------------------------------------- */

void cluster_suspect(struct cluster *c, size_t i)
{
    struct cluster_server *s = c->servers[i];

    if ((int)i == c->primary)
        return; /* its grant stands or falls with the look that follows at once */
    cluster_void_horizon(c, s);
    for (size_t k = 0; k < s->look.source_count; k++)
        position_dispose(&s->look.sources[k].applied);
}

bool cluster_knows_primary(const struct cluster *c, size_t i, struct thread_answer *who)
{
    const struct cluster_server *s = c->servers[i];

    if ((int)i != c->primary || s->state != STATE_UP || s->trouble[0])
        return false;
    *who =
        (struct thread_answer){.identity = look_identity(&s->look), .started_s = s->look.started_s};
    return true;
}

void cluster_drain(struct cluster *c, size_t i, bool draining)
{
    c->servers[i]->draining = draining;
    rejudge(c);
}

void cluster_set_facts(struct cluster *c, size_t i, struct server_facts *facts)
{
    struct server_facts *old = c->servers[i]->facts;

    if (old && old->fingerprint == facts->fingerprint) {
        facts_unref(facts);
        return;
    }
    facts_unref(old);
    c->servers[i]->facts = facts;
    cluster_publish(c);
}

void cluster_set_catalog(struct cluster *c, struct catalog *catalog)
{
    if (c->catalog && c->catalog->fingerprint == catalog->fingerprint) {
        catalog_unref(catalog);
        return;
    }
    catalog_unref(c->catalog);
    c->catalog = catalog;
    cluster_publish(c);
}
