/*
 * The thread that, while a session is pinned, stands at one replica and waits for the moment the
 * newest sample is applied there. The wait is one query that the replica answers when it is so,
 * bounded in time so that interest that has faded ends it.
 */
#include "health/threads.h"

#define MS UINT64_C(1000000)

enum {
    WAIT_MS = 1000,
    PAUSE_MS = 250, /* after a wait that failed: a stopped applier answers at once */
};

static void wait_once(struct watcher *w, struct cluster_job *job, uint64_t *not_before)
{
    struct health *h = w->health;
    enum wait_result result = h->ops->wait(w->probe, &job->position, WAIT_MS);

    health_lock(h);
    switch (result) {
    case WAIT_REACHED:
        if (!w->crew->is_ending)
            cluster_reached(&h->cluster, w->crew->number, job);
        break;
    case WAIT_NOT_YET:
        break;
    case WAIT_FAILED:
        *not_before = health_now() + PAUSE_MS * MS;
        break;
    }
    health_unlock(h);
    position_dispose(&job->position);
}

/* Finds something to wait for, or sleeps; false: neither, look again. */
static bool find_job(struct watcher *w, uint64_t not_before, struct cluster_job *job)
{
    struct health *h = w->health;
    struct demand *d = &h->demand;
    uint64_t now = health_now();

    if (now < not_before) {
        watcher_sleep(w, not_before);
        return false;
    }
    bool is_alive = demand_is_alive(d, now);
    if (!cluster_job_for(&h->cluster, w->crew->number, atomic_load(&d->wanted), job)) {
        watcher_sleep(w, UINT64_MAX);
        return false;
    }
    if (is_alive)
        return true;
    position_dispose(&job->position);
    if (demand_may_sleep(d, &d->waiting_ended, now))
        watcher_sleep(w, UINT64_MAX);
    return false;
}

enum step { STEP_END, STEP_RENEW, STEP_WAIT, STEP_AGAIN };

static enum step next_step(struct watcher *w, uint64_t not_before, struct cluster_job *job)
{
    if (w->crew->is_ending)
        return STEP_END;
    if (watcher_is_outdated(w))
        return STEP_RENEW;
    return find_job(w, not_before, job) ? STEP_WAIT : STEP_AGAIN;
}

void *waiter_run(void *watcher)
{
    struct watcher *w = watcher;
    struct health *h = w->health;
    uint64_t not_before = 0;
    enum step step;

    do {
        struct cluster_job job;
        health_lock(h);
        step = next_step(w, not_before, &job);
        health_unlock(h);
        switch (step) {
        case STEP_END:
        case STEP_AGAIN:
            break;
        case STEP_RENEW:
            watcher_renew(w);
            break;
        case STEP_WAIT:
            wait_once(w, &job, &not_before);
            break;
        }
    } while (step != STEP_END);
    watcher_finish(w);
    return NULL;
}
