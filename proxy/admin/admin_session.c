/*
 * A client of the admin port: login, packets, answers. See admin_session.h.
 */
#include "proxy/admin/admin_session.h"

#include "protocol/capability.h"
#include "protocol/frame.h"
#include "protocol/ok.h"
#include "proxy/admin/admin_own.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/system_variables.h"
#include "proxy/config/config.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/live.h"
#include "proxy/roster.h"
#include "proxy/stream_tls.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    OUT_BYTES = 8 << 20,    /* the longest row and the definitions before it */
    UTF8MB4_COLLATION = 45, /* utf8mb4_general_ci */
};

static const uint64_t offered = CAPABILITIES_OFFERED & ~CAPABILITIES_MARIADB &
                                ~CAPABILITY_QUERY_ATTRIBUTES & ~CAPABILITY_LOCAL_FILES &
                                ~CAPABILITY_SESSION_TRACK & ~CAPABILITY_NO_SCHEMA;

/* ---- end ---- */

static void leave_state(struct admin_session *session)
{
    if (session->state == ADMIN_LOGIN) {
        session->admin->logins--;
    }
}

static void enter(struct admin_session *session, enum admin_state state)
{
    leave_state(session);
    session->state = state;
    session->since_ms = session->admin->now_ms;
}

static void dispose_login(struct admin_session *session)
{
    if (session->login != NULL) {
        login_exchange_dispose(session->login);
        mem_free(session->login);
        session->login = NULL;
    }
    config_unref(session->config);
    session->config = NULL;
}

static void begin_to_close(struct admin_session *session, const char *reason)
{
    if (session->is_counted) {
        session->admin->clients--;
        session->is_counted = false;
        log_info(log_number("admin", session->id), "closed client=%s user=%s reason=\"%s\"",
                 session->peer, session->user, reason);
    }
    enter(session, ADMIN_CLOSING);
}

void admin_session_close(struct admin_session *session, const char *reason)
{
    if (session->state != ADMIN_CLOSING) {
        begin_to_close(session, reason);
    }
    stream_close(session->client);
}

void admin_session_fail(struct admin_session *session, const struct sql_error *error)
{
    if (session->state == ADMIN_CLOSING) {
        return;
    }
    admin_session_error(session, error);
    admin_session_flush(session);
    begin_to_close(session, error->text);
    stream_finish(session->client);
}

static void on_closed(void *owner)
{
    struct admin_session *session = owner;

    admin_leave(session->admin, session);
    dispose_login(session);
    reply_dispose(&session->reply);
    if (session->is_statement_owned) {
        engine_finalize(session->engine, session->statement);
    }
    admin_forget_prepared(session);
    engine_close(session->engine);
    writer_dispose(&session->out);
    mem_free(session->text);
    mem_free(session);
}

/* ---- login ---- */

void admin_session_greet(struct admin_session *session)
{
    struct greeting greeting = {.version = bytes_of_text(admin_version_text()),
                                .thread_id = session->id,
                                .status = STATUS_AUTOCOMMIT | STATUS_NO_BACKSLASH_ESCAPES,
                                .collation = UTF8MB4_COLLATION,
                                .plugin = bytes_of_text("mysql_native_password")};
    struct roster *roster;
    bool is_begun;

    session->out = writer_growing(OUT_BYTES);
    session->login = mem_alloc(sizeof *session->login);
    session->config = live_config(session->admin->program->live);
    stream_open(session->client);
    roster = live_roster(session->admin->program->live);
    is_begun = login_exchange_init(session->login, roster->tls, session->admin->tls_room);
    roster_unref(roster);
    if (!is_begun) {
        struct sql_error error = error_make(ERROR_UNKNOWN, "no random numbers can be had");

        admin_session_fail(session, &error);
        return;
    }
    login_exchange_greet(session->login, session->client, &greeting, offered);
}

static struct auth_account find_account(void *context, const char *name)
{
    struct admin_session *session = context;
    const struct config_admin *config = &session->config->admin;
    struct auth_account account = {.secure = session->is_unix || stream_is_tls(session->client),
                                   .plugin = AUTH_PLUGIN_NATIVE,
                                   .rsa_key = session->admin->program->process->rsa_key};
    const char *password = NULL;

    if (strcmp(name, config->user) == 0) {
        password = config->password;
        session->is_read_only = false;
    } else if (config->read_user[0] != 0 && strcmp(name, config->read_user) == 0) {
        password = config->read_password;
        session->is_read_only = true;
    }
    if (password != NULL) {
        account.credential = (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(password)};
    }
    return account;
}

