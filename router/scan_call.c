/*
 * Calls: what stands before a parenthesis, and what calling it does. Only names that the server is
 * known to have built in are harmless; every other call may be a stored program.
 */
#include "router/scan.h"

#include <string.h>

static void note(struct scan *scan, enum event event)
{
    scan->events |= event;
}

/* SELECT GET_LOCK('name', ...), and RELEASE_LOCK: the only forms that say which lock, and that the
 * function runs once. */
/* Whether it follows SELECT or DO at once: an optimizer hint between them may set a LIMIT of 0. */
static bool is_first_call(const struct scan *scan)
{
    size_t end = scan->prev2.offset + scan->prev2.size;

    if (!token_is(&scan->prev2, KEYWORD_SELECT) && !token_is(&scan->prev2, KEYWORD_DO))
        return false;
    while (end < scan->prev.offset && strchr(" \t\r\n", scan->lexer.start[end]) != NULL)
        end++;
    return end == scan->prev.offset;
}

/* A lock is known by name where the call is the first thing that is selected, and one that is
 * released only where it is the last thing too, for then it is surely released. */
static void note_lock(struct scan *scan, enum effect effect)
{
    struct lexer ahead = scan->lexer;
    struct token name, next, after;

    lexer_next(&ahead, &name);
    lexer_next(&ahead, &next);
    lexer_next(&ahead, &after);
    if (!(scan->events & EVENT_USER_LOCK) && scan->depth == 0 && name.kind == TOKEN_STRING &&
        !name.open && next.symbol == (effect == EFFECT_GET_LOCK ? ',' : ')') &&
        (effect == EFFECT_GET_LOCK || after.kind == TOKEN_END || after.symbol == ';') &&
        is_first_call(scan)) {
        scan_object(scan, PIN_GET_LOCK, (struct table_name){.name = scan_text(scan, &name)});
        note(scan, effect == EFFECT_GET_LOCK ? EVENT_ONE_LOCK : EVENT_RELEASE_ONE);
    } else {
        scan->out->object_kind = scan->out->object_count = 0; /* not known which, or how often */
    }
    note(scan, EVENT_USER_LOCK);
}

static void note_effect(struct scan *scan, enum effect effect)
{
    struct statement *out = scan->out;

    switch (effect) {
    case EFFECT_NO_FUNCTION:
    case EFFECT_PURE:
        break;
    case EFFECT_IMPURE:
        note(scan, EVENT_IMPURE);
        break;
    case EFFECT_STATE:
        note(scan, EVENT_STATE);
        break;
    case EFFECT_SEQUENCE:
        note(scan, EVENT_SEQUENCE);
        break;
    case EFFECT_LAST_INSERT_ID:
        out->uses |= USE_LAST_INSERT_ID;
        scan->awaiting = EFFECT_LAST_INSERT_ID;
        break;
    case EFFECT_FOUND_ROWS:
        out->uses |= USE_FOUND_ROWS;
        break;
    case EFFECT_ROW_COUNT:
        out->uses |= USE_ROW_COUNT;
        break;
    case EFFECT_CONNECTION_ID:
        out->uses |= USE_CONNECTION_ID;
        out->connection_id_calls++;
        scan->awaiting = EFFECT_CONNECTION_ID;
        scan->call_offset = scan->prev.offset;
        break;
    case EFFECT_GET_LOCK:
        out->pins |= PIN_GET_LOCK;
        note_lock(scan, effect);
        break;
    case EFFECT_RELEASE_ALL_LOCKS:
        if (scan->depth == 0 && token_is(&scan->prev2, KEYWORD_SELECT))
            note(scan, EVENT_RELEASE_ALL);
        note(scan, EVENT_USER_LOCK);
        break;
    case EFFECT_RELEASE_LOCK:
        note_lock(scan, effect);
        break;
    }
}

/* At the token after the parenthesis of a call that awaits it. */
void scan_note_first_argument(struct scan *scan)
{
    bool has_argument = scan->now.symbol != ')';

    if (scan->awaiting == EFFECT_LAST_INSERT_ID && has_argument)
        note(scan, EVENT_INSERT_ID);
    if (scan->awaiting == EFFECT_CONNECTION_ID && !has_argument &&
        scan->out->connection_id_calls == 1) {
        scan->out->connection_id_offset = scan->call_offset;
        scan->out->connection_id_size = scan->now.offset + 1 - scan->call_offset;
    }
    scan->awaiting = EFFECT_NO_FUNCTION;
}

/* Words that may stand before a parenthesis in one place only. */
static bool is_in_its_place(const struct scan *scan, const struct level *level)
{
    switch (scan->prev.word->keyword) {
    case KEYWORD_COLUMNS:
        return level->opener == KEYWORD_JSON_TABLE || level->kind == LEVEL_COLUMNS;
    case KEYWORD_OF: /* MEMBER OF (...) */
        return scan->lexer.mode->flavor == SQL_FLAVOR_MYSQL &&
               scan->lexer.mode->server_version >= 80017;
    case KEYWORD_OVER: /* an ordinary name to servers that have no window functions */
        return scan->lexer.mode->server_version >= 80000;
    case KEYWORD_JSON_TABLE:
    case KEYWORD_LATERAL:
        return level->clause == CLAUSE_FROM || level->kind == LEVEL_TABLES;
    default:
        return false;
    }
}

/* At a parenthesis behind a name: is it a call, and of what? */
void scan_note_call(struct scan *scan, const struct level *level)
{
    const struct word *word = scan->prev.word;

    /* An alias or a type, with columns or a size: nothing can be called behind ) or AS. */
    if (scan->prev2.symbol == ')' || token_is(&scan->prev2, KEYWORD_AS) ||
        token_is(&scan->prev2, KEYWORD_PROCEDURE))
        return;
    if (level->clause == CLAUSE_WITH || level->kind == LEVEL_COLUMNS || scan->target_named)
        return;
    if (level->opener == KEYWORD_CONVERT && scan->prev2.symbol == ',')
        return;
    if (word && word_is_function(word, scan->lexer.mode)) {
        if (!(word->flags & WORD_ADJACENT) || scan->prev.call || scan->lexer.mode->ignore_space)
            note_effect(scan, (enum effect)word->effect);
        else
            note(scan, EVENT_PROGRAM);
        return;
    }
    if (word && ((word->flags & WORD_NO_CALL) || is_in_its_place(scan, level)))
        return;
    note(scan, EVENT_PROGRAM);
}
