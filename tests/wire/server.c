/*
 * See server.h: connections, their logins, and the commands that come. The answers are in
 * answers.c.
 */
#include "server.h"

#include "packets.h"

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/handshake.h"
#include "protocol/prepared.h"
#include "protocol/rsa_key.h"
#include "proxy/memory.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { SERVER_COLLATION = 45 };

/* As a MySQL, or as a MariaDB 10.11. */
static uint64_t offered_by(const struct server *server)
{
    uint64_t capabilities = CAPABILITIES_OFFERED & ~CAPABILITIES_MARIADB;

    if (server->world->facts.flavor == FLAVOR_MARIADB) {
        capabilities |= CAPABILITY_MARIADB_PROGRESS | CAPABILITY_MARIADB_BULK |
                        CAPABILITY_MARIADB_EXTENDED_METADATA;
        capabilities &= ~CAPABILITY_MYSQL;
    }
    return capabilities & ~server->lacks;
}

struct server *servers_new(struct world *world, unsigned count)
{
    struct server *servers = mem_calloc(count, sizeof *servers);

    for (unsigned i = 0; i < count; i++) {
        servers[i].world = world;
        servers[i].number = i;
        servers[i].by_itself =
            BY_ITSELF_SETUP | BY_ITSELF_SCHEMA | BY_ITSELF_RESET | BY_ITSELF_CLOSE | BY_ITSELF_QUIT;
    }
    return servers;
}

static void seen_free(struct seen *seen)
{
    if (seen != NULL) {
        mem_free(seen->payload);
        mem_free(seen);
    }
}

static void connection_free(struct connection *connection)
{
    struct seen *next;

    for (struct seen *seen = connection->first; seen != NULL; seen = next) {
        next = seen->next;
        seen_free(seen);
    }
    seen_free(connection->taken);
    wire_release(connection->wire);
    mem_free(connection->model);
    mem_free(connection);
}

void servers_free(struct server *servers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct connection *next;

        for (struct connection *c = servers[i].first; c != NULL; c = next) {
            next = c->next;
            connection_free(c);
        }
    }
    mem_free(servers);
}

/* ---- login ---- */

static void write_payload(struct connection *connection, const struct writer *payload)
{
    uint8_t head[FRAME_HEAD_SIZE];

    assert_false(payload->failed);
    frame_write(head, (struct frame){(uint32_t)payload->size, connection->sequence++});
    wire_write(connection->wire, head, sizeof head);
    wire_write(connection->wire, payload->data, payload->size);
}

static enum auth_plugin other_plugin(enum auth_plugin plugin)
{
    return plugin == AUTH_PLUGIN_NATIVE ? AUTH_PLUGIN_CACHING_SHA2 : AUTH_PLUGIN_NATIVE;
}

static void greet(struct connection *connection)
{
    const struct server *server = connection->server;
    enum auth_plugin plugin =
        server->greets_with_other_plugin ? other_plugin(server->plugin) : server->plugin;
    uint8_t space[512];
    struct writer out = writer_over(space, sizeof space);
    struct greeting greeting = {
        .version = bytes_of_text("5.5.5-10.11.6-MariaDB"),
        .thread_id = connection->number,
        .capabilities = offered_by(server),
        .collation = SERVER_COLLATION,
        .status = STATUS_AUTOCOMMIT,
        .plugin = bytes_of_text(auth_plugin_name(plugin)),
    };

    memcpy(greeting.scramble, connection->scramble, SCRAMBLE_SIZE);
    greeting_encode(&out, &greeting);
    write_payload(connection, &out);
}

struct stream *server_accept(struct server *server, const struct stream_events *events, void *owner,
                             int *status)
{
    struct connection *connection;

    if (server->no_sockets) {
        *status = UV_EMFILE;
        return NULL;
    }
    connection = mem_calloc(1, sizeof *connection);
    connection->server = server;
    connection->wire = wire_new(&server->world->network);
    connection->number = ++server->count;
    connection->status = STATUS_AUTOCOMMIT;
    if (server->last != NULL) {
        server->last->next = connection;
    } else {
        server->first = connection;
    }
    server->last = connection;
    for (unsigned i = 0; i < SCRAMBLE_SIZE; i++) {
        connection->scramble[i] = (uint8_t)('A' + (i + connection->number) % 26);
    }
    connection->wire->corrupt_at = server->corrupt_at;
    connection->wire->corrupt_mask = server->corrupt_mask;
    connection->wire->connect_status = server->connect_status;
    connection->wire->held = server->holds_connects;
    if (server->connect_status == 0 && server->greeting_bytes != NULL) {
        wire_write(connection->wire, server->greeting_bytes, server->greeting_size);
    } else if (server->connect_status == 0 && !server->silent) {
        greet(connection);
    }
    *status = 0;
    return wire_connect(connection->wire, events, owner);
}

