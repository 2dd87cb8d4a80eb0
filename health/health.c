/*
 * Start, stop and the functions the program calls (threads: crew.c); and the one place where the
 * lock is given back, because what was learned under it has to reach the right threads and the
 * program.
 */
#include "health/health.h"

#include "health/arena.h"
#include "health/threads.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mysql.h>

#define MS UINT64_C(1000000)

enum { POLL_MS = 1000, SAMPLE_MIN_MS = 10, TIMEOUT_MIN_MS = 1000, TIMEOUT_MAX_MS = 3000 };

uint64_t health_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* --- the lock --------------------------------------------------------------------------------- */

void health_lock(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    h->cluster.now = health_now();
}

static void wake_waiters(struct health *h)
{
    for (size_t i = 0; i < HEALTH_SERVERS; i++) {
        if (h->crews[i])
            pthread_cond_signal(&h->crews[i]->waiter.wake);
    }
}

static void wake_monitor(struct health *h, int number)
{
    struct crew *crew = number >= 0 ? h->crews[number] : NULL;

    if (crew)
        pthread_cond_signal(&crew->monitor.wake);
}

static void look_now(struct health *h, size_t number)
{
    if (!h->crews[number])
        return;
    h->crews[number]->monitor.look_now = true;
    wake_monitor(h, (int)number);
}

/* A server that became primary without having been looked at as such has no grant yet. */
static void hurry_new_primary(struct health *h)
{
    int p = h->cluster.primary;

    if (p < 0)
        return;
    if (atomic_load(&h->cluster.servers[p]->record->gauges.granted_until_ns) == 0)
        look_now(h, (size_t)p);
    wake_monitor(h, p);
}

static void deliver(const struct health *h, const struct cluster_news *news, bool is_wanted)
{
    const struct health_options *o = &h->options;

    for (size_t i = 0; i < news->count && o->on_event; i++)
        o->on_event(o->context, news->events[i].subject, news->events[i].what, news->events[i].why);
    if (news->changed && o->on_change)
        o->on_change(o->context);
    if (news->rose && is_wanted && o->on_caught_up)
        o->on_caught_up(o->context);
}

void health_unlock(struct health *h)
{
    struct cluster *c = &h->cluster;
    uint64_t covered = cluster_sampled(c);

    if (!c->news.changed && !c->news.rose && c->news.count == 0 &&
        covered == atomic_load(&h->demand.covered)) {
        pthread_mutex_unlock(&h->lock);
        return;
    }
    struct cluster_news news = cluster_take_news(c);
    bool is_wanted = demand_is_alive(&h->demand, health_now());
    if (news.changed)
        hurry_new_primary(h);
    atomic_store(&h->demand.covered, covered);
    if (is_wanted)
        wake_waiters(h);
    pthread_mutex_unlock(&h->lock);
    deliver(h, &news, is_wanted);
}

/* --- start ------------------------------------------------------------------------------------ */

static char *copied(const char *text)
{
    return health_text(text, strlen(text));
}

static void set_pace(struct health *h, unsigned poll_ms, unsigned sample_min_ms)
{
    h->poll_ns = (poll_ms ? poll_ms : POLL_MS) * MS;
    h->sample_min_ns = (sample_min_ms ? sample_min_ms : SAMPLE_MIN_MS) * MS;
}

static unsigned timeout_for(unsigned poll_ms)
{
    unsigned ms = poll_ms ? poll_ms : POLL_MS;

    return ms < TIMEOUT_MIN_MS ? TIMEOUT_MIN_MS : ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : ms;
}

static void copy_options(struct health *h, const struct health_options *from)
{
    size_t n = 0;

    h->options = *from;
    h->options.servers = NULL; /* the cluster has its own copy */
    h->options.user = NULL;    /* see h->account */
    h->options.password = NULL;
    h->options.security.ca = NULL;
    h->account =
        account_new(from->user, from->password, &from->security, timeout_for(from->poll_ms));
    while (from->tracked && from->tracked[n])
        n++;
    const char **tracked = health_alloc(n + 1, sizeof(*tracked));
    for (size_t i = 0; i < n; i++)
        tracked[i] = copied(from->tracked[i]);
    h->options.tracked = tracked;
    set_pace(h, from->poll_ms, from->sample_min_ms);
}

static bool start_crew(struct health *h, size_t number)
{
    h->crews[number] = crew_start(h, number, h->cluster.servers[number]->record);
    return h->crews[number] != NULL;
}

struct health *health_start_with(const struct health_options *options, const struct probe_ops *ops)
{
    struct health *h = health_alloc(1, sizeof(*h));
    bool good = true;

