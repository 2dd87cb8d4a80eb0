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

/* How a tracked value is written back. A value that does not look like its kind is quoted. */
enum variable_kind {
    VARIABLE_NUMBER,       /* bare */
    VARIABLE_BOOLEAN,      /* ON or OFF, bare */
    VARIABLE_TEXT,         /* quoted; enumerations and sets too: both servers take that */
    VARIABLE_TEXT_OR_NULL, /* quoted; trackers send NULL as the empty value, so empty is NULL */
    VARIABLE_NAMES,        /* no variable: NAMES 'value', see variable_names() */
    VARIABLE_USER,         /* no variable: many, see variable_user_variables() */
};

/* What a change of the variable means. Without any of these, it is simply replayed. */
enum variable_flag {
    VARIABLE_ONE_SHOT = 1 << 0,  /* for the next statement or transaction: pins, never replayed */
    VARIABLE_PIN = 1 << 1,       /* cannot be brought to another connection: pins */
    VARIABLE_LOG_OFF = 1 << 2,   /* writes may not reach replicas: pins to the primary */
    VARIABLE_INSERT_ID = 1 << 3, /* last_insert_id: replayed when a statement refers to it */
    VARIABLE_NOISE = 1 << 4,     /* not state (counters, read-only): never tracked, ignored */
    VARIABLE_TRACKING = 1 << 5,  /* session_track_*: belongs to the proxy, never tracked; but
                                  * session_track_gtids is a variable like others */
};

/* When one assignment also sets another variable, their order in a SET counts: lower ranks first,
 * and the character set and collation of the connection last. */
enum variable_rank {
    VARIABLE_RANK_FIRST, /* sets one of rank ORDINARY too */
    VARIABLE_RANK_ORDINARY,
    VARIABLE_RANK_NAMES,
    VARIABLE_RANK_CHARSET,    /* character_set_client, _results */
    VARIABLE_RANK_CONNECTION, /* character_set_connection or collation_connection */
};

struct variable {
    const char *name; /* lower case */
    enum variable_kind kind;
    unsigned flags; /* enum variable_flag */
    enum variable_rank rank;
    int group;    /* > 0: variables of one group set the same state, the last assignment counts */
    int reset_by; /* the variable whose assignment sets this one too, or -1 */
};

/* Not fewer than variable_count(): for tables on the stack. */
enum { VARIABLE_MAX = 384 };

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
int variable_default_collation_for_utf8mb4(void);
int variable_session_track_system_variables(void);
/* Not a variable: that the connection's character set came from SET NAMES without COLLATE. The
 * collation is then the one that NAMES chooses, which on MySQL is not what an assignment to
 * character_set_connection chooses (measured, with default_collation_for_utf8mb4 changed). It is
 * of one group with character_set_connection and collation_connection. */
int variable_names(void);
/* Not a variable either: the user variables, as a list (user_variables.h). */
int variable_user_variables(void);

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

/* Takes the next name off a comma-separated list, blanks around it removed; empty at the end. */
struct bytes variables_next_name(struct bytes *list);

#endif
