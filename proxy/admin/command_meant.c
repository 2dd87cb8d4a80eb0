/*
 * What a wrong statement was probably meant to be, and the list for HELP. See command.h.
 */
#include "proxy/admin/command_own.h"

#include "proxy/admin/tables.h"
#include "proxy/config/suggest.h"

#include <sqlite3.h>
#include <string.h>

static const char *const sql_words[] = {"SELECT",  "INSERT", "UPDATE",  "DELETE", "WITH",
                                        "EXPLAIN", "VALUES", "REPLACE", NULL};

/* Offers the first word of a pattern. If it is the best so far it is copied to `kept`, which must
 * live as long as the suggestion. */
static void offer_pattern(struct suggestion *suggestion, const char *pattern,
                          char kept[COMMAND_MEANT_BYTES])
{
    size_t size = strcspn(pattern, " |");
    char word[COMMAND_MEANT_BYTES];

    if (pattern[0] == '[' || pattern[0] == '<' || size == 0 || size >= sizeof word) {
        return;
    }
    memcpy(word, pattern, size);
    word[size] = 0;
    suggestion_offer(suggestion, word);
    if (suggestion->best == word) {
        memcpy(kept, word, size + 1);
        suggestion->best = kept;
    }
}

/* The nearest word that can begin a statement, or that can follow `first`; "" for none. */
static void nearest(const char *first, const char *typed, char found[COMMAND_MEANT_BYTES])
{
    struct suggestion suggestion = suggestion_for(typed);
    char kept[COMMAND_MEANT_BYTES];

    for (size_t i = 0; i < command_count; i++) {
        const char *pattern = commands[i].pattern;
        size_t size = strlen(first);

        if (size > 0 &&
            (sqlite3_strnicmp(pattern, first, (int)size) != 0 || pattern[size] != ' ')) {
            continue;
        }
        offer_pattern(&suggestion, size > 0 ? pattern + size + 1 : pattern, kept);
    }
    for (size_t i = 0; first[0] == 0 && sql_words[i] != NULL; i++) {
        suggestion_offer(&suggestion, sql_words[i]);
    }
    for (size_t i = 0; sqlite3_stricmp(first, "SHOW") == 0 && admin_tables[i] != NULL; i++) {
        suggestion_offer(&suggestion, admin_tables[i]->name);
    }
    sqlite3_snprintf(COMMAND_MEANT_BYTES, found, "%s",
                     suggestion.best != NULL ? suggestion.best : "");
}

bool command_meant(struct bytes statement, char meant[COMMAND_MEANT_BYTES])
{
    struct words words = words_of(statement);
    char first[ORDER_NAME_BYTES];
    char second[ORDER_NAME_BYTES];
    char found[COMMAND_MEANT_BYTES];

    words_rewind(&words);
    if (words.token.kind != TOKEN_WORD || !words_take_name(&words, first)) {
        return false;
    }
    nearest("", first, meant);
    if (meant[0] == 0 || sqlite3_stricmp(meant, first) != 0) {
        return meant[0] != 0;
    }
    if (words.token.kind != TOKEN_WORD || !words_take_name(&words, second)) {
        return false;
    }
    nearest(first, second, found);
    if (found[0] == 0 || sqlite3_stricmp(found, second) == 0) {
        return false;
    }
    memcpy(first, meant, COMMAND_MEANT_BYTES);
    sqlite3_snprintf(COMMAND_MEANT_BYTES, meant, "%s %s", first, found);
    return true;
}

const char *command_help(size_t index, const char **what)
{
    for (size_t i = 0; i < command_count; i++) {
        if (commands[i].help != NULL && index-- == 0) {
            *what = commands[i].help;
            return commands[i].usage != NULL ? commands[i].usage : commands[i].pattern;
        }
    }
    return NULL;
}
