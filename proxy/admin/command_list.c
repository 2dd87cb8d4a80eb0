/*
 * The short commands. See command_own.h for what a row means.
 */
#include "proxy/admin/command_own.h"

#define COLUMNS_OF_TABLE                                                                           \
    " FROM information_schema.columns WHERE TABLE_NAME = $name COLLATE NOCASE AND "                \
    "TABLE_SCHEMA = $schema COLLATE NOCASE"
#define SHORT_COLUMNS                                                                              \
    "SELECT COLUMN_NAME AS Field, COLUMN_TYPE AS Type, IS_NULLABLE AS \"Null\", "                  \
    "COLUMN_KEY AS \"Key\", COLUMN_DEFAULT AS \"Default\", EXTRA AS Extra" COLUMNS_OF_TABLE
#define FULL_COLUMNS                                                                               \
    "SELECT COLUMN_NAME AS Field, COLUMN_TYPE AS Type, COLLATION_NAME AS Collation, "              \
    "IS_NULLABLE AS \"Null\", COLUMN_KEY AS \"Key\", COLUMN_DEFAULT AS \"Default\", "              \
    "EXTRA AS Extra, PRIVILEGES AS Privileges, COLUMN_COMMENT AS Comment" COLUMNS_OF_TABLE
#define TABLES_OF_SCHEMA                                                                           \
    " FROM information_schema.tables WHERE TABLE_SCHEMA = $schema COLLATE NOCASE"

