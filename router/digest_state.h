/*
 * Digest state: the digest as it grows, fed token by token, so that the classifier's one pass makes
 * it too. Folding a list means forgetting what was fed since its parenthesis: the state keeps the
 * values to go back to, nothing else.
 */
#ifndef TIDEMARK_ROUTER_DIGEST_STATE_H
#define TIDEMARK_ROUTER_DIGEST_STATE_H

#include "router/lexer.h"

/* Where the digest stood at some token. */
struct digest_mark {
    uint64_t hash;
    size_t length;
    uint8_t last;
};

struct digest_state {
    struct digest_mark now;
    struct digest_mark before_list; /* at the parenthesis of the list that is being read */
    struct digest_mark before_row;  /* at the comma behind a list */
    unsigned in_list;               /* 0: no; else 1 + literals so far */
    bool wants_literal;             /* in a list: behind ( or , */
    uint8_t row;                    /* 0; or what the last list folded to */
    bool row_comma;                 /* ... and a comma was behind it */
    uint8_t sign;                   /* a sign that may belong to a literal; 0: none */
    bool semicolon;                 /* written only if something follows it */

    char *text; /* NULL: only the hash */
    size_t size;
};

void digest_start(struct digest_state *state, char *text, size_t size);

/* token is of the text that begins at start. */
void digest_feed(struct digest_state *state, const uint8_t *start, const struct token *token);

/* Ends it, and answers the digest. */
uint64_t digest_end(struct digest_state *state);

#endif
