/*
 * A tokenizer as small as the form it reads: quoted names, strings, words, and single characters.
 */
#include "health/view_text.h"

#include <string.h>
#include <strings.h>

enum token { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_WORD, TOKEN_OTHER };

struct cursor {
    struct bytes text;
    size_t at;
    enum token token;
    struct bytes value; /* a name without its quotes, a word, one character */
};

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || c >= 0x80;
}

/* Passes what is between quotes; a doubled quote is part of it, a backslash too in strings. */
static void pass_quoted(struct cursor *c, uint8_t quote)
{
    const uint8_t *data = c->text.data;
    size_t start = ++c->at;

    while (c->at < c->text.size) {
        if (data[c->at] == '\\' && quote != '`') {
            c->at += 2;
        } else if (data[c->at] != quote) {
            c->at++;
        } else if (c->at + 1 < c->text.size && data[c->at + 1] == quote) {
            c->at += 2;
        } else {
            break;
        }
    }
    size_t end = c->at < c->text.size ? c->at : c->text.size;
    c->value = bytes_of(data + start, end > start ? end - start : 0);
    c->at = end < c->text.size ? end + 1 : end;
}

static void next_token(struct cursor *c)
{
    const uint8_t *data = c->text.data;

    while (c->at < c->text.size && (data[c->at] == ' ' || data[c->at] == '\n'))
        c->at++;
    if (c->at >= c->text.size) {
        c->token = TOKEN_END;
        return;
    }
    size_t start = c->at;
    uint8_t first = data[start];
    if (first == '`' || first == '\'' || first == '"') {
        c->token = first == '`' ? TOKEN_NAME : TOKEN_STRING;
        pass_quoted(c, first);
        return;
    }
    c->token = is_word(first) ? TOKEN_WORD : TOKEN_OTHER;
    do {
        c->at++;
    } while (c->token == TOKEN_WORD && c->at < c->text.size && is_word(data[c->at]));
    c->value = bytes_of(data + start, c->at - start);
}

static bool opens(const struct cursor *c)
{
    return c->at < c->text.size && c->text.data[c->at] == '(';
}

bool view_text_calls_stored(struct bytes definition)
{
    struct cursor c = {.text = definition};

    for (next_token(&c); c.token != TOKEN_END; next_token(&c)) {
        if (c.token == TOKEN_NAME && opens(&c))
            return true;
    }
    return false;
}

bool view_text_calls_any(struct bytes definition, const char *const *names)
{
    struct cursor c = {.text = definition};

    for (next_token(&c); c.token != TOKEN_END; next_token(&c)) {
        for (size_t i = 0; c.token == TOKEN_WORD && names[i]; i++) {
            if (opens(&c) && bytes_equal_text_nocase(c.value, names[i]))
                return true;
        }
    }
    return false;
}

bool view_text_next_pair(struct bytes definition, size_t *at, struct bytes *schema,
                         struct bytes *name)
{
    struct cursor c = {.text = definition, .at = *at};

    next_token(&c);
    while (c.token != TOKEN_END) {
        if (c.token != TOKEN_NAME) {
            next_token(&c);
            continue;
        }
        *schema = c.value;
        next_token(&c);
        if (c.token != TOKEN_OTHER || c.value.data[0] != '.')
            continue;
        next_token(&c);
        if (c.token != TOKEN_NAME)
            continue;
        *name = c.value;
        /* The middle of `a`.`b`.`c` may be the start of another pair, so go on behind `a` only. */
        *at = (size_t)(schema->data + schema->size - definition.data) + 1;
        return true;
    }
    *at = definition.size;
    return false;
}