/* clang-format off */
const struct command commands[] = {
    {"SHOW DRIFT", .kind = ORDER_DRIFT, .help = "every value that is not as the main file has it"},
    {"DRAIN SERVER <name>", .kind = ORDER_DRAIN, .changes = true, .help = "no new statements go to it; what runs there ends"},
    {"ENABLE SERVER <name>", .kind = ORDER_ENABLE, .changes = true, .help = "the end of DRAIN"},
    {"KILL SESSION <number>", .kind = ORDER_KILL_SESSION, .changes = true, .help = "closes a client's connection and ends what it runs"},
    {"PAUSE", .kind = ORDER_PAUSE, .changes = true, .help = "statements that begin wait"},
    {"RESUME", .kind = ORDER_RESUME, .changes = true, .help = "the end of PAUSE"},
    {"RESET STATEMENTS", .kind = ORDER_RESET_STATEMENTS, .changes = true, .help = "empties the table statements"},
    {"EXPLAIN ROUTE <rest>", .kind = ORDER_EXPLAIN_ROUTE, .usage = "EXPLAIN ROUTE <sql> [FOR USER <name> | FOR SESSION <number>]",
     .help = "where a statement would go, and why"},
    {"TRACE SESSION <number> OFF", .kind = ORDER_TRACE_OFF, .changes = true, .help = "stops noting them"},
    {"TRACE SESSION <number>", .kind = ORDER_TRACE, .changes = true, .help = "notes a session's statements, and shows those noted so far"},
    {"RELOAD DRY RUN", .kind = ORDER_RELOAD_DRY, .help = "what RELOAD would change"},
    {"RELOAD", .kind = ORDER_RELOAD, .changes = true, .help = "reads the configuration files again"},
    {"SAVE", .kind = ORDER_SAVE, .changes = true, .help = "writes the changes made here to the auto file"},
    {"SHUTDOWN NOW", .kind = ORDER_SHUTDOWN_NOW, .changes = true, .help = "ends the program at once"},
    {"SHUTDOWN", .kind = ORDER_SHUTDOWN, .changes = true, .help = "drains, then ends the program"},
    {"HELP <rest>", .kind = ORDER_HELP, .usage = "HELP [<word>]", .help = "this list, or what of it has that word"},
    {"SHOW TABLES <in> <like>", .kind = ORDER_SQL, .like = "$tables",
     .sql = "SELECT TABLE_NAME AS $tables" TABLES_OF_SCHEMA,
     .usage = "SHOW TABLES", .help = "the tables"},
    {"DESCRIBE|DESC <table> <rest>", .kind = ORDER_SQL, .sql = SHORT_COLUMNS, .usage = "DESCRIBE <table>", .help = "the columns of a table"},

    {"SHOW FULL TABLES <in> <like>", .kind = ORDER_SQL, .like = "$tables",
     .sql = "SELECT TABLE_NAME AS $tables, TABLE_TYPE AS Table_type" TABLES_OF_SCHEMA},
    {"KILL QUERY <number>", .kind = ORDER_KILL_QUERY},
    {"KILL CONNECTION <number>", .kind = ORDER_KILL_SESSION, .changes = true},
    {"KILL <number>", .kind = ORDER_KILL_SESSION, .changes = true},
    {"BEGIN [WORK]", .kind = ORDER_BEGIN},
    {"START TRANSACTION <rest>", .kind = ORDER_BEGIN},
    {"COMMIT [WORK]", .kind = ORDER_COMMIT},
    {"ROLLBACK [WORK]", .kind = ORDER_ROLLBACK},
    {"USE <name>", .kind = ORDER_USE},
    {"SET <rest>", .kind = ORDER_NOTHING},
    {"UNLOCK TABLES", .kind = ORDER_NOTHING},
    {"SHOW DATABASES|SCHEMAS <like>", .kind = ORDER_SQL, .like = "\"Database\"",
     .sql = "SELECT SCHEMA_NAME AS \"Database\" FROM information_schema.schemata"},
    {"SHOW FULL COLUMNS|FIELDS FROM|IN <table> <in> <like>", .kind = ORDER_SQL, .like = "Field", .sql = FULL_COLUMNS},
    {"SHOW [EXTENDED] COLUMNS|FIELDS FROM|IN <table> <in> <like>", .kind = ORDER_SQL, .like = "Field", .sql = SHORT_COLUMNS},
    {"SHOW CREATE TABLE|VIEW <table>", .kind = ORDER_SQL,
     .sql = "SELECT TABLE_NAME AS \"Table\", CREATE_TEXT AS \"Create Table\"" TABLES_OF_SCHEMA
            " AND TABLE_NAME = $name COLLATE NOCASE"},
    {"SHOW CREATE DATABASE|SCHEMA <name>", .kind = ORDER_SQL,
     .sql = "SELECT $name AS \"Database\", 'CREATE DATABASE ' || $name AS \"Create Database\""},
    {"SHOW [GLOBAL|SESSION|LOCAL] VARIABLES <like>", .kind = ORDER_SQL, .like = "Variable_name",
     .sql = "SELECT VARIABLE_NAME AS Variable_name, VARIABLE_VALUE AS Value "
            "FROM information_schema.session_variables"},
    {"SHOW [GLOBAL|SESSION|LOCAL] STATUS <like>", .kind = ORDER_SQL, .like = "Variable_name",
     .sql = "SELECT VARIABLE_NAME AS Variable_name, VARIABLE_VALUE AS Value "
            "FROM information_schema.session_status"},
    {"SHOW WARNINGS|ERRORS <rest>", .kind = ORDER_SQL,
     .sql = "SELECT '' AS Level, 0 AS Code, '' AS Message WHERE 0"},
    {"SHOW COLLATION <like>", .kind = ORDER_SQL, .like = "Collation",
     .sql = "SELECT COLLATION_NAME AS Collation, CHARACTER_SET_NAME AS Charset, ID AS Id, "
            "IS_DEFAULT AS \"Default\", IS_COMPILED AS Compiled, SORTLEN AS Sortlen "
            "FROM information_schema.collations"},
    {"SHOW CHARSET <like>", .kind = ORDER_SQL, .like = "Charset",
     .sql = "SELECT CHARACTER_SET_NAME AS Charset, DESCRIPTION AS Description, "
            "DEFAULT_COLLATE_NAME AS \"Default collation\", MAXLEN AS Maxlen "
            "FROM information_schema.character_sets"},
    {"SHOW CHARACTER SET <like>", .kind = ORDER_SQL, .like = "Charset",
     .sql = "SELECT CHARACTER_SET_NAME AS Charset, DESCRIPTION AS Description, "
            "DEFAULT_COLLATE_NAME AS \"Default collation\", MAXLEN AS Maxlen "
            "FROM information_schema.character_sets"},
    {"SHOW [STORAGE] ENGINES", .kind = ORDER_SQL,
     .sql = "SELECT ENGINE AS Engine, SUPPORT AS Support, COMMENT AS Comment, "
            "TRANSACTIONS AS Transactions, XA, SAVEPOINTS AS Savepoints "
            "FROM information_schema.engines"},
    {"SHOW PLUGINS", .kind = ORDER_SQL,
     .sql = "SELECT PLUGIN_NAME AS Name, PLUGIN_STATUS AS Status, PLUGIN_TYPE AS Type, "
            "PLUGIN_LIBRARY AS Library, PLUGIN_LICENSE AS License FROM information_schema.plugins"},
    {"SHOW [FULL] PROCESSLIST", .kind = ORDER_SQL,
     .sql = "SELECT ID AS Id, USER AS User, HOST AS Host, DB AS db, COMMAND AS Command, "
            "TIME AS Time, STATE AS State, INFO AS Info FROM information_schema.processlist"},
    {"SHOW GRANTS <rest>", .kind = ORDER_SQL, .sql = "SELECT grants() AS Grants"},
    {"SHOW TABLE STATUS <in> <like>", .kind = ORDER_SQL, .like = "Name",
     .sql = "SELECT TABLE_NAME AS Name, ENGINE AS Engine, VERSION AS Version, "
            "ROW_FORMAT AS Row_format, TABLE_ROWS AS \"Rows\", AVG_ROW_LENGTH AS Avg_row_length, "
            "DATA_LENGTH AS Data_length, MAX_DATA_LENGTH AS Max_data_length, "
            "INDEX_LENGTH AS Index_length, DATA_FREE AS Data_free, "
            "AUTO_INCREMENT AS Auto_increment, CREATE_TIME AS Create_time, "
            "UPDATE_TIME AS Update_time, CHECK_TIME AS Check_time, TABLE_COLLATION AS Collation, "
            "CHECKSUM AS Checksum, CREATE_OPTIONS AS Create_options, TABLE_COMMENT AS Comment"
            TABLES_OF_SCHEMA},
    {"SHOW INDEX|INDEXES|KEYS FROM|IN <table> <in> <like>", .kind = ORDER_SQL, .like = "Key_name",
     .sql = "SELECT TABLE_NAME AS \"Table\", NON_UNIQUE AS Non_unique, INDEX_NAME AS Key_name, "
            "SEQ_IN_INDEX AS Seq_in_index, COLUMN_NAME AS Column_name, COLLATION AS Collation, "
            "CARDINALITY AS Cardinality FROM information_schema.statistics "
            "WHERE TABLE_NAME = $name COLLATE NOCASE"},
    {"SHOW TRIGGERS <in> <like>", .kind = ORDER_SQL, .like = "\"Trigger\"",
     .sql = "SELECT TRIGGER_NAME AS \"Trigger\", EVENT_MANIPULATION AS Event, "
            "EVENT_OBJECT_TABLE AS \"Table\" FROM information_schema.triggers"},
    {"SHOW PROCEDURE|FUNCTION STATUS <like>", .kind = ORDER_SQL, .like = "Name",
     .sql = "SELECT ROUTINE_SCHEMA AS Db, ROUTINE_NAME AS Name, ROUTINE_TYPE AS Type "
            "FROM information_schema.routines"},
};
/* clang-format on */

const size_t command_count = sizeof commands / sizeof commands[0];
