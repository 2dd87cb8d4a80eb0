/*
 * All that is known of all servers at this moment, and what follows from each new piece of it. The
 * monitors bring looks, samples and finished waits; out of these come roles, horizons, grants and
 * snapshots. There are no threads and no I/O in here: the caller holds a lock and brings the time,
 * so a whole failover can be played in a test.
 *
 *      look --> verdict --> judge --> roles changed? --> grants withdrawn, rings emptied
 *                                 \-> of the primary: sample --+
 *                                  -> of a replica: applied ---+--> horizons
 */
#ifndef HEALTH_CLUSTER_H
#define HEALTH_CLUSTER_H

#include "health/health.h"
#include "health/horizon.h"
#include "health/record.h"
#include "health/topology.h"
#include "health/verdict.h"
#include "health/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLUSTER_NEWS_MAX = 32, CLUSTER_NEWS_SUBJECT = 96, CLUSTER_NEWS_TEXT = 256 };

struct cluster_event {
    char subject[CLUSTER_NEWS_SUBJECT]; /* a server's name, or "cluster" */
    const char *what;                   /* a constant */
    char why[CLUSTER_NEWS_TEXT];
};

/* What changed since it was last taken. */
struct cluster_news {
    bool changed; /* a new snapshot is there */
    bool rose;    /* some replica's horizon rose */
    size_t count;
    struct cluster_event events[CLUSTER_NEWS_MAX];
};

struct cluster_server {
    struct server_record *record; /* shared ref */
    enum configured_role configured;
    unsigned weight;
    unsigned max_connections;
    struct damping verdict;
    enum server_state state;
    uint64_t since; /* ns: when judgement.state began */
    bool draining;
    bool diverged;
    bool was_looked_at; /* well or not */
    bool was_seen;      /* `look` holds the last good look */
    struct look look;
    char trouble[LOOK_WHY_MAX + 1]; /* why the last look failed, "" when it did not */
    uint64_t life;                  /* another one: earlier answers of this server are void */
    struct judgement judgement;
    struct server_facts *facts; /* shared ref */
};

struct cluster {
    uint64_t now; /* ns: the moment of what is being told; set by the caller */
    uint64_t poll_ns;
    size_t count;                                   /* the highest number in use, plus 1 */
    struct cluster_server *servers[HEALTH_SERVERS]; /* owner; NULL: an empty slot */
    uint64_t lives;                                 /* counts the lives of all servers */
    int primary;                                    /* number, -1: none */
    int incumbent; /* the last primary, -1: there never was one, or it was removed */
    char why_no_primary[LOOK_WHY_MAX + 1];
    char said_no_primary[LOOK_WHY_MAX +
                         1]; /* the last event about it; "": none since there was one */
    uint64_t epoch;
    struct horizon_ring by_gtid; /* one history, seen as GTIDs and as log places */
    struct horizon_ring by_place;
    struct catalog *catalog;   /* shared ref */
    struct topology *topology; /* shared ref: the current snapshot */
    bool is_stale;             /* something has changed that `topology` shows otherwise */
    uint64_t generation;
    struct cluster_news news;
};

/* Starts with the servers in the options. */
void cluster_init(struct cluster *cluster, const struct health_options *options);
void cluster_dispose(struct cluster *cluster);

/*
 * Puts a server in: a new one in an empty slot, or other settings for the one that is there. False,
 * and nothing has changed: no such number, or the slot is another server's.
 */
bool cluster_put(struct cluster *cluster, size_t number, const struct health_server *server);

/*
 * Empties a slot. All that was known of the server is void, also in older snapshots; and with the
 * primary or the incumbent go all horizons, samples and the catalog.
 */
void cluster_remove(struct cluster *cluster, size_t number);

/* Another pace of looks, and thereby another time for which a grant lasts. */
void cluster_set_poll(struct cluster *cluster, uint64_t poll_ns);

/* Hands the news over and forgets them. */
struct cluster_news cluster_take_news(struct cluster *cluster);

/* In all of the following `server` is the number of a server that is there. */

/* A look at a server, good or not; its content is moved in and *look left empty. */
void cluster_take_look(struct cluster *cluster, size_t server, struct look *look);

/*
 * A sample of the primary between looks; positions that were not asked for are empty. Ignored when
 * `epoch` is no longer the cluster's.
 */
void cluster_take_sample(struct cluster *cluster, uint64_t epoch, uint64_t at,
                         const struct position *executed, const struct position *logged);

/* Something to wait for on a replica: the newest sample that it is not known to have applied. */
struct cluster_job {
    uint64_t at;
    uint64_t epoch;
    uint64_t life;
    struct position position; /* owner: the caller */
};

/* Fills in a job when this server is a usable replica whose horizon is below `wanted`. */
bool cluster_job_for(const struct cluster *cluster, size_t server, uint64_t wanted,
                     struct cluster_job *job);

/* The wait returned: this replica has applied job->position. Ignored if void by now. */
void cluster_reached(struct cluster *cluster, size_t server, const struct cluster_job *job);

/* Which positions of the primary are worth sampling, given the replicas there are. */
bool cluster_needs_gtid(const struct cluster *cluster);
bool cluster_needs_place(const struct cluster *cluster);

/* The newest moment sampled in every kind that is needed; 0: none. */
uint64_t cluster_sampled(const struct cluster *cluster);

/* Fills in who the primary is, as its last look told; false: this server is not the primary, or
 * that look was not good. */
bool cluster_knows_primary(const struct cluster *cluster, size_t server, struct thread_answer *who);

void cluster_suspect(struct cluster *cluster, size_t server);
void cluster_drain(struct cluster *cluster, size_t server, bool draining);
void cluster_set_facts(struct cluster *cluster, size_t server, struct server_facts *facts);
void cluster_set_catalog(struct cluster *cluster, struct catalog *catalog);

#endif
