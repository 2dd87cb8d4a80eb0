/*
 * What the session variables of MySQL and MariaDB are: how each is written back in a SET, and what
 * must happen when a statement has changed it.
 *
 * The names and kinds come from the servers themselves (variable_table.inc, written by
 * tests/tools/generate_variables.py); what a change of a variable means for a shared server
 * connection is our own judgement and stands in that script, beside its reason.
 */
#ifndef TIDEMARK_PROXY_CLIENT_VARIABLES_H
#define TIDEMARK_PROXY_CLIENT_VARIABLES_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* How a tracked value is written back. */
enum variable_kind {
    VARIABLE_NUMBER,       /* bare */
    VARIABLE_TEXT,         /* quoted; booleans, enumerations and sets too: both servers take that */
    VARIABLE_TEXT_OR_NULL, /* quoted; trackers send NULL as the empty value, so empty is NULL */
};

/* What a change of the variable means. Without any of these, it is simply replayed. */
enum variable_flag {
    VARIABLE_ONE_SHOT =
        1 << 0,                /* acts on the next statement or is consumed: pins, never replayed */
    VARIABLE_PIN = 1 << 1,     /* changes what the connection is or may do: pins, never replayed */
    VARIABLE_PRIMARY = 1 << 2, /* beside VARIABLE_PIN: to the primary, until the session ends */
    VARIABLE_NOISE = 1 << 3,   /* not state (counters, read-only): never tracked, ignored if seen */
    VARIABLE_TRACKING = 1 << 4, /* session_track_*: belongs to the proxy, never tracked */
};

/* When variables share state (two names of one thing, or one that resets another), the order in
 * which a SET assigns them counts: lower ranks first. */
enum variable_rank {
    VARIABLE_RANK_FIRST, /* resets one of rank ORDINARY */
    VARIABLE_RANK_ORDINARY,
    VARIABLE_RANK_CHARSET,    /* character_set_client, _results */
    VARIABLE_RANK_CONNECTION, /* character_set_connection or collation_connection, the last */
};

struct variable {
    const char *name; /* lower case */
    enum variable_kind kind;
    unsigned flags; /* enum variable_flag */
    enum variable_rank rank;
    int group;  /* variables of one group (> 0) set the same state: the last assignment counts */
    int resets; /* index of the variable that the server sets to a default when this is set, or -1
                 */
};

/* Variables are indexed from 0 in alphabetical order of their names. */
size_t variable_count(void);
const struct variable *variable_at(int variable);

/* The index of a variable by its name in any case, or -1 when no server we know has it. */
int variable_find(struct bytes name);

/* Indexes of the variables that the code itself asks for. */
int variable_autocommit(void);
int variable_sql_mode(void);
int variable_character_set_client(void);
int variable_character_set_connection(void);
int variable_character_set_results(void);
int variable_collation_connection(void);

/*
 * The value for session_track_system_variables: the names of server_names (comma-separated: what
 * the server says its session variables are) less the noise and session_track_*; names unknown to
 * us stay in, so that their change is noticed. An explicit list, because under '*' MySQL reports
 * statement_id in every OK packet; and only names that the server has, because MariaDB refuses
 * others with error 1193. Words that are not plain names are left out.
 *
 * Returns the length of the text, which is then NUL-terminated, or 0 when it does not fit (or when
 * server_names is empty). 16 KiB is ample.
 */
size_t variables_tracked(struct bytes server_names, char *out, size_t capacity);

#endif
