/*
 * The login packets of handshake.h.
 *
 *     greeting   OFFSET SIZE                            login   OFFSET SIZE
 *                     0    1  10                                     0    4  capabilities, low half
 *                     1    n  version, 0                             4    4  max packet
 *                          4  thread id                              8    1  collation
 *                          8  scramble, first part                   9   19  0
 *                          1  0                                     28    4  MariaDB's capabilities
 *                          2  capabilities, bits 0-15               32    n  user, 0
 *                          1  collation                                   n  response (three forms)
 *                          2  status                                      n  schema, 0
 *                          2  capabilities, bits 16-31                    n  plugin, 0
 *                          1  size of scramble and its zero               n  attributes, lenenc
 * size 6  0                                           1  zstd level 4  MariaDB's capabilities 13
 * scramble, second part, 0 n  plugin, 0
 */
#include "protocol/handshake.h"
#include "protocol/auth.h"
#include "protocol/capability.h"
#include "protocol/command.h"

#define GREETING_VERSION 10
#define SCRAMBLE_FIRST 8u /* bytes of the scramble before the capabilities */
#define LOGIN_FIXED_SIZE 32u
#define MARIADB_PREFIX "5.5.5-"

/* A part of the scramble, straight to its place. */
static void read_scramble(struct reader *r, uint8_t *part, size_t size)
{
    struct bytes b = read_bytes(r, size);

    if (b.data)
        memcpy(part, b.data, size);
}

enum parse greeting_decode(struct bytes payload, struct greeting *greeting)
{
    struct reader r = reader_over(payload);

    *greeting = (struct greeting){0};
    if (read_u8(&r) != GREETING_VERSION)
        return PARSE_BAD;
    greeting->version = read_nul_text(&r);
    greeting->thread_id = read_u32(&r);
    read_scramble(&r, greeting->scramble, SCRAMBLE_FIRST);
    read_u8(&r);
    greeting->capabilities = read_u16(&r);
    greeting->collation = read_u8(&r);
    greeting->status = read_u16(&r);
    greeting->capabilities |= (uint64_t)read_u16(&r) << 16;
    unsigned scramble_size = read_u8(&r);
    read_bytes(&r, 6);
    uint64_t mariadb = read_u32(&r);
    if (!(greeting->capabilities & CAPABILITY_MYSQL))
        greeting->capabilities |= mariadb << 32;
    if (r.failed || (greeting->capabilities & CAPABILITIES_REQUIRED) != CAPABILITIES_REQUIRED)
        return PARSE_BAD;

    /* A scramble longer than any that exists would go on behind its twenty bytes. */
    read_scramble(&r, greeting->scramble + SCRAMBLE_FIRST, SCRAMBLE_SIZE - SCRAMBLE_FIRST);
    read_bytes(&r, scramble_size > SCRAMBLE_SIZE + 1 ? scramble_size - SCRAMBLE_SIZE : 1);
    if (greeting->capabilities & CAPABILITY_PLUGIN_AUTH)
        greeting->plugin = read_nul_text(&r);
    return r.failed ? PARSE_BAD : PARSE_OK;
}

/* MariaDB's half is only sent where bit 0 says that the sender is no MySQL. */
static uint32_t mariadb_half(uint64_t capabilities)
{
    return capabilities & CAPABILITY_MYSQL ? 0 : (uint32_t)(capabilities >> 32);
}

void greeting_encode(struct writer *w, const struct greeting *greeting)
{
    bool plugin = (greeting->capabilities & CAPABILITY_PLUGIN_AUTH) != 0;

    write_u8(w, GREETING_VERSION);
    write_nul_text(w, greeting->version);
    write_u32(w, greeting->thread_id);
    write_bytes(w, bytes_of(greeting->scramble, SCRAMBLE_FIRST));
    write_u8(w, 0);
    write_u16(w, (uint16_t)greeting->capabilities);
    write_u8(w, greeting->collation);
    write_u16(w, greeting->status);
    write_u16(w, (uint16_t)(greeting->capabilities >> 16));
    write_u8(w, plugin ? SCRAMBLE_SIZE + 1 : 0);
    write_zeros(w, 6);
    write_u32(w, mariadb_half(greeting->capabilities));
    write_bytes(w, bytes_of(greeting->scramble + SCRAMBLE_FIRST, SCRAMBLE_SIZE - SCRAMBLE_FIRST));
    write_u8(w, 0);
    if (plugin)
        write_nul_text(w, greeting->plugin);
}

