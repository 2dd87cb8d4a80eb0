/*
 * Recognising short commands. See command.h.
 *
 * A row of the table is a pattern of words:
 *
 *   SHOW         this word, in any case          FROM|IN     one of these
 *   [FULL]       may stand there                 <name>      a name or string
 *   <number>     digits                          <table>     [schema.]table
 *   <in>         perhaps FROM or IN and a name   <like>      perhaps LIKE 'pattern', or WHERE …
 *   <rest>       everything to the end
 *
 * and, for a SELECT, its text, in which $name and $schema stand for quoted values, $tables for the
 * column "Tables_in_SCHEMA". LIKE and WHERE are laid around it.
 */
#include "proxy/admin/command.h"

#include "proxy/admin/tables.h"
#include "proxy/config/suggest.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

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

struct command {
    const char *pattern;
    enum order_kind kind;
    bool changes;
    const char *sql;   /* ORDER_SQL */
    const char *like;  /* the column that LIKE is about */
    const char *usage; /* how HELP writes it; NULL: as the pattern */
    const char *help;  /* NULL: not listed by HELP; for clients and GUIs */
};

/* clang-format off */
static const struct command commands[] = {
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

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

/* ---- reading words ---- */

struct words {
    struct bytes text;
    struct lexer_mode mode;
    struct lexer lexer;
    struct token token;
};

static void advance(struct words *words)
{
    lexer_next(&words->lexer, &words->token);
}

static struct words words_of(struct bytes text)
{
    struct words words = {.text = text, .mode = command_lexer_mode()};

    return words;
}

/* To the start; apart from words_of because the lexer points at the mode. */
static void rewind_words(struct words *words)
{
    lexer_init(&words->lexer, words->text, &words->mode);
    advance(words);
}

static struct bytes token_text(const struct words *words)
{
    return bytes_of(words->text.data + words->token.offset, words->token.size);
}

static bool is_end(const struct words *words)
{
    return words->token.kind == TOKEN_END;
}

static bool is_symbol(const struct words *words, char symbol)
{
    return words->token.kind == TOKEN_PUNCTUATION && words->token.symbol == (uint8_t)symbol;
}

/* Is the token one of the words in "A|B|C"? */
static bool is_one_of(const struct words *words, const char *choices, size_t size)
{
    while (words->token.kind == TOKEN_WORD && size > 0) {
        const char *bar = memchr(choices, '|', size);
        size_t length = bar != NULL ? (size_t)(bar - choices) : size;

        if (bytes_equal_nocase(token_text(words), bytes_of(choices, length))) {
            return true;
        }
        choices += bar != NULL ? length + 1 : length;
        size -= bar != NULL ? length + 1 : length;
    }
    return false;
}

/* A name or string without its quotes; doubled quotes inside count once. */
static bool take_name(struct words *words, char name[ORDER_NAME_BYTES])
{
    struct bytes text = token_text(words);
    bool is_quoted = words->token.kind == TOKEN_QUOTED || words->token.kind == TOKEN_STRING;
    size_t size = 0;

    if ((!is_quoted && words->token.kind != TOKEN_WORD) || words->token.open) {
        return false;
    }
    for (size_t i = is_quoted; i + is_quoted < text.size; i++) {
        if (size + 1 >= ORDER_NAME_BYTES || text.data[i] == 0) {
            return false;
        }
        name[size++] = (char)text.data[i];
        i += is_quoted && text.data[i] == text.data[0];
    }
    name[size] = 0;
    advance(words);
    return true;
}

static bool take_number(struct words *words, uint64_t *number)
{
    char digits[24];
    char *end;

    if (words->token.kind != TOKEN_NUMBER ||
        !bytes_to_text(token_text(words), digits, sizeof digits)) {
        return false;
    }
    *number = strtoull(digits, &end, 10);
    advance(words);
    return *end == 0;
}

/* ---- matching ---- */

/* What a pattern's parts have found. */
struct found {
    char schema[ORDER_NAME_BYTES];
    char pattern[ORDER_NAME_BYTES];
    bool has_pattern;
    struct bytes where;
};

static struct bytes take_rest(struct words *words)
{
    struct bytes rest = bytes_after(words->text, words->token.offset);

    while (!is_end(words)) {
        advance(words);
    }
    return rest;
}

static bool take_table(struct words *words, struct order *order, struct found *found)
{
    if (!take_name(words, order->name)) {
        return false;
    }
    if (is_symbol(words, '.')) {
        advance(words);
        memcpy(found->schema, order->name, sizeof found->schema);
        return take_name(words, order->name);
    }
    return true;
}

static bool take_in(struct words *words, struct found *found)
{
    if (!is_one_of(words, "FROM|IN", 7)) {
        return true;
    }
    advance(words);
    return take_name(words, found->schema);
}

static bool take_like(struct words *words, struct found *found)
{
    if (is_one_of(words, "LIKE", 4)) {
        advance(words);
        found->has_pattern = true;
        return take_name(words, found->pattern);
    }
    if (is_one_of(words, "WHERE", 5)) {
        advance(words);
        found->where = take_rest(words);
        return found->where.size > 0;
    }
    return true;
}

/* One part of a pattern, `size` bytes at `part`. */
static bool match_part(struct words *words, const char *part, size_t size, struct order *order,
                       struct found *found)
{
    struct bytes name = bytes_of(part, size);

    if (part[0] == '[') {
        if (is_one_of(words, part + 1, size - 2)) {
            advance(words);
        }
        return true;
    }
    if (bytes_equal_text(name, "<name>")) {
        return take_name(words, order->name);
    }
    if (bytes_equal_text(name, "<number>")) {
        return take_number(words, &order->number);
    }
    if (bytes_equal_text(name, "<table>")) {
        return take_table(words, order, found);
    }
    if (bytes_equal_text(name, "<in>")) {
        return take_in(words, found);
    }
    if (bytes_equal_text(name, "<like>")) {
        return take_like(words, found);
    }
    if (bytes_equal_text(name, "<rest>")) {
        order->rest = take_rest(words);
        return true;
    }
    if (!is_one_of(words, part, size)) {
        return false;
    }
    advance(words);
    return true;
}

static bool match(struct words *words, const char *pattern, struct order *order,
                  struct found *found)
{
    *order = (struct order){0};
    *found = (struct found){0};
    rewind_words(words);
    while (*pattern != 0) {
        size_t size = strcspn(pattern, " ");

        if (!match_part(words, pattern, size, order, found)) {
            return false;
        }
        pattern += size;
        pattern += *pattern == ' ';
    }
    return is_end(words);
}

/* ---- making SQL ---- */

static const char *schema_of(const struct found *found)
{
    return found->schema[0] != 0 ? found->schema : "tidemark";
}

/* `sql` with $name, $schema and $tables filled in. */
static void append_sql(sqlite3_str *out, const char *sql, const struct order *order,
                       const struct found *found)
{
    while (*sql != 0) {
        size_t plain = strcspn(sql, "$");

        sqlite3_str_append(out, sql, (int)plain);
        sql += plain;
        if (strncmp(sql, "$name", 5) == 0) {
            sqlite3_str_appendf(out, "%Q", order->name);
            sql += 5;
        } else if (strncmp(sql, "$schema", 7) == 0) {
            sqlite3_str_appendf(out, "%Q", schema_of(found));
            sql += 7;
        } else if (strncmp(sql, "$tables", 7) == 0) {
            sqlite3_str_appendf(out, "\"Tables_in_%w\"", schema_of(found));
            sql += 7;
        } else if (*sql != 0) {
            sqlite3_str_append(out, sql++, 1);
        }
    }
}

static char *make_sql(const char *sql, const char *like, const struct order *order,
                      const struct found *found)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool is_wrapped = found->has_pattern || found->where.size > 0;

    sqlite3_str_appendall(out, is_wrapped ? "SELECT * FROM (" : "");
    append_sql(out, sql, order, found);
    if (found->has_pattern) {
        sqlite3_str_appendall(out, ") WHERE ");
        append_sql(out, like, order, found);
        sqlite3_str_appendf(out, " LIKE %Q", found->pattern);
    } else if (is_wrapped) {
        sqlite3_str_appendf(out, ") WHERE %.*s", (int)found->where.size,
                            (const char *)found->where.data);
    }
    return sqlite3_str_finish(out);
}

