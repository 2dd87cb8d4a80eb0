/*
 * The login of a client, also in the middle of a session (COM_CHANGE_USER). What the packets hold
 * is protocol/handshake.h's, how a password is proved protocol/auth.h's; here is who may come in:
 *
 *   greeting --login packet--> account --exchange--> verified --default schema tried--> OK
 *        |                        |                     |                |
 *       1040                     1045                  1203         1049, 1044: the server's words
 */
#include "proxy/client/login.h"

#include "health/topology.h"
#include "protocol/auth.h"
#include "protocol/capability.h"
#include "protocol/frame.h"
#include "protocol/handshake.h"
#include "proxy/client/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/proxied.h"
#include "proxy/client/send.h"
#include "proxy/client/session.h"
#include "proxy/client/user_secret.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    LOGIN_PACKET_MAX = 64 << 10, /* longer login packets are refused; attributes may take most */
    FALLBACK_COLLATION = 45,     /* utf8mb4_general_ci */
};

struct session_login {
    struct auth_server auth;
    bool greeted;
    bool authenticating; /* the login packet came; the exchange goes on */
    bool change_user;
    bool header_sought;             /* the first bytes came: no PROXY header from here on */
    struct roster *roster;          /* shared reference: what the password is checked with */
    const struct roster_user *user; /* in the roster; NULL: there is none of that name */
    uint8_t hash[NATIVE_HASH_SIZE]; /* of password_hash */
    char name[128];
    char schema[ENVIRONMENT_MAX_SCHEMA + 1];
    bool with_password;
};

void login_dispose(struct session *session)
{
    if (session->login != NULL) {
        roster_unref(session->login->roster);
        OPENSSL_cleanse(session->login, sizeof *session->login);
        mem_free(session->login);
        session->login = NULL;
    }
}

/* ---- greeting ---- */

/* QUERY_ATTRIBUTES stays away: they would have to be put in front of every command of the proxy's
 * own on such a connection, and into each statement that is prepared again. Drivers do without. */
static const uint64_t offered =
    CAPABILITIES_OFFERED & ~CAPABILITIES_MARIADB & ~CAPABILITY_QUERY_ATTRIBUTES;

static bool make_scramble(struct session *session)
{
    uint8_t random[SCRAMBLE_SIZE];

    if (RAND_bytes(random, sizeof random) != 1) {
        return false;
    }
    scramble_from_random(random, session->scramble);
    return true;
}

static unsigned default_collation(const struct server_facts *facts)
{
    const char *name = facts == NULL ? NULL : facts_variable(facts, "collation_server");
    const struct collation *collation =
        name == NULL ? NULL : facts_collation_named(facts, bytes_of_text(name));

    return collation == NULL ? FALLBACK_COLLATION : collation->id;
}

void login_try_greeting(struct session *session)
{
    const struct config *config = worker_config(session->worker);
    const struct server_facts *facts = session_facts(session);
    uint8_t packet[512];
    struct writer out = writer_over(packet, sizeof packet);
    struct greeting greeting = {.status = STATUS_AUTOCOMMIT};
    char version[300];
    const char *plugin = "mysql_native_password";
    size_t at;

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
    memcpy(greeting.scramble, session->scramble, SCRAMBLE_SIZE);
    greeting.capabilities = offered;
    greeting.collation = (uint8_t)default_collation(facts);
    greeting.plugin = bytes_of_text(plugin);
    at = write_packet_begin(&out);
    greeting_encode(&out, &greeting);
    write_packet_end(&out, at, 0);
    session->sequence = 1;
    session->capabilities = CAPABILITY_PROTOCOL_41; /* errors have SQLSTATEs from here on */
    stream_write_one(session->client, writer_bytes(&out));
}

