/*
 * Taking commands off the client's stream and deciding what each needs; see command.h. What happens
 * to prepared statements is in prepared_commands.c, what is sent to the server in sync.c, and how a
 * command gets its connection in place.c.
 */
#include "proxy/client/command.h"

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/client/environment.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/login.h"
#include "proxy/client/own_answers.h"
#include "proxy/client/prepared_commands.h"
#include "proxy/client/send.h"
#include "proxy/client/session.h"
#include "proxy/client/variables.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/stream.h"
#include "proxy/stream_compressed.h"
#include "proxy/worker.h"
#include "router/classify.h"

#include <assert.h>
#include <string.h>

/* ---- taking ---- */

static void out_of_order(struct session *session)
{
    struct sql_error error = error_make(ERROR_PACKETS_OUT_OF_ORDER, "Got packets out of order");

    session->sequence = 1;
    session_fail(session, &error);
}

static void dispatch(struct session *session);

void command_read(struct session *session)
{
    struct bytes in = stream_peek(session->client);
    struct command_in_hand *command;
    struct frame frame;
    size_t total;
    size_t held;

    if (session->worker->draining && session_is_movable(session)) {
        session_close(session, "shutting down");
        return;
    }
    if (frame_read(in, &frame) != PARSE_OK) {
        return;
    }
    if (frame.sequence != 0 && !stream_is_compressed(session->client)) {
        out_of_order(session);
        return;
    }
    total = frame_size(frame);
    held = total <= COMMAND_HELD_BYTES ? total : COMMAND_HELD_BYTES;
    if (in.size < held) {
        stream_expect(session->client, held);
        return;
    }
    command = worker_take_command(session->worker);
    command->data = held <= sizeof command->small ? command->small : mem_alloc(held);
    command->size = held;
    memcpy(command->data, in.data, held);
    command->data[3] = 0; /* its number: whatever, where it came compressed */
    command->bytes_in = held;
    command->upload_left = total - held;
    command->upload_continues = frame_continues(frame);
    command->is_partial = command->upload_left > 0 || command->upload_continues;
    command->code = frame.length > 0 ? command->data[FRAME_HEAD_SIZE] : (uint8_t)COMMAND_SLEEP;
    command->since_ns = worker_now(session->worker);
    session->command = command;
    session->queries++;
    stream_consume(session->client, held);
    stream_expect(session->client, 0);
    dispatch(session);
}

/* ---- commands answered here ---- */

static void done(struct session *session)
{
    session_finish(session);
}

static void answer_ok(struct session *session)
{
    send_ok(session, 1);
    done(session);
}

static void unsupported(struct session *session)
{
    uint8_t code = session->command->code;
    /* What some server would have served is named; the rest is unknown to all of them. */
    bool is_known = code == COMMAND_CLONE;
    struct sql_error error = error_make(ERROR_UNKNOWN_COMMAND, "Unknown command");

    if (is_known) {
        error = error_make(ERROR_UNKNOWN_COMMAND,
                           "Unknown command (COM_%s is not served by this proxy)",
                           command_info(code)->name);
    }
    session_refuse(session, &error);
}

static struct bytes payload_of(const struct command_in_hand *command)
{
    return (struct bytes){command->data + FRAME_HEAD_SIZE, command->size - FRAME_HEAD_SIZE};
}

/* The server's global value of a variable, put into an environment; NULL when it is not known. */
static const struct environment *with_global(struct session *session,
                                             const struct environment *environment,
                                             const struct server_facts *facts, const char *name)
{
    const char *value = facts_variable(facts, name);

    return value == NULL ? NULL
                         : environment_with_variable(session->worker->environments, environment,
                                                     variable_find(bytes_of_text(name)),
                                                     bytes_of_text(value));
}

/* Where COM_RESET_CONNECTION takes a session: all variables at their global values, except that
 * MariaDB goes back to the character sets of the login (measured). Saying the character sets, as
 * every session does, keeps its connections shareable. */
static const struct environment *after_reset(struct session *session)
{
    static const char *const names[] = {"character_set_client", "character_set_results",
                                        "collation_connection"};
    const struct server_facts *facts = session_facts(session);
    const struct environment *environment;
    const struct environment *blank;

    if (facts == NULL || facts->flavor == FLAVOR_MARIADB) {
        return login_environment(session, environment_schema(session->environment));
    }
    blank = environment_without_variables(session->worker->environments, session->environment);
    environment = blank;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct environment *next = with_global(session, environment, facts, names[i]);

        if (next != NULL) {
            environment_unref(environment);
            environment = next;
        }
    }
    return environment;
}

static void reset_connection(struct session *session)
{
    session->lease.era = atomic_load(&session->worker->process->era);
    session_forget(session);
    session_set_environment(session, after_reset(session));
    answer_ok(session);
}

/* A command without SQL text that has to go to where the session is, and changes no data. */
static void place_plain(struct session *session)
{
    struct command_in_hand *command = session->command;

    memset(&command->statement, 0, sizeof command->statement);
    command->statement.class = STATEMENT_SESSION;
    command->has_statement = true;
    command_place(session);
}

/* A command about the server itself, with an answer by the user's rights there: the primary's.
 * MySQL 9.7 knows only DEBUG of these any more, and says so itself. */
static void place_on_primary(struct session *session)
{
    struct command_in_hand *command = session->command;

    memset(&command->statement, 0, sizeof command->statement);
    command->statement.class = STATEMENT_ADMIN;
    command->has_statement = true;
    command_place(session);
}

/* COM_SET_OPTION: multi-statements on (0) or off (1). The session moves to the group of the other
 * capability; a held connection is switched too, and not shared afterwards. */
