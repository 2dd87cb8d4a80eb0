/*
 * The login towards a server, packet by packet. What is in the packets is protocol/handshake.h's
 * and protocol/auth.h's business; here is only their order and what the proxy asks for:
 *
 *   AWAIT_GREETING --login--> AWAIT_ANSWER --more data | auth switch--> AWAIT_ANSWER --OK--> done
 *         \--TLS request--> handshake --login--^
 *
 * Whether TLS is asked for is [tls] server's to say, and a server's that cannot: `preferred` is
 * content with that. A handshake that fails ends the connection in any case, because who wants to
 * listen could make it fail.
 */
#include "proxy/backend/login.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/compressed.h"
#include "protocol/frame.h"
#include "protocol/handshake.h"
#include "proxy/backend/asking.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/pool.h"
#include "proxy/client/user_secret.h"
#include "proxy/config/config.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/stream_compressed.h"
#include "proxy/stream_tls.h"
#include "proxy/tls.h"
#include "proxy/worker.h"

#include <openssl/crypto.h>
#include <uv.h>

static const uint32_t MAX_PACKET = 1u << 30;

enum {
    LOGIN_COLLATION = 45,          /* utf8mb4_general_ci: both servers have it under this number */
    LOGIN_PACKET_MAX = 64 << 10,   /* no login packet of a server is longer */
    LOGIN_SCRATCH_BYTES = 4 << 10, /* enough for what auth.h and handshake.h write */
    PLUGIN_NAME_BYTES = 64,        /* as servers limit names */
};

/* Asked of every server, besides what the group's clients agreed on. */
#define LOGIN_CAPABILITIES                                                                         \
    (CAPABILITY_MYSQL | CAPABILITY_PROTOCOL_41 | CAPABILITY_SECURE_CONNECTION |                    \
     CAPABILITY_PLUGIN_AUTH | CAPABILITY_TRANSACTIONS | CAPABILITY_SESSION_TRACK)

struct backend_login {
    bool greeted;
    struct greeting greeting; /* its texts are in `plugin` */
    char plugin[PLUGIN_NAME_BYTES];
    struct auth_client auth;
    struct kept kept; /* what `auth` proves, unless it is configured; shared reference */
};

void backend_login_begin(struct backend *backend)
{
    backend->login = mem_calloc(1, sizeof *backend->login);
}

void backend_login_dispose(struct backend *backend)
{
    if (backend->login != NULL) {
        secret_unref(backend->login->kept.secret);
        OPENSSL_cleanse(backend->login, sizeof *backend->login);
        mem_free(backend->login);
        backend->login = NULL;
    }
}

static const char *server_name(const struct backend *backend)
{
    return backend_server(backend)->name;
}

static void protocol_error(struct backend *backend, const char *what)
{
    struct sql_error error =
        error_make(ERROR_HANDSHAKE, "server %s: %s", server_name(backend), what);

    backend_fail(backend, &error);
}

/* Where no user is configured the primary's word counts; what others lack may be on its way. */
static void note_refused_secret(struct backend *backend)
{
    struct account *account = backend->group->account;

    if (!backend->roster->is_open || backend->login->kept.secret == NULL) {
        return;
    }
    if (worker_server_role(backend->worker, backend->server) == ROLE_PRIMARY) {
        keeping_refuse(&account->keeping, backend->login->kept.secret);
    } else {
        atomic_store(&account->keeping.is_doubted, true);
    }
}

/* An ERR from the server, with the server's name in front of its text, unless the account is the
 * server's own too. */
static void refused(struct backend *backend, const struct sql_error *error)
{
    struct sql_error named;

    if (backend->asking != NULL) {
        asking_refused(backend, error);
        return;
    }
    if (refusal_is_final(error->code)) {
        note_refused_secret(backend);
    }
    named = error_make(ERROR_UNKNOWN, "server %s refused the login of user %s: %s",
                       server_name(backend), backend->group->account->name, error->text);

    named.code = error->code;
    memcpy(named.sqlstate, error->sqlstate, sizeof named.sqlstate);
    backend_fail(backend, backend->roster->is_open ? error : &named);
}

/* Is what goes to the server safe from who might listen? */
static bool is_private(const struct backend *backend)
{
    return backend_server(backend)->address.kind == CONFIG_ADDRESS_UNIX ||
           stream_is_tls(backend->stream);
}

static struct credential credential_of(struct backend *backend)
{
    struct credential credential;

