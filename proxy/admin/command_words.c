/*
 * Reading a statement word by word. See command_own.h.
 */
#include "proxy/admin/command_own.h"

#include <stdlib.h>
#include <string.h>

void words_advance(struct words *words)
{
    lexer_next(&words->lexer, &words->token);
}

struct words words_of(struct bytes text)
{
    struct words words = {.text = text, .mode = command_lexer_mode()};

    return words;
}

void words_rewind(struct words *words)
{
    lexer_init(&words->lexer, words->text, &words->mode);
    words_advance(words);
}

struct bytes words_token(const struct words *words)
{
    return bytes_of(words->text.data + words->token.offset, words->token.size);
}

bool words_at_end(const struct words *words)
{
    return words->token.kind == TOKEN_END;
}

bool words_at_symbol(const struct words *words, char symbol)
{
    return words->token.kind == TOKEN_PUNCTUATION && words->token.symbol == (uint8_t)symbol;
}

bool words_at_one_of(const struct words *words, const char *choices, size_t size)
{
    while (words->token.kind == TOKEN_WORD && size > 0) {
        const char *bar = memchr(choices, '|', size);
        size_t length = bar != NULL ? (size_t)(bar - choices) : size;

        if (bytes_equal_nocase(words_token(words), bytes_of(choices, length))) {
            return true;
        }
        choices += bar != NULL ? length + 1 : length;
        size -= bar != NULL ? length + 1 : length;
    }
    return false;
}

bool words_take_name(struct words *words, char name[ORDER_NAME_BYTES])
{
    struct bytes text = words_token(words);
    bool is_quoted = words->token.kind == TOKEN_QUOTED || words->token.kind == TOKEN_STRING;
    size_t size = 0;

    if ((!is_quoted && words->token.kind != TOKEN_WORD) || words->token.open) {
        return false;
    }
    for (size_t i = is_quoted; i + is_quoted < text.size; i++) {
        if (size + 1 >= ORDER_NAME_BYTES || text.data[i] == 0) {
            return false;
        }
        name[size++] = (char)text.data[i];
        i += is_quoted && text.data[i] == text.data[0];
    }
    name[size] = 0;
    words_advance(words);
    return true;
}

bool words_take_number(struct words *words, uint64_t *number)
{
    char digits[24];
    char *end;

    if (words->token.kind != TOKEN_NUMBER ||
        !bytes_to_text(words_token(words), digits, sizeof digits)) {
        return false;
    }
    *number = strtoull(digits, &end, 10);
    words_advance(words);
    return *end == 0;
}
