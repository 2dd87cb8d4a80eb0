/*
 * `tidemark explain`: shows how a statement would be classified and routed, without configuration
 * and without servers. It calls the same code that a session calls, so its answer is the truth.
 */
#ifndef TIDEMARK_PROXY_EXPLAIN_COMMAND_H
#define TIDEMARK_PROXY_EXPLAIN_COMMAND_H

#include <stdio.h>

struct options;

/* Explains options->explain.statement, or every line of in when that is "-", to out; each
 * explanation ends with a blank line. Answers the program's exit status: EXIT_FINE, or EXIT_USAGE
 * with a line on complaints when a mode, character set or flavor is unknown. */
int explain_command(const struct options *options, FILE *in, FILE *out, FILE *complaints)
    __attribute__((warn_unused_result));

#endif
