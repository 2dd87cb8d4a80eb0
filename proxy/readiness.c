/*
 * Readiness. See readiness.h.
 */
#include "proxy/readiness.h"

#include "health/topology.h"

#include <stdio.h>

static bool has_usable_primary(const struct topology *topology)
{
    return topology->primary >= 0 && topology->servers[topology->primary].usable;
}

/* As the data path judges: the lag at the last look counts, and one that is not known passes only
 * where there is no limit. */
static bool is_useful_replica(const struct server_info *server, unsigned max_lag_ms)
{
    uint64_t lag;

    if (!server->usable || server->role != ROLE_REPLICA) {
        return false;
    }
    lag = atomic_load_explicit(&server->gauges->lag_ns, memory_order_relaxed);
    return max_lag_ms == 0 || lag <= (uint64_t)max_lag_ms * 1000000;
}

static const struct server_info *useful_replica(const struct topology *topology,
                                                unsigned max_lag_ms)
{
    for (size_t i = 0; i < topology->count; i++) {
        if (is_useful_replica(&topology->servers[i], max_lag_ms)) {
            return &topology->servers[i];
        }
    }
    return NULL;
}

static void say_why_no_primary(struct readiness *readiness, const struct topology *topology)
{
    if (topology->primary < 0) {
        snprintf(readiness->why, sizeof readiness->why, "no primary: %s", topology->why_no_primary);
    } else {
        snprintf(readiness->why, sizeof readiness->why, "the primary %s is not usable: %s",
                 topology->servers[topology->primary].name,
                 topology->servers[topology->primary].why_not);
    }
}

struct readiness readiness_of(const struct topology *topology, enum config_ready wanted,
                              unsigned max_lag_ms, bool is_draining)
{
    struct readiness readiness = {.is_ready = false};
    const struct server_info *replica = NULL;

    if (is_draining) {
        snprintf(readiness.why, sizeof readiness.why, "ending: no new clients are accepted");
        return readiness;
    }
    if (topology == NULL) {
        snprintf(readiness.why, sizeof readiness.why, "nothing is known of the servers yet");
        return readiness;
    }
    if (has_usable_primary(topology)) {
        readiness.is_ready = true;
        snprintf(readiness.why, sizeof readiness.why, "the primary is %s",
                 topology->servers[topology->primary].name);
        return readiness;
    }
    say_why_no_primary(&readiness, topology);
    if (wanted == CONFIG_READY_READS) {
        replica = useful_replica(topology, max_lag_ms);
    }
    if (replica != NULL) {
        readiness.is_ready = true;
        snprintf(readiness.why, sizeof readiness.why, "no primary, but reads are served: %s",
                 replica->name);
    }
    return readiness;
}
