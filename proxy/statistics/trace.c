#include "proxy/statistics/trace.h"

#include "proxy/memory.h"
#include "proxy/statistics/text.h"

struct trace {
    uint64_t taken;
    struct trace_line lines[TRACE_KEPT]; /* line n is at (n - 1) % TRACE_KEPT */
};

struct trace *trace_new(void)
{
    return mem_calloc(1, sizeof(struct trace));
}

void trace_free(struct trace *trace)
{
    mem_free(trace);
}

void trace_take(struct trace *trace, const struct statement_record *record)
{
    struct trace_line *line = &trace->lines[trace->taken++ % TRACE_KEPT];
    size_t size;

    line->number = trace->taken;
    line->record = *record;
    line->record.sql = (struct bytes){0};
    line->record.mode = NULL;
    line->record.trace = NULL;
    (void)text_take(record, line->text, sizeof line->text, &size);
}

size_t trace_count(const struct trace *trace)
{
    return trace->taken < TRACE_KEPT ? trace->taken : TRACE_KEPT;
}

const struct trace_line *trace_at(const struct trace *trace, size_t i)
{
    size_t first = trace->taken < TRACE_KEPT ? 0 : trace->taken % TRACE_KEPT;

    return &trace->lines[(first + i) % TRACE_KEPT];
}
