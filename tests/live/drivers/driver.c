/*
 * C: libmariadb. See README.md.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOB_SIZE = 102400, COLUMNS = 8, TEXT_SIZE = 256 };

static const char *host, *user, *password;
static unsigned port;
static char blob[BLOB_SIZE], fetched_blob[BLOB_SIZE];

static unsigned checksum(const char *data, size_t size)
{
    unsigned sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ (unsigned char)data[i]) * 16777619u;
    return sum;
}

static void show_value(const char *data, size_t size)
{
    if (data == NULL)
        printf("NULL");
    else if (size > 100)
        printf("%zu bytes %08x", size, checksum(data, size));
    else
        printf("%.*s", (int)size, data);
}

static void failed(const char *label, unsigned number, const char *state, const char *text)
{
    printf("%s: %u %s %s\n", label, number, state, text);
}

/* All results of what was just sent. */
static void results(MYSQL *db, const char *label)
{
    int more;

    do {
        MYSQL_RES *result = mysql_store_result(db);
        MYSQL_ROW row;

        if (result == NULL && mysql_errno(db) == 0) {
            printf("%s: affected %llu id %llu warnings %u info %s\n", label,
                   (unsigned long long)mysql_affected_rows(db),
                   (unsigned long long)mysql_insert_id(db), mysql_warning_count(db),
                   mysql_info(db) ? mysql_info(db) : "");
        } else if (result != NULL) {
            while ((row = mysql_fetch_row(result)) != NULL) {
                unsigned long *sizes = mysql_fetch_lengths(result);

                printf("%s: ", label);
                for (unsigned i = 0; i < mysql_num_fields(result); i++) {
                    printf("%s", i ? " | " : "");
                    show_value(row[i], sizes[i]);
                }
                printf("\n");
            }
            mysql_free_result(result);
        }
        more = mysql_next_result(db);
    } while (more == 0);
    if (more > 0)
        failed(label, mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
}

static void ask(MYSQL *db, const char *label, const char *text)
{
    if (mysql_real_query(db, text, strlen(text)) != 0)
        failed(label, mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    else
        results(db, label);
}

static MYSQL *connect_as(const char *label, const char *name, const char *secret,
                         const char *schema)
{
    MYSQL *db = mysql_init(NULL);

    mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(db, host, name, secret, schema, port, NULL,
                           CLIENT_MULTI_STATEMENTS |
                               (getenv("DRIVER_COMPRESS") != NULL ? CLIENT_COMPRESS : 0)))
        return db;
    failed(label, mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    mysql_close(db);
    return NULL;
}

/* ---- prepared statements ---- */

static MYSQL_STMT *prepare(MYSQL *db, const char *text)
{
    MYSQL_STMT *statement = mysql_stmt_init(db);

    if (mysql_stmt_prepare(statement, text, strlen(text)) != 0)
        failed("prepare", mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
               mysql_stmt_error(statement));
    return statement;
}

static MYSQL_BIND text_value(const char *text)
{
    MYSQL_BIND bind = {
        .buffer_type = MYSQL_TYPE_STRING, .buffer = (void *)text, .buffer_length = strlen(text)};

    return bind;
}

static MYSQL_BIND integer_value(long long *value)
{
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = value};

    return bind;
}

static MYSQL_BIND null_value(void)
{
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_NULL};

    return bind;
}

static int execute(MYSQL_STMT *statement, const char *label, MYSQL_BIND *values)
{
    if (mysql_stmt_bind_param(statement, values) == 0 && mysql_stmt_execute(statement) == 0)
        return 1;
    failed(label, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
           mysql_stmt_error(statement));
    return 0;
}

