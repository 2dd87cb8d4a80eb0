/*
 * See client.h: connecting, logging in, sending. Reading answers is in client_answer.c.
 */
#include "client.h"

#include "packets.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/handshake.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

/* ---- life ---- */

struct client *client_connect_from(struct world *world, unsigned worker, const char *peer)
{
    struct client *client = mem_calloc(1, sizeof *client);
    struct session *session;

    client->world = world;
    client->wire = wire_new(&world->network);
    client->next = world->clients;
    world->clients = client;
    atomic_fetch_add(&world->process.clients, 1);
    session = session_new(&world->workers[worker], false, peer);
    session->client = wire_adopt(client->wire, &session_stream_events, session);
    session_start(session);
    return client;
}

struct client *client_connect(struct world *world, unsigned worker)
{
    return client_connect_from(world, worker, "127.0.0.1:50000");
}

void client_leave(struct client *client)
{
    wire_end(client->wire, UV_EOF);
}

void client_quit(struct client *client)
{
    client_send(client, COMMAND_QUIT, NULL, 0);
}

void clients_release(struct world *world)
{
    struct client *next;

    for (struct client *client = world->clients; client != NULL; client = next) {
        next = client->next;
        wire_release(client->wire);
        mem_free(client);
    }
    world->clients = NULL;
}

/* ---- login ---- */

/* The next packet of a login; false when none is there. */
static bool login_packet(struct client *client, struct bytes *payload)
{
    struct bytes in = wire_unread(client->wire);
    uint8_t sequence;

    if (!packet_next(&in, payload, &sequence)) {
        return false;
    }
    assert_int_equal(sequence, client->sequence);
    client->sequence++;
    return true;
}

static void login_done(struct client *client, struct bytes payload)
{
    wire_consume(client->wire, payload.size + FRAME_HEAD_SIZE);
}

static void send_login_payload(struct client *client, struct bytes payload)
{
    uint8_t head[FRAME_HEAD_SIZE];

    frame_write(head, (struct frame){(uint32_t)payload.size, client->sequence++});
    wire_write(client->wire, head, sizeof head);
    wire_write(client->wire, payload.data, payload.size);
}

static const char *refusal(struct client *client, struct bytes payload)
{
    struct sql_error error;

    assert_int_equal(error_decode(payload, &error), PARSE_OK);
    client->answer[0] = 0;
    text_append(client->answer, sizeof client->answer, "error %u %s %s", error.code, error.sqlstate,
                error.text);
    login_done(client, payload);
    return client->answer;
}

