#include "router/judge.h"

/* What SHOW shows. Words that may stand before it (FULL, EXTENDED, GLOBAL, ...) are passed over. */
enum shown {
    SHOWN_STATE,   /* a server's own: asked of the primary */
    SHOWN_SCHEMAS, /* schema objects: a plain read */
    SHOWN_TABLE,   /* ... of one table, named after FROM or IN */
    SHOWN_CREATE,  /* ... SHOW CREATE kind name */
    SHOWN_STATUS,  /* ... if STATUS follows: PROCEDURE STATUS; otherwise a program's code */
    SHOWN_WARNINGS
};

static const struct {
    const char *word;
    enum shown shown;
} showns[] = {
    {"character", SHOWN_SCHEMAS}, {"charset", SHOWN_SCHEMAS},  {"collation", SHOWN_SCHEMAS},
    {"columns", SHOWN_TABLE},     {"count", SHOWN_WARNINGS},   {"create", SHOWN_CREATE},
    {"databases", SHOWN_SCHEMAS}, {"errors", SHOWN_WARNINGS},  {"events", SHOWN_SCHEMAS},
    {"fields", SHOWN_TABLE},      {"function", SHOWN_STATUS},  {"index", SHOWN_TABLE},
    {"indexes", SHOWN_TABLE},     {"keys", SHOWN_TABLE},       {"package", SHOWN_STATUS},
    {"procedure", SHOWN_STATUS},  {"schemas", SHOWN_SCHEMAS},  {"table", SHOWN_STATUS},
    {"tables", SHOWN_SCHEMAS},    {"triggers", SHOWN_SCHEMAS}, {"warnings", SHOWN_WARNINGS},
};

static const char *const created[] = {"database", "event",     "function", "if",
                                      "package",  "procedure", "schema",   "sequence",
                                      "table",    "trigger",   "view"};

static enum shown find_shown(const struct scan *scan)
{
    for (size_t i = 0; i < sizeof showns / sizeof showns[0]; i++)
        if (scan_is(scan, showns[i].word))
            return showns[i].shown;
    return SHOWN_STATE;
}

static struct judgement shows_state(void)
{
    return (struct judgement){STATEMENT_ADMIN, false, "shows the server's own state"};
}

static struct judgement shows_schema(void)
{
    return (struct judgement){STATEMENT_READ, false, "shows schema objects"};
}

/* The worse of what is shown and of what a WHERE may call. */
static struct judgement finish(struct scan *scan, struct judgement shown)
{
    struct judgement events;

    for (; !scan_is_over(scan); scan_next(scan))
        if (scan_keyword(scan) == KEYWORD_WHERE)
            scan->quiet = false;
    events = judge_events(scan);
    return events.class > shown.class ? events : shown;
}

/* FROM table [FROM schema] */
static struct judgement show_table(struct scan *scan)
{
    struct statement *out = scan->out;

    while (!scan_is_over(scan) && !scan_is(scan, "from") && !scan_is(scan, "in"))
        scan_next(scan);
    if (!scan_is_over(scan)) {
        scan_next(scan);
        scan_table(scan);
    }
    if (scan_take(scan, "from") || scan_take(scan, "in")) {
        if (out->table_count > 0 && !out->table_overflow)
            out->tables[out->table_count - 1].schema = scan_text(scan, &scan->now);
    }
    return finish(scan, shows_schema());
}

static struct judgement show_create(struct scan *scan)
{
    bool is_known = false;

    for (size_t i = 0; i < sizeof created / sizeof created[0]; i++)
        is_known |= scan_is(scan, created[i]);
    if (!is_known)
        return finish(scan, shows_state());
    if (scan_take(scan, "table") || scan_take(scan, "view"))
        scan_table(scan);
    return finish(scan, shows_schema());
}

/* Behind SHOW VARIABLES: may session_track_* be among them? Not if there is a LIKE that says no. */
static bool may_show_tracking(const struct scan *scan)
{
    static const char name[] = "session_track_";
    struct lexer ahead = scan->lexer;
    struct bytes pattern;
    struct token token;

    if (!scan_is(scan, "like"))
        return true;
    lexer_next(&ahead, &token);
    if (token.kind != TOKEN_STRING)
        return true;
    pattern = scan_inner(scan, &token);
    for (size_t i = 0; i < pattern.size && i < sizeof name - 1; i++) {
        uint8_t c = pattern.data[i];

        if (c == '%' || c == '\\')
            return true;
        if (c != '_' && (c | 0x20) != name[i])
            return false;
    }
    return true;
}

