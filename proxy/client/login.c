/*
 * The login of a client, also in the middle of a session (COM_CHANGE_USER). The packets and the
 * proof of the password are proxy/login_exchange.h's; here is who may come in:
 *
 *   greeting --login packet--> account --exchange--> verified --default schema tried--> OK
 *        |                        |                     |                |
 *       1040                   1045, 3159              1203         1049, 1044: the server's words
 */
#include "proxy/client/login.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/compressed.h"
#include "protocol/frame.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/login_state.h"
#include "proxy/client/offer.h"
#include "proxy/client/proxied.h"
#include "proxy/client/send.h"
#include "proxy/client/schema.h"
#include "proxy/client/session.h"
#include "proxy/client/throttle.h"
#include "proxy/client/user_secret.h"
#include "proxy/log.h"
#include "proxy/login_exchange.h"
#include "proxy/memory.h"
#include "proxy/stream_compressed.h"
#include "proxy/stream_tls.h"
#include "proxy/worker.h"

#include <openssl/crypto.h>
#include <string.h>

enum {
    FALLBACK_COLLATION = 45, /* utf8mb4_general_ci */
};

void login_dispose(struct session *session)
{
    if (session->login != NULL) {
        guest_dispose(&session->login->guest);
        secret_unref(session->login->kept.secret);
        roster_unref(session->login->roster);
        login_exchange_dispose(&session->login->exchange);
        OPENSSL_cleanse(session->login, sizeof *session->login);
        mem_free(session->login);
        session->login = NULL;
    }
}

/* ---- greeting ---- */

static unsigned default_collation(const struct server_facts *facts)
{
    const char *name = facts == NULL ? NULL : facts_variable(facts, "collation_server");
    const struct collation *collation =
        name == NULL ? NULL : facts_collation_named(facts, bytes_of_text(name));

    return collation == NULL ? FALLBACK_COLLATION : collation->id;
}

static uint64_t compression_offered(const struct config_compression *config)
{
    return (config->client & CONFIG_COMPRESSION_ZLIB ? CAPABILITY_COMPRESS : 0) |
           (config->client & CONFIG_COMPRESSION_ZSTD ? CAPABILITY_ZSTD : 0);
}

void login_try_greeting(struct session *session)
{
    const struct config *config = worker_config(session->worker);
    const struct server_facts *facts = session_facts(session);
    struct greeting greeting = {.status = STATUS_AUTOCOMMIT};
    char version[300];
    const char *plugin = "mysql_native_password";

    if (session->login == NULL || session->login->greeted ||
        (facts == NULL && config->proxy.server_version[0] == 0)) {
        return;
    }
    session->login->greeted = true;
    if (config->proxy.server_version[0] != 0) {
        snprintf(version, sizeof version, "%s", config->proxy.server_version);
    } else {
        snprintf(version, sizeof version, "%s%s", facts->flavor == FLAVOR_MARIADB ? "5.5.5-" : "",
                 facts->version);
    }
    if (facts != NULL &&
        auth_plugin_of(bytes_of_text(facts->default_plugin)) == AUTH_PLUGIN_CACHING_SHA2) {
        plugin = facts->default_plugin;
    }
    greeting.version = bytes_of_text(version);
    greeting.thread_id = session->id;
    greeting.collation = (uint8_t)default_collation(facts);
    greeting.plugin = bytes_of_text(plugin);
    login_exchange_greet(&session->login->exchange, session->client, &greeting,
                         offer_of(session->worker->topology) |
                             compression_offered(&config->compression));
    session->sequence = session->login->exchange.sequence;
    session->capabilities = session->login->exchange.capabilities;
}

void login_greet(struct session *session)
{
    struct process *process = session->worker->process;
    struct sql_error error = {0};

    if (atomic_load(&process->clients) > worker_config(session->worker)->proxy.max_clients) {
        error = error_make(ERROR_TOO_MANY_CONNECTIONS, "Too many connections");
    } else if (session->worker->draining) {
        error = error_make(ERROR_SERVER_SHUTDOWN, "Server shutdown in progress");
    } else {
        session->login = mem_calloc(1, sizeof *session->login);
        if (!login_exchange_init(&session->login->exchange, session->worker->roster->tls,
                                 session->worker->tls_room)) {
            error = error_make(ERROR_UNKNOWN, "no random numbers can be had");
        }
    }
    if (error.code != 0) {
        session_fail(session, &error);
        return;
    }
    memcpy(session->scramble, session->login->exchange.scramble, sizeof session->scramble);
    login_try_greeting(session);
}

/* ---- account ---- */

/* As a server with require_secure_transport says it, once the password was right: MariaDB has no
 * word for it. */
static void deny_clear_text(struct session *session)
{
    const struct server_facts *facts = session_facts(session);
    struct sql_error error = error_make(ERROR_SECURE_TRANSPORT_REQUIRED,
                                        "Connections using insecure transport are prohibited while "
                                        "--require_secure_transport=ON.");

    if (facts != NULL && facts->flavor == FLAVOR_MARIADB) {
        login_deny(session);
    } else {
        session_fail(session, &error);
    }
}

