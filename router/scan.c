#include "router/scan.h"

#include <string.h>

enum naming { NAMING_NOTHING, NAMING_NAME, NAMING_DOT };

/* In scan.awaiting, beside effects: INSERT or REPLACE was read, and is a function if ( follows. */
enum { AWAIT_PARENTHESIS = 255 };

struct bytes scan_text(const struct scan *scan, const struct token *token)
{
    return bytes_of(scan->lexer.start + token->offset, token->size);
}

struct bytes scan_inner(const struct scan *scan, const struct token *token)
{
    struct bytes text = scan_text(scan, token);

    if ((token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED) && !token->open &&
        text.size >= 2)
        return bytes_of(text.data + 1, text.size - 2);
    return text;
}

unsigned scan_keyword(const struct scan *scan)
{
    return scan->now.word ? scan->now.word->keyword : KEYWORD_NONE;
}

bool scan_is(const struct scan *scan, const char *word)
{
    return scan->now.kind == TOKEN_WORD &&
           bytes_equal_text_nocase(scan_text(scan, &scan->now), word);
}

bool scan_take(struct scan *scan, const char *word)
{
    if (!scan_is(scan, word))
        return false;
    scan_next(scan);
    return true;
}

bool scan_is_over(const struct scan *scan)
{
    return scan->now.kind == TOKEN_END || scan->now.symbol == ';';
}

void scan_rest(struct scan *scan)
{
    while (!scan_is_over(scan))
        scan_next(scan);
}

static void note(struct scan *scan, enum event event)
{
    scan->events |= event;
}

/* --- names that WITH defines --------------------------------------------------------------------
 */

/* Whether the name is one that WITH defined; a table of that name would need its schema's in front.
 * Written in another case it counts as a table: to some servers it is one. */
static bool is_defined(const struct scan *scan, struct bytes name)
{
    for (unsigned i = 0; i < scan->with_count; i++) {
        if (bytes_equal(scan->with[i], name))
            return true;
    }
    return false;
}

static void define(struct scan *scan)
{
    if (scan->defining.size > 0 && scan->with_count < SCAN_WITH)
        scan->with[scan->with_count++] = scan->defining;
    scan->defining.size = 0;
}

/* At a name in the WITH clause: the one that a definition is for comes first, or behind a comma. */
static SELDOM void note_definition(struct scan *scan)
{
    bool is_recursive = token_is(&scan->prev, KEYWORD_RECURSIVE);

    if (token_is(&scan->now, KEYWORD_RECURSIVE) ||
        !(token_is(&scan->prev, KEYWORD_WITH) || is_recursive || scan->prev.symbol == ','))
        return;
    scan->defining = scan_text(scan, &scan->now);
    if (is_recursive)
        define(scan);
}

/* --- nesting ------------------------------------------------------------------------------------
 */

static void enter_depth(struct scan *scan, unsigned depth)
{
    scan->depth = depth;
    scan->level = &scan->levels[depth < SCAN_DEPTH ? depth : SCAN_DEPTH - 1];
}

static void open_level(struct scan *scan)
{
    struct level *level = scan->level;
    struct level next = {LEVEL_OTHER, CLAUSE_HEAD, EXPECT_NOTHING, KEYWORD_NONE};

    if (scan->prev.kind == TOKEN_WORD || scan->prev.kind == TOKEN_QUOTED) {
        scan_note_call(scan, level);
        if (scan->prev.word) {
            next.opener = scan->prev.word->keyword;
            if (next.opener == KEYWORD_COLUMNS)
                next.kind = LEVEL_COLUMNS;
        }
    }
    if (level->expect == EXPECT_SOURCE) {
        level->expect = EXPECT_NOTHING;
        next.kind = LEVEL_TABLES;
        next.expect = EXPECT_SOURCE;
    }
    if (scan->depth == 0 && level->clause == CLAUSE_WITH && token_is(&scan->prev, KEYWORD_AS))
        scan->in_definition = true;
    enter_depth(scan, scan->depth + 1);
    if (scan->depth < SCAN_DEPTH)
        *scan->level = next;
    else
        note(scan, EVENT_ODD);
}

static void close_level(struct scan *scan)
{
    if (scan->depth > 0)
        enter_depth(scan, scan->depth - 1);
    else
        note(scan, EVENT_ODD);
    if (scan->depth == 0 && scan->in_definition) {
        scan->in_definition = false;
        define(scan);
    }
}

/* --- tables -------------------------------------------------------------------------------------
 */

static void add_table(struct scan *scan, struct bytes name)
{
    struct statement *out = scan->out;

    scan->naming = NAMING_NAME;
    scan->passed_over.size = 0;
    if (is_defined(scan, name)) {
        scan->passed_over = name;
        return;
    }
    if (out->table_count == STATEMENT_TABLES) {
        out->table_overflow = true;
        return;
    }
    out->tables[out->table_count++] = (struct table_name){.name = name};
}

