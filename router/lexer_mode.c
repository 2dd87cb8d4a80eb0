/*
 * How session settings become a lexer mode. Names that no server of today has are answered with
 * false, so that the caller can be careful with them.
 */
#include "router/lexer.h"

enum sql_mode_effect { NO_EFFECT = 0, QUOTES = 1, NO_ESCAPES = 2, SPACES = 4, FOREIGN = 8 };

static const struct {
    const char *name;
    unsigned effect;
} sql_modes[] = {
    {"ALLOW_INVALID_DATES", NO_EFFECT},
    {"ANSI", QUOTES | SPACES},
    {"ANSI_QUOTES", QUOTES},
    {"DB2", QUOTES | SPACES},
    {"EMPTY_STRING_IS_NULL", NO_EFFECT},
    {"ERROR_FOR_DIVISION_BY_ZERO", NO_EFFECT},
    {"HIGH_NOT_PRECEDENCE", NO_EFFECT},
    {"IGNORE_BAD_TABLE_OPTIONS", NO_EFFECT},
    {"IGNORE_SPACE", SPACES},
    {"MAXDB", QUOTES | SPACES},
    {"MSSQL", QUOTES | SPACES | FOREIGN},
    {"MYSQL323", NO_EFFECT},
    {"MYSQL40", NO_EFFECT},
    {"NO_AUTO_CREATE_USER", NO_EFFECT},
    {"NO_AUTO_VALUE_ON_ZERO", NO_EFFECT},
    {"NO_BACKSLASH_ESCAPES", NO_ESCAPES},
    {"NO_DIR_IN_CREATE", NO_EFFECT},
    {"NO_ENGINE_SUBSTITUTION", NO_EFFECT},
    {"NO_FIELD_OPTIONS", NO_EFFECT},
    {"NO_KEY_OPTIONS", NO_EFFECT},
    {"NO_TABLE_OPTIONS", NO_EFFECT},
    {"NO_UNSIGNED_SUBTRACTION", NO_EFFECT},
    {"NO_ZERO_DATE", NO_EFFECT},
    {"NO_ZERO_IN_DATE", NO_EFFECT},
    {"ONLY_FULL_GROUP_BY", NO_EFFECT},
    {"ORACLE", QUOTES | SPACES | FOREIGN},
    {"PAD_CHAR_TO_FULL_LENGTH", NO_EFFECT},
    {"PIPES_AS_CONCAT", NO_EFFECT},
    {"POSTGRESQL", QUOTES | SPACES},
    {"REAL_AS_FLOAT", NO_EFFECT},
    {"SIMULTANEOUS_ASSIGNMENT", NO_EFFECT},
    {"STRICT_ALL_TABLES", NO_EFFECT},
    {"STRICT_TRANS_TABLES", NO_EFFECT},
    {"TIME_ROUND_FRACTIONAL", NO_EFFECT},
    {"TIME_TRUNCATE_FRACTIONAL", NO_EFFECT},
    {"TRADITIONAL", NO_EFFECT},
};

static const struct {
    const char *name;
    enum lexer_charset charset;
} charsets[] = {
    {"armscii8", LEXER_CHARSET_SINGLE}, {"ascii", LEXER_CHARSET_UTF8},
    {"big5", LEXER_CHARSET_BIG5},       {"binary", LEXER_CHARSET_UTF8},
    {"cp1250", LEXER_CHARSET_SINGLE},   {"cp1251", LEXER_CHARSET_SINGLE},
    {"cp1256", LEXER_CHARSET_SINGLE},   {"cp1257", LEXER_CHARSET_SINGLE},
    {"cp850", LEXER_CHARSET_SINGLE},    {"cp852", LEXER_CHARSET_SINGLE},
    {"cp866", LEXER_CHARSET_SINGLE},    {"cp932", LEXER_CHARSET_SJIS},
    {"dec8", LEXER_CHARSET_SINGLE},     {"eucjpms", LEXER_CHARSET_SINGLE},
    {"euckr", LEXER_CHARSET_SINGLE},    {"gb18030", LEXER_CHARSET_GB18030},
    {"gb2312", LEXER_CHARSET_SINGLE},   {"gbk", LEXER_CHARSET_GBK},
    {"geostd8", LEXER_CHARSET_SINGLE},  {"greek", LEXER_CHARSET_SINGLE},
    {"hebrew", LEXER_CHARSET_SINGLE},   {"hp8", LEXER_CHARSET_SINGLE},
    {"keybcs2", LEXER_CHARSET_SINGLE},  {"koi8r", LEXER_CHARSET_SINGLE},
    {"koi8u", LEXER_CHARSET_SINGLE},    {"latin1", LEXER_CHARSET_SINGLE},
    {"latin2", LEXER_CHARSET_SINGLE},   {"latin5", LEXER_CHARSET_SINGLE},
    {"latin7", LEXER_CHARSET_SINGLE},   {"macce", LEXER_CHARSET_SINGLE},
    {"macroman", LEXER_CHARSET_SINGLE}, {"sjis", LEXER_CHARSET_SJIS},
    {"tis620", LEXER_CHARSET_SINGLE},   {"ujis", LEXER_CHARSET_SINGLE},
    {"utf8", LEXER_CHARSET_UTF8},       {"utf8mb3", LEXER_CHARSET_UTF8},
    {"utf8mb4", LEXER_CHARSET_UTF8},
};

struct lexer_mode lexer_mode_default(enum sql_flavor flavor)
{
    return (struct lexer_mode){
        .flavor = flavor,
        .server_version = flavor == SQL_FLAVOR_MARIADB ? 101100 : 90000,
        .charset = LEXER_CHARSET_UTF8,
    };
}

static bool find_sql_mode(struct bytes name, unsigned *effects)
{
    for (size_t i = 0; i < sizeof sql_modes / sizeof sql_modes[0]; i++) {
        if (bytes_equal_text_nocase(name, sql_modes[i].name)) {
            *effects |= sql_modes[i].effect;
            return true;
        }
    }
    return false;
}

bool lexer_mode_set_sql_mode(struct lexer_mode *mode, struct bytes sql_mode)
{
    unsigned effects = 0;
    bool all_known = true;
    size_t start = 0;

    for (size_t i = 0; i <= sql_mode.size; i++) {
        if (i < sql_mode.size && sql_mode.data[i] != ',')
            continue;
        if (i > start)
            all_known &= find_sql_mode(bytes_of(sql_mode.data + start, i - start), &effects);
        start = i + 1;
    }
    mode->ansi_quotes = effects & QUOTES;
    mode->no_backslash_escapes = effects & NO_ESCAPES;
    mode->ignore_space = effects & SPACES;
    mode->foreign_grammar = effects & FOREIGN;
    return all_known;
}

bool lexer_mode_set_charset(struct lexer_mode *mode, struct bytes name)
{
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
        if (bytes_equal_text_nocase(name, charsets[i].name)) {
            mode->charset = charsets[i].charset;
            return true;
        }
    }
    mode->charset = LEXER_CHARSET_SINGLE;
    return false;
}