/* Rows of an executed statement: integers and doubles as such, the rest as text. */
static void fetch(MYSQL_STMT *statement)
{
    char text[COLUMNS][TEXT_SIZE];
    unsigned long sizes[COLUMNS];
    char nulls[COLUMNS];
    long long integer;
    double number;
    MYSQL_BIND columns[COLUMNS];
    unsigned count = mysql_stmt_field_count(statement);

    memset(columns, 0, sizeof columns);
    for (unsigned i = 0; i < count; i++) {
        columns[i].buffer_type = i == 1   ? MYSQL_TYPE_LONGLONG
                                 : i == 4 ? MYSQL_TYPE_DOUBLE
                                 : i == 7 ? MYSQL_TYPE_BLOB
                                          : MYSQL_TYPE_STRING;
        columns[i].buffer = i == 1   ? (void *)&integer
                            : i == 4 ? (void *)&number
                            : i == 7 ? (void *)fetched_blob
                                     : (void *)text[i];
        columns[i].buffer_length = i == 7 ? BLOB_SIZE : TEXT_SIZE;
        columns[i].length = &sizes[i];
        columns[i].is_null = (my_bool *)&nulls[i];
    }
    mysql_stmt_bind_result(statement, columns);
    mysql_stmt_store_result(statement);
    while (mysql_stmt_fetch(statement) == 0) {
        printf("prepared: ");
        for (unsigned i = 0; i < count; i++) {
            printf("%s", i ? " | " : "");
            if (nulls[i])
                printf("NULL");
            else if (i == 1)
                printf("%lld", integer);
            else if (i == 4)
                printf("%.17g", number);
            else
                show_value(columns[i].buffer, sizes[i]);
        }
        printf("\n");
    }
    mysql_stmt_free_result(statement);
}

static void put(MYSQL_STMT *insert, MYSQL_BIND *values)
{
    if (execute(insert, "prepared", values))
        printf("prepared: affected %llu id %llu\n",
               (unsigned long long)mysql_stmt_affected_rows(insert),
               (unsigned long long)mysql_stmt_insert_id(insert));
}

static void get(MYSQL_STMT *read, MYSQL_BIND n, MYSQL_BIND s)
{
    MYSQL_BIND values[2] = {n, s};

    if (execute(read, "prepared", values))
        fetch(read);
}

static void prepared(MYSQL *db)
{
    MYSQL_STMT *insert =
        prepare(db, "INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)");
    MYSQL_STMT *read = prepare(db, "SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id");
    MYSQL_BIND values[7];
    long long n = 1LL << 62;
    long long three = 3;
    double f = 1.5;
    MYSQL_TIME at = {2024, 2, 29, 23, 59, 58, 123456, 0, MYSQL_TIMESTAMP_DATETIME};
    MYSQL_TIME day = {.year = 2024, .month = 2, .day = 29, .time_type = MYSQL_TIMESTAMP_DATE};

    values[0] = integer_value(&n);
    values[1] = text_value("Grüße 🐬 'quoted' \\ %");
    values[2] = text_value("-12345.678901");
    values[3] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &f};
    values[4] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATE, .buffer = &day};
    values[5] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &at};
    values[6] = (MYSQL_BIND){
        .buffer_type = MYSQL_TYPE_LONG_BLOB, .buffer = blob, .buffer_length = BLOB_SIZE};
    put(insert, values);
    get(read, integer_value(&n), text_value(""));
    for (int i = 0; i < 7; i++)
        values[i] = null_value();
    put(insert, values);
    get(read, null_value(), null_value());
    values[0] = text_value("77");
    values[2] = integer_value(&three);
    put(insert, values);
    get(read, text_value("77"), text_value("first"));

    /* The same types again are not sent again; a large value goes in pieces. */
    n = 78;
    values[0] = integer_value(&n);
    values[6] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG_BLOB};
    mysql_stmt_bind_param(insert, values);
    for (size_t from = 0; from < BLOB_SIZE; from += BLOB_SIZE / 4)
        mysql_stmt_send_long_data(insert, 6, blob + from, BLOB_SIZE / 4);
    printf("in pieces: %d\n", mysql_stmt_execute(insert));
    get(read, integer_value(&n), text_value(""));
    n = 1;
    mysql_stmt_execute(read);
    fetch(read);
    printf("duplicate: %d %u %s %s\n", mysql_stmt_execute(insert), mysql_stmt_errno(insert),
           mysql_stmt_sqlstate(insert), mysql_stmt_error(insert));
    mysql_stmt_reset(insert);
    mysql_stmt_close(insert);
    mysql_stmt_close(read);
    mysql_stmt_close(prepare(db, "SELECT FROM WHERE ?"));

    /* A cursor, read in parts. */
    unsigned long cursor = CURSOR_TYPE_READ_ONLY, rows = 4;
    MYSQL_STMT *list = prepare(db, "SELECT id FROM items WHERE id < ? ORDER BY id");
    long long limit = 14;
    MYSQL_BIND below = integer_value(&limit);
    int count = 0;

    mysql_stmt_attr_set(list, STMT_ATTR_CURSOR_TYPE, &cursor);
    mysql_stmt_attr_set(list, STMT_ATTR_PREFETCH_ROWS, &rows);
    if (execute(list, "cursor", &below)) {
        while (mysql_stmt_fetch(list) == 0)
            count++;
        printf("cursor: %d rows\n", count);
    }
    mysql_stmt_close(list);
}

