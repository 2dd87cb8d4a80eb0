#include "proxy/statistics/text.h"

#include "router/digest.h"

/* Errors that are found only after the whole statement was parsed: its quotes were as they seem.
 * What is not in this list may have been found on the way (1064, 1193), or by the proxy. Of several
 * statements those behind a failed one are never parsed. */
static bool was_parsed(const struct statement_record *record)
{
    static const uint16_t later[] = {
        1022, 1044, 1045, 1048, 1049, 1050, 1051, 1054, 1062, 1091, 1136, 1142, 1143, 1146,
        1169, 1205, 1213, 1216, 1217, 1227, 1242, 1264, 1265, 1290, 1292, 1305, 1317, 1364,
        1365, 1366, 1406, 1451, 1452, 1644, 1690, 1792, 1836, 1969, 3024, 3572, 3819, 4025,
    };

    if (record->server < 0 || record->is_aborted || (record->error != 0 && record->is_multi)) {
        return false;
    }
    for (size_t i = 0; record->error != 0 && i < sizeof later / sizeof later[0]; i++) {
        if (later[i] == record->error) {
            return true;
        }
    }
    return record->error == 0;
}

/* The lexer is certain how the servers read it. Of a text that goes on the last piece is cut
 * anywhere, which is no doubt about the rest. */
static bool is_certain(const struct statement_record *record)
{
    struct lexer lexer;
    struct token token;
    bool was_odd = false;

    lexer_init(&lexer, record->sql, record->mode);
    do {
        was_odd = lexer.odd;
        lexer_next(&lexer, &token);
    } while (token.kind != TOKEN_END && !token.open);
    return record->is_cut ? !was_odd : !lexer.odd;
}

enum text_state text_take(const struct statement_record *record, char *text, size_t size,
                          size_t *length)
{
    enum text_state state = TEXT_SHOWN;

    if (!record->is_statement || !was_parsed(record)) {
        state = TEXT_UNPARSED;
    } else if (!is_certain(record) ||
               digest_text(record->sql, record->mode, text, size, length) != record->digest) {
        state = TEXT_UNSURE;
    }
    if (state != TEXT_SHOWN) {
        text[0] = 0;
        *length = 0;
    }
    return state;
}