static void set_option(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct bytes payload = payload_of(command);
    unsigned option = payload.size >= 3 ? payload.data[1] | (unsigned)payload.data[2] << 8 : 2;
    struct sql_error error = error_make(ERROR_UNKNOWN_COMMAND, "Unknown option of COM_SET_OPTION");

    if (option > 1) {
        session_refuse(session, &error);
        return;
    }
    if (option == 0) {
        session->capabilities |= CAPABILITY_MULTI_STATEMENTS;
    } else {
        session->capabilities &= ~CAPABILITY_MULTI_STATEMENTS;
    }
    session_find_group(session);
    if (session->lease.state == LEASE_HELD) {
        session->lease.backend->discard = true;
        place_plain(session);
    } else {
        send_eof(session, 1);
        done(session);
    }
}

/* ---- commands for a server ---- */

static void query(struct session *session)
{
    struct command_in_hand *command = session->command;
    bool is_truncated = command->upload_left > 0 || command->upload_continues;
    struct query parts;

    enum parse parse = query_decode(payload_of(command), session->capabilities, &parts);

    if (parse == PARSE_MORE && is_truncated) {
        parts.text = (struct bytes){NULL, 0}; /* attributes fill all that is held of it */
    } else if (parse != PARSE_OK) {
        struct sql_error error = error_make(ERROR_MALFORMED_PACKET, "Malformed COM_QUERY packet");

        session->sequence = 1;
        session_fail(session, &error);
        return;
    }
    command->sql = parts.text;
    classify(command->sql, is_truncated, session_mode(session), &command->statement);
    command->has_statement = true;
    if (!own_answer(session)) {
        command_place(session);
    }
}

static void init_db(struct session *session)
{
    struct command_in_hand *command = session->command;

    memset(&command->statement, 0, sizeof command->statement);
    command->statement.class = STATEMENT_SESSION;
    command->statement.use_schema = bytes_after(payload_of(command), 1);
    command->has_statement = true;
    command_place(session);
}

static void ping(struct session *session)
{
    if (session->lease.state == LEASE_HELD || session->asks_row_count) {
        place_plain(session);
    } else {
        answer_ok(session);
    }
}

static void change_user(struct session *session)
{
    struct command_in_hand *command = session->command;

    /* The command stays in hand until its slices are no longer needed. */
    session->command = NULL;
    login_change_user(session, payload_of(command));
    worker_return_command(session->worker, command);
}

/* To a server that is not MariaDB the byte is no command at all. */
static void bulk_execute(struct session *session)
{
    const struct server_facts *facts = session_facts(session);

    if (facts != NULL && facts->flavor == FLAVOR_MARIADB) {
        prepared_bulk_execute(session);
    } else {
        unsupported(session);
    }
}

static void quit(struct session *session)
{
    session_close(session, "the client said goodbye");
}

/* What serves which command; others get error 1047. A new command is a new line here. */
static const struct {
    void (*serve)(struct session *session);
    bool may_be_long; /* longer than COMMAND_HELD_BYTES: it is streamed */
} servants[256] = {
    [COMMAND_BINLOG_DUMP] = {place_on_primary, false},
    [COMMAND_BINLOG_DUMP_GTID] = {place_on_primary, true},
    [COMMAND_CHANGE_USER] = {change_user, false},
    [COMMAND_DEBUG] = {place_on_primary, false},
    [COMMAND_FIELD_LIST] = {place_plain, false},
    [COMMAND_INIT_DB] = {init_db, false},
    [COMMAND_PING] = {ping, false},
    [COMMAND_PROCESS_INFO] = {place_on_primary, false},
    [COMMAND_PROCESS_KILL] = {kill_process, false},
    [COMMAND_QUERY] = {query, true},
    [COMMAND_QUIT] = {quit, true},
    [COMMAND_REFRESH] = {place_on_primary, false},
    [COMMAND_REGISTER_REPLICA] = {place_on_primary, false},
    [COMMAND_RESET_CONNECTION] = {reset_connection, false},
    [COMMAND_SET_OPTION] = {set_option, false},
    [COMMAND_SHUTDOWN] = {place_on_primary, false},
    [COMMAND_STATISTICS] = {place_plain, false},
    [COMMAND_STMT_BULK_EXECUTE] = {bulk_execute, true},
    [COMMAND_STMT_CLOSE] = {prepared_close, false},
    [COMMAND_STMT_EXECUTE] = {prepared_execute, true},
    [COMMAND_STMT_FETCH] = {prepared_fetch, false},
    [COMMAND_STMT_PREPARE] = {prepared_prepare, true},
    [COMMAND_STMT_RESET] = {prepared_reset, false},
    [COMMAND_STMT_SEND_LONG_DATA] = {prepared_send_long_data, true},
};

static void dispatch(struct session *session)
{
    struct command_in_hand *command = session->command;
    bool is_whole = command->upload_left == 0 && !command->upload_continues;

    if (servants[command->code].serve == NULL) {
        unsupported(session);
    } else if (!is_whole && !servants[command->code].may_be_long) {
        struct sql_error error = error_make(ERROR_PACKET_TOO_LARGE, "Got a packet bigger than "
                                                                    "this command can have");

        session_refuse(session, &error);
    } else {
        servants[command->code].serve(session);
    }
}

void command_try_schema(struct session *session)
{
    struct command_in_hand *command = worker_take_command(session->worker);

    command->data = command->small;
    command->is_login = true;
    command->code = COMMAND_PING;
    command->since_ns = worker_now(session->worker);
    memset(&command->statement, 0, sizeof command->statement);
    command->statement.class = STATEMENT_SESSION;
    session->command = command;
    command_place(session);
}
