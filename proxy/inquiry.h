/*
 * An inquiry: something that every worker does on its own thread, between two of its events, while
 * the asker waits. It is how the admin and HTTP ports look at sessions and connections, and how
 * they reach one: nothing else ever looks into a worker from outside.
 *
 * A job that has much to look at does a part and answers false; it is called again after the
 * worker has served its sockets. So looking at many thousand sessions delays no query noticeably.
 */
#ifndef TIDEMARK_PROXY_INQUIRY_H
#define TIDEMARK_PROXY_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
