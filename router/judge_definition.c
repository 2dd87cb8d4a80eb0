/*
 * Definitions run nothing now: what stands in them is not noted, except the SELECT that fills a new
 * table. The bodies of programs hold semicolons of their own; where such a body ends is not worth
 * knowing exactly, so whatever follows the first semicolon counts as unknown.
 */
#include "router/judge.h"

static struct judgement definition(const char *why)
{
    return (struct judgement){STATEMENT_WRITE, true, why};
}

/* Reads to the end of the whole text. */
static void skip_body(struct scan *scan)
{
    scan->quiet = true;
    while (scan->now.kind != TOKEN_END) {
        bool ended = scan->now.symbol == ';';

        scan_next(scan);
        if (ended && scan->now.kind != TOKEN_END)
            scan->out->pins |= PIN_UNKNOWN;
    }
}

/* The word behind CREATE, ALTER, DROP: an account, or a schema as a whole? */
static void note_subject(struct scan *scan)
{
    if (scan_is(scan, "user") || scan_is(scan, "role"))
        scan->out->renews_logins = true;
    if (scan_is(scan, "database") || scan_is(scan, "schema"))
        scan->out->changes_schemas = true;
}

struct judgement judge_definition(struct scan *scan)
{
    unsigned verb = scan_keyword(scan);
    bool is_event = false;

    scan->quiet = true;
    if (verb == KEYWORD_GRANT || verb == KEYWORD_REVOKE)
        scan->out->renews_logins = true;
    scan->out->renames |= verb == KEYWORD_ALTER || verb == KEYWORD_RENAME;
    scan_next(scan);
    note_subject(scan);
    for (int i = 0; i < 4 && !scan_is_over(scan) && !is_event; i++) {
        is_event = scan_keyword(scan) == KEYWORD_EVENT; /* ALTER EVENT ... DO body */
        scan_next(scan);
    }
    if (is_event)
        skip_body(scan);
    scan_rest(scan);
    return definition("changes definitions, accounts or the state of tables");
}

static bool is_program_word(unsigned keyword)
{
    return keyword == KEYWORD_PROCEDURE || keyword == KEYWORD_FUNCTION ||
           keyword == KEYWORD_TRIGGER || keyword == KEYWORD_EVENT || keyword == KEYWORD_PACKAGE;
}

/* Whether a query begins here; VALUES LESS THAN of a partition follows a name. */
static bool begins_query(const struct scan *scan)
{
    const struct word *before = scan->prev.word;

    if (scan_keyword(scan) == KEYWORD_SELECT)
        return true;
    return scan_keyword(scan) == KEYWORD_VALUES &&
           (scan->prev.symbol == ')' || (before && before->keyword == KEYWORD_AS));
}

/* CREATE TABLE ... [AS] SELECT: the query runs now. */
static void skip_to_query(struct scan *scan)
{
    while (!scan_is_over(scan) && !begins_query(scan))
        scan_next(scan);
    if (scan_is_over(scan))
        return;
    scan->quiet = false;
    scan_note(scan);
    scan_rest(scan);
    judge_events(scan);
}

/* At the first token of name or schema.name: reads it. */
static struct table_name read_name(struct scan *scan)
{
    struct table_name name = {.name = scan_text(scan, &scan->now)};

    if (scan->now.kind != TOKEN_WORD && scan->now.kind != TOKEN_QUOTED)
        return (struct table_name){{NULL, 0}, {NULL, 0}};
    scan_next(scan);
    if (scan->now.symbol == '.') {
        scan_next(scan);
        name.schema = name.name;
        name.name = scan_text(scan, &scan->now);
        scan_next(scan);
    }
    return name;
}

/* IF [NOT] EXISTS */
static void pass_condition(struct scan *scan)
{
    if (scan_take(scan, "if")) {
        scan_take(scan, "not");
        scan_take(scan, "exists");
    }
}

struct judgement judge_create(struct scan *scan)
{
    bool temporary = false;

    scan->quiet = true;
    scan_next(scan);
    if (scan_take(scan, "or"))
        scan_take(scan, "replace");
    note_subject(scan);
    while (!scan_is_over(scan) && scan->now.symbol != '(') {
        unsigned keyword = scan_keyword(scan);

        if (keyword == KEYWORD_TEMPORARY)
            temporary = true;
        if (is_program_word(keyword)) {
            skip_body(scan);
            return definition("creates a stored program");
        }
        if (keyword == KEYWORD_TABLE)
            break;
        scan_next(scan);
    }
    if (scan_keyword(scan) == KEYWORD_TABLE) {
        scan_next(scan);
        pass_condition(scan);
        if (temporary)
            scan_object(scan, PIN_TEMPORARY_TABLE, read_name(scan));
        skip_to_query(scan);
    }
    scan_rest(scan);
    scan->out->lessens = scan->out->ends_pins = 0; /* its query need not have run */
    if (temporary)
        scan->out->pins |= PIN_TEMPORARY_TABLE;
    return definition(temporary ? "creates a temporary table" : "changes definitions");
}