/* SHOW <one of our tables> */
static bool match_table(struct words *words, struct order *order, struct found *found)
{
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        const struct admin_table *table = admin_tables[i];
        char pattern[ORDER_NAME_BYTES];
        char sql[ORDER_NAME_BYTES];

        sqlite3_snprintf(sizeof pattern, pattern, "SHOW %s <like>", table->name);
        if (match(words, pattern, order, found)) {
            sqlite3_snprintf(sizeof sql, sql, "SELECT * FROM %s", table->name);
            order->sql = make_sql(sql, table->columns[0].name, order, found);
            return true;
        }
    }
    return false;
}

/* Takes "FOR USER name" or "FOR SESSION id" off the end of an EXPLAIN ROUTE. */
static void take_whom(struct order *order)
{
    struct words words = words_of(order->rest);
    struct bytes sql = order->rest;

    rewind_words(&words);
    while (!is_end(&words)) {
        size_t at = words.token.offset;

        if (!is_one_of(&words, "FOR", 3)) {
            advance(&words);
            continue;
        }
        advance(&words);
        order->name[0] = 0;
        order->number = 0;
        if (is_one_of(&words, "USER", 4)) {
            advance(&words);
            (void)take_name(&words, order->name);
        } else if (is_one_of(&words, "SESSION", 7)) {
            advance(&words);
            (void)take_number(&words, &order->number);
        }
        if (is_end(&words) && (order->name[0] != 0 || order->number != 0)) {
            sql = bytes_first(order->rest, at);
        }
    }
    if (sql.size == order->rest.size) {
        order->name[0] = 0; /* what looked like it was part of the statement */
        order->number = 0;
    }
    order->rest = sql;
}

