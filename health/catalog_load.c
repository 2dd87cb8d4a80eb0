/*
 * Lists tables and views, and judges the views. A view counts as harmless only when that can be
 * shown: its text calls no stored function, no function that waits, locks or writes, and no view
 * that does; or its text is hidden from the monitor (it needs SHOW VIEW) but there is no stored or
 * loadable function anywhere that it could call.
 */
#include "health/answer.h"
#include "health/arena.h"
#include "health/fingerprint.h"
#include "health/probe.h"
#include "health/view_text.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 50000, VIEWS_MAX = 50000 }; /* the query's LIMIT is one more */

#define OWN_SCHEMAS "('information_schema','performance_schema','mysql','sys')"

/* Built-in functions with effects or secrets of a server; a view over one is no plain read. */
static const char *const restless_functions[] = {
    "benchmark",
    "connection_id",
    "found_rows",
    "get_lock",
    "is_free_lock",
    "is_used_lock",
    "last_insert_id",
    "lastval",
    "load_file",
    "master_gtid_wait",
    "master_pos_wait",
    "nextval",
    "release_all_locks",
    "release_lock",
    "row_count",
    "setval",
    "sleep",
    "source_pos_wait",
    "wait_for_executed_gtid_set",
    NULL,
};

struct view {
    size_t entry; /* index among the entries */
    struct bytes text;
};

struct listing {
    struct link *link;
    unsigned timeout_ms;
    struct arena *arena;
    struct catalog *catalog;
    struct catalog_entry *entries;
    size_t room;
    bool has_functions; /* stored or loadable ones exist, or it is not known */
    bool has_unreplicated;
    bool failed;
};

static bool ask(struct listing *l, const char *sql, struct answer *a)
{
    MYSQL_RES *result;
    enum link_result asked = link_query(l->link, sql, l->timeout_ms, &result);

    *a = answer_over(result);
    if (asked != LINK_OK && asked != LINK_SERVER_ERROR)
        l->failed = true;
    return asked == LINK_OK;
}

static const char *kept(struct listing *l, struct bytes field)
{
    return arena_text_of(l->arena, (const char *)field.data, field.size);
}

/* --- tables ----------------------------------------------------------------------------------- */

static enum relation relation_of(struct bytes type, struct bytes engine)
{
    if (bytes_equal_text_nocase(type, "VIEW"))
        return RELATION_VIEW;
    return bytes_equal_text_nocase(engine, "MEMORY") ? RELATION_UNREPLICATED : RELATION_TABLE;
}

static void add_entry(struct listing *l, const struct answer *a)
{
    enum relation relation = relation_of(answer_at(a, 2), answer_at(a, 3));

    if (l->catalog->count == l->room) {
        l->room *= 2;
        l->entries = health_realloc(l->entries, l->room, sizeof(*l->entries));
    }
    if (relation == RELATION_UNREPLICATED)
        l->has_unreplicated = true;
    l->entries[l->catalog->count++] =
        (struct catalog_entry){kept(l, answer_at(a, 0)), kept(l, answer_at(a, 1)), relation};
}

static void list_tables(struct listing *l)
{
    struct answer a;
    static const char select[] = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM "
                                 "information_schema.TABLES WHERE TABLE_SCHEMA NOT IN " OWN_SCHEMAS;
    static const char all[] = " LIMIT 50001";
    static const char special[] = " AND (TABLE_TYPE = 'VIEW' OR ENGINE = 'MEMORY')";
    char sql[sizeof(select) + sizeof(special)];

    memcpy(sql, select, sizeof(select));
    memcpy(sql + sizeof(select) - 1, all, sizeof(all));
    l->failed = !ask(l, sql, &a) || l->failed;
    l->catalog->is_complete = a.result && mysql_num_rows(a.result) <= ENTRIES_MAX;
    if (!l->catalog->is_complete && !l->failed) {
        answer_dispose(&a);
        memcpy(sql + sizeof(select) - 1, special, sizeof(special));
        l->failed = !ask(l, sql, &a) || l->failed;
    }
    while (!l->failed && answer_next(&a))
        add_entry(l, &a);
    answer_dispose(&a);
}

static void ask_case(struct listing *l)
{
    struct answer a;

    ask(l, "SELECT @@lower_case_table_names", &a);
    l->catalog->folds_case = answer_next(&a) && !bytes_equal_text(answer_at(&a, 0), "0");
    answer_dispose(&a);
}

static bool has_rows(struct listing *l, const char *sql)
{
    struct answer a;
    bool rows = !ask(l, sql, &a) || answer_next(&a); /* what may not be seen may be there */

    answer_dispose(&a);
    return rows;
}

/* --- views ------------------------------------------------------------------------------------ */

