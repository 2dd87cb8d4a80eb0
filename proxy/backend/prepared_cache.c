/*
 * Interned statements, and the table of a connection. See prepared_cache.h.
 *
 * uthash keeps the entries of a table in the order they were added, so moving an entry to the end
 * when it is used makes the first one the least recently used.
 */
#include "proxy/backend/prepared_cache.h"

#include "proxy/client/environment.h"
#include "proxy/memory.h"

#include <assert.h>
#include <string.h>
#include <uthash.h>

struct prepared_text {
    UT_hash_handle hh;
    struct prepared_store *store;
    const struct environment *environment; /* reference */
    size_t references;
    bool is_private; /* not in the store's table */
    size_t text_size;
    uint8_t key[]; /* the environment's address, then the text */
};

struct prepared_store {
    struct prepared_text *texts;
};

struct cached {
    UT_hash_handle hh;
    struct prepared_text *prepared; /* the key; reference */
    uint32_t id;
};

struct prepared_cache {
    struct cached *entries;
};

struct prepared_store *prepared_store_new(void)
{
    return mem_calloc(1, sizeof(struct prepared_store));
}

void prepared_store_free(struct prepared_store *store)
{
    if (store == NULL) {
        return;
    }
    assert(store->texts == NULL);
    mem_free(store);
}

struct prepared_text *prepared_text_of(struct prepared_store *store, struct bytes text,
                                       const struct environment *environment)
{
    size_t key_size = sizeof environment + text.size;
    struct prepared_text *made = mem_alloc(sizeof *made + key_size);
    struct prepared_text *found;

    memcpy(made->key, &environment, sizeof environment);
    memcpy(made->key + sizeof environment, text.data, text.size);
    HASH_FIND(hh, store->texts, made->key, key_size, found);
    if (found != NULL) {
        mem_free(made);
        return prepared_text_ref(found);
    }
    made->store = store;
    made->environment = environment_ref(environment);
    made->references = 1;
    made->is_private = false;
    made->text_size = text.size;
    HASH_ADD(hh, store->texts, key, key_size, made);
    return made;
}

struct prepared_text *prepared_text_private(const struct prepared_text *prepared)
{
    size_t key_size = sizeof prepared->environment + prepared->text_size;
    struct prepared_text *made = mem_alloc(sizeof *made + key_size);

    memcpy(made, prepared, sizeof *made + key_size);
    environment_ref(made->environment);
    made->references = 1;
    made->is_private = true;
    return made;
}

bool prepared_text_is_private(const struct prepared_text *prepared)
{
    return prepared->is_private;
}

struct prepared_text *prepared_text_ref(struct prepared_text *prepared)
{
    prepared->references++;
    return prepared;
}

void prepared_text_unref(struct prepared_text *prepared)
{
    if (prepared == NULL || --prepared->references > 0) {
        return;
    }
    if (!prepared->is_private) {
        HASH_DEL(prepared->store->texts, prepared);
    }
    environment_unref(prepared->environment);
    mem_free(prepared);
}

struct bytes prepared_text_sql(const struct prepared_text *prepared)
{
    return (struct bytes){prepared->key + sizeof prepared->environment, prepared->text_size};
}

const struct environment *prepared_text_environment(const struct prepared_text *prepared)
{
    return prepared->environment;
}

struct prepared_cache *prepared_cache_new(void)
{
    return mem_calloc(1, sizeof(struct prepared_cache));
}

static void drop(struct prepared_cache *cache, struct cached *entry)
{
    HASH_DEL(cache->entries, entry);
    prepared_text_unref(entry->prepared);
    mem_free(entry);
}

void prepared_cache_clear(struct prepared_cache *cache)
{
    struct cached *entry;
    struct cached *next;

    HASH_ITER(hh, cache->entries, entry, next)
    {
        drop(cache, entry);
    }
}

void prepared_cache_free(struct prepared_cache *cache)
{
    if (cache != NULL) {
        prepared_cache_clear(cache);
        mem_free(cache);
    }
}

static struct cached *find(struct prepared_cache *cache, const struct prepared_text *prepared)
{
    struct cached *entry;

    HASH_FIND_PTR(cache->entries, &prepared, entry);
    return entry;
}

bool prepared_cache_find(struct prepared_cache *cache, const struct prepared_text *prepared,
                         uint32_t *id)
{
    struct cached *entry = find(cache, prepared);

    if (entry == NULL) {
        return false;
    }
    if (entry->hh.next != NULL) {
        HASH_DEL(cache->entries, entry);
        HASH_ADD_PTR(cache->entries, prepared, entry);
    }
    *id = entry->id;
    return true;
}

/* Drops the entry used longest ago, other than `latest`, that nobody may need as it is. */
static bool evict(struct prepared_cache *cache, const struct cached *latest, uint32_t *evicted)
{
    struct cached *entry;
    struct cached *next;

    HASH_ITER(hh, cache->entries, entry, next)
    {
        if (entry != latest && !(entry->prepared->is_private && entry->prepared->references > 1)) {
            *evicted = entry->id;
            drop(cache, entry);
            return true;
        }
    }
    return false;
}

bool prepared_cache_add(struct prepared_cache *cache, struct prepared_text *prepared, uint32_t id,
                        uint32_t *evicted)
{
    struct cached *entry = find(cache, prepared);

    if (entry != NULL) {
        *evicted = entry->id;
        entry->id = id;
        return true;
    }
    entry = mem_alloc(sizeof *entry);
    entry->prepared = prepared_text_ref(prepared);
    entry->id = id;
    HASH_ADD_PTR(cache->entries, prepared, entry);
    if (HASH_COUNT(cache->entries) <= PREPARED_PER_CONNECTION) {
        return false;
    }
    return evict(cache, entry, evicted);
}

void prepared_cache_remove(struct prepared_cache *cache, const struct prepared_text *prepared)
{
    struct cached *entry = find(cache, prepared);

    if (entry != NULL) {
        drop(cache, entry);
    }
}

size_t prepared_cache_count(const struct prepared_cache *cache)
{
    return HASH_COUNT(cache->entries);
}
