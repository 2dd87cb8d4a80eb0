/*
 * From a held connection to a sent command: the connection is brought into the session's state, and
 * knows the prepared statement that is to be executed, before the command goes out.
 *
 * Both servers answer in order whatever is sent in one write, but they do not stop at an error. So
 * only ahead of a plain read, which does no harm anywhere, are the steps and the command sent
 * together (and the read is swallowed and repeated on the primary if a step fails). Ahead of all
 * else the steps' answers are awaited.
 *
 * command_send looks at what is still missing, sends that, and is called again when it is done.
 */
#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/assigned.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/following.h"
#include "proxy/client/insert_id.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/login.h"
#include "proxy/client/prepared_commands.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/recording.h"
#include "proxy/client/replay.h"
#include "proxy/client/schema.h"
#include "proxy/client/session.h"
#include "proxy/client/tracking.h"
#include "proxy/client/variables.h"
#include "proxy/exchange.h"
#include "proxy/stream.h"
#include "proxy/worker.h"

#include <assert.h>
#include <string.h>

static bool is_plain_read(const struct command_in_hand *command)
{
    return command->has_statement && command->statement.class == STATEMENT_READ &&
           !command->statement.is_multi && !command->is_partial &&
           (command->code == COMMAND_QUERY || command->code == COMMAND_STMT_EXECUTE);
}

/* One packet of a command that brings the connection in step. */
static void add_step(struct backend *backend, struct writer *out, enum step_kind kind,
                     enum command code, struct bytes argument, struct prepared_text *prepared)
{
    size_t at = write_packet_begin(out);

    if (code == COMMAND_QUERY) {
        query_begin(out, backend->capabilities);
    } else {
        write_u8(out, (uint8_t)code);
    }
    write_bytes(out, argument);
    write_packet_end(out, at, 0);
    if (!backend_expect(backend, kind, code, 1, prepared)) {
        out->failed = true;
    }
}

static void add_reset(struct session *session, struct writer *out)
{
    struct backend *backend = session->lease.backend;
    const struct server_info *server = worker_server(session->worker, backend->server);
    const struct server_facts *facts = server != NULL ? server->facts : NULL;
    char *text = (char *)session->worker->scratch + WORKER_SCRATCH_BYTES / 2;
    size_t size = facts == NULL ? 0
                                : tracking_setup_sql(bytes_of_text(facts->tracked), text,
                                                     WORKER_SCRATCH_BYTES / 4);

    add_step(backend, out, STEP_RESET, COMMAND_RESET_CONNECTION, (struct bytes){0}, NULL);
    add_step(backend, out, STEP_TRACKING, COMMAND_QUERY, bytes_of(text, size), NULL);
    backend->follows = false;
    prepared_cache_clear(backend->prepared);
}

/* Writes the steps from the connection's state to `to`. False: it cannot be brought there. */
static bool add_steps_to(struct session *session, const struct environment *to, struct writer *out)
{
    struct backend *backend = session->lease.backend;
    bool owes_id = to == session->environment && insert_id_is_owed(session);
    char sql[REPLAY_SQL_CAPACITY];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};
    bool is_stale = to == session->environment && schema_is_stale(session);
    enum replay_kind kind;

    if (backend->environment == to && !owes_id && !is_stale) {
        return true;
    }
    kind = replay_plan(backend->environment, to, &plan);
    if (kind == REPLAY_NONE) {
        plan = (struct replay){.sql = sql, .capacity = sizeof sql};
    }
    if (kind == REPLAY_IMPOSSIBLE || (kind == REPLAY_RESET && session->pins != 0)) {
        return false;
    }
    if (kind == REPLAY_RESET) {
        backend->insert_id = 0;
        owes_id = to == session->environment && insert_id_is_owed(session);
    }
    if (owes_id) {
        if (!insert_id_pay(session, &plan)) {
            return false;
        }
    }
    if (kind == REPLAY_RESET) {
        add_reset(session, out);
        is_stale = environment_schema(to).size > 0; /* its character set is reset, too */
    }
    if (is_stale && !plan.init_db) {
        add_step(backend, out, STEP_SCHEMA, COMMAND_INIT_DB, bytes_of_text(SCHEMA_TO_LEAVE_TO),
                 NULL);
    }
    if (plan.init_db || is_stale) {
        backend->schema_ns = worker_now(session->worker);
        add_step(backend, out, STEP_SCHEMA, COMMAND_INIT_DB, environment_schema(to), NULL);
    }
    if (plan.sql_size > 0) {
        add_step(backend, out, STEP_STATE, COMMAND_QUERY,
                 bytes_of((const uint8_t *)sql, plan.sql_size), NULL);
    }
    if (backend->environment != to) {
        backend_set_environment(backend, environment_ref(to));
    }
    return !out->failed;
}

