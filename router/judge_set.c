/*
 * SET. Trackers report what became of session variables; what they do not report, or what must not
 * be replayed, is told apart here by name.
 */
#include "router/judge.h"

enum scope { SCOPE_NONE, SCOPE_SESSION, SCOPE_GLOBAL };

/* Variables that are more than a value to replay. */
static const struct {
    const char *name;
    unsigned kinds;
} variables[] = {
    {"autocommit", SET_SYSTEM | SET_AUTOCOMMIT},
    {"gtid_next", SET_ONE_SHOT},
    {"gtid_seq_no", SET_ONE_SHOT},
    {"identity", SET_ONE_SHOT},
    {"insert_id", SET_ONE_SHOT},
    {"last_insert_id", SET_ONE_SHOT},
    {"pseudo_replica_mode", SET_ONE_SHOT},
    {"pseudo_slave_mode", SET_ONE_SHOT},
    {"pseudo_thread_id", SET_ONE_SHOT},
    {"rand_seed1", SET_ONE_SHOT},
    {"rand_seed2", SET_ONE_SHOT},
    {"server_id", SET_ONE_SHOT},
    {"skip_replication", SET_LOG_OFF},
    {"sql_log_bin", SET_LOG_OFF},
    {"timestamp", SET_ONE_SHOT},
    {"wsrep_on", SET_LOG_OFF},
};

/* With a bare @@ they set the next transaction only. */
static const char *const transaction_variables[] = {
    "transaction_isolation", "transaction_read_only", "tx_isolation", "tx_read_only"};

/* Session variables that keep writes out of the log while they are on, or off. */
static bool keeps_logging(struct bytes name, struct bytes value)
{
    bool is_on = bytes_equal_text(value, "1") || bytes_equal_text_nocase(value, "on") ||
                 bytes_equal_text_nocase(value, "true");
    bool is_off = bytes_equal_text(value, "0") || bytes_equal_text_nocase(value, "off") ||
                  bytes_equal_text_nocase(value, "false");

    return bytes_equal_text_nocase(name, "skip_replication") ? is_off : is_on;
}

static unsigned variable_kinds(struct bytes name, struct bytes value, bool is_bare)
{
    if (scan_is_tracking_name(name))
        return SET_TRACKER;
    for (size_t i = 0; i < sizeof transaction_variables / sizeof transaction_variables[0]; i++)
        if (is_bare && bytes_equal_text_nocase(name, transaction_variables[i]))
            return SET_TRANSACTION_NEXT;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        if (!bytes_equal_text_nocase(name, variables[i].name))
            continue;
        if (variables[i].kinds == SET_LOG_OFF && keeps_logging(name, value))
            return SET_SYSTEM;
        return variables[i].kinds;
    }
    return SET_SYSTEM;
}

/* Servers read the statements of a text one after the other, each when the one before has run:
 * behind another sql_mode or character set, what looks like a string may be code. */
static void note_reading(struct scan *scan, const struct lexer_mode *after, bool is_known)
{
    const struct lexer_mode *now = scan->lexer.mode;

    scan->reads_anew |=
        !is_known || after->charset != now->charset || after->ansi_quotes != now->ansi_quotes ||
        after->no_backslash_escapes != now->no_backslash_escapes ||
        after->ignore_space != now->ignore_space || after->foreign_grammar != now->foreign_grammar;
}

static void note_charset(struct scan *scan, struct bytes name)
{
    struct lexer_mode after = *scan->lexer.mode;
    bool is_known = lexer_mode_set_charset(&after, name);

    note_reading(scan, &after, is_known);
}

static struct bytes without_quotes(struct bytes value)
{
    bool is_quoted = value.size >= 2 && (value.data[0] == '\'' || value.data[0] == '"') &&
                     value.data[value.size - 1] == value.data[0];

    return is_quoted ? bytes_of(value.data + 1, value.size - 2) : value;
}

