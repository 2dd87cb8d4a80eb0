/*
 * A spool: lines from all workers to one file, without a worker ever waiting for the disk.
 *
 *     worker ──line──▶ its ring ─┐
 *     worker ──line──▶ its ring ─┴─▶ the spool's thread ──write──▶ the file
 *
 * Each worker has a ring that only it fills and only the thread empties, so there is no lock
 * between them. When the file does not keep up and a ring is full, lines are dropped and counted;
 * the file says how many, where they are missing.
 */
#ifndef TIDEMARK_PROXY_STATEMENT_LOG_SPOOL_H
#define TIDEMARK_PROXY_STATEMENT_LOG_SPOOL_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPOOL_RING_BYTES = 1 << 20, /* per worker, a power of two */
    SPOOL_LINE_MAX = 16 << 10,  /* longer lines are dropped */
};

struct spool;

/* No file at first. NULL: no thread can be had. */
struct spool *spool_new(size_t workers);

/* Writes what is left and frees it. No worker may write any more. */
void spool_free(struct spool *spool);

/* Another file from now on, unless it is the same, opened for appending, mode 0640; "" for none.
 * What was written before goes to the old one. 0, or a negative errno, and nothing has changed. Not
 * on a worker's thread.
 */
int spool_open(struct spool *spool, const char *path);

/* Opens the same path again, for whoever moves old files away. As spool_open. */
int spool_reopen(struct spool *spool);

/* Is there a file? Any thread; one relaxed load. */
bool spool_is_open(const struct spool *spool);

/* Hands in a line, its newline included; an empty one, which did not fit, counts as dropped. On
 * worker `worker`'s thread only; never waits. */
void spool_write(struct spool *spool, unsigned worker, struct bytes line);

/* Lines dropped so far. Any thread. */
uint64_t spool_dropped(const struct spool *spool);

#endif
