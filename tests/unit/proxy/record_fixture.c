#include "record_fixture.h"

#include "protocol/command.h"
#include "router/classify.h"

struct statement_record record_of(const char *sql, const struct lexer_mode *mode)
{
    struct statement statement;

    classify(bytes_of_text(sql), false, mode, &statement);
    return (struct statement_record){
        .session = 1,
        .user = 2,
        .command = COMMAND_QUERY,
        .is_statement = true,
        .is_multi = statement.is_multi,
        .class = (uint8_t)statement.class,
        .digest = statement.digest,
        .sql = bytes_of_text(sql),
        .mode = mode,
        .server = 1,
        .why = statement.why,
        .began_ns = 5000000,
        .ended_ns = 6000000,
    };
}
