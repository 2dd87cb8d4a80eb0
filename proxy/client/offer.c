/*
 * See offer.h. MariaDB's own capabilities are not in what the monitors know of a server, but its
 * version is, and tells as much.
 */
#include "proxy/client/offer.h"

#include "health/topology.h"
#include "protocol/capability.h"

#include <stddef.h>

static const uint64_t offered_always =
    CAPABILITIES_OFFERED & ~CAPABILITIES_MARIADB & ~CAPABILITY_QUERY_ATTRIBUTES;

enum { MYSQL_WITH_ATTRIBUTES = 80023 };

/* Since which version MariaDB has what. */
static const struct {
    unsigned version;
    uint64_t capability;
} since[] = {
    {100200, CAPABILITY_MARIADB_PROGRESS},
    {100200, CAPABILITY_MARIADB_BULK},
    {100502, CAPABILITY_MARIADB_EXTENDED_METADATA},
    {110501, CAPABILITY_MARIADB_BULK_RESULTS},
};

static uint64_t of_server(const struct server_facts *facts)
{
    uint64_t capabilities = 0;

    if (facts->flavor != FLAVOR_MARIADB) {
        return 0;
    }
    for (size_t i = 0; i < sizeof since / sizeof since[0]; i++) {
        if (facts->version_number >= since[i].version) {
            capabilities |= since[i].capability;
        }
    }
    return capabilities & CAPABILITIES_OFFERED;
}

/* What all servers have of MariaDB's; 0 as well while none was seen. */
static uint64_t of_all(const struct topology *topology)
{
    uint64_t capabilities = CAPABILITIES_MARIADB;

    for (size_t i = 0; topology != NULL && i < topology->count; i++) {
        if (topology->servers[i].facts != NULL) {
            capabilities &= of_server(topology->servers[i].facts);
        }
    }
    return capabilities == CAPABILITIES_MARIADB ? 0 : capabilities;
}

/* All servers that were seen are MySQLs with query attributes. */
static bool have_attributes(const struct topology *topology)
{
    bool have = false;

    for (size_t i = 0; topology != NULL && i < topology->count; i++) {
        const struct server_facts *facts = topology->servers[i].facts;

        if (facts == NULL) {
            continue;
        }
        if (facts->flavor != FLAVOR_MYSQL || facts->version_number < MYSQL_WITH_ATTRIBUTES) {
            return false;
        }
        have = true;
    }
    return have;
}

uint64_t offer_of(const struct topology *topology)
{
    uint64_t mariadb = of_all(topology);

    if (have_attributes(topology)) {
        return offered_always | CAPABILITY_QUERY_ATTRIBUTES;
    }
    /* MariaDB's half is read only where the sender does not call itself a MySQL. */
    return mariadb == 0 ? offered_always : (offered_always & ~CAPABILITY_MYSQL) | mariadb;
}
