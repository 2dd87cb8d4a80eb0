/*
 * What an order (command.h) comes to: a sentence, rows with named columns, or an error. The deeds
 * themselves are actions.h's and live.h's.
 */
#ifndef TIDEMARK_PROXY_ADMIN_OUTCOME_H
#define TIDEMARK_PROXY_ADMIN_OUTCOME_H

#include "protocol/error.h"
#include "proxy/admin/command.h"
#include "proxy/admin/table.h"

#include <stddef.h>

struct engine;
struct writer;

struct outcome {
    struct sql_error error;             /* code 0: done */
    char *message;                      /* owner: a sentence about it, or NULL */
    const struct admin_column *columns; /* of `rows` */
    size_t column_count;
    struct admin_rows *rows; /* owner; NULL: none */
};

/* Does it. Not for ORDER_SQL. */
struct outcome outcome_of(struct engine *engine, const struct order *order);

/* Writes the rows as a result set up to its end, or as much as fits; answers the next packet's
 * sequence id. */
unsigned outcome_write_rows(const struct outcome *outcome, struct writer *out,
                            unsigned long long capabilities, unsigned sequence, unsigned status,
                            bool is_binary);

void outcome_dispose(struct outcome *outcome);

#endif