    if (backend->asking != NULL) {
        return asking_credential(backend);
    }
    credential = user_credential(backend->roster, backend->group->account, &backend->login->kept);
    backend->credential = backend->login->kept.generation;
    return credential;
}

static void send_login(struct backend *backend, uint8_t sequence)
{
    uint8_t response[AUTH_PAYLOAD_MAX];
    uint8_t packet[LOGIN_SCRATCH_BYTES];
    struct writer auth_out = writer_over(response, sizeof response);
    struct writer out = writer_over(packet, sizeof packet);
    struct credential credential = credential_of(backend);
    const struct greeting *greeting = &backend->login->greeting;
    struct login login = {.max_packet = MAX_PACKET, .collation = LOGIN_COLLATION};
    size_t at;

    if (auth_client_begin(&backend->login->auth, &credential, is_private(backend),
                          bytes_of_text(backend->login->plugin), greeting->scramble,
                          &auth_out) == AUTH_DENIED) {
        refused(backend, &backend->login->auth.error);
        return;
    }
    login.capabilities =
        backend->capabilities | (stream_is_tls(backend->stream) ? CAPABILITY_SSL : 0);
    login.zstd_level = (uint8_t)backend->roster->config->compression.server_zstd_level;
    login.user = bytes_of_text(backend->group->account->name);
    login.response = writer_bytes(&auth_out);
    login.plugin = bytes_of_text(auth_plugin_name(backend->login->auth.plugin));
    at = write_packet_begin(&out);
    login_encode(&out, &login);
    write_packet_end(&out, at, sequence);
    if (out.failed) {
        protocol_error(backend, "the user name is too long");
        return;
    }
    stream_write_one(backend->stream, writer_bytes(&out));
    OPENSSL_cleanse(response, sizeof response);
    OPENSSL_cleanse(packet, sizeof packet);
}

/* ---- TLS ---- */

void backend_login_secured(struct backend *backend)
{
    send_login(backend, 2);
}

static void ask_for_tls(struct backend *backend)
{
    uint8_t packet[FRAME_HEAD_SIZE + 32];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    tls_request_encode(&out, backend->capabilities | CAPABILITY_SSL, MAX_PACKET, LOGIN_COLLATION);
    write_packet_end(&out, at, 1);
    stream_write_one(backend->stream, writer_bytes(&out));
}

/* The greeting has been consumed. */
static void begin_tls(struct backend *backend)
{
    struct worker *worker = backend->worker;
    bool checks_host = backend->roster->config->tls.server == CONFIG_TLS_SERVER_VERIFY_IDENTITY;

    ask_for_tls(backend);
    if (!stream_tls_connect(backend->stream, backend->roster->tls, worker->tls_room,
                            backend_server(backend)->address.host, checks_host)) {
        protocol_error(backend, stream_is_tls(backend->stream)
                                    ? stream_reason(backend->stream, UV_EPROTO)
                                    : "clear text came where TLS has to begin");
    }
}

/* ---- compression ---- */

/* What is asked for, as far as the server has it. */
static uint64_t wanted_compression(const struct backend *backend, uint64_t offered)
{
    switch ((enum config_compression_words)backend->roster->config->compression.server) {
    case CONFIG_COMPRESSION_ZLIB:
        return offered & CAPABILITY_COMPRESS;
    case CONFIG_COMPRESSION_ZSTD:
        return offered & CAPABILITY_ZSTD;
    case CONFIG_COMPRESSION_OFF:
    case CONFIG_COMPRESSION_BOTH:
        break;
    }
    return 0;
}

void backend_login_compress(struct backend *backend)
{
    const struct config_compression *config = &backend->roster->config->compression;
    enum compression compression = compression_of(backend->capabilities);

    if (compression != COMPRESSION_NONE) {
        stream_compress_server(backend->stream, backend->worker->compression_room, compression,
                               compression == COMPRESSION_ZSTD ? config->server_zstd_level
                                                               : config->server_zlib_level);
    }
}

/* ---- the greeting ---- */

static bool wants_tls(const struct backend *backend)
{
    const struct tls *tls = backend->roster->tls;

    return tls != NULL && tls->servers != NULL &&
           backend_server(backend)->address.kind != CONFIG_ADDRESS_UNIX;
}

