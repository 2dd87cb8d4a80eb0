/*
 * Judgements, as pure functions over what the monitors saw: is a server up, which role has it, and
 * may it be used? No clocks, no I/O: a whole outage can be replayed in a unit test.
 *
 * One server, from a row of looks (damped, so that one lost packet is not an outage and a server
 * that comes and goes does not take the sessions with it):
 *
 *      up --look timed out--> suspect --a second time, or refused--> down --good look(s)--> up
 *
 *      A server that went down often within a minute needs 2, 4, 8 good looks in a row to return.
 *
 * All servers together, from each one's latest look: who is the primary, who replicates from it.
 */
#ifndef HEALTH_VERDICT_H
#define HEALTH_VERDICT_H

#include "health/position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum server_role { ROLE_UNKNOWN, ROLE_PRIMARY, ROLE_REPLICA };

/* What the configuration says: `role = auto | primary | replica`. */
enum configured_role { CONFIGURED_AUTO, CONFIGURED_PRIMARY, CONFIGURED_REPLICA };

enum server_state { STATE_UP, STATE_SUSPECT, STATE_DOWN, STATE_DRAINING, STATE_DIVERGED };

/* The words of the servers table. */
const char *server_role_name(enum server_role role);
const char *configured_role_name(enum configured_role role);
const char *server_state_name(enum server_state state);

enum {
    LOOK_UUID_MAX = 36,
    LOOK_HOST_MAX = 255,
    LOOK_SOURCES_MAX = 8, /* replication channels looked at per server */
    LOOK_WHY_MAX = 200,
};

enum look_result {
    LOOK_GOOD,
    LOOK_TIMED_OUT, /* no answer in time: may be the network, or load */
    LOOK_REFUSED,   /* nobody listens, connection broken, login refused: certain */
};

/* One source that a server replicates from (one row of SHOW REPLICA STATUS). */
struct source {
    char uuid[LOOK_UUID_MAX + 1]; /* "" when unknown (MariaDB, or never connected) */
    uint64_t id;                  /* server id, 0 when unknown */
    char host[LOOK_HOST_MAX + 1];
    unsigned port;
    bool io_running; /* connecting counts as running */
    bool sql_running;
    bool uses_gtid; /* the position below is a GTID position */
    bool lost;      /* the source no longer has what this replica needs (error 1236 or 13114) */
    struct position applied;  /* of this channel; owner */
    struct position received; /* empty when unknown; owner */
};

/* What one look at one server brought. */
struct look {
    enum look_result result;
    uint64_t at;                /* ns: taken before the first query was written */
    uint64_t done_at;           /* ns: taken after the last answer was read */
    char why[LOOK_WHY_MAX + 1]; /* when not good, in the server's or system's words */
    char uuid[LOOK_UUID_MAX + 1];
    uint64_t id;
    uint64_t started_s;     /* CLOCK_MONOTONIC seconds when the server started, +/- 2 */
    uint64_t connection_id; /* of the monitor's own connection: starts anew with the server */
    bool read_only;
    bool in_quorum;     /* true where the question does not arise */
    bool sources_known; /* false: the monitor's account may not see replication */
    size_t source_count;
    struct source sources[LOOK_SOURCES_MAX];
    struct position executed; /* GTID position as a primary; empty when it has none; owner */
    struct position logged;   /* file and offset as a primary; empty when not asked; owner */
};

void look_dispose(struct look *look);

/* A number for the server that was looked at, the same over its restarts: of its UUID, or where it
 * has none (MariaDB) of its server id. Never 0. */
uint64_t look_identity(const struct look *look);

/* True when the two looks are at different lives or different servers: horizons are void. */
bool look_is_another_life(const struct look *before, const struct look *after);

/* Damping. All zero is the beginning: down, never seen. */
struct damping {
    bool up;             /* up or suspect */
    unsigned failures;   /* looks failed in a row */
    unsigned successes;  /* good looks in a row while down */
    unsigned needed;     /* good looks needed to come up again */
    uint64_t down_at[4]; /* ns: the last times it went down, newest first */
};

/* Takes one look's result in; returns the state: STATE_UP, STATE_SUSPECT or STATE_DOWN. */
enum server_state verdict_after(struct damping *verdict, enum look_result result, uint64_t at);

/* What the judgement over all servers needs to know of one. */
struct member {
    const char *name; /* borrowed */
    const char *host; /* borrowed; NULL for a unix socket */
    unsigned port;
    enum configured_role configured;
    enum server_state state; /* STATE_UP, STATE_SUSPECT, STATE_DOWN */
    bool draining;           /* somebody asked to */
    bool diverged;           /* see position_has_diverged() */
    const struct look *look; /* the last good look; NULL: none yet. Borrowed */
    const char *trouble;     /* why the last look failed; NULL: it did not. Borrowed */
};

struct judgement {
    enum server_role role;
    enum server_state state;
    bool usable; /* a suspect primary is (its grant expires by itself), a suspect replica is not */
    int source;  /* index in look->sources that leads to the primary; -1 */
    char why_not[LOOK_WHY_MAX + 1]; /* "" when usable */
};

/*
 * Judges all members. `incumbent` is the index of the last primary, -1 if there never was one. It
 * stays primary while it is writable and up, whoever else is writable; with it gone (down, or no
 * longer writable) the one other writable server takes over; when several could, there is none and
 * `why` says so. A writable server that still replicates, or has not applied all it received, is no
 * candidate. While there is no primary, replicas of the incumbent (or, before the first one, of any
 * configured server) stay replicas. Returns the primary's index or -1. `out` has `count` elements;
 * `why` (may be NULL) gets a sentence when there is no primary, else "".
 */
int judge(const struct member *members, size_t count, int incumbent, struct judgement *out,
          char why[LOOK_WHY_MAX + 1]);

#endif
