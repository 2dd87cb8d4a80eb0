/*
 * Interned environments.
 *
 * An environment is one block of memory: the head, an index of its values in replay order, and a
 * key, the canonical bytes of the whole state, by which the store's hash table knows it:
 *
 *     head | entries: variable, value (a slice of the key) ... | key
 *     key:  schema size u32, schema, then per variable: index u32, size u32, value
 *
 * A change copies the entries (slices, not values) into a draft on the stack, alters that, writes
 * its key into the store's scratch buffer, and looks it up: memory is taken only for a new state.
 */
#include "proxy/client/environment.h"

#include "proxy/client/variables.h"
#include "proxy/memory.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(memory, size) mem_free(memory)
#include <uthash.h>

#include <assert.h>
#include <stdint.h>
#include <string.h>

struct entry {
    int variable;
    struct bytes value;
};

struct environment {
    struct environment_store *store;
    UT_hash_handle hh;
    size_t references;
    size_t size; /* of the whole block */
    struct bytes key;
    struct bytes schema;
    struct environment_facts facts;
    size_t count;
    struct entry entries[];
};

struct environment_store {
    struct environment *all; /* hash table by key */
    const struct environment *blank;
    size_t size;
    uint8_t scratch[ENVIRONMENT_MAX_SIZE];
};

/* A state being put together; its slices belong to others. */
struct draft {
    struct bytes schema;
    size_t count;
    struct entry entries[VARIABLE_MAX];
};

/* --- from a draft to the one environment of that state ------------------------------------- */

static uint8_t *put_size(uint8_t *at, size_t value)
{
    uint32_t number = (uint32_t)value;

    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static uint8_t *put_bytes(uint8_t *at, struct bytes b)
{
    at = put_size(at, b.size);
    if (b.size > 0)
        memcpy(at, b.data, b.size);
    return at + b.size;
}

static size_t key_size(const struct draft *draft)
{
    size_t size = sizeof(uint32_t) + draft->schema.size;

    for (size_t i = 0; i < draft->count; i++)
        size += 2 * sizeof(uint32_t) + draft->entries[i].value.size;
    return size;
}

static void write_key(const struct draft *draft, uint8_t *at)
{
    at = put_bytes(at, draft->schema);
    for (size_t i = 0; i < draft->count; i++) {
        at = put_size(at, (size_t)draft->entries[i].variable);
        at = put_bytes(at, draft->entries[i].value);
    }
}

static bool has_word(struct bytes list, const char *word)
{
    struct bytes name;

    while (name = variables_next_name(&list), name.size > 0)
        if (bytes_equal_text_nocase(name, word))
            return true;
    return false;
}

static struct environment_facts work_out_facts(const struct environment *environment)
{
    struct environment_facts facts = {0};
    struct bytes value;

    if (environment_value(environment, variable_autocommit(), &value)) {
        facts.autocommit_set = true;
        facts.autocommit = bytes_equal_text_nocase(value, "ON") || bytes_equal_text(value, "1");
    }
    if (environment_value(environment, variable_sql_mode(), &value)) {
        facts.sql_mode_set = true;
        facts.ansi_quotes = has_word(value, "ANSI_QUOTES");
        facts.no_backslash_escapes = has_word(value, "NO_BACKSLASH_ESCAPES");
        facts.oracle = has_word(value, "ORACLE");
    }
    return facts;
}

static struct environment *make(struct environment_store *store, const struct draft *draft,
                                size_t size_of_key)
{
    size_t head = sizeof(struct environment) + draft->count * sizeof(struct entry);
    struct environment *made = mem_calloc(1, head + size_of_key);
    uint8_t *key = (uint8_t *)made + head;
    uint8_t *at = key + sizeof(uint32_t);

    memcpy(key, store->scratch, size_of_key);
    made->store = store;
    made->size = head + size_of_key;
    made->key = bytes_of(key, size_of_key);
    made->schema = bytes_of(at, draft->schema.size);
    at += draft->schema.size;
    made->count = draft->count;
    for (size_t i = 0; i < draft->count; i++) {
        at += 2 * sizeof(uint32_t);
        made->entries[i].variable = draft->entries[i].variable;
        made->entries[i].value = bytes_of(at, draft->entries[i].value.size);
        at += draft->entries[i].value.size;
    }
    made->facts = work_out_facts(made);
    HASH_ADD_KEYPTR(hh, store->all, made->key.data, made->key.size, made);
    store->size += made->size;
    return made;
}

static const struct environment *intern(struct environment_store *store, const struct draft *draft)
{
    size_t size = key_size(draft);
    struct environment *found = NULL;

    if (sizeof *found + draft->count * sizeof(struct entry) + size > ENVIRONMENT_MAX_SIZE)
        return NULL;
    write_key(draft, store->scratch);
    HASH_FIND(hh, store->all, store->scratch, size, found);
    if (!found)
        found = make(store, draft, size);
    found->references++;
    return found;
}

/* --- altering a draft ------------------------------------------------------------------------ */

static void draft_from(struct draft *draft, const struct environment *environment)
{
    draft->schema = environment->schema;
    draft->count = environment->count;
    memcpy(draft->entries, environment->entries, draft->count * sizeof(struct entry));
}

static void drop_at(struct draft *draft, size_t position)
{
    draft->count--;
    memmove(&draft->entries[position], &draft->entries[position + 1],
            (draft->count - position) * sizeof(struct entry));
}

static void drop(struct draft *draft, int variable)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (draft->entries[i].variable == variable) {
            drop_at(draft, i);
            return;
        }
    }
}

