/*
 * The life of a session: states, ends, what is learned when a command is complete. The commands
 * themselves are in command.c, the login in login.c, the answer in proxy/exchange.c.
 */
#include "proxy/client/session.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/error.h"
#include "proxy/client/assigned.h"
#include "proxy/client/command.h"
#include "proxy/client/doubt.h"
#include "proxy/client/environment.h"
#include "proxy/client/following.h"
#include "proxy/client/held.h"
#include "proxy/client/login.h"
#include "proxy/client/prepared_table.h"
#include "proxy/client/recording.h"
#include "proxy/client/send.h"
#include "proxy/client/variables.h"
#include "proxy/exchange.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#define TO(state) (1u << (state))

static const unsigned may_enter[] = {
    [SESSION_LOGIN] = TO(SESSION_READY) | TO(SESSION_LEASING) | TO(SESSION_CLOSING),
    [SESSION_READY] = TO(SESSION_LOGIN) | TO(SESSION_LEASING) | TO(SESSION_SYNCING) |
                      TO(SESSION_RELAYING) | TO(SESSION_CLOSING),
    [SESSION_LEASING] =
        TO(SESSION_READY) | TO(SESSION_SYNCING) | TO(SESSION_RELAYING) | TO(SESSION_CLOSING),
    [SESSION_SYNCING] =
        TO(SESSION_READY) | TO(SESSION_LEASING) | TO(SESSION_RELAYING) | TO(SESSION_CLOSING),
    [SESSION_RELAYING] = TO(SESSION_READY) | TO(SESSION_LEASING) | TO(SESSION_CLOSING),
    [SESSION_CLOSING] = 0,
};

void session_enter(struct session *session, enum session_state state)
{
    assert(may_enter[session->state] & TO(state));
    session->state = state;
}

uint64_t session_number(const struct session *session)
{
    return session->id;
}

/* ---- begin and end ---- */

struct session *session_new(struct worker *worker, bool is_unix, const char *peer)
{
    struct session *session = mem_calloc(1, sizeof *session);
    struct process *process = worker->process;

    do {
        session->id = atomic_fetch_add(&process->next_session, 1) + 1;
    } while (session->id == 0);
    session->worker = worker;
    session->is_unix = is_unix;
    session->last_server = -1;
    session->status = STATUS_AUTOCOMMIT;
    session->state_since_ns = worker_now(worker);
    session->environment = environment_blank(worker->environments);
    snprintf(session->peer, sizeof session->peer, "%s", peer);
    DL_PREPEND2(worker->sessions, session, previous, next);
    worker->session_count++;
    worker->statistics.counters.sessions_opened++;
    return session;
}

void session_drop_command(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command == NULL) {
        return;
    }
    if (command->serverless) {
        session->worker->serverless--;
    }
    session->command = NULL;
    worker_return_command(session->worker, command);
}

static void on_closed(void *owner)
{
    struct session *session = owner;
    struct worker *worker = session->worker;

    if (worker->survey.session == session) {
        worker->survey.session = session->next;
    }
    DL_DELETE2(worker->sessions, session, previous, next);
    worker->session_count--;
    worker->statistics.counters.sessions_closed++;
    atomic_fetch_sub(&worker->process->clients, 1);
    if (session->counted) {
        atomic_fetch_sub(&session->account->clients, 1);
    }
    prepared_table_free(session->statements);
    assigned_forget(session);
    held_forget(session);
    login_dispose(session);
    doubt_free(session->doubt);
    following_forget(session);
    environment_unref(session->environment);
    (void)recording_trace(session, false);
    mem_free(session);
}

void session_bury_stillborn(struct session *session)
{
    on_closed(session);
}

/* Gives back, or gives up, whatever connection the session has or waits for. */
static void let_go(struct session *session)
{
    struct pool *pool = session->worker->pool;

    const struct command_in_hand *command = session->command;

    if (session->lease.state == LEASE_HELD) {
        if (command != NULL && command->sent &&
            (command->upload_left > 0 || command->upload_continues)) {
            session->lease.backend->is_cut = true;
        }
        session_release(session, session->pins == 0 && session->state != SESSION_SYNCING);
    } else {
        pool_cancel(pool, &session->lease);
    }
}

void session_close(struct session *session, const char *reason)
{
    if (session->state == SESSION_CLOSING) {
        return;
    }
    log_info(log_number("session", session->id),
             "closed client=%s user=%s reason=\"%s\" queries=%llu", session->peer,
             session->counted ? session->account->name : "", reason,
             (unsigned long long)session->queries);
    recording_end(session, true);
    let_go(session);
    session_drop_command(session);
    session_enter(session, SESSION_CLOSING);
    session->state_since_ns = worker_now(session->worker);
    stream_finish(session->client);
}

