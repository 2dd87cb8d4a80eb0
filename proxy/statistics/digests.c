#include "proxy/statistics/digests.h"

#include "proxy/memory.h"

#include <assert.h>
#include <string.h>

static const uint32_t NOBODY = UINT32_MAX; /* no entry has this number */

struct link {
    uint64_t digest;
    uint32_t chain;        /* next of the same head; also the list of free ones */
    uint32_t older, newer; /* in order of use */
};

struct digests {
    unsigned capacity;
    unsigned used; /* entries that were ever used; they are used from the front */
    uint32_t mask; /* heads, minus 1 */
    uint32_t newest, oldest;
    uint64_t evicted;
    uint32_t *heads;              /* owner */
    struct link *links;           /* owner */
    struct digest_entry *entries; /* owner */
};

/* A power of two, at least twice the entries that there can be. */
static uint32_t head_count(unsigned capacity)
{
    uint32_t count = 1;

    while (count < 2 * (uint64_t)capacity) {
        count *= 2;
    }
    return count;
}

struct digests *digests_new(unsigned capacity)
{
    struct digests *digests = mem_calloc(1, sizeof *digests);

    digests->capacity = capacity;
    digests->mask = head_count(capacity) - 1;
    digests->heads = mem_alloc((digests->mask + (size_t)1) * sizeof *digests->heads);
    digests->links = mem_calloc(capacity, sizeof *digests->links);
    digests->entries = mem_calloc(capacity, sizeof *digests->entries);
    digests_reset(digests);
    return digests;
}

void digests_free(struct digests *digests)
{
    if (digests == NULL) {
        return;
    }
    mem_free(digests->heads);
    mem_free(digests->links);
    mem_free(digests->entries);
    mem_free(digests);
}

void digests_reset(struct digests *digests)
{
    memset(digests->heads, 0xff, (digests->mask + (size_t)1) * sizeof *digests->heads);
    digests->used = 0;
    digests->newest = digests->oldest = NOBODY;
    digests->evicted = 0;
}

size_t digests_memory(unsigned capacity)
{
    return sizeof(struct digests) + head_count(capacity) * sizeof(uint32_t) +
           capacity * (sizeof(struct link) + sizeof(struct digest_entry));
}

size_t digests_count(const struct digests *digests)
{
    return digests->used;
}

unsigned digests_capacity(const struct digests *digests)
{
    return digests->capacity;
}

uint64_t digests_evicted(const struct digests *digests)
{
    return digests->evicted;
}

/* ---- finding ---- */

static uint32_t *head_of(const struct digests *digests, uint64_t digest)
{
    return &digests->heads[digest & digests->mask];
}

static uint32_t find(const struct digests *digests, uint64_t digest)
{
    uint32_t at = *head_of(digests, digest);

    while (at != NOBODY && digests->links[at].digest != digest) {
        at = digests->links[at].chain;
    }
    return at;
}

const struct digest_entry *digests_find(const struct digests *digests, uint64_t digest)
{
    uint32_t at = find(digests, digest);

    return at == NOBODY ? NULL : &digests->entries[at];
}

/* ---- the order of use ---- */

static void put_in_front(struct digests *digests, uint32_t at)
{
    struct link *link = &digests->links[at];

    link->newer = NOBODY;
    link->older = digests->newest;
    if (digests->newest != NOBODY) {
        digests->links[digests->newest].newer = at;
    } else {
        digests->oldest = at;
    }
    digests->newest = at;
}

static void take_out(struct digests *digests, uint32_t at)
{
    struct link *link = &digests->links[at];

    if (link->newer != NOBODY) {
        digests->links[link->newer].older = link->older;
    } else {
        digests->newest = link->older;
    }
    if (link->older != NOBODY) {
        digests->links[link->older].newer = link->newer;
    } else {
        digests->oldest = link->newer;
    }
}

static void unchain(struct digests *digests, uint32_t at)
{
    uint32_t *place = head_of(digests, digests->links[at].digest);

    while (*place != at) {
        place = &digests->links[*place].chain;
    }
    *place = digests->links[at].chain;
}

/* A place for a digest that is not there: a new one, or the one used longest ago. */
static uint32_t make_room(struct digests *digests, uint64_t digest)
{
    uint32_t *head = head_of(digests, digest);
    uint32_t at;

    if (digests->used < digests->capacity) {
        at = digests->used++;
    } else {
        at = digests->oldest;
        take_out(digests, at);
        unchain(digests, at);
        digests->evicted++;
    }
    digests->links[at].digest = digest;
    digests->links[at].chain = *head;
    *head = at;
    put_in_front(digests, at);
    memset(&digests->entries[at], 0, offsetof(struct digest_entry, text) + 1);
    digests->entries[at].digest = digest;
    return at;
}

