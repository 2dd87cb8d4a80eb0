/*
 * The thread that looks at one server each poll_ms, and, when that server is the primary, samples
 * its position while sessions are pinned. Everything is asked without the lock and concluded with
 * it. Facts are read before the look is made known, so that no snapshot shows a usable server of
 * which the program does not know how to greet for it.
 */
#include "health/threads.h"

#define MS UINT64_C(1000000)

enum { REREAD_MS = 60000, SUSPECT_GAP_MS = 20, RELIST_GAP_MS = 100, RELIST_REST = 20 };

static bool is_primary(const struct watcher *m)
{
    return m->health->cluster.primary == (int)m->crew->number;
}

/* --- looks ------------------------------------------------------------------------------------ */

static bool applier_runs(const struct look *look)
{
    for (size_t i = 0; i < look->source_count; i++) {
        if (look->sources[i].sql_running)
            return true;
    }
    return false;
}

static struct server_facts *read_facts(struct watcher *m, const struct look *look, bool is_new)
{
    bool started = applier_runs(look) && !m->applier_ran;
    uint64_t now = health_now();

    m->applier_ran = applier_runs(look);
    if (!is_new && !started && m->facts_read && now - m->facts_read < REREAD_MS * MS)
        return NULL;
    struct server_facts *facts = m->health->ops->facts(m->probe, m->health->options.tracked);
    m->facts_read = facts ? now : 0;
    return facts;
}

static void smooth_latency(struct server_gauges *gauges, const struct look *look)
{
    uint64_t us = (look->done_at - look->at) / 1000;
    uint64_t old = atomic_load_explicit(&gauges->latency_us, memory_order_relaxed);

    atomic_store_explicit(&gauges->latency_us, old ? (3 * old + us) / 4 : us, memory_order_relaxed);
}

/* What was asked of a server that has been removed meanwhile is not believed: the number may be
 * another's by now. */
static void conclude_look(struct watcher *m, struct look *look, struct server_facts *facts)
{
    struct cluster *c = &m->health->cluster;
    size_t number = m->crew->number;

    if (m->crew->is_ending) {
        look_dispose(look);
        facts_unref(facts);
        return;
    }
    bool good = look->result == LOOK_GOOD;
    if (facts)
        cluster_set_facts(c, number, facts);
    cluster_take_look(c, number, look);
    if (good && is_primary(m))
        m->last_sample = c->servers[number]->look.at;
}

static void take_look(struct watcher *m)
{
    struct health *h = m->health;
    struct look *look = &(struct look){0};
    struct server_facts *facts = NULL;
    bool is_new = false;

    m->last_look = health_now();
    h->ops->look(m->probe, look, &is_new);
    if (look->result == LOOK_GOOD) {
        smooth_latency(&m->crew->record->gauges, look);
        facts = read_facts(m, look, is_new);
    }
    health_lock(h);
    conclude_look(m, look, facts);
    health_unlock(h);
}

/* --- the catalog ------------------------------------------------------------------------------ */

static bool catalog_is_due(const struct watcher *m, uint64_t now, bool asked)
{
    if (!m->catalog_read)
        return true;
    return now - m->catalog_read >= (asked ? m->catalog_gap : REREAD_MS * MS);
}

/* Listing may be dear, so the thread spends a small part of its time on it at most. */
static void read_catalog(struct watcher *m)
{
    struct health *h = m->health;
    uint64_t start = health_now();

    struct catalog *catalog = h->ops->catalog(m->probe);
    m->catalog_read = health_now();
    m->catalog_gap = (m->catalog_read - start) * RELIST_REST;
    if (m->catalog_gap < RELIST_GAP_MS * MS)
        m->catalog_gap = RELIST_GAP_MS * MS;
    if (!catalog)
        return;
    health_lock(h);
    if (!m->crew->is_ending && is_primary(m))
        cluster_set_catalog(&h->cluster, catalog);
    else
        catalog_unref(catalog);
    health_unlock(h);
}

/* --- samples ---------------------------------------------------------------------------------- */

static void take_sample(struct watcher *m)
{
    struct health *h = m->health;
    struct position executed = {0};
    struct position logged = {0};

    health_lock(h);
    bool gtid = cluster_needs_gtid(&h->cluster);
    bool place = cluster_needs_place(&h->cluster);
    uint64_t epoch = h->cluster.epoch;
    health_unlock(h);

    uint64_t at = health_now(); /* before the query is written: that is the whole promise */
    m->last_sample = at;
    bool good = h->ops->sample(m->probe, gtid, place, &executed, &logged);
    health_lock(h);
    if (good && !m->crew->is_ending)
        cluster_take_sample(&h->cluster, epoch, at, &executed, &logged);
    else
        m->look_now = true;
    health_unlock(h);
    position_dispose(&executed);
    position_dispose(&logged);
}

/* --- watched threads -------------------------------------------------------------------------- */

