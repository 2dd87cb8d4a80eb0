/*
 * A trace: the last commands of one session, for TRACE SESSION. Made when somebody asks for it and
 * owned by the session, which frees it at its end; a session that is not traced has none.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_TRACE_H
#define TIDEMARK_PROXY_STATISTICS_TRACE_H

#include "proxy/statistics/record.h"

#include <stddef.h>
#include <stdint.h>

enum { TRACE_KEPT = 100, TRACE_TEXT_BYTES = 256 };

struct trace_line {
    uint64_t number; /* counts up from 1 */
    /* As it was, but `sql`, `mode` and `trace` are empty. */
    struct statement_record record;
    char text[TRACE_TEXT_BYTES]; /* of a statement that a server has parsed: its digest text, cut;
                                  * else "" */
};

struct trace;

struct trace *trace_new(void);
void trace_free(struct trace *trace);

void trace_take(struct trace *trace, const struct statement_record *record);

/* How many lines are kept; the i-th of them, oldest first. */
size_t trace_count(const struct trace *trace);
const struct trace_line *trace_at(const struct trace *trace, size_t i);

#endif