static void refuse_login(struct connection *connection, unsigned code, const char *text)
{
    struct sql_error error = error_make(ERROR_UNKNOWN, "%s", text);
    uint8_t space[600];
    struct writer out = writer_over(space, sizeof space);

    error.code = (uint16_t)code;
    snprintf(error.sqlstate, sizeof error.sqlstate, "%s", error_sqlstate(code));
    error_encode(&out, &error, CAPABILITY_PROTOCOL_41);
    write_payload(connection, &out);
    wire_end(connection->wire, UV_EOF);
}

static void follow_verdict(struct connection *connection, enum auth_verdict verdict,
                           const struct writer *out)
{
    uint8_t space[64];
    struct writer ok_out = writer_over(space, sizeof space);
    struct ok_packet ok = {.status = STATUS_AUTOCOMMIT};

    if (out->size > 0) {
        write_payload(connection, out);
    }
    switch (verdict) {
    case AUTH_SEND:
    case AUTH_WAIT:
        connection->stage = AUTHENTICATES;
        break;
    case AUTH_OK:
        ok_encode(&ok_out, &ok, connection->capabilities);
        write_payload(connection, &ok_out);
        connection->stage = COMMANDS;
        break;
    case AUTH_CLAIMED:
    case AUTH_DENIED:
        refuse_login(connection, 1045, "Access denied for this test");
        break;
    }
}

static void take_login(struct connection *connection, struct bytes payload)
{
    struct server *server = connection->server;
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct login login;
    struct auth_account account = {.plugin = server->plugin,
                                   .ask_password = server->asks_password,
                                   .rsa_key = server->world->process.rsa_key};

    assert_int_equal(login_decode(payload, &login), PARSE_OK);
    assert_true(login.capabilities & CAPABILITY_SESSION_TRACK);
    assert_true(bytes_to_text(login.user, connection->user, sizeof connection->user));
    connection->capabilities = login.capabilities & offered_by(server);
    if (server->login_error != 0) {
        refuse_login(connection, server->login_error, "no login in this test");
        return;
    }
    account.credential = (struct credential){
        CREDENTIAL_PASSWORD, bytes_of_text(strcmp(connection->user, "other") == 0 ? "hidden"
                                           : server->password != NULL             ? server->password
                                                                                  : "secret")};
    if (auth_plugin_of(login.plugin) != server->plugin) {
        login.plugin = bytes_of_text("an account with another plugin"); /* it will be switched */
    }
    follow_verdict(connection,
                   auth_server_begin(&connection->auth, &account, connection->scramble,
                                     login.plugin, login.response, &out),
                   &out);
}

static void take_auth(struct connection *connection, struct bytes payload)
{
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);

    follow_verdict(connection, auth_server_next(&connection->auth, payload, &out), &out);
}

/* ---- commands ---- */

static void append_hex(char *text, size_t size, struct bytes data)
{
    for (size_t i = 0; i < data.size && i < 64; i++) {
        text_append(text, size, "%02x", data.data[i]);
    }
    if (data.size > 64) {
        text_append(text, size, "... (%zu)", data.size);
    }
}

static void append_cut(char *text, size_t size, struct bytes data)
{
    if (data.size <= 1500) {
        text_append(text, size, "%.*s", (int)data.size, (const char *)data.data);
    } else {
        text_append(text, size, "%.40s... (%zu)", (const char *)data.data, data.size);
    }
}

