/*
 * What outlives a server's removal: its names and its gauges, which snapshots point to. Shared by
 * the slot that the server is in, its two threads, and every snapshot that shows it; so whoever
 * holds one of these may read the gauges, and after a removal reads "nothing is known".
 */
#ifndef HEALTH_RECORD_H
#define HEALTH_RECORD_H

#include "health/health.h"
#include "health/topology.h"

#include <stdatomic.h>
#include <stdbool.h>

struct server_record {
    atomic_uint references;
    char *name;
    char *host; /* NULL with unix_path */
    unsigned port;
    char *unix_path;
    atomic_uint proxy_protocol; /* may change while its threads connect */
    struct server_gauges gauges;
};

/* A copy of the names, with gauges that know nothing, and one reference. */
struct server_record *record_new(const struct health_server *server);
struct server_record *record_ref(struct server_record *record);
void record_unref(struct server_record *record); /* NULL is fine */

/* True when this is the same server: name and address. */
bool record_is_of(const struct server_record *record, const struct health_server *server);

#endif
