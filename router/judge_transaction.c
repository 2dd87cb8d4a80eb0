#include "router/judge.h"

static struct judgement transaction(struct scan *scan, enum transaction_step step, bool may_change,
                                    const char *why)
{
    judge_skip(scan);
    scan->out->transaction = step;
    return (struct judgement){STATEMENT_TRANSACTION, may_change, why};
}

static struct judgement begins(struct scan *scan, enum transaction_step step)
{
    scan->out->pins |= PIN_TRANSACTION;
    return transaction(scan, step, false,
                       step == TRANSACTION_BEGIN_READ_ONLY ? "begins a read-only transaction"
                                                           : "begins a transaction");
}

/* BEGIN [WORK]; everything else is a compound statement. */
struct judgement judge_begin(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    scan_take(scan, "work");
    if (!scan_is_over(scan))
        return judge_program(scan);
    return begins(scan, TRANSACTION_BEGIN);
}

/* START TRANSACTION [WITH CONSISTENT SNAPSHOT | READ ONLY | READ WRITE, ...]; START REPLICA, ... */
struct judgement judge_start(struct scan *scan)
{
    enum transaction_step step = TRANSACTION_BEGIN;

    scan->quiet = true;
    scan_next(scan);
    if (!scan_take(scan, "transaction"))
        return judge_administration(scan);
    for (; !scan_is_over(scan); scan_next(scan)) {
        if (scan_is(scan, "snapshot"))
            scan->out->consistent_snapshot = true;
        else if (scan_is(scan, "only"))
            step = TRANSACTION_BEGIN_READ_ONLY;
        else if (scan_is(scan, "write"))
            step = TRANSACTION_BEGIN_READ_WRITE;
    }
    return begins(scan, step);
}

/* [WORK] [AND [NO] CHAIN] [[NO] RELEASE] */
static void read_completion(struct scan *scan)
{
    bool no = false;

    for (; !scan_is_over(scan); scan_next(scan)) {
        if (scan_is(scan, "chain"))
            scan->out->chains = !no;
        else if (scan_is(scan, "release"))
            scan->out->releases = !no;
        no = scan_is(scan, "no");
    }
    if (scan->out->chains)
        scan->out->pins |= PIN_TRANSACTION;
    else
        scan->out->ends_pins |= PIN_TRANSACTION;
}

struct judgement judge_commit(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    read_completion(scan);
    return transaction(scan, TRANSACTION_COMMIT, true, "ends a transaction");
}

struct judgement judge_rollback(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    scan_take(scan, "work");
    if (scan_take(scan, "to"))
        return transaction(scan, TRANSACTION_ROLLBACK_TO, true, "goes back to a savepoint");
    read_completion(scan);
    return transaction(scan, TRANSACTION_ROLLBACK, true, "ends a transaction");
}

struct judgement judge_savepoint(struct scan *scan)
{
    return transaction(scan, TRANSACTION_SAVEPOINT, false, "sets a savepoint");
}

struct judgement judge_release(struct scan *scan)
{
    return transaction(scan, TRANSACTION_RELEASE_SAVEPOINT, false, "releases a savepoint");
}

/* XA START | BEGIN | END | PREPARE | COMMIT | ROLLBACK xid ...; XA RECOVER */
struct judgement judge_xa(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    if (scan_is(scan, "recover"))
        return judge_administration(scan);
    if (scan_is(scan, "commit") || scan_is(scan, "rollback"))
        scan->out->ends_pins |= PIN_XA;
    else
        scan->out->pins |= PIN_XA;
    return transaction(scan, TRANSACTION_XA, true, "distributed transaction");
}
