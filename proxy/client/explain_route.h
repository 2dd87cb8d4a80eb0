/*
 * EXPLAIN ROUTE: what would become of a statement, worked out by what the data path itself uses
 * (classify, choose_route, choose_select), without anything being sent or changed.
 */
#ifndef TIDEMARK_PROXY_CLIENT_EXPLAIN_ROUTE_H
#define TIDEMARK_PROXY_CLIENT_EXPLAIN_ROUTE_H

#include "health/verdict.h"
#include "protocol/bytes.h"
#include "router/balance.h"
#include "router/route.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct worker;

enum { EXPLAIN_REASON_BYTES = 320 };

struct explained_server {
    bool is_listed; /* there is a server of this number */
    bool is_chosen;
    enum server_role role;
    char reason[EXPLAIN_REASON_BYTES]; /* why it is chosen, or not */
};

struct route_explanation {
    enum statement_class class;
    uint64_t digest;
    unsigned pins; /* enum pin: that the statement causes */
    enum target target;
    uint64_t floor_ns; /* TARGET_REPLICA: the oldest horizon allowed; 0: any */
    uint64_t now;
    enum consistency consistency;
    const char *why;                                  /* static */
    size_t count;                                     /* of servers */
    struct explained_server servers[BALANCE_SERVERS]; /* by number */
};

/* As it would go if this session sent it now. */
void explain_route(struct session *session, struct bytes sql, struct route_explanation *out);

/* As it would go in a new session of this user (number in the roster, configured), in this schema,
 * which may be empty. */
void explain_route_for(struct worker *worker, unsigned user, struct bytes schema, struct bytes sql,
                       struct route_explanation *out);

#endif
