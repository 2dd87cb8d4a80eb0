/*
 * The lexer's states are the server's own, reduced to what decides where a token ends. Two rules of
 * the servers are easy to miss: a comment -- needs a blank (or control character) behind it, and a
 * name that touches a dot is never a keyword.
 */
#include "router/lexer.h"

#include "router/words.h"

/* What a byte can begin, outside quotes and comments. Those that can be in a name come first. */
enum byte_class { NA, PR, DI, HI, OT, SP, PU, QU, DQ, TI, AT, DA, SL, ST, HA, CO, DO, MA };

/* NA name  PR name, or prefix of a string: x b n  DI digit  HI 0x80..0xff  OT other (odd)  SP blank
 * PU operator or bracket  QU '  DQ "  TI `  AT @  DA -  SL /  ST *  HA #  CO :  DO .  MA ? */
/* clang-format off */
static const uint8_t byte_classes[256] = {
    OT, OT, OT, OT, OT, OT, OT, OT, OT, SP, SP, SP, SP, SP, OT, OT, /* 0x00 */
    OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, /* 0x10 */
    SP, PU, DQ, HA, NA, PU, PU, QU, PU, PU, ST, PU, PU, DA, DO, SL, /* 0x20 */
    DI, DI, DI, DI, DI, DI, DI, DI, DI, DI, CO, PU, PU, PU, PU, MA, /* 0x30 */
    AT, NA, PR, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, PR, NA, /* 0x40 */
    NA, NA, NA, NA, NA, NA, NA, NA, PR, NA, NA, PU, OT, PU, PU, NA, /* 0x50 */
    TI, NA, PR, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, PR, NA, /* 0x60 */
    NA, NA, NA, NA, NA, NA, NA, NA, PR, NA, NA, PU, PU, PU, PU, OT, /* 0x70 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0x80 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0x90 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0xa0 */
    HI, HI, DI, DI, HI, HI, HI, HI, HI, DI, HI, HI, HI, HI, HI, HI, /* 0xb0 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0xc0 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0xd0 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0xe0 */
    HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, HI, /* 0xf0 */
};
/* clang-format on */

