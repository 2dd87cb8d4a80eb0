/*
 * Classify: SQL text in, struct statement out. One pass over the text, no allocation, no state; the
 * digest is computed on the way.
 */
#ifndef TIDEMARK_ROUTER_CLASSIFY_H
#define TIDEMARK_ROUTER_CLASSIFY_H

#include "router/lexer.h"
#include "router/statement.h"

/* Fills every field of *out (of the arrays only the listed elements) from sql, which may hold
 * several statements, parameter markers, or nonsense. truncated says that sql is only the beginning
 * of a longer text: then the class is STATEMENT_WRITE and PIN_UNKNOWN is set, because the rest may
 * hold anything. */
void classify(struct bytes sql, bool truncated, const struct lexer_mode *mode,
              struct statement *out);

#endif
