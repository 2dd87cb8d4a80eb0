/*
 * The health part as the program sees it: start it with a list of servers, put in and remove others
 * as it runs, and there is always a snapshot that says what is true of them. Two threads per
 * server, blocking on purpose: one looks (every poll_ms, and samples the primary when a session is
 * pinned), one waits (on a replica, for the moment a sampled position is applied).
 *
 *      worker: a read had to use the primary      health_want(floor)
 *        -> primary's monitor samples (t, P)      one query, at most one per sample_min_ms
 *        -> each lagging replica's waiter         one query that returns when P is applied
 *        -> horizon = t is visible to all workers, on_caught_up() is called
 *
 * When nobody wants anything, nothing is sent beyond the look each poll_ms.
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include "health/security.h"
#include "health/topology.h"
#include "health/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health_server {
    const char *name;
    const char *host; /* NULL with unix_path */
    unsigned port;
    const char *unix_path;
    enum configured_role role;
    unsigned weight;
    unsigned max_connections;
    unsigned proxy_protocol; /* version of the PROXY header it is sent first; 0: none */
};

/*
 * Everything is copied by health_start(). Callbacks may be NULL; they are called from monitor
 * threads, without locks held, and must not block (uv_async_send and logging are fine). The first
 * may come before health_start() has returned. They may call every function below except
 * health_stop().
 */
struct health_options {
    const struct health_server *servers; /* numbers 0 .. server_count - 1 */
    size_t server_count;                 /* at most HEALTH_SERVERS */
    const char *user;
    const char *password; /* never logged; "" for none */
    struct health_security security;
    unsigned poll_ms;           /* 0: 1000 */
    unsigned sample_min_ms;     /* 0: 10 */
    const char *const *tracked; /* variable names for session_track_system_variables, NULL-ended */
    void *context;              /* handed to the callbacks */
    void (*on_change)(void *context);    /* health_topology() has a new snapshot */
    void (*on_caught_up)(void *context); /* some replica's horizon rose while wanted */
    void (*on_event)(void *context, const char *subject, const char *what, const char *why);
};

/* Starts the threads; the first snapshot is there at once, with nothing known. NULL when a thread
 * cannot be started. */
struct health *health_start(const struct health_options *options);

/* Ends all threads and frees everything except snapshots still referenced, which stay readable.
 * Takes about a second at most, also when a server hangs; with a poll_ms above 1000 up to poll_ms
 * or three seconds, when a thread is connecting to a server that hangs. */
void health_stop(struct health *health);

/*
 * Puts a server in, while the program runs: in an empty slot a new one, of which nothing is known
 * yet; where the same server (name and address) is already, its role, weight, max_connections
 * and proxy_protocol are changed, and it is judged by them at once. The next snapshot shows it.
 * False, and nothing has changed: the number is too high, the slot is another server's (remove that
 * first), or a thread cannot be started.
 */
bool health_put(struct health *health, size_t number, const struct health_server *server);

/*
 * Takes a server out: the next snapshot shows an empty slot, and nothing that was known of the
 * server is believed any more, also not by who still holds an older snapshot. With the primary (the
 * last one too, while it is down) go the catalog and all horizons. Does not wait for the server's
 * threads, which end by themselves, a hanging server's a little later; the slot can be used again
 * at once. An empty slot stays one.
 */
void health_remove(struct health *health, size_t number);

/*
 * Other credentials, security and paces, as in health_options. When the first two are others,
 * monitors log in again with them; every server is looked at at once. So credentials that servers
 * refuse take these servers down within moments: try them first.
 */
void health_tune(struct health *health, const char *user, const char *password,
                 const struct health_security *security, unsigned poll_ms, unsigned sample_min_ms);

/* The current snapshot, with a reference for the caller. */
struct topology *health_topology(struct health *health);

/*
 * A read with this floor (ns) had to use the primary, or waits. Lock-free and cheap: call it for
 * every such read. Interest fades by itself about a second after the last call.
 */
void health_want(struct health *health, uint64_t floor_ns);

/* The data path lost a connection to, or could not connect to, this server: its horizon is void
 * until it has been looked at again, which happens at once. Nothing for an empty slot. */
void health_suspect(struct health *health, size_t server);

/* A name was not in the catalog, or a statement may have changed it: list again soon. Coalesced. */
void health_relist(struct health *health);

/*
 * A connection to this server was lost while something was on its way that may still commit: finds
 * out when the server's thread is gone, which thread_watch_gone() then tells. Asked is only while
 * the server is the primary, for only then does its answer speak for the cluster's data; so it may
 * never be told, and is not after the server was removed. `wanted` says which thread (identity,
 * opened_ns, thread_id). Owner of the reference: the caller, who lets go of it before health_stop()
 * or after. NULL: too many already, or no such server.
 */
struct thread_watch *health_watch_thread(struct health *health, size_t server,
                                         const struct thread_watch *wanted);

/* DRAIN SERVER and ENABLE SERVER. Holds until it is said otherwise or the server is removed. */
void health_drain(struct health *health, size_t server, bool draining);

#endif
