/*
 * Ending what runs on a server connection: a connection of its own, by the same user, sends a KILL.
 *
 *     victim      the connection on which it runs
 *     killer      a connection opened for this only, with `killing` set; it is never lent
 *
 * KILL names a connection, not a command: one that arrives late would hit whatever runs there next.
 * So it is sent only while the victim still runs the command that was meant, and from then until it
 * is answered (`struct backend.kills_under_way`) nothing else is sent on the victim: a session that
 * keeps it waits, and one that gives it back has it closed.
 */
#ifndef TIDEMARK_PROXY_BACKEND_KILLER_H
#define TIDEMARK_PROXY_BACKEND_KILLER_H

#include "protocol/error.h"

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct worker;

/* `error`: why it could not be done, code 0: it was, or there was nothing to end any more. */
typedef void kill_done(struct worker *worker, void *context, const struct sql_error *error);

struct killing {
    struct backend *victim; /* borrower; NULL: it is gone, or is being closed anyway */
    uint32_t thread_id;     /* the victim's */
    uint64_t command;       /* KILL QUERY: which of the victim's commands is meant */
    bool is_query, is_soft, is_sent;
    kill_done *on_done; /* NULL: nobody waits for it, or was told */
    void *context;
};

/* KILL [SOFT] QUERY of the client's command that runs on this connection. The killer takes a permit
 * if one is free, and goes without one otherwise: who wants to end what fills a server must not
 * wait for it. `on_done` is called once, never from here. False: the worker is ending. */
bool backend_kill_query(struct backend *victim, bool is_soft, kill_done *on_done, void *context);

/* For backend.c. A connection that is_killed has been closed: its killer is opened only now, so
 * that there is never one connection too many, and gets its permit. */
void killer_follow(struct backend *victim);

/* The killer is logged in; its KILL was answered; a connection is gone for good. */
void killer_logged_in(struct backend *killer);
void killer_answered(struct backend *killer);
void killer_gone(struct backend *killer);
void killer_lost_victim(struct backend *victim);

#endif
