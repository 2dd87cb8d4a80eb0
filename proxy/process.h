/*
 * What all workers share: the roster, the permits, the health part, and a few counters. It
 * is made by the control thread before the first worker starts and outlives the last. Everything in
 * it is immutable, atomic, or guards itself.
 */
#ifndef TIDEMARK_PROXY_PROCESS_H
#define TIDEMARK_PROXY_PROCESS_H

#include "proxy/backend/permits.h"
#include "proxy/roster.h"

#include <openssl/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct health;
struct kill_post;
struct thread_watch;
struct spool;
struct throttle;
struct topology;

struct process {
    struct permits *permits;
    struct kill_post *kill_post; /* KILLs between workers; NULL in tests that need none */
    struct spool *statement_log; /* NULL in tests that need none */
    struct throttle *throttle;   /* failed logins, by address */
    EVP_PKEY *rsa_key;           /* for caching_sha2_password without TLS */
    struct health *health;       /* NULL in tests, which hand topologies in by themselves */

    /* The current roster with a reference for the caller. */
    struct roster *(*roster)(struct process *process);
    /* The current topology with a reference for the caller, or NULL. */
    struct topology *(*topology)(struct process *process);
    /* A read with this floor found no replica; see health_want. */
    void (*want)(struct process *process, uint64_t floor_ns);
    /* The data path lost or could not make a connection; see health_suspect. */
    void (*suspect)(struct process *process, unsigned server);
    /* A write was lost with its connection; see health_watch_thread. */
    struct thread_watch *(*watch)(struct process *process, unsigned server,
                                  const struct thread_watch *wanted);
    /* A table name was not in the catalog; see health_relist. */
    void (*relist)(struct process *process);

    atomic_bool is_paused;    /* PAUSE: statements that need a connection wait */
    atomic_uint next_session; /* ids that clients see; never 0 */
    atomic_ullong next_backend;
    /* How often clients have changed global variables or accounts. A login on a connection of its
     * own would take the new ones along, so a session gets no server connection that is older than
     * its login in this sense. */
    atomic_uint era;
    atomic_ullong schemas_changed_ns; /* see client/schema.h */
    atomic_uint clients;              /* connected now */
    atomic_uint traces;               /* sessions that are traced now */
};

/* Makes what `config` asks for. `roster` and `health` are for the caller to set; `wake` is called
 * by any thread and has to wake that worker. False, and the log says why: it cannot be made.
 * Whatever it answers, process_end frees it. */
bool process_start(struct process *process, const struct config *config,
                   void (*wake)(void *context, unsigned worker), void *context);
void process_end(struct process *process);

#endif