/* Whoever asks for the warnings of the statement before on another connection than that one's has
 * none: else they would hold the connection. What others have left there goes away with a statement
 * that uses a table; on MariaDB plainer ones leave warnings as they are (measured). */
static void add_clearing(struct session *session, struct writer *out)
{
    static const char nothing[] = "DO 0";
    static const char sql[] = "DO (SELECT COUNT(*) FROM information_schema.engines WHERE 0)";
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;

    if (session->pins == 0 && command->has_statement && !command->warnings_cleared &&
        (command->statement.uses & USE_WARNINGS) &&
        (session->last_backend != backend->id ||
         session_number(session) != backend->last_session)) {
        command->warnings_cleared = true;
        add_step(backend, out, STEP_STATE, COMMAND_QUERY,
                 bytes_of((const uint8_t *)sql, sizeof sql - 1), NULL);
    } else if (out->size > 0 &&
               (command->code == COMMAND_INIT_DB || command->code == COMMAND_SET_OPTION)) {
        /* Its OK, or EOF, counts warnings of the statement before (measured on MySQL, where
         * bringing the connection in step can give some). */
        add_step(backend, out, STEP_STATE, COMMAND_QUERY,
                 bytes_of((const uint8_t *)nothing, sizeof nothing - 1), NULL);
    }
}

/* The same, for a USE that leaves a schema which is gone: that schema is left out. */
static bool add_steps(struct session *session, const struct environment *to, struct writer *out)
{
    const struct environment *has = session->lease.backend->environment;
    const struct environment *without;
    bool possible;

    if (!session->command->schema_left_out || has == NULL) {
        return add_steps_to(session, to, out);
    }
    without = environment_with_schema(session->worker->environments, to, environment_schema(has));
    possible = without != NULL && add_steps_to(session, without, out);
    environment_unref(without);
    return possible;
}

/* There is nothing to add: the way of most commands. */
static bool is_in_step(const struct session *session)
{
    return session->lease.backend->environment == session->environment &&
           !session->command->schema_left_out && !insert_id_is_owed(session) &&
           !schema_is_stale(session);
}

/* The held connection cannot be used for this: another one is taken, a fresh one at worst. */
static void change_connection(struct session *session)
{
    struct sql_error error = error_make(
        ERROR_UNKNOWN, "the session's state cannot be brought to the server connection it holds");

    if (session->pins != 0 && backend_has_steps(session->lease.backend)) {
        session->sequence = (uint8_t)(session->command->upload_sequence + 1);
        session_fail(session, &error); /* answers are awaited that will never come */
        return;
    }
    if (session->pins != 0 || session->command->changed_connection) {
        session_refuse(session, &error);
        return;
    }
    session->command->changed_connection = true;
    session->lease.backend->discard = true;
    session_release(session, true);
    if (session->state != SESSION_LEASING) {
        session_enter(session, SESSION_LEASING);
    }
    command_place(session);
}

static void await_steps(struct session *session, const struct writer *out)
{
    if (session->state != SESSION_SYNCING) {
        session_enter(session, SESSION_SYNCING);
    }
    stream_write_one(session->lease.backend->stream, writer_bytes(out));
}

/* One variable of the state to prepare in: as it was, or else the server's global value. */
static const struct environment *as_prepared(struct session *session,
                                             const struct environment *environment,
                                             const struct environment *prepared, int variable)
{
    const struct server_facts *facts = session_facts(session);
    struct bytes value;
    struct bytes now;

    if (!environment_value(prepared, variable, &value)) {
        const char *global =
            facts == NULL ? NULL : facts_variable(facts, variable_at(variable)->name);

        if (global == NULL || !environment_value(environment, variable, &now)) {
            return environment_ref(environment);
        }
        value = bytes_of_text(global);
    }
    return environment_with_variable(session->worker->environments, environment, variable, value);
}

/* The state to prepare a statement in again: the session's present one, except for what names and
 * texts in the statement depend on (schema, sql_mode, character sets, and the types of the user
 * variables that it names), which is as it was. Taking
 * the rest along asks for no reset, which a session in a transaction could not have. NULL: such a
 * state cannot be. */
static const struct environment *state_to_prepare_in(struct session *session,
                                                     const struct environment *prepared)
{
    const int binding[] = {
        variable_sql_mode(), variable_character_set_client(),     variable_character_set_results(),
        variable_names(),    variable_character_set_connection(), variable_collation_connection()};
    struct environment_store *store = session->worker->environments;
    struct bytes schema = environment_schema(prepared);
    const struct environment *environment =
        schema.size > 0 ? environment_with_schema(store, session->environment, schema)
                        : environment_ref(session->environment);

    for (size_t i = 0; i < sizeof binding / sizeof binding[0] && environment != NULL; i++) {
        struct bytes value;
        const struct environment *next;

        if (i > 0 && !environment_value(prepared, binding[i], &value)) {
            continue; /* character sets are always said, under one of these names */
        }
        next = as_prepared(session, environment, prepared, binding[i]);
        environment_unref(environment);
        environment = next;
    }
    if (environment != NULL && session->command->statement.user_variable_count > 0 &&
        !(session->pins & (PIN_USER_VARIABLE | PIN_PROGRAM | PIN_UNKNOWN))) {
        const struct environment *next = assigned_as_prepared(store, environment, prepared);

        environment_unref(environment);
        environment = next;
    }
    return environment;
}