const struct environment *login_environment(struct session *session, struct bytes schema)
{
    struct environment_store *store = session->worker->environments;
    const struct server_facts *facts = session_facts(session);
    const struct environment *blank = environment_blank(store);
    const struct environment *with_charset = NULL;
    const struct environment *with_schema;
    const struct collation *collation = NULL;

    if (facts != NULL) {
        collation = facts_collation(facts, session->collation);
        if (collation == NULL) {
            collation = facts_collation(facts, default_collation(facts));
        }
    }
    if (collation != NULL) {
        with_charset = environment_with_charset(store, blank, bytes_of_text(collation->charset),
                                                bytes_of_text(collation->name));
    }
    if (with_charset == NULL) {
        with_charset = environment_with_charset(store, blank, bytes_of_text("utf8mb4"),
                                                bytes_of_text("utf8mb4_general_ci"));
    }
    with_schema = environment_with_schema(store, with_charset, schema);
    environment_unref(blank);
    environment_unref(with_charset);
    return with_schema;
}

/* From here on what was agreed on in the login holds. */
static void compress(struct session *session, unsigned zstd_level)
{
    const struct config_compression *config = &worker_config(session->worker)->compression;
    enum compression compression = compression_of(session->capabilities);
    unsigned level = config->client_zlib_level;

    if (compression == COMPRESSION_ZSTD) {
        level =
            zstd_level < config->client_zstd_level_max ? zstd_level : config->client_zstd_level_max;
    }
    if (compression != COMPRESSION_NONE) {
        stream_compress_client(session->client, session->worker->compression_room, compression,
                               level);
    }
}

static void finish(struct session *session)
{
    bool is_first = !session->login->change_user;
    unsigned zstd_level = session->login->exchange.zstd_level;

    log_info(log_number("session", session->id), "%s client=%s user=%s schema=%s",
             session->login->change_user ? "changed user" : "logged in", session->peer,
             session->account->name, session->login->exchange.schema);
    login_dispose(session);
    send_login_ok(session, session->sequence);
    if (is_first) {
        compress(session, zstd_level);
    }
    session_enter(session, SESSION_READY);
}

/* The password is right: what else does it take to come in? */
static void verified(struct session *session)
{
    struct session_login *login = session->login;
    const struct config_user *user = login->user;
    const struct environment *environment;
    unsigned count = atomic_fetch_add(&login->account->clients, 1) + 1;

    throttle_succeeded(session->worker->process->throttle, peer_host(session->peer),
                       login->account->name, worker_now(session->worker));
    if (!login->roster->is_open) {
        user_secret_learn(user, login->account, &login->exchange.auth);
    }
    session->account = login->account;
    session->user = session->account->number;
    session->counted = true;
    if (user->max_connections != 0 && count > user->max_connections) {
        struct sql_error error =
            error_make(ERROR_TOO_MANY_USER_CONNECTIONS,
                       "User %s already has more than 'max_user_connections' active connections",
                       login->account->name);

        session_fail(session, &error);
        return;
    }
    environment = login_environment(session, bytes_of_text(login->exchange.schema));
    if (environment == NULL) {
        struct sql_error error =
            error_make(ERROR_UNKNOWN_DATABASE, "Unknown database '%s'", login->exchange.schema);

        session_fail(session, &error);
        return;
    }
    session->lease.era = atomic_load(&session->worker->process->era);
    session->group = NULL; /* another user, perhaps */
    session_set_environment(session, environment);
    schema_chosen(session);
    if (login->exchange.schema[0] == 0) {
        finish(session);
    } else {
        command_try_schema(session);
    }
}

void login_schema_entered(struct session *session)
{
    session_release(session, true);
    session_drop_command(session);
    finish(session);
    session_read(session);
}

void login_schema_refused(struct session *session, const struct sql_error *error)
{
    if (error->code == ERROR_ACCESS_DENIED && session->login->roster->is_open) {
        login_deny(session); /* what was kept is not right any more */
    } else {
        session_fail(session, error);
    }
}

/* ---- the exchange ---- */

void login_proved(struct session *session)
{
    const struct config_user *user = session->login->user;

    if (user == NULL || !login_is_as_required(session, user)) {
        login_deny(session);
    } else if (worker_config(session->worker)->tls.client == CONFIG_TLS_CLIENT_REQUIRED &&
               !login_is_private(session)) {
        deny_clear_text(session);
    } else {
        verified(session);
    }
}

static void act_on(struct session *session, enum login_step step)
{
    const struct login_exchange *exchange = &session->login->exchange;
    struct sql_error error = exchange->error; /* closing frees the exchange */

    session->sequence = exchange->sequence;
    session->capabilities = exchange->capabilities;
    session->collation = (uint16_t)exchange->collation;
    switch (step) {
    case LOGIN_WAITS:
        break;
    case LOGIN_PROVED:
        if (session->login->roster->is_open) {
            guest_proved(session);
        } else {
            login_proved(session);
        }
        break;
    case LOGIN_CLAIMED:
        guest_claimed(session);
        break;
    case LOGIN_DENIED:
        login_deny(session);
        break;
    case LOGIN_FAILED:
        session_fail(session, &error);
        break;
    }
}

