/*
 * C: libmariadb's use of what only MariaDB has: executions in bulk, EXECUTE right behind PREPARE,
 * progress reports, names of types. `extensions.c HOST PORT USER PASSWORD`; not the scenario of the
 * other programs, but as with them what is printed must be the same through a proxy.
 *
 * A second connection begins a transaction now and then. Through a proxy that shares connections
 * the first one then goes on with another one, which has not prepared its statements.
 */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, BIG_ROWS = 20, BIG_SIZE = 1 << 20, TEXT_SIZE = 64 };

static MYSQL *db, *other;
static unsigned reports;

static void show_error(const char *label, unsigned number, const char *state, const char *text)
{
    printf("%s: %u %s %s\n", label, number, state, text);
}

/* All rows of what was sent, values with spaces between. */
static void show_rows(MYSQL *from, const char *label)
{
    MYSQL_RES *result = mysql_store_result(from);
    MYSQL_ROW row;

    if (result == NULL) {
        show_error(label, mysql_errno(from), mysql_sqlstate(from), mysql_error(from));
        return;
    }
    while ((row = mysql_fetch_row(result)) != NULL) {
        printf("%s:", label);
        for (unsigned i = 0; i < mysql_num_fields(result); i++)
            printf(" %s", row[i] != NULL ? row[i] : "NULL");
        puts("");
    }
    mysql_free_result(result);
}

static void run(MYSQL *on, const char *sql)
{
    if (mysql_query(on, sql) != 0) {
        show_error(sql, mysql_errno(on), mysql_sqlstate(on), mysql_error(on));
        exit(1);
    }
    mysql_free_result(mysql_store_result(on));
}

static void show(const char *label, const char *sql)
{
    if (mysql_query(db, sql) != 0)
        show_error(label, mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    else
        show_rows(db, label);
}

/* The other connection takes the server connection that was used last, or gives it back. */
static void move_on(bool is_on)
{
    run(other, is_on ? "BEGIN" : "COMMIT");
}

static MYSQL_STMT *prepared(const char *sql)
{
    MYSQL_STMT *statement = mysql_stmt_init(db);

    if (mysql_stmt_prepare(statement, sql, strlen(sql)) != 0)
        show_error(sql, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
                   mysql_stmt_error(statement));
    return statement;
}

static void show_statement_rows(MYSQL_STMT *statement, const char *label)
{
    char text[8][TEXT_SIZE];
    unsigned long length[8];
    my_bool is_null[8];
    MYSQL_BIND bind[8];
    unsigned columns = mysql_stmt_field_count(statement);

    memset(bind, 0, sizeof bind);
    for (unsigned i = 0; i < columns && i < 8; i++)
        bind[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                               .buffer = text[i],
                               .buffer_length = TEXT_SIZE - 1,
                               .length = &length[i],
                               .is_null = &is_null[i]};
    mysql_stmt_bind_result(statement, bind);
    mysql_stmt_store_result(statement);
    printf("%s: %u columns\n", label, columns);
    while (mysql_stmt_fetch(statement) == 0) {
        printf("%s:", label);
        for (unsigned i = 0; i < columns && i < 8; i++)
            printf(" %.*s", is_null[i] ? 4 : (int)length[i], is_null[i] ? "NULL" : text[i]);
        puts("");
    }
    mysql_stmt_free_result(statement);
}

static void execute(MYSQL_STMT *statement, const char *label)
{
    if (mysql_stmt_execute(statement) != 0) {
        show_error(label, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
                   mysql_stmt_error(statement));
    } else if (mysql_stmt_field_count(statement) > 0) {
        show_statement_rows(statement, label);
    } else {
        printf("%s: %llu rows, id %llu, %u warnings\n", label,
               (unsigned long long)mysql_stmt_affected_rows(statement),
               (unsigned long long)mysql_stmt_insert_id(statement),
               mysql_stmt_warning_count(statement));
    }
}

/* Numbers and texts as arrays, by columns. */
static void bind_arrays(MYSQL_STMT *statement, unsigned rows, int *numbers, char *number_has,
                        const char **texts, char *text_has)
{
    MYSQL_BIND bind[2];

    memset(bind, 0, sizeof bind);
    bind[0].buffer_type = MYSQL_TYPE_LONG;
    bind[0].buffer = numbers;
    bind[0].u.indicator = number_has;
    bind[1].buffer_type = MYSQL_TYPE_STRING;
    bind[1].buffer = texts;
    bind[1].u.indicator = text_has;
    mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows);
    mysql_stmt_bind_param(statement, bind);
}

