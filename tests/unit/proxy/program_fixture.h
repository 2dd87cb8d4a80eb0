/*
 * A program as its ports see it, small: a configuration from text, real worker threads without
 * clients, and a topology that the test makes up.
 */
#ifndef TESTS_UNIT_PROXY_PROGRAM_FIXTURE_H
#define TESTS_UNIT_PROXY_PROGRAM_FIXTURE_H

#include "proxy/program.h"

#include "health/topology.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FIXTURE_WORKERS = 2, FIXTURE_SERVERS = 2 };

/* How long a test waits for what must come, and for what must not. */
enum { LONG_MS = 20000, SHORT_MS = 50 };

struct program_fixture {
    struct program program;
    struct process process;
    struct config *config;
    struct registry *registry;
    struct roster *roster; /* reference */
    struct server_gauges gauges[FIXTURE_SERVERS];
    pthread_mutex_t lock;
    struct topology *topology; /* reference; guarded by the lock */
    struct worker_thread *workers[FIXTURE_WORKERS];
    atomic_int stands[FIXTURE_WORKERS]; /* see fixture_hold */
};

/* Servers db1 and db2, users app and reports; db1 is the primary, db2 a replica, both usable. */
struct program_fixture *fixture_start(void);

/* Another topology: `change` fills in what is to differ from the first one. */
void fixture_change(struct program_fixture *fixture, void (*change)(struct topology *topology));

/* For use in there: that server is down. */
void fixture_make_unusable(struct topology *topology, size_t server, const char *why);

/* Keeps a worker from doing anything until it is let go; returns when it stands still. */
void fixture_hold(struct program_fixture *fixture, unsigned worker);
void fixture_let_go(struct program_fixture *fixture, unsigned worker);

/* Drains the workers: their threads end. */
void fixture_drain(struct program_fixture *fixture);

/* Frees everything; drains first where that was not done. */
void fixture_stop(struct program_fixture *fixture);

#endif
