/*
 * Counting in the workers. Each one counts its own sessions and pools in one walk, as it does ten
 * times a second for its deadlines.
 */
#include "proxy/metrics_workers.h"

#include "proxy/backend/pool.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"
#include "proxy/metrics.h"
#include "proxy/metrics_statements.h"
#include "proxy/program.h"
#include "proxy/roster.h"
#include "proxy/survey.h"
#include "proxy/worker.h"
#include "proxy/worker_thread.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SESSION_STATES = SESSION_CLOSING + 1 };

/* One user's connections to one server. */
struct pool_count {
    bool exists;
    unsigned idle, leased, opening, waiting;
    uint64_t longest_wait_ns;
};

/* What one worker counts. */
struct worker_count {
    bool is_counted;
    struct statement_figures statements;
    unsigned sessions[SESSION_STATES];
    unsigned pinned, pinned_by[PIN_COUNT];
    unsigned server_count, user_count; /* the extent of `pools`; the last user is all others */
    struct pool_count *pools;          /* owner: [server * user_count + user] */
};

const char *metrics_user_label(const struct roster *roster, unsigned user)
{
    return user < METRICS_USERS && user < roster_account_count(roster)
               ? roster_account(roster, user)->name
               : metrics_others;
}

/* ---- on the worker's thread ---- */

static struct pool_count *pool_of(const struct worker_count *count, unsigned server, unsigned user)
{
    unsigned slot = user < count->user_count - 1 ? user : count->user_count - 1;

    return server < count->server_count ? &count->pools[server * count->user_count + slot] : NULL;
}

static void count_wait(const struct worker_count *count, const struct session *session,
                       uint64_t now)
{
    const struct lease *lease = &session->lease;
    struct pool_count *pool;

    if (lease->state != LEASE_EXPECTING && lease->state != LEASE_QUEUED) {
        return;
    }
    pool = pool_of(count, lease->server, lease->group->account->number);
    if (pool != NULL) {
        uint64_t waited = now > lease->since_ns ? now - lease->since_ns : 0;

        pool->waiting++;
        pool->longest_wait_ns = waited > pool->longest_wait_ns ? waited : pool->longest_wait_ns;
    }
}

static void count_session(struct worker_count *count, const struct session *session, uint64_t now)
{
    count->sessions[session->state]++;
    count->pinned += session->pins != 0;
    for (unsigned left = session->pins; left != 0; left &= left - 1) {
        count->pinned_by[__builtin_ctz(left)]++;
    }
    count_wait(count, session, now);
}

static void count_group(const struct worker_count *count, const struct group *group)
{
    for (unsigned server = 0; server < count->server_count; server++) {
        struct pool_count *pool = pool_of(count, server, group->account->number);

        pool->exists = true;
        pool->idle += group->servers[server].idle_count;
        pool->leased += group->servers[server].leased;
        pool->opening += group->servers[server].opening;
    }
}

static void count_pools(struct worker_count *count, const struct worker *worker)
{
    unsigned users = roster_account_count(worker->roster);

    count->server_count = worker->roster->server_count;
    count->user_count = (users < METRICS_USERS ? users : METRICS_USERS) + 1;
    count->pools =
        mem_calloc((size_t)count->server_count * count->user_count, sizeof *count->pools);
    for (const struct group *group = worker->pool->groups; group != NULL; group = group->next) {
        count_group(count, group);
    }
}

/* In two parts: sockets are served in between. */
static bool count_worker(struct worker *worker, void *state)
{
    struct worker_count *count = state;
    uint64_t now = worker_now(worker);

    if (!count->is_counted) {
        count->is_counted = true;
        statement_figures_take(&count->statements, worker);
        return false;
    }
    count_pools(count, worker);
    for (const struct session *session = worker->sessions; session != NULL;
         session = session->next) {
        count_session(count, session, now);
    }
    return true;
}

static void dispose(void *state)
{
    struct worker_count *count = state;

    statement_figures_dispose(&count->statements);
    mem_free(count->pools);
}

/* ---- the asker ---- */

static void add_pool(struct pool_count *to, const struct pool_count *from)
{
    to->exists = to->exists || from->exists;
    to->idle += from->idle;
    to->leased += from->leased;
    to->opening += from->opening;
    to->waiting += from->waiting;
    if (from->longest_wait_ns > to->longest_wait_ns) {
        to->longest_wait_ns = from->longest_wait_ns;
    }
}

