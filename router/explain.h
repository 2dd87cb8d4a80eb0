/*
 * Explain: the answer of `tidemark explain` for one statement, in a session that has done nothing
 * yet, under consistency `session`.
 */
#ifndef TIDEMARK_ROUTER_EXPLAIN_H
#define TIDEMARK_ROUTER_EXPLAIN_H

#include "router/lexer.h"

/* Writes, each on a line of its own,
 *     class: read | write | session | transaction | admin
 *     digest: 16 hexadecimal digits
 *     pins: a,b
 *     target: replica | primary | session
 *     why: one phrase
 * and a blank line, NUL-terminated. Answers the length; 512 bytes of room always suffice, with less
 * the text is cut. */
size_t explain(struct bytes sql, const struct lexer_mode *mode, char *text, size_t size);

#endif
