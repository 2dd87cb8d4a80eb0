/*
 * User variables (@x) as part of an environment: a list of names and of expressions that give them
 * their values again, exactly: type, sign, decimals, character set and collation as well as the
 * value (measured on MySQL 9.7 and MariaDB 10.11: after `SET @x = expression` a SELECT of it, its
 * column definition included, is what it was before).
 *
 * The list is the value of one entry of the environment (variable_user_variables()), one line for
 * each variable, sorted by name:
 *
 *     name expression \n
 *
 * Names are case-insensitive and in lower case here. An expression has no line end in it.
 */
#ifndef TIDEMARK_PROXY_CLIENT_USER_VARIABLES_H
#define TIDEMARK_PROXY_CLIENT_USER_VARIABLES_H

#include "protocol/bytes.h"
#include "protocol/column_definition.h"
#include "protocol/writer.h"

#include <stdbool.h>

enum {
    USER_VARIABLES_MAX = 64,            /* per session */
    USER_VARIABLES_MAX_SIZE = 16 << 10, /* bytes of their list */
    USER_VARIABLE_NAME = 64,            /* bytes of a name, as the servers allow */
};

/* Takes the first variable off a list; the empty name at its end. */
struct bytes user_variables_next(struct bytes *list, struct bytes *expression);

/* The expression of one; false: it is not in the list. */
bool user_variables_find(struct bytes list, struct bytes name, struct bytes *expression);

/* Writes the list with this variable set. False: there would be too many, or too much of them. */
bool user_variables_with(struct bytes list, struct bytes name, struct bytes expression,
                         struct writer *out);

/* Whether every variable of `few` is in `list` too. */
bool user_variables_cover(struct bytes list, struct bytes few);

/* The name as it is written behind the @, quotes included, in the form that lists have. The empty
 * slice: one that is not plain ASCII, of which servers may know other spellings. */
struct bytes user_variable_name(struct bytes written, char out[USER_VARIABLE_NAME]);

/* What `SET @x = literal` gave a variable that was not set before. `collation`:
 * collation_connection where it is known, else empty. False: the value does not follow from the
 * text alone. */
bool user_variable_of_literal(struct bytes literal, struct bytes collation, struct writer *out);

/* What a variable has, by the answer to SELECT @x, COLLATION(@x), HEX(@x). */
struct user_variable_answer {
    struct column_definition column; /* of @x */
    struct bytes value;              /* null data pointer: NULL */
    struct bytes collation, hex;
};

enum user_variable_state {
    USER_VARIABLE_SET,
    USER_VARIABLE_UNSET,   /* it never was set: that is another NULL */
    USER_VARIABLE_UNKNOWN, /* no expression is known to give it this value (geometries) */
};

/* Writes the expression where it is SET. */
enum user_variable_state user_variable_of_answer(struct bytes name,
                                                 const struct user_variable_answer *answer,
                                                 struct writer *out);

#endif
