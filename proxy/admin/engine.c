/*
 * SQLite connections of the admin port. See engine.h.
 */
#include "proxy/admin/engine.h"

#include "proxy/admin/access.h"
#include "proxy/admin/change.h"
#include "proxy/admin/engine_error.h"
#include "proxy/admin/functions.h"
#include "proxy/admin/rows.h"
#include "proxy/admin/virtual_table.h"
#include "proxy/clock.h"
#include "proxy/live.h"
#include "proxy/log.h"
#include "proxy/memory.h"

#include <limits.h>

enum {
    PROGRESS_STEPS = 1000, /* of SQLite's machine between two looks at the clock */
    EXPRESSION_DEPTH = 200,
    COMPOUND_SELECTS = 50,
    COLUMNS_MAX = 500,
    PARAMETERS_MAX = 1000,
    LIKE_PATTERN_BYTES = 1000,
    MACHINE_STEPS = 100000, /* instructions of one prepared statement */
};

/* Rows taken by all clients. Only the admin port's thread comes here. */
static size_t all_snapshot_bytes;

bool engine_library_start(void)
{
    if (sqlite3_initialize() != SQLITE_OK) {
        log_error(log_name("admin", NULL), "SQLite cannot be started");
        return false;
    }
    sqlite3_hard_heap_limit64(ENGINE_ALL_MEMORY_BYTES);
    return true;
}

/* ---- the bounds of a statement ---- */

void engine_enter(struct engine *engine)
{
    engine->memory_at_entry = sqlite3_memory_used();
    engine->entered_ns = clock_now();
}

void engine_leave(struct engine *engine)
{
    engine->memory += sqlite3_memory_used() - engine->memory_at_entry;
    engine->computed_ns += clock_now() - engine->entered_ns;
}

/* SQLite asks every so many steps; not 0 ends the statement. */
static int on_progress(void *context)
{
    struct engine *engine = context;
    uint64_t computed_ns = engine->computed_ns + clock_now() - engine->entered_ns;
    int64_t memory = engine->memory + sqlite3_memory_used() - engine->memory_at_entry;

    if (atomic_load(engine->is_stopping)) {
        engine->halt = ENGINE_STOPPED;
    } else if (computed_ns > (uint64_t)ENGINE_COMPUTE_MS * 1000000) {
        engine->halt = ENGINE_TOO_LONG;
    } else if (memory > ENGINE_MEMORY_BYTES) {
        engine->halt = ENGINE_TOO_MUCH;
    }
    return engine->halt != ENGINE_RUNS;
}

static void set_limits(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ENGINE_VALUE_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 2 * ENGINE_SQL_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, COMPOUND_SELECTS);
    sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, MACHINE_STEPS);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LIKE_PATTERN_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1); /* ours is attached already */
}

/* ---- life ---- */

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool set_up(struct engine *engine)
{
    sqlite3 *db = engine->db;

    if (sqlite3_db_config(db, SQLITE_DBCONFIG_MAINDBNAME, ENGINE_SCHEMA) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL) != SQLITE_OK ||
        !run(db, "PRAGMA temp_store = MEMORY; ATTACH ':memory:' AS information_schema") ||
        !functions_register(engine) || !virtual_tables_create(engine)) {
        return false;
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    set_limits(db);
    sqlite3_set_authorizer(db, access_check, engine);
    sqlite3_progress_handler(db, PROGRESS_STEPS, on_progress, engine);
    return true;
}

struct engine *engine_open(struct program *program, const struct engine_client *client,
                           const atomic_bool *is_stopping)
{
    struct engine *engine = mem_calloc(1, sizeof *engine);
    bool is_open;

    engine->program = program;
    engine->client = *client;
    engine->is_stopping = is_stopping;
    engine_enter(engine);
    is_open = sqlite3_open_v2(":memory:", &engine->db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                  SQLITE_OPEN_PRIVATECACHE,
                              NULL) == SQLITE_OK &&
              set_up(engine);
    engine_leave(engine);
    if (!is_open) {
        log_error(log_name("admin", NULL), "no SQLite connection: %s", sqlite3_errmsg(engine->db));
        engine_close(engine);
        return NULL;
    }
    return engine;
}