/* True when the first is assigned before the second. */
static bool comes_before(int first, int second)
{
    enum variable_rank a = variable_at(first)->rank, b = variable_at(second)->rank;

    return a != b ? a < b : first < second;
}

static void put(struct draft *draft, int variable, struct bytes value)
{
    int group = variable_at(variable)->group;
    size_t position = 0;

    for (size_t i = draft->count; i-- > 0;) {
        int other = draft->entries[i].variable;

        if (other == variable || (group > 0 && variable_at(other)->group == group) ||
            variable_at(other)->reset_by == variable)
            drop_at(draft, i);
    }
    while (position < draft->count && comes_before(draft->entries[position].variable, variable))
        position++;
    memmove(&draft->entries[position + 1], &draft->entries[position],
            (draft->count - position) * sizeof(struct entry));
    draft->entries[position] = (struct entry){variable, value};
    draft->count++;
}

/* --- the store ------------------------------------------------------------------------------- */

struct environment_store *environment_store_new(void)
{
    struct environment_store *store = mem_calloc(1, sizeof *store);
    struct draft draft = {0};

    store->blank = intern(store, &draft);
    return store;
}

void environment_store_free(struct environment_store *store)
{
    if (!store)
        return;
    environment_unref(store->blank);
    assert(store->all == NULL);
    mem_free(store);
}

size_t environment_store_count(const struct environment_store *store)
{
    return HASH_COUNT(store->all);
}

size_t environment_store_size(const struct environment_store *store)
{
    return store->size;
}

/* --- the states ------------------------------------------------------------------------------ */

const struct environment *environment_blank(struct environment_store *store)
{
    return environment_ref(store->blank);
}

const struct environment *environment_with_schema(struct environment_store *store,
                                                  const struct environment *environment,
                                                  struct bytes schema)
{
    struct draft draft;

    if (schema.size > ENVIRONMENT_MAX_SCHEMA)
        return NULL;
    if (bytes_equal(schema, environment->schema))
        return environment_ref(environment);
    draft_from(&draft, environment);
    draft.schema = schema;
    return intern(store, &draft);
}

const struct environment *environment_with_variable(struct environment_store *store,
                                                    const struct environment *environment,
                                                    int variable, struct bytes value)
{
    struct draft draft;

    if (variable < 0 || (size_t)variable >= variable_count() ||
        (variable_at(variable)->flags & ~(unsigned)VARIABLE_TRACKING))
        return NULL;
    if (value.size > ENVIRONMENT_MAX_VALUE)
        return NULL;
    draft_from(&draft, environment);
    put(&draft, variable, value);
    return intern(store, &draft);
}

const struct environment *environment_without_variable(struct environment_store *store,
                                                       const struct environment *environment,
                                                       int variable)
{
    struct draft draft;

    draft_from(&draft, environment);
    drop(&draft, variable);
    return intern(store, &draft);
}

const struct environment *environment_with_charset(struct environment_store *store,
                                                   const struct environment *environment,
                                                   struct bytes charset, struct bytes collation)
{
    struct draft draft;

    if (charset.size > ENVIRONMENT_MAX_VALUE || collation.size > ENVIRONMENT_MAX_VALUE)
        return NULL;
    draft_from(&draft, environment);
    put(&draft, variable_character_set_client(), charset);
    put(&draft, variable_character_set_results(), charset);
    put(&draft, variable_collation_connection(), collation);
    return intern(store, &draft);
}

const struct environment *environment_without_variables(struct environment_store *store,
                                                        const struct environment *environment)
{
    struct draft draft = {.schema = environment->schema};

    return intern(store, &draft);
}

const struct environment *environment_import(struct environment_store *store,
                                             const struct environment *foreign)
{
    struct draft draft;

    draft_from(&draft, foreign);
    return intern(store, &draft);
}

const struct environment *environment_ref(const struct environment *environment)
{
    /* Immutable is what others see of it; the count is ours. */
    if (environment)
        ((struct environment *)environment)->references++;
    return environment;
}

void environment_unref(const struct environment *environment)
{
    struct environment *counted = (struct environment *)environment;

    if (!counted)
        return;
    assert(counted->references > 0);
    if (--counted->references > 0)
        return;
    counted->store->size -= counted->size;
    HASH_DELETE(hh, counted->store->all, counted);
    mem_free(counted);
}

/* --- looking at one -------------------------------------------------------------------------- */

struct bytes environment_schema(const struct environment *environment)
{
    return environment->schema;
}

bool environment_value(const struct environment *environment, int variable, struct bytes *value)
{
    for (size_t i = 0; i < environment->count; i++) {
        if (environment->entries[i].variable == variable) {
            *value = environment->entries[i].value;
            return true;
        }
    }
    return false;
}

bool environment_value_named(const struct environment *environment, const char *name,
                             struct bytes *value)
{
    int variable = variable_find(bytes_of_text(name));

    return variable >= 0 && environment_value(environment, variable, value);
}

const struct environment_facts *environment_facts(const struct environment *environment)
{
    return &environment->facts;
}

struct bytes environment_character_set_client(const struct environment *environment)
{
    struct bytes value = {NULL, 0};

    if (!environment_value(environment, variable_character_set_client(), &value))
        return (struct bytes){NULL, 0};
    return value;
}

size_t environment_size(const struct environment *environment)
{
    return environment->size;
}

size_t environment_variable_count(const struct environment *environment)
{
    return environment->count;
}

int environment_variable_at(const struct environment *environment, size_t position,
                            struct bytes *value)
{
    *value = environment->entries[position].value;
    return environment->entries[position].variable;
}