/* The prepared statement under which the command's id is known here; true when the steps to get
 * there were sent (or could not be) and the command has to wait. */
static bool is_preparing(struct session *session, struct writer *out, uint32_t *id)
{
    struct backend *backend = session->lease.backend;
    struct prepared *prepared = session->command->prepared;
    const struct environment *environment;
    bool possible;

    if (prepared == NULL || prepared_cache_find(backend->prepared, prepared->text, id)) {
        return false;
    }
    environment = state_to_prepare_in(session, prepared_text_environment(prepared->text));
    possible = environment != NULL && add_steps(session, environment, out);
    environment_unref(environment);
    if (!possible) {
        change_connection(session);
        return true;
    }
    if (out->size == 0) {
        struct bytes sql = prepared_text_sql(prepared->text);

        if (sql.size + FRAME_HEAD_SIZE + 1 > WORKER_SCRATCH_BYTES / 2) {
            /* Too long for the scratch memory: head and text are sent as they lie. */
            uint8_t head[FRAME_HEAD_SIZE + 1];
            struct bytes parts[2] = {{head, sizeof head}, sql};

            frame_write(head, (struct frame){(uint32_t)sql.size + 1, 0});
            head[FRAME_HEAD_SIZE] = COMMAND_STMT_PREPARE;
            backend_expect(backend, STEP_PREPARE, COMMAND_STMT_PREPARE, 1,
                           prepared_text_ref(prepared->text));
            if (session->state != SESSION_SYNCING) {
                session_enter(session, SESSION_SYNCING);
            }
            stream_write(backend->stream, parts, 2);
            return true;
        }
        add_step(backend, out, STEP_PREPARE, COMMAND_STMT_PREPARE, sql,
                 prepared_text_ref(prepared->text));
    }
    await_steps(session, out);
    return true;
}

/* The command's own bytes, which may need another statement id or parameter types put in. */
static void write_command(struct session *session, const struct writer *steps, uint32_t id)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    struct bytes parts[1 + EXECUTE_SLICES + 1];
    size_t count = 0;
    uint8_t head[PREPARED_HEAD_BYTES];

    if (steps->size > 0) {
        parts[count++] = writer_bytes(steps);
    }
    if (command->prepared != NULL) {
        count += prepared_slices(session, id, head, parts + count);
    } else {
        parts[count++] = bytes_of(command->data, command->size);
    }
    if (command_info(command->code)->answer != ANSWER_NONE) {
        uint8_t sequence = (uint8_t)(command->upload_sequence + 1);

        backend_expect(backend, STEP_CLIENT, (enum command)command->code, sequence, NULL);
    }
    command->sent = true;
    session->last_backend = backend->id;
    recording_sent(session);
    stream_write(backend->stream, parts, count);
}

void command_send(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    struct writer out = writer_over(session->worker->scratch, WORKER_SCRATCH_BYTES / 2);
    uint32_t id = 0;

    if (kill_ends_command(session)) {
        return;
    }
    if (session->pins == 0 && !command->changed_connection &&
        pool_is_too_old(backend, &session->lease)) {
        change_connection(session); /* its opening had begun before the session's login */
        return;
    }
    if (following_asks_first(session, &out)) {
        await_steps(session, &out);
        return;
    }
    if (is_preparing(session, &out, &id)) {
        return;
    }
    if ((!is_in_step(session) && !add_steps(session, session->environment, &out)) ||
        (!following_is_right(session) && !following_prepare(session, &out))) {
        change_connection(session);
        return;
    }
    add_clearing(session, &out);
    if (command->is_login && out.size == 0) {
        login_schema_entered(session);
        return;
    }
    if (out.size > 0 && (session->pins != 0 || !is_plain_read(command))) {
        await_steps(session, &out);
        return;
    }
    if (command->prepared != NULL &&
        !prepared_cache_find(backend->prepared, command->prepared->text, &id)) {
        /* A reset among the steps ends the statement too: it is prepared again behind them. */
        await_steps(session, &out);
        return;
    }
    session_enter(session, SESSION_RELAYING);
    command->running_ns = 0; /* also when it is sent a second time */
    write_command(session, &out, id);
    if (command->upload_left == 0 && !command->upload_continues) {
        exchange_sent(session);
    } else {
        session_read(session); /* what has come of the rest while it waited */
    }
}
