/*
 * The environment: what a session, or a server connection, has set: its schema and the session
 * variables that were given a value since login or reset. What is absent has the server's global
 * value.
 *
 * Environments are immutable and interned: one store per worker holds each distinct state once, so
 * two states are equal exactly when their pointers are, and the data path compares two pointers.
 * A change looks the new state up and allocates only when nobody has it yet. Not thread-safe: an
 * environment stays with its store's worker; environment_import() copies it to another's.
 *
 * Variables that share state are kept so that replaying them in rank order is exact: of a group the
 * last one set stays, and setting a variable drops those that the server sets along with it. So
 * character_set_connection drops collation_connection (trackers never report the collation that
 * an assignment or SET NAMES implies; the server picks it again on replay), and
 * collation_connection drops character_set_connection (it follows from the collation).
 */
#ifndef TIDEMARK_PROXY_CLIENT_ENVIRONMENT_H
#define TIDEMARK_PROXY_CLIENT_ENVIRONMENT_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* Ceilings: a peer chooses the values. Beyond them a change answers NULL and the caller pins. */
enum {
    ENVIRONMENT_MAX_SIZE = 64 << 10,  /* schema, values and bookkeeping of one environment */
    ENVIRONMENT_MAX_SCHEMA = 64 * 4,  /* bytes: 64 characters of at most 4 bytes */
    ENVIRONMENT_MAX_VALUE = 32 << 10, /* bytes of one variable's value */
};

struct environment;
struct environment_store;

/* What the data path asks at every statement, worked out once when the environment is made.
 * A value that was not set is the server's global one, which the topology knows. */
struct environment_facts {
    bool autocommit_set; /* autocommit below means something */
    bool autocommit;
    bool sql_mode_set; /* the three below mean something */
    bool ansi_quotes;
    bool no_backslash_escapes;
    bool oracle; /* MariaDB's sql_mode=ORACLE: PL/SQL words */
};

/* The store starts empty and owns nothing but its table; all environments must have been given
 * back before environment_store_free() (asserted), except the blank one, which it holds. */
struct environment_store *environment_store_new(void);
void environment_store_free(struct environment_store *store);
/* How many distinct environments are alive, the blank one included, and their bytes. */
size_t environment_store_count(const struct environment_store *store);
size_t environment_store_size(const struct environment_store *store);

/*
 * Each of these returns a reference that the caller owns and gives back with environment_unref().
 * None consumes the environment it is given. NULL: the result would pass a ceiling (or the schema
 * or variable is not one that can be kept); the given environment is still what it was.
 */

/* No schema, all variables at their global values. Never NULL. */
const struct environment *environment_blank(struct environment_store *store);
/* Another current schema; an empty name: none (DROP DATABASE of the current one). */
const struct environment *environment_with_schema(struct environment_store *store,
                                                  const struct environment *environment,
                                                  struct bytes schema);
/* One variable changed; value as the tracker reports it. NULL too for a variable with any
 * enum variable_flag: those are not replayed, so they are not kept. But VARIABLE_TRACKING may be:
 * session_track_system_variables is, where a connection has to track all there is. */
const struct environment *environment_with_variable(struct environment_store *store,
                                                    const struct environment *environment,
                                                    int variable, struct bytes value);
/* One variable back at the server's global value. Only for what is known to be there: the caller
 * cannot get a server connection into this state but by resetting it. */
const struct environment *environment_without_variable(struct environment_store *store,
                                                       const struct environment *environment,
                                                       int variable);
/* What a handshake response with this collation leaves behind: character_set_client and _results
 * are the collation's character set, collation_connection is the collation. */
const struct environment *environment_with_charset(struct environment_store *store,
                                                   const struct environment *environment,
                                                   struct bytes charset, struct bytes collation);
/* After COM_RESET_CONNECTION: the schema stays, every variable is back at its global value. But
 * MariaDB takes the character sets back to those of the login, not to the globals as MySQL does
 * (measured): there, the caller applies environment_with_charset() of the login again. */
const struct environment *environment_without_variables(struct environment_store *store,
                                                        const struct environment *environment);
/* The same state in another worker's store. The caller must hold a reference to foreign, or have
 * its worker wait, for the time of the call. */
const struct environment *environment_import(struct environment_store *store,
                                             const struct environment *foreign);

/* Another reference to the same environment (both may be NULL). */
const struct environment *environment_ref(const struct environment *environment);
/* Gives one reference back; the last one frees the environment. */
void environment_unref(const struct environment *environment);

/* Borrowed, valid while the environment is. The empty name: no schema. */
struct bytes environment_schema(const struct environment *environment);
/* false: not set, the global value holds. */
bool environment_value(const struct environment *environment, int variable, struct bytes *value);
/* The same by name, for tables shown to people. */
bool environment_value_named(const struct environment *environment, const char *name,
                             struct bytes *value);
const struct environment_facts *environment_facts(const struct environment *environment);
/* The empty name: not set. */
struct bytes environment_character_set_client(const struct environment *environment);
/* Bytes that this environment takes, bookkeeping included. */
size_t environment_size(const struct environment *environment);

/* The variables in the order in which a SET must assign them. */
size_t environment_variable_count(const struct environment *environment);
int environment_variable_at(const struct environment *environment, size_t position,
                            struct bytes *value);

#endif
