/*
 * Lexer: cuts one SQL text into tokens in a single pass, as the server itself would, and allocates
 * nothing. How a text is cut depends on the session: whether "x" is a string or a name, whether a
 * backslash escapes, which executable comments are code, and whether the second byte of a character
 * can look like a backslash. All of that is struct lexer_mode.
 *
 * Where the server's reading is not certain, the lexer says so (lexer.odd) instead of guessing; the
 * classifier then knows nothing for sure and the statement is no read.
 */
#ifndef TIDEMARK_ROUTER_LEXER_H
#define TIDEMARK_ROUTER_LEXER_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks what few tokens need: kept out of its callers, so that it costs the others nothing. */
#define SELDOM __attribute__((noinline))

enum sql_flavor { SQL_FLAVOR_MYSQL, SQL_FLAVOR_MARIADB };

/* How the bytes 0x80 to 0xff of the client character set combine. */
enum lexer_charset {
    LEXER_CHARSET_UTF8,   /* utf8, utf8mb3, utf8mb4, ascii, binary: high bytes belong to names */
    LEXER_CHARSET_SINGLE, /* latin1 and all others that have no ASCII byte inside a character */
    LEXER_CHARSET_GBK,
    LEXER_CHARSET_SJIS, /* cp932 too */
    LEXER_CHARSET_BIG5,
    LEXER_CHARSET_GB18030
};

struct lexer_mode {
    enum sql_flavor flavor;
    uint32_t server_version; /* as the servers number themselves: 90700, 101119 */
    enum lexer_charset charset;
    bool ansi_quotes;          /* sql_mode ANSI_QUOTES (or ANSI) */
    bool no_backslash_escapes; /* sql_mode NO_BACKSLASH_ESCAPES */
    bool ignore_space;         /* sql_mode IGNORE_SPACE, or the client capability of that name */
    bool foreign_grammar;      /* sql_mode ORACLE or MSSQL: another language, nothing is a read */
};

/* The mode of a fresh session on a current server of that flavor: no sql_mode, utf8mb4. */
struct lexer_mode lexer_mode_default(enum sql_flavor flavor);

/* Sets ansi_quotes, no_backslash_escapes, ignore_space and foreign_grammar by a sql_mode value such
 * as "ANSI_QUOTES,STRICT_TRANS_TABLES" (any case, as the server's tracker reports it). Answers
 * false, with the flags set as far as known, when a name in it is not one that either server knows.
 * A client that asked for IGNORE_SPACE at login keeps it: the caller sets that again. */
bool lexer_mode_set_sql_mode(struct lexer_mode *mode, struct bytes sql_mode);

/* Sets the kind of character set by its name ("latin1", "gbk"; any case). A name never heard of is
 * taken as LEXER_CHARSET_SINGLE, and the answer is false. */
bool lexer_mode_set_charset(struct lexer_mode *mode, struct bytes name);

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,          /* unquoted name or keyword; token.word says which keyword, if it is one */
    TOKEN_QUOTED,        /* `name`, or "name" under ANSI_QUOTES */
    TOKEN_STRING,        /* 'text' or "text" */
    TOKEN_NUMBER,        /* 12, 1.5e3, 0x1F, x'1F', b'01' */
    TOKEN_PARAMETER,     /* ? */
    TOKEN_USER_VARIABLE, /* @name, @'name', @`name` */
    TOKEN_SYSTEM_VARIABLE, /* the @@ alone; the words and dots after it are tokens of their own */
    TOKEN_ASSIGN,          /* := */
    TOKEN_PUNCTUATION,     /* one byte, in token.symbol: ( ) , ; . and operators */
};

struct word;

struct token {
    enum token_kind kind;
    uint8_t symbol;          /* TOKEN_PUNCTUATION: the byte; else 0 */
    bool open;               /* the text ended before the token did (string, quoted name) */
    bool call;               /* TOKEN_WORD: an opening parenthesis follows at once */
    size_t offset;           /* in the text */
    size_t size;             /* quotes included */
    const struct word *word; /* TOKEN_WORD: its row in the word table (router/words.h), or NULL;
                              * NULL too where a dot before or after makes it part of a name */
};

struct lexer {
    /* private: */
    const uint8_t *start, *at, *end;
    const struct lexer_mode *mode;
    const uint8_t *name_end;        /* of the last name; a dot there goes with it */
    const uint8_t *name_may_follow; /* behind the last dot, if a name's byte is there; else NULL */
    bool in_code_comment;           /* inside an executable comment */

    /* May be read at any time: */
    bool odd; /* the server may read this text differently: nothing is certain from here on */
};

void lexer_init(struct lexer *lexer, struct bytes sql, const struct lexer_mode *mode);

/* The next token. After TOKEN_END it answers TOKEN_END for ever. */
void lexer_next(struct lexer *lexer, struct token *token);

#endif