static void describe(struct seen *seen)
{
    struct bytes payload = bytes_of(seen->payload, seen->size);
    struct bytes rest = bytes_after(payload, 1);
    const char *name = command_info(seen->code)->name;
    uint32_t id;

    text_append(seen->text, sizeof seen->text, "%s",
                strncmp(name, "STMT_", 5) == 0 ? name + 5 : name);
    switch (seen->code) {
    case COMMAND_STMT_EXECUTE:
    case COMMAND_STMT_BULK_EXECUTE:
    case COMMAND_STMT_CLOSE:
    case COMMAND_STMT_RESET:
    case COMMAND_STMT_FETCH:
    case COMMAND_STMT_SEND_LONG_DATA:
        assert_int_equal(statement_id_read(payload, &id), PARSE_OK);
        text_append(seen->text, sizeof seen->text, " %u", id);
        rest = bytes_after(payload, 5);
        if (rest.size > 0) {
            text_append(seen->text, sizeof seen->text, " ");
            append_hex(seen->text, sizeof seen->text, rest);
        }
        break;
    default:
        if (bytes_start_with(rest, "SET session_track_system_variables='")) {
            seen->text[0] = 0;
            text_append(seen->text, sizeof seen->text, "SETUP");
        } else if (bytes_start_with(rest, "SET session_track_system_variables=_utf8mb4")) {
            seen->text[0] = 0;
            text_append(seen->text, sizeof seen->text, "FOLLOW");
        } else if (bytes_start_with(rest, "SELECT CAST(CONVERT(@@session.session_track_")) {
            seen->text[0] = 0;
            text_append(seen->text, sizeof seen->text, "ASK");
        } else if (rest.size > 0) {
            text_append(seen->text, sizeof seen->text, " ");
            append_cut(seen->text, sizeof seen->text, rest);
        }
    }
}

/* Takes a whole payload off the wire, of however many packets. NULL: it is not all there. */
static struct seen *take_command(struct connection *connection)
{
    struct bytes in = wire_unread(connection->wire);
    size_t unread = in.size;
    struct bytes part = {0};
    uint8_t expected = 0;
    uint8_t sequence;
    struct seen *seen = mem_calloc(1, sizeof *seen);

    do {
        if (!packet_next(&in, &part, &sequence)) {
            seen_free(seen);
            return NULL;
        }
        assert_int_equal(sequence, expected++);
        seen->payload = mem_realloc(seen->payload, seen->size + part.size + 1);
        if (part.size > 0) {
            memcpy(seen->payload + seen->size, part.data, part.size);
        }
        seen->size += part.size;
        seen->sequence = sequence;
    } while (part.size == FRAME_MAX);
    wire_consume(connection->wire, unread - in.size);
    seen->code = seen->payload[0];
    describe(seen);
    return seen;
}

static void keep_command(struct connection *connection, struct seen *seen)
{
    if (strlen(connection->log) + COMMAND_TEXT_MAX + 2 > sizeof connection->log) {
        connection->log[0] = 0;
    }
    text_append(connection->log, sizeof connection->log, "%s%s",
                connection->log[0] == 0 ? "" : "; ", seen->text);
    if (connection->last != NULL) {
        connection->last->next = seen;
    } else {
        connection->first = seen;
    }
    connection->last = seen;
}

/* The command at the front is the one being answered. */
static void take_front(struct connection *connection)
{
    seen_free(connection->taken);
    connection->taken = connection->first;
    connection->first = connection->first->next;
    if (connection->first == NULL) {
        connection->last = NULL;
    }
    connection->sequence = (uint8_t)(connection->taken->sequence + 1);
}

static unsigned kind_of(const struct seen *seen)
{
    switch (seen->code) {
    case COMMAND_INIT_DB:
        return BY_ITSELF_SCHEMA;
    case COMMAND_RESET_CONNECTION:
        return BY_ITSELF_RESET;
    case COMMAND_STMT_CLOSE:
        return BY_ITSELF_CLOSE;
    case COMMAND_QUIT:
        return BY_ITSELF_QUIT;
    case COMMAND_QUERY:
        if (strcmp(seen->text, "SETUP") == 0 || strcmp(seen->text, "FOLLOW") == 0) {
            return BY_ITSELF_SETUP;
        }
        return strncmp(seen->text, "QUERY SET ", 10) == 0 ? BY_ITSELF_SET : 0;
    default:
        return 0;
    }
}

