#include "router/judge.h"

static const struct judgement plain_read = {STATEMENT_READ, false, "plain read"};

static struct judgement write_because(const char *why)
{
    return (struct judgement){STATEMENT_WRITE, true, why};
}

void judge_skip(struct scan *scan)
{
    scan->quiet = true;
    scan_rest(scan);
}

/* What was noted pins, whatever the statement turns out to be. */
static void pin_events(struct scan *scan)
{
    struct statement *out = scan->out;

    if (scan->events & EVENT_PROGRAM)
        out->pins |= PIN_PROGRAM;
    if (scan->events & EVENT_ASSIGN)
        out->pins |= PIN_USER_VARIABLE;
    if (scan->events & EVENT_SEQUENCE)
        out->pins |= PIN_SEQUENCE;
    if ((scan->events & (EVENT_ONE_LOCK | EVENT_RELEASE_ONE)) && (scan->events & EVENT_SOURCE))
        out->object_kind = out->object_count = 0; /* once for each row, or not at all */
}

struct judgement judge_events(struct scan *scan)
{
    struct statement *out = scan->out;
    unsigned events = scan->events;

    pin_events(scan);
    if (events & EVENT_INSERT_ID)
        out->pins |= PIN_INSERT_ID;
    if ((events & EVENT_INTO) && (out->uses & USE_USER_VARIABLE))
        out->pins |= PIN_USER_VARIABLE;
    if ((events & EVENT_RELEASE_ALL) && !(events & EVENT_SOURCE))
        out->ends_pins |= PIN_GET_LOCK;
    if ((events & EVENT_RELEASE_ONE) && !(events & EVENT_SOURCE))
        out->lessens |= PIN_GET_LOCK;
    out->is_locking |= (events & EVENT_LOCKING) != 0;

    if ((events & ~(unsigned)EVENT_SOURCE) == 0 && scan->depth == 0)
        return plain_read;
    if ((events & EVENT_ODD) || scan->depth != 0)
        return write_because("parentheses that do not match or nest too deep");
    if (events & EVENT_CHANGE)
        return write_because("changes data");
    if (events & EVENT_PROGRAM)
        return write_because("calls a function that is not a known built-in");
    if (events & EVENT_INTO)
        return write_because("SELECT INTO");
    if (events & EVENT_LOCKING)
        return write_because("locks the rows it reads");
    if (events & EVENT_ASSIGN)
        return write_because("assigns a user variable");
    if (events & EVENT_SEQUENCE)
        return write_because("uses a sequence");
    if (events & EVENT_USER_LOCK)
        return write_because("takes or releases a user lock");
    if (events & EVENT_INSERT_ID)
        return write_because("sets the last insert id");
    if (events & EVENT_IMPURE)
        return write_because("calls a function that does more than compute");
    if (events & EVENT_PROCEDURE)
        return write_because("PROCEDURE ANALYSE");
    if (events & EVENT_STATE)
        return (struct judgement){STATEMENT_ADMIN, false, "reads the server's own state"};
    return plain_read;
}

struct judgement judge_query(struct scan *scan)
{
    scan_note(scan);
    scan_rest(scan);
    return judge_events(scan);
}

/* INSERT, REPLACE, UPDATE, DELETE */
static struct judgement judge_change(struct scan *scan)
{
    unsigned keyword = scan_keyword(scan);
    struct level *level = scan->level;

    level->kind = LEVEL_QUERY;
    level->opener = (uint8_t)keyword;
    if (keyword == KEYWORD_UPDATE) {
        level->clause = CLAUSE_FROM;
        level->expect = EXPECT_SOURCE;
    } else if (keyword != KEYWORD_DELETE) {
        level->expect = EXPECT_TARGET;
    }
    scan_next(scan);
    scan_rest(scan);
    pin_events(scan);
    return write_because("changes data");
}

static struct judgement judge_do(struct scan *scan)
{
    scan_next(scan);
    scan_rest(scan);
    judge_events(scan);
    return write_because("DO evaluates for what its functions do");
}

/* At a user variable to which the statement gives a value. */
static void note_assigned(struct scan *scan)
{
    scan_user_variable(scan);
    scan->out->pins |= PIN_USER_VARIABLE;
}

static struct judgement judge_call(struct scan *scan)
{
    scan->quiet = true;
    for (; !scan_is_over(scan); scan_next(scan)) {
        if (scan->now.kind == TOKEN_USER_VARIABLE)
            note_assigned(scan); /* for a parameter that is OUT */
    }
    scan->out->pins |= PIN_PROGRAM;
    return write_because("calls a stored program");
}