static bool schema_exists(const char *name)
{
    return name[0] == 0 || strcasecmp(name, ENGINE_SCHEMA) == 0 || strcasecmp(name, "main") == 0 ||
           strcasecmp(name, "information_schema") == 0;
}

static bool open_engine(struct admin_session *session)
{
    struct engine_client client = {.id = session->id,
                                   .user = session->user,
                                   .peer = session->peer,
                                   .who = session->who,
                                   .is_read_only = session->is_read_only};

    session->engine = engine_open(session->admin->program, &client, &session->admin->is_stopping);
    return session->engine != NULL;
}

static void come_in(struct admin_session *session)
{
    struct login_exchange *login = session->login;
    struct sql_error error = {0};

    snprintf(session->user, sizeof session->user, "%s", login->name);
    snprintf(session->who, sizeof session->who, "%.*s from %s", ADMIN_WHO_BYTES - 8, login->name,
             session->peer);
    session->capabilities = login->capabilities;
    session->takes_several = (login->capabilities & CAPABILITY_MULTI_STATEMENTS) != 0;
    session->sequence = login->sequence;
    if (!schema_exists(login->schema)) {
        error = error_make(ERROR_UNKNOWN_DATABASE, "Unknown database '%s'", login->schema);
    } else if (!admin_admit(session->admin, session)) {
        error = error_make(ERROR_TOO_MANY_CONNECTIONS, "Too many connections");
    } else if (!open_engine(session)) {
        error = error_make(ERROR_OUT_OF_RESOURCES, "the admin port has no memory left");
    }
    dispose_login(session);
    if (error.code != 0) {
        admin_session_fail(session, &error);
        return;
    }
    log_info(log_number("admin", session->id), "logged in client=%s user=%s", session->peer,
             session->user);
    enter(session, ADMIN_READY);
    admin_session_ok(session, 0, NULL);
    admin_session_flush(session);
}

static void read_login(struct admin_session *session)
{
    struct login_exchange *login = session->login;
    struct sql_error error;
    enum login_step step = login_exchange_read(login, session->client, find_account, session);

    session->sequence = login->sequence;
    session->capabilities = login->capabilities;
    switch (step) {
    case LOGIN_WAITS:
        break;
    case LOGIN_PROVED:
        come_in(session);
        break;
    case LOGIN_CLAIMED: /* nobody else knows passwords of this port */
    case LOGIN_DENIED:
        error = login_exchange_refusal(login, session->peer);
        log_info(log_number("admin", session->id), "refused client=%s user=%s", session->peer,
                 login->name);
        admin_session_fail(session, &error);
        break;
    case LOGIN_FAILED:
        error = login->error;
        admin_session_fail(session, &error);
        break;
    }
}

/* ---- packets of an answer ---- */

static bool has_more(const struct admin_session *session)
{
    return session->rest.size > 0;
}

uint16_t admin_session_status(const struct admin_session *session)
{
    unsigned status = STATUS_AUTOCOMMIT | STATUS_NO_BACKSLASH_ESCAPES;

    if (session->engine != NULL && engine_in_transaction(session->engine)) {
        status |= STATUS_IN_TRANSACTION;
    }
    return (uint16_t)(status | (has_more(session) ? STATUS_MORE_RESULTS : 0));
}

void admin_session_ok(struct admin_session *session, uint64_t affected, const char *info)
{
    struct ok_packet ok = {.affected_rows = affected,
                           .status = admin_session_status(session),
                           .info = bytes_of_text(info)};

    ok_encode_packet(&session->out, &ok, session->capabilities, session->sequence++);
}

void admin_session_eof(struct admin_session *session)
{
    size_t at = write_packet_begin(&session->out);

    if (session->capabilities & CAPABILITY_DEPRECATE_EOF) {
        struct ok_packet ok = {.header = 0xfe, .status = admin_session_status(session)};

        ok_encode(&session->out, &ok, session->capabilities);
    } else {
        struct eof_packet eof = {.status = admin_session_status(session)};

        eof_encode(&session->out, &eof);
    }
    write_packet_end(&session->out, at, session->sequence++);
}

void admin_session_error(struct admin_session *session, const struct sql_error *error)
{
    error_encode_packet(&session->out, error, session->capabilities, session->sequence++);
}

void admin_session_flush(struct admin_session *session)
{
    if (session->out.failed) {
        /* Cannot be: everything written has a bound below the writer's. Never half an answer. */
        writer_clear(&session->out);
        admin_session_close(session, "an answer was too large");
        return;
    }
    if (session->out.size > 0) {
        stream_write_one(session->client, writer_bytes(&session->out));
        writer_clear(&session->out);
    }
}