/* Answers the command at the front where nobody has to be asked. False: it waits for the test. */
static bool answer_by_itself(struct connection *connection)
{
    struct server *server = connection->server;
    const struct seen *seen = connection->first;
    char words[COMMAND_TEXT_MAX + 8];

    if (connection->taken != NULL || seen == NULL || connection->wire->peer_closed) {
        return false;
    }
    if ((kind_of(seen) & server->by_itself) == 0) {
        if (server->answer == NULL) {
            return false;
        }
        take_front(connection);
        assert_true(server->answer(connection, connection->taken));
        return true;
    }
    take_front(connection);
    if (connection->taken->code == COMMAND_QUIT) {
        answer_done(connection);
        wire_end(connection->wire, UV_EOF);
        return true;
    }
    snprintf(words, sizeof words, "%s%s",
             kind_of(connection->taken) == BY_ITSELF_SCHEMA ? "schema=" : "",
             kind_of(connection->taken) == BY_ITSELF_SCHEMA
                 ? connection->taken->text + strlen("INIT_DB ")
                 : "");
    if (kind_of(connection->taken) == BY_ITSELF_CLOSE) {
        seen_free(connection->taken);
        connection->taken = NULL;
    } else {
        answer_ok(connection, words);
    }
    return true;
}

static bool connection_read(struct connection *connection)
{
    struct bytes in = wire_unread(connection->wire);
    struct bytes payload;
    uint8_t sequence;
    struct seen *seen;

    if (connection->raw) {
        return false;
    }
    if (connection->stage == COMMANDS) {
        seen = take_command(connection);
        if (seen != NULL) {
            keep_command(connection, seen);
            return true;
        }
        return answer_by_itself(connection);
    }
    if (connection->wire->peer_closed || !packet_next(&in, &payload, &sequence)) {
        return false;
    }
    assert_int_equal(sequence, connection->sequence);
    connection->sequence = (uint8_t)(sequence + 1);
    if (connection->stage == AWAITS_LOGIN) {
        take_login(connection, payload);
    } else {
        take_auth(connection, payload);
    }
    wire_consume(connection->wire, payload.size + FRAME_HEAD_SIZE);
    return true;
}

bool servers_read(struct world *world)
{
    bool any = false;

    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            any = connection_read(c) || any;
        }
    }
    return any;
}

/* ---- expectations ---- */

struct connection *server_connection(struct world *world, unsigned server, unsigned number)
{
    struct connection *connection = world->scripts[server].first;

    while (connection != NULL && connection->number != number) {
        connection = connection->next;
    }
    return connection;
}

static void print_waiting(struct world *world)
{
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            print_error("server %u connection %u%s: \"%s\"; at its front: %s\n", i + 1, c->number,
                        c->wire->proxy_closed ? " (closed)" : "", c->log,
                        c->first != NULL ? c->first->text : "nothing");
        }
    }
}

static struct connection *find_waiting(struct world *world, unsigned from, unsigned to,
                                       const char *command)
{
    world_run(world);
    for (unsigned i = from; i < to; i++) {
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            if (c->taken == NULL && c->first != NULL && strcmp(c->first->text, command) == 0) {
                take_front(c);
                return c;
            }
        }
    }
    print_error("no server was asked: %s\n", command);
    print_waiting(world);
    fail();
    return NULL;
}

struct connection *world_expect(struct world *world, const char *command)
{
    return find_waiting(world, 0, WORLD_SERVERS, command);
}

struct connection *server_expect(struct world *world, unsigned server, const char *command)
{
    return find_waiting(world, server, server + 1, command);
}

void connection_expect(struct connection *connection, const char *command)
{
    world_run(connection->server->world);
    assert_null(connection->taken);
    assert_non_null(connection->first);
    assert_string_equal(connection->first->text, command);
    take_front(connection);
}

void world_expect_nothing(struct world *world)
{
    world_run(world);
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            if (c->wire->peer_closed) {
                continue;
            }
            if (c->taken != NULL || (c->first != NULL && c->first->code != COMMAND_QUIT)) {
                print_waiting(world);
                fail_msg("a command is waiting for its answer");
            }
        }
    }
}

void connection_lose(struct connection *connection)
{
    wire_end(connection->wire, UV_ECONNRESET);
}
