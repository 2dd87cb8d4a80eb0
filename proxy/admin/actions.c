/*
 * What the short commands do. See actions.h; EXPLAIN ROUTE is in action_explain.c.
 */
#include "proxy/admin/actions.h"

#include "health/health.h"
#include "proxy/admin/look.h"
#include "proxy/client/command.h"
#include "proxy/client/kill.h"
#include "proxy/client/session.h"
#include "proxy/event_ring.h"
#include "proxy/memory.h"
#include "proxy/session_walk.h"
#include "proxy/survey.h"
#include "proxy/worker.h"
#include "proxy/worker_thread.h"

#include <string.h>

enum { RECALLED_PER_TURN = 64 }; /* sessions, between two turns of their worker's loop */

static void note(struct program *program, const char *who, const char *what)
{
    event_ring_add(program->events, "admin", NULL, what, who);
}

/* ---- KILL SESSION ---- */

struct kill_request {
    bool has_begun;
    uint64_t id;
    bool was_found;
    bool is_known;
    unsigned user;
    char peer[48];
    struct kill_outcome outcome;
};

static bool kill_if_meant(struct session *session, void *context)
{
    struct kill_request *request = context;

    if (!session_walk_is(session, request->id)) {
        return false;
    }
    request->was_found = true;
    request->is_known = session->counted;
    request->user = session->user;
    memcpy(request->peer, session->peer, sizeof request->peer);
    session_kill(session, false, &request->outcome);
    return true;
}

static bool search_and_kill(struct worker *worker, void *state)
{
    struct kill_request *request = state;

    return session_walk(worker, &request->has_begun, WALK_SEARCHED, kill_if_meant, request);
}

static char *describe_kill(struct program *program, const struct kill_request *request)
{
    struct look_context look = look_begin(program, NULL);
    const char *user = request->is_known ? look_user_name(&look, request->user) : NULL;
    const char *server = look_server_name(&look, request->outcome.server);
    char *text;

    if (request->outcome.statement_killed) {
        text = mem_printf("session %llu of %s from %s is closed; its statement on %s is being "
                          "ended (KILL %u)",
                          (unsigned long long)request->id, user != NULL ? user : "nobody yet",
                          request->peer, server != NULL ? server : "a removed server",
                          request->outcome.thread_id);
    } else {
        text = mem_printf("session %llu of %s from %s is closed", (unsigned long long)request->id,
                          user != NULL ? user : "nobody yet", request->peer);
    }
    look_end(&look);
    return text;
}

bool action_kill_session(struct program *program, uint64_t session, const char *who, char **message)
{
    struct kill_request *requests = mem_calloc(program->worker_count, sizeof *requests);
    bool was_found = false;

    for (size_t i = 0; i < program->worker_count; i++) {
        requests[i].id = session;
    }
    inquiry_run(program->workers, program->worker_count, search_and_kill, requests,
                sizeof *requests);
    for (size_t i = 0; i < program->worker_count && !was_found; i++) {
        if (requests[i].was_found) {
            was_found = true;
            *message = describe_kill(program, &requests[i]);
            note(program, who, *message);
        }
    }
    if (!was_found) {
        *message = mem_printf("there is no session %llu", (unsigned long long)session);
    }
    mem_free(requests);
    return was_found;
}

/* ---- PAUSE, RESUME, DRAIN, ENABLE ---- */

struct recall_request {
    bool has_begun;
    int server; /* -1: whichever they wait for */
};

static bool recall_one(struct session *session, void *context)
{
    command_recall(session, ((const struct recall_request *)context)->server);
    return false;
}

static bool recall(struct worker *worker, void *state)
{
    struct recall_request *request = state;

    return session_walk(worker, &request->has_begun, RECALLED_PER_TURN, recall_one, request);
}

/* Who waits for a connection is placed anew. Afterwards every worker knows what has changed. */
static void recall_all(struct program *program, int server)
{
    struct recall_request *requests = mem_calloc(program->worker_count, sizeof *requests);

    for (size_t i = 0; i < program->worker_count; i++) {
        requests[i].server = server;
    }
    inquiry_run(program->workers, program->worker_count, recall, requests, sizeof *requests);
    mem_free(requests);
}

static void count_leased(void *context, const struct pool_sight *sight)
{
    unsigned *leased = context;

    if (sight->server < ROSTER_SERVERS) {
        leased[sight->server] += sight->leased;
    }
}

static unsigned leased_of(struct program *program, int server)
{
    unsigned leased[ROSTER_SERVERS] = {0};
    unsigned all = 0;

    survey_pools(program, count_leased, leased);
    for (int i = 0; i < ROSTER_SERVERS; i++) {
        all += server < 0 || server == i ? leased[i] : 0;
    }
    return all;
}

bool action_pause(struct program *program, const char *who, char **message)
{
    bool was_paused = atomic_exchange(&program->process->is_paused, true);

    if (!was_paused) {
        note(program, who, "paused");
    }
    recall_all(program, -1);
    *message = mem_printf("statements that begin wait until RESUME, at most %u s; %u server "
                          "connections are still in use",
                          (unsigned)COMMAND_PAUSE_MS / 1000, leased_of(program, -1));
    return true;
}

bool action_resume(struct program *program, const char *who, char **message)
{
    bool was_paused = atomic_exchange(&program->process->is_paused, false);

    if (was_paused) {
        note(program, who, "resumed");
    }
    for (size_t i = 0; i < program->worker_count; i++) {
        worker_thread_wake(program->workers[i]);
    }
    *message = mem_text(was_paused ? "statements go on" : "statements were not paused");
    return true;
}

static int number_of(struct program *program, const char *name)
{
    struct look_context look = look_begin(program, NULL);
    int number = -1;

    for (unsigned i = 0; i < look.roster->server_count && number < 0; i++) {
        const char *server = look_server_name(&look, i);

        if (server != NULL && strcmp(server, name) == 0) {
            number = (int)i;
        }
    }
    look_end(&look);
    return number;
}

bool action_drain_server(struct program *program, const char *name, bool is_draining,
                         const char *who, char **message)
{
    int number = number_of(program, name);
    char *what;

    if (number < 0) {
        *message = mem_printf("there is no server \"%s\"", name);
        return false;
    }
    health_drain(program->process->health, (size_t)number, is_draining);
    what = mem_printf("%s server %s", is_draining ? "drain" : "enable", name);
    note(program, who, what);
    mem_free(what);
    if (is_draining) {
        recall_all(program, number);
        *message = mem_printf("%s gets no new statements; %u connections to it are still in use",
                              name, leased_of(program, number));
    } else {
        *message = mem_printf("%s gets statements again, as far as it is usable", name);
    }
    return true;
}

/* ---- RESET STATEMENTS ---- */

static bool reset(struct worker *worker, void *state)
{
    (void)state;
    statistics_reset_digests(&worker->statistics, worker_now(worker));
    return true;
}

bool action_reset_statements(struct program *program, const char *who, char **message)
{
    char none[1]; /* states have no size */

    inquiry_run(program->workers, program->worker_count, reset, none, 0);
    note(program, who, "statements reset");
    *message = mem_text("statements are counted anew");
    return true;
}

/* ---- SHUTDOWN ---- */

bool action_shut_down(struct program *program, bool is_at_once, const char *who, char **message)
{
    note(program, who, is_at_once ? "shutdown now" : "shutdown");
    program->shut_down(program, is_at_once);
    *message =
        mem_text(is_at_once ? "ending at once"
                            : "ending: no new clients, and as soon as transactions are over");
    return true;
}
