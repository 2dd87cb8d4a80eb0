/*
 * The SQL of the admin port: one SQLite connection per client, in memory, with the tables of
 * tables.c as virtual tables in it and nothing else.
 *
 *   main = "tidemark"      the tables               (virtual_table.c)
 *   information_schema     what GUIs ask for        (information_schema.c)
 *
 * What a client can do to the program with it is bounded: the authorizer lets a read-only account
 * only select, and a full one change only the tables that take changes; a statement may compute for
 * ENGINE_COMPUTE_MS and have ENGINE_MEMORY_BYTES of SQLite's memory; SQL texts and values have a
 * greatest length.
 *
 * A connection runs one statement at a time. The first look at a table takes its rows, and the
 * statement sees those until it ends (engine_end).
 */
#ifndef TIDEMARK_PROXY_ADMIN_ENGINE_H
#define TIDEMARK_PROXY_ADMIN_ENGINE_H

#include "protocol/bytes.h"
#include "protocol/error.h"
#include "proxy/admin/table.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program;
struct live_edit;
struct drain;

enum {
    ENGINE_COMPUTE_MS = 5000,
    ENGINE_SQL_BYTES = 1 << 20,            /* longest statement */
    ENGINE_VALUE_BYTES = 4 << 20,          /* longest value, and row */
    ENGINE_MEMORY_BYTES = 32 << 20,        /* of SQLite's for one client */
    ENGINE_SNAPSHOT_BYTES = 64 << 20,      /* rows taken by one statement */
    ENGINE_ALL_MEMORY_BYTES = 256 << 20,   /* of SQLite's for all clients */
    ENGINE_ALL_SNAPSHOT_BYTES = 256 << 20, /* rows taken by all running statements */
};

#define ENGINE_SCHEMA "tidemark"

/* Who uses a connection; the texts are borrowed and outlive it. */
struct engine_client {
    uint32_t id; /* as in the greeting */
    const char *user;
    const char *peer; /* "127.0.0.1:4711" */
    const char *who;  /* "admin from 127.0.0.1:4711" */
    bool is_read_only;
};

/* The rows of one table, as a statement sees them. */
struct engine_snapshot {
    struct engine_snapshot *next;
    const struct admin_table *table;
    struct admin_rows *rows; /* owner */
    size_t bytes;
};

struct engine {
    struct program *program;
    struct engine_client client;
    const atomic_bool *is_stopping; /* ends what is being computed */
    sqlite3 *db;                    /* owner */
    struct engine_snapshot *snapshots;
    size_t snapshot_bytes;
    bool is_declaring;       /* SQLite is being told of a table of ours: no statement of a client */
    struct live_edit *edit;  /* owner: changes that were not committed yet; NULL: none */
    struct drain *drains;    /* owner: likewise, servers to drain or enable */
    char *change_error;      /* owner: why the last change was refused, or NULL */
    int64_t memory;          /* SQLite's, that this client's calls took */
    int64_t memory_at_entry; /* sqlite3_memory_used() when SQLite was entered */
    uint64_t computed_ns;    /* by the running statement, before the call that is going on */
    uint64_t entered_ns;
    enum { ENGINE_RUNS, ENGINE_TOO_LONG, ENGINE_TOO_MUCH, ENGINE_STOPPED } halt;
};

/* Once, before the first connection; false: SQLite refuses its settings (logged). */
bool engine_library_start(void);

/* NULL: no memory left for it. */
struct engine *engine_open(struct program *program, const struct engine_client *client,
                           const atomic_bool *is_stopping);
void engine_close(struct engine *engine);

/* One statement of SQLite's SQL. NULL with *error set; NULL without (code 0): nothing but blanks
 * and comments. The caller ends it with engine_finalize. */
sqlite3_stmt *engine_prepare(struct engine *engine, struct bytes sql, struct sql_error *error);

/* The next row. */
enum engine_step { ENGINE_ROW, ENGINE_DONE, ENGINE_FAILED };
enum engine_step engine_next(struct engine *engine, sqlite3_stmt *statement,
                             struct sql_error *error);

/* The statement is over, whether it ran to its end or not: it can be run again. A change that was
 * not committed is dropped, except inside a transaction. */
void engine_end(struct engine *engine, sqlite3_stmt *statement);
void engine_finalize(struct engine *engine, sqlite3_stmt *statement);

/* An explicit transaction is open. */
bool engine_in_transaction(const struct engine *engine);
/* Drops it. */
void engine_roll_back(struct engine *engine);

/* Around whatever else makes SQLite take or free memory: looking at values does. */
void engine_enter(struct engine *engine);
void engine_leave(struct engine *engine);

/* For virtual_table.c: the table's rows for the running statement; NULL: too many. */
struct admin_rows *engine_rows(struct engine *engine, const struct admin_table *table);

#endif