    mysql_library_init(0, NULL, NULL);
    pthread_mutex_init(&h->lock, NULL);
    copy_options(h, options);
    h->ops = ops;
    atomic_init(&h->demand.covered, UINT64_MAX);
    pthread_mutex_lock(&h->lock); /* nobody looks before all are there */
    cluster_init(&h->cluster, options);
    cluster_take_news(&h->cluster); /* nobody needs to be told of the beginning */
    for (size_t i = 0; i < options->server_count; i++)
        good = start_crew(h, i) && good;
    pthread_mutex_unlock(&h->lock);
    if (good)
        return h;
    health_stop(h);
    return NULL;
}

struct health *health_start(const struct health_options *options)
{
    return health_start_with(options, &real_probe_ops);
}

/* --- stop ------------------------------------------------------------------------------------- */

static void free_options(struct health *h)
{
    account_unref(h->account);
    for (const char *const *t = h->options.tracked; *t; t++)
        free((void *)*t);
    free((void *)h->options.tracked);
}

static void end_crew(struct health *h, size_t number)
{
    if (h->crews[number])
        crew_end(h->crews[number]);
    h->crews[number] = NULL;
}

void health_stop(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < HEALTH_SERVERS; i++)
        end_crew(h, i);
    pthread_mutex_unlock(&h->lock);
    crews_free(h->ending);
    cluster_dispose(&h->cluster);
    free_options(h);
    pthread_mutex_destroy(&h->lock);
    free(h);
    mysql_library_end();
}

/* --- changes while it runs -------------------------------------------------------------------- */

/* Gives the lock back, and frees what has come to its end meanwhile. */
static void unlock_and_tidy(struct health *h)
{
    struct crew *ended = crews_take_ended(h);

    health_unlock(h);
    crews_free(ended);
}

bool health_put(struct health *h, size_t number, const struct health_server *server)
{
    health_lock(h);
    bool good = cluster_put(&h->cluster, number, server);
    if (good && !h->crews[number] && !start_crew(h, number)) {
        cluster_remove(&h->cluster, number);
        good = false;
    }
    unlock_and_tidy(h);
    return good;
}

void health_remove(struct health *h, size_t number)
{
    if (number >= HEALTH_SERVERS)
        return;
    health_lock(h);
    cluster_remove(&h->cluster, number);
    end_crew(h, number);
    if (!h->cluster.catalog) /* it went with the primary: the next one lists its own at once */
        atomic_store(&h->relist, true);
    unlock_and_tidy(h);
}

void health_tune(struct health *h, const char *user, const char *password,
                 const struct health_security *security, unsigned poll_ms, unsigned sample_min_ms)
{
    struct account *account = account_new(user, password, security, timeout_for(poll_ms));
    struct account *unused = account;

    health_lock(h);
    if (!account_equal(account, h->account)) {
        unused = h->account;
        h->account = account;
    }
    set_pace(h, poll_ms, sample_min_ms);
    cluster_set_poll(&h->cluster, h->poll_ns);
    for (size_t i = 0; i < HEALTH_SERVERS; i++)
        look_now(h, i);
    wake_waiters(h);
    unlock_and_tidy(h);
    account_unref(unused);
}

/* --- what the program asks -------------------------------------------------------------------- */

struct topology *health_topology(struct health *h)
{
    health_lock(h);
    struct topology *t = topology_ref(h->cluster.topology);
    health_unlock(h);
    return t;
}

void health_want(struct health *h, uint64_t floor_ns)
{
    enum demand_wake wake = demand_ask(&h->demand, floor_ns);

    if (wake == DEMAND_NOTHING)
        return;
    pthread_mutex_lock(&h->lock);
    if (wake == DEMAND_SAMPLE)
        wake_monitor(h, h->cluster.primary);
    else if (wake == DEMAND_WAIT)
        wake_waiters(h);
    pthread_mutex_unlock(&h->lock);
}

static bool is_used(const struct health *h, size_t number)
{
    return number < HEALTH_SERVERS && h->cluster.servers[number];
}

void health_suspect(struct health *h, size_t server)
{
    health_lock(h);
    if (is_used(h, server)) {
        cluster_suspect(&h->cluster, server);
        look_now(h, server);
    }
    health_unlock(h);
}

void health_relist(struct health *h)
{
    if (atomic_load(&h->relist) || atomic_exchange(&h->relist, true))
        return;
    pthread_mutex_lock(&h->lock);
    wake_monitor(h, h->cluster.primary);
    pthread_mutex_unlock(&h->lock);
}

struct thread_watch *health_watch_thread(struct health *h, size_t server,
                                         const struct thread_watch *wanted)
{
    struct thread_watch *watch = NULL;

    pthread_mutex_lock(&h->lock);
    if (server < HEALTH_SERVERS && h->crews[server])
        watch = watch_list_add(&h->crews[server]->watches, wanted, health_now(), h->sample_min_ns);
    if (watch)
        wake_monitor(h, (int)server);
    pthread_mutex_unlock(&h->lock);
    return watch;
}

void health_drain(struct health *h, size_t server, bool draining)
{
    health_lock(h);
    if (is_used(h, server))
        cluster_drain(&h->cluster, server, draining);
    health_unlock(h);
}
