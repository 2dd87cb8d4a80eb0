/*
 * The tables of information_schema. See information_schema.h; their columns are MySQL's, in part.
 */
#include "proxy/admin/information_schema.h"

#include "proxy/admin/rows.h"
#include "proxy/admin/tables.h"
#include "proxy/admin/system_variables.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SCHEMA "tidemark"
#define INFORMATION "information_schema"
#define COLLATION "utf8mb4_general_ci"

#define NUMBER(column)                                                                             \
    {                                                                                              \
        .name = #column, .type = ADMIN_INTEGER                                                     \
    }
#define TEXT(column)                                                                               \
    {                                                                                              \
        .name = #column, .type = ADMIN_TEXT                                                        \
    }

#define TABLE(table, columns_, fill_)                                                              \
    static const struct admin_table table = {.name = #table,                                       \
                                             .help = "for drivers and GUIs",                       \
                                             .columns = (columns_),                                \
                                             .column_count =                                       \
                                                 sizeof(columns_) / sizeof(columns_)[0],           \
                                             .fill = (fill_)}

/* Appends as many NULLs. */
static void nulls(struct admin_rows *rows, size_t count)
{
    while (count-- > 0) {
        admin_rows_null(rows);
    }
}

static void texts(struct admin_rows *rows, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        admin_rows_text(rows, values[i]);
    }
}

static void fill_nothing(struct program *program, struct admin_rows *rows)
{
    (void)program;
    (void)rows;
}

/* ---- schemata ---- */

static const struct admin_column schemata_columns[] = {
    TEXT(CATALOG_NAME),           TEXT(SCHEMA_NAME), TEXT(DEFAULT_CHARACTER_SET_NAME),
    TEXT(DEFAULT_COLLATION_NAME), TEXT(SQL_PATH),    TEXT(DEFAULT_ENCRYPTION)};

static void fill_schemata(struct program *program, struct admin_rows *rows)
{
    (void)program;
    texts(rows, (const char *const[]){"def", INFORMATION, "utf8mb4", COLLATION, NULL, "NO"}, 6);
    texts(rows, (const char *const[]){"def", SCHEMA, "utf8mb4", COLLATION, NULL, "NO"}, 6);
}

TABLE(schemata, schemata_columns, fill_schemata);

/* ---- tables ---- */

static const struct admin_column tables_columns[] = {
    TEXT(TABLE_CATALOG),    TEXT(TABLE_SCHEMA),     TEXT(TABLE_NAME),        TEXT(TABLE_TYPE),
    TEXT(ENGINE),           NUMBER(VERSION),        TEXT(ROW_FORMAT),        NUMBER(TABLE_ROWS),
    NUMBER(AVG_ROW_LENGTH), NUMBER(DATA_LENGTH),    NUMBER(MAX_DATA_LENGTH), NUMBER(INDEX_LENGTH),
    NUMBER(DATA_FREE),      NUMBER(AUTO_INCREMENT), TEXT(CREATE_TIME),       TEXT(UPDATE_TIME),
    TEXT(CHECK_TIME),       TEXT(TABLE_COLLATION),  NUMBER(CHECKSUM),        TEXT(CREATE_OPTIONS),
    TEXT(TABLE_COMMENT),    TEXT(CREATE_TEXT)};

static const char *column_type(enum admin_type type)
{
    switch (type) {
    case ADMIN_INTEGER:
        return "bigint";
    case ADMIN_REAL:
        return "double";
    case ADMIN_TEXT:
        break;
    }
    return "text";
}

/* What SHOW CREATE TABLE says; mem_free. */
static char *create_text(const struct admin_table *table)
{
    char *text = mem_printf("CREATE TABLE `%s` (", table->name);

    for (size_t i = 0; i < table->column_count; i++) {
        char *more = mem_printf("%s%s\n  `%s` %s", text, i == 0 ? "" : ",", table->columns[i].name,
                                column_type(table->columns[i].type));

        mem_free(text);
        text = more;
    }
    return text;
}