static void note_variable(struct scan *scan, struct bytes name, struct bytes value)
{
    struct lexer_mode after = *scan->lexer.mode;

    if (bytes_equal_text_nocase(name, "character_set_client")) {
        note_charset(scan, without_quotes(value));
    } else if (bytes_equal_text_nocase(name, "sql_mode")) {
        bool is_known = lexer_mode_set_sql_mode(&after, without_quotes(value));

        note_reading(scan, &after, is_known);
    }
}

/* Whether the assignment ends here: MariaDB's SET STATEMENT ends its list with FOR. */
static bool at_end(const struct scan *scan, bool in_statement)
{
    return scan_is_over(scan) ||
           (scan->depth == 0 &&
            (scan->now.symbol == ',' || (in_statement && scan_keyword(scan) == KEYWORD_FOR)));
}

/* Reads the value behind an operator; marks SET_EXPRESSION unless it is one literal or word. Only
 * values are noted: to name a variable here is not to read it. */
static struct bytes read_value(struct scan *scan, bool in_statement)
{
    size_t start, end;
    unsigned tokens = 0;
    bool is_plain = true;

    if (scan->now.symbol != '=' && scan->now.kind != TOKEN_ASSIGN)
        scan->out->set.kinds |= SET_OTHER;
    else
        scan_next(scan);
    scan->quiet = false;
    if (!at_end(scan, in_statement))
        scan_note(scan);
    start = end = scan->now.offset;
    for (; !at_end(scan, in_statement); scan_next(scan)) {
        bool is_sign = scan->now.symbol == '-' || scan->now.symbol == '+';

        tokens += !is_sign;
        is_plain &= is_sign || scan->now.kind == TOKEN_WORD || scan->now.kind == TOKEN_QUOTED ||
                    scan->now.kind == TOKEN_STRING || scan->now.kind == TOKEN_NUMBER;
        end = scan->now.offset + scan->now.size;
    }
    scan->quiet = true;
    if (tokens != 1 || !is_plain)
        scan->out->set.kinds |= SET_EXPRESSION;
    return bytes_of(scan->lexer.start + start, end - start);
}

static void add_assignment(struct scan *scan, struct bytes name, struct bytes value)
{
    struct set_info *set = &scan->out->set;

    if (set->count < SET_ASSIGNMENTS)
        set->assignments[set->count] = (struct set_assignment){name, value};
    set->count++;
}

/* Reads @@global. and the like, or the words GLOBAL, SESSION, ... before a name. */
static enum scope read_scope(struct scan *scan, enum scope scope, bool *is_bare)
{
    enum scope named = SCOPE_NONE;

    *is_bare = scan->now.kind == TOKEN_SYSTEM_VARIABLE;
    if (*is_bare)
        scan_next(scan);
    if (scan_is(scan, "global") || scan_is(scan, "persist") || scan_is(scan, "persist_only"))
        named = SCOPE_GLOBAL;
    else if (scan_is(scan, "session") || scan_is(scan, "local"))
        named = SCOPE_SESSION;
    if (named == SCOPE_NONE)
        return scope;
    scan_next(scan);
    if (*is_bare && scan->now.symbol == '.')
        scan_next(scan);
    *is_bare = false;
    return named;
}

