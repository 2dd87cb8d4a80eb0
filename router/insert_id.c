/*
 * A walk over the values of an INSERT. See insert_id.h. Whatever is not a plain value ends it with
 * "unsure", which is always right.
 */
#include "router/insert_id.h"

#include "router/words.h"

enum {
    WALK_MAX_BYTES = 16 << 10, /* a longer text costs more to read again than to ask the server */
};

/* Dates as numbers have this many digits at least, with the time of day. */
#define DATE_TIME_MIN UINT64_C(10000000000000)

/* ---- could this be the id? ---- */

/* What a number above an integer type's range becomes without strict mode. */
static bool is_limit(uint64_t id)
{
    static const unsigned bits[] = {8, 16, 24, 32, 64}; /* of the integer types, signed or not */

    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        uint64_t most = UINT64_MAX >> (64 - bits[i]);

        if (id == most || id == most >> 1)
            return true;
    }
    return false;
}

bool insert_id_may_be_integer(uint64_t id, bool negative, uint64_t magnitude)
{
    if (negative)
        return id > (uint64_t)INT64_MAX; /* ids are shown without their sign */
    return magnitude == id || (magnitude > id && is_limit(id));
}

bool insert_id_may_be_real(uint64_t id, double number)
{
    if (number < 0)
        return insert_id_may_be_integer(id, true, 0);
    if (!(number < 1e19))
        return insert_id_may_be_integer(id, false, UINT64_MAX) || id >= UINT64_C(1) << 63;
    return insert_id_may_be_integer(id, false, (uint64_t)number) ||
           insert_id_may_be_integer(id, false, (uint64_t)number + 1);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Digits, a fraction that may round it up, nothing else that makes another number of it. */
static bool may_be_decimal(uint64_t id, bool negative, struct bytes text)
{
    uint64_t whole = 0;
    size_t i = 0;

    for (; i < text.size && is_digit(text.data[i]); i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');

        whole = whole > (UINT64_MAX - digit) / 10 ? UINT64_MAX : whole * 10 + digit;
    }
    bool has_fraction = i < text.size && text.data[i] == '.';
    while (i < text.size && (text.data[i] == '.' || is_digit(text.data[i])))
        i++;
    if (i < text.size && (text.data[i] == 'e' || text.data[i] == 'E' || text.data[i] == '\\'))
        return true; /* an exponent, or an escape that may be another digit */
    return insert_id_may_be_integer(id, negative, whole) ||
           (has_fraction && whole < UINT64_MAX &&
            insert_id_may_be_integer(id, negative, whole + 1));
}

bool insert_id_may_be_text(uint64_t id, struct bytes text)
{
    bool negative = false;

    while (text.size > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
        text = bytes_after(text, 1);
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        negative = text.data[0] == '-';
        text = bytes_after(text, 1);
    }
    if (text.size == 0)
        return false;
    if (text.data[0] == '\\')
        return true;
    return (is_digit(text.data[0]) || text.data[0] == '.') && may_be_decimal(id, negative, text);
}

/* ---- the walk ---- */

struct walk {
    struct lexer lexer;
    struct token now;
    struct bytes sql;
    const struct insert_outcome *outcome;
    unsigned rows;
    bool may_be; /* some value may be the id */
};

static struct bytes text_of(const struct walk *w)
{
    return bytes_of(w->sql.data + w->now.offset, w->now.size);
}

static void next(struct walk *w)
{
    lexer_next(&w->lexer, &w->now);
}

static bool is_symbol(const struct walk *w, uint8_t symbol)
{
    return w->now.kind == TOKEN_PUNCTUATION && w->now.symbol == symbol;
}

static enum keyword keyword_of(const struct walk *w)
{
    return w->now.kind == TOKEN_WORD && w->now.word != NULL ? (enum keyword)w->now.word->keyword
                                                            : KEYWORD_NONE;
}

static bool is_word(const struct walk *w, const char *name)
{
    return w->now.kind == TOKEN_WORD && bytes_equal_text_nocase(text_of(w), name);
}

static bool number_value(struct walk *w, bool negative)
{
    struct bytes text = text_of(w);

    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) && text.data[i] != '.')
            return false;
    }
    w->may_be = w->may_be || may_be_decimal(w->outcome->told, negative, text);
    return true;
}

/* name() with nothing in the parentheses. */
static bool empty_call(struct walk *w)
{
    next(w);
    if (!is_symbol(w, '('))
        return false;
    next(w);
    return is_symbol(w, ')');
}

static bool word_value(struct walk *w)
{
    const struct insert_outcome *o = w->outcome;

    if (is_word(w, "last_insert_id")) {
        w->may_be = w->may_be || !o->before_known || o->before == o->told;
        return empty_call(w);
    }
    if (is_word(w, "now") || is_word(w, "utc_timestamp") ||
        (is_word(w, "current_timestamp") && w->now.call)) {
        w->may_be = w->may_be || o->told >= DATE_TIME_MIN;
        return empty_call(w);
    }
    if (w->now.call)
        return false;
    if (is_word(w, "current_timestamp"))
        w->may_be = w->may_be || o->told >= DATE_TIME_MIN;
    else if (is_word(w, "true"))
        w->may_be = w->may_be || o->told == 1;
    else if (!is_word(w, "null") && !is_word(w, "default") && !is_word(w, "false"))
        return false;
    return true;
}