static void add_table(struct admin_rows *rows, const char *schema, const struct admin_table *table)
{
    bool is_ours = strcmp(schema, SCHEMA) == 0;
    char *create = create_text(table);
    char *whole = mem_printf("%s\n)", create);

    texts(rows,
          (const char *const[]){"def", schema, table->name, is_ours ? "BASE TABLE" : "SYSTEM VIEW",
                                "Tidemark"},
          5);
    admin_rows_integer(rows, 10);
    admin_rows_text(rows, "Dynamic");
    nulls(rows, 10);
    admin_rows_text(rows, COLLATION);
    nulls(rows, 1);
    texts(rows, (const char *const[]){"", table->help, whole}, 3);
    mem_free(create);
    mem_free(whole);
}

static void fill_tables(struct program *program, struct admin_rows *rows)
{
    (void)program;
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        add_table(rows, SCHEMA, admin_tables[i]);
    }
    for (size_t i = 0; information_schema_tables[i] != NULL; i++) {
        add_table(rows, INFORMATION, information_schema_tables[i]);
    }
}

TABLE(tables, tables_columns, fill_tables);

/* ---- columns ---- */

static const struct admin_column columns_columns[] = {TEXT(TABLE_CATALOG),
                                                      TEXT(TABLE_SCHEMA),
                                                      TEXT(TABLE_NAME),
                                                      TEXT(COLUMN_NAME),
                                                      NUMBER(ORDINAL_POSITION),
                                                      TEXT(COLUMN_DEFAULT),
                                                      TEXT(IS_NULLABLE),
                                                      TEXT(DATA_TYPE),
                                                      NUMBER(CHARACTER_MAXIMUM_LENGTH),
                                                      NUMBER(CHARACTER_OCTET_LENGTH),
                                                      NUMBER(NUMERIC_PRECISION),
                                                      NUMBER(NUMERIC_SCALE),
                                                      NUMBER(DATETIME_PRECISION),
                                                      TEXT(CHARACTER_SET_NAME),
                                                      TEXT(COLLATION_NAME),
                                                      TEXT(COLUMN_TYPE),
                                                      TEXT(COLUMN_KEY),
                                                      TEXT(EXTRA),
                                                      TEXT(PRIVILEGES),
                                                      TEXT(COLUMN_COMMENT),
                                                      TEXT(GENERATION_EXPRESSION)};

static void add_column(struct admin_rows *rows, const char *schema, const struct admin_table *table,
                       size_t number)
{
    const struct admin_column *column = &table->columns[number];
    bool is_text = column->type == ADMIN_TEXT;

    texts(rows, (const char *const[]){"def", schema, table->name, column->name}, 4);
    admin_rows_integer(rows, (int64_t)number + 1);
    texts(rows, (const char *const[]){NULL, "YES", column_type(column->type)}, 3);
    admin_rows_known(rows, is_text, 65535);
    admin_rows_known(rows, is_text, 65535);
    admin_rows_known(rows, !is_text, column->type == ADMIN_REAL ? 22 : 19);
    admin_rows_known(rows, column->type == ADMIN_INTEGER, 0);
    nulls(rows, 1);
    texts(rows,
          (const char *const[]){is_text ? "utf8mb4" : NULL, is_text ? COLLATION : NULL,
                                column_type(column->type), "", "",
                                column->is_writable ? "select,insert,update" : "select",
                                column->help != NULL ? column->help : "", ""},
          8);
}

static void add_columns(struct admin_rows *rows, const char *schema,
                        const struct admin_table *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        for (size_t j = 0; j < list[i]->column_count; j++) {
            add_column(rows, schema, list[i], j);
        }
    }
}

static void fill_columns(struct program *program, struct admin_rows *rows)
{
    (void)program;
    add_columns(rows, SCHEMA, admin_tables);
    add_columns(rows, INFORMATION, information_schema_tables);
}

TABLE(columns, columns_columns, fill_columns);

/* ---- variables and status ---- */

static const struct admin_column variable_columns[] = {TEXT(VARIABLE_NAME), TEXT(VARIABLE_VALUE)};

