/*
 * Digest: the same number, and the same text, for statements that differ only in their data.
 *
 * Literals and parameters become ?, a signed number is one literal, a parenthesised list of two or
 * more literals becomes (...), and of a row of such lists one is kept: VALUES (1,2), (3,4) ->
 * VALUES (...). Comments and blanks become one blank or none, keywords are upper case, names stay
 * as written (they may be case-sensitive), executable comments count as code. The hash is of that
 * text's tokens, so that computing it needs no text.
 */
#ifndef TIDEMARK_ROUTER_DIGEST_H
#define TIDEMARK_ROUTER_DIGEST_H

#include "router/lexer.h"

enum { DIGEST_HEX = 17 }; /* 16 digits and NUL */

/* The digest alone; equal to what classify() finds. */
uint64_t digest(struct bytes sql, const struct lexer_mode *mode);

/* The digest, and its text, NUL-terminated, in text; *length is the text's length (cut at size − 1
 * between characters of UTF-8, and then ending in "..."). size must be at least 8. */
uint64_t digest_text(struct bytes sql, const struct lexer_mode *mode, char *text, size_t size,
                     size_t *length);

/* 16 hexadecimal digits and NUL. */
void digest_print(uint64_t digest, char text[DIGEST_HEX]);

#endif
