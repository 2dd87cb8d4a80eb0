/*
 * Readiness: may a load balancer send clients here? One answer for /readyz and the figure
 * tidemark_ready, with a sentence that says why not.
 */
#ifndef TIDEMARK_PROXY_READINESS_H
#define TIDEMARK_PROXY_READINESS_H

#include "proxy/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct topology;

struct readiness {
    bool is_ready;
    char why[512]; /* one sentence, also when ready */
};

/*
 * Ready is who can serve writes (a usable primary), or with CONFIG_READY_READS reads: a usable
 * primary, or a usable replica within max_lag_ms (0: no limit). `topology` may be NULL: nothing is
 * known yet. Never while draining.
 */
struct readiness readiness_of(const struct topology *topology, enum config_ready wanted,
                              unsigned max_lag_ms, bool is_draining);

#endif
