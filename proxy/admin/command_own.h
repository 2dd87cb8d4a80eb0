/*
 * The list of short commands and the words of a statement. For the files command*.c alone.
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
#ifndef TIDEMARK_PROXY_ADMIN_COMMAND_OWN_H
#define TIDEMARK_PROXY_ADMIN_COMMAND_OWN_H

#include "proxy/admin/command.h"

struct command {
    const char *pattern;
    enum order_kind kind;
    bool changes;
    const char *sql;   /* ORDER_SQL */
    const char *like;  /* the column that LIKE is about */
    const char *usage; /* how HELP writes it; NULL: as the pattern */
    const char *help;  /* NULL: not listed by HELP; for clients and GUIs */
};

extern const struct command commands[];
extern const size_t command_count;

/* A statement and the token that is looked at. */
struct words {
    struct bytes text;
    struct lexer_mode mode;
    struct lexer lexer;
    struct token token;
};

struct words words_of(struct bytes text);

/* To the start; apart from words_of because the lexer points at the mode. */
void words_rewind(struct words *words);
void words_advance(struct words *words);

struct bytes words_token(const struct words *words);
bool words_at_end(const struct words *words);
bool words_at_symbol(const struct words *words, char symbol);

/* Is the token one of the words in "A|B|C"? In any case. */
bool words_at_one_of(const struct words *words, const char *choices, size_t size);

/* A name or string without its quotes; doubled quotes inside count once. False: it is neither, or
 * too long; nothing was taken. */
bool words_take_name(struct words *words, char name[ORDER_NAME_BYTES]);
bool words_take_number(struct words *words, uint64_t *number);

#endif