static void fill_variables(struct program *program, struct admin_rows *rows)
{
    (void)program;
    for (size_t i = 0; i < system_variable_count; i++) {
        admin_rows_text(rows, system_variables[i].name);
        admin_rows_text(rows, system_variables[i].text);
    }
}

TABLE(global_variables, variable_columns, fill_variables);
TABLE(session_variables, variable_columns, fill_variables);

static void fill_status(struct program *program, struct admin_rows *rows)
{
    struct timespec now;
    char text[24];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "%lld",
             (long long)now.tv_sec - (long long)(program->started_ns / 1000000000u));
    texts(rows, (const char *const[]){"Uptime", text, "Ssl_cipher", "", "Ssl_version", ""}, 6);
    snprintf(text, sizeof text, "%u", atomic_load(&program->process->clients));
    texts(rows, (const char *const[]){"Threads_connected", text}, 2);
}

TABLE(global_status, variable_columns, fill_status);
TABLE(session_status, variable_columns, fill_status);

/* ---- the sessions, as SHOW PROCESSLIST has them ---- */

static const struct admin_column processlist_columns[] = {NUMBER(ID),  TEXT(USER),    TEXT(HOST),
                                                          TEXT(DB),    TEXT(COMMAND), NUMBER(TIME),
                                                          TEXT(STATE), TEXT(INFO)};

static const struct admin_cell *cell_of(const struct admin_rows *sessions, size_t row,
                                        const char *column)
{
    for (size_t i = 0; i < admin_table_sessions.column_count; i++) {
        if (strcmp(admin_table_sessions.columns[i].name, column) == 0) {
            return admin_rows_cell(sessions, row, i);
        }
    }
    return NULL;
}

static void copy_cell(struct admin_rows *rows, const struct admin_rows *sessions, size_t row,
                      const char *column)
{
    const struct admin_cell *cell = cell_of(sessions, row, column);

    if (cell != NULL && cell->kind == CELL_TEXT) {
        admin_rows_bytes(rows, admin_rows_cell_text(sessions, cell));
    } else {
        admin_rows_known(rows, cell != NULL && cell->kind == CELL_INTEGER,
                         cell != NULL ? (uint64_t)cell->integer : 0);
    }
}

static void fill_processlist(struct program *program, struct admin_rows *rows)
{
    struct admin_rows *sessions = admin_rows_new(admin_table_sessions.column_count);

    admin_table_sessions.fill(program, sessions);
    for (size_t row = 0; row < admin_rows_count(sessions); row++) {
        const struct admin_cell *running = cell_of(sessions, row, "running");
        const struct admin_cell *since = cell_of(sessions, row, "since_ms");

        copy_cell(rows, sessions, row, "id");
        copy_cell(rows, sessions, row, "user");
        copy_cell(rows, sessions, row, "client");
        copy_cell(rows, sessions, row, "schema");
        admin_rows_text(rows, running != NULL && running->kind != CELL_NULL ? "Query" : "Sleep");
        admin_rows_known(rows, since != NULL && since->kind == CELL_INTEGER,
                         since != NULL ? (uint64_t)since->integer / 1000 : 0);
        copy_cell(rows, sessions, row, "state");
        copy_cell(rows, sessions, row, "running");
    }
    admin_rows_free(sessions);
}

TABLE(processlist, processlist_columns, fill_processlist);

/* ---- character sets, engines, plugins ---- */

static const struct admin_column character_sets_columns[] = {
    TEXT(CHARACTER_SET_NAME), TEXT(DEFAULT_COLLATE_NAME), TEXT(DESCRIPTION), NUMBER(MAXLEN)};

static void fill_character_sets(struct program *program, struct admin_rows *rows)
{
    (void)program;
    texts(rows, (const char *const[]){"utf8mb4", COLLATION, "UTF-8 Unicode"}, 3);
    admin_rows_integer(rows, 4);
    texts(rows, (const char *const[]){"binary", "binary", "Binary pseudo charset"}, 3);
    admin_rows_integer(rows, 1);
}

TABLE(character_sets, character_sets_columns, fill_character_sets);

