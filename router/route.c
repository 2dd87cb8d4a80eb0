/*
 * The order of the questions is the order of what binds a session most: what holds it to one
 * connection, then what needs the primary, and only then the floor.
 */
#include "router/route.h"

#include <stddef.h>

/* Pins that a replica's connection can hold, and that a statement for the primary may leave. */
static const unsigned light_pins = PIN_FOUND_ROWS | PIN_CURSOR | PIN_LONG_DATA | PINS_UNTIL_NEXT;

/* Asked about the statement before, and answered only where that one ran. */
static const unsigned about_the_last = USE_WARNINGS | USE_FOUND_ROWS | USE_ROW_COUNT;

const char *consistency_name(enum consistency consistency)
{
    switch (consistency) {
    case CONSISTENCY_EVENTUAL:
        return "eventual";
    case CONSISTENCY_BOUNDED:
        return "bounded";
    case CONSISTENCY_SESSION:
        return "session";
    case CONSISTENCY_MONOTONIC:
        return "monotonic";
    case CONSISTENCY_STRONG:
        return "strong";
    }
    return "";
}

const char *target_name(enum target target)
{
    switch (target) {
    case TARGET_PRIMARY:
        return "primary";
    case TARGET_REPLICA:
        return "replica";
    case TARGET_SESSION:
        return "session";
    }
    return "";
}

static struct route to(enum target target, const char *why)
{
    return (struct route){.target = target, .why = why};
}

/* Whether it can be answered, or take effect, only where the session can write later. */
static bool needs_primary(const struct statement *statement)
{
    if (statement->class == STATEMENT_SESSION)
        return statement->pins != 0;
    return statement->class != STATEMENT_READ;
}

/* A session that holds a connection. */
static struct route route_pinned(const struct statement *statement,
                                 const struct session_view *session)
{
    bool leaves = session->pinned_to == PINNED_TO_REPLICA &&
                  session->transaction == SESSION_TRANSACTION_NONE &&
                  (session->pins & ~light_pins) == 0;

    if (leaves && needs_primary(statement) && !(statement->uses & about_the_last))
        return to(TARGET_PRIMARY, statement->why);
    return to(TARGET_SESSION, "the session is pinned to its connection");
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t route_floor(const struct session_view *session, const struct policy *policy, uint64_t now)
{
    switch (policy->consistency) {
    case CONSISTENCY_EVENTUAL:
        return 0;
    case CONSISTENCY_BOUNDED:
        return now > policy->max_staleness_ns ? now - policy->max_staleness_ns : 0;
    case CONSISTENCY_SESSION:
        return session->last_write;
    case CONSISTENCY_MONOTONIC:
        return later(session->last_write, session->last_read);
    case CONSISTENCY_STRONG:
        return now;
    }
    return now;
}

/* Reads, and read-only transactions as a whole. */
static struct route route_read(const struct statement *statement,
                               const struct session_view *session, const struct policy *policy,
                               uint64_t now)
{
    struct route result;

    if (session->write_outcome_unknown)
        return to(TARGET_PRIMARY, "a write was lost on its way and may still commit");
    if (policy->consistency == CONSISTENCY_STRONG)
        return to(TARGET_PRIMARY, "strong consistency reads on the primary");
    if (session->system_schema)
        return to(TARGET_PRIMARY, "the schema holds the server's own state");
    if (statement->table_overflow)
        return to(TARGET_PRIMARY, "names more tables than are looked up");
    if (session->tables_unsafe)
        return to(TARGET_PRIMARY, "names a table that replicas may not have, or that is new");
    result = to(TARGET_REPLICA, statement->why);
    result.floor = route_floor(session, policy, now);
    return result;
}

static struct route route_free(const struct statement *statement,
                               const struct session_view *session, const struct policy *policy,
                               uint64_t now)
{
    const unsigned from_before = USE_FOUND_ROWS | USE_ROW_COUNT | USE_WARNINGS;

    if (session->log_off)
        return to(TARGET_PRIMARY, "the session has switched the binary log off");
    if (statement->uses & from_before)
        return to(TARGET_SESSION, "asks about the statement before it");
    switch (statement->class) {
    case STATEMENT_WRITE:
    case STATEMENT_ADMIN:
        return to(TARGET_PRIMARY, statement->why);
    case STATEMENT_SESSION:
        return to(TARGET_SESSION, statement->why);
    case STATEMENT_TRANSACTION:
        if (statement->transaction == TRANSACTION_BEGIN_READ_ONLY && !statement->is_multi)
            return route_read(statement, session, policy, now);
        return to(TARGET_PRIMARY, statement->why);
    case STATEMENT_READ:
        break;
    }
    if (!session->autocommit)
        return to(TARGET_PRIMARY, "autocommit is off: a read begins a transaction");
    return route_read(statement, session, policy, now);
}

struct route route(const struct statement *statement, const struct session_view *session,
                   const struct policy *policy, uint64_t now)
{
    bool is_bound = session->pins || session->transaction != SESSION_TRANSACTION_NONE;
    bool has_connection = session->pinned_to != PINNED_TO_NONE;
    struct route result = is_bound && has_connection ? route_pinned(statement, session)
                                                     : route_free(statement, session, policy, now);

    result.pins = statement->pins;
    if (session->tables_program) {
        result.pins |= PIN_PROGRAM;
        if (result.target == TARGET_REPLICA)
            result = (struct route){TARGET_PRIMARY, 0, result.pins,
                                    "names a view that runs a stored program"};
    }
    if (policy->trust_programs)
        result.pins &= ~(unsigned)PIN_PROGRAM;
    return result;
}