struct order order_read(struct bytes statement)
{
    struct words words = words_of(statement);
    struct order order;
    struct found found;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];

        if (match(&words, command->pattern, &order, &found)) {
            order.kind = command->kind;
            order.changes = command->changes;
            if (command->kind == ORDER_SQL) {
                order.sql = make_sql(command->sql, command->like, &order, &found);
            } else if (command->kind == ORDER_EXPLAIN_ROUTE) {
                take_whom(&order);
            }
            return order;
        }
    }
    if (match_table(&words, &order, &found)) {
        return order;
    }
    return (struct order){.kind = ORDER_SQL};
}

void order_dispose(struct order *order)
{
    sqlite3_free(order->sql);
    order->sql = NULL;
}

/* ---- for suggestions and HELP ---- */

static const char *const sql_words[] = {"SELECT",  "INSERT", "UPDATE",  "DELETE", "WITH",
                                        "EXPLAIN", "VALUES", "REPLACE", NULL};

/* Offers the words "A|B" at the front of a pattern; they are copied to `kept`, which must live as
 * long as the suggestion. */
static size_t offer_pattern(struct suggestion *suggestion, const char *pattern, char *kept)
{
    size_t size = strcspn(pattern, " |");

    if (pattern[0] == '[' || pattern[0] == '<' || size == 0 || size >= COMMAND_MEANT_BYTES) {
        return 0;
    }
    memcpy(kept, pattern, size);
    kept[size] = 0;
    suggestion_offer(suggestion, kept);
    return size + 1;
}

/* The nearest word that can begin a statement, or that can follow `first`; "" for none. */
static void nearest(const char *first, const char *typed, char found[COMMAND_MEANT_BYTES])
{
    struct suggestion suggestion = suggestion_for(typed);
    char kept[COMMAND_COUNT][COMMAND_MEANT_BYTES];

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *pattern = commands[i].pattern;
        size_t size = strlen(first);

        if (size > 0 &&
            (sqlite3_strnicmp(pattern, first, (int)size) != 0 || pattern[size] != ' ')) {
            continue;
        }
        offer_pattern(&suggestion, size > 0 ? pattern + size + 1 : pattern, kept[i]);
    }
    for (size_t i = 0; first[0] == 0 && sql_words[i] != NULL; i++) {
        suggestion_offer(&suggestion, sql_words[i]);
    }
    for (size_t i = 0; sqlite3_stricmp(first, "SHOW") == 0 && admin_tables[i] != NULL; i++) {
        suggestion_offer(&suggestion, admin_tables[i]->name);
    }
    sqlite3_snprintf(COMMAND_MEANT_BYTES, found, "%s",
                     suggestion.best != NULL ? suggestion.best : "");
}

bool command_meant(struct bytes statement, char meant[COMMAND_MEANT_BYTES])
{
    struct words words = words_of(statement);
    char first[ORDER_NAME_BYTES];
    char second[ORDER_NAME_BYTES];
    char found[COMMAND_MEANT_BYTES];

    rewind_words(&words);
    if (words.token.kind != TOKEN_WORD || !take_name(&words, first)) {
        return false;
    }
    nearest("", first, meant);
    if (meant[0] == 0 || sqlite3_stricmp(meant, first) != 0) {
        return meant[0] != 0;
    }
    if (words.token.kind != TOKEN_WORD || !take_name(&words, second)) {
        return false;
    }
    nearest(first, second, found);
    if (found[0] == 0 || sqlite3_stricmp(found, second) == 0) {
        return false;
    }
    memcpy(first, meant, COMMAND_MEANT_BYTES);
    sqlite3_snprintf(COMMAND_MEANT_BYTES, meant, "%s %s", first, found);
    return true;
}

const char *command_help(size_t index, const char **what)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].help != NULL && index-- == 0) {
            *what = commands[i].help;
            return commands[i].usage != NULL ? commands[i].usage : commands[i].pattern;
        }
    }
    return NULL;
}