/* One value, and the token after it. False: it is not a plain one. */
static bool plain_value(struct walk *w)
{
    struct bytes text;
    bool negative = is_symbol(w, '-');
    bool good = false;

    if (negative)
        next(w);
    switch (w->now.kind) {
    case TOKEN_NUMBER:
        good = number_value(w, negative);
        break;
    case TOKEN_STRING:
        text = text_of(w);
        good = !negative && !w->now.open && text.size >= 2;
        w->may_be =
            w->may_be ||
            (good && insert_id_may_be_text(w->outcome->told,
                                           bytes_first(bytes_after(text, 1), text.size - 2)));
        break;
    case TOKEN_PARAMETER:
        good = !negative;
        w->may_be = w->may_be || w->outcome->parameters_may_be_it;
        break;
    case TOKEN_WORD:
        good = !negative && word_value(w);
        break;
    case TOKEN_END:
    case TOKEN_QUOTED:
    case TOKEN_USER_VARIABLE:
    case TOKEN_SYSTEM_VARIABLE:
    case TOKEN_ASSIGN:
    case TOKEN_PUNCTUATION:
        break;
    }
    next(w);
    return good;
}

/* (value, ...), ... */
static bool walk_rows(struct walk *w)
{
    do {
        next(w);
        if (!is_symbol(w, '('))
            return false;
        w->rows++;
        next(w);
        while (!is_symbol(w, ')')) {
            if (!plain_value(w))
                return false;
            if (is_symbol(w, ','))
                next(w);
            else if (!is_symbol(w, ')'))
                return false;
        }
        next(w);
    } while (is_symbol(w, ','));
    return true;
}

/* column = value, ... */
static bool walk_assignments(struct walk *w)
{
    w->rows = 1;
    do {
        next(w);
        while (w->now.kind == TOKEN_WORD || w->now.kind == TOKEN_QUOTED || is_symbol(w, '.'))
            next(w);
        if (!is_symbol(w, '='))
            return false;
        next(w);
        if (!plain_value(w))
            return false;
    } while (is_symbol(w, ','));
    return true;
}

/* Everything behind INSERT or REPLACE. False: there is more in it than plain values. */
static bool walk_values(struct walk *w)
{
    unsigned depth = 0;
    bool plain = false;

    for (;; next(w)) {
        if (w->now.kind == TOKEN_END)
            return false;
        depth += is_symbol(w, '(');
        depth -= is_symbol(w, ')') && depth > 0;
        if (depth > 0)
            continue;
        enum keyword keyword = keyword_of(w);
        if (keyword == KEYWORD_VALUES || keyword == KEYWORD_VALUE) {
            plain = walk_rows(w);
            break;
        }
        if (keyword == KEYWORD_SET) {
            plain = walk_assignments(w);
            break;
        }
        if (keyword == KEYWORD_SELECT || keyword == KEYWORD_WITH)
            return false;
    }
    while (is_symbol(w, ';'))
        next(w);
    return plain && w->now.kind == TOKEN_END && !w->lexer.odd;
}

/* LAST_INSERT_ID(x) is in the text, or something by that name that is no call. */
static bool sets_it(struct walk *w)
{
    for (; w->now.kind != TOKEN_END; next(w)) {
        if (is_word(w, "last_insert_id") && !empty_call(w))
            return true;
    }
    return w->lexer.odd;
}

/* ---- the answer ---- */

static enum insert_id_after after_insert(struct walk *w)
{
    const struct insert_outcome *o = w->outcome;
    bool plain = w->sql.size <= WALK_MAX_BYTES && walk_values(w);

    if (o->errored) /* rows before the one that failed may have generated some */
        return plain && w->rows == 1 ? INSERT_ID_KEPT : INSERT_ID_UNSURE;
    return plain && !w->may_be ? INSERT_ID_TOLD : INSERT_ID_UNSURE;
}

enum insert_id_after insert_id_after(const struct statement *statement, struct bytes sql,
                                     const struct lexer_mode *mode,
                                     const struct insert_outcome *outcome)
{
    struct walk w = {.sql = sql, .outcome = outcome};

    if (statement->class != STATEMENT_WRITE && outcome->told == 0)
        return INSERT_ID_KEPT; /* SET last_insert_id is reported by a tracker */
    if (statement->is_multi || statement->is_truncated || statement->is_uncertain)
        return INSERT_ID_UNSURE;
    lexer_init(&w.lexer, sql, mode);
    next(&w);
    if (outcome->has_rows && keyword_of(&w) != KEYWORD_SELECT)
        return INSERT_ID_UNSURE; /* RETURNING leaves no room for an id */
    switch ((unsigned)keyword_of(&w)) {
    case KEYWORD_INSERT:
    case KEYWORD_REPLACE:
        if (outcome->told != 0 || outcome->errored)
            return after_insert(&w);
        break;
    case KEYWORD_CREATE:
        if (outcome->told != 0 || outcome->errored)
            return INSERT_ID_UNSURE;
        break;
    case KEYWORD_SELECT: /* locking ones, and functions: those give back what was before them */
    case KEYWORD_DO:
    case KEYWORD_UPDATE:
    case KEYWORD_DELETE:
    case KEYWORD_DROP:
    case KEYWORD_ALTER:
    case KEYWORD_TRUNCATE:
    case KEYWORD_RENAME:
        if (outcome->told != 0)
            return INSERT_ID_UNSURE;
        break;
    default:
        return INSERT_ID_UNSURE; /* LOAD DATA, CALL and others generate ids and do not tell */
    }
    if ((statement->uses & USE_LAST_INSERT_ID) && (sql.size > WALK_MAX_BYTES || sets_it(&w)))
        return INSERT_ID_UNSURE;
    return INSERT_ID_KEPT;
}