static void bad_handshake(struct session *session)
{
    struct sql_error error = error_make(ERROR_HANDSHAKE, "Bad handshake");

    session_fail(session, &error);
}

/* A load balancer's header comes before anything else, also before the greeting. False: what is
 * there is not to be looked at (yet). */
static bool seek_header(struct session *session)
{
    struct session_login *login = session->login;

    if (login == NULL || login->header_sought) {
        return true;
    }
    switch (proxied_read(session)) {
    case PROXIED_MORE:
        return false;
    case PROXIED_BAD:
        bad_handshake(session);
        return false;
    case PROXIED_OWN:
        login->is_spared = true;
        break;
    case PROXIED_NONE:
    case PROXIED_READ:
        break;
    }
    login->header_sought = true;
    return true;
}

/* After failures from its address the login packet stays in the stream for a while. */
static bool may_begin(struct session *session, const struct login *packet)
{
    struct session_login *login = session->login;
    uint64_t now = worker_now(session->worker);
    char name[LOGIN_NAME_BYTES];

    if (login->may_begin || login->is_spared || !bytes_to_text(packet->user, name, sizeof name)) {
        return true;
    }
    if (login->held_until_ns == 0) {
        login->held_until_ns =
            throttle_when(session->worker->process->throttle, peer_host(session->peer), name, now);
    }
    login->may_begin = now >= login->held_until_ns;
    return login->may_begin;
}

void login_tick(struct session *session, uint64_t now_ns)
{
    const struct session_login *login = session->login;

    if (login != NULL && !login->may_begin && login->held_until_ns != 0 &&
        now_ns >= login->held_until_ns) {
        session_read(session);
    }
}

/* False: what is there is something else, and nothing that a password could be in. */
static bool has_login_packet(const struct session *session, struct login *packet)
{
    struct bytes in = stream_peek(session->client);
    struct frame frame;

    return !session->login->exchange.authenticating && frame_read(in, &frame) == PARSE_OK &&
           frame_is_whole(in, frame) && !login_is_tls_request(frame_payload(in, frame)) &&
           login_decode(frame_payload(in, frame), packet) == PARSE_OK;
}

void login_read(struct session *session)
{
    struct login packet;
    struct frame frame;

    if (!seek_header(session)) {
        return;
    }
    if (session->login == NULL || !session->login->greeted) {
        if (frame_read(stream_peek(session->client), &frame) == PARSE_OK) {
            bad_handshake(session); /* a client must not speak before it was greeted */
        }
        return;
    }
    if (guest_waits(session)) {
        return;
    }
    if (has_login_packet(session, &packet)) {
        if (!may_begin(session, &packet)) {
            return;
        }
        if (!guest_may_begin(session, &packet)) {
            /* It stays in the stream until then; an error meanwhile would be the answer to it. */
            session->sequence = (uint8_t)(session->login->exchange.sequence + 1);
            return;
        }
    }
    act_on(session,
           login_exchange_read(&session->login->exchange, session->client, login_account, session));
}

void login_overdue(struct session *session)
{
    struct sql_error error =
        error_make(ERROR_NET_READ_INTERRUPTED, "Got timeout reading communication packets");

    if (session->login != NULL && !session->login->greeted) {
        error = error_make(ERROR_TOO_MANY_CONNECTIONS,
                           "no server has answered yet, so there is nothing to log in to");
    } else if (session->login != NULL && guest_waits(session)) {
        error = error_make(ERROR_SERVER_LOST, "the password could not be checked in time%s%s",
                           checks_trouble(&session->login->guest.waiter)[0] != '\0' ? ": " : "",
                           checks_trouble(&session->login->guest.waiter));
    }
    session_fail(session, &error);
}

void login_begin_change(struct session *session, const struct login *packet)
{
    act_on(session, login_exchange_begin(&session->login->exchange, session->client, packet,
                                         login_account, session));
}

void login_change_user(struct session *session, struct bytes payload)
{
    struct login packet;

    session->sequence = 1;
    if (change_user_decode(payload, session->capabilities, &packet) != PARSE_OK) {
        struct sql_error error = error_make(ERROR_UNKNOWN_COMMAND, "Malformed COM_CHANGE_USER");

        session_fail(session, &error);
        return;
    }
    session_forget(session);
    atomic_fetch_sub(&session->account->clients, 1);
    session->counted = false;
    session->login = mem_calloc(1, sizeof *session->login);
    session->login->greeted = true;
    session->login->change_user = true;
    session->login->header_sought = true;
    session->login->may_begin = true;
    login_exchange_resume(&session->login->exchange, session->scramble, session->capabilities,
                          session->sequence);
    session->state_since_ns = worker_now(session->worker);
    session_enter(session, SESSION_LOGIN);
    if (guest_may_begin(session, &packet)) {
        login_begin_change(session, &packet);
    } else {
        session->login->guest.held = mem_copy(payload.data, payload.size);
        session->login->guest.held_size = payload.size;
    }
}
