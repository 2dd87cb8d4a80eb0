/*
 * The figures as Prometheus reads them: the text format 0.0.4, or OpenMetrics 1.0.0, which differs
 * in the names of families, a unit for each, and a mark at the end.
 */
#ifndef TIDEMARK_PROXY_HTTP_EXPOSITION_H
#define TIDEMARK_PROXY_HTTP_EXPOSITION_H

#include <stddef.h>

struct metrics;

enum exposition { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/* The format for an Accept header (NULL: there was none): OpenMetrics for who names it. */
enum exposition exposition_for(const char *accept);

/* For the Content-Type header. */
const char *exposition_content_type(enum exposition exposition);

/* The whole text, `*size` bytes. Owner: the caller (free, as a response's memory is freed). */
char *exposition_print(const struct metrics *metrics, enum exposition exposition, size_t *size);

#endif
