/*
 * Scan: the token stream of one statement, watched. Whatever a statement begins with, the same
 * things matter wherever they stand in it: calls of functions, INTO, locking clauses, assignments
 * to variables, tables. The scan notes them while the classifier's parts read the tokens that only
 * they understand.
 *
 * It is not a grammar. It knows where a parenthesis opened and which clause it is in, enough to
 * tell a call from a column list and a table from a column; and where it cannot tell, it assumes
 * what costs speed.
 */
#ifndef TIDEMARK_ROUTER_SCAN_H
#define TIDEMARK_ROUTER_SCAN_H

#include "router/digest_state.h"
#include "router/statement.h"
#include "router/words.h"

/* What was seen in the statement. */
enum event {
    EVENT_CHANGE = 1u << 0,    /* INSERT, UPDATE, DELETE, REPLACE as a statement inside it */
    EVENT_PROGRAM = 1u << 1,   /* a call of something that is no known built-in */
    EVENT_IMPURE = 1u << 2,    /* SLEEP, BENCHMARK, ... */
    EVENT_STATE = 1u << 3,     /* @@variable, VERSION(), information_schema */
    EVENT_SEQUENCE = 1u << 4,  /* NEXTVAL, NEXT VALUE FOR, ... */
    EVENT_USER_LOCK = 1u << 5, /* GET_LOCK, RELEASE_LOCK */
    EVENT_INSERT_ID = 1u << 6, /* LAST_INSERT_ID(expr) */
    EVENT_INTO = 1u << 7,
    EVENT_LOCKING = 1u << 8,
    EVENT_ASSIGN = 1u << 9,       /* := */
    EVENT_PROCEDURE = 1u << 10,   /* PROCEDURE ANALYSE */
    EVENT_SOURCE = 1u << 11,      /* FROM, WHERE, HAVING or LIMIT: may have no row */
    EVENT_RELEASE_ALL = 1u << 12, /* RELEASE_ALL_LOCKS() as the first thing selected */
    EVENT_ONE_LOCK = 1u << 14,    /* GET_LOCK of a literal, which runs once unless EVENT_SOURCE */
    EVENT_RELEASE_ONE = 1u << 15, /* RELEASE_LOCK likewise */
    EVENT_ODD = 1u << 13          /* not to be understood: unbalanced, too deep */
};

enum level_kind {
    LEVEL_OTHER,  /* expression, arguments, columns */
    LEVEL_QUERY,  /* a query block, or the statement itself */
    LEVEL_TABLES, /* parenthesised joins in FROM */
    LEVEL_COLUMNS /* COLUMNS (...) of JSON_TABLE: names and types */
};

enum clause { CLAUSE_HEAD, CLAUSE_WITH, CLAUSE_FROM, CLAUSE_TAIL };

enum expect { EXPECT_NOTHING, EXPECT_SOURCE, EXPECT_TARGET };

struct level {
    uint8_t kind;   /* enum level_kind */
    uint8_t clause; /* enum clause */
    uint8_t expect; /* enum expect: the next name is a table's */
    uint8_t opener; /* enum keyword before its parenthesis */
};

enum {
    SCAN_DEPTH = 64,
    SCAN_WITH = 8 /* names that an outermost WITH defines; further ones count as tables */
};

struct scan {
    struct lexer lexer;
    struct digest_state digest;
    struct statement *out;

    struct token now;         /* the current token */
    struct token prev, prev2; /* the two before it in this statement (TOKEN_END: none) */
    unsigned events;          /* enum event, of this statement */
    bool quiet;               /* note nothing: a text that runs nothing now (DDL, accounts) */
    uint8_t naming;           /* enum naming (scan.c) */
    bool target_named;        /* the token before was the target table's name */
    uint8_t awaiting;         /* the last token asks what the next one is; enum effect (scan.c) */
    size_t call_offset;       /* where that call's name began */
    bool reads_anew;          /* a statement so far changes how the server reads those behind it */

    /* Names defined by the WITH at the statement's beginning, which are no tables from the end of
     * their definition on (RECURSIVE: from its beginning). */
    struct bytes with[SCAN_WITH];
    unsigned with_count;
    struct bytes defining; /* whose definition the scan is at or in; empty: none */
    bool in_definition;
    struct bytes passed_over; /* a name in `with` where a table's was expected */

    unsigned depth;
    struct level *level; /* the current token's: of `depth`, or the last one there is */
    struct level levels[SCAN_DEPTH];
};

void scan_start(struct scan *scan, struct bytes sql, const struct lexer_mode *mode,
                struct statement *out);

/* The next token, in scan->now; its meaning is noted. */
void scan_next(struct scan *scan);

/* Forgets what belonged to the statement before; scan->now stays as the first token. Noting begins
 * with scan_first. */
void scan_begin_statement(struct scan *scan);

/* Notes the current token (again), after a handler has set up the level for it. */
void scan_note(struct scan *scan);

/* Whether the statement ended: a semicolon or the end of the text. */
bool scan_is_over(const struct scan *scan);

/* Reads on to the end of the statement. */
void scan_rest(struct scan *scan);

/* The current token's enum keyword; KEYWORD_NONE if it is not an unquoted word of the table. */
unsigned scan_keyword(const struct scan *scan);

/* Whether the current token is this word, unquoted; word is in lower case. */
bool scan_is(const struct scan *scan, const char *word);

/* If the current token is this word: goes on to the next token and answers true. */
bool scan_take(struct scan *scan, const char *word);

/* The text of a token; of a name without quotes when it needs no unquoting. */
struct bytes scan_text(const struct scan *scan, const struct token *token);

/* The text between the quotes of a string or quoted name; the whole text of other tokens. */
struct bytes scan_inner(const struct scan *scan, const struct token *token);

/* Whether a token is that keyword. */
static inline bool token_is(const struct token *token, unsigned keyword)
{
    return token->word && token->word->keyword == keyword;
}

/* Of scan.c and scan_call.c between themselves: at a parenthesis behind a name, in level; and at
 * the token behind the parenthesis of a call that awaits it. */
void scan_note_call(struct scan *scan, const struct level *level);
void scan_note_first_argument(struct scan *scan);

/* Lists the user variable that the current token names. NULL: there are too many. */
struct user_variable *scan_user_variable(struct scan *scan);

/* Whether it is the name of a variable that says which trackers a session is sent. Not
 * session_track_gtids, which is a variable like others: a connection has it as the session does. */
bool scan_is_tracking_name(struct bytes name);

/* Lists one that the statement makes or ends, of the pin `kind`. */
void scan_object(struct scan *scan, unsigned kind, struct table_name object);

/* Takes the current name (schema.name too) as a table's; goes on behind it. */
void scan_table(struct scan *scan);

#endif
