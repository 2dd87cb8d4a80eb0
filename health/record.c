/*
 * A reference count around a few texts and the gauges.
 */
#include "health/record.h"

#include "health/arena.h"

#include <stdlib.h>
#include <string.h>

static char *copied(const char *text)
{
    return text ? health_text(text, strlen(text)) : NULL;
}

struct server_record *record_new(const struct health_server *server)
{
    struct server_record *record = health_alloc(1, sizeof(*record));

    atomic_init(&record->references, 1);
    record->name = copied(server->name);
    record->host = copied(server->host);
    record->port = server->port;
    record->unix_path = copied(server->unix_path);
    atomic_init(&record->proxy_protocol, server->proxy_protocol);
    atomic_init(&record->gauges.lag_ns, UINT64_MAX);
    return record;
}

struct server_record *record_ref(struct server_record *record)
{
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void record_unref(struct server_record *record)
{
    if (!record || atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) != 1)
        return;
    free(record->name);
    free(record->host);
    free(record->unix_path);
    free(record);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool record_is_of(const struct server_record *record, const struct health_server *server)
{
    return same_text(record->name, server->name) && same_text(record->host, server->host) &&
           record->port == server->port && same_text(record->unix_path, server->unix_path);
}