void session_fail(struct session *session, const struct sql_error *error)
{
    char reason[600];

    if (session->command != NULL) {
        session->command->error = error->code;
    }
    if (session->login != NULL) {
        session->worker->statistics.counters.logins_failed++;
    }
    send_error(session, error, session->sequence);
    snprintf(reason, sizeof reason, "error %u: %s", error->code, error->text);
    session_close(session, reason);
}

void session_refuse(struct session *session, const struct sql_error *error)
{
    struct command_in_hand *command = session->command;

    if (command != NULL && command->is_login) {
        login_schema_refused(session, error);
        return;
    }
    if (command != NULL) {
        command->errored = true;
        command->error = error->code;
    }
    if (command != NULL && command_info(command->code)->answer == ANSWER_NONE) {
        session_close(session, error->text); /* the client awaits no answer that could tell it */
        return;
    }
    if (command != NULL && (command->upload_left > 0 || command->upload_continues)) {
        /* The rest of the command is still on its way; a server would hang up here too. */
        session->sequence = (uint8_t)(command->upload_sequence + 1);
        session_fail(session, error);
        return;
    }
    log_debug(log_number("session", session->id), "refused error=%u \"%s\"", error->code,
              error->text);
    send_error(session, error, command == NULL ? 1 : (uint8_t)(command->upload_sequence + 1));
    session_finish(session);
}

/* ---- what the client's stream tells ---- */

static void on_bytes(void *owner)
{
    session_read(owner);
}

static void on_drained(void *owner)
{
    struct session *session = owner;

    exchange_client_drained(session);
    session_read(session);
}

static void on_end(void *owner, int status)
{
    struct session *session = owner;

    session_close(session, status == UV_EOF ? "the client closed the connection"
                                            : stream_reason(session->client, status));
}

static void on_connected(void *owner, int status)
{
    (void)owner;
    (void)status;
}

const struct stream_events session_stream_events = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_connected = on_connected,
    .on_closed = on_closed,
};

void session_start(struct session *session)
{
    login_greet(session);
    if (session->state != SESSION_CLOSING) {
        stream_open(session->client);
    }
}

/* Reads once, by state. False: nothing more can be read now. */
static bool read_once(struct session *session)
{
    size_t before = stream_peek(session->client).size;
    enum session_state state = session->state;

    if (before == 0) {
        return false;
    }
    switch (state) {
    case SESSION_LOGIN:
        login_read(session);
        break;
    case SESSION_READY:
        if (stream_is_congested(session->client)) {
            return false; /* it does not read its answers: no further ones */
        }
        command_read(session);
        break;
    case SESSION_RELAYING:
        exchange_upload(session);
        break;
    case SESSION_LEASING:
    case SESSION_SYNCING:
    case SESSION_CLOSING:
        return false;
    }
    return session->state != SESSION_CLOSING &&
           (session->state != state || stream_peek(session->client).size != before);
}

void session_read(struct session *session)
{
    /* Commands that are answered at once end in session_finish, which reads on; a client that sent
     * many of them in one go must not make that a recursion. */
    if (session->is_reading) {
        return;
    }
    session->is_reading = true;
    while (read_once(session)) {
    }
    session->is_reading = false;
}

bool session_is_movable(const struct session *session)
{
    unsigned pins = session->pins & ~(unsigned)PINS_UNTIL_NEXT;

    return pins == 0 || (pins == PIN_USER_VARIABLE && assigned_is_readable(session));
}

/* A clock is read only when a session becomes pinned. */
static void note_pins(struct session *session)
{
    if (session->pins == 0) {
        session->pinned_ns = 0;
    } else if (session->pinned_ns == 0) {
        session->pinned_ns = worker_now(session->worker);
        session->pinned_by = session->command != NULL && session->command->has_statement
                                 ? session->command->statement.digest
                                 : 0;
    }
}

void session_finish(struct session *session)
{
    recording_end(session, false);
    note_pins(session);
    session_drop_command(session);
    if (session->state != SESSION_READY) {
        session_enter(session, SESSION_READY);
    }
    if (session->lease.state == LEASE_HELD && session->pins == 0) {
        session_release(session, true);
    }
    if (session->close_after) {
        session_close(session, "COMMIT or ROLLBACK RELEASE");
    } else if (session->worker->draining && session_is_movable(session)) {
        session_close(session, "shutting down");
    } else {
        session_read(session);
    }
}

/* ---- leases ---- */

/* There may be a prepared XA transaction on the held connection: the session was seen to begin one,
 * or has one open in which something ran whose text was not seen. */