static SELDOM void qualify_table(struct scan *scan)
{
    struct statement *out = scan->out;

    if (scan->passed_over.size > 0) {
        struct bytes schema = scan->passed_over;

        scan->with_count = 0; /* it was a schema's name: from here on everything is a table */
        add_table(scan, schema);
    }
    scan->naming = NAMING_NAME;
    if (out->table_overflow || out->table_count == 0)
        return;
    out->tables[out->table_count - 1].schema = out->tables[out->table_count - 1].name;
    out->tables[out->table_count - 1].name = scan_text(scan, &scan->now);
}

void scan_table(struct scan *scan)
{
    bool was_quiet = scan->quiet;

    scan->quiet = false;
    scan->level->expect = EXPECT_SOURCE;
    scan_note(scan);
    scan_next(scan);
    while (scan->naming != NAMING_NOTHING && !scan_is_over(scan))
        scan_next(scan);
    scan->quiet = was_quiet;
}

/* At a name where a table's is expected. */
static SELDOM void note_table(struct scan *scan)
{
    struct level *level = scan->level;

    switch (scan_keyword(scan)) {
    case KEYWORD_LOW_PRIORITY:
    case KEYWORD_DELAYED:
    case KEYWORD_HIGH_PRIORITY:
    case KEYWORD_IGNORE:
    case KEYWORD_QUICK:
    case KEYWORD_INTO:
    case KEYWORD_TABLE:
    case KEYWORD_FROM:
        return;
    case KEYWORD_LATERAL:
        if (scan->lexer.mode->flavor == SQL_FLAVOR_MYSQL)
            return;
        break;
    case KEYWORD_SELECT:
    case KEYWORD_WITH:
    case KEYWORD_VALUES:
    case KEYWORD_DUAL:
    case KEYWORD_SET:
        level->expect = EXPECT_NOTHING;
        return;
    case KEYWORD_JSON_TABLE:
        if (scan->now.call) {
            level->expect = EXPECT_NOTHING;
            return;
        }
        break;
    default:
        break;
    }
    scan->target_named = level->expect == EXPECT_TARGET;
    level->expect = EXPECT_NOTHING;
    add_table(scan, scan_text(scan, &scan->now));
}

static bool is_system_schema(struct bytes name)
{
    if (name.size > 2 && (name.data[0] == '`' || name.data[0] == '"'))
        name = bytes_of(name.data + 1, name.size - 2);
    switch (name.size) {
    case 3:
        return bytes_equal_text_nocase(name, "sys");
    case 5:
        return bytes_equal_text_nocase(name, "mysql");
    case 18:
        return bytes_equal_text_nocase(name, "performance_schema") ||
               bytes_equal_text_nocase(name, "information_schema");
    default:
        return false;
    }
}

static void note_dot(struct scan *scan)
{
    if (is_system_schema(scan_text(scan, &scan->prev)))
        note(scan, EVENT_STATE);
}

/* --- words --------------------------------------------------------------------------------------
 */

static bool is_table_list(const struct level *level)
{
    return level->kind == LEVEL_TABLES ||
           (level->kind == LEVEL_QUERY && level->clause == CLAUSE_FROM);
}

static void enter_clause(struct scan *scan, struct level *level, enum clause clause)
{
    note(scan, EVENT_SOURCE);
    if (level->kind != LEVEL_QUERY || token_is(&scan->prev, KEYWORD_FOR))
        return; /* an argument's FROM, or the FOR ORDER BY of an index hint */
    level->clause = (uint8_t)clause;
    level->expect = clause == CLAUSE_FROM ? EXPECT_SOURCE : EXPECT_NOTHING;
}

static bool is_first_in_level(const struct scan *scan)
{
    return scan->prev.kind == TOKEN_END || scan->prev.symbol == '(';
}