/* [scope] name = value. scope: the word before an earlier assignment may hold for this one too. */
static void read_variable(struct scan *scan, enum scope *scope, bool in_statement)
{
    struct set_info *set = &scan->out->set;
    bool had_scope = *scope == SCOPE_GLOBAL, is_bare;
    enum scope named = read_scope(scan, *scope, &is_bare);
    struct bytes name = scan_inner(scan, &scan->now), value;
    unsigned kinds;

    scan_next(scan);
    while (scan->now.symbol == '.') { /* a key cache and its variable, or NEW.column */
        scan_next(scan);
        name = scan_inner(scan, &scan->now);
        scan_next(scan);
    }
    value = read_value(scan, in_statement);
    note_variable(scan, name, value);
    kinds = variable_kinds(name, value, is_bare);
    if (is_bare && scan->lexer.mode->flavor == SQL_FLAVOR_MARIADB &&
        !(kinds & (SET_ONE_SHOT | SET_TRANSACTION_NEXT | SET_TRACKER | SET_LOG_OFF)))
        kinds |= SET_OTHER; /* no tracker of MariaDB reports SET @@x = ... (measured) */
    if (named == SCOPE_GLOBAL) {
        set->kinds |= SET_GLOBAL | (had_scope ? kinds : 0); /* manuals differ on what it covers */
        *scope = SCOPE_GLOBAL;
        return;
    }
    set->kinds |= kinds;
    add_assignment(scan, name, value);
}

static void read_user_variable(struct scan *scan)
{
    unsigned *kinds = &scan->out->set.kinds;
    unsigned before = *kinds;
    unsigned named = scan->out->user_variable_count;
    struct user_variable *variable = scan_user_variable(scan);
    bool is_first = scan->out->user_variable_count > named;
    struct bytes value;

    *kinds = SET_USER_VARIABLE;
    scan_next(scan);
    value = read_value(scan, false);
    if (variable)
        variable->value = *kinds == SET_USER_VARIABLE && is_first ? value : bytes_of(NULL, 0);
    *kinds |= before;
}

/* NAMES name [COLLATE name], CHARACTER SET name: at the name. */
static void read_charset(struct scan *scan, enum set_kind kind)
{
    struct set_info *set = &scan->out->set;

    set->kinds |= kind;
    set->charset = set->collation =
        (struct bytes){NULL, 0}; /* of an earlier one in the same text */
    if (scan->now.kind != TOKEN_STRING && scan->now.kind != TOKEN_WORD &&
        scan->now.kind != TOKEN_QUOTED) {
        set->kinds |= SET_OTHER;
    } else if (!scan_is(scan, "default")) {
        set->charset = scan_inner(scan, &scan->now);
    }
    note_charset(scan, set->charset);
    scan_next(scan);
    if (scan_take(scan, "collate")) {
        set->collation = scan_inner(scan, &scan->now);
        scan_next(scan);
    }
    if (!at_end(scan, false)) {
        set->kinds |= SET_OTHER;
        read_value(scan, false);
    }
}

/* Whether it is one of the forms that are no assignment; reads it if so. */
static bool read_special(struct scan *scan)
{
    struct set_info *set = &scan->out->set;
    bool is_next = true;

    if (scan_take(scan, "names")) {
        read_charset(scan, SET_NAMES);
        return true;
    }
    if (scan_is(scan, "character") || scan_is(scan, "charset") || scan_is(scan, "char")) {
        if (!scan_take(scan, "charset")) {
            scan_next(scan);
            scan_take(scan, "set");
        }
        read_charset(scan, SET_CHARACTER_SET);
        return true;
    }
    if (scan_is(scan, "password") || scan_is(scan, "default")) {
        set->kinds |= SET_PASSWORD;
        judge_skip(scan);
        return true;
    }
    if (scan_is(scan, "role")) {
        set->kinds |= SET_ROLE;
        judge_skip(scan);
        return true;
    }
    if (scan_is(scan, "session") || scan_is(scan, "local") || scan_is(scan, "global")) {
        struct lexer ahead = scan->lexer;
        struct token token;

        lexer_next(&ahead, &token);
        if (token.kind != TOKEN_WORD ||
            !bytes_equal_text_nocase(scan_text(scan, &token), "transaction"))
            return false;
        set->kinds |= scan_is(scan, "global") ? SET_GLOBAL : SET_TRANSACTION_SESSION;
        is_next = false;
        scan_next(scan);
    }
    if (!scan_is(scan, "transaction"))
        return false;
    if (is_next)
        set->kinds |= SET_TRANSACTION_NEXT;
    judge_skip(scan);
    return true;
}

