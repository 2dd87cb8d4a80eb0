/*
 * See own_answers.h.
 *
 * CONNECTION_ID() is answered where it is all that is asked for, which is how drivers and tools
 * find out their id. Inside a longer statement it is the server's to answer.
 */
#include "proxy/client/own_answers.h"

#include "protocol/capability.h"
#include "protocol/result_set.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/session.h"
#include "proxy/stream.h"

#include <ctype.h>
#include <stdio.h>

enum { ANSWER_BYTES = 1 << 10 };

/* SELECT CONNECTION_ID(), and nothing else. */
static bool asks_connection_id(const struct command_in_hand *command)
{
    const struct statement *statement = &command->statement;
    size_t end = statement->connection_id_offset + statement->connection_id_size;
    size_t at = 0;

    if (statement->connection_id_calls != 1 || statement->is_multi || end > command->sql.size) {
        return false;
    }
    while (at < command->sql.size && isspace(command->sql.data[at])) {
        at++;
    }
    return at + 6 <= statement->connection_id_offset &&
           bytes_equal_text_nocase(bytes_of(command->sql.data + at, 6), "select") &&
           statement_is_blank(
               bytes_of(command->sql.data + at + 6, statement->connection_id_offset - at - 6)) &&
           statement_is_blank(bytes_after(command->sql, end));
}

static void answer_connection_id(struct session *session)
{
    const struct command_in_hand *command = session->command;
    uint8_t memory[ANSWER_BYTES];
    struct writer out = writer_over(memory, sizeof memory);
    char id[16];
    struct column column = {
        .name = bytes_of(command->sql.data + command->statement.connection_id_offset,
                         command->statement.connection_id_size),
        .type = COLUMN_LONGLONG,
        .is_unsigned = true};
    struct bytes value;
    struct result_set set = result_set_begin(&out, session->capabilities, 1, &column, 1);

    snprintf(id, sizeof id, "%u", session->id);
    value = bytes_of_text(id);
    result_set_row(&set, &value);
    result_set_end(&set, session->status, 0);
    stream_write_one(session->client, writer_bytes(&out));
    session_finish(session);
}

const char *own_answer_why(const struct session *session)
{
    const struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;

    if (statement->kill.kind != KILL_NONE) {
        return kill_why(session);
    }
    if (asks_connection_id(command) && command->sql.size < ANSWER_BYTES / 2) {
        return "asks for the id that the proxy gave the client";
    }
    return NULL;
}

bool own_answer(struct session *session)
{
    const struct statement *statement = &session->command->statement;

    if (own_answer_why(session) == NULL) {
        return false;
    }
    if (statement->kill.kind != KILL_NONE) {
        kill_statement(session);
    } else {
        answer_connection_id(session);
    }
    return true;
}
