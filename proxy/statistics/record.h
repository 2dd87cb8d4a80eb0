/*
 * A statement's record: all that is known of one command of a client when it has ended. It is made
 * once, by proxy/client/recording.c, lives for one call of statistics_take(), and is what every
 * count, histogram, log and trace is made of. Who wants to know more of a statement adds a field
 * here; who wants to do more with it adds a consumer in statistics.c.
 */
#ifndef TIDEMARK_PROXY_STATISTICS_RECORD_H
#define TIDEMARK_PROXY_STATISTICS_RECORD_H

#include "protocol/bytes.h"
#include "router/lexer.h"
#include "router/route.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stdint.h>

struct trace;

enum { CLASS_COUNT = STATEMENT_WRITE + 1 }; /* enum statement_class */

/* Where a statement ran, and what in the end decided that. */
enum placement {
    PLACED_REPLICA,             /* on a replica, as it was meant to */
    PLACED_PRIMARY_WRITE,       /* on the primary: it writes, or is not known not to */
    PLACED_PRIMARY_TRANSACTION, /* ... it belongs to a transaction's beginning or end */
    PLACED_PRIMARY_ADMIN,       /* ... it is about the server itself */
    PLACED_PRIMARY_SESSION,     /* ... it sets session state, or asks about the statement before */
    PLACED_PRIMARY_READ,        /* ... a read that replicas may not serve: see its `why` */
    PLACED_PRIMARY_BEHIND,      /* ... a read for which no replica was fresh enough, or usable */
    PLACED_PRIMARY_REPEATED,    /* ... a read that a replica refused, or could not be readied for */
    PLACED_PINNED,              /* on the connection, of whatever server, that the session holds */
    PLACED_NOWHERE,             /* answered, or refused, by the proxy */
    PLACEMENT_COUNT
};

struct statement_record {
    /* what it was */
    uint64_t session; /* the id that the client sees */
    unsigned user;    /* number in the roster */
    uint8_t command;  /* enum command */
    /* A statement that was run: QUERY, STMT_EXECUTE or STMT_BULK_EXECUTE. Of other commands
     * digest, class, sql and mode mean nothing. */
    bool is_statement;
    bool is_prepared; /* not QUERY */
    bool is_multi;    /* several statements in one text */
    bool is_cut;      /* `sql` is the beginning of a longer text */
    uint8_t class;    /* enum statement_class */
    uint64_t digest;
    /* The text with all its literals: to be looked at during the call, never to be kept. Only what
     * digest_text() makes of it in this mode may be. */
    struct bytes sql;
    const struct lexer_mode *mode;

    /* where it went */
    uint8_t placement; /* enum placement */
    uint8_t target;    /* enum target */
    bool on_replica;   /* `server` was one then */
    int server;        /* that it was sent to last; -1: none */
    const char *why;   /* static text: the route's reason; "" when it was never routed */
    uint64_t floor_ns; /* TARGET_REPLICA: the oldest horizon allowed */
    uint8_t retries;   /* how often it was sent or placed again, on another server */
    unsigned pins;     /* enum pin: that hold the session now and did not before */

    /* when: CLOCK_MONOTONIC, ns */
    uint64_t began_ns;
    uint64_t leased_ns; /* when it got its connection, if it had to wait for one; else 0 */
    uint64_t ended_ns;
    uint64_t wait_ns; /* of that: for a connection, a server, or a replica fresh enough */

    /* what came of it */
    uint64_t rows;     /* that went to the client, of all its results */
    uint64_t bytes;    /* of the answer, as the server sent it */
    uint64_t bytes_in; /* of the command and what the client sent with it */
    uint16_t warnings;
    uint16_t error;  /* code of the ERR it ended in; 0: none */
    bool is_aborted; /* the session ended before the answer did */

    struct trace *trace; /* the session's; NULL: it is not traced */
};

static inline bool record_failed(const struct statement_record *record)
{
    return record->error != 0 || record->is_aborted;
}

static inline uint64_t record_took_ns(const struct statement_record *record)
{
    return record->ended_ns - record->began_ns;
}

#endif