static void read_assignments(struct scan *scan, bool in_statement)
{
    enum scope scope = SCOPE_NONE;

    for (;;) {
        if (scan->now.kind == TOKEN_USER_VARIABLE && !in_statement)
            read_user_variable(scan);
        else if (in_statement || !read_special(scan))
            read_variable(scan, &scope, in_statement);
        if (scan->now.symbol != ',')
            return;
        scan_next(scan);
    }
}

static void pin_kinds(struct statement *out)
{
    static const struct {
        unsigned kinds, pins;
    } table[] = {
        {SET_USER_VARIABLE, PIN_USER_VARIABLE},
        {SET_ROLE, PIN_ROLE},
        {SET_ONE_SHOT, PIN_ONE_SHOT},
        {SET_TRANSACTION_NEXT, PIN_ONE_SHOT},
        {SET_LOG_OFF, PIN_LOG_OFF},
        {SET_OTHER, PIN_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (out->set.kinds & table[i].kinds)
            out->pins |= table[i].pins;
}

static struct judgement by_kinds(unsigned kinds)
{
    struct judgement result = {STATEMENT_SESSION, (kinds & SET_AUTOCOMMIT) != 0,
                               "sets session variables"};

    if (kinds & SET_PASSWORD)
        return (struct judgement){STATEMENT_WRITE, true, "changes an account"};
    if (kinds & SET_TRANSACTION_NEXT)
        return (struct judgement){STATEMENT_TRANSACTION, false, "sets up the next transaction"};
    if (kinds & SET_OTHER)
        result.why = "sets what is not known here";
    else if (kinds & SET_ROLE)
        result.why = "sets the role";
    else if (kinds & SET_USER_VARIABLE)
        result.why = "sets user variables";
    if ((kinds & SET_GLOBAL) && !(kinds & (SET_USER_VARIABLE | SET_SYSTEM | SET_NAMES)))
        return (struct judgement){STATEMENT_ADMIN, true, "sets global variables"};
    return result;
}

/* MariaDB: SET STATEMENT a = 1, b = 2 FOR statement */
static struct judgement set_for_statement(struct scan *scan)
{
    struct judgement set, inner;

    read_assignments(scan, true);
    pin_kinds(scan->out);
    set = judge_events(scan);
    scan->out->set.kinds |= SET_STATEMENT;
    if (scan_keyword(scan) != KEYWORD_FOR) {
        judge_skip(scan);
        return (struct judgement){STATEMENT_WRITE, true, "not known to be a read"};
    }
    scan_next(scan);
    scan_begin_statement(scan);
    inner = judge_statement(scan);
    scan->out->lessens = scan->out->ends_pins = 0; /* under a limit of 0 it may have done nothing */
    if (set.class == STATEMENT_ADMIN)
        set = (struct judgement){STATEMENT_READ, false, ""}; /* a value taken from a variable */
    return set.class > inner.class ? set : inner;
}

struct judgement judge_set(struct scan *scan)
{
    struct statement *out = scan->out;
    struct judgement events, kinds;

    scan->quiet = true;
    scan_next(scan);
    if (scan_is(scan, "statement") && scan->lexer.mode->flavor == SQL_FLAVOR_MARIADB) {
        scan_next(scan);
        return set_for_statement(scan);
    }
    if (scan_is(scan, "resource")) {
        out->set.kinds |= SET_OTHER;
        judge_skip(scan);
    } else {
        read_assignments(scan, false);
    }
    if (!scan_is_over(scan)) {
        out->set.kinds |= SET_OTHER;
        judge_skip(scan);
    }
    pin_kinds(out);
    out->renews_logins |= (out->set.kinds & (SET_GLOBAL | SET_PASSWORD)) != 0;
    events = judge_events(scan);
    kinds = by_kinds(out->set.kinds);
    return events.class > kinds.class ? events : kinds;
}
