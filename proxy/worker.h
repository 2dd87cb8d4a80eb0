/*
 * A worker serves its share of the clients on one thread, with server connections of its own. It
 * knows no sockets and no clocks: a transport makes its streams and tells the time, so a test runs
 * the same worker over in-memory streams under a clock of its own.
 *
 *      worker ──owns──▶ sessions ──own──▶ client streams
 *         └────owns──▶ pool ──owns──▶ server connections ──own──▶ server streams
 *
 * Between two events a worker is at rest: worker_wake adopts a new topology and takes what other
 * workers granted, worker_tick looks after everything that has a deadline.
 */
#ifndef TIDEMARK_PROXY_WORKER_H
#define TIDEMARK_PROXY_WORKER_H

#include "health/topology.h"
#include "protocol/bytes.h"
#include "proxy/process.h"
#include "proxy/statistics/statistics.h"
#include "router/balance.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend;
struct checks;
struct compression_room;
struct pool;
struct session;
struct stream;
struct stream_events;
struct tls_room;

enum {
    WORKER_TICK_MS = 100,             /* how often worker_tick is to be called */
    WORKER_SCRATCH_BYTES = 128 << 10, /* for packets put together and sent at once */
    TABLE_CACHE_ENTRIES = 1024,       /* a power of two */
    REFUSED_ENTRIES = 256,            /* a power of two */
};

/* What the tables that a statement names ask for. Good for one topology. */
struct table_judgement {
    uint64_t key; /* digest and schema */
    uint64_t generation;
    bool is_unsafe;    /* some must be read on the primary */
    bool runs_program; /* some is a view that reaches a stored program */
};

struct transport {
    /* Starts to connect to a server; see uv_stream_connect. */
    struct stream *(*connect)(void *context, const struct config_address *address,
                              const struct stream_events *events, void *owner, int *status);
    uint64_t (*now)(void *context); /* CLOCK_MONOTONIC, ns, read fresh */
    /* Socket of a stream as a new descriptor, and a stream from one: how a connection moves between
     * workers. NULL where streams have no sockets: then it is closed and opened anew instead. */
    int (*detach)(void *context, struct stream *stream);
    struct stream *(*attach)(void *context, int fd, bool is_unix,
                             const struct stream_events *events, void *owner);
    void *context;
};

/* Where a survey goes on (proxy/survey.h); moved on when the session or connection ends. Inquiries
 * are answered one after the other, so one place of each is enough. */
struct worker_survey {
    struct session *session;
    struct backend *backend;
};

struct worker {
    unsigned number;
    struct process *process; /* borrower */
    struct transport transport;
    struct roster *roster;                  /* shared reference: the configuration in force */
    struct topology *topology;              /* shared reference; NULL before the first */
    struct environment_store *environments; /* owner */
    struct pool *pool;                      /* owner */
    struct checks *checks;                  /* owner: what the primary is asked of accounts */
    struct session *sessions;               /* owner: list of all */
    size_t session_count;
    struct balance_state balance;
    uint64_t random;    /* for samples; never 0 */
    uint64_t recent_ns; /* what the clock said last: good for ages, never for a floor */
    bool draining;
    uint64_t drain_until_ns;
    uint8_t *scratch;                          /* owner: WORKER_SCRATCH_BYTES, free between calls */
    struct tls_room *tls_room;                 /* owner: for all streams with TLS */
    struct compression_room *compression_room; /* owner: for all compressed streams */
    struct command_in_hand *free_commands;     /* owner */
    size_t free_command_count;
    struct prepared_store *prepared; /* owner */
    size_t serverless;               /* sessions in SESSION_LEASING that found no server */
    /* Owner: which statements name tables that must be read on the primary, by digest and schema;
     * good for one catalog. See proxy/client/choose.c. */
    struct table_judgement *judgements;
    uint64_t *refused; /* owner: digests of statements that a replica refused as writes */
    struct worker_survey survey;
    struct statistics statistics;
};

void worker_init(struct worker *worker, unsigned number, struct process *process,
                 const struct transport *transport);

/* Frees what is left once no session and no server connection exist any more. */
void worker_dispose(struct worker *worker);

static inline uint64_t worker_now(struct worker *worker)
{
    worker->recent_ns = worker->transport.now(worker->transport.context);
    return worker->recent_ns;
}

static inline const struct config *worker_config(const struct worker *worker)
{
    return worker->roster->config;
}

/* A server's name for people, also when it is configured no more. */
static inline const char *worker_server_name(const struct worker *worker, unsigned server)
{
    const struct config_server *configured = roster_server(worker->roster, server);

    return configured != NULL ? configured->name : "(removed)";
}

/* What is true of a server, or NULL when nothing is known of it. */
static inline const struct server_info *worker_server(const struct worker *worker, unsigned server)
{
    return worker->topology != NULL && server < worker->topology->count
               ? &worker->topology->servers[server]
               : NULL;
}

static inline enum server_role worker_server_role(const struct worker *worker, unsigned server)
{
    const struct server_info *info = worker_server(worker, server);

    return info != NULL ? info->role : ROLE_UNKNOWN;
}

/* Adopts the current roster and topology, takes what was granted, gives up what others asked for.
 */
void worker_wake(struct worker *worker);

/* The session's account may go on: it is configured, or where no user is, the primary has not
 * refused it since. */
bool worker_knows_user(const struct worker *worker, const struct session *session);

/* Ends whatever is over its time; to be called every WORKER_TICK_MS. */
void worker_tick(struct worker *worker);

/* No new work: idle sessions end now, the others when their transaction is over or at `until_ns`.
 */
void worker_drain(struct worker *worker, uint64_t until_ns);

/* Nothing is left: the worker's thread may end. */
bool worker_is_empty(const struct worker *worker);

/* A statement taken for a read was refused by a replica; it is routed as a write from now on. */
void worker_remember_write(struct worker *worker, uint64_t digest);
bool worker_knows_as_write(const struct worker *worker, uint64_t digest);

/* A command_in_hand, cleared as its struct says, and back. */
struct command_in_hand *worker_take_command(struct worker *worker);
void worker_return_command(struct worker *worker, struct command_in_hand *command);

#endif
