/*
 * Surveys of pools: what each worker lends, added up per server and user. See survey.h.
 *
 * A worker has few pools (a user's, per kind of client and per server) but may have thousands of
 * sessions that wait; of those only the first of each pool is looked for.
 */
#include "proxy/survey.h"

#include "proxy/backend/pool.h"
#include "proxy/memory.h"
#include "proxy/program.h"
#include "proxy/worker.h"

struct pool_survey {
    struct pool_sight *sights; /* owner */
    size_t count, capacity;
};

static struct pool_sight *sight_of(struct pool_survey *survey, unsigned server, unsigned user)
{
    for (size_t i = 0; i < survey->count; i++) {
        if (survey->sights[i].server == server && survey->sights[i].user == user) {
            return &survey->sights[i];
        }
    }
    if (survey->count == survey->capacity) {
        survey->capacity = survey->capacity * 2 + 8;
        survey->sights = mem_realloc(survey->sights, survey->capacity * sizeof survey->sights[0]);
    }
    survey->sights[survey->count] = (struct pool_sight){.server = server, .user = user};
    return &survey->sights[survey->count++];
}

static void note_wait(struct pool_sight *sight, uint64_t since_ns)
{
    if (sight->oldest_wait_ns == 0 || since_ns < sight->oldest_wait_ns) {
        sight->oldest_wait_ns = since_ns;
    }
}

static void add(struct pool_survey *survey, const struct pool_sight *part)
{
    struct pool_sight *sight = sight_of(survey, part->server, part->user);

    sight->idle += part->idle;
    sight->leased += part->leased;
    sight->opening += part->opening;
    sight->waiting += part->waiting;
    if (part->oldest_wait_ns != 0) {
        note_wait(sight, part->oldest_wait_ns);
    }
}

/* ---- on the worker's thread ---- */

static void see_group(struct pool_survey *survey, const struct group *group, unsigned server)
{
    const struct group_server *here = &group->servers[server];
    struct pool_sight part = {.server = server,
                              .user = group->account->number,
                              .idle = here->idle_count,
                              .leased = here->leased,
                              .opening = here->opening,
                              .waiting = here->queued_count};

    for (const struct lease *lease = here->expecting; lease != NULL; lease = lease->next) {
        part.waiting++;
    }
    if (here->expecting != NULL) {
        part.oldest_wait_ns = here->expecting->since_ns;
    }
    if (part.idle + part.leased + part.opening + part.waiting > 0) {
        add(survey, &part);
    }
}

/* The queue is in order of arrival: the first one of a pool has waited longest. */
static void see_queue(struct pool_survey *survey, const struct pool *pool)
{
    size_t unseen = 0;

    for (const struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            unseen += group->servers[server].queued_count > 0;
        }
    }
    for (const struct lease *lease = pool->waiting; lease != NULL && unseen > 0;
         lease = lease->next) {
        struct group_server *here = &lease->group->servers[lease->server];

        if (!here->was_seen) {
            here->was_seen = true;
            unseen--;
            note_wait(sight_of(survey, lease->server, lease->group->account->number),
                      lease->since_ns);
        }
    }
    for (struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            group->servers[server].was_seen = false;
        }
    }
}

static bool look_at_pools(struct worker *worker, void *state)
{
    const struct pool *pool = worker->pool;

    for (const struct group *group = pool->groups; group != NULL; group = group->next) {
        for (unsigned server = 0; server < pool->server_count; server++) {
            see_group(state, group, server);
        }
    }
    see_queue(state, pool);
    return true;
}

/* ---- the asker ---- */

void survey_pools(struct program *program,
                  void (*visit)(void *context, const struct pool_sight *sight), void *context)
{
    struct pool_survey *parts = mem_calloc(program->worker_count, sizeof *parts);
    struct pool_survey all = {0};

    inquiry_run(program->workers, program->worker_count, look_at_pools, parts, sizeof *parts);
    for (size_t i = 0; i < program->worker_count; i++) {
        for (size_t at = 0; at < parts[i].count; at++) {
            add(&all, &parts[i].sights[at]);
        }
        mem_free(parts[i].sights);
    }
    for (size_t at = 0; at < all.count; at++) {
        visit(context, &all.sights[at]);
    }
    mem_free(all.sights);
    mem_free(parts);
}