/* Said once: the question stays open for as long as it is so. */
static void tell_blind(struct watcher *m)
{
    const struct health_options *o = &m->health->options;

    if (!m->told_blind && o->on_event)
        o->on_event(o->context, m->crew->record->name, "threads are not shown",
                    "the monitor's user may not see others' threads (PROCESS), so a session whose "
                    "write was lost stays on the primary");
    m->told_blind = true;
}

static void ask_about_threads(struct watcher *m)
{
    struct health *h = m->health;
    struct watch_list *list = &m->crew->watches;
    struct thread_answer answer;
    uint32_t ids[WATCH_MAX];
    bool listed[WATCH_MAX];
    bool sees_all = false;

    health_lock(h);
    bool good = !m->crew->is_ending && cluster_knows_primary(&h->cluster, m->crew->number, &answer);
    size_t count = list->count;
    for (size_t i = 0; i < count; i++)
        ids[i] = list->items[i]->thread_id;
    watch_list_asked(list, health_now(), h->poll_ns);
    health_unlock(h);
    if (!good)
        return;

    good = h->ops->threads(m->probe, ids, count, listed, &sees_all);
    uint64_t now = health_now(); /* after the answer: that is the whole promise */
    health_lock(h);
    if (!good)
        m->look_now = true;
    else if (!m->crew->is_ending && is_primary(m)) {
        answer.sees_all = sees_all;
        for (size_t i = count; i-- > 0;) {
            answer.listed = listed[i];
            if (thread_is_gone(list->items[i], &answer))
                watch_list_conclude(list, i, now);
        }
    }
    health_unlock(h);
    if (good && !sees_all)
        tell_blind(m);
}

/* --- the loop --------------------------------------------------------------------------------- */

enum task { TASK_NONE, TASK_RENEW, TASK_LOOK, TASK_SAMPLE, TASK_THREADS, TASK_CATALOG };

/* Decides, with the lock held, what to do now; for TASK_NONE, until when to sleep. */
static enum task next_task(struct watcher *m, uint64_t now, uint64_t *until)
{
    struct health *h = m->health;
    struct demand *d = &h->demand;
    struct watch_list *watches = &m->crew->watches;
    bool watched = watch_list_is_needed(watches);

    if (watcher_is_outdated(m))
        return TASK_RENEW;
    *until = m->last_look ? m->last_look + h->poll_ns : 0;
    if (m->look_now) {
        uint64_t earliest = m->last_look + SUSPECT_GAP_MS * MS;
        if (now >= earliest || now >= *until) {
            m->look_now = false;
            return TASK_LOOK;
        }
        *until = earliest;
    }
    if (now >= *until)
        return TASK_LOOK;
    if (!is_primary(m) || h->cluster.servers[m->crew->number]->state != STATE_UP)
        return TASK_NONE;
    if (watched) {
        if (now >= watches->due_ns)
            return TASK_THREADS;
        *until = watches->due_ns < *until ? watches->due_ns : *until;
    }
    if (demand_is_alive(d, now) && atomic_load(&d->wanted) > cluster_sampled(&h->cluster)) {
        uint64_t due = m->last_sample + h->sample_min_ns;
        if (now >= due)
            return TASK_SAMPLE;
        *until = due < *until ? due : *until;
        return TASK_NONE;
    }
    if (catalog_is_due(m, now, atomic_load(&h->relist))) {
        atomic_store(&h->relist, false); /* who asks from here on means the next one */
        return TASK_CATALOG;
    }
    if (atomic_load(&h->relist) && m->catalog_read + m->catalog_gap < *until)
        *until = m->catalog_read + m->catalog_gap;
    if (!demand_may_sleep(d, &d->sampler_sleeps, now))
        *until = now; /* asked in this very moment: round again */
    return TASK_NONE;
}

static bool next_step(struct watcher *m, enum task *task)
{
    struct health *h = m->health;
    uint64_t until = 0;

    health_lock(h);
    uint64_t now = h->cluster.now;
    bool goes_on = !m->crew->is_ending;
    *task = goes_on ? next_task(m, now, &until) : TASK_NONE;
    if (*task == TASK_NONE && goes_on && until > now) {
        watcher_sleep(m, until);
        goes_on = !m->crew->is_ending;
    }
    health_unlock(h);
    return goes_on;
}

void *monitor_run(void *watcher)
{
    struct watcher *m = watcher;
    enum task task;

    while (next_step(m, &task)) {
        switch (task) {
        case TASK_NONE:
            break;
        case TASK_RENEW:
            watcher_renew(m);
            break;
        case TASK_LOOK:
            take_look(m);
            break;
        case TASK_SAMPLE:
            take_sample(m);
            break;
        case TASK_THREADS:
            ask_about_threads(m);
            break;
        case TASK_CATALOG:
            read_catalog(m);
            break;
        }
    }
    watcher_finish(m);
    return NULL;
}
