/*
 * A worker on a thread of its own, with a libuv loop: its sockets, its clock, its mail.
 *
 * Others reach it only by mail: a list behind a lock, and a wake-up. Mail is rare (a new client, a
 * granted connection, a new topology); queries never touch it.
 */
#ifndef TIDEMARK_PROXY_WORKER_THREAD_H
#define TIDEMARK_PROXY_WORKER_THREAD_H

#include "proxy/inquiry.h"
#include "proxy/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker_thread;

/* Starts worker `number`. NULL: no loop or no thread could be had; an error was logged. */
struct worker_thread *worker_thread_start(struct process *process, unsigned number);

/* Hands an accepted socket over; `peer` is its address as text. Any thread. */
void worker_thread_accept(struct worker_thread *thread, int fd, bool is_unix, const char *peer);

/* Something changed that concerns the worker: topology, grants, horizons. Any thread. */
void worker_thread_wake(struct worker_thread *thread);

/* Begins to drain: what still runs `timeout_ms` from now is ended then. Any thread. */
void worker_thread_drain(struct worker_thread *thread, unsigned timeout_ms);

/* Has the worker do the job on its thread, in parts until it answers true; then `on_done` is called
 * there, or at once when the thread has ended. For proxy/inquiry.c. Any thread but a worker's. */
void worker_thread_ask(struct worker_thread *thread, inquiry_job *job, void *state,
                       void (*on_done)(void *context), void *context);

/* Takes back what was asked for with this context. True: it was waiting, and `on_done` will not be
 * called. False: it is being done or was just done; `on_done` is called after its present part, or
 * has been. Any thread but a worker's. */
bool worker_thread_revoke(struct worker_thread *thread, const void *context);

/* Clients it has now, those on their way included. */
size_t worker_thread_clients(const struct worker_thread *thread);

/* Has it ended, all of its clients gone after a drain? */
bool worker_thread_has_ended(const struct worker_thread *thread);

/* Waits for its end and frees it. */
void worker_thread_join(struct worker_thread *thread);

#endif
