/*
 * References to snapshots, and the one question that needs more than one of a snapshot's parts.
 * Snapshots are built in health/snapshot.c.
 */
#include "health/topology.h"

#include "health/record.h"

#include <stdlib.h>

struct topology *topology_ref(struct topology *topology)
{
    if (topology)
        atomic_fetch_add_explicit(&topology->references, 1, memory_order_relaxed);
    return topology;
}

void topology_unref(struct topology *topology)
{
    if (!topology || atomic_fetch_sub_explicit(&topology->references, 1, memory_order_acq_rel) != 1)
        return;
    catalog_unref(topology->catalog);
    for (size_t i = 0; i < topology->count; i++) {
        const struct server_info *server = &topology->servers[i];
        if (!server->name)
            continue; /* an empty slot owns nothing */
        facts_unref(server->facts);
        free((void *)server->why_not);
        free((void *)server->trouble);
        record_unref(server->record);
    }
    free((void *)topology->why_no_primary);
    free(topology);
}

bool server_replicates(const struct topology *topology, const struct server_info *server,
                       struct bytes schema, struct bytes table)
{
    const struct server_facts *primary =
        topology->primary >= 0 ? topology->servers[topology->primary].facts : NULL;

    if (primary && !facts_replicates(primary, schema, table))
        return false;
    if (server->facts && !facts_replicates(server->facts, schema, table))
        return false;
    return catalog_find(topology->catalog, schema, table) != RELATION_UNREPLICATED;
}
