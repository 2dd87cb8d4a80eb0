#include "router/judge.h"

static struct judgement session_because(const char *why)
{
    return (struct judgement){STATEMENT_SESSION, false, why};
}

/* PREPARE name FROM 'text' | @variable | expression */
struct judgement judge_prepare(struct scan *scan)
{
    scan_next(scan);
    scan_object(scan, PIN_PREPARE, (struct table_name){.name = scan_text(scan, &scan->now)});
    scan_rest(scan);
    judge_events(scan);
    scan->out->pins |= PIN_PREPARE;
    return session_because("prepares a statement by name");
}

/* DEALLOCATE PREPARE name */
struct judgement judge_deallocate(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    return judge_dropped_prepare(scan);
}

/* [DROP] PREPARE name */
struct judgement judge_dropped_prepare(struct scan *scan)
{
    scan_take(scan, "prepare");
    scan_object(scan, PIN_PREPARE, (struct table_name){.name = scan_text(scan, &scan->now)});
    scan_rest(scan);
    scan->out->lessens |= PIN_PREPARE;
    return session_because("deallocates a prepared statement");
}

/* EXECUTE name [USING @a, ...], EXECUTE IMMEDIATE: the text that runs is not this one, so it may be
 * anything. */
struct judgement judge_execute(struct scan *scan)
{
    scan_next(scan);
    if (!scan_is(scan, "immediate"))
        scan->out->uses |= USE_PREPARED;
    scan_rest(scan);
    judge_events(scan);
    scan->out->pins |= PIN_PROGRAM;
    scan->reads_anew = true;
    return (struct judgement){STATEMENT_WRITE, true, "runs a text that is not seen here"};
}

/* HANDLER table OPEN [AS alias] | READ ... | CLOSE */
struct judgement judge_handler(struct scan *scan)
{
    struct token name;
    bool closes = false, opens = false, reads = false;

    scan_next(scan);
    name = scan->now;
    while (!scan_is_over(scan)) {
        if (scan->prev.symbol == '.' && !reads)
            name = scan->now;
        if (opens && (scan->now.kind == TOKEN_WORD || scan->now.kind == TOKEN_QUOTED))
            name = scan->now; /* its alias, AS in front or not */
        opens |= scan_is(scan, "open");
        reads |= scan_is(scan, "read");
        closes = !opens && !reads && scan_is(scan, "close");
        scan_next(scan);
    }
    judge_events(scan);
    scan_object(scan, PIN_HANDLER, (struct table_name){.name = scan_text(scan, &name)});
    if (closes) {
        scan->out->lessens |= PIN_HANDLER;
    } else {
        scan->out->pins |= PIN_HANDLER;
    }
    return session_because("a handler belongs to its connection");
}

/* LOCK TABLES t READ | WRITE, ...; LOCK INSTANCE FOR BACKUP */
struct judgement judge_lock(struct scan *scan)
{
    bool writes = false;

    scan->quiet = true;
    scan_next(scan);
    if (scan_is(scan, "instance")) {
        judge_skip(scan);
        scan->out->pins |= PIN_INSTANCE_LOCK;
        return (struct judgement){STATEMENT_ADMIN, true, "locks the instance"};
    }
    for (; !scan_is_over(scan); scan_next(scan))
        writes |= scan_is(scan, "write");
    scan->out->pins |= PIN_LOCK_TABLES;
    if (writes)
        return (struct judgement){STATEMENT_WRITE, true, "locks tables for writing"};
    return (struct judgement){STATEMENT_SESSION, true, "locks tables"};
}

struct judgement judge_unlock(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    scan->out->ends_pins |= scan_is(scan, "instance") ? PIN_INSTANCE_LOCK : PIN_LOCK_TABLES;
    scan_rest(scan);
    /* It commits what was done under the locks. */
    return (struct judgement){STATEMENT_SESSION, true, "unlocks"};
}

struct judgement judge_use(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    if (scan->now.kind == TOKEN_WORD || scan->now.kind == TOKEN_QUOTED)
        scan->out->use_schema = scan_inner(scan, &scan->now);
    scan_rest(scan);
    return session_because("changes the schema");
}

/* GET [CURRENT | STACKED] DIAGNOSTICS ...: reads what the statement before left on its connection,
 * into user variables. */
struct judgement judge_get(struct scan *scan)
{
    scan_next(scan);
    scan_rest(scan);
    scan->out->uses |= USE_WARNINGS;
    scan->out->pins |= PIN_USER_VARIABLE; /* those named */
    return session_because("reads the diagnostics of the statement before");
}

struct judgement judge_signal(struct scan *scan)
{
    judge_skip(scan);
    return session_because("raises a condition");
}
