/*
 * Server threads of which it has to be known when they are gone. A connection was lost while a
 * write was on its way; the server's thread may go on and commit it. Whoever had the connection
 * asks for the thread to be watched (health_watch_thread) and reads one atomic number; the server's
 * monitor looks it up in the process list, at a pace that slows down, until it is gone.
 *
 * A thread that is not listed is gone only if the answer is about the right server and may be
 * believed; whatever is not certain leaves the question open. No thread, no I/O in here.
 */
#ifndef HEALTH_WATCH_H
#define HEALTH_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WATCH_MAX = 512 }; /* threads watched per server */

/* A thread that is watched; shared by whoever asked and the monitor. */
struct thread_watch {
    atomic_uint references;
    _Atomic uint64_t gone_ns;  /* a moment after which it did nothing any more; 0: may still run */
    struct thread_watch *next; /* for a list of whoever asked; the monitor leaves it alone */
    /* What was asked; immutable. */
    uint64_t identity;  /* server_gauges.identity when the connection was opened */
    uint64_t opened_ns; /* when that was */
    uint32_t thread_id; /* the server's number for it, from its greeting */
};

/* What the server's process list says about one of them, and who says so. */
struct thread_answer {
    uint64_t identity;  /* of the server that answers */
    uint64_t started_s; /* its start, as in struct look */
    bool sees_all;      /* the account is shown the threads of other accounts */
    bool listed;
};

/* Whether the thread can commit no more, given this answer. */
bool thread_is_gone(const struct thread_watch *watch, const struct thread_answer *answer);

/* The moment a watched thread was known to be gone, ns; 0: it may still run. Any thread may ask. */
uint64_t thread_watch_gone(const struct thread_watch *watch);

/* Lets go of a watch; when nobody else has it, it is freed. The monitor stops asking about one that
 * only it still holds. NULL is fine. */
void thread_watch_unref(struct thread_watch *watch);

/* The watches of one server, and when to ask next. All zero is the beginning. Guarded by the health
 * lock; only the server's monitor takes something out, so what it has seen in the list is still at
 * its place after it has talked to the server. */
struct watch_list {
    struct thread_watch *items[WATCH_MAX]; /* a reference to each */
    size_t count;
    uint64_t asked_ns; /* the last time */
    uint64_t due_ns;   /* when there are any: not to be asked before */
    uint64_t gap_ns;   /* from the next time to the one after it */
};

/* Adds a watch, to be asked about soon, `shortest_ns` after the last question at the earliest. Two
 * references: the list's and the caller's. NULL: the list is full. */
struct thread_watch *watch_list_add(struct watch_list *list, const struct thread_watch *wanted,
                                    uint64_t now, uint64_t shortest_ns);

/* Drops what nobody else holds any more; true when something is left. */
bool watch_list_is_needed(struct watch_list *list);

/* The list was asked about: the next time is later, twice as late each time, up to `longest_ns`. */
void watch_list_asked(struct watch_list *list, uint64_t now, uint64_t longest_ns);

/* This thread is gone since `moment` at the latest: says so, and drops it. */
void watch_list_conclude(struct watch_list *list, size_t index, uint64_t moment);

void watch_list_dispose(struct watch_list *list);

#endif
