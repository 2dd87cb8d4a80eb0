/*
 * The answer to one SQLite statement: its result set, or an OK, written row by row.
 *
 * Types: a column of a table has the one that the table declares; an expression has the type of its
 * values in the first rows, which are read ahead for that (REPLY_AHEAD), integers giving way to
 * reals and both to text.
 */
#ifndef TIDEMARK_PROXY_ADMIN_REPLY_H
#define TIDEMARK_PROXY_ADMIN_REPLY_H

#include "protocol/error.h"
#include "protocol/result_set.h"
#include "protocol/writer.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct engine;

enum { REPLY_AHEAD = 64 };

struct reply {
    struct engine *engine;   /* borrower */
    sqlite3_stmt *statement; /* borrower */
    bool is_binary;
    struct result_set set;
    struct column *columns; /* owner */
    size_t column_count;    /* 0: the statement has no result set */
    sqlite3_value **ahead;  /* owner: rows read ahead, value by value */
    size_t ahead_rows, ahead_at;
    bool ahead_done;   /* the statement ended while it was read ahead */
    bool ahead_failed; /* ... with this error */
    struct sql_error error;
    struct result_value *values; /* owner: of one row */
};

enum reply_step { REPLY_HAS_MORE, REPLY_IS_OVER, REPLY_HAS_FAILED };

/* Column definitions of a statement: how many, and what they are called. Owner: the caller
 * (mem_free); the names are SQLite's, good while the statement is. */
struct column *reply_columns(sqlite3_stmt *statement, size_t *count);

/* Runs the statement to its first rows and writes the beginning of the answer, up to the column
 * definitions. REPLY_HAS_FAILED: nothing was written, reply->error says why. REPLY_IS_OVER: it
 * has no result set; the OK is the caller's to write. */
enum reply_step reply_begin(struct reply *reply, struct engine *engine, sqlite3_stmt *statement,
                            bool is_binary, struct writer *out, uint64_t capabilities,
                            uint8_t sequence);

/* Writes one more row. REPLY_IS_OVER: there was none; reply->set is ended by the caller. */
enum reply_step reply_row(struct reply *reply);

/* Frees what the answer holds; the statement is the caller's to end. */
void reply_dispose(struct reply *reply);

#endif
