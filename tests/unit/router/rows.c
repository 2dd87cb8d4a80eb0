#include "rows.h"

#include <string.h>

static struct lexer_mode mode_of(const char *letters, enum sql_flavor flavor)
{
    struct lexer_mode mode = lexer_mode_default(flavor);

    for (; *letters; letters++) {
        switch (*letters) {
        case 'a':
            mode.ansi_quotes = true;
            break;
        case 'n':
            mode.no_backslash_escapes = true;
            break;
        case 'i':
            mode.ignore_space = true;
            break;
        case 'l':
            lexer_mode_set_charset(&mode, bytes_of_text("latin1"));
            break;
        case 'g':
            lexer_mode_set_charset(&mode, bytes_of_text("gbk"));
            break;
        case 's':
            lexer_mode_set_charset(&mode, bytes_of_text("sjis"));
            break;
        case 'b':
            lexer_mode_set_charset(&mode, bytes_of_text("big5"));
            break;
        case '8':
            lexer_mode_set_charset(&mode, bytes_of_text("gb18030"));
            break;
        case 'o':
            lexer_mode_set_sql_mode(&mode, bytes_of_text("ORACLE"));
            break;
        case '5':
            mode.server_version = flavor == SQL_FLAVOR_MARIADB ? 100300 : 50744;
            break;
        default:
            break;
        }
    }
    return mode;
}

void rows_each(const struct rows *rows,
               void (*check)(const struct row *row, const struct lexer_mode *mode))
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->rows[i];
        struct lexer_mode mysql = mode_of(row->mode, SQL_FLAVOR_MYSQL);
        struct lexer_mode mariadb = mode_of(row->mode, SQL_FLAVOR_MARIADB);

        if (!strchr(row->mode, 'M'))
            check(row, &mysql);
        if (!strchr(row->mode, 'm'))
            check(row, &mariadb);
    }
}

void rows_each_table(void (*visit)(const struct rows *rows))
{
    visit(&query_rows);
    visit(&function_rows);
    visit(&change_rows);
    visit(&session_rows);
    visit(&definition_rows);
    visit(&show_rows);
    visit(&lexical_rows);
}