static bool is_name_byte(uint8_t byte)
{
    return byte_classes[byte] <= HI;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* The byte at p, or 0 beyond the end: the servers' own text ends with a zero. */
static uint8_t peek(const struct lexer *lexer, const uint8_t *p)
{
    return p < lexer->end ? *p : 0;
}

/* Size of the multi-byte character at p; 1 for everything else, malformed ones included. */
static size_t character_size(enum lexer_charset charset, const uint8_t *p, const uint8_t *end)
{
    uint8_t first = p[0], second = end - p > 1 ? p[1] : 0;
    bool low = second >= 0x40 && second <= 0x7e;

    switch (charset) {
    case LEXER_CHARSET_UTF8:
    case LEXER_CHARSET_SINGLE:
        return 1; /* no byte below 0x80 inside a character: cutting it changes nothing */
    case LEXER_CHARSET_GBK:
        return first >= 0x81 && first <= 0xfe && (low || (second >= 0x80 && second <= 0xfe)) ? 2
                                                                                             : 1;
    case LEXER_CHARSET_SJIS:
        return ((first >= 0x81 && first <= 0x9f) || (first >= 0xe0 && first <= 0xfc)) &&
                       (low || (second >= 0x80 && second <= 0xfc))
                   ? 2
                   : 1;
    case LEXER_CHARSET_BIG5:
        return first >= 0xa1 && first <= 0xf9 && (low || (second >= 0xa1 && second <= 0xfe)) ? 2
                                                                                             : 1;
    case LEXER_CHARSET_GB18030:
        if (first < 0x81 || first == 0xff)
            return 1;
        if (low || (second >= 0x80 && second <= 0xfe))
            return 2;
        return is_digit(second) && end - p >= 4 && p[2] >= 0x81 && p[2] <= 0xfe && is_digit(p[3])
                   ? 4
                   : 1;
    }
    return 1;
}

/* From behind an opening quote to behind the closing one; NULL when there is none. */
static const uint8_t *skip_quoted(const struct lexer *lexer, const uint8_t *p, uint8_t quote,
                                  bool escapes)
{
    enum lexer_charset charset = lexer->mode->charset;
    bool plain = charset <= LEXER_CHARSET_SINGLE;
    const uint8_t *end = lexer->end;

    for (;;) {
        while (p < end && *p != quote && *p != '\\' && (plain || *p < 0x80))
            p++;
        if (p >= end)
            return NULL;
        if (!plain && *p >= 0x80) {
            p += character_size(charset, p, end);
        } else if (*p == quote) {
            if (peek(lexer, p + 1) != quote)
                return p + 1;
            p += 2;
        } else {
            /* One byte is escaped, whatever character it begins. */
            p += escapes && p + 1 < end ? 2 : 1;
        }
    }
}

/* From behind the opening to behind the closing of a comment; NULL when there is none. Only a
 * skipped executable comment may hold another comment. */
static const uint8_t *skip_comment(const struct lexer *lexer, const uint8_t *p, bool may_nest)
{
    while (p < lexer->end) {
        if (*p == '*' && peek(lexer, p + 1) == '/')
            return p + 2;
        if (may_nest && *p == '/' && peek(lexer, p + 1) == '*') {
            p = skip_comment(lexer, p + 2, false);
            if (!p)
                return NULL;
        } else {
            p++;
        }
    }
    return NULL;
}

/* An optimizer hint has strings of its own rules; where one could hide the comment's end from one
 * reader and not from another, nothing is certain. */
static bool hint_is_plain(const uint8_t *p, const uint8_t *end)
{
    uint8_t quote = 0;

    for (; p < end; p++) {
        if (*p == '\\')
            return false;
        if (quote)
            quote = *p == quote ? 0 : quote;
        else if (*p == '\'' || *p == '"' || *p == '`')
            quote = *p;
    }
    return quote == 0;
}

/* Of an executable comment, at its !: whether this server runs it; *p moves to its code. */
static bool code_comment_runs(struct lexer *lexer, const uint8_t **p, bool mariadb_only)
{
    uint32_t version = 0;
    unsigned digits = 0;

    *p += 1;
    while (digits < 6 && is_digit(peek(lexer, *p + digits))) {
        version = version * 10 + (uint32_t)((*p)[digits] - '0');
        digits++;
    }
    if (digits < 5)
        return true; /* no version: the digits are code */
    *p += digits;
    /* Servers of one cluster may be of different versions, and then some run it and some do not. */
    if (version > 50699)
        lexer->odd = true;
    if (lexer->mode->flavor == SQL_FLAVOR_MARIADB && !mariadb_only && version >= 50700 &&
        version <= 99999)
        return false;
    return version <= lexer->mode->server_version;
}

/* At the slash of a comment: moves behind it, or into it where it is code. */
static SELDOM void pass_comment(struct lexer *lexer)
{
    const uint8_t *p = lexer->at + 2;
    bool mariadb = lexer->mode->flavor == SQL_FLAVOR_MARIADB;
    bool maria_mark = mariadb && peek(lexer, p) == 'M' && peek(lexer, p + 1) == '!';
    bool skipped_code = false;

    if (peek(lexer, p) == '!' || maria_mark) {
        if (lexer->in_code_comment)
            lexer->odd = true;
        p += maria_mark ? 1 : 0;
        if (code_comment_runs(lexer, &p, maria_mark)) {
            lexer->in_code_comment = true;
            lexer->at = p;
            return;
        }
        skipped_code = true;
    }
    p = skip_comment(lexer, p, skipped_code);
    if (!p) {
        lexer->odd = true;
        p = lexer->end;
    } else if (lexer->at[2] == '+' && !hint_is_plain(lexer->at + 3, p - 2)) {
        lexer->odd = true;
    }
    lexer->at = p;
}

static SELDOM void pass_line(struct lexer *lexer)
{
    while (lexer->at < lexer->end && *lexer->at != '\n')
        lexer->at++;
}

/* Moves over blanks and comments to the next token's first byte, or to the end. */
static void pass_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        const uint8_t *p = lexer->at;
        uint8_t next;

        switch (byte_classes[*p]) {
        case SP:
            lexer->at++;
            break;
        case HA:
            pass_line(lexer);
            break;
        case DA:
            next = peek(lexer, p + 1);
            if (next != '-')
                return;
            next = peek(lexer, p + 2);
            if (next > 32 && next != 0x7f) {
                if (next >= 0x80 && lexer->mode->charset != LEXER_CHARSET_UTF8)
                    lexer->odd = true; /* may be a blank in that character set */
                return;
            }
            pass_line(lexer);
            break;
        case SL:
            if (peek(lexer, p + 1) != '*')
                return;
            pass_comment(lexer);
            break;
        case ST:
            if (!lexer->in_code_comment || peek(lexer, p + 1) != '/')
                return;
            lexer->in_code_comment = false;
            lexer->at += 2;
            break;
        default:
            return;
        }
    }
}

static void end_quoted(struct lexer *lexer, struct token *token, const uint8_t *end)
{
    if (end && end <= lexer->end) {
        lexer->at = end;
        return;
    }
    lexer->at = lexer->end;
    lexer->odd = true;
    token->open = true;
}