void login_greet(struct session *session)
{
    struct process *process = session->worker->process;
    struct sql_error error = {0};

    if (atomic_load(&process->clients) > worker_config(session->worker)->proxy.max_clients) {
        error = error_make(ERROR_TOO_MANY_CONNECTIONS, "Too many connections");
    } else if (session->worker->draining) {
        error = error_make(ERROR_SERVER_SHUTDOWN, "Server shutdown in progress");
    } else if (!make_scramble(session)) {
        error = error_make(ERROR_UNKNOWN, "no random numbers can be had");
    }
    if (error.code != 0) {
        session_fail(session, &error);
        return;
    }
    session->login = mem_calloc(1, sizeof *session->login);
    login_try_greeting(session);
}

/* ---- account ---- */

static void deny(struct session *session)
{
    const struct session_login *login = session->login;
    struct sql_error error = error_make(
        ERROR_ACCESS_DENIED, "Access denied for user '%s'@'%.*s' (using password: %s)", login->name,
        (int)peer_host(session->peer).size, session->peer, login->with_password ? "YES" : "NO");

    session_fail(session, &error);
}

static struct auth_account account_of(struct session *session)
{
    struct process *process = session->worker->process;
    struct session_login *login = session->login;
    const struct server_facts *facts = session_facts(session);
    struct auth_account account = {.secure = session->is_unix, .rsa_key = process->rsa_key};

