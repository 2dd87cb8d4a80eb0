/*
 * Words: one table of the keywords and built-in functions that matter here, found by name with one
 * hash and, nearly always, one comparison. The table is words.list; words.py makes words.c of it.
 */
#ifndef TIDEMARK_ROUTER_WORDS_H
#define TIDEMARK_ROUTER_WORDS_H

#include "router/lexer.h"

/* The words that the classifier tells apart; all others of the table are KEYWORD_NONE. */
enum keyword {
    KEYWORD_NONE,
    KEYWORD_ALTER,
    KEYWORD_ANALYZE,
    KEYWORD_AS,
    KEYWORD_BACKUP,
    KEYWORD_BEGIN,
    KEYWORD_BINLOG,
    KEYWORD_CACHE,
    KEYWORD_CALL,
    KEYWORD_CASE,
    KEYWORD_CHANGE,
    KEYWORD_CHECK,
    KEYWORD_CHECKSUM,
    KEYWORD_CLONE,
    KEYWORD_COLUMNS,
    KEYWORD_COMMIT,
    KEYWORD_CONVERT,
    KEYWORD_CREATE,
    KEYWORD_DEALLOCATE,
    KEYWORD_DECLARE,
    KEYWORD_DELAYED,
    KEYWORD_DELETE,
    KEYWORD_DESC,
    KEYWORD_DESCRIBE,
    KEYWORD_DISTINCT,
    KEYWORD_DO,
    KEYWORD_DROP,
    KEYWORD_DUAL,
    KEYWORD_END,
    KEYWORD_EVENT,
    KEYWORD_EXCEPT,
    KEYWORD_EXECUTE,
    KEYWORD_EXPLAIN,
    KEYWORD_FLUSH,
    KEYWORD_FOR,
    KEYWORD_FROM,
    KEYWORD_FUNCTION,
    KEYWORD_GET,
    KEYWORD_GLOBAL,
    KEYWORD_GRANT,
    KEYWORD_GROUP,
    KEYWORD_HANDLER,
    KEYWORD_HAVING,
    KEYWORD_HELP,
    KEYWORD_HIGH_PRIORITY,
    KEYWORD_IF,
    KEYWORD_IGNORE,
    KEYWORD_IMPORT,
    KEYWORD_IN,
    KEYWORD_INDEX,
    KEYWORD_INSERT,
    KEYWORD_INSTALL,
    KEYWORD_INTERSECT,
    KEYWORD_INTO,
    KEYWORD_JOIN,
    KEYWORD_JSON_TABLE,
    KEYWORD_KEY,
    KEYWORD_KILL,
    KEYWORD_LATERAL,
    KEYWORD_LIMIT,
    KEYWORD_LOAD,
    KEYWORD_LOCAL,
    KEYWORD_LOCK,
    KEYWORD_LOOP,
    KEYWORD_LOW_PRIORITY,
    KEYWORD_NEXT,
    KEYWORD_NOT,
    KEYWORD_OF,
    KEYWORD_ON,
    KEYWORD_OPTIMIZE,
    KEYWORD_ORDER,
    KEYWORD_OVER,
    KEYWORD_PACKAGE,
    KEYWORD_PARTITION,
    KEYWORD_PREPARE,
    KEYWORD_PREVIOUS,
    KEYWORD_PROCEDURE,
    KEYWORD_PURGE,
    KEYWORD_QUICK,
    KEYWORD_RECURSIVE,
    KEYWORD_RELEASE,
    KEYWORD_RENAME,
    KEYWORD_REPAIR,
    KEYWORD_REPEAT,
    KEYWORD_REPLACE,
    KEYWORD_RESET,
    KEYWORD_RESIGNAL,
    KEYWORD_RESTART,
    KEYWORD_REVOKE,
    KEYWORD_ROLLBACK,
    KEYWORD_SAVEPOINT,
    KEYWORD_SELECT,
    KEYWORD_SESSION,
    KEYWORD_SET,
    KEYWORD_SHARE,
    KEYWORD_SHOW,
    KEYWORD_SHUTDOWN,
    KEYWORD_SIGNAL,
    KEYWORD_SQL_CALC_FOUND_ROWS,
    KEYWORD_START,
    KEYWORD_STATEMENT,
    KEYWORD_STOP,
    KEYWORD_STRAIGHT_JOIN,
    KEYWORD_TABLE,
    KEYWORD_TEMPORARY,
    KEYWORD_TRIGGER,
    KEYWORD_TRUNCATE,
    KEYWORD_UNINSTALL,
    KEYWORD_UNION,
    KEYWORD_UNLOCK,
    KEYWORD_UPDATE,
    KEYWORD_USE,
    KEYWORD_USING,
    KEYWORD_VALUE,
    KEYWORD_VALUES,
    KEYWORD_WHERE,
    KEYWORD_WHILE,
    KEYWORD_WINDOW,
    KEYWORD_WITH,
    KEYWORD_XA
};

/* What calling a function does, besides giving a value. */
enum effect {
    EFFECT_NO_FUNCTION,
    EFFECT_PURE,   /* nothing: a plain read may call it */
    EFFECT_IMPURE, /* waits, or does something else that belongs to the primary */
    EFFECT_STATE,  /* tells the state of its server, or makes a number of its own */
    EFFECT_SEQUENCE,
    EFFECT_LAST_INSERT_ID,
    EFFECT_FOUND_ROWS,
    EFFECT_ROW_COUNT,
    EFFECT_CONNECTION_ID,
    EFFECT_GET_LOCK,
    EFFECT_RELEASE_LOCK,
    EFFECT_RELEASE_ALL_LOCKS
};

enum word_flag {
    WORD_RESERVED = 1, /* in one of the servers */
    WORD_NO_CALL = 2,  /* with a parenthesis after it, never a call of a stored function */
    WORD_ADJACENT = 4, /* a built-in only if the parenthesis follows at once */
};

struct word {
    const char *name;    /* lower case */
    uint64_t head, tail; /* its first and last eight bytes, folded (words.c) */
    uint8_t size;
    uint8_t keyword;                  /* enum keyword */
    uint8_t effect;                   /* enum effect */
    uint8_t flags;                    /* enum word_flag */
    uint32_t mysql_from, mysql_until; /* versions that have the function: from <= v < until */
    uint32_t mariadb_from, mariadb_until;
};

/* The row of a name, any case; NULL when the table has none. size is not 0. The eight bytes from
 * name on, and the eight before its end, are read as one where limit (the end of the text that name
 * lies in) allows. */
const struct word *word_find(const uint8_t *name, size_t size, const uint8_t *limit);

/* Whether the servers of this mode have the built-in function of that row. */
bool word_is_function(const struct word *word, const struct lexer_mode *mode);

/* For tests: the table. */
extern const struct word words[];
extern const size_t word_count;

#endif