static void bulk(void)
{
    int numbers[ROWS] = {1, 2, 3, 4};
    const char *texts[ROWS] = {"one", "two", "three", "four"};
    char number_has[ROWS] = {STMT_INDICATOR_NONE, STMT_INDICATOR_NULL, STMT_INDICATOR_DEFAULT,
                             STMT_INDICATOR_NONE};
    char text_has[ROWS] = {STMT_INDICATOR_NTS, STMT_INDICATOR_NTS, STMT_INDICATOR_NULL,
                           STMT_INDICATOR_DEFAULT};
    char id_has[ROWS] = {STMT_INDICATOR_NULL, STMT_INDICATOR_NONE, STMT_INDICATOR_NULL,
                         STMT_INDICATOR_NONE};
    char all[ROWS] = {STMT_INDICATOR_NTS, STMT_INDICATOR_NTS, STMT_INDICATOR_NTS,
                      STMT_INDICATOR_NTS};
    MYSQL_STMT *insert = prepared("INSERT INTO bulks (number, text) VALUES (?, ?)");
    MYSQL_STMT *returning = prepared("INSERT INTO bulks (number, text) VALUES (?, ?) "
                                     "RETURNING id, number, text");
    MYSQL_STMT *own_ids = prepared("INSERT INTO bulks (id, text) VALUES (?, ?)");
    MYSQL_STMT *update = prepared("UPDATE bulks SET number = ? WHERE text = ?");

    bind_arrays(insert, ROWS, numbers, number_has, texts, text_has);
    execute(insert, "bulk");
    show("last id", "SELECT LAST_INSERT_ID(), ROW_COUNT()");
    show("rows", "SELECT * FROM bulks ORDER BY id");
    move_on(true);
    execute(insert, "bulk without its types");
    move_on(false);
    show("last id", "SELECT LAST_INSERT_ID()");
    bind_arrays(returning, ROWS, numbers, number_has, texts, text_has);
    execute(returning, "returning");
    numbers[1] = 1000;
    numbers[3] = 1001;
    bind_arrays(own_ids, ROWS, numbers, id_has, texts, all);
    execute(own_ids, "own ids");
    show("last id", "SELECT LAST_INSERT_ID()");
    execute(own_ids, "duplicate in the middle");
    show("count", "SELECT COUNT(*), SUM(id) FROM bulks");
    show("last id", "SELECT LAST_INSERT_ID()");
    bind_arrays(update, ROWS, numbers, all, texts, all);
    execute(update, "update");
    show("last id", "SELECT LAST_INSERT_ID()");
    run(db, "SET sql_mode = ''");
    bind_arrays(insert, 2, numbers, all, (const char *[]){"a text that is too long for it", "b"},
                all);
    execute(insert, "with a warning");
    show("warnings", "SHOW WARNINGS");
    run(db, "SET sql_mode = DEFAULT");
    show("sum", "SELECT COUNT(*), SUM(id), SUM(number), MAX(text) FROM bulks");
    mysql_stmt_close(insert);
    mysql_stmt_close(returning);
    mysql_stmt_close(own_ids);
    mysql_stmt_close(update);
}

/* More than fits into one packet of the protocol. */
static void big_bulk(void)
{
    static char *texts[BIG_ROWS];
    int numbers[BIG_ROWS];
    char has[BIG_ROWS];
    MYSQL_STMT *insert = prepared("INSERT INTO bigs (number, text) VALUES (?, ?)");

    for (unsigned i = 0; i < BIG_ROWS; i++) {
        numbers[i] = (int)i;
        has[i] = STMT_INDICATOR_NTS;
        texts[i] = malloc(BIG_SIZE + 1);
        for (unsigned at = 0; at < BIG_SIZE; at++)
            texts[i][at] = (char)('a' + (at * 7 + at / 251 + i) % 23);
        texts[i][BIG_SIZE] = 0;
    }
    bind_arrays(insert, BIG_ROWS, numbers, has, (const char **)texts, has);
    execute(insert, "big");
    show("big", "SELECT COUNT(*), SUM(LENGTH(text)), SUM(CRC32(text)) FROM bigs");
    for (unsigned i = 0; i < BIG_ROWS; i++)
        free(texts[i]);
    mysql_stmt_close(insert);
}