static bool may_be_prepared(const struct session *session)
{
    const unsigned unseen = PIN_PROGRAM | PIN_PREPARE | PIN_UNKNOWN;

    return (session->pins & PIN_XA) ||
           ((session->pins & PIN_TRANSACTION) && (session->pins & unseen));
}

void session_release(struct session *session, bool clean)
{
    if (session->insert_id_unsure) {
        session->insert_id_unsure = false;
        clean = false; /* nobody knows what the connection would say it is */
    }
    if (session->lease.backend->follows) {
        clean = false; /* it does not tell what others would have to know */
    }
    if (!clean && may_be_prepared(session)) {
        /* When the connection ends the transaction stays as it is. MariaDB 10.11 spoils it at a
         * COM_RESET_CONNECTION: its changes are lost, its locks are kept (measured). */
        session->lease.backend->discard = true;
    }
    pool_give_back(session->worker->pool, &session->lease, clean);
}

static void on_ready(struct lease *lease)
{
    struct session *session = (struct session *)lease;

    backend_lend(lease->backend, session);
    recording_waited(session);
    if ((int)worker_server_role(session->worker, lease->server) != lease->role) {
        /* While it waited the server became another one's replica, or the primary. */
        session_release(session, true);
        command_place(session);
        return;
    }
    command_send(session);
}

static void on_failed(struct lease *lease, const struct sql_error *error, bool server_failed)
{
    struct session *session = (struct session *)lease;

    recording_waited(session);
    if (server_failed && (command_try_elsewhere(session, (int)lease->server) ||
                          command_wait_for_server(session, error))) {
        return;
    }
    session_refuse(session, error);
}

const struct pool_events session_pool_events = {.on_ready = on_ready, .on_failed = on_failed};

/* ---- state ---- */

void session_set_environment(struct session *session, const struct environment *environment)
{
    if (session->lease.state == LEASE_HELD) {
        backend_set_environment(session->lease.backend, environment_ref(environment));
    }
    environment_unref(session->environment);
    session->environment = environment;
    session->mode_of = NULL;
    if (session->group == NULL ||
        session->group->has_schema != (environment_schema(environment).size > 0)) {
        session_find_group(session);
    }
}

void session_find_group(struct session *session)
{
    session->group = pool_group(session->worker->pool, session->account, session->capabilities,
                                environment_schema(session->environment).size > 0);
}

void session_forget(struct session *session)
{
    if (session->lease.state == LEASE_HELD) {
        session_release(session, false);
    }
    prepared_table_free(session->statements);
    session->statements = NULL;
    assigned_forget(session);
    following_forget(session);
    held_forget(session);
    session->pins = 0;
    session->long_data = session->cursors = 0;
    session->transaction = SESSION_TRANSACTION_NONE;
    session->one_shot_variable = false;
    session->last_insert_id = 0;
    session->status = STATUS_AUTOCOMMIT;
}

/* The facts of a server to judge by: the primary's, or of any server that was seen. */
const struct server_facts *session_facts(const struct session *session)
{
    const struct topology *topology = session->worker->topology;

    if (topology == NULL) {
        return NULL;
    }
    if (topology->primary >= 0 && topology->servers[topology->primary].facts != NULL) {
        return topology->servers[topology->primary].facts;
    }
    for (size_t i = 0; i < topology->count; i++) {
        if (topology->servers[i].facts != NULL) {
            return topology->servers[i].facts;
        }
    }
    return NULL;
}

const struct lexer_mode *session_mode(struct session *session)
{
    const struct server_facts *facts;
    struct bytes value;

    if (session->mode_of == session->environment) {
        return &session->mode;
    }
    facts = session_facts(session);
    session->mode = lexer_mode_default(
        facts != NULL && facts->flavor == FLAVOR_MYSQL ? SQL_FLAVOR_MYSQL : SQL_FLAVOR_MARIADB);
    if (facts != NULL) {
        session->mode.server_version = facts->version_number;
    }
    if (environment_value(session->environment, variable_sql_mode(), &value)) {
        (void)lexer_mode_set_sql_mode(&session->mode, value);
    } else if (facts != NULL) {
        (void)lexer_mode_set_sql_mode(&session->mode, bytes_of_text(facts->sql_mode));
    }
    value = environment_character_set_client(session->environment);
    if (value.size > 0 && !lexer_mode_set_charset(&session->mode, value)) {
        session->mode.foreign_grammar = true; /* nothing is known of how such a text is cut */
    }
    if (session->capabilities & CAPABILITY_IGNORE_SPACE) {
        session->mode.ignore_space = true;
    }
    session->mode_of = facts == NULL ? NULL : session->environment;
    return &session->mode;
}
