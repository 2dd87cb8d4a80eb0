/*
 * The running program as its ports see it: what the admin and HTTP ports may look at and ask for.
 * Made by the control thread before the ports start; outlives them.
 */
#ifndef TIDEMARK_PROXY_PROGRAM_H
#define TIDEMARK_PROXY_PROGRAM_H

#include "proxy/inquiry.h"
#include "proxy/process.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct event_ring;
struct live;
struct worker_thread;

struct program {
    struct process *process;        /* roster, permits, health, counts of clients */
    struct worker_thread **workers; /* all that were started */
    size_t worker_count;
    struct live *live;         /* the configuration in force, and how to change it: proxy/live.h */
    struct event_ring *events; /* what changed, when and why: proxy/event_ring.h */
    uint64_t started_ns;       /* CLOCK_MONOTONIC */
    int64_t started_unix;      /* seconds since 1970 */
    atomic_bool draining;      /* no new clients; it will end */

    /* Begins to end the program: with drain, or at once. Any thread. */
    void (*shut_down)(struct program *program, bool at_once);
};

#endif