static void drop_snapshots(struct engine *engine)
{
    while (engine->snapshots != NULL) {
        struct engine_snapshot *snapshot = engine->snapshots;

        engine->snapshots = snapshot->next;
        admin_rows_free(snapshot->rows);
        mem_free(snapshot);
    }
    all_snapshot_bytes -= engine->snapshot_bytes;
    engine->snapshot_bytes = 0;
}

static void drop_change(struct engine *engine)
{
    change_drop(engine);
    mem_free(engine->change_error);
    engine->change_error = NULL;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    sqlite3_close_v2(engine->db);
    drop_snapshots(engine);
    drop_change(engine);
    mem_free(engine);
}

/* ---- statements ---- */

sqlite3_stmt *engine_prepare(struct engine *engine, struct bytes sql, struct sql_error *error)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    int status;

    *error = (struct sql_error){0};
    engine->halt = ENGINE_RUNS;
    engine_enter(engine);
    status =
        sqlite3_prepare_v2(engine->db, (const char *)sql.data, (int)sql.size, &statement, &tail);
    engine_leave(engine);
    if (status != SQLITE_OK) {
        *error = engine_error(engine, status, sql);
    }
    return statement;
}

enum engine_step engine_next(struct engine *engine, sqlite3_stmt *statement,
                             struct sql_error *error)
{
    int status;

    engine_enter(engine);
    status = sqlite3_step(statement);
    engine_leave(engine);
    if (status == SQLITE_ROW) {
        return ENGINE_ROW;
    }
    if (status == SQLITE_DONE) {
        return ENGINE_DONE;
    }
    *error = engine_error(engine, status, bytes_of_text(sqlite3_sql(statement)));
    return ENGINE_FAILED;
}

/* What the connection has while nothing runs. Counting call by call would drift. */
static int64_t memory_at_rest(const struct engine *engine)
{
    static const int parts[] = {SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED,
                                SQLITE_DBSTATUS_STMT_USED};
    int64_t sum = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int now = 0;
        int most = 0;

        sqlite3_db_status(engine->db, parts[i], &now, &most, 0);
        sum += now;
    }
    return sum;
}

void engine_end(struct engine *engine, sqlite3_stmt *statement)
{
    engine_enter(engine);
    sqlite3_reset(statement);
    engine_leave(engine);
    drop_snapshots(engine);
    if (!engine_in_transaction(engine)) {
        drop_change(engine);
    }
    engine->memory = memory_at_rest(engine);
    engine->computed_ns = 0;
    engine->halt = ENGINE_RUNS;
}

void engine_finalize(struct engine *engine, sqlite3_stmt *statement)
{
    engine_end(engine, statement);
    engine_enter(engine);
    sqlite3_finalize(statement);
    engine_leave(engine);
}

bool engine_in_transaction(const struct engine *engine)
{
    return !sqlite3_get_autocommit(engine->db);
}

void engine_roll_back(struct engine *engine)
{
    if (engine_in_transaction(engine)) {
        engine_enter(engine);
        run(engine->db, "ROLLBACK");
        engine_leave(engine);
    }
    drop_change(engine);
}

/* ---- rows ---- */

static struct engine_snapshot *find_snapshot(const struct engine *engine,
                                             const struct admin_table *table)
{
    struct engine_snapshot *snapshot = engine->snapshots;

    while (snapshot != NULL && snapshot->table != table) {
        snapshot = snapshot->next;
    }
    return snapshot;
}

struct admin_rows *engine_rows(struct engine *engine, const struct admin_table *table)
{
    struct engine_snapshot *snapshot = find_snapshot(engine, table);

    if (snapshot != NULL) {
        return snapshot->rows;
    }
    snapshot = mem_calloc(1, sizeof *snapshot);
    snapshot->table = table;
    snapshot->rows = admin_rows_new(table->column_count);
    table->fill(engine->program, snapshot->rows);
    snapshot->bytes = admin_rows_bytes_held(snapshot->rows);
    snapshot->next = engine->snapshots;
    engine->snapshots = snapshot;
    engine->snapshot_bytes += snapshot->bytes;
    all_snapshot_bytes += snapshot->bytes;
    if (engine->snapshot_bytes > ENGINE_SNAPSHOT_BYTES ||
        all_snapshot_bytes > ENGINE_ALL_SNAPSHOT_BYTES) {
        engine->halt = ENGINE_TOO_MUCH;
        return NULL;
    }
    return snapshot->rows;
}