struct bytes greeting_version(const struct greeting *greeting)
{
    if (bytes_start_with(greeting->version, MARIADB_PREFIX))
        return bytes_after(greeting->version, strlen(MARIADB_PREFIX));
    return greeting->version;
}

bool greeting_is_mariadb(const struct greeting *greeting)
{
    struct bytes version = greeting->version;

    return bytes_start_with(version, MARIADB_PREFIX) ||
           (version.size && memmem(version.data, version.size, "MariaDB", 7) != NULL);
}

bool login_is_tls_request(struct bytes payload)
{
    uint64_t capabilities;

    return payload.size == LOGIN_FIXED_SIZE &&
           login_capabilities(payload, &capabilities) == PARSE_OK && capabilities & CAPABILITY_SSL;
}

/* The fixed beginning of a login. */
static void login_decode_fixed(struct reader *r, struct login *login)
{
    login->capabilities = read_u32(r);
    login->max_packet = read_u32(r);
    login->collation = read_u8(r);
    read_bytes(r, 19);
    uint64_t mariadb = read_u32(r);
    if (!(login->capabilities & CAPABILITY_MYSQL))
        login->capabilities |= mariadb << 32;
}

enum parse login_capabilities(struct bytes payload, uint64_t *capabilities)
{
    struct reader r = reader_over(payload);
    struct login login;

    login_decode_fixed(&r, &login);
    *capabilities = login.capabilities;
    return r.failed || !(login.capabilities & CAPABILITY_PROTOCOL_41) ? PARSE_BAD : PARSE_OK;
}

/* What both kinds of login have at their end, each part only if something is left. */
static void login_decode_tail(struct reader *r, struct login *login)
{
    if (login->capabilities & CAPABILITY_PLUGIN_AUTH && reader_left(r) > 0)
        login->plugin = read_nul_text(r);
    if (login->capabilities & CAPABILITY_CONNECT_ATTRS && reader_left(r) > 0)
        login->attributes = read_lenenc_bytes(r);
}

enum parse login_decode(struct bytes payload, struct login *login)
{
    struct reader r = reader_over(payload);

    *login = (struct login){0};
    login_decode_fixed(&r, login);
    if (!(login->capabilities & CAPABILITY_PROTOCOL_41))
        return PARSE_BAD;
    login->user = read_nul_text(&r);
    if (login->capabilities & CAPABILITY_PLUGIN_AUTH_LENENC)
        login->response = read_lenenc_bytes(&r);
    else if (login->capabilities & CAPABILITY_SECURE_CONNECTION)
        login->response = read_bytes(&r, read_u8(&r));
    else
        login->response = read_nul_text(&r);
    if (login->capabilities & CAPABILITY_CONNECT_WITH_DB)
        login->schema = read_nul_text(&r);
    login_decode_tail(&r, login);
    if (login->capabilities & CAPABILITY_ZSTD && reader_left(&r) > 0)
        login->zstd_level = read_u8(&r);
    return r.failed ? PARSE_BAD : PARSE_OK;
}

void tls_request_encode(struct writer *w, uint64_t capabilities, uint32_t max_packet,
                        uint8_t collation)
{
    write_u32(w, (uint32_t)capabilities);
    write_u32(w, max_packet);
    write_u8(w, collation);
    write_zeros(w, 19);
    write_u32(w, mariadb_half(capabilities));
}

/* A length that does not fit into its byte fails the writer. */
static void write_short_bytes(struct writer *w, struct bytes b)
{
    if (b.size > UINT8_MAX)
        w->failed = true;
    write_u8(w, (uint8_t)b.size);
    write_bytes(w, b);
}

