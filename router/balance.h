/*
 * Balance: picks one of the servers that may serve a read. Whether a candidate may is one place
 * (balance_verdict); which of those that may is the algorithm's. The primary is a candidate like
 * the others, and is taken only when no replica may.
 */
#ifndef TIDEMARK_ROUTER_BALANCE_H
#define TIDEMARK_ROUTER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum balance {
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_CONNECTIONS,
    BALANCE_LEAST_LATENCY,
    BALANCE_CLIENT_HASH
};

/* "round_robin", ... */
const char *balance_name(enum balance balance);

/* One server as the balancer sees it. The index in the array is the server's number; it must mean
 * the same server from call to call for as long as one balance_state is used. */
struct candidate {
    uint64_t horizon;    /* moment; the primary's is now (UINT64_MAX will do) */
    uint64_t id;         /* stable identity for client_hash: a hash of the server's name */
    unsigned leased;     /* connections lent out now */
    unsigned max;        /* max_connections; 0: no limit */
    unsigned weight;     /* 0: serves nobody unless it is the only one */
    uint64_t latency_us; /* 0: not measured yet */
    bool usable;         /* up, not draining, not diverged */
    bool is_primary;
};

enum verdict {
    VERDICT_OK,
    VERDICT_NOT_USABLE,
    VERDICT_LAGGING,  /* its horizon is older than max_lag allows */
    VERDICT_BEHIND,   /* its horizon is below the read's floor */
    VERDICT_FALLBACK, /* the primary: only when no replica may */
    VERDICT_NO_WEIGHT /* weight 0: only when nothing else may */
};

/* A phrase for people: "horizon below the floor". */
const char *verdict_text(enum verdict verdict);

enum { BALANCE_SERVERS = 64 };

/* Whose turn it is; zero it once, keep one per worker. */
struct balance_state {
    int64_t turn[BALANCE_SERVERS];
};

struct balance_request {
    enum balance algorithm;
    uint64_t floor;       /* a moment, 0: none */
    uint64_t min_horizon; /* now − max_lag; 0: no limit */
    int previous;         /* the session's last server, or −1 */
    uint64_t client_hash; /* of the client's address and user, for client_hash */
    bool primary_only;    /* consider only the primary */
};

/* Whether the candidate may serve the read. */
enum verdict balance_verdict(const struct candidate *candidate,
                             const struct balance_request *request);

/* Index of the chosen candidate, or −1 when none may serve. n beyond BALANCE_SERVERS is ignored. A
 * server that is full (leased >= max) is still chosen when all are: the pool then queues. */
int balance_pick(const struct balance_request *request, const struct candidate *candidates,
                 size_t n, struct balance_state *state);

#endif
