/*
 * Which prepared statements a server connection knows, and under which id.
 *
 * A statement is a text together with the environment it was prepared in: both servers bind names
 * then, so the same text under another schema or sql_mode is another statement. Such a pair is
 * interned per worker and counted by reference; sessions and connections point to it, so finding a
 * session's statement on a connection is a look-up by pointer.
 *
 * A connection keeps at most PREPARED_PER_CONNECTION of them; beyond that the one used longest ago
 * is closed on the server, unless it is private and its session still has it.
 */
#ifndef TIDEMARK_PROXY_BACKEND_PREPARED_CACHE_H
#define TIDEMARK_PROXY_BACKEND_PREPARED_CACHE_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct environment;
struct prepared_cache;
struct prepared_store;

enum { PREPARED_PER_CONNECTION = 256 };

struct prepared_text; /* interned */

struct prepared_store *prepared_store_new(void);
void prepared_store_free(struct prepared_store *store);

/* The text prepared in this environment, with a reference for the caller. */
struct prepared_text *prepared_text_of(struct prepared_store *store, struct bytes text,
                                       const struct environment *environment);
/* The same pair as a statement of its own, shared with nobody: what lives with it on a server
 * connection (long data, a cursor) must not meet another statement of the same text. */
struct prepared_text *prepared_text_private(const struct prepared_text *prepared);
bool prepared_text_is_private(const struct prepared_text *prepared);
struct prepared_text *prepared_text_ref(struct prepared_text *prepared);
void prepared_text_unref(struct prepared_text *prepared);
struct bytes prepared_text_sql(const struct prepared_text *prepared);
const struct environment *prepared_text_environment(const struct prepared_text *prepared);

struct prepared_cache *prepared_cache_new(void);
void prepared_cache_free(struct prepared_cache *cache);

/* The id under which the connection knows the statement; marks it as used. False: it does not. */
bool prepared_cache_find(struct prepared_cache *cache, const struct prepared_text *prepared,
                         uint32_t *id);

/* The connection has prepared it. True with *evicted set: this id must be closed on the server: the
 * one used longest ago, or an older one of the same statement. */
bool prepared_cache_add(struct prepared_cache *cache, struct prepared_text *prepared, uint32_t id,
                        uint32_t *evicted);

/* Forgets one statement, which the server no longer has, or all of them (after a reset). */
void prepared_cache_remove(struct prepared_cache *cache, const struct prepared_text *prepared);
void prepared_cache_clear(struct prepared_cache *cache);

size_t prepared_cache_count(const struct prepared_cache *cache);

#endif