static void note_keyword(struct scan *scan, unsigned keyword)
{
    struct level *level = scan->level;

    switch (keyword) {
    case KEYWORD_SELECT:
        *level = (struct level){LEVEL_QUERY, CLAUSE_HEAD, EXPECT_NOTHING, KEYWORD_NONE};
        break;
    case KEYWORD_WITH:
        if (is_first_in_level(scan))
            *level = (struct level){LEVEL_QUERY, CLAUSE_WITH, EXPECT_NOTHING, KEYWORD_NONE};
        break;
    case KEYWORD_TABLE:
        level->kind = LEVEL_QUERY;
        level->clause = CLAUSE_FROM;
        level->expect = EXPECT_SOURCE;
        break;
    case KEYWORD_FROM:
        enter_clause(scan, level, CLAUSE_FROM);
        break;
    case KEYWORD_USING:
        if (level->kind == LEVEL_QUERY && level->opener == KEYWORD_DELETE)
            enter_clause(scan, level, CLAUSE_FROM);
        break;
    case KEYWORD_WHERE:
    case KEYWORD_GROUP:
    case KEYWORD_HAVING:
    case KEYWORD_ORDER:
    case KEYWORD_LIMIT:
    case KEYWORD_SET:
        enter_clause(scan, level, CLAUSE_TAIL);
        break;
    case KEYWORD_JOIN:
    case KEYWORD_STRAIGHT_JOIN:
        if (is_table_list(level) && !token_is(&scan->prev, KEYWORD_FOR))
            level->expect = EXPECT_SOURCE;
        break;
    case KEYWORD_INTO:
        note(scan, EVENT_INTO);
        break;
    case KEYWORD_UPDATE:
        note(scan, token_is(&scan->prev, KEYWORD_FOR) ? EVENT_LOCKING : EVENT_CHANGE);
        break;
    case KEYWORD_SHARE:
        if (token_is(&scan->prev, KEYWORD_FOR))
            note(scan, EVENT_LOCKING);
        break;
    case KEYWORD_IN:
        if (token_is(&scan->prev, KEYWORD_LOCK))
            note(scan, EVENT_LOCKING);
        break;
    case KEYWORD_DELETE:
        note(scan, EVENT_CHANGE);
        break;
    case KEYWORD_INSERT:
    case KEYWORD_REPLACE:
        /* With a parenthesis they are functions. A blank may stand between. */
        if (!scan->now.call)
            scan->awaiting = AWAIT_PARENTHESIS;
        break;
    case KEYWORD_FOR:
        if (token_is(&scan->prev, KEYWORD_VALUE) &&
            (token_is(&scan->prev2, KEYWORD_NEXT) || token_is(&scan->prev2, KEYWORD_PREVIOUS)))
            note(scan, EVENT_SEQUENCE);
        break;
    case KEYWORD_PROCEDURE:
        note(scan, EVENT_PROCEDURE);
        break;
    case KEYWORD_SQL_CALC_FOUND_ROWS:
        scan->out->pins |= PIN_FOUND_ROWS;
        break;
    default:
        break;
    }
}

bool scan_is_tracking_name(struct bytes name)
{
    return name.size > 14 && bytes_equal_text_nocase(bytes_first(name, 14), "session_track_") &&
           !bytes_equal_text_nocase(name, "session_track_gtids");
}

/* Tables of session variables, in performance_schema and information_schema. */
static bool has_tracking_variables(struct bytes name)
{
    return bytes_equal_text_nocase(name, "session_variables") ||
           bytes_equal_text_nocase(name, "system_variables") ||
           bytes_equal_text_nocase(name, "variables_by_thread");
}

/* At a long name. */
static SELDOM void note_tracker_name(struct scan *scan)
{
    uint8_t first = scan_text(scan, &scan->now).data[scan->now.kind == TOKEN_QUOTED] | 0x20;
    struct bytes name;

    if (first != 's' && first != 'v')
        return;
    name = scan_inner(scan, &scan->now);
    if (scan_is_tracking_name(name) || has_tracking_variables(name))
        scan->out->uses |= USE_TRACKER_NAME;
}

/* At a name behind @@ or a dot. */
static SELDOM void note_system_variable(struct scan *scan)
{
    struct bytes name = scan_inner(scan, &scan->now);
    struct statement *out = scan->out;

    if (scan->prev.kind != TOKEN_SYSTEM_VARIABLE && !(scan->events & EVENT_STATE))
        return;
    if (bytes_equal_text_nocase(name, "last_insert_id") ||
        bytes_equal_text_nocase(name, "identity"))
        out->uses |= USE_LAST_INSERT_ID;
    else if (bytes_equal_text_nocase(name, "warning_count") ||
             bytes_equal_text_nocase(name, "error_count"))
        out->uses |= USE_WARNINGS;
    else if (bytes_equal_text_nocase(name, "pseudo_thread_id"))
        out->uses |= USE_CONNECTION_ID;
}

static void note_name(struct scan *scan)
{
    const struct token *now = &scan->now;

    if (now->size > 14)
        note_tracker_name(scan);
    if (scan->prev.kind == TOKEN_SYSTEM_VARIABLE || scan->prev.symbol == '.')
        note_system_variable(scan);
    if (scan->naming == NAMING_DOT) {
        qualify_table(scan);
    } else {
        scan->naming = NAMING_NOTHING;
        scan->target_named = false;
        if (scan->depth == 0 && scan->level->clause == CLAUSE_WITH)
            note_definition(scan);
        if (scan->level->expect != EXPECT_NOTHING)
            note_table(scan);
    }
    if (now->word && now->word->keyword != KEYWORD_NONE)
        note_keyword(scan, now->word->keyword);
}