/* ---- the rest of the scenario ---- */

static void writes(MYSQL *db)
{
    char text[TEXT_SIZE];
    const char *given = getenv("WHO_TRIES");
    const char *who = "0";
    MYSQL_RES *result = NULL;

    ask(db, "drop", "DROP TABLE IF EXISTS items, numbers");
    ask(db, "create",
        "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE, "
        "s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, "
        "at DATETIME(6), b LONGBLOB)");
    ask(db, "insert", "INSERT INTO items (n, s) VALUES (1, 'first')");
    ask(db, "rows", "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')");
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "INSERT INTO items (n, s) VALUES (%d, 'own')", 100 + i);
        ask(db, "own write", text);
        ask(db, "own write", "SELECT MAX(n), COUNT(*) FROM items");
    }
    for (int i = given ? (int)strtol(given, NULL, 10) : 1; i > 0 && strcmp(who, "0") == 0; i--) {
        usleep(25000);
        mysql_free_result(result);
        mysql_query(db, "SELECT id FROM whoami");
        result = mysql_store_result(db);
        who = mysql_fetch_row(result)[0];
    }
    printf("who: %s\n", who);
    mysql_free_result(result);
}

static void transactions(MYSQL *db)
{
    ask(db, "update", "UPDATE items SET s = 'changed' WHERE n IN (1, 2)");
    ask(db, "update again", "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");
    mysql_autocommit(db, 0);
    ask(db, "in transaction", "INSERT INTO items (n, s) VALUES (200, 'kept')");
    ask(db, "in transaction", "SELECT s FROM items WHERE n = 200");
    mysql_commit(db);
    ask(db, "in transaction", "INSERT INTO items (n, s) VALUES (201, 'gone')");
    ask(db, "in transaction", "SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300");
    mysql_rollback(db);
    mysql_autocommit(db, 1);
    ask(db, "after both", "SELECT n FROM items WHERE n > 199 AND n < 300");
}

static void errors(MYSQL *db)
{
    ask(db, "duplicate", "INSERT INTO items (n) VALUES (1)");
    ask(db, "syntax", "SELEKT 1");
    ask(db, "unknown table", "SELECT * FROM nowhere");
    ask(db, "lives on", "SELECT 'still here'");
    ask(db, "warned write", "INSERT IGNORE INTO items (n) VALUES (1)");
    ask(db, "warned write", "SHOW WARNINGS");
    ask(db, "warned read", "SELECT CAST('12abc' AS SIGNED)");
    printf("warnings: %u\n", mysql_warning_count(db));
    ask(db, "warned read", "SHOW WARNINGS");
    ask(db, "several",
        "SELECT 1; INSERT INTO items (n) VALUES (300), (301); "
        "SELECT n FROM items WHERE n = 301");
    ask(db, "several", "SELECT 1; SELEKT 2; SELECT 3");
    ask(db, "procedure", "DROP PROCEDURE IF EXISTS two_results");
    ask(db, "procedure",
        "CREATE PROCEDURE two_results(IN a INT) BEGIN SELECT a, 'zwei' AS b; "
        "SELECT n FROM items WHERE n <= a; END");
    ask(db, "procedure", "CALL two_results(3)");
}

