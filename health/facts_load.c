/*
 * Reads a server's facts: a handful of queries, asked over a new connection and once in a while
 * after that. What moves all the time (GTID positions are variables, too) is left out, so that the
 * same server gives the same fingerprint.
 */
#include "health/answer.h"
#include "health/arena.h"
#include "health/fingerprint.h"
#include "health/probe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VARIABLES_MAX = 8192, COLLATIONS_MAX = 8192, LIST_MAX = 1024 };

struct loading {
    struct link *link;
    unsigned timeout_ms;
    struct arena *arena;
    struct server_facts *facts;
};

static const char *kept(struct loading *l, struct bytes field)
{
    return arena_text_of(l->arena, (const char *)field.data, field.size);
}

static bool ask(struct loading *l, const char *sql, struct answer *a)
{
    MYSQL_RES *result;
    enum link_result asked = link_query(l->link, sql, l->timeout_ms, &result);

    *a = answer_over(result);
    return asked == LINK_OK;
}

static size_t rows_of(const struct answer *a, size_t max)
{
    size_t rows = a->result ? (size_t)mysql_num_rows(a->result) : 0;

    return rows < max ? rows : max;
}

/* --- variables -------------------------------------------------------------------------------- */

static bool is_restless(struct bytes name)
{
    return bytes_start_with(name, "gtid_") || bytes_start_with(name, "rand_seed") ||
           bytes_start_with(name, "innodb_thread_sleep") || bytes_equal_text(name, "timestamp");
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const struct server_variable *)a)->name,
                      ((const struct server_variable *)b)->name);
}

static bool load_variables(struct loading *l)
{
    struct answer a;
    bool good = ask(l, "SHOW GLOBAL VARIABLES", &a);
    size_t rows = rows_of(&a, VARIABLES_MAX);
    struct server_variable *list = arena_alloc(l->arena, rows, sizeof(*list));
    size_t n = 0;

    while (n < rows && answer_next(&a)) {
        if (!is_restless(answer_at(&a, 0)))
            list[n++] =
                (struct server_variable){kept(l, answer_at(&a, 0)), kept(l, answer_at(&a, 1))};
    }
    answer_dispose(&a);
    qsort(list, n, sizeof(*list), by_name);
    l->facts->variables = list;
    l->facts->variable_count = n;
    return good;
}

static bool is_wanted(const char *const *tracked, struct bytes name)
{
    for (; tracked && *tracked; tracked++) {
        if (bytes_equal_text_nocase(name, *tracked))
            return true;
    }
    return false;
}

/* MariaDB refuses a list of tracked variables that names one it does not have. */
static bool load_tracked(struct loading *l, const char *const *tracked)
{
    struct answer a;
    bool good = ask(l, "SHOW SESSION VARIABLES", &a);
    size_t size = 1;

    for (const char *const *t = tracked; t && *t; t++)
        size += strlen(*t) + 1;
    char *list = arena_alloc(l->arena, size, 1);
    char *end = list;
    while (answer_next(&a)) {
        struct bytes name = answer_at(&a, 0);
        if (!is_wanted(tracked, name) || (size_t)(end - list) + name.size + 2 > size)
            continue;
        if (end != list)
            *end++ = ',';
        memcpy(end, name.data, name.size);
        end += name.size;
    }
    answer_dispose(&a);
    l->facts->tracked = list;
    return good;
}

/*
 * The plugin a server names in its greeting: MySQL 8.4 and newer have a policy whose first element
 * is a plugin or "*", older ones a variable; MariaDB always names mysql_native_password.
 */
static void conclude_plugin(struct loading *l)
{
    const char *policy = facts_variable(l->facts, "authentication_policy");
    const char *plugin = facts_variable(l->facts, "default_authentication_plugin");

    if (l->facts->flavor == FLAVOR_MARIADB || l->link->version_number < 50700)
        plugin = "mysql_native_password";
    else if (policy && policy[0] && policy[0] != '*' && policy[0] != ',')
        plugin = arena_text_of(l->arena, policy, strcspn(policy, ":,"));
    l->facts->default_plugin = plugin && plugin[0] ? plugin : "caching_sha2_password";
}

/* --- collations ------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return (int)((const struct collation *)a)->id - (int)((const struct collation *)b)->id;
}

static void read_collations(struct loading *l, struct answer *a)
{
    size_t rows = rows_of(a, COLLATIONS_MAX);
    struct collation *list = arena_alloc(l->arena, rows, sizeof(*list));
    size_t n = 0;

    while (n < rows && answer_next(a)) {
        uint64_t id = answer_number_at(a, 0);
        if (id == 0 || id > UINT16_MAX)
            continue;
        list[n++] = (struct collation){
            .id = (uint16_t)id,
            .name = kept(l, answer_at(a, 1)),
            .charset = kept(l, answer_at(a, 2)),
            .is_default = bytes_equal_text_nocase(answer_at(a, 3), "Yes"),
        };
    }
    qsort(list, n, sizeof(*list), by_id);
    l->facts->collations = list;
    l->facts->collation_count = n;
}

/*
 * Since 10.10 MariaDB has collations that apply to several character sets, one id for each pair;
 * only this table has them all.
 */
static bool load_collations(struct loading *l)
{
    struct answer a;
    bool good = false;

    if (l->facts->flavor == FLAVOR_MARIADB) {
        good = ask(l,
                   "SELECT ID, FULL_COLLATION_NAME, CHARACTER_SET_NAME, IS_DEFAULT FROM "
                   "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY",
                   &a);
        if (good)
            read_collations(l, &a);
        answer_dispose(&a);
    }
    if (good || !link_is_open(l->link))
        return good;
    good = ask(l,
               "SELECT ID, COLLATION_NAME, CHARACTER_SET_NAME, IS_DEFAULT FROM "
               "information_schema.COLLATIONS",
               &a);
    read_collations(l, &a);
    answer_dispose(&a);
    return good;
}

