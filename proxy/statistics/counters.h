/*
 * What a worker has counted since it started. Everything only ever goes up.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_COUNTERS_H
#define TIDEMARK_PROXY_STATISTICS_COUNTERS_H

#include "proxy/statistics/record.h"

#include <stdint.h>

/* What kind of error a statement ended in. */
enum error_class {
    ERROR_CLASS_SYNTAX,     /* 1064, 1193, ...: it could not be understood */
    ERROR_CLASS_ACCESS,     /* 1045, 1142, ...: the account may not do that */
    ERROR_CLASS_MISSING,    /* 1146, 1054, ...: a table, column, schema, ... that is not there */
    ERROR_CLASS_CONSTRAINT, /* 1062, 1452, ...: a key, a reference, a value that does not fit */
    ERROR_CLASS_LOCK,       /* 1205, 1213, ...: lock wait time-outs and deadlocks */
    ERROR_CLASS_TIMEOUT,    /* 1317, 3024, ...: interrupted, or over its time */
    ERROR_CLASS_READ_ONLY,  /* 1290, 1792, 1836: where nothing may be written */
    ERROR_CLASS_CONNECTION, /* 2013, ...: a server was lost, full, or not to be had */
    ERROR_CLASS_ABORTED,    /* no error: the session ended before the answer did */
    ERROR_CLASS_OTHER,
    ERROR_CLASS_COUNT
};

struct counters {
    /* clients */
    uint64_t sessions_opened; /* clients that connected */
    uint64_t sessions_closed; /* of these: gone */
    uint64_t logins_failed;   /* refused at login, for whatever reason, or over login_timeout_ms */
    uint64_t bytes_in;        /* commands, and what clients sent with them */
    uint64_t bytes_out;       /* answers, as the servers sent them */

    /* commands; a statement is a QUERY or STMT_EXECUTE */
    uint64_t commands;                    /* of every kind */
    uint64_t statements[CLASS_COUNT];     /* by enum statement_class */
    uint64_t prepared;                    /* of the statements: STMT_EXECUTE */
    uint64_t rows;                        /* sent to clients */
    uint64_t placements[PLACEMENT_COUNT]; /* statements by where they ran, and why there */
    uint64_t errors[ERROR_CLASS_COUNT];   /* commands that failed */
    uint64_t warnings;                    /* commands that ended with warnings */
    uint64_t retries;                     /* a read sent or placed again on another server */
    uint64_t waits;                       /* commands that waited for a connection or server */
    uint64_t wait_ns;                     /* how long they did, in all */
    uint64_t pins[PIN_COUNT];             /* sessions newly pinned, by the bit of enum pin */
};

void counters_take(struct counters *counters, const struct statement_record *record);

/* Adds what another worker has counted. */
void counters_merge(struct counters *into, const struct counters *from);

enum error_class error_class_of(uint16_t code);

/* As shown to users: "syntax", "replica", ... "primary-behind". */
const char *error_class_name(enum error_class class);
const char *placement_name(enum placement placement);

#endif