/* DROP [TEMPORARY] TABLE [IF EXISTS] a, b; DROP PREPARE name. A temporary table hides others of its
 * name, so that it is the one that goes also without the word. */
struct judgement judge_drop(struct scan *scan)
{
    bool temporary;

    scan->quiet = true;
    scan_next(scan);
    if (scan_is(scan, "prepare"))
        return judge_dropped_prepare(scan);
    note_subject(scan);
    temporary = scan_take(scan, "temporary");
    if (scan_take(scan, "table") || scan_take(scan, "tables")) {
        pass_condition(scan);
        scan->out->lessens |= PIN_TEMPORARY_TABLE;
        while (!scan_is_over(scan)) {
            scan_object(scan, PIN_TEMPORARY_TABLE, read_name(scan));
            while (!scan_is_over(scan) && scan->now.symbol != ',')
                scan_next(scan);
            if (!scan_is_over(scan))
                scan_next(scan);
        }
    }
    scan_rest(scan);
    return definition(temporary ? "drops temporary tables" : "changes definitions");
}

/* BEGIN NOT ATOMIC, IF, LOOP, ...: a program without a name. */
struct judgement judge_program(struct scan *scan)
{
    skip_body(scan);
    scan->out->pins |= PIN_PROGRAM;
    return definition("compound statement");
}

struct judgement judge_administration(struct scan *scan)
{
    judge_skip(scan);
    return (struct judgement){STATEMENT_ADMIN, true, "administration"};
}

/* FLUSH TABLES ... WITH READ LOCK, FLUSH TABLES t FOR EXPORT: held until UNLOCK TABLES. */
struct judgement judge_flush(struct scan *scan)
{
    scan->quiet = true;
    scan_next(scan);
    scan->out->renews_logins |= scan_is(scan, "privileges");
    for (; !scan_is_over(scan); scan_next(scan))
        if (scan_keyword(scan) == KEYWORD_LOCK || scan_is(scan, "export"))
            scan->out->pins |= PIN_LOCK_TABLES;
    return (struct judgement){STATEMENT_ADMIN, true, "administration"};
}

/* MariaDB: BACKUP STAGE START | ... | END, BACKUP LOCK t, BACKUP UNLOCK */
struct judgement judge_backup(struct scan *scan)
{
    bool ends = false;

    scan->quiet = true;
    for (; !scan_is_over(scan); scan_next(scan))
        ends |= scan_keyword(scan) == KEYWORD_END || scan_is(scan, "unlock");
    if (ends)
        scan->out->ends_pins |= PIN_INSTANCE_LOCK;
    else
        scan->out->pins |= PIN_INSTANCE_LOCK;
    return (struct judgement){STATEMENT_ADMIN, true, "backup lock"};
}

/* The number in a token of digits; false when it is something else or too large. */
static bool read_number(struct bytes text, uint64_t *number)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 19)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = value;
    return true;
}

/* KILL [HARD | SOFT] [CONNECTION | QUERY [ID]] number | expression | USER name */
struct judgement judge_kill(struct scan *scan)
{
    struct kill_info *info = &scan->out->kill;

    scan_next(scan);
    *info = (struct kill_info){.kind = KILL_CONNECTION};
    info->hard = scan_take(scan, "hard");
    if (!info->hard)
        info->soft = scan_take(scan, "soft");
    if (scan_take(scan, "query"))
        info->kind = scan_take(scan, "id") ? KILL_QUERY_ID : KILL_QUERY;
    else
        scan_take(scan, "connection");
    if (scan_take(scan, "user")) {
        info->kind = KILL_USER;
    } else if (scan->now.kind == TOKEN_NUMBER) {
        info->literal = read_number(scan_text(scan, &scan->now), &info->id);
        scan_next(scan);
        if (!scan_is_over(scan)) {
            info->literal = false;
            info->id = 0;
        }
    }
    scan_rest(scan);
    judge_events(scan);
    return (struct judgement){STATEMENT_ADMIN, false, "kills a session or its query"};
}