/* --- filters ---------------------------------------------------------------------------------- */

/* "a,b" as a NULL-ended list; NULL when empty. */
static const char *const *split(struct loading *l, struct bytes field)
{
    const char **list = arena_alloc(l->arena, LIST_MAX + 1, sizeof(*list));
    size_t n = 0;

    while (!bytes_is_empty(field) && n < LIST_MAX) {
        const uint8_t *comma = memchr(field.data, ',', field.size);
        size_t size = comma ? (size_t)(comma - field.data) : field.size;
        struct bytes name = bytes_first(field, size);
        if (!bytes_is_empty(name))
            list[n++] = kept(l, name);
        field = bytes_after(field, size + 1);
    }
    return n ? (const char *const *)list : NULL;
}

static const char *const *list_named(struct loading *l, const struct answer *a, const char *name)
{
    struct bytes field = answer_named(a, name, NULL);

    return bytes_is_empty(field) ? NULL : split(l, field);
}

static void read_filters(struct loading *l, const struct answer *a)
{
    struct filters *f = &l->facts->filters;

    f->do_schemas = list_named(l, a, "Replicate_Do_DB");
    f->ignore_schemas = list_named(l, a, "Replicate_Ignore_DB");
    f->do_tables = list_named(l, a, "Replicate_Do_Table");
    f->ignore_tables = list_named(l, a, "Replicate_Ignore_Table");
    f->wild_do_tables = list_named(l, a, "Replicate_Wild_Do_Table");
    f->wild_ignore_tables = list_named(l, a, "Replicate_Wild_Ignore_Table");
}

static bool load_filters(struct loading *l)
{
    struct filters *f = &l->facts->filters;
    bool is_mariadb = l->facts->flavor == FLAVOR_MARIADB;
    struct answer a;

    ask(l,
        is_mariadb                         ? "SHOW ALL SLAVES STATUS"
        : l->link->version_number >= 80022 ? "SHOW REPLICA STATUS"
                                           : "SHOW SLAVE STATUS",
        &a);
    bool is_replica = answer_next(&a);
    if (is_replica)
        read_filters(l, &a);
    answer_dispose(&a);
    if (!is_replica && link_is_open(l->link)) { /* then what counts is what it logs */
        ask(l,
            !is_mariadb && l->link->version_number >= 80200 ? "SHOW BINARY LOG STATUS"
                                                            : "SHOW MASTER STATUS",
            &a);
        if (answer_next(&a)) {
            f->do_schemas = list_named(l, &a, "Binlog_Do_DB");
            f->ignore_schemas = list_named(l, &a, "Binlog_Ignore_DB");
        }
        answer_dispose(&a);
    }
    f->any = f->do_schemas || f->ignore_schemas || f->do_tables || f->ignore_tables ||
             f->wild_do_tables || f->wild_ignore_tables;
    return link_is_open(l->link);
}

/* --- all -------------------------------------------------------------------------------------- */

static uint64_t fingerprint_list(uint64_t so_far, const char *const *list)
{
    for (; list && *list; list++)
        so_far = fingerprint_of(so_far, *list);
    return fingerprint_of(so_far, "");
}

static uint64_t fingerprint_facts(const struct server_facts *f)
{
    uint64_t n = fingerprint_of(FINGERPRINT_START, f->version);
    const struct filters *filters = &f->filters;

    n = fingerprint_of(n, f->default_plugin);
    n = fingerprint_of(n, f->tracked);
    for (size_t i = 0; i < f->variable_count; i++)
        n = fingerprint_of(fingerprint_of(n, f->variables[i].name), f->variables[i].value);
    for (size_t i = 0; i < f->collation_count; i++)
        n = fingerprint_of(n ^ f->collations[i].id, f->collations[i].name);
    n = fingerprint_list(n, filters->do_schemas);
    n = fingerprint_list(n, filters->ignore_schemas);
    n = fingerprint_list(n, filters->do_tables);
    n = fingerprint_list(n, filters->ignore_tables);
    n = fingerprint_list(n, filters->wild_do_tables);
    return fingerprint_list(n, filters->wild_ignore_tables);
}

static void conclude(struct loading *l)
{
    struct server_facts *f = l->facts;
    const char *version = facts_variable(f, "version");
    const char *sql_mode = facts_variable(f, "sql_mode");

    f->version = version ? version : arena_text(l->arena, mysql_get_server_info(l->link->mysql));
    f->version_number = l->link->version_number;
    f->sql_mode = sql_mode ? sql_mode : "";
    conclude_plugin(l);
    f->fingerprint = fingerprint_facts(f);
}

struct server_facts *facts_over(struct link *link, unsigned timeout_ms, const char *const *tracked)
{
    struct arena *arena = arena_new();
    struct server_facts *facts = arena_alloc(arena, 1, sizeof(*facts));
    struct loading l = {link, timeout_ms, arena, facts};

    atomic_init(&facts->references, 1);
    facts->memory = arena;
    facts->flavor = link->flavor;
    if (!load_variables(&l) || !load_tracked(&l, tracked) || !load_collations(&l) ||
        !load_filters(&l)) {
        arena_free(arena);
        return NULL;
    }
    conclude(&l);
    return facts;
}