static const struct admin_column collations_columns[] = {
    TEXT(COLLATION_NAME), TEXT(CHARACTER_SET_NAME), NUMBER(ID),
    TEXT(IS_DEFAULT),     TEXT(IS_COMPILED),        NUMBER(SORTLEN)};

static void fill_collations(struct program *program, struct admin_rows *rows)
{
    (void)program;
    texts(rows, (const char *const[]){COLLATION, "utf8mb4"}, 2);
    admin_rows_integer(rows, 45);
    texts(rows, (const char *const[]){"Yes", "Yes"}, 2);
    admin_rows_integer(rows, 1);
    texts(rows, (const char *const[]){"binary", "binary"}, 2);
    admin_rows_integer(rows, 63);
    texts(rows, (const char *const[]){"Yes", "Yes"}, 2);
    admin_rows_integer(rows, 1);
}

TABLE(collations, collations_columns, fill_collations);

static const struct admin_column engines_columns[] = {
    TEXT(ENGINE), TEXT(SUPPORT), TEXT(COMMENT), TEXT(TRANSACTIONS), TEXT(XA), TEXT(SAVEPOINTS)};

static void fill_engines(struct program *program, struct admin_rows *rows)
{
    (void)program;
    texts(rows,
          (const char *const[]){"Tidemark", "DEFAULT", "Tables over the running proxy", "YES", "NO",
                                "NO"},
          6);
}

TABLE(engines, engines_columns, fill_engines);

/* ---- what there is none of ---- */

#define EMPTY(table, ...)                                                                          \
    static const struct admin_column table##_columns[] = {__VA_ARGS__};                            \
    TABLE(table, table##_columns, fill_nothing)

EMPTY(plugins, TEXT(PLUGIN_NAME), TEXT(PLUGIN_VERSION), TEXT(PLUGIN_STATUS), TEXT(PLUGIN_TYPE),
      TEXT(PLUGIN_LIBRARY), TEXT(PLUGIN_LICENSE), TEXT(PLUGIN_DESCRIPTION));
EMPTY(keywords, TEXT(WORD), NUMBER(RESERVED));
EMPTY(statistics, TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME), NUMBER(NON_UNIQUE),
      TEXT(INDEX_SCHEMA), TEXT(INDEX_NAME), NUMBER(SEQ_IN_INDEX), TEXT(COLUMN_NAME),
      TEXT(COLLATION), NUMBER(CARDINALITY), NUMBER(SUB_PART), TEXT(PACKED), TEXT(NULLABLE),
      TEXT(INDEX_TYPE), TEXT(COMMENT), TEXT(INDEX_COMMENT));
EMPTY(key_column_usage, TEXT(CONSTRAINT_CATALOG), TEXT(CONSTRAINT_SCHEMA), TEXT(CONSTRAINT_NAME),
      TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME), TEXT(COLUMN_NAME),
      NUMBER(ORDINAL_POSITION), NUMBER(POSITION_IN_UNIQUE_CONSTRAINT),
      TEXT(REFERENCED_TABLE_SCHEMA), TEXT(REFERENCED_TABLE_NAME), TEXT(REFERENCED_COLUMN_NAME));
EMPTY(referential_constraints, TEXT(CONSTRAINT_CATALOG), TEXT(CONSTRAINT_SCHEMA),
      TEXT(CONSTRAINT_NAME), TEXT(UNIQUE_CONSTRAINT_SCHEMA), TEXT(UNIQUE_CONSTRAINT_NAME),
      TEXT(MATCH_OPTION), TEXT(UPDATE_RULE), TEXT(DELETE_RULE), TEXT(TABLE_NAME),
      TEXT(REFERENCED_TABLE_NAME));
EMPTY(table_constraints, TEXT(CONSTRAINT_CATALOG), TEXT(CONSTRAINT_SCHEMA), TEXT(CONSTRAINT_NAME),
      TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME), TEXT(CONSTRAINT_TYPE), TEXT(ENFORCED));
EMPTY(check_constraints, TEXT(CONSTRAINT_CATALOG), TEXT(CONSTRAINT_SCHEMA), TEXT(CONSTRAINT_NAME),
      TEXT(TABLE_NAME), TEXT(CHECK_CLAUSE));
