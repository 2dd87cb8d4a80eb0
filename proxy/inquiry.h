/*
 * An inquiry: something that every worker does on its own thread, between two of its events, while
 * the asker waits. It is how the admin and HTTP ports look at sessions and connections, and how
 * they reach one: nothing else ever looks into a worker from outside.
 *
 * A job that has much to look at does a part and answers false; it is called again after the
 * worker has served its sockets. So looking at many thousand sessions delays no query noticeably.
 *
 * Two forms: inquiry_run waits for as long as it takes, in the asker's memory. Who must answer in
 * time uses inquiry_begin, inquiry_wait and inquiry_end: there the memory is the inquiry's own and
 * stays for as long as a worker may still write to it, also when the asker has given up.
 */
#ifndef TIDEMARK_PROXY_INQUIRY_H
#define TIDEMARK_PROXY_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>

struct inquiry;
struct worker;
struct worker_thread;

/* True: done. `state` is the worker's own memory for this inquiry. */
typedef bool inquiry_job(struct worker *worker, void *state);

/*
 * Runs the job on all of the workers and waits until all are done; workers whose thread has ended
 * are left out. `states` is an array of `count` elements of `state_size` bytes, the i-th for worker
 * i. Any thread but a worker's.
 */
void inquiry_run(struct worker_thread *const *workers, size_t count, inquiry_job *job, void *states,
                 size_t state_size);

/*
 * Starts the job on all of the workers, each with `state_size` bytes of its own that are zero at
 * first, and does not wait. The job may use nothing of the asker's. `dispose` (or NULL) frees what
 * a state owns, and is called once for each. Any thread but a worker's. Owner: the caller, who
 * gives it to inquiry_end.
 */
struct inquiry *inquiry_begin(struct worker_thread *const *workers, size_t count, inquiry_job *job,
                              size_t state_size, void (*dispose)(void *state));

/* Waits until all workers are done, at most for `patience_ms`. True: they are. */
bool inquiry_wait(struct inquiry *inquiry, unsigned patience_ms);

/* The state of worker `i`, or NULL while that one is not done. Of a worker whose thread has ended
 * the state is as it was at first. Good until inquiry_end. */
void *inquiry_state(struct inquiry *inquiry, size_t i);

/* Lets go of it. Workers that have not begun yet are not asked any more. */
void inquiry_end(struct inquiry *inquiry);

#endif
