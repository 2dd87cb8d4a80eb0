/*
 * Copies of digest entries: how they leave a worker, and become one list of all workers.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_DIGEST_LIST_H
#define TIDEMARK_PROXY_STATISTICS_DIGEST_LIST_H

#include "proxy/statistics/digests.h"

#include <stdbool.h>
#include <stddef.h>

/* All zero at the beginning. */
struct digest_list {
    struct digest_entry *entries; /* owner */
    size_t count, capacity;
    size_t place; /* where digest_list_collect goes on */
};

/* Copies up to `limit` entries of a worker's table, on that worker's thread; false while there are
 * more. */
bool digest_list_collect(struct digest_list *list, const struct digests *digests, size_t limit);

/* Makes one list of `count` of them, each digest once, in the order of digests; the lists are empty
 * afterwards. */
struct digest_list digest_list_merge(struct digest_list *lists, size_t count);

void digest_list_dispose(struct digest_list *list);

#endif
