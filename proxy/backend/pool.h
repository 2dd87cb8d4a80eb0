/*
 * The pool of one worker: its server connections, lent out and taken back.
 *
 * Connections are shared within a group: same user, same capabilities that shape the protocol, and
 * alike in having a current schema, because a connection that has one cannot give it up. For each
 * server a group keeps a list of idle connections and a queue of leases for which a connection is
 * being opened. Permits (how many connections a server may have in all) are the process's, see
 * permits.h; so is the queue of those who found none.
 *
 *      pool_lease ──idle here──────────────────────────────▶ LEASE_READY, at once
 *          ├──a permit is free──▶ open, wait in `expecting` ─▶ on_ready | on_failed
 *          └──none──▶ make room, wait in the permits' queue ─▶ granted: as above, or a connection
 *
 * A connection that is older than a lease's session (pool_is_too_old) is not lent to it; one of an
 * older era than the present waits for sessions as old as it until its idle time is over.
 *
 * A lease ends in exactly one of: on_ready and then pool_give_back; on_failed; pool_cancel.
 */
#ifndef TIDEMARK_PROXY_BACKEND_POOL_H
#define TIDEMARK_PROXY_BACKEND_POOL_H

#include "protocol/error.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/permits.h"
#include "proxy/roster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct worker;
struct pool;

enum lease_state {
    LEASE_NONE,
    LEASE_EXPECTING, /* a connection is being opened for it */
    LEASE_QUEUED,    /* in the permits' queue */
    LEASE_HELD,      /* lease->backend is the session's */
};

/* A session's request for a connection, and what it holds; embedded in the session. */
struct lease {
    struct waiter waiter;          /* first: the permits hand waiters back */
    struct lease *next, *previous; /* in the pool's list of waiting leases, or expecting */
    enum lease_state state;
    struct group *group;
    unsigned server;
    const struct environment *wanted; /* borrower: the session's */
    struct backend *backend;          /* LEASE_HELD */
    uint64_t since_ns;
    int role;              /* enum server_role by which the server was chosen */
    unsigned era;          /* process.era at the session's login */
    uint64_t last_session; /* prefer a connection last used by this session id; 0: any */
};

/* What became of a lease that had to wait. Called from the loop, never from pool_lease. */
struct pool_events {
    void (*on_ready)(struct lease *lease);
    /* The lease is over; `server_failed`: the server could not be reached or refused the login. */
    void (*on_failed)(struct lease *lease, const struct sql_error *error, bool server_failed);
};

struct group_server {
    struct backend *idle; /* most recently used first */
    unsigned idle_count, opening, leased;
    uint64_t retry_ns;       /* not before: to open one only for min_idle */
    struct lease *expecting; /* oldest first */
    unsigned queued_count;   /* of the pool's waiting leases */
    bool was_seen;           /* false but during a survey */
};

struct group {
    struct group *next;
    uint64_t id; /* equal on all workers: user, capabilities, has_schema */
    bool has_schema;
    struct account *account; /* borrower */
    uint64_t capabilities;   /* to ask servers for */
    struct group_server servers[ROSTER_SERVERS];
};

struct pool_server {
    unsigned leased, idle, opening, closing; /* of all groups, this worker's */
};

struct pool {
    struct worker *worker;
    const struct pool_events *events;
    struct group *groups;
    unsigned server_count; /* numbers below this were or are in use */
    struct pool_server servers[ROSTER_SERVERS];
    struct lease *waiting;    /* QUEUED, oldest first */
    struct backend *backends; /* all, of every state */
    size_t backend_count;     /* of every state: the worker is not empty before they are gone */
    bool closed;
};

struct pool *pool_new(struct worker *worker, const struct pool_events *events);
void pool_free(struct pool *pool);

/* The worker has a new roster: connections to servers that are gone end, now or as they come back,
 * and those who wait for one look elsewhere. */
void pool_adopt_roster(struct pool *pool);

/* The group for a user, its client's capabilities, and whether it has
 * a current schema. Never NULL. */
struct group *pool_group(struct pool *pool, struct account *account, uint64_t capabilities,
                         bool has_schema);

/* Fills the lease in. True: LEASE_HELD at once; false: it waits. */
bool pool_lease(struct pool *pool, struct lease *lease, struct group *group, unsigned server,
                const struct environment *wanted);

/* The session does not want it any more; must not be held. */
void pool_cancel(struct pool *pool, struct lease *lease);

/* The session is done with the connection. Not `clean`: something of the session is left on it, and
 * it is reset before anybody else gets it. */
void pool_give_back(struct pool *pool, struct lease *lease, bool clean);

/* Was the connection opened before something changed that the lease's session has seen change? Then
 * it is not for that session. */
bool pool_is_too_old(const struct backend *backend, const struct lease *lease);
/* Has anything changed since it was opened? Then it serves only sessions that are as old. */
bool pool_is_of_an_older_era(const struct backend *backend);

/* Could a lease on this server be had without waiting for somebody else to give one back? */
bool pool_has_room(const struct pool *pool, const struct group *group, unsigned server);

/* From backends: ready for its first or next lease; neither lent nor idle any more, and only
 * waiting for the server's end; gone (`error`: why an opening failed). */
void pool_opened(struct backend *backend);
void pool_quitting(struct backend *backend);
void pool_closed(struct backend *backend, const struct sql_error *error);
/* An idle connection is about to be closed by itself. */
void pool_forget_idle(struct backend *backend);

/* The account's secret is another one since it was opened. */
bool pool_has_old_secret(const struct backend *backend);

/* For pool_time.c: opens a connection with a permit that is ours; closes an idle one. */
void pool_open_one(struct pool *pool, struct group *group, unsigned server);
void pool_discard_idle(struct pool *pool, struct backend *backend, const char *reason);

/* From the worker. */
void pool_collect(struct pool *pool); /* what the permits granted, and what was asked for */
void pool_tick(struct pool *pool, uint64_t now);
void pool_close(struct pool *pool); /* closes all idle connections, and others as they come back */

#endif
