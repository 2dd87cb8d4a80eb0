/*
 * What the monitor threads ask of a server, apart from how it is asked: the real probes speak to
 * servers through libmysqlclient, a test's probes make up the answers. Each thread has a probe of
 * its own; every call blocks for a bounded time and is cut short by the target's wake descriptor.
 */
#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H

#include "health/facts.h"
#include "health/link.h"
#include "health/position.h"
#include "health/verdict.h"

#include <stdbool.h>

enum wait_result {
    WAIT_REACHED,
    WAIT_NOT_YET, /* the time is over */
    WAIT_FAILED,  /* the server cannot wait (its applier is stopped), or cannot be asked */
};

struct probe;

struct probe_ops {
    /* Makes a probe, not connected yet. `server` is the index in health_options.servers. */
    struct probe *(*open)(const struct link_target *target, size_t server);
    void (*close)(struct probe *probe);

    /* Takes a look (connecting if need be). All of *out is set, times included. *is_new tells that
     * this was the first look over a new connection. */
    void (*look)(struct probe *probe, struct look *out, bool *is_new);

    /* Asks the primary where it is; what is not wanted, or not to be had, stays empty. False: the
     * connection is gone. */
    bool (*sample)(struct probe *probe, bool gtid, bool place, struct position *executed,
                   struct position *logged);

    /* Waits on a replica until it has applied `position` (connecting if need be). */
    enum wait_result (*wait)(struct probe *probe, const struct position *position,
                             unsigned timeout_ms);

    /* Looks threads up in the process list: listed[i] tells whether ids[i] is in it, *sees_all
     * whether the account is shown everybody's. False: the server could not be asked. */
    bool (*threads)(struct probe *probe, const uint32_t *ids, size_t count, bool *listed,
                    bool *sees_all);

    /* NULL when they cannot be read now. Owner of the reference: the caller. */
    struct server_facts *(*facts)(struct probe *probe, const char *const *tracked);
    struct catalog *(*catalog)(struct probe *probe);
};

extern const struct probe_ops real_probe_ops;

/* The parts of the real probe, one file each. */
enum link_result look_over(struct link *link, unsigned timeout_ms, struct look *out);
enum link_result sample_over(struct link *link, unsigned timeout_ms, bool gtid, bool place,
                             struct position *executed, struct position *logged);
enum wait_result wait_over(struct link *link, const struct position *position, unsigned timeout_ms);
/* listed[] is all false before; those that are listed are set. */
enum link_result threads_over(struct link *link, unsigned timeout_ms, const uint32_t *ids,
                              size_t count, bool *listed, bool *sees_all);
struct server_facts *facts_over(struct link *link, unsigned timeout_ms, const char *const *tracked);
struct catalog *catalog_over(struct link *link, unsigned timeout_ms);

#endif
