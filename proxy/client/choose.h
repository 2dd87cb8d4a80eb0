/*
 * Which server a statement goes to: router/route.h says what kind of server and which floor, this
 * puts the servers as they are now beside it and lets router/balance.h pick.
 */
#ifndef TIDEMARK_PROXY_CLIENT_CHOOSE_H
#define TIDEMARK_PROXY_CLIENT_CHOOSE_H

#include "router/balance.h"
#include "router/route.h"

#include <stdbool.h>
#include <stddef.h>

struct session;
struct statement;

/* Routes the command in hand; the result is in command->route. */
void choose_route(struct session *session);

/* What a choice was made from. */
struct selection {
    struct candidate candidates[BALANCE_SERVERS]; /* by number */
    size_t count;
    struct balance_request request;
    uint64_t lagging; /* bit i: replica i is further behind than max_lag_ms */
    uint64_t full;    /* bit i: replica i has no connection to spare */
    bool behind;      /* replicas exist, but none has reached the floor yet */
    bool stays;       /* under `monotonic`: where it has read last it cannot go back in time */
};

/* Fills the selection in and answers the server, -1: none; there must be a topology. Changes
 * nothing but `balance`. choose_server does this, and asks the monitors where it has to. */
int choose_select(const struct session *session, struct balance_state *balance,
                  struct selection *selection);

/* The server for the command in hand, which is not bound to a held connection; -1: none now. Asks
 * the monitors for fresher horizons where a read had to go to the primary for want of one.
 * *behind: replicas exist, but none has reached the floor yet. */
int choose_server(struct session *session, bool *behind);

/* The floor of a read that came at `now`; 0: none. *consistency is the mode that says so. */
uint64_t choose_floor(const struct session *session, uint64_t now, enum consistency *consistency);

/* Why there is no server, for the client: one phrase. */
void choose_explain_none(const struct session *session, char *text, size_t size);

#endif
