#include "router/digest.h"

#include "router/digest_state.h"
#include "router/words.h"

#include <string.h>

/* What was written last; decides about blanks, signs and folding. */
enum last {
    LAST_NOTHING,
    LAST_LITERAL,
    LAST_NAME,     /* an operand: name, closing parenthesis, ... */
    LAST_RESERVED, /* a reserved word: a blank goes before a parenthesis */
    LAST_OPERATOR,
    LAST_OPEN, /* ( */
    LAST_DOT,  /* no blank before or after it */
    LAST_AT,   /* @@: none after it */
    LAST_COMMA
};

enum { LIST_NONE, LIST_ONE, LIST_MANY };

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9FB21C651E98DF25);
    return hash ^ (hash >> 29);
}

static uint64_t load(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    uint32_t half;

    if (size == 8) {
        memcpy(&value, p, 8);
        return value;
    }
    memcpy(&half, p, 4);
    return half;
}

/* Every byte is in one of the numbers; some are in two, which does no harm, as the size is there.
 */
static inline uint64_t mix_bytes(uint64_t hash, const uint8_t *p, size_t size)
{
    const uint8_t *end = p + size;

    hash += size;
    if (size >= 8) {
        for (; end - p > 8; p += 8)
            hash = mix(hash, load(p, 8));
        return mix(hash, load(end - 8, 8));
    }
    if (size >= 4)
        return mix(hash, load(p, 4) | load(end - 4, 4) << 32);
    if (size == 0)
        return mix(hash, 0);
    return mix(hash, p[0] | (uint64_t)p[size / 2] << 8 | (uint64_t)p[size - 1] << 16);
}

static void put(struct digest_state *state, const char *text, size_t size, bool upper)
{
    struct digest_mark *now = &state->now;

    for (size_t i = 0; i < size; i++) {
        char byte = text[i];

        if (now->length + 1 < state->size)
            state->text[now->length] =
                upper && byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
        now->length++;
    }
}

static bool blank_between(uint8_t last, uint8_t next, bool is_open)
{
    if (last == LAST_NOTHING || last == LAST_OPEN || last == LAST_DOT || last == LAST_AT ||
        next == LAST_DOT || next == LAST_COMMA)
        return false;
    if (is_open)
        return last != LAST_NAME;
    return !(last == LAST_OPERATOR && next == LAST_OPERATOR);
}

static void write_piece(struct digest_state *state, const char *text, size_t size, bool upper,
                        uint8_t last)
{
    bool is_open = last == LAST_OPEN || text[0] == '(';

    if (text[0] != ')' && blank_between(state->now.last, last, is_open))
        put(state, " ", 1, false);
    put(state, text, size, upper);
}

/* Adds one piece's text, where a text is wanted; its hash is the caller's. */
static inline void add(struct digest_state *state, const void *text, size_t size, bool upper,
                       uint8_t last)
{
    if (state->text)
        write_piece(state, text, size, upper, last);
    state->now.last = last;
}

static void add_symbol(struct digest_state *state, uint8_t symbol)
{
    uint8_t last = LAST_OPERATOR;

    if (symbol == '(')
        last = LAST_OPEN;
    else if (symbol == ')')
        last = LAST_NAME;
    else if (symbol == ',' || symbol == ';')
        last = LAST_COMMA;
    else if (symbol == '.')
        last = LAST_DOT;
    state->now.hash = mix(state->now.hash, symbol);
    add(state, &symbol, 1, false, last);
}

static void add_word(struct digest_state *state, const uint8_t *start, const struct token *token)
{
    const struct word *word = token->word;
    bool reserved = word && (word->flags & WORD_RESERVED);
    bool folds = reserved || (word && word->effect != EFFECT_NO_FUNCTION && token->call);

    if (folds)
        state->now.hash = mix(mix(state->now.hash, word->head + word->size), word->tail);
    else
        state->now.hash = mix_bytes(state->now.hash, start + token->offset, token->size);
    if (folds)
        add(state, word->name, word->size, true,
            reserved && word->effect == EFFECT_NO_FUNCTION ? LAST_RESERVED : LAST_NAME);
    else
        add(state, start + token->offset, token->size, false, LAST_NAME);
}

static void add_literal(struct digest_state *state)
{
    if (state->now.last == LAST_LITERAL)
        return; /* 'a' 'b' is one string */
    state->now.hash = mix(state->now.hash, '?');
    add(state, "?", 1, false, LAST_LITERAL);
}

/* At the closing parenthesis of a list of nothing but literals. */
static void fold_list(struct digest_state *state)
{
    uint8_t kind = state->in_list > 2 ? LIST_MANY : LIST_ONE;

    if (state->row == kind && state->row_comma) {
        state->now = state->before_row; /* one more row of the same shape: keep the first only */
    } else {
        state->now = state->before_list;
        state->now.hash = mix(state->now.hash, 0x100u + kind);
        if (kind == LIST_MANY)
            add(state, "(...)", 5, false, LAST_NAME);
        else
            add(state, "(?)", 3, false, LAST_NAME);
    }
    state->row = kind;
    state->row_comma = false;
    state->in_list = 0;
}