/* ---- counting ---- */

static void show_text(struct digest_entry *entry, const struct statement_record *record)
{
    size_t size;

    entry->text_is = (uint8_t)text_take(record, entry->text, sizeof entry->text, &size);
    entry->text_size = (uint16_t)size;
}

void digests_take(struct digests *digests, const struct statement_record *record)
{
    uint64_t took = record_took_ns(record);
    struct digest_entry *entry;
    uint32_t at;

    if (digests->capacity == 0) {
        return;
    }
    at = find(digests, record->digest);
    if (at == NOBODY) {
        at = make_room(digests, record->digest);
        digests->entries[at].first_ns = record->ended_ns;
    } else if (at != digests->newest) {
        take_out(digests, at);
        put_in_front(digests, at);
    }
    entry = &digests->entries[at];
    if (entry->text_is == TEXT_UNPARSED) {
        show_text(entry, record);
    }
    entry->count++;
    entry->rows += record->rows;
    entry->bytes += record->bytes;
    entry->bytes_in += record->bytes_in;
    entry->on_replica += record->on_replica;
    entry->prepared += record->is_prepared;
    entry->total_ns += took;
    entry->last_ns = record->ended_ns;
    entry->class = record->class;
    entry->why = record->why;
    if (took > entry->max_ns) {
        entry->max_ns = took;
    }
    histogram_add(&entry->took, took / 1000);
    if (record->wait_ns != 0) {
        entry->waited++;
        entry->wait_ns += record->wait_ns;
    }
    if (record_failed(record)) {
        entry->errors++;
        entry->last_error = record->error;
    }
    if ((record->pins | record->retries) != 0) {
        entry->retries += record->retries;
        entry->pinned += record->pins != 0;
        entry->pins |= record->pins;
    }
}

/* ---- reading ---- */

bool digests_visit(const struct digests *digests, size_t *place, size_t limit,
                   void (*visit)(void *context, const struct digest_entry *entry), void *context)
{
    for (; *place < digests->used && limit > 0; limit--) {
        visit(context, &digests->entries[(*place)++]);
    }
    return *place < digests->used;
}

void digest_entry_merge(struct digest_entry *into, const struct digest_entry *from)
{
    assert(into->digest == from->digest);
    into->count += from->count;
    into->errors += from->errors;
    into->rows += from->rows;
    into->bytes += from->bytes;
    into->bytes_in += from->bytes_in;
    into->on_replica += from->on_replica;
    into->prepared += from->prepared;
    into->retries += from->retries;
    into->pinned += from->pinned;
    into->waited += from->waited;
    into->wait_ns += from->wait_ns;
    into->total_ns += from->total_ns;
    into->pins |= from->pins;
    histogram_merge(&into->took, &from->took);
    if (from->max_ns > into->max_ns) {
        into->max_ns = from->max_ns;
    }
    if (from->first_ns < into->first_ns) {
        into->first_ns = from->first_ns;
    }
    if (from->last_error != 0 && (into->last_error == 0 || from->last_ns > into->last_ns)) {
        into->last_error = from->last_error;
    }
    if (from->last_ns > into->last_ns) {
        into->last_ns = from->last_ns;
        into->class = from->class;
        into->why = from->why;
    }
    if (from->text_is > into->text_is) {
        into->text_is = from->text_is;
        into->text_size = from->text_size;
        memcpy(into->text, from->text, from->text_size + (size_t)1);
    }
}

struct digests *digests_resized(struct digests *digests, unsigned capacity)
{
    struct digests *resized = digests_new(capacity);
    uint32_t at = NOBODY;
    unsigned kept = 0;

    /* From the newest to the oldest for which there is room; from there they are put in. */
    for (uint32_t i = digests->newest; i != NOBODY && kept < capacity; kept++) {
        at = i;
        i = digests->links[i].older;
    }
    for (; kept > 0; kept--, at = digests->links[at].newer) {
        resized->entries[make_room(resized, digests->links[at].digest)] = digests->entries[at];
    }
    resized->evicted = digests->evicted + digests->used - resized->used;
    digests_free(digests);
    return resized;
}
