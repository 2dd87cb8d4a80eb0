/*
 * What LAST_INSERT_ID() is after a write. The OK of an INSERT tells the id of the row, whether the
 * server generated it or the statement gave it; but LAST_INSERT_ID() becomes what was generated
 * only. Nearly always the text settles it: an id that none of its values can be was generated.
 * Where it does not, the server has to be asked.
 *
 * Manual: "LAST_INSERT_ID()" of both servers, and "mysql_insert_id()".
 */
#ifndef ROUTER_INSERT_ID_H
#define ROUTER_INSERT_ID_H

#include "protocol/bytes.h"
#include "router/lexer.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stdint.h>

struct insert_outcome {
    uint64_t told;             /* by its OKs: the last id that is not 0; 0: none */
    uint64_t before;           /* what LAST_INSERT_ID() was for it */
    bool before_known;         /* ... if that is known */
    bool errored;              /* it ended in an ERR */
    bool has_rows;             /* a result set came */
    bool parameters_may_be_it; /* one of its parameters may have given `told` */
};

enum insert_id_after {
    INSERT_ID_KEPT,   /* as before */
    INSERT_ID_TOLD,   /* what the OK told */
    INSERT_ID_UNSURE, /* only the server knows */
};

/* `sql` is the statement's whole text, and `statement` what classify() found in it. */
enum insert_id_after insert_id_after(const struct statement *statement, struct bytes sql,
                                     const struct lexer_mode *mode,
                                     const struct insert_outcome *outcome);

/* Whether a column that was given this number may have become `id`, which is not 0; numbers out of
 * the column's range count as well. */
bool insert_id_may_be_integer(uint64_t id, bool negative, uint64_t magnitude);

/* The same for a text, of which the server takes the number it begins with. */
bool insert_id_may_be_text(uint64_t id, struct bytes text);

/* The same for a floating-point number. */
bool insert_id_may_be_real(uint64_t id, double number);

#endif