static void login_encode_tail(struct writer *w, const struct login *login)
{
    if (login->capabilities & CAPABILITY_PLUGIN_AUTH)
        write_nul_text(w, login->plugin);
    if (login->capabilities & CAPABILITY_CONNECT_ATTRS)
        write_lenenc_bytes(w, login->attributes);
}

void login_encode(struct writer *w, const struct login *login)
{
    tls_request_encode(w, login->capabilities, login->max_packet, (uint8_t)login->collation);
    write_nul_text(w, login->user);
    if (login->capabilities & CAPABILITY_PLUGIN_AUTH_LENENC)
        write_lenenc_bytes(w, login->response);
    else if (login->capabilities & CAPABILITY_SECURE_CONNECTION)
        write_short_bytes(w, login->response);
    else
        write_nul_text(w, login->response);
    if (login->capabilities & CAPABILITY_CONNECT_WITH_DB)
        write_nul_text(w, login->schema);
    login_encode_tail(w, login);
    if (login->capabilities & CAPABILITY_ZSTD)
        write_u8(w, login->zstd_level);
}

enum parse change_user_decode(struct bytes payload, uint64_t capabilities, struct login *login)
{
    struct reader r = reader_over(payload);

    *login = (struct login){.capabilities = capabilities};
    if (read_u8(&r) != COMMAND_CHANGE_USER)
        return PARSE_BAD;
    login->user = read_nul_text(&r);
    if (capabilities & CAPABILITY_SECURE_CONNECTION)
        login->response = read_bytes(&r, read_u8(&r));
    else
        login->response = read_nul_text(&r);
    login->schema = read_nul_text(&r);
    if (reader_left(&r) > 0)
        login->collation = read_u16(&r);
    login_decode_tail(&r, login);
    return r.failed ? PARSE_BAD : PARSE_OK;
}

void change_user_encode(struct writer *w, const struct login *login)
{
    write_u8(w, COMMAND_CHANGE_USER);
    write_nul_text(w, login->user);
    if (login->capabilities & CAPABILITY_SECURE_CONNECTION)
        write_short_bytes(w, login->response);
    else
        write_nul_text(w, login->response);
    write_nul_text(w, login->schema);
    write_u16(w, login->collation);
    login_encode_tail(w, login);
}

bool attribute_next(struct bytes *attributes, struct bytes *name, struct bytes *value)
{
    struct reader r = reader_over(*attributes);

    *name = read_lenenc_bytes(&r);
    *value = read_lenenc_bytes(&r);
    *attributes = bytes_of(r.at, reader_left(&r));
    return !r.failed;
}

enum parse auth_switch_decode(struct bytes payload, struct auth_switch *request)
{
    struct reader r = reader_over(payload);

    *request = (struct auth_switch){0};
    if (read_u8(&r) != 0xfe)
        return PARSE_BAD;
    if (reader_is_done(&r)) {
        /* The oldest form: no name, no data, and only one plugin it can mean. */
        request->plugin = bytes_of_text("mysql_old_password");
        return PARSE_OK;
    }
    request->plugin = read_nul_text(&r);
    request->data = read_rest(&r);
    /* A scramble is terminated; the nonce of client_ed25519 is not, and may end in any byte. */
    if (request->data.size && request->data.size != AUTH_NONCE_SIZE &&
        request->data.data[request->data.size - 1] == 0)
        request->data.size--;
    return r.failed ? PARSE_BAD : PARSE_OK;
}

void auth_switch_encode(struct writer *w, const struct auth_switch *request)
{
    write_u8(w, 0xfe);
    write_nul_text(w, request->plugin);
    write_bytes(w, request->data);
    if (request->data.size != AUTH_NONCE_SIZE)
        write_u8(w, 0);
}

enum parse auth_more_decode(struct bytes payload, struct bytes *data)
{
    if (payload.size == 0 || payload.data[0] != 0x01)
        return PARSE_BAD;
    *data = bytes_after(payload, 1);
    return PARSE_OK;
}

void auth_more_encode(struct writer *w, struct bytes data)
{
    write_u8(w, 0x01);
    write_bytes(w, data);
}
