/*
 * Cutting a text into statements, and the few things in which MySQL's clients write another SQL
 * than SQLite reads. See command.h.
 */
#include "proxy/admin/command.h"

#include <ctype.h>
#include <sqlite3.h>
#include <string.h>

struct lexer_mode command_lexer_mode(void)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);

    mode.no_backslash_escapes = true;
    return mode;
}

/* ---- statements ---- */

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && isspace(text.data[0])) {
        text = bytes_after(text, 1);
    }
    while (text.size > 0 && isspace(text.data[text.size - 1])) {
        text.size--;
    }
    if (text.size >= 2 && text.data[text.size - 2] == '\\' &&
        (text.data[text.size - 1] == 'G' || text.data[text.size - 1] == 'g')) {
        text.size -= 2;
        return trim(text);
    }
    return text;
}

/* Nothing but blanks and comments? */
static bool is_blank(struct bytes text)
{
    struct lexer_mode mode = command_lexer_mode();
    struct lexer lexer;
    struct token token;

    lexer_init(&lexer, text, &mode);
    lexer_next(&lexer, &token);
    return token.kind == TOKEN_END;
}

/* The text up to its first semicolon. */
static struct bytes cut_one(struct bytes *text)
{
    struct lexer_mode mode = command_lexer_mode();
    struct bytes whole = *text;
    struct lexer lexer;
    struct token token;

    lexer_init(&lexer, whole, &mode);
    do {
        lexer_next(&lexer, &token);
        if (token.kind == TOKEN_PUNCTUATION && token.symbol == ';') {
            *text = bytes_after(whole, token.offset + 1);
            return bytes_first(whole, token.offset);
        }
    } while (token.kind != TOKEN_END);
    *text = (struct bytes){NULL, 0};
    return whole;
}

bool command_cut(struct bytes *text, struct bytes *statement)
{
    while (text->size > 0) {
        *statement = trim(cut_one(text));
        if (statement->size > 0 && !is_blank(*statement)) {
            return true;
        }
    }
    return false;
}

/* ---- rewriting ---- */

/* What has been written, and how much of the statement it stands for. */
struct rewriting {
    struct bytes statement;
    sqlite3_str *out; /* NULL until there is something to change */
    size_t done;
};

/* `replacement` takes the place of what lies between `from` and `to`. */
static void replace(struct rewriting *self, size_t from, size_t to, const char *format,
                    struct bytes text)
{
    if (self->out == NULL) {
        self->out = sqlite3_str_new(NULL);
    }
    sqlite3_str_append(self->out, (const char *)self->statement.data + self->done,
                       (int)(from - self->done));
    sqlite3_str_appendf(self->out, format, (int)text.size, (const char *)text.data);
    self->done = to;
}

static bool is_name(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

static bool is_word(const struct rewriting *self, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD &&
           bytes_equal_text_nocase(bytes_of(self->statement.data + token->offset, token->size),
                                   word);
}

/* @@name, @@scope.name: the token after it is left in `token`. */
static void rewrite_variable(struct rewriting *self, struct lexer *lexer, struct token *token)
{
    size_t from = token->offset;
    size_t name = from + 2;
    size_t to = name;

    lexer_next(lexer, token);
    while (is_name(token) && token->offset == to) {
        to = token->offset + token->size;
        lexer_next(lexer, token);
        if (token->kind == TOKEN_PUNCTUATION && token->symbol == '.' && token->offset == to) {
            to++;
            lexer_next(lexer, token);
        }
    }
    if (to > name && memchr(self->statement.data + name, '\'', to - name) == NULL) {
        replace(self, from, to, "system_variable('%.*s')",
                bytes_of(self->statement.data + from, to - from));
    }
}

/* CONVERT(x, UNSIGNED INTEGER) becomes CONVERT(x), a function of ours: the type, from the comma
 * (`from`) to its end, goes. `token` is the one behind the comma, and then the one that follows. */
static void rewrite_type(struct rewriting *self, struct lexer *lexer, struct token *token,
                         size_t from)
{
    size_t to;

    if (!is_word(self, token, "UNSIGNED") && !is_word(self, token, "SIGNED")) {
        return;
    }
    to = token->offset + token->size;
    lexer_next(lexer, token);
    if (is_word(self, token, "INTEGER") || is_word(self, token, "INT")) {
        to = token->offset + token->size;
        lexer_next(lexer, token);
    }
    if (token->kind == TOKEN_PUNCTUATION && token->symbol == ')') {
        replace(self, from, to, "%.*s", bytes_of("", 0));
    }
}

char *command_rewrite(struct bytes statement)
{
    struct rewriting self = {.statement = statement};
    struct lexer_mode mode = command_lexer_mode();
    struct bytes nothing = bytes_of("", 0);
    struct lexer lexer;
    struct token token;
    struct token before = {.kind = TOKEN_END};

    lexer_init(&lexer, statement, &mode);
    lexer_next(&lexer, &token);
    while (token.kind != TOKEN_END) {
        if (token.kind == TOKEN_SYSTEM_VARIABLE) {
            rewrite_variable(&self, &lexer, &token);
            before.kind = TOKEN_STRING;
            continue;
        }
        if (is_word(&self, &token, "DIV") && before.kind != TOKEN_END &&
            (before.kind != TOKEN_PUNCTUATION || before.symbol == ')') &&
            !is_word(&self, &before, "SELECT")) {
            size_t from = token.offset;
            size_t to = from + token.size;

            before = token;
            lexer_next(&lexer, &token);
            if (token.kind == TOKEN_NUMBER || token.kind == TOKEN_PARAMETER ||
                token.symbol == '(') {
                replace(&self, from, to, "/%.*s", nothing);
            }
            continue;
        }
        if (token.kind == TOKEN_PUNCTUATION && token.symbol == ',') {
            before = token;
            lexer_next(&lexer, &token);
            rewrite_type(&self, &lexer, &token, before.offset);
            continue;
        }
        if (is_word(&self, &token, "DUAL") && is_word(&self, &before, "FROM")) {
            replace(&self, before.offset, token.offset + token.size, "%.*s", nothing);
        }
        before = token;
        lexer_next(&lexer, &token);
    }
    if (self.out == NULL) {
        return NULL;
    }
    sqlite3_str_append(self.out, (const char *)statement.data + self.done,
                       (int)(statement.size - self.done));
    return sqlite3_str_finish(self.out);
}
