/*
 * Rows: statements and what they must be classified as. One table per kind of statement; the tests
 * walk all of them, also cut at every byte.
 */
#ifndef TIDEMARK_TESTS_ROUTER_ROWS_H
#define TIDEMARK_TESTS_ROUTER_ROWS_H

#include "router/lexer.h"

/* How the row is to be read; each letter of mode is one condition:
 *   m  on MySQL only        M  on MariaDB only (neither: the same on both)
 *   a  ANSI_QUOTES          n  NO_BACKSLASH_ESCAPES      i  IGNORE_SPACE
 *   l  latin1   g  gbk   s  sjis   b  big5   8  gb18030
 *   o  sql_mode ORACLE      5  MySQL 5.7, MariaDB 10.3 */
struct row {
    const char *mode;
    const char *sql;
    const char *expected; /* "class" or "class pin,pin" */
};

struct rows {
    const struct row *rows;
    size_t count;
};

extern const struct rows query_rows, function_rows, change_rows, session_rows, definition_rows,
    show_rows, lexical_rows;

/* The flavors a row is for: calls check with each mode. */
void rows_each(const struct rows *rows,
               void (*check)(const struct row *row, const struct lexer_mode *mode));
void rows_each_table(void (*visit)(const struct rows *rows));

#endif