EMPTY(views, TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME), TEXT(VIEW_DEFINITION),
      TEXT(CHECK_OPTION), TEXT(IS_UPDATABLE), TEXT(DEFINER), TEXT(SECURITY_TYPE));
EMPTY(routines, TEXT(SPECIFIC_NAME), TEXT(ROUTINE_CATALOG), TEXT(ROUTINE_SCHEMA),
      TEXT(ROUTINE_NAME), TEXT(ROUTINE_TYPE), TEXT(DATA_TYPE), TEXT(DTD_IDENTIFIER),
      TEXT(ROUTINE_DEFINITION), TEXT(IS_DETERMINISTIC), TEXT(SQL_DATA_ACCESS), TEXT(CREATED),
      TEXT(LAST_ALTERED), TEXT(ROUTINE_COMMENT), TEXT(DEFINER), TEXT(CHARACTER_SET_CLIENT));
EMPTY(parameters, TEXT(SPECIFIC_CATALOG), TEXT(SPECIFIC_SCHEMA), TEXT(SPECIFIC_NAME),
      NUMBER(ORDINAL_POSITION), TEXT(PARAMETER_MODE), TEXT(PARAMETER_NAME), TEXT(DATA_TYPE),
      NUMBER(CHARACTER_MAXIMUM_LENGTH), NUMBER(CHARACTER_OCTET_LENGTH), NUMBER(NUMERIC_PRECISION),
      NUMBER(NUMERIC_SCALE), NUMBER(DATETIME_PRECISION), TEXT(CHARACTER_SET_NAME),
      TEXT(COLLATION_NAME), TEXT(DTD_IDENTIFIER), TEXT(ROUTINE_TYPE));
EMPTY(triggers, TEXT(TRIGGER_CATALOG), TEXT(TRIGGER_SCHEMA), TEXT(TRIGGER_NAME),
      TEXT(EVENT_MANIPULATION), TEXT(EVENT_OBJECT_SCHEMA), TEXT(EVENT_OBJECT_TABLE),
      NUMBER(ACTION_ORDER), TEXT(ACTION_STATEMENT), TEXT(ACTION_TIMING), TEXT(DEFINER));
EMPTY(events, TEXT(EVENT_CATALOG), TEXT(EVENT_SCHEMA), TEXT(EVENT_NAME), TEXT(DEFINER),
      TEXT(EVENT_TYPE), TEXT(STATUS), TEXT(EVENT_COMMENT));
EMPTY(partitions, TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME), TEXT(PARTITION_NAME),
      TEXT(SUBPARTITION_NAME), NUMBER(PARTITION_ORDINAL_POSITION), NUMBER(TABLE_ROWS));
EMPTY(schema_privileges, TEXT(GRANTEE), TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA),
      TEXT(PRIVILEGE_TYPE), TEXT(IS_GRANTABLE));
EMPTY(table_privileges, TEXT(GRANTEE), TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME),
      TEXT(PRIVILEGE_TYPE), TEXT(IS_GRANTABLE));
EMPTY(column_privileges, TEXT(GRANTEE), TEXT(TABLE_CATALOG), TEXT(TABLE_SCHEMA), TEXT(TABLE_NAME),
      TEXT(COLUMN_NAME), TEXT(PRIVILEGE_TYPE), TEXT(IS_GRANTABLE));
EMPTY(user_privileges, TEXT(GRANTEE), TEXT(TABLE_CATALOG), TEXT(PRIVILEGE_TYPE),
      TEXT(IS_GRANTABLE));

/* clang-format off */
const struct admin_table *const information_schema_tables[] = {
    &character_sets, &check_constraints, &collations, &column_privileges, &columns, &engines,
    &events, &global_status, &global_variables, &key_column_usage, &keywords, &parameters,
    &partitions, &plugins, &processlist, &referential_constraints, &routines, &schema_privileges, &schemata,
    &session_status, &session_variables, &statistics, &table_constraints, &table_privileges,
    &tables, &triggers, &user_privileges, &views, NULL,
};
/* clang-format on */