static struct catalog_entry *entry_of(struct listing *l, struct bytes schema, struct bytes name)
{
    size_t low = 0;
    size_t high = l->catalog->count;

    /* catalog_find() gives the relation; here the entry itself is wanted, by the same order. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = catalog_compare(&l->entries[middle], schema, name, l->catalog->folds_case);
        if (order == 0)
            return &l->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static enum relation judge_hidden(const struct listing *l)
{
    if (l->has_functions)
        return RELATION_PROGRAM_VIEW;
    return l->has_unreplicated ? RELATION_UNREPLICATED : RELATION_VIEW;
}

static enum relation judge_text(struct listing *l, struct bytes text)
{
    size_t at = 0;
    struct bytes schema;
    struct bytes name;
    enum relation relation = RELATION_VIEW;

    if (view_text_calls_stored(text) || view_text_calls_any(text, restless_functions))
        return RELATION_PROGRAM_VIEW;
    while (view_text_next_pair(text, &at, &schema, &name)) {
        const struct catalog_entry *e = entry_of(l, schema, name);
        if (e && e->relation == RELATION_PROGRAM_VIEW)
            return RELATION_PROGRAM_VIEW;
        if (e && e->relation == RELATION_UNREPLICATED)
            relation = RELATION_UNREPLICATED;
    }
    return relation;
}

/* Views over views: judged again until nothing changes, which takes as many rounds as they nest. */
static void judge_views(struct listing *l, const struct view *views, size_t count)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            struct catalog_entry *e = &l->entries[views[i].entry];
            enum relation relation =
                bytes_is_empty(views[i].text) ? judge_hidden(l) : judge_text(l, views[i].text);
            if (relation > e->relation) {
                e->relation = relation;
                changed = true;
            }
        }
    }
}

static void list_views(struct listing *l)
{
    struct answer a;
    bool good = ask(l,
                    "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM "
                    "information_schema.VIEWS WHERE TABLE_SCHEMA NOT IN " OWN_SCHEMAS,
                    &a);
    size_t rows = a.result ? (size_t)mysql_num_rows(a.result) : 0;
    struct view *views = health_alloc(rows, sizeof(*views));
    size_t n = 0;

    l->failed = l->failed || !good;
    while (n < rows && n < VIEWS_MAX && answer_next(&a)) {
        struct catalog_entry *e = entry_of(l, answer_at(&a, 0), answer_at(&a, 1));
        if (e)
            views[n++] = (struct view){(size_t)(e - l->entries), answer_at(&a, 2)};
    }
    if (!l->failed)
        judge_views(l, views, n); /* the texts are borrowed from the result */
    free(views);
    answer_dispose(&a);
}

/* --- all -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b, void *folds_case)
{
    const struct catalog_entry *y = b;

    return catalog_compare(a, bytes_of_text(y->schema), bytes_of_text(y->name),
                           *(const bool *)folds_case);
}

static void finish(struct listing *l)
{
    struct catalog *c = l->catalog;
    struct catalog_entry *entries = arena_alloc(l->arena, c->count, sizeof(*entries));
    uint64_t n = c->is_complete ? FINGERPRINT_START : ~FINGERPRINT_START;

    if (c->count)
        memcpy(entries, l->entries, c->count * sizeof(*entries));
    for (size_t i = 0; i < c->count; i++)
        n = fingerprint_of(fingerprint_of(n ^ (uint64_t)entries[i].relation, entries[i].schema),
                           entries[i].name);
    c->entries = entries;
    c->fingerprint = n;
}

struct catalog *catalog_over(struct link *link, unsigned timeout_ms)
{
    struct arena *arena = arena_new();
    struct catalog *catalog = arena_alloc(arena, 1, sizeof(*catalog));
    struct listing l = {.link = link, .timeout_ms = timeout_ms, .arena = arena, .catalog = catalog};

    atomic_init(&catalog->references, 1);
    catalog->memory = arena;
    l.room = 64;
    l.entries = health_alloc(l.room, sizeof(*l.entries));
    ask_case(&l);
    list_tables(&l);
    if (!l.failed)
        qsort_r(l.entries, catalog->count, sizeof(*l.entries), by_name, &catalog->folds_case);
    if (!l.failed) {
        l.has_functions = has_rows(&l, "SELECT 1 FROM information_schema.ROUTINES WHERE "
                                       "ROUTINE_SCHEMA NOT IN " OWN_SCHEMAS " LIMIT 1") ||
                          has_rows(&l, "SELECT 1 FROM mysql.func LIMIT 1");
        list_views(&l);
    }
    if (!l.failed)
        finish(&l);
    free(l.entries);
    if (l.failed) {
        arena_free(arena);
        return NULL;
    }
    return catalog;
}