static void send_login(struct client *client, const struct client_login *how)
{
    uint8_t space[2048];
    uint8_t response[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct writer auth_out = writer_over(response, sizeof response);
    const char *password = how->password != NULL ? how->password : "secret";
    struct credential credential = {CREDENTIAL_PASSWORD, bytes_of_text(password)};
    struct login login = {
        .capabilities = how->capabilities != 0 ? how->capabilities : CLIENT_CAPABILITIES,
        .max_packet = 1u << 30,
        .collation = how->collation != 0 ? how->collation : 45,
        .user = bytes_of_text(how->user != NULL ? how->user : "app"),
        .schema = bytes_of_text(how->schema),
    };

    if (how->schema != NULL) {
        login.capabilities |= CAPABILITY_CONNECT_WITH_DB;
    }
    assert_int_not_equal(
        auth_client_begin(&client->auth, &credential, false,
                          bytes_of_text(how->plugin != NULL ? how->plugin : client->plugin),
                          client->scramble, &auth_out),
        AUTH_DENIED);
    login.response = writer_bytes(&auth_out);
    login.plugin = bytes_of_text(auth_plugin_name(client->auth.plugin));
    login_encode(&out, &login);
    assert_false(out.failed);
    client->capabilities = login.capabilities;
    send_login_payload(client, writer_bytes(&out));
}

const char *client_begin_login(struct client *client, const struct client_login *how)
{
    struct greeting greeting;
    struct bytes payload;

    world_run(client->world);
    if (!login_packet(client, &payload)) {
        return client->wire->proxy_closed ? "closed" : "no greeting";
    }
    if (error_is_packet(payload)) {
        return refusal(client, payload);
    }
    assert_int_equal(greeting_decode(payload, &greeting), PARSE_OK);
    client->id = greeting.thread_id;
    memcpy(client->scramble, greeting.scramble, SCRAMBLE_SIZE);
    assert_true(bytes_to_text(greeting.version, client->version, sizeof client->version));
    assert_true(bytes_to_text(greeting.plugin, client->plugin, sizeof client->plugin));
    login_done(client, payload);
    send_login(client, how);
    return "";
}

const char *client_end_login(struct client *client)
{
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct bytes payload;

    for (;;) {
        world_run(client->world);
        if (!login_packet(client, &payload)) {
            return client->wire->proxy_closed ? "closed" : "nothing";
        }
        if (error_is_packet(payload)) {
            return refusal(client, payload);
        }
        switch (auth_client_next(&client->auth, payload, &out)) {
        case AUTH_OK:
            login_done(client, payload);
            return "ok";
        case AUTH_SEND:
            login_done(client, payload);
            send_login_payload(client, writer_bytes(&out));
            break;
        case AUTH_WAIT:
            login_done(client, payload);
            break;
        case AUTH_CLAIMED:
        case AUTH_DENIED:
            return "denied by the client";
        }
    }
}

struct client *client_log_in_as(struct world *world, const struct client_login *how)
{
    struct client *client =
        client_connect_from(world, how->worker, how->peer != NULL ? how->peer : "127.0.0.1:50000");

    assert_string_equal(client_begin_login(client, how), "");
    assert_string_equal(client_end_login(client), "ok");
    return client;
}

struct client *client_log_in(struct world *world, const char *schema)
{
    return client_log_in_as(world, &(struct client_login){.schema = schema});
}

void client_change_user(struct client *client, const struct client_login *how)
{
    uint8_t space[2048];
    uint8_t response[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct writer auth_out = writer_over(response, sizeof response);
    struct credential credential = {CREDENTIAL_PASSWORD, bytes_of_text(how->password)};
    struct login login = {
        .capabilities = client->capabilities,
        .collation = 45,
        .user = bytes_of_text(how->user),
        .schema = bytes_of_text(how->schema),
    };

    assert_int_not_equal(auth_client_begin(&client->auth, &credential, false,
                                           bytes_of_text(client->plugin), client->scramble,
                                           &auth_out),
                         AUTH_DENIED);
    login.response = writer_bytes(&auth_out);
    login.plugin = bytes_of_text(auth_plugin_name(client->auth.plugin));
    change_user_encode(&out, &login);
    assert_false(out.failed);
    client->sequence = 0;
    send_login_payload(client, writer_bytes(&out));
}

/* ---- commands ---- */

static void remember(struct client *client, unsigned code)
{
    assert_true(client->count < CLIENT_COMMANDS_MAX);
    if (command_info((uint8_t)code)->answer != ANSWER_NONE) {
        client->codes[(client->first + client->count++) % CLIENT_COMMANDS_MAX] = (uint8_t)code;
    }
}

void client_send_part(struct client *client, const void *data, size_t size)
{
    wire_write(client->wire, data, size);
}

void client_send(struct client *client, unsigned code, const void *data, size_t size)
{
    uint8_t *payload = mem_alloc(size + 1);
    uint8_t head[FRAME_HEAD_SIZE];
    struct bytes rest = {payload, size + 1};
    struct bytes part;
    uint8_t sequence = 0;

    payload[0] = (uint8_t)code;
    if (size > 0) {
        memcpy(payload + 1, data, size);
    }
    do {
        part = bytes_first(rest, FRAME_MAX);
        rest = bytes_after(rest, FRAME_MAX);
        frame_write(head, (struct frame){(uint32_t)part.size, sequence++});
        wire_write(client->wire, head, sizeof head);
        wire_write(client->wire, part.data, part.size);
    } while (part.size == FRAME_MAX);
    client->upload_sequence = (uint8_t)(sequence - 1);
    mem_free(payload);
    remember(client, code);
}

void client_query(struct client *client, const char *sql)
{
    client_send(client, COMMAND_QUERY, sql, strlen(sql));
}

static void send_execute_of(struct client *client, uint32_t id, uint8_t flags, const char *value,
                            bool with_type)
{
    uint8_t space[1024];
    struct writer out = writer_over(space, sizeof space);

    write_u32(&out, id);
    write_u8(&out, flags);
    write_u32(&out, 1);
    write_u8(&out, 0); /* nulls */
    write_u8(&out, with_type ? 1 : 0);
    if (with_type) {
        write_u16(&out, COLUMN_VAR_STRING);
    }
    write_lenenc_bytes(&out, bytes_of_text(value));
    assert_false(out.failed);
    client_send(client, COMMAND_STMT_EXECUTE, space, out.size);
}

void client_execute(struct client *client, uint32_t id, const char *value, bool with_type)
{
    send_execute_of(client, id, 0, value, with_type);
}

void client_execute_opening(struct client *client, uint32_t id, const char *value, bool with_type)
{
    send_execute_of(client, id, EXECUTE_CURSOR_READ_ONLY, value, with_type);
}

static void send_execute(struct client *client, uint32_t id, uint8_t flags)
{
    uint8_t space[16];
    struct writer out = writer_over(space, sizeof space);

    write_u32(&out, id);
    write_u8(&out, flags);
    write_u32(&out, 1);
    client_send(client, COMMAND_STMT_EXECUTE, space, out.size);
}

void client_execute_plain(struct client *client, uint32_t id)
{
    send_execute(client, id, 0);
}

void client_execute_cursor(struct client *client, uint32_t id)
{
    send_execute(client, id, EXECUTE_CURSOR_READ_ONLY);
}

void client_fetch(struct client *client, uint32_t id, uint32_t rows)
{
    uint8_t space[16];
    struct writer out = writer_over(space, sizeof space);

    write_u32(&out, id);
    write_u32(&out, rows);
    client_send(client, COMMAND_STMT_FETCH, space, out.size);
}

void client_statement(struct client *client, unsigned code, uint32_t id)
{
    uint8_t space[16];
    struct writer out = writer_over(space, sizeof space);

    write_u32(&out, id);
    client_send(client, code, space, out.size);
}
