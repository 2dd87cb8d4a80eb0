/*
 * What the files of the cluster share among themselves: cluster.c has the servers and the
 * judgements, cluster_horizon.c the history and what follows from it, snapshot.c the picture that
 * others get. Nobody else includes this.
 */
#ifndef HEALTH_CLUSTER_PARTS_H
#define HEALTH_CLUSTER_PARTS_H

#include "health/cluster.h"

static inline void set_gauge(_Atomic uint64_t *gauge, uint64_t value)
{
    atomic_store_explicit(gauge, value, memory_order_release);
}

static inline uint64_t gauge_of(const _Atomic uint64_t *gauge)
{
    return atomic_load_explicit(gauge, memory_order_relaxed);
}

/* Adds an event to the news. */
void cluster_tell(struct cluster *cluster, const char *subject, const char *what, const char *why);

/* Makes a new snapshot the current one. */
void cluster_publish(struct cluster *cluster);

/* Forgets how far this server is; answers of it that are still under way count no more. */
void cluster_void_horizon(struct cluster *cluster, struct cluster_server *server);

/* Forgets all samples and all horizons: from here on it is the present primary's history. */
void cluster_start_history(struct cluster *cluster);

/* What the primary answered, asked at `at`: a sample, and what it means for each replica. */
void cluster_add_sample(struct cluster *cluster, uint64_t at, const struct position *executed,
                        const struct position *logged);

/* A replica's horizon out of what it has applied; `looked`: that was read just now. */
void cluster_conclude_horizon(struct cluster *cluster, struct cluster_server *server, bool looked);

#endif