/* PREPARE and EXECUTE in one write. */
static void direct(void)
{
    static const char select[] = "SELECT number, text FROM bulks WHERE id = ?";
    static const char insert[] = "INSERT INTO bulks (number) VALUES (?)";
    static const char wrong[] = "SELECT nosuch FROM bulks WHERE id = ?";
    const char *texts[] = {select, insert, wrong, select};
    int id = 1;
    unsigned count = 1;
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        MYSQL_STMT *statement = mysql_stmt_init(db);

        mysql_stmt_attr_set(statement, STMT_ATTR_PREBIND_PARAMS, &count);
        mysql_stmt_bind_param(statement, &bind);
        if (mariadb_stmt_execute_direct(statement, texts[i], strlen(texts[i])) != 0)
            show_error("direct", mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
                       mysql_stmt_error(statement));
        else if (mysql_stmt_field_count(statement) > 0)
            show_statement_rows(statement, "direct");
        else
            printf("direct: %llu rows, id %llu\n",
                   (unsigned long long)mysql_stmt_affected_rows(statement),
                   (unsigned long long)mysql_stmt_insert_id(statement));
        mysql_stmt_close(statement);
    }
}

/* What a statement has returned so far may have changed since. */
static void altered(void)
{
    MYSQL_STMT *select = prepared("SELECT * FROM shapes");

    execute(select, "shape");
    run(other, "ALTER TABLE shapes ADD COLUMN b VARCHAR(10) DEFAULT 'x'");
    execute(select, "shape");
    move_on(true);
    execute(select, "shape");
    move_on(false);
    run(other, "ALTER TABLE shapes MODIFY a VARCHAR(20), DROP COLUMN b");
    execute(select, "shape");
    execute(select, "shape");
    mysql_stmt_close(select);
}

static void types(void)
{
    MYSQL_RES *result;
    MYSQL_FIELD *field;

    if (mysql_query(db, "SELECT * FROM typed") != 0)
        return;
    result = mysql_store_result(db);
    while ((field = mysql_fetch_field(result)) != NULL) {
        MARIADB_CONST_STRING name = {0}, format = {0};

        mariadb_field_attr(&name, field, MARIADB_FIELD_ATTR_DATA_TYPE_NAME);
        mariadb_field_attr(&format, field, MARIADB_FIELD_ATTR_FORMAT_NAME);
        printf("column %s: type %d name \"%.*s\" format \"%.*s\"\n", field->name, (int)field->type,
               (int)name.length, name.length > 0 ? name.str : "", (int)format.length,
               format.length > 0 ? format.str : "");
    }
    mysql_free_result(result);
}

static void on_progress(const MYSQL *of, unsigned stage, unsigned stages, double done,
                        const char *what, unsigned length)
{
    (void)of, (void)stage, (void)stages, (void)done, (void)what, (void)length;
    reports++;
}

static void progress(void)
{
    reports = 0;
    run(db, "ALTER TABLE bulks ENGINE = Aria");
    printf("reports: %s\n", reports > 0 ? "some" : "none");
    reports = 0;
    run(db, "LOAD DATA LOCAL INFILE '/dev/null' INTO TABLE bulks");
    printf("reports behind a file: %s\n", reports > 0 ? "some" : "none");
    reports = 0;
    show("check", "CHECK TABLE bulks, shapes");
    printf("reports: %s\n", reports > 0 ? "some" : "none");
    show("an error behind reports", "ALTER TABLE bulks ADD UNIQUE (number), ALGORITHM = COPY");
    reports = 0;
    run(other, "ALTER TABLE bulks ENGINE = InnoDB");
    printf("reports that nobody looks at: %s\n", reports > 0 ? "some" : "none");
}

static MYSQL *connected(char **words)
{
    MYSQL *made = mysql_init(NULL);
    unsigned local = 1;

    mysql_options(made, MYSQL_OPT_LOCAL_INFILE, &local);
    if (mysql_real_connect(made, words[1], words[3], words[4], "test",
                           (unsigned)strtoul(words[2], NULL, 10), NULL, 0) == NULL) {
        show_error("login", mysql_errno(made), mysql_sqlstate(made), mysql_error(made));
        exit(1);
    }
    return made;
}

int main(int count, char **words)
{
    if (count < 5)
        return 2;
    db = connected(words);
    other = connected(words);
    mysql_optionsv(db, MYSQL_PROGRESS_CALLBACK, (void *)on_progress);
    run(db, "CREATE OR REPLACE TABLE bulks (id INT AUTO_INCREMENT PRIMARY KEY, "
            "number INT DEFAULT 7, text VARCHAR(20) DEFAULT 'nothing')");
    run(db, "CREATE OR REPLACE TABLE bigs (id INT AUTO_INCREMENT PRIMARY KEY, number INT, "
            "text LONGTEXT)");
    run(db, "CREATE OR REPLACE TABLE shapes (a INT)");
    run(db, "INSERT INTO shapes VALUES (1)");
    run(db, "CREATE OR REPLACE TABLE typed (i INET6, u UUID, j JSON, p POINT, n INT)");
    bulk();
    big_bulk();
    direct();
    altered();
    types();
    progress();
    mysql_close(other);
    mysql_close(db);
    return 0;
}