    account.plugin = facts != NULL && auth_plugin_of(bytes_of_text(facts->default_plugin)) ==
                                          AUTH_PLUGIN_CACHING_SHA2
                         ? AUTH_PLUGIN_CACHING_SHA2
                         : AUTH_PLUGIN_NATIVE;
    if (login->user != NULL) {
        const struct config_user *user = login->user->config;

        if (user->password != NULL) {
            account.credential =
                (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(user->password)};
        } else if (user_hash(user, login->hash)) {
            account.credential = (struct credential){CREDENTIAL_NATIVE_HASH,
                                                     bytes_of(login->hash, sizeof login->hash)};
            account.plugin = AUTH_PLUGIN_NATIVE;
        }
    }
    return account;
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

static void finish(struct session *session)
{
    log_info(log_number("session", session->id), "%s client=%s user=%s schema=%s",
             session->login->change_user ? "changed user" : "logged in", session->peer,
             session->account->name, session->login->schema);
    login_dispose(session);
    send_login_ok(session, session->sequence);
    session_enter(session, SESSION_READY);
}

/* The password is right: what else does it take to come in? */
static void verified(struct session *session)
{
    struct session_login *login = session->login;
    const struct config_user *user = login->user->config;
    const struct environment *environment;
    unsigned count = atomic_fetch_add(&login->user->account->clients, 1) + 1;

    user_secret_learn(login->user, &login->auth);
    session->account = login->user->account;
    session->user = session->account->number;
    session->counted = true;
    if (user->max_connections != 0 && count > user->max_connections) {
        struct sql_error error = error_make(
            ERROR_TOO_MANY_USER_CONNECTIONS,
            "User %s already has more than 'max_user_connections' active connections", user->name);

        session_fail(session, &error);
        return;
    }
    environment = login_environment(session, bytes_of_text(login->schema));
    if (environment == NULL) {
        struct sql_error error =
            error_make(ERROR_UNKNOWN_DATABASE, "Unknown database '%s'", login->schema);

        session_fail(session, &error);
        return;
    }
    session->group = NULL; /* another user, perhaps */
    session_set_environment(session, environment);
    if (login->schema[0] == 0) {
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
    session_fail(session, error);
}

/* ---- the exchange ---- */

static void act_on(struct session *session, enum auth_verdict verdict, const struct writer *out)
{
    if (out->size > 0 || verdict == AUTH_SEND) {
        send_payload(session, writer_bytes(out), session->sequence++);
    }
    switch (verdict) {
    case AUTH_SEND:
    case AUTH_WAIT:
        session->login->authenticating = true;
        break;
    case AUTH_OK:
        if (session->login->user == NULL) {
            deny(session);
        } else {
            verified(session);
        }
        break;
    case AUTH_DENIED:
        deny(session);
        break;
    }
}

static void begin(struct session *session, const struct login *packet)
{
    uint8_t payload[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(payload, sizeof payload);
    struct session_login *login = session->login;
    struct auth_account account;

    login->with_password = packet->response.size > 0;
    session->collation = packet->collation;
    if (!bytes_to_text(packet->user, login->name, sizeof login->name)) {
        deny(session);
        return;
    }
    if (!bytes_to_text(packet->schema, login->schema, sizeof login->schema)) {
        struct sql_error error = error_make(ERROR_UNKNOWN_DATABASE, "Unknown database");

        session_fail(session, &error);
        return;
    }
    login->roster = roster_ref(session->worker->roster);
    login->user = roster_find_user(login->roster, login->name);
    account = account_of(session);
    act_on(session,
           auth_server_begin(&login->auth, &account, session->scramble, packet->plugin,
                             packet->response, &out),
           &out);
}

static void bad_handshake(struct session *session)
{
    struct sql_error error = error_make(ERROR_HANDSHAKE, "Bad handshake");

    session_fail(session, &error);
}

/* A client that says it does not know SQLSTATEs gets none; both servers do so (measured). */
static void heed_protocol_41(struct session *session, struct bytes payload)
{
    struct reader in = reader_over(payload);
    uint16_t flags = read_u16(&in);

    if (!in.failed && !(flags & CAPABILITY_PROTOCOL_41)) {
        session->capabilities = 0;
    }
}

static void on_login_packet(struct session *session, struct bytes payload)
{
    struct login packet;

    heed_protocol_41(session, payload);
    if (login_is_tls_request(payload) || login_decode(payload, &packet) != PARSE_OK ||
        (packet.capabilities & CAPABILITIES_REQUIRED) != CAPABILITIES_REQUIRED) {
        bad_handshake(session);
        return;
    }
    session->capabilities = packet.capabilities & offered;
    begin(session, &packet);
}

static void on_auth_packet(struct session *session, struct bytes payload)
{
    uint8_t answer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(answer, sizeof answer);

    session->login->with_password = true;
    act_on(session, auth_server_next(&session->login->auth, payload, &out), &out);
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
    case PROXIED_NONE:
    case PROXIED_READ:
        break;
    }
    login->header_sought = true;
    return true;
}

void login_read(struct session *session)
{
    struct bytes in;
    struct frame frame;
    struct sql_error error;

    if (!seek_header(session)) {
        return;
    }
    in = stream_peek(session->client);
    if (frame_read(in, &frame) != PARSE_OK) {
        return;
    }
    if (session->login == NULL || !session->login->greeted) {
        bad_handshake(session); /* a client must not speak before it was greeted */
        return;
    }
    if (frame.length > LOGIN_PACKET_MAX) {
        bad_handshake(session);
        return;
    }
    if (frame.sequence != session->sequence) {
        error = error_make(ERROR_PACKETS_OUT_OF_ORDER, "Got packets out of order");
        session_fail(session, &error);
        return;
    }
    if (!frame_is_whole(in, frame)) {
        stream_expect(session->client, frame_size(frame));
        return;
    }
    session->sequence++;
    if (session->login->authenticating) {
        on_auth_packet(session, frame_payload(in, frame));
    } else {
        on_login_packet(session, frame_payload(in, frame));
    }
    if (session->state != SESSION_CLOSING) {
        stream_consume(session->client, frame_size(frame));
    }
}

void login_overdue(struct session *session)
{
    struct sql_error error =
        error_make(ERROR_NET_READ_INTERRUPTED, "Got timeout reading communication packets");

    if (session->login != NULL && !session->login->greeted) {
        error = error_make(ERROR_TOO_MANY_CONNECTIONS,
                           "no server has answered yet, so there is nothing to log in to");
    }
    session_fail(session, &error);
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
    session->state_since_ns = worker_now(session->worker);
    session_enter(session, SESSION_LOGIN);
    begin(session, &packet);
}