static bool is_literal(const struct token *token)
{
    return token->kind == TOKEN_STRING || token->kind == TOKEN_NUMBER ||
           token->kind == TOKEN_PARAMETER;
}

static void feed_list(struct digest_state *state, const struct token *token)
{
    if (is_literal(token)) {
        state->in_list += state->wants_literal;
        state->wants_literal = false;
    } else if (token->symbol == ',' && !state->wants_literal) {
        state->wants_literal = true;
    } else {
        state->in_list = 0; /* something else: no list after all */
        state->row = LIST_NONE;
    }
}

static void settle_sign(struct digest_state *state)
{
    if (state->sign) {
        add_symbol(state, state->sign);
        state->sign = 0;
    }
}

static void feed_symbol(struct digest_state *state, uint8_t symbol)
{
    if (symbol == '(') {
        state->before_list = state->now;
        state->in_list = 1;
        state->wants_literal = true;
    } else if (symbol == ',' && !state->in_list && state->row) {
        state->before_row = state->now;
        state->row_comma = true;
    } else if (!state->in_list) {
        state->row = LIST_NONE;
    }
    add_symbol(state, symbol);
}

static bool may_precede_sign(uint8_t last)
{
    return last != LAST_LITERAL && last != LAST_NAME;
}

void digest_start(struct digest_state *state, char *text, size_t size)
{
    *state = (struct digest_state){.text = text, .size = size};
}

/* Whatever is not a word while nothing is pending. */
static SELDOM void feed_other(struct digest_state *state, const uint8_t *start,
                              const struct token *token)
{
    bool is_sign = token->symbol == '-' || token->symbol == '+';

    if (token->kind == TOKEN_END)
        return;
    if (state->semicolon) {
        state->semicolon = false;
        state->row = LIST_NONE;
        add_symbol(state, ';');
    }
    if (token->symbol == ';') {
        settle_sign(state);
        state->in_list = 0;
        state->semicolon = true;
        return;
    }
    if (is_sign && !state->sign && may_precede_sign(state->now.last)) {
        state->sign = token->symbol;
        return;
    }
    if (is_literal(token))
        state->sign = 0;
    if (state->in_list) {
        if (token->symbol == ')' && !state->wants_literal && !state->sign) {
            fold_list(state);
            return;
        }
        feed_list(state, token);
        if (state->sign)
            state->in_list = 0;
    }
    settle_sign(state);
    if (is_literal(token)) {
        if (!state->in_list)
            state->row = LIST_NONE;
        add_literal(state);
    } else if (token->symbol) {
        feed_symbol(state, token->symbol);
    } else if (token->kind == TOKEN_WORD) {
        if (!state->in_list)
            state->row = LIST_NONE;
        add_word(state, start, token);
    } else {
        state->row = LIST_NONE;
        state->now.hash = mix_bytes(state->now.hash, start + token->offset, token->size);
        add(state, start + token->offset, token->size, false,
            token->kind == TOKEN_SYSTEM_VARIABLE ? LAST_AT
            : token->kind == TOKEN_ASSIGN        ? LAST_OPERATOR
                                                 : LAST_NAME);
    }
}

void digest_feed(struct digest_state *state, const uint8_t *start, const struct token *token)
{
    if (token->kind == TOKEN_WORD && !(state->in_list | state->sign | state->semicolon)) {
        state->row = LIST_NONE; /* the way of most tokens */
        add_word(state, start, token);
    } else {
        feed_other(state, start, token);
    }
}

uint64_t digest_end(struct digest_state *state)
{
    settle_sign(state);
    return state->now.hash;
}

uint64_t digest_text(struct bytes sql, const struct lexer_mode *mode, char *text, size_t size,
                     size_t *length)
{
    struct digest_state state;
    struct lexer lexer;
    struct token token;
    uint64_t hash;

    digest_start(&state, text, size);
    lexer_init(&lexer, sql, mode);
    do {
        lexer_next(&lexer, &token);
        digest_feed(&state, lexer.start, &token);
    } while (token.kind != TOKEN_END);
    hash = digest_end(&state);
    if (text) {
        size_t end = state.now.length;

        if (end >= size) {
            end = size - 4;
            while (end && ((uint8_t)text[end] & 0xc0) == 0x80)
                end--;
            memcpy(text + end, "...", 3);
            end += 3;
        }
        text[end] = 0;
        *length = end;
    }
    return hash;
}

uint64_t digest(struct bytes sql, const struct lexer_mode *mode)
{
    return digest_text(sql, mode, NULL, 0, NULL);
}

void digest_print(uint64_t value, char text[DIGEST_HEX])
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    text[16] = 0;
}
