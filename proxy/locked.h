/*
 * Memory for secrets: it is not written to swap space (mlock), not part of core dumps
 * (MADV_DONTDUMP), and wiped when it is given back. Small pieces share the locked pages, because
 * how many of those a process may have is limited (RLIMIT_MEMLOCK). Any thread.
 */
#ifndef TIDEMARK_PROXY_LOCKED_H
#define TIDEMARK_PROXY_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

enum { LOCKED_MAX = 4352 }; /* bytes of one piece */

/* A piece of at most LOCKED_MAX bytes, all zero; the caller owns it (locked_free). Ends the program
 * where there is none, as memory.h does. */
void *locked_alloc(size_t size) __attribute__((returns_nonnull));

/* Wipes the piece; NULL is fine. */
void locked_free(void *piece);

/* Is that a piece? */
bool locked_has(const void *memory);

/* False: the system refused to lock some of it, and that may be swapped out. */
bool locked_is_held(void);

#endif
