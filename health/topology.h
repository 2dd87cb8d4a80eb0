/*
 * What is true of the servers, as workers see it: an immutable, reference-counted snapshot,
 * replaced as a whole when a role, a state or a fact changes, or a server is put in or removed.
 * What moves at every look (horizon, latency) is in atomics beside it, which live as long as any
 * snapshot that shows the server.
 *
 * A server is known by its number, which stays the same for as long as it is configured. A number
 * without a server is an empty slot: its name is NULL, it is never usable, and everything else in
 * it is harmless to read. Later it may be another server's.
 */
#ifndef HEALTH_TOPOLOGY_H
#define HEALTH_TOPOLOGY_H

#include "health/facts.h"
#include "health/verdict.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Written by monitors only, read by anyone. Moments are CLOCK_MONOTONIC ns; 0: none. */
struct server_gauges {
    _Atomic uint64_t horizon_ns;       /* of a replica; of the primary: its newest sample */
    _Atomic uint64_t granted_until_ns; /* the primary's horizon is "now" until then */
    /* Newest sample minus horizon, at the last look; UINT64_MAX: unknown. This, not the age of the
     * horizon, is what a limit on lag compares: it does not grow while nobody looks. */
    _Atomic uint64_t lag_ns;
    _Atomic uint64_t latency_us; /* round trip of the monitor's query, smoothed */
    _Atomic uint64_t looked_ns;  /* the last good look */
    _Atomic uint64_t identity;   /* a number for the server's UUID or id, as seen; 0: not yet */
    _Atomic uint64_t queries;    /* sent by monitors to this server */
    _Atomic uint64_t looks;      /* good or not */
    _Atomic uint64_t errors;     /* looks that failed */
};

enum { HEALTH_SERVERS = 64 }; /* numbers are 0 .. 63 */

struct server_record;

struct server_info {
    const char *name; /* NULL: an empty slot */
    const char *host; /* NULL for a unix socket */
    unsigned port;
    const char *unix_path; /* NULL for TCP */
    enum configured_role configured;
    enum server_role role;   /* as seen */
    enum server_state state; /* "down" in an empty slot */
    uint64_t since_ns;       /* CLOCK_MONOTONIC: since when that state holds */
    bool usable;             /* may serve what its role allows */
    const char *why_not;     /* "" when usable */
    const char *trouble;     /* why its last look failed; "": it did not, or there was none */
    unsigned weight;
    unsigned max_connections;
    struct server_facts *facts; /* NULL until the first good look; borrowed from the snapshot */
    const struct server_gauges *gauges; /* never NULL; borrowed from the snapshot */
    struct server_record *record;       /* holds names and gauges; shared ref */
};

struct topology {
    atomic_uint references;
    uint64_t generation;        /* counts up */
    int primary;                /* index, -1: none */
    const char *why_no_primary; /* "" when there is one */
    struct catalog *catalog;    /* NULL until listed */
    size_t count;               /* the highest number in use, plus 1 */
    /* By number. Snapshots of the health part have all HEALTH_SERVERS of them, so that a number
     * whose server is gone can still be looked up; those from `count` on are empty. */
    struct server_info servers[];
};

struct topology *topology_ref(struct topology *topology);
void topology_unref(struct topology *topology);

/*
 * A server's horizon: for the primary `now` while that is granted, else 0; for a replica the moment
 * up to which it has everything, 0 when unknown; for anyone else 0.
 */
static inline uint64_t server_horizon(const struct server_info *server, uint64_t now)
{
    switch (server->role) {
    case ROLE_PRIMARY:
        return now < atomic_load_explicit(&server->gauges->granted_until_ns, memory_order_acquire)
                   ? now
                   : 0;
    case ROLE_REPLICA:
        return atomic_load_explicit(&server->gauges->horizon_ns, memory_order_acquire);
    case ROLE_UNKNOWN:
        break;
    }
    return 0;
}

/*
 * True when reads of this table may be served by this replica as far as filters (its own and the
 * primary's) and storage engines go. RELATION_UNKNOWN and program views are the caller's to judge.
 */
bool server_replicates(const struct topology *topology, const struct server_info *server,
                       struct bytes schema, struct bytes table);

#endif
