/*
 * Look-ups in facts and catalogs. Both are sorted arrays: they are built once and searched by every
 * worker, so they stay in one piece of memory and need no locks.
 */
#include "health/facts.h"

#include "health/arena.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *flavor_name(enum flavor flavor)
{
    switch (flavor) {
    case FLAVOR_MYSQL:
        return "mysql";
    case FLAVOR_MARIADB:
        return "mariadb";
    case FLAVOR_UNKNOWN:
        break;
    }
    return "unknown";
}

const struct collation *facts_collation(const struct server_facts *facts, unsigned id)
{
    size_t low = 0;
    size_t high = facts->collation_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->collations[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < facts->collation_count && facts->collations[low].id == id ? &facts->collations[low]
                                                                           : NULL;
}

const struct collation *facts_collation_named(const struct server_facts *facts, struct bytes name)
{
    for (size_t i = 0; i < facts->collation_count; i++) {
        if (bytes_equal_text_nocase(name, facts->collations[i].name))
            return &facts->collations[i];
    }
    return NULL;
}

const struct collation *facts_default_collation(const struct server_facts *facts,
                                                struct bytes charset)
{
    for (size_t i = 0; i < facts->collation_count; i++) {
        const struct collation *c = &facts->collations[i];
        if (c->is_default && bytes_equal_text_nocase(charset, c->charset))
            return c;
    }
    return NULL;
}

static int variable_order(const void *name, const void *variable)
{
    return strcasecmp(name, ((const struct server_variable *)variable)->name);
}

const char *facts_variable(const struct server_facts *facts, const char *name)
{
    const struct server_variable *found =
        facts->variable_count ? bsearch(name, facts->variables, facts->variable_count,
                                        sizeof(*facts->variables), variable_order)
                              : NULL;

    return found ? found->value : NULL;
}

/* --- replication filters ---------------------------------------------------------------------- */

/* LIKE, as the servers match it: % any text, _ any byte, \ takes the next byte as it is. */
static bool is_like(struct bytes text, const char *pattern)
{
    size_t at = 0;
    const char *star = NULL; /* the pattern after the last %, */
    size_t star_at = 0;      /* and where its text ended so far */

    for (;;) {
        bool escaped = pattern[0] == '\\' && pattern[1];
        char p = escaped ? pattern[1] : pattern[0];
        if (!escaped && p == '%') {
            star = ++pattern;
            star_at = at;
        } else if (at < text.size && p &&
                   ((!escaped && p == '_') ||
                    strncasecmp(&p, (const char *)text.data + at, 1) == 0)) {
            pattern += escaped ? 2 : 1;
            at++;
        } else if (at == text.size && !p) {
            return true;
        } else if (star && star_at < text.size) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
}

static bool is_listed(const char *const *list, struct bytes name)
{
    for (; list && *list; list++) {
        if (bytes_equal_text_nocase(name, *list))
            return true;
    }
    return false;
}

static bool is_listed_wild(const char *const *list, struct bytes name)
{
    for (; list && *list; list++) {
        if (is_like(name, *list))
            return true;
    }
    return false;
}

/*
 * The servers' order of table rules (manual, "Evaluation of Table-Level Replication Options"): do,
 * ignore, wild do, wild ignore; with any do rule left unmatched the answer is no.
 */
static bool table_passes(const struct filters *f, struct bytes full)
{
    if (is_listed(f->do_tables, full))
        return true;
    if (is_listed(f->ignore_tables, full))
        return false;
    if (is_listed_wild(f->wild_do_tables, full))
        return true;
    if (is_listed_wild(f->wild_ignore_tables, full))
        return false;
    return !f->do_tables && !f->wild_do_tables;
}

bool facts_replicates(const struct server_facts *facts, struct bytes schema, struct bytes table)
{
    const struct filters *f = &facts->filters;
    char full[1024];

    if (!f->any)
        return true;
    if (f->do_schemas && !is_listed(f->do_schemas, schema))
        return false;
    if (is_listed(f->ignore_schemas, schema))
        return false;
    if (!f->do_tables && !f->ignore_tables && !f->wild_do_tables && !f->wild_ignore_tables)
        return true;
    if (bytes_is_empty(table) || schema.size + table.size + 1 > sizeof(full))
        return false; /* not known which table: some of them are left out */
    memcpy(full, schema.data, schema.size);
    full[schema.size] = '.';
    memcpy(full + schema.size + 1, table.data, table.size);
    return table_passes(f, bytes_of(full, schema.size + table.size + 1));
}

/* --- catalog ---------------------------------------------------------------------------------- */

static int text_order(const char *a, struct bytes b, bool folds_case)
{
    size_t size = strlen(a);
    size_t common = size < b.size ? size : b.size;
    int order =
        folds_case ? strncasecmp(a, (const char *)b.data, common) : memcmp(a, b.data, common);

    return common && order ? order : size < b.size ? -1 : size > b.size;
}

int catalog_compare(const struct catalog_entry *entry, struct bytes schema, struct bytes name,
                    bool folds_case)
{
    int order = text_order(entry->schema, schema, folds_case);

    return order ? order : text_order(entry->name, name, folds_case);
}

enum relation catalog_find(const struct catalog *catalog, struct bytes schema, struct bytes name)
{
    size_t low = 0;
    size_t high = catalog ? catalog->count : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct catalog_entry *e = &catalog->entries[middle];
        int order = catalog_compare(e, schema, name, catalog->folds_case);
        if (order == 0)
            return e->relation;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return catalog && !catalog->is_complete ? RELATION_TABLE : RELATION_UNKNOWN;
}

/* --- references ------------------------------------------------------------------------------- */

struct server_facts *facts_ref(struct server_facts *facts)
{
    if (facts)
        atomic_fetch_add_explicit(&facts->references, 1, memory_order_relaxed);
    return facts;
}

void facts_unref(struct server_facts *facts)
{
    if (facts && atomic_fetch_sub_explicit(&facts->references, 1, memory_order_acq_rel) == 1)
        arena_free(facts->memory); /* which holds *facts too */
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    if (catalog)
        atomic_fetch_add_explicit(&catalog->references, 1, memory_order_relaxed);
    return catalog;
}

void catalog_unref(struct catalog *catalog)
{
    if (catalog && atomic_fetch_sub_explicit(&catalog->references, 1, memory_order_acq_rel) == 1)
        arena_free(catalog->memory);
}
