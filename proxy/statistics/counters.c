#include "proxy/statistics/counters.h"

#include <assert.h>
#include <stddef.h>

enum error_class error_class_of(uint16_t code)
{
    switch (code) {
    case 1064: /* parse error */
    case 1065: /* empty query */
    case 1149: /* syntax error */
    case 1193: /* unknown system variable */
    case 1231: /* wrong value for a variable */
    case 1235: /* not supported yet */
    case 1295: /* not in the prepared statement protocol */
        return ERROR_CLASS_SYNTAX;
    case 1044: /* to a schema */
    case 1045: /* at login */
    case 1142: /* a command on a table */
    case 1143: /* a column */
    case 1227: /* needs a privilege */
    case 1370: /* a routine */
    case 1410: /* GRANT to a user that does not exist */
    case 1698: /* without a password */
        return ERROR_CLASS_ACCESS;
    case 1046: /* no database selected */
    case 1049: /* unknown database */
    case 1051: /* unknown table */
    case 1054: /* unknown column */
    case 1091: /* cannot drop */
    case 1109: /* unknown table in a list */
    case 1146: /* no such table */
    case 1243: /* unknown prepared statement */
    case 1305: /* no such routine */
        return ERROR_CLASS_MISSING;
    case 1022: /* duplicate key */
    case 1048: /* must not be NULL */
    case 1062: /* duplicate entry */
    case 1169: /* unique constraint */
    case 1216:
    case 1217: /* foreign keys */
    case 1264: /* out of range */
    case 1265: /* truncated */
    case 1292: /* wrong value */
    case 1364: /* no default */
    case 1366: /* wrong value for a column */
    case 1406: /* too long */
    case 1451:
    case 1452: /* foreign keys */
    case 3819:
    case 4025: /* check constraints */
        return ERROR_CLASS_CONSTRAINT;
    case 1205: /* lock wait time-out */
    case 1213: /* deadlock */
    case 1614: /* XA deadlock */
    case 3572: /* NOWAIT */
        return ERROR_CLASS_LOCK;
    case 1317: /* interrupted */
    case 1969: /* max_statement_time */
    case 3024: /* max_execution_time */
        return ERROR_CLASS_TIMEOUT;
    case 1290: /* option prevents statement: read_only */
    case 1792: /* in a READ ONLY transaction */
    case 1836: /* read-only mode */
        return ERROR_CLASS_READ_ONLY;
    case 1040: /* too many connections */
    case 1053: /* shutting down */
    case 1105: /* unknown: no server could be had */
    case 1203: /* of that user */
    case 1226: /* of a resource */
    case 1927: /* killed */
    case 2002:
    case 2003: /* cannot connect */
    case 2006: /* has gone away */
    case 2013: /* lost */
    case 3169: /* killed */
        return ERROR_CLASS_CONNECTION;
    default:
        return ERROR_CLASS_OTHER;
    }
}

const char *error_class_name(enum error_class class)
{
    static const char *const names[] = {
        [ERROR_CLASS_SYNTAX] = "syntax",       [ERROR_CLASS_ACCESS] = "access",
        [ERROR_CLASS_MISSING] = "missing",     [ERROR_CLASS_CONSTRAINT] = "constraint",
        [ERROR_CLASS_LOCK] = "lock",           [ERROR_CLASS_TIMEOUT] = "timeout",
        [ERROR_CLASS_READ_ONLY] = "read-only", [ERROR_CLASS_CONNECTION] = "connection",
        [ERROR_CLASS_ABORTED] = "aborted",     [ERROR_CLASS_OTHER] = "other",
    };

    static_assert(sizeof names / sizeof names[0] == ERROR_CLASS_COUNT, "each has a name");
    return class < ERROR_CLASS_COUNT ? names[class] : "";
}

const char *placement_name(enum placement placement)
{
    static const char *const names[] = {
        [PLACED_REPLICA] = "replica",
        [PLACED_PRIMARY_WRITE] = "primary-write",
        [PLACED_PRIMARY_TRANSACTION] = "primary-transaction",
        [PLACED_PRIMARY_ADMIN] = "primary-admin",
        [PLACED_PRIMARY_SESSION] = "primary-session",
        [PLACED_PRIMARY_READ] = "primary-read",
        [PLACED_PRIMARY_BEHIND] = "primary-behind",
        [PLACED_PRIMARY_REPEATED] = "primary-repeated",
        [PLACED_PINNED] = "pinned",
        [PLACED_NOWHERE] = "nowhere",
    };

    static_assert(sizeof names / sizeof names[0] == PLACEMENT_COUNT, "each has a name");
    return placement < PLACEMENT_COUNT ? names[placement] : "";
}

static void count_pins(struct counters *counters, unsigned pins)
{
    for (unsigned i = 0; i < PIN_COUNT; i++) {
        counters->pins[i] += pins >> i & 1;
    }
}

void counters_take(struct counters *counters, const struct statement_record *record)
{
    counters->commands++;
    counters->bytes_in += record->bytes_in;
    counters->bytes_out += record->bytes;
    counters->rows += record->rows;
    if (record->is_statement) {
        counters->statements[record->class]++;
        counters->prepared += record->is_prepared;
        counters->placements[record->placement]++;
    }
    counters->warnings += record->warnings != 0;
    counters->retries += record->retries;
    if (record->wait_ns != 0) {
        counters->waits++;
        counters->wait_ns += record->wait_ns;
    }
    if (record->error != 0) {
        counters->errors[error_class_of(record->error)]++;
    } else if (record->is_aborted) {
        counters->errors[ERROR_CLASS_ABORTED]++;
    }
    if (record->pins != 0) {
        count_pins(counters, record->pins);
    }
}

void counters_merge(struct counters *into, const struct counters *from)
{
    uint64_t *to = (uint64_t *)into;
    const uint64_t *values = (const uint64_t *)from;

    static_assert(sizeof *into % sizeof *to == 0, "nothing but uint64_t");
    for (size_t i = 0; i < sizeof *into / sizeof *to; i++) {
        to[i] += values[i];
    }
}