static void take_string(struct lexer *lexer, struct token *token, uint8_t quote)
{
    token->kind = TOKEN_STRING;
    end_quoted(lexer, token,
               skip_quoted(lexer, lexer->at + 1, quote, !lexer->mode->no_backslash_escapes));
}

static void take_quoted_name(struct lexer *lexer, struct token *token, uint8_t quote)
{
    const uint8_t *end = skip_quoted(lexer, lexer->at + 1, quote, false);

    token->kind = TOKEN_QUOTED;
    if (end && memchr(lexer->at, 0, (size_t)(end - lexer->at)))
        lexer->odd = true;
    end_quoted(lexer, token, end);
}

static SELDOM bool has_high_byte(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p < 0x80)
        p++;
    return p < end;
}

/* At a byte of a name. Sets all of the token. */
static void take_name(struct lexer *lexer, struct token *token)
{
    const uint8_t *start = lexer->at, *end = lexer->end, *p = start + 1;
    bool part = lexer->name_may_follow == start;
    uint8_t next = 0;

    while (p < end && is_name_byte(*p))
        p++;
    if (p < end) {
        next = *p;
        part |= next == '.' && end - p > 1 && is_name_byte(p[1]);
    }
    if (lexer->mode->charset != LEXER_CHARSET_UTF8 && has_high_byte(start, p))
        lexer->odd = true; /* some byte may be a blank, or the first half of a character */
    lexer->at = lexer->name_end = p;
    token->kind = TOKEN_WORD;
    token->symbol = 0;
    token->open = false;
    token->call = next == '(';
    token->offset = (size_t)(start - lexer->start);
    token->size = (size_t)(p - start);
    token->word = part ? NULL : word_find(start, token->size, end);
}

/* x'1F', b'01': digits only between the quotes; n'text': a string. */
static SELDOM void take_prefixed(struct lexer *lexer, struct token *token)
{
    const uint8_t *start = lexer->at, *p = start + 2;
    uint8_t prefix = *start | 0x20;

    if (peek(lexer, start + 1) != '\'' || lexer->name_may_follow == start) {
        take_name(lexer, token);
        return;
    }
    if (prefix == 'n') {
        lexer->at++;
        take_string(lexer, token, '\'');
        return;
    }
    token->kind = TOKEN_NUMBER;
    while (p < lexer->end && (prefix == 'x' ? is_hex(*p) : *p == '0' || *p == '1'))
        p++;
    if (peek(lexer, p) != '\'')
        lexer->odd = true;
    end_quoted(lexer, token, p + 1);
}

static const uint8_t *skip_digits(const struct lexer *lexer, const uint8_t *p)
{
    while (p < lexer->end && is_digit(*p))
        p++;
    return p;
}

/* Behind the e of an exponent, where one is; p otherwise. */
static const uint8_t *skip_exponent(const struct lexer *lexer, const uint8_t *p)
{
    const uint8_t *digits = p + 1;

    if ((peek(lexer, p) | 0x20) != 'e')
        return p;
    if (peek(lexer, digits) == '+' || peek(lexer, digits) == '-')
        digits++;
    return is_digit(peek(lexer, digits)) ? skip_digits(lexer, digits) : p;
}

/* At a dot: the fraction and exponent of a number. */
static SELDOM void take_fraction(struct lexer *lexer, struct token *token, const uint8_t *dot)
{
    const uint8_t *p = skip_digits(lexer, dot + 1), *end = skip_exponent(lexer, p);

    if (end == p && (peek(lexer, p) | 0x20) == 'e')
        lexer->odd = true; /* an error to the servers */
    token->kind = TOKEN_NUMBER;
    lexer->at = end;
}

/* At a digit: a number, or a name that begins with digits. */
static void take_number(struct lexer *lexer, struct token *token)
{
    const uint8_t *start = lexer->at, *p;
    uint8_t mark = peek(lexer, start + 1);

    if (lexer->name_may_follow == start) {
        take_name(lexer, token);
        return;
    }
    token->kind = TOKEN_NUMBER;
    if (*start == '0' && (mark == 'x' || mark == 'b')) {
        p = start + 2;
        while (p < lexer->end && (mark == 'x' ? is_hex(*p) : *p == '0' || *p == '1'))
            p++;
        if (p - start >= 3 && !is_name_byte(peek(lexer, p)))
            lexer->at = p;
        else
            take_name(lexer, token);
        return;
    }
    p = skip_digits(lexer, start);
    if (peek(lexer, p) == '.') {
        take_fraction(lexer, token, p);
    } else if (!is_name_byte(peek(lexer, p))) {
        lexer->at = p;
    } else {
        const uint8_t *end = skip_exponent(lexer, p);

        if (end == p)
            take_name(lexer, token);
        else
            lexer->at = end;
    }
}

