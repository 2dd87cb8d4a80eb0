/*
 * The classifier over any bytes, in every mode: whatever it says must hang together, and a text
 * that goes on is never a read. The first byte of the input chooses the mode, the rest is the text.
 */
#include "router/classify.h"
#include "router/digest.h"
#include "router/explain.h"

#include <stdlib.h>

static struct lexer_mode mode_of(uint8_t choice)
{
    struct lexer_mode mode = lexer_mode_default(choice & 1 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL);

    mode.ansi_quotes = choice & 2;
    mode.no_backslash_escapes = choice & 4;
    mode.ignore_space = choice & 8;
    mode.charset = (enum lexer_charset)((choice >> 4) % (LEXER_CHARSET_GB18030 + 1));
    return mode;
}

static void check(bool fact)
{
    if (!fact)
        abort();
}

static void check_statement(const struct statement *statement, struct bytes sql)
{
    check(statement->why && statement->table_count <= STATEMENT_TABLES);
    check(statement->class != STATEMENT_READ || !statement->may_change);
    check(statement->class != STATEMENT_READ || !statement->is_uncertain);
    check(statement->connection_id_offset + statement->connection_id_size <= sql.size);
    for (unsigned i = 0; i < statement->table_count; i++) {
        struct bytes name = statement->tables[i].name;

        check(name.data >= sql.data && name.data + name.size <= sql.data + sql.size);
    }
    for (unsigned i = 0; i < statement->set.count && i < SET_ASSIGNMENTS; i++) {
        struct bytes value = statement->set.assignments[i].value;

        check(value.data >= sql.data && value.data + value.size <= sql.data + sql.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct statement statement;
    struct lexer_mode mode;
    struct bytes sql;
    char text[64];
    size_t length;

    if (size == 0)
        return 0;
    mode = mode_of(data[0]);
    sql = bytes_of(data + 1, size - 1);
    classify(sql, false, &mode, &statement);
    check_statement(&statement, sql);
    check(digest_text(sql, &mode, text, sizeof text, &length) == statement.digest);
    check(length < sizeof text);
    explain(sql, &mode, text, sizeof text);
    classify(sql, true, &mode, &statement);
    check(statement.class == STATEMENT_WRITE && (statement.pins & PIN_UNKNOWN));
    return 0;
}
