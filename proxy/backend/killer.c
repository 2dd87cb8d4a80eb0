/*
 * See killer.h.
 */
#include "proxy/backend/killer.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/writer.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/permits.h"
#include "proxy/backend/pool.h"
#include "proxy/exchange.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/roster.h"
#include "proxy/worker.h"

#include <stdio.h>

/* A killer for the victim, not connecting yet. */
static struct backend *killer_new(struct backend *victim)
{
    struct backend *killer = backend_new(victim->worker, victim->group, victim->server);

    roster_unref(killer->roster);
    killer->roster = roster_ref(victim->roster); /* the server may be configured no more */
    killer->generation = victim->generation;
    killer->is_opening = false; /* no lease waits for it */
    killer->killing = mem_calloc(1, sizeof *killer->killing);
    killer->killing->thread_id = victim->thread_id;
    victim->worker->pool->backend_count++;
    return killer;
}

void killer_follow(struct backend *victim)
{
    struct backend *killer;

    if (victim->worker->pool->closed || !victim->has_permit) {
        return;
    }
    killer = killer_new(victim);
    victim->has_permit = false;
    backend_connect(killer);
}

bool backend_kill_query(struct backend *victim, bool is_soft, kill_done *on_done, void *context)
{
    struct backend *killer;

    if (victim->worker->pool->closed) {
        return false;
    }
    killer = killer_new(victim);
    killer->has_permit = permits_try(victim->worker->process->permits, victim->server);
    killer->killing->victim = victim;
    victim->killers++;
    killer->killing->command = victim->client_commands;
    killer->killing->is_query = true;
    killer->killing->is_soft = is_soft;
    killer->killing->on_done = on_done;
    killer->killing->context = context;
    backend_connect(killer);
    return true;
}

/* Tells who waits, once. */
static void tell(struct backend *killer, const struct sql_error *error)
{
    struct killing *killing = killer->killing;
    kill_done *on_done = killing->on_done;

    killing->on_done = NULL;
    if (on_done != NULL) {
        on_done(killer->worker, killing->context, error);
    }
}

/* The KILL can hit nothing on the victim any more. */
static void let_go(struct backend *killer)
{
    struct backend *victim = killer->killing->victim;

    killer->killing->victim = NULL;
    if (victim == NULL) {
        return;
    }
    victim->killers--;
    if (!killer->killing->is_sent) {
        return;
    }
    if (--victim->kills_under_way == 0 && victim->session != NULL) {
        exchange_kills_over(victim->session);
    }
}

/* KILL needs no privilege: a user may end its own threads. */
static void send_kill(struct backend *killer)
{
    const struct killing *killing = killer->killing;
    uint8_t packet[64];
    char sql[48];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    snprintf(sql, sizeof sql, "KILL %s%s%u", killing->is_soft ? "SOFT " : "",
             killing->is_query ? "QUERY " : "", killing->thread_id);
    query_begin(&out, killer->capabilities);
    write_bytes(&out, bytes_of_text(sql));
    write_packet_end(&out, at, 0);
    backend_expect(killer, STEP_KILL, COMMAND_QUERY, 1, NULL);
    stream_write_one(killer->stream, writer_bytes(&out));
}

void killer_logged_in(struct backend *killer)
{
    struct killing *killing = killer->killing;
    struct backend *victim = killing->victim;
    static const struct sql_error none;

    if (killing->is_query && (victim == NULL || victim->client_commands != killing->command ||
                              !backend_awaits(victim, STEP_CLIENT))) {
        backend_close(killer, "what it was to end has ended");
        tell(killer, &none);
        return;
    }
    if (victim != NULL) {
        victim->kills_under_way++;
    }
    killing->is_sent = true;
    send_kill(killer);
}

void killer_answered(struct backend *killer)
{
    log_info(log_number("backend", killer->id), "killed server=%s thread=%u answer=\"%s\"",
             backend_server(killer)->name, killer->killing->thread_id,
             killer->failure.code != 0 ? killer->failure.text : "OK");
    /* An error 1094 says that the connection is gone: there is nothing to end. */
    if (killer->failure.code == ERROR_NO_SUCH_THREAD) {
        killer->failure.code = 0;
    }
    backend_close(killer, "it has done its work");
    let_go(killer);
    tell(killer, &killer->failure);
}

void killer_gone(struct backend *killer)
{
    struct killing *killing = killer->killing;

    if (killing == NULL) {
        return;
    }
    if (killing->is_sent && killing->victim != NULL) {
        killing->victim->discard = true; /* it may have arrived, and hit later */
    }
    let_go(killer);
    if (killer->error.code == 0) {
        killer->error = error_make(ERROR_SERVER_LOST, "the connection for the KILL was closed");
    }
    tell(killer, &killer->error);
    mem_free(killing);
    killer->killing = NULL;
}

void killer_lost_victim(struct backend *victim)
{
    if (victim->killers == 0) {
        return;
    }
    for (struct backend *backend = victim->worker->pool->backends; backend != NULL;
         backend = backend->next_all) {
        if (backend->killing != NULL && backend->killing->victim == victim) {
            backend->killing->victim = NULL;
        }
    }
}