/* @name, @'name', @@ */
static SELDOM void take_variable(struct lexer *lexer, struct token *token)
{
    const uint8_t *p = lexer->at + 1;
    uint8_t next = peek(lexer, p);

    token->kind = TOKEN_USER_VARIABLE;
    if (next == '@') {
        token->kind = TOKEN_SYSTEM_VARIABLE;
        lexer->at = p + 1;
        return;
    }
    if (next == '`' || (next == '"' && lexer->mode->ansi_quotes)) {
        lexer->at = p;
        take_quoted_name(lexer, token, next);
        token->kind = TOKEN_USER_VARIABLE;
        return;
    }
    if (next == '\'' || next == '"') {
        lexer->at = p;
        take_string(lexer, token, next);
        token->kind = TOKEN_USER_VARIABLE;
        return;
    }
    while (p < lexer->end && *p < 0x80 && (is_name_byte(*p) || *p == '.'))
        p++;
    if (peek(lexer, p) >= 0x80)
        lexer->odd = true;
    lexer->at = p;
}

static void take_symbol(struct lexer *lexer, struct token *token)
{
    token->kind = TOKEN_PUNCTUATION;
    token->symbol = *lexer->at++;
}

static void take_dot(struct lexer *lexer, struct token *token)
{
    uint8_t next = peek(lexer, lexer->at + 1);

    if (is_digit(next) && lexer->name_end != lexer->at) {
        take_fraction(lexer, token, lexer->at);
        return;
    }
    take_symbol(lexer, token);
    lexer->name_may_follow = lexer->at < lexer->end && is_name_byte(next) ? lexer->at : NULL;
}

static void take_token(struct lexer *lexer, struct token *token)
{
    switch ((enum byte_class)byte_classes[*lexer->at]) {
    case PR:
        take_prefixed(lexer, token);
        break;
    case NA:
    case HI:
        take_name(lexer, token);
        break;
    case DI:
        take_number(lexer, token);
        break;
    case QU:
        take_string(lexer, token, '\'');
        break;
    case DQ:
        if (lexer->mode->ansi_quotes)
            take_quoted_name(lexer, token, '"');
        else
            take_string(lexer, token, '"');
        break;
    case TI:
        take_quoted_name(lexer, token, '`');
        break;
    case AT:
        take_variable(lexer, token);
        break;
    case CO:
        take_symbol(lexer, token);
        if (peek(lexer, lexer->at) == '=') {
            lexer->at++;
            token->kind = TOKEN_ASSIGN;
            token->symbol = 0;
        } else {
            lexer->odd = true;
        }
        break;
    case MA:
        take_symbol(lexer, token);
        token->kind = TOKEN_PARAMETER;
        token->symbol = 0;
        break;
    case OT:
        take_symbol(lexer, token);
        lexer->odd = true;
        break;
    case SP:
    case HA:
    case DA:
    case SL:
    case ST:
    case PU:
        take_symbol(lexer, token);
        break;
    case DO:
        take_dot(lexer, token);
        break;
    }
}

void lexer_init(struct lexer *lexer, struct bytes sql, const struct lexer_mode *mode)
{
    static const uint8_t nothing[1];

    lexer->start = lexer->at = sql.size ? sql.data : nothing;
    lexer->end = lexer->start + sql.size;
    lexer->mode = mode;
    lexer->in_code_comment = false;
    lexer->name_end = lexer->name_may_follow = NULL;
    lexer->odd = mode->foreign_grammar;
}

/* Whatever is not a name behind at most one blank. */
static SELDOM void take_next(struct lexer *lexer, struct token *token)
{
    pass_blanks(lexer);
    *token = (struct token){.kind = TOKEN_END, .offset = (size_t)(lexer->at - lexer->start)};
    if (lexer->at >= lexer->end) {
        if (lexer->in_code_comment)
            lexer->odd = true;
        return;
    }
    take_token(lexer, token);
    token->size = (size_t)(lexer->at - lexer->start) - token->offset;
    if (token->symbol == ';' && lexer->in_code_comment)
        lexer->odd = true;
}

void lexer_next(struct lexer *lexer, struct token *token)
{
    if (lexer->at < lexer->end && *lexer->at == ' ')
        lexer->at++;
    if (lexer->at < lexer->end && byte_classes[*lexer->at] == NA)
        take_name(lexer, token); /* the way of most tokens */
    else
        take_next(lexer, token);
}