static void note_symbol(struct scan *scan, uint8_t symbol)
{
    struct level *level = scan->level;

    if (symbol == '.') {
        scan->naming = scan->naming == NAMING_NAME ? NAMING_DOT : NAMING_NOTHING;
        note_dot(scan);
        return;
    }
    scan->naming = NAMING_NOTHING;
    switch (symbol) {
    case '(':
        open_level(scan);
        break;
    case ')':
        close_level(scan);
        break;
    case ',':
        if (is_table_list(level))
            level->expect = EXPECT_SOURCE;
        break;
    case '{':
        if (level->expect != EXPECT_NOTHING)
            note(scan, EVENT_ODD); /* { OJ ... }: rare, and hides tables */
        break;
    case ';':
        if (scan->depth > 0)
            note(scan, EVENT_ODD);
        break;
    default:
        break;
    }
}

void scan_object(struct scan *scan, unsigned kind, struct table_name object)
{
    struct statement *out = scan->out;

    out->object_kind = kind;
    if (out->object_count < STATEMENT_OBJECTS)
        out->objects[out->object_count] = object;
    out->object_count++;
}

struct user_variable *scan_user_variable(struct scan *scan)
{
    struct statement *out = scan->out;
    struct bytes name = bytes_after(scan_text(scan, &scan->now), 1);
    unsigned i = 0;

    while (i < out->user_variable_count && i < STATEMENT_USER_VARIABLES) {
        if (bytes_equal(out->user_variables[i].name, name))
            return &out->user_variables[i];
        i++;
    }
    out->user_variable_count++;
    if (i == STATEMENT_USER_VARIABLES)
        return NULL;
    out->user_variables[i] = (struct user_variable){.name = name};
    return &out->user_variables[i];
}

/* At the token behind one that asked what it is. */
static SELDOM void note_awaited(struct scan *scan)
{
    if (scan->awaiting == AWAIT_PARENTHESIS) {
        scan->awaiting = EFFECT_NO_FUNCTION;
        if (scan->now.symbol != '(')
            note(scan, EVENT_CHANGE);
    } else {
        scan_note_first_argument(scan);
    }
}

static SELDOM void note_other(struct scan *scan)
{
    switch (scan->now.kind) {
    case TOKEN_PUNCTUATION:
        note_symbol(scan, scan->now.symbol);
        if (scan->now.symbol != '.')
            scan->target_named = false;
        return;
    case TOKEN_USER_VARIABLE:
        scan->out->uses |= USE_USER_VARIABLE;
        scan_user_variable(scan);
        break;
    case TOKEN_SYSTEM_VARIABLE:
        note(scan, EVENT_STATE);
        break;
    case TOKEN_ASSIGN:
        note(scan, EVENT_ASSIGN);
        break;
    case TOKEN_WORD:
    case TOKEN_QUOTED:
    case TOKEN_END:
    case TOKEN_STRING:
    case TOKEN_NUMBER:
    case TOKEN_PARAMETER:
        break;
    }
    scan->naming = NAMING_NOTHING;
    scan->target_named = false;
}

void scan_note(struct scan *scan)
{
    if (scan->quiet)
        return;
    if (scan->awaiting != EFFECT_NO_FUNCTION)
        note_awaited(scan);
    if (scan->now.kind == TOKEN_WORD || scan->now.kind == TOKEN_QUOTED)
        note_name(scan);
    else
        note_other(scan);
}

void scan_next(struct scan *scan)
{
    scan->prev2 = scan->prev;
    scan->prev = scan->now;
    lexer_next(&scan->lexer, &scan->now);
    digest_feed(&scan->digest, scan->lexer.start, &scan->now);
    scan_note(scan);
}

void scan_begin_statement(struct scan *scan)
{
    scan->prev.kind = scan->prev2.kind = TOKEN_END;
    scan->prev.symbol = scan->prev2.symbol = 0;
    scan->prev.word = scan->prev2.word = NULL;
    scan->events = 0;
    scan->quiet = false;
    scan->naming = NAMING_NOTHING;
    scan->target_named = false;
    scan->awaiting = EFFECT_NO_FUNCTION;
    scan->with_count = 0;
    scan->defining.size = 0;
    scan->in_definition = false;
    scan->passed_over.size = 0;
    enter_depth(scan, 0);
    *scan->level = (struct level){LEVEL_OTHER, CLAUSE_HEAD, EXPECT_NOTHING, KEYWORD_NONE};
}

void scan_start(struct scan *scan, struct bytes sql, const struct lexer_mode *mode,
                struct statement *out)
{
    lexer_init(&scan->lexer, sql, mode);
    digest_start(&scan->digest, NULL, 0);
    scan->out = out;
    scan->reads_anew = false;
    scan->now.kind = TOKEN_END;
    scan_begin_statement(scan);
}