static void state(MYSQL *db)
{
    MYSQL_RES *fields;

    ask(db, "variable", "SET SESSION sort_buffer_size = 300032");
    ask(db, "variable", "SELECT @@session.sort_buffer_size = 300032");
    ask(db, "variable", "SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
    ask(db, "replayed", "SELECT FROM_UNIXTIME(86400), GROUP_CONCAT(n ORDER BY n) FROM items");
    ask(db, "user variable", "SET @mine = 'meins'");
    ask(db, "user variable", "SELECT @mine, @other");
    ask(db, "elsewhere", "DROP DATABASE IF EXISTS elsewhere");
    ask(db, "elsewhere", "CREATE DATABASE elsewhere");
    printf("elsewhere: %d\n", mysql_select_db(db, "elsewhere"));
    ask(db, "elsewhere", "SELECT DATABASE()");
    ask(db, "elsewhere", "CREATE TABLE items (word VARCHAR(20))");
    ask(db, "elsewhere", "INSERT INTO items VALUES ('anders')");
    ask(db, "elsewhere", "SELECT * FROM items");
    fields = mysql_list_fields(db, "items", NULL);
    printf("fields: %s\n", fields ? mysql_fetch_field_direct(fields, 0)->name : mysql_error(db));
    mysql_free_result(fields);
    printf("back: %d\n", mysql_select_db(db, "test"));
    ask(db, "back", "SELECT DATABASE(), COUNT(*) FROM items");
    if (mysql_select_db(db, "nosuchschema") != 0)
        failed("unknown schema", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    ask(db, "elsewhere", "DROP DATABASE elsewhere");
    printf("option: %d\n", mysql_set_server_option(db, MYSQL_OPTION_MULTI_STATEMENTS_OFF));
    ask(db, "forbidden", "SELECT 1; SELECT 2");
    printf("ping: %d\n", mysql_ping(db));
    printf("statistics: %s\n", mysql_stat(db) ? "yes" : "no");
    printf("reset: %d\n", mysql_reset_connection(db));
    ask(db, "reset", "SELECT @mine, DATABASE(), @@session.sort_buffer_size = 300032");
    ask(db, "user variable", "SET @mine = 'meins'");
    printf("change user: %d\n", mysql_change_user(db, user, password, "test"));
    ask(db, "changed user", "SELECT @mine, DATABASE()");
    printf("change user: %d\n", mysql_change_user(db, user, "wrong", "test"));
    failed("changed user", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
}

static void large(MYSQL *db)
{
    char text[TEXT_SIZE];
    MYSQL_RES *result;
    MYSQL_ROW row;
    unsigned sum = 0, count = 0;

    ask(db, "large", "CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))");
    ask(db, "large", "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
    for (int size = 5; size < 20000; size *= 2) {
        snprintf(text, sizeof text,
                 "INSERT INTO numbers SELECT i + %d, REPEAT('x', i %% 40) FROM numbers", size);
        ask(db, "doubled", text);
    }
    mysql_query(db, "SELECT i, t FROM numbers ORDER BY i");
    result = mysql_use_result(db);
    for (; (row = mysql_fetch_row(result)) != NULL; count++)
        sum = sum * 31 + checksum(row[0], strlen(row[0])) + checksum(row[1], strlen(row[1]));
    mysql_free_result(result);
    printf("large: %u rows %08x\n", count, sum);
}

int main(int argc, char **argv)
{
    MYSQL *db;

    if (argc < 5)
        return 2;
    host = argv[1];
    port = (unsigned)strtoul(argv[2], NULL, 10);
    user = argv[3];
    password = argv[4];
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < BLOB_SIZE; i++)
        blob[i] = (char)(i * 7 + i / 256);
    db = connect_as("unexpected", user, password, "test");
    if (db == NULL)
        return 1;
    printf("server: %s %lu\n", mysql_get_server_info(db), mysql_get_server_version(db));
    printf("charset: %s\n", mysql_character_set_name(db));
    ask(db, "schema", "SELECT DATABASE()");
    writes(db);
    prepared(db);
    ask(db, "text", "SELECT * FROM items WHERE id >= 13 ORDER BY id");
    transactions(db);
    errors(db);
    large(db);
    state(db);
    mysql_close(db);
    connect_as("wrong password", user, "wrong", "test");
    connect_as("unknown user", "nobody", "x", "test");
    connect_as("unknown schema", user, password, "nosuchschema");
    mysql_library_end();
    return 0;
}