/* `all` has the extent of the roster, which a worker may not have adopted yet. */
static void add_count(struct worker_count *all, const struct worker_count *one)
{
    for (unsigned i = 0; i < SESSION_STATES; i++) {
        all->sessions[i] += one->sessions[i];
    }
    for (unsigned i = 0; i < PIN_COUNT; i++) {
        all->pinned_by[i] += one->pinned_by[i];
    }
    all->pinned += one->pinned;
    statement_figures_merge(&all->statements, &one->statements);
    for (unsigned server = 0; server < one->server_count; server++) {
        for (unsigned user = 0; user < one->user_count; user++) {
            bool is_other = user == one->user_count - 1;
            struct pool_count *to = pool_of(all, server, is_other ? METRICS_USERS : user);

            if (to != NULL) {
                add_pool(to, &one->pools[server * one->user_count + user]);
            }
        }
    }
}

static void print_sessions(struct metrics *metrics, const struct worker_count *all)
{
    for (unsigned i = 0; i < SESSION_STATES; i++) {
        metrics_add(metrics, METRIC_SESSIONS, all->sessions[i], "state",
                    session_state_name((enum session_state)i), NULL);
    }
    metrics_add(metrics, METRIC_SESSIONS_PINNED, all->pinned, NULL);
    for (unsigned i = 0; i < PIN_COUNT; i++) {
        metrics_add(metrics, METRIC_SESSIONS_PINNED_BY, all->pinned_by[i], "reason",
                    pin_name(1U << i), NULL);
    }
}

static void print_connections(struct metrics *metrics, enum metric metric,
                              const struct pool_count *pool, const char *server, const char *user)
{
    const struct {
        const char *state;
        unsigned count;
    } states[] = {{"idle", pool->idle}, {"leased", pool->leased}, {"opening", pool->opening}};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (user != NULL) {
            metrics_add(metrics, metric, states[i].count, "server", server, "user", user, "state",
                        states[i].state, NULL);
        } else {
            metrics_add(metrics, metric, states[i].count, "server", server, "state",
                        states[i].state, NULL);
        }
    }
}

static void print_server(struct metrics *metrics, const struct worker_count *all,
                         const struct roster *roster, unsigned server)
{
    const char *name = roster_server(roster, server)->name;
    struct pool_count sum = {.exists = false};

    for (unsigned user = 0; user < all->user_count; user++) {
        bool is_other = user == all->user_count - 1;
        const struct pool_count *pool = &all->pools[server * all->user_count + user];
        const char *label = is_other ? metrics_others : metrics_user_label(roster, user);

        add_pool(&sum, pool);
        if (pool->exists) {
            print_connections(metrics, METRIC_POOL_CONNECTIONS, pool, name, label);
            metrics_add(metrics, METRIC_POOL_WAITING, pool->waiting, "server", name, "user", label,
                        NULL);
            metrics_add(metrics, METRIC_POOL_LONGEST_WAIT, (double)pool->longest_wait_ns / 1e9,
                        "server", name, "user", label, NULL);
        }
    }
    print_connections(metrics, METRIC_SERVER_CONNECTIONS, &sum, name, NULL);
}

/* Answers whether all workers have told their part. */
static bool sum_up(struct worker_count *all, struct inquiry *inquiry, struct metrics *metrics,
                   const struct program *program)
{
    bool is_complete = true;

    for (unsigned i = 0; i < program->worker_count; i++) {
        const struct worker_count *one = inquiry_state(inquiry, i);
        char number[16];

        snprintf(number, sizeof number, "%u", i);
        metrics_add(metrics, METRIC_WORKER_ANSWERS, one != NULL, "worker", number, NULL);
        metrics_add(metrics, METRIC_WORKER_CLIENTS,
                    (double)worker_thread_clients(program->workers[i]), "worker", number, NULL);
        /* The thread of a worker may have ended, at the end of a drain: then nothing is left. */
        if (one != NULL && one->is_counted) {
            add_count(all, one);
        } else {
            is_complete = false;
        }
    }
    return is_complete;
}

void metrics_collect_workers(struct metrics *metrics, struct program *program,
                             const struct roster *roster, unsigned patience_ms)
{
    unsigned accounts = roster_account_count(roster);
    unsigned users = accounts < METRICS_USERS ? accounts : METRICS_USERS;
    struct worker_count all = {.server_count = roster->server_count, .user_count = users + 1};
    struct inquiry *inquiry = inquiry_begin(program->workers, program->worker_count, count_worker,
                                            sizeof(struct worker_count), dispose);

    all.pools = mem_calloc((size_t)all.server_count * all.user_count, sizeof *all.pools);
    (void)inquiry_wait(inquiry, patience_ms);
    /* A sum without one worker's part would look like counters that began anew, and the next one
     * like a burst: rather none at all. */
    if (sum_up(&all, inquiry, metrics, program)) {
        statement_figures_list(&all.statements, metrics, roster);
    }
    inquiry_end(inquiry);
    print_sessions(metrics, &all);
    for (unsigned server = 0; server < all.server_count; server++) {
        if (roster_server(roster, server) != NULL) {
            print_server(metrics, &all, roster, server);
        }
    }
    dispose(&all);
}
