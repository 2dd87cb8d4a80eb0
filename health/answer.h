/*
 * One result set of a monitor's query, read row by row. Columns are found by position or by name:
 * servers renamed theirs over the years (Master_Host, Source_Host), so two names may be given.
 */
#ifndef HEALTH_ANSWER_H
#define HEALTH_ANSWER_H

#include "protocol/bytes.h"

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

struct answer {
    MYSQL_RES *result; /* owner; NULL: no rows */
    MYSQL_ROW row;
    unsigned long *sizes;
    unsigned columns;
};

struct answer answer_over(MYSQL_RES *result);
void answer_dispose(struct answer *answer);

/* Moves to the next row; false: there is none. */
bool answer_next(struct answer *answer);

/* Fields of the current row; NULL and what is not there are empty. Borrowed until answer_next(). */
struct bytes answer_at(const struct answer *answer, unsigned column);
struct bytes answer_named(const struct answer *answer, const char *name, const char *older_name);

/* The same as a number, 0 when it is none. */
uint64_t answer_number_at(const struct answer *answer, unsigned column);
uint64_t answer_number_named(const struct answer *answer, const char *name, const char *older_name);

/* A copy cut to `size` bytes with the NUL. */
void answer_copy(struct bytes field, char *out, size_t size);

#endif