struct judgement judge_show(struct scan *scan)
{
    bool is_variables;
    enum shown shown;

    scan->quiet = true; /* FROM, PROCEDURE and the like mean something else here */
    scan_next(scan);
    scan_take(scan, "extended");
    scan_take(scan, "full");
    if (!scan_take(scan, "session"))
        scan_take(scan, "local");
    is_variables = scan_is(scan, "variables");
    shown = find_shown(scan);
    scan_next(scan);
    if (is_variables && may_show_tracking(scan))
        scan->out->uses |= USE_TRACKER_NAME;
    switch (shown) {
    case SHOWN_WARNINGS:
        scan->out->uses |= USE_WARNINGS;
        judge_skip(scan);
        return (struct judgement){STATEMENT_SESSION, false,
                                  "shows what the statement before left on its connection"};
    case SHOWN_TABLE:
        return show_table(scan);
    case SHOWN_CREATE:
        return show_create(scan);
    case SHOWN_STATUS:
        scan_take(scan, "body");
        return finish(scan, scan_is(scan, "status") ? shows_schema() : shows_state());
    case SHOWN_SCHEMAS:
        return finish(scan, shows_schema());
    case SHOWN_STATE:
        break;
    }
    return finish(scan, shows_state());
}

static bool is_explainable(const struct scan *scan)
{
    switch (scan_keyword(scan)) {
    case KEYWORD_SELECT:
    case KEYWORD_WITH:
    case KEYWORD_TABLE:
    case KEYWORD_VALUES:
    case KEYWORD_INSERT:
    case KEYWORD_REPLACE:
    case KEYWORD_UPDATE:
    case KEYWORD_DELETE:
        return true;
    default:
        return scan->now.symbol == '(';
    }
}

/* The statement inside, from its first word on, as if it stood alone. */
static struct judgement judge_inner(struct scan *scan)
{
    unsigned outer = scan->events;
    struct judgement inner;

    scan_begin_statement(scan);
    scan->events = outer;
    inner = judge_statement(scan);
    scan->out->lessens = scan->out->ends_pins = 0; /* it need not have run */
    if (inner.class == STATEMENT_READ)
        inner.why = "explains a plain read";
    return inner;
}

/* Passes one option in front of the statement; false when there is none. FORMAT and the like may be
 * a table's name instead. */
static bool pass_option(struct scan *scan)
{
    if (scan_is(scan, "into"))
        scan->events |= EVENT_INTO;
    if (scan->now.kind == TOKEN_USER_VARIABLE) {
        scan->out->uses |= USE_USER_VARIABLE;
        scan_user_variable(scan);
        scan_next(scan);
        return true;
    }
    if (scan_take(scan, "into") || scan_take(scan, "analyze"))
        return true;
    if (!scan_is(scan, "format") && !scan_is(scan, "extended") && !scan_is(scan, "partitions"))
        return false;
    scan_next(scan);
    if (scan->now.symbol == '=') {
        scan_next(scan);
        scan_next(scan);
        return true;
    }
    scan->out->table_overflow |= !is_explainable(scan);
    return true;
}

/* [ANALYZE] [EXTENDED | PARTITIONS] [FORMAT = name] [INTO @variable] [FOR SCHEMA name] statement;
 * FOR CONNECTION number; or a table [column] */
struct judgement judge_explain(struct scan *scan)
{
    struct judgement described = {STATEMENT_READ, false, "describes a table"};

    scan->quiet = true; /* the inner statement's first word must not be noted twice */
    scan_next(scan);
    while (!is_explainable(scan) && !scan_is_over(scan) && pass_option(scan))
        ;
    if (is_explainable(scan))
        return judge_inner(scan);
    if (scan_is(scan, "for")) {
        judge_skip(scan);
        return (struct judgement){STATEMENT_ADMIN, true, "explains in another session or schema"};
    }
    if (!scan_is_over(scan))
        scan_table(scan);
    return finish(scan, described);
}

/* ANALYZE [NO_WRITE_TO_BINLOG | LOCAL] TABLE; MariaDB: ANALYZE [FORMAT = name] statement, which
 * runs the statement. */
struct judgement judge_analyze(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    if (scan_take(scan, "format")) {
        scan_next(scan);
        scan_next(scan);
    }
    if (is_explainable(scan) && scan_keyword(scan) != KEYWORD_TABLE)
        return judge_inner(scan);
    judge_skip(scan);
    return (struct judgement){STATEMENT_WRITE, true, "changes the statistics of tables"};
}