/* ---- commands come ---- */

/* Passes over what has come of a command that is too long. True: all of it is gone. */
static bool skip(struct admin_session *session)
{
    for (;;) {
        struct bytes in = stream_peek(session->client);
        size_t size = in.size < session->skip_bytes ? in.size : (size_t)session->skip_bytes;
        struct frame frame;

        stream_consume(session->client, size);
        session->skip_bytes -= size;
        if (session->skip_bytes > 0) {
            return false;
        }
        if (!session->skip_continues) {
            return true;
        }
        if (frame_read(stream_peek(session->client), &frame) != PARSE_OK) {
            return false;
        }
        session->skip_bytes = frame_size(frame);
        session->skip_continues = frame_continues(frame);
        session->sequence = (uint8_t)(frame.sequence + 1);
    }
}

static void refuse_long(struct admin_session *session)
{
    struct sql_error error =
        error_make(ERROR_PACKET_TOO_LARGE,
                   "Got a packet bigger than 'max_allowed_packet' bytes (%d)", ENGINE_SQL_BYTES);

    admin_session_error(session, &error);
    admin_session_flush(session);
}

/* One command, if it is there. False: there is none, or none is to be read now. */
static bool read_command(struct admin_session *session)
{
    struct bytes in;
    struct frame frame;
    struct sql_error error;

    if (session->skip_bytes > 0 || session->skip_continues) {
        if (!skip(session)) {
            return false;
        }
        refuse_long(session);
    }
    in = stream_peek(session->client);
    if (frame_read(in, &frame) != PARSE_OK) {
        return false;
    }
    if (frame.sequence != 0) {
        session->sequence = 1;
        error = error_make(ERROR_PACKETS_OUT_OF_ORDER, "Got packets out of order");
        admin_session_fail(session, &error);
        return false;
    }
    if (frame.length > ENGINE_SQL_BYTES) {
        session->sequence = 1;
        session->skip_bytes = frame_size(frame);
        session->skip_continues = frame_continues(frame);
        return true;
    }
    if (!frame_is_whole(in, frame)) {
        stream_expect(session->client, frame_size(frame));
        return false;
    }
    session->sequence = 1;
    session->since_ms = session->admin->now_ms;
    admin_command(session, frame_payload(in, frame));
    if (session->state != ADMIN_CLOSING) {
        stream_consume(session->client, frame_size(frame));
        admin_session_flush(session);
    }
    return session->state == ADMIN_READY;
}

static void read_commands(struct admin_session *session)
{
    while (session->state == ADMIN_READY && read_command(session)) {
        /* One after the other; a long answer makes the next one wait. */
    }
}

static void on_bytes(void *owner)
{
    struct admin_session *session = owner;

    switch (session->state) {
    case ADMIN_LOGIN:
        read_login(session);
        read_commands(session);
        break;
    case ADMIN_READY:
        read_commands(session);
        break;
    case ADMIN_ANSWERING:
    case ADMIN_CLOSING:
        break;
    }
}

static void on_drained(void *owner)
{
    struct admin_session *session = owner;

    session->since_ms = session->admin->now_ms;
    if (session->state == ADMIN_ANSWERING) {
        admin_wants_turn(session->admin);
    }
}

static void on_end(void *owner, int status)
{
    struct admin_session *session = owner;

    (void)status;
    admin_session_close(session, "the client left");
}

const struct stream_events admin_session_stream_events = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_closed = on_closed,
};

/* ---- deadlines ---- */

static unsigned login_ms(const struct admin_session *session)
{
    unsigned most = session->config->proxy.login_timeout_ms;

    return most < ADMIN_LOGIN_MS ? most : ADMIN_LOGIN_MS;
}

void admin_session_tick(struct admin_session *session)
{
    uint64_t age_ms = session->admin->now_ms - session->since_ms;
    struct sql_error error;

    switch (session->state) {
    case ADMIN_LOGIN:
        if (age_ms > login_ms(session)) {
            error =
                error_make(ERROR_NET_READ_INTERRUPTED, "Got timeout reading communication packets");
            admin_session_fail(session, &error);
        }
        break;
    case ADMIN_READY:
        if (age_ms > ADMIN_IDLE_MS) {
            admin_session_close(session, "idle for too long");
        }
        break;
    case ADMIN_ANSWERING:
        if (stream_is_congested(session->client) && age_ms > ADMIN_STALL_MS) {
            admin_session_close(session, "the client does not read");
        }
        break;
    case ADMIN_CLOSING:
        if (age_ms > ADMIN_LOGIN_MS) {
            stream_close(session->client);
        }
        break;
    }
}
