/*
 * An INI text as a stream of sections and keys with their line numbers.
 *
 * The library (inih 55, as Debian builds it) splits a line into key and value, but it tells no line
 * numbers, cuts long lines and section names without a word, reports one mistake only, and takes an
 * indented line for more of the value above it. So it never sees such lines: it reads through a
 * function of ours that counts, checks each line first, and hands on an empty one instead of a bad
 * one.
 *
 *   key = value ; a blank before the semicolon begins a comment, also inside a value
 *   # or ; at the beginning of a line: a comment
 */
#ifndef TIDEMARK_PROXY_CONFIG_INI_TEXT_H
#define TIDEMARK_PROXY_CONFIG_INI_TEXT_H

enum { INI_NAME_BYTES = 49 }; /* the library cuts keys, and sections with their names, there */

#include <stddef.h>

/* What is found, in the order of the lines. All texts are borrowed for the call. */
struct ini_sink {
    void *user;
    /* [kind name]; name is "" in [kind]. */
    void (*on_section)(void *user, unsigned line, const char *kind, const char *name);
    void (*on_key)(void *user, unsigned line, const char *key, const char *value);
    /* word: where on the line, never a value; what: "... is wrong, ... is allowed". */
    void (*on_mistake)(void *user, unsigned line, const char *word, const char *what);
};

/* Keys before the first section, and those after a section line that was a mistake, are dropped;
 * the former with a mistake of their own. */
void ini_text_read(const char *text, size_t size, const struct ini_sink *sink);

#endif