/* LOAD DATA | XML ... [SET assignments] */
static struct judgement judge_load(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    if (scan_is(scan, "index")) {
        judge_skip(scan);
        return (struct judgement){STATEMENT_ADMIN, true, "administration"};
    }
    for (; !scan_is_over(scan); scan_next(scan)) {
        if (scan_is(scan, "local"))
            scan->out->is_local_infile = true;
        if (scan->quiet && scan->now.kind == TOKEN_USER_VARIABLE)
            note_assigned(scan); /* a field goes to it */
        if (scan_keyword(scan) == KEYWORD_SET)
            scan->quiet = false;
    }
    pin_events(scan);
    return write_because("loads data");
}

static struct judgement judge_unknown(struct scan *scan)
{
    judge_skip(scan);
    scan->out->pins |= PIN_UNKNOWN;
    return write_because("not known to be a read");
}

/* By first word; those that are not here are unknown. */
static struct judgement (*const judges[])(struct scan *) = {
    [KEYWORD_ALTER] = judge_definition,
    [KEYWORD_ANALYZE] = judge_analyze,
    [KEYWORD_BACKUP] = judge_backup,
    [KEYWORD_BEGIN] = judge_begin,
    [KEYWORD_BINLOG] = judge_definition,
    [KEYWORD_CACHE] = judge_administration,
    [KEYWORD_CALL] = judge_call,
    [KEYWORD_CASE] = judge_program,
    [KEYWORD_CHANGE] = judge_administration,
    [KEYWORD_CHECK] = judge_definition,
    [KEYWORD_CHECKSUM] = judge_definition,
    [KEYWORD_CLONE] = judge_administration,
    [KEYWORD_COMMIT] = judge_commit,
    [KEYWORD_CREATE] = judge_create,
    [KEYWORD_DEALLOCATE] = judge_deallocate,
    [KEYWORD_DECLARE] = judge_program,
    [KEYWORD_DELETE] = judge_change,
    [KEYWORD_DESC] = judge_explain,
    [KEYWORD_DESCRIBE] = judge_explain,
    [KEYWORD_DO] = judge_do,
    [KEYWORD_DROP] = judge_drop,
    [KEYWORD_EXECUTE] = judge_execute,
    [KEYWORD_EXPLAIN] = judge_explain,
    [KEYWORD_FLUSH] = judge_flush,
    [KEYWORD_FOR] = judge_program,
    [KEYWORD_GET] = judge_get,
    [KEYWORD_GRANT] = judge_definition,
    [KEYWORD_HANDLER] = judge_handler,
    [KEYWORD_HELP] = judge_administration,
    [KEYWORD_IF] = judge_program,
    [KEYWORD_IMPORT] = judge_definition,
    [KEYWORD_INSERT] = judge_change,
    [KEYWORD_INSTALL] = judge_definition,
    [KEYWORD_KILL] = judge_kill,
    [KEYWORD_LOAD] = judge_load,
    [KEYWORD_LOCK] = judge_lock,
    [KEYWORD_LOOP] = judge_program,
    [KEYWORD_OPTIMIZE] = judge_definition,
    [KEYWORD_PREPARE] = judge_prepare,
    [KEYWORD_PURGE] = judge_administration,
    [KEYWORD_RELEASE] = judge_release,
    [KEYWORD_RENAME] = judge_definition,
    [KEYWORD_REPAIR] = judge_definition,
    [KEYWORD_REPEAT] = judge_program,
    [KEYWORD_REPLACE] = judge_change,
    [KEYWORD_RESET] = judge_administration,
    [KEYWORD_RESIGNAL] = judge_signal,
    [KEYWORD_RESTART] = judge_administration,
    [KEYWORD_REVOKE] = judge_definition,
    [KEYWORD_ROLLBACK] = judge_rollback,
    [KEYWORD_SAVEPOINT] = judge_savepoint,
    [KEYWORD_SELECT] = judge_query,
    [KEYWORD_SET] = judge_set,
    [KEYWORD_SHOW] = judge_show,
    [KEYWORD_SHUTDOWN] = judge_administration,
    [KEYWORD_SIGNAL] = judge_signal,
    [KEYWORD_START] = judge_start,
    [KEYWORD_STOP] = judge_administration,
    [KEYWORD_TABLE] = judge_query,
    [KEYWORD_TRUNCATE] = judge_definition,
    [KEYWORD_UNINSTALL] = judge_definition,
    [KEYWORD_UNLOCK] = judge_unlock,
    [KEYWORD_UPDATE] = judge_change,
    [KEYWORD_USE] = judge_use,
    [KEYWORD_VALUES] = judge_query,
    [KEYWORD_WHILE] = judge_program,
    [KEYWORD_WITH] = judge_query,
    [KEYWORD_XA] = judge_xa,
};

struct judgement judge_statement(struct scan *scan)
{
    unsigned keyword = scan_keyword(scan);

    if (scan->now.symbol == '(')
        return judge_query(scan);
    if (keyword < sizeof judges / sizeof judges[0] && judges[keyword])
        return judges[keyword](scan);
    return judge_unknown(scan);
}
