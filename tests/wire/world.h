/*
 * A whole proxy without sockets, threads and time: real workers, a configuration, permits, and a
 * topology that the test writes by hand; servers and clients are scripted (server.h, client.h).
 *
 *     struct world *world = world_new(1, "TIDEMARK_POOL_MIN_IDLE=0", NULL);
 *     struct client *client = client_log_in(world, "app", "shop");
 *     client_query(client, "SELECT 1");
 *     connection = world_expect(world, "QUERY SELECT 1");       on whatever server
 *     answer_row(connection, "1");
 *     client_expect(client, "rows 1");
 *     world_end(world);                                         asserts that nothing is left
 *
 * The clock stands still unless a test moves it, or lets every event move it a little.
 */
#ifndef TIDEMARK_TESTS_WIRE_WORLD_H
#define TIDEMARK_TESTS_WIRE_WORLD_H

#include "memory_stream.h"

#include "health/topology.h"
#include "health/watch.h"
#include "proxy/config/config.h"
#include "proxy/process.h"
#include "proxy/worker.h"

/* Before cmocka.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { WORLD_SERVERS = 3, WORLD_WORKERS_MAX = 4 };
enum { PRIMARY, REPLICA_1, REPLICA_2 }; /* the servers' numbers; "db1", "db2", "db3" */

struct client;
struct connection;
struct server;

struct world {
    uint64_t now;
    uint64_t event_ns; /* how far every event moves the clock */
    struct network network;
    struct process process;
    struct config *config;
    struct registry *registry; /* owner */
    struct roster *roster;     /* shared reference */
    struct tls *tls;           /* owner; NULL: neither side has TLS */
    struct worker workers[WORLD_WORKERS_MAX];
    bool wakes[WORLD_WORKERS_MAX]; /* who is to be woken */
    bool disposed[WORLD_WORKERS_MAX];
    unsigned worker_count;
    bool moves_connections; /* false: the transport cannot, and they are opened anew */

    struct server_info servers[WORLD_SERVERS]; /* for the next snapshot; see world_publish */
    int primary;
    struct server_gauges gauges[WORLD_SERVERS];
    struct server_facts facts;
    struct catalog catalog;
    struct topology *topology; /* shared reference */

    struct server *scripts; /* owner: the scripted servers */
    struct client *clients; /* owner: list of all */
    uint64_t generation;

    uint64_t wanted_floor; /* of the last call */
    unsigned wants, relists;
    unsigned suspects[WORLD_SERVERS];
    struct watch_list watches[WORLD_SERVERS]; /* threads of lost writes; see world_thread_gone */
    bool watches_nothing;
    char log_path[64];
};

/* `workers` workers; then environment settings such as "TIDEMARK_POOL_MIN_IDLE=0", up to NULL.
 * Three servers that are up, the first of them the primary. min_idle is 0 unless given. */
struct world *world_new(unsigned workers, ...) __attribute__((sentinel));

/* Clients and servers end, the workers drain, and nothing may be left. */
void world_end(struct world *world);

/* Runs until nothing happens any more by itself. */
void world_run(struct world *world);

/* Moves the clock, with the workers' ticks on the way, and runs. */
void world_advance_ms(struct world *world, unsigned ms);

/* Another configuration file from now on, without touching the topology; runs. */
void world_reconfigure(struct world *world, const char *text);

/* Hands the workers a new snapshot of world->servers, ->primary, ->facts, ->catalog. */
void world_publish(struct world *world);

/* A replica's horizon, or how far the primary's grant lasts. */
void world_set_horizon(struct world *world, unsigned server, uint64_t moment);

/* All replicas have everything, for ever; or nothing that is newer than now. */
void world_replicas_follow(struct world *world);
void world_replicas_stop(struct world *world);

/* This watched thread of a server is known to be gone, now. */
void world_thread_gone(struct world *world, unsigned server, uint32_t thread_id);

/* The log so far holds this text. */
bool world_logged(struct world *world, const char *text);

/* Permits of a server that are in use. */
unsigned world_permits(const struct world *world, unsigned server);

#endif
