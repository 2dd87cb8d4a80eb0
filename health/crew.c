/*
 * The life of a server's two threads: started under the lock, told to end under the lock, and
 * waited for without it, once they have come to their end by themselves.
 */
#include "health/threads.h"

#include "health/arena.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mysql.h>

/* --- probes ----------------------------------------------------------------------------------- */

static void open_probe(struct watcher *w, struct account *account)
{
    struct server_record *record = w->crew->record;
    struct link_target target = {
        .host = record->host,
        .port = record->port,
        .unix_path = record->unix_path,
        .proxy_protocol = &record->proxy_protocol,
        .user = account->user,
        .password = account->password,
        .timeout_ms = account->timeout_ms,
        .security = {account->tls, account->ca},
        .wake_fd = w->wake_fd,
        .queries = &record->gauges.queries,
    };

    w->account = account;
    w->probe = w->health->ops->open(&target, w->crew->number);
}

static void close_probe(struct watcher *w)
{
    w->health->ops->close(w->probe);
    account_unref(w->account);
}

bool watcher_is_outdated(const struct watcher *w)
{
    return w->account != w->health->account;
}

void watcher_renew(struct watcher *w)
{
    pthread_mutex_lock(&w->health->lock);
    struct account *account = account_ref(w->health->account);
    pthread_mutex_unlock(&w->health->lock);

    close_probe(w);
    open_probe(w, account);
}

/* --- start ------------------------------------------------------------------------------------ */

static void init_watcher(struct crew *crew, struct watcher *w)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->health = crew->health;
    w->crew = crew;
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static bool start_watcher(struct watcher *w, void *(*run)(void *))
{
    sigset_t all;
    sigset_t before;

    if (w->wake_fd < 0)
        return false; /* what cannot be interrupted is not begun */
    open_probe(w, account_ref(w->health->account));
    /* Signals are for the program's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    w->is_running = pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->is_running)
        w->crew->running++;
    else
        close_probe(w);
    return w->is_running;
}

struct crew *crew_start(struct health *h, size_t number, struct server_record *record)
{
    struct crew *crew = health_alloc(1, sizeof(*crew));

    crew->health = h;
    crew->number = number;
    crew->record = record_ref(record);
    init_watcher(crew, &crew->monitor);
    init_watcher(crew, &crew->waiter);
    if (start_watcher(&crew->monitor, monitor_run) && start_watcher(&crew->waiter, waiter_run))
        return crew;
    crew_end(crew);
    return NULL;
}

/* --- end -------------------------------------------------------------------------------------- */

static void interrupt(struct watcher *w)
{
    const uint64_t one = 1;

    pthread_cond_signal(&w->wake);
    if (write(w->wake_fd, &one, sizeof(one)) < 0) {
        /* Full: then it is readable already. */
    }
}

void crew_end(struct crew *crew)
{
    crew->is_ending = true;
    watch_list_dispose(&crew->watches);
    interrupt(&crew->monitor);
    interrupt(&crew->waiter);
    crew->next = crew->health->ending;
    crew->health->ending = crew;
}

void watcher_finish(struct watcher *w)
{
    close_probe(w);
    mysql_thread_end();
    pthread_mutex_lock(&w->health->lock);
    w->crew->running--;
    pthread_mutex_unlock(&w->health->lock);
}

struct crew *crews_take_ended(struct health *h)
{
    struct crew *ended = NULL;
    struct crew **link = &h->ending;

    while (*link) {
        struct crew *crew = *link;
        if (crew->running > 0) {
            link = &crew->next;
            continue;
        }
        *link = crew->next;
        crew->next = ended;
        ended = crew;
    }
    return ended;
}

static void dispose_watcher(struct watcher *w)
{
    if (w->is_running)
        pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
}

void crews_free(struct crew *first)
{
    while (first) {
        struct crew *crew = first;
        first = crew->next;
        dispose_watcher(&crew->monitor);
        dispose_watcher(&crew->waiter);
        record_unref(crew->record);
        free(crew);
    }
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