/* Keeps what the login needs of it. False: the connection is closing. */
static bool take_greeting(struct backend *backend, struct bytes payload)
{
    struct backend_login *login = backend->login;
    struct greeting *greeting = &login->greeting;
    uint64_t missing;

    if (greeting_decode(payload, greeting) != PARSE_OK ||
        !bytes_to_text(greeting->plugin, login->plugin, sizeof login->plugin)) {
        protocol_error(backend, "the greeting is malformed");
        return false;
    }
    greeting->version = greeting->plugin = (struct bytes){NULL, 0}; /* they lie in the packet */
    backend->thread_id = greeting->thread_id;
    backend->capabilities = LOGIN_CAPABILITIES | backend->group->capabilities;
    if (!(greeting->capabilities & CAPABILITY_MYSQL)) {
        /* MariaDB, which reads its own capabilities only from those who do not claim it either. */
        backend->capabilities &= ~CAPABILITY_MYSQL;
    }
    missing = backend->capabilities & ~greeting->capabilities & ~CAPABILITY_MYSQL;
    if (missing != 0) {
        protocol_error(backend, "it lacks a protocol capability that the client was promised; "
                                "are the servers of different kinds?");
        return false;
    }
    if (wants_tls(backend) && !(greeting->capabilities & CAPABILITY_SSL) &&
        backend->roster->config->tls.server != CONFIG_TLS_SERVER_PREFERRED) {
        protocol_error(backend, "it does not offer TLS, which [tls] server asks for");
        return false;
    }
    backend->capabilities |= wanted_compression(backend, greeting->capabilities);
    login->greeted = true;
    return true;
}

static void on_greeting(struct backend *backend, struct bytes payload, size_t size)
{
    if (!take_greeting(backend, payload)) {
        return;
    }
    stream_consume(backend->stream, size);
    if (wants_tls(backend) && backend->login->greeting.capabilities & CAPABILITY_SSL) {
        begin_tls(backend);
    } else {
        send_login(backend, 1);
    }
}

static void continue_login(struct backend *backend, struct bytes payload, uint8_t sequence)
{
    uint8_t response[AUTH_PAYLOAD_MAX];
    uint8_t packet[AUTH_PAYLOAD_MAX + FRAME_HEAD_SIZE];
    struct writer auth_out = writer_over(response, sizeof response);
    struct writer out = writer_over(packet, sizeof packet);
    struct ok_packet ok;

    switch (auth_client_next(&backend->login->auth, payload, &auth_out)) {
    case AUTH_WAIT:
        break;
    case AUTH_SEND:
        write_packet(&out, writer_bytes(&auth_out), (uint8_t)(sequence + 1));
        stream_write_one(backend->stream, writer_bytes(&out));
        break;
    case AUTH_DENIED:
    case AUTH_CLAIMED: /* the other role's */
        refused(backend, &backend->login->auth.error);
        break;
    case AUTH_OK:
        if (ok_decode(payload, backend->capabilities, &ok) != PARSE_OK) {
            protocol_error(backend, "the OK packet after the login is malformed");
            break;
        }
        if (stream_peek(backend->stream).size > FRAME_HEAD_SIZE + payload.size) {
            protocol_error(backend, "bytes behind the OK packet after the login");
            break;
        }
        backend->status = ok.status;
        backend_login_compress(backend);
        backend_logged_in(backend);
        break;
    }
    OPENSSL_cleanse(response, sizeof response);
    OPENSSL_cleanse(packet, sizeof packet);
}

void backend_login_read(struct backend *backend)
{
    while (backend->state == BACKEND_LOGIN) {
        struct bytes in = stream_peek(backend->stream);
        struct frame frame;
        struct bytes payload;
        struct sql_error error;

        if (frame_read(in, &frame) != PARSE_OK) {
            return;
        }
        if (frame.length > LOGIN_PACKET_MAX) {
            protocol_error(backend, "a login packet is too long");
            return;
        }
        if (!frame_is_whole(in, frame)) {
            stream_expect(backend->stream, frame_size(frame));
            return;
        }
        payload = frame_payload(in, frame);
        if (!backend->login->greeted) {
            if (error_is_packet(payload) && error_decode(payload, &error) == PARSE_OK) {
                refused(backend, &error);
            } else {
                on_greeting(backend, payload, frame_size(frame));
                continue;
            }
        } else {
            continue_login(backend, payload, frame.sequence);
        }
        if (backend->state != BACKEND_CLOSING) {
            stream_consume(backend->stream, frame_size(frame));
        }
    }
}
