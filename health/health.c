/*
 * Start, stop and the functions the program calls; and the one place where the lock is given back,
 * because what was learned under it has to reach the right threads and the program.
 */
#include "health/health.h"

#include "health/arena.h"
#include "health/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

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
}

static void wake_waiters(struct health *h)
{
    for (size_t i = 0; i < h->count; i++)
        pthread_cond_signal(&h->waiters[i].wake);
}

/* A server that became primary without having been looked at as such has no grant yet. */
static void hurry_new_primary(struct health *h)
{
    int p = h->cluster.primary;

    if (p < 0)
        return;
    if (atomic_load(&h->cluster.servers[p].gauges.granted_until_ns) == 0)
        h->monitors[p].look_now = true;
    pthread_cond_signal(&h->monitors[p].wake);
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

void watcher_sleep(struct watcher *w, uint64_t until)
{
    struct timespec t = {(time_t)(until / UINT64_C(1000000000)),
                         (long)(until % UINT64_C(1000000000))};

    if (until == UINT64_MAX)
        pthread_cond_wait(&w->wake, &w->health->lock);
    else
        pthread_cond_timedwait(&w->wake, &w->health->lock, &t);
}

/* --- start ------------------------------------------------------------------------------------ */

static char *copied(const char *text)
{
    return health_text(text ? text : "", text ? strlen(text) : 0);
}

static void copy_options(struct health *h, const struct health_options *from)
{
    size_t n = 0;

    h->options = *from;
    h->options.servers = NULL; /* the cluster has its own copy */
    h->options.user = copied(from->user);
    h->options.password = copied(from->password);
    while (from->tracked && from->tracked[n])
        n++;
    const char **tracked = health_alloc(n + 1, sizeof(*tracked));
    for (size_t i = 0; i < n; i++)
        tracked[i] = copied(from->tracked[i]);
    h->options.tracked = tracked;
    h->poll_ns = (from->poll_ms ? from->poll_ms : POLL_MS) * MS;
    h->sample_min_ns = (from->sample_min_ms ? from->sample_min_ms : SAMPLE_MIN_MS) * MS;
}

static unsigned timeout_for(const struct health_options *options)
{
    unsigned ms = options->poll_ms ? options->poll_ms : POLL_MS;

    return ms < TIMEOUT_MIN_MS ? TIMEOUT_MIN_MS : ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : ms;
}

static void init_watcher(struct health *h, struct watcher *w, size_t i)
{
    pthread_condattr_t monotonic;
    struct cluster_server *s = &h->cluster.servers[i];

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->health = h;
    w->server = i;
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct link_target target = {
        .host = s->host,
        .port = s->port,
        .unix_path = s->unix_path,
        .user = h->options.user,
        .password = h->options.password,
        .timeout_ms = timeout_for(&h->options),
        .wake_fd = w->wake_fd,
        .queries = &s->gauges.queries,
    };
    w->probe = h->ops->open(&target, i);
}

static bool start_watcher(struct watcher *w, void *(*run)(void *))
{
    sigset_t all;
    sigset_t before;

    /* Signals are for the program's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    w->is_running = pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!w->is_running)
        w->health->ops->close(w->probe);
    return w->is_running;
}

struct health *health_start_with(const struct health_options *options, const struct probe_ops *ops)
{
    struct health *h = health_alloc(1, sizeof(*h));
    bool good = true;

    mysql_library_init(0, NULL, NULL);
    pthread_mutex_init(&h->lock, NULL);
    copy_options(h, options);
    h->ops = ops;
    h->count = options->server_count;
    cluster_init(&h->cluster, options);
    h->cluster.news.changed = false; /* nobody needs to be told of the beginning */
    atomic_init(&h->demand.covered, UINT64_MAX);
    h->monitors = health_alloc(h->count, sizeof(*h->monitors));
    h->waiters = health_alloc(h->count, sizeof(*h->waiters));
    h->watches = health_alloc(h->count, sizeof(*h->watches));
    for (size_t i = 0; i < h->count; i++) {
        init_watcher(h, &h->monitors[i], i);
        init_watcher(h, &h->waiters[i], i);
    }
    for (size_t i = 0; i < h->count; i++) {
        good = start_watcher(&h->monitors[i], monitor_run) && good;
        good = start_watcher(&h->waiters[i], waiter_run) && good;
    }
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

static void interrupt(struct watcher *w)
{
    const uint64_t one = 1;

    pthread_cond_signal(&w->wake);
    if (write(w->wake_fd, &one, sizeof(one)) < 0) {
        /* Full: then it is readable already. */
    }
}

static void end_watcher(struct watcher *w)
{
    if (w->is_running)
        pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    close(w->wake_fd);
}

static void free_options(struct health *h)
{
    explicit_bzero((char *)h->options.password, strlen(h->options.password));
    free((void *)h->options.password);
    free((void *)h->options.user);
    for (const char *const *t = h->options.tracked; *t; t++)
        free((void *)*t);
    free((void *)h->options.tracked);
}

void health_stop(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    for (size_t i = 0; i < h->count; i++) {
        interrupt(&h->monitors[i]);
        interrupt(&h->waiters[i]);
    }
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < h->count; i++) {
        end_watcher(&h->monitors[i]);
        end_watcher(&h->waiters[i]);
        watch_list_dispose(&h->watches[i]);
    }
    cluster_dispose(&h->cluster);
    free_options(h);
    pthread_mutex_destroy(&h->lock);
    free(h->monitors);
    free(h->waiters);
    free(h->watches);
    free(h);
    mysql_library_end();
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
    if (wake == DEMAND_SAMPLE && h->cluster.primary >= 0)
        pthread_cond_signal(&h->monitors[h->cluster.primary].wake);
    else if (wake == DEMAND_WAIT)
        wake_waiters(h);
    pthread_mutex_unlock(&h->lock);
}

void health_suspect(struct health *h, size_t server)
{
    health_lock(h);
    cluster_suspect(&h->cluster, server);
    h->monitors[server].look_now = true;
    pthread_cond_signal(&h->monitors[server].wake);
    health_unlock(h);
}

void health_relist(struct health *h)
{
    if (atomic_load(&h->relist) || atomic_exchange(&h->relist, true))
        return;
    pthread_mutex_lock(&h->lock);
    if (h->cluster.primary >= 0)
        pthread_cond_signal(&h->monitors[h->cluster.primary].wake);
    pthread_mutex_unlock(&h->lock);
}

struct thread_watch *health_watch_thread(struct health *h, size_t server,
                                         const struct thread_watch *wanted)
{
    if (server >= h->count)
        return NULL;
    pthread_mutex_lock(&h->lock);
    struct thread_watch *watch =
        watch_list_add(&h->watches[server], wanted, health_now(), h->sample_min_ns);
    pthread_cond_signal(&h->monitors[server].wake);
    pthread_mutex_unlock(&h->lock);
    return watch;
}

void health_drain(struct health *h, size_t server, bool draining)
{
    health_lock(h);
    cluster_drain(&h->cluster, server, draining);
    health_unlock(h);
}
