/*
 * The digest table of one worker: what each kind of statement has cost. Bounded: when it is full
 * the digest that was used longest ago goes first. All memory is allocated when the table is made;
 * counting a statement allocates nothing and, while its digest is known, looks at no text.
 *
 *     heads[hash] ──▶ link ──chain──▶ link      link i belongs to entry i; links are small and kept
 *                      ▲ older | newer          apart, so that moving one to the front touches
 *                  oldest ... newest            little memory
 *
 * Texts are without literals and may be missing, see text.h.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_DIGESTS_H
#define TIDEMARK_PROXY_STATISTICS_DIGESTS_H

#include "proxy/statistics/histogram.h"
#include "proxy/statistics/record.h"
#include "proxy/statistics/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_TEXT_BYTES = 1024 }; /* with its NUL; a longer text is cut, and ends in "..." */

struct digest_entry {
    uint64_t digest;
    uint64_t count;
    uint64_t errors; /* of count; also those whose session ended before they did */
    uint64_t rows;   /* sent to clients */
    uint64_t bytes;  /* of answers */
    uint64_t bytes_in;
    uint64_t on_replica; /* of count: served by a replica */
    uint64_t prepared;   /* of count: by STMT_EXECUTE */
    uint64_t retries;
    uint64_t pinned; /* of count: after which something new held the session */
    uint64_t waited; /* of count: had to wait for a connection or server */
    uint64_t wait_ns, total_ns, max_ns;
    uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC: when the first and the last one ended */
    uint32_t pins;              /* enum pin: all that it was ever seen to cause */
    uint16_t last_error;        /* code of the last ERR; 0: none */
    uint8_t class;              /* enum statement_class, as last seen */
    uint8_t text_is;            /* enum text_state */
    const char *why;            /* static: why the last one went where it went */
    struct histogram took;
    uint16_t text_size;
    char text[DIGEST_TEXT_BYTES];
};

struct digests;

/* `capacity` may be 0: then nothing is remembered. */
struct digests *digests_new(unsigned capacity);
void digests_free(struct digests *digests);

/* Counts one statement. record->is_statement must be set. */
void digests_take(struct digests *digests, const struct statement_record *record);

size_t digests_count(const struct digests *digests);
unsigned digests_capacity(const struct digests *digests);
/* How many have gone to make room, since the table was made or reset. */
uint64_t digests_evicted(const struct digests *digests);

/* Looks one up without marking it as used; NULL when it is not there. */
const struct digest_entry *digests_find(const struct digests *digests, uint64_t digest);

/* Visits up to `limit` entries beginning at *place, which is 0 the first time and is moved on.
 * False: there are no more. Statements may be counted between two calls; then one that went and
 * came back may be seen twice, and digest_list_merge() adds the two. */
bool digests_visit(const struct digests *digests, size_t *place, size_t limit,
                   void (*visit)(void *context, const struct digest_entry *entry), void *context);

/* Forgets all. */
void digests_reset(struct digests *digests);

/* A table of another capacity with the entries used last; frees the old one. */
struct digests *digests_resized(struct digests *digests, unsigned capacity);

/* Adds what another worker, or an earlier entry, has counted for the same digest. */
void digest_entry_merge(struct digest_entry *into, const struct digest_entry *from);

/* Bytes that a table of this capacity takes. */
size_t digests_memory(unsigned capacity);

#endif
