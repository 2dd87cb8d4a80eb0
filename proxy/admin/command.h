/*
 * The short commands of the admin port: SHOW SERVERS, DRAIN SERVER db1, EXPLAIN ROUTE …, and what
 * drivers and GUIs send that is not SQLite's SQL: SHOW VARIABLES, USE, SET …
 *
 * A command is recognised by its words alone; it becomes the SELECT that it stands for, or an order
 * to do something. Whatever is not recognised is SQLite's. Pure: text in, struct order out.
 */
#ifndef TIDEMARK_PROXY_ADMIN_COMMAND_H
#define TIDEMARK_PROXY_ADMIN_COMMAND_H

#include "protocol/bytes.h"
#include "router/lexer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_kind {
    ORDER_SQL,     /* SQLite's: `sql`, or the text as it was */
    ORDER_NOTHING, /* accepted, without effect: SET … */
    ORDER_BEGIN,
    ORDER_COMMIT,
    ORDER_ROLLBACK,
    ORDER_USE,          /* name */
    ORDER_DRAIN,        /* name */
    ORDER_ENABLE,       /* name */
    ORDER_KILL_SESSION, /* number */
    ORDER_KILL_QUERY,   /* number: of a connection to the admin port */
    ORDER_PAUSE,
    ORDER_RESUME,
    ORDER_RESET_STATEMENTS,
    ORDER_EXPLAIN_ROUTE, /* rest: SQL; name: FOR USER; number: FOR SESSION */
    ORDER_TRACE,         /* number */
    ORDER_TRACE_OFF,     /* number */
    ORDER_DRIFT,
    ORDER_RELOAD,
    ORDER_RELOAD_DRY,
    ORDER_SAVE,
    ORDER_SHUTDOWN,
    ORDER_SHUTDOWN_NOW,
    ORDER_HELP, /* rest: words, may be empty */
};

enum { ORDER_NAME_BYTES = 128 };

struct order {
    enum order_kind kind;
    bool changes; /* not for the read-only account */
    char name[ORDER_NAME_BYTES];
    uint64_t number;
    struct bytes rest; /* borrowed from the text */
    char *sql;         /* owner (sqlite3_free); ORDER_SQL: runs instead of the text; may be NULL */
};

/* Reads one statement. */
struct order order_read(struct bytes statement);
void order_dispose(struct order *order);

/* The lexer's mode for everything on this port: SQLite's strings know no backslashes. */
struct lexer_mode command_lexer_mode(void);

/* Cuts the first statement off *text, at a semicolon that stands by itself; what remains is left in
 * *text. Blanks around it, and a "\G" or "\g" behind it, are taken away. Empty statements are
 * passed over; false: there is none. */
bool command_cut(struct bytes *text, struct bytes *statement);

/* Makes SQLite's SQL of what MySQL's clients write: @@variables become calls of system_variable(),
 * DIV becomes /, FROM DUAL goes, and so does the type in CONVERT(x, UNSIGNED INTEGER). NULL:
 * nothing to do; else sqlite3_free. */
char *command_rewrite(struct bytes statement);

/* The command or SQL word that a wrong statement was probably meant to begin with: "SHOW SERVERS"
 * for SHOW SERVRES. False: it begins like nothing known, or as it should. */
enum { COMMAND_MEANT_BYTES = 80 };
bool command_meant(struct bytes statement, char meant[COMMAND_MEANT_BYTES]);

/* The rows of HELP: command and what it does; NULL at the end. */
const char *command_help(size_t index, const char **what);

#endif
