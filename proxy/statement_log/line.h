/*
 * One statement as one line of JSON.
 *
 *   {"at":"2026-11-21T14:00:00.123456Z","reasons":["slow"],"session":12,"user":"app",
 *    "client":"10.0.0.9:5123","schema":"shop","digest":"8a5d…","text":"SELECT …","class":"read",
 *    "target":"replica","server":"db2","why":"…","took_us":2104,"wait_us":0,"rows":1,"bytes":120,
 *    "bytes_in":60,"warnings":0,"error":0,"retries":0,"pins":[],"prepared":false}
 *
 * "text" has no literals and is left out where that is not certain. "sql" is there only when it was
 * asked for and the statement cannot hold a password.
 */
#ifndef TIDEMARK_PROXY_STATEMENT_LOG_LINE_H
#define TIDEMARK_PROXY_STATEMENT_LOG_LINE_H

#include "proxy/statistics/record.h"

#include <stdint.h>

/* Why a statement is in the log. */
enum line_reason {
    LINE_SLOW = 1 << 0,
    LINE_FAILED = 1 << 1,
    LINE_PINNED = 1 << 2, /* it pinned its session, other than by warnings */
    LINE_RETRIED = 1 << 3,
    LINE_SAMPLED = 1 << 4,
};

struct line_policy {
    uint64_t slow_ns;   /* 0: none is slow */
    double sample_rate; /* 0 to 1: of those without another reason */
    bool with_literals; /* the statement as it came, too */
};

/* `random`: even over all 32-bit numbers. 0: not in the log. */
unsigned line_reasons(const struct statement_record *record, const struct line_policy *policy,
                      uint32_t random);

/* What the record does not say by itself. */
struct line_names {
    int64_t at_unix_us; /* when it ended */
    const char *user, *client;
    struct bytes schema;
    const char *server; /* NULL: none */
};

/* Writes the line with its newline; its size, or 0 when it does not fit. */
size_t line_write(const struct statement_record *record, const struct line_names *names,
                  unsigned reasons, const struct line_policy *policy, char *line, size_t size);

#endif
