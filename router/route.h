/*
 * Route: one statement, what the session is in, and the policy give a kind of target and a floor.
 * The balancer then picks among the servers. Moments are CLOCK_MONOTONIC nanoseconds; a floor is
 * the oldest horizon that may serve the read.
 */
#ifndef TIDEMARK_ROUTER_ROUTE_H
#define TIDEMARK_ROUTER_ROUTE_H

#include "router/statement.h"

enum consistency {
    CONSISTENCY_EVENTUAL,
    CONSISTENCY_BOUNDED,
    CONSISTENCY_SESSION,
    CONSISTENCY_MONOTONIC,
    CONSISTENCY_STRONG
};

/* "eventual", ... */
const char *consistency_name(enum consistency consistency);

enum session_transaction {
    SESSION_TRANSACTION_NONE,
    SESSION_TRANSACTION_READ_WRITE, /* also one begun implicitly under autocommit=0 */
    SESSION_TRANSACTION_READ_ONLY   /* explicit START TRANSACTION READ ONLY, not yet ended */
};

enum pinned_to { PINNED_TO_NONE, PINNED_TO_PRIMARY, PINNED_TO_REPLICA };

/* What of a session matters to routing. All moments start at 0 ("never"). */
struct session_view {
    enum session_transaction transaction;
    bool autocommit;
    unsigned pins;            /* enum pin; not 0: the session holds a connection */
    enum pinned_to pinned_to; /* the kind of server that connection is on */
    uint64_t last_write;      /* the scope's floor: when its last write's answer ended */
    uint64_t last_read;       /* when the last packet of its last read on another server arrived */
    bool write_outcome_unknown; /* a write's connection was lost and may still commit */
    bool log_off;               /* sql_log_bin=0 was seen: the session stays on the primary */
    bool system_schema; /* current schema is mysql, sys, information_schema, performance_schema */
    bool tables_unsafe; /* the caller found a named table that is filtered, MEMORY, or not listed */
    bool tables_program; /* ... or a view (or a table with triggers) that runs a stored program */
};

struct policy {
    enum consistency consistency;
    uint64_t max_staleness_ns; /* bounded */
    bool trust_programs;
};

enum target {
    TARGET_PRIMARY,
    TARGET_REPLICA, /* a replica whose horizon has reached the floor, else the primary */
    TARGET_SESSION  /* wherever the session is; a session that is nowhere goes to the primary */
};

/* "primary", "replica", "session". */
const char *target_name(enum target target);

struct route {
    enum target target;
    uint64_t floor;  /* TARGET_REPLICA: the oldest horizon allowed */
    unsigned pins;   /* what the statement pins under this policy (trust_programs applied) */
    const char *why; /* static text */
};

/* The floor of a read that came now; 0: none. */
uint64_t route_floor(const struct session_view *session, const struct policy *policy, uint64_t now);

/* now is read by the caller, fresh. */
struct route route(const struct statement *statement, const struct session_view *session,
                   const struct policy *policy, uint64_t now);

#endif
