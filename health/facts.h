/*
 * What a server says about itself once: version, default plugin, variables, collations, replication
 * filters; and the catalog: which tables and views there are and which of them must be read on the
 * primary. Both are immutable and reference-counted, read by workers without locks as part of a
 * topology snapshot.
 */
#ifndef HEALTH_FACTS_H
#define HEALTH_FACTS_H

#include "protocol/bytes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flavor { FLAVOR_UNKNOWN, FLAVOR_MYSQL, FLAVOR_MARIADB };

const char *flavor_name(enum flavor flavor); /* "unknown", "mysql", "mariadb" */

/* A row of information_schema.collations: what the one or two byte id of the protocol means. */
struct collation {
    uint16_t id;
    const char *name;
    const char *charset;
    bool is_default; /* of its character set */
};

struct server_variable {
    const char *name;
    const char *value;
};

/* Replication filters of one server, as SHOW REPLICA STATUS prints them. */
struct filters {
    bool any;
    const char *const *do_schemas; /* NULL-ended lists; NULL when empty */
    const char *const *ignore_schemas;
    const char *const *do_tables; /* "schema.table" */
    const char *const *ignore_tables;
    const char *const *wild_do_tables; /* LIKE patterns over "schema.table" */
    const char *const *wild_ignore_tables;
};

struct server_facts {
    atomic_uint references;
    const char *version; /* @@version */
    enum flavor flavor;
    unsigned version_number;    /* 101119 for 10.11.19, 90704 for 9.7.4 */
    const char *default_plugin; /* "caching_sha2_password" or "mysql_native_password", ... */
    const char *sql_mode;       /* @@global.sql_mode */
    const char *tracked; /* the names of health_options.tracked that it knows, comma between */
    size_t collation_count;
    const struct collation *collations; /* sorted by id */
    size_t variable_count;
    const struct server_variable *variables; /* SHOW GLOBAL VARIABLES, sorted by name */
    struct filters filters; /* of what it applies; on the primary, of what it logs */
    uint64_t fingerprint;   /* of all of the above: equal facts have equal ones */
    void *memory;           /* owner of all of the above */
};

/* NULL when the server has no such collation or variable. Names are compared in ASCII lower case.
 */
const struct collation *facts_collation(const struct server_facts *facts, unsigned id);
const struct collation *facts_collation_named(const struct server_facts *facts, struct bytes name);
const struct collation *facts_default_collation(const struct server_facts *facts,
                                                struct bytes charset);
const char *facts_variable(const struct server_facts *facts, const char *name);

/* False when filters of this server leave changes of that table out (an empty table name: of the
 * schema as a whole). Row-based rules: what counts is the table's schema, not the default one. */
bool facts_replicates(const struct server_facts *facts, struct bytes schema, struct bytes table);

enum relation {
    RELATION_UNKNOWN, /* not listed (yet): read it on the primary, and call health_relist() */
    RELATION_TABLE,
    RELATION_VIEW,         /* reaches no stored program */
    RELATION_UNREPLICATED, /* a MEMORY table, or a view over one: read it on the primary */
    RELATION_PROGRAM_VIEW, /* may reach a stored function: counts as a call of one */
};

struct catalog_entry {
    const char *schema;
    const char *name;
    enum relation relation;
};

/* All tables and views of all schemas except the server's own, sorted. */
struct catalog {
    atomic_uint references;
    bool folds_case;  /* lower_case_table_names is not 0: names are compared without case */
    bool is_complete; /* false: too many tables; only views and MEMORY tables are listed, and
                         everything else counts as a table */
    size_t count;
    const struct catalog_entry *entries;
    uint64_t fingerprint;
    void *memory;
};

/* The order of a catalog's entries: below 0 when `entry` comes before schema.name, 0: it is it. */
int catalog_compare(const struct catalog_entry *entry, struct bytes schema, struct bytes name,
                    bool folds_case);

/* What kind of thing a name is; without a catalog (NULL) everything is RELATION_UNKNOWN. The
 * schemas information_schema, performance_schema, mysql and sys are never listed: the caller knows
 * them. */
enum relation catalog_find(const struct catalog *catalog, struct bytes schema, struct bytes name);

struct server_facts *facts_ref(struct server_facts *facts);
void facts_unref(struct server_facts *facts);
struct catalog *catalog_ref(struct catalog *catalog);
void catalog_unref(struct catalog *catalog);

#endif
