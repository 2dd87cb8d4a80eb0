/*
 * What may be shown of a statement's text: digest_text()'s, which has no literals.
 *
 * That is only so when the statement was read as its server read it: behind a quote too many, data
 * would look like names, and so would a password that somebody forgot to quote. So a text is taken
 * only at an execution that shows that the server could parse the statement, and never where the
 * lexer itself is not certain.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_TEXT_H
#define TIDEMARK_PROXY_STATISTICS_TEXT_H

#include "proxy/statistics/record.h"

#include <stddef.h>

enum text_state {
    TEXT_UNPARSED, /* no server was seen to parse it yet */
    TEXT_UNSURE,   /* servers may read it in different ways */
    TEXT_SHOWN
};

/* Writes the text and a NUL, cut at `size` (at least 8), its length in *length; "" unless
 * TEXT_SHOWN. */
enum text_state text_take(const struct statement_record *record, char *text, size_t size,
                          size_t *length);

#endif
