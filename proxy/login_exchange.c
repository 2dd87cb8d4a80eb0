/*
 * The common part of a login. See login_exchange.h.
 */
#include "proxy/login_exchange.h"

#include "protocol/capability.h"
#include "protocol/compressed.h"
#include "protocol/frame.h"
#include "proxy/peer.h"
#include "proxy/stream_tls.h"
#include "proxy/tls.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <uv.h>

enum { GREETING_BYTES = 512 };

bool login_exchange_init(struct login_exchange *exchange, struct tls *tls, struct tls_room *room)
{
    uint8_t random[SCRAMBLE_SIZE];

    *exchange = (struct login_exchange){
        .tls = tls != NULL && tls->clients != NULL ? tls_ref(tls) : NULL, .room = room};
    if (RAND_bytes(random, sizeof random) != 1) {
        return false;
    }
    scramble_from_random(random, exchange->scramble);
    return true;
}

void login_exchange_dispose(struct login_exchange *exchange)
{
    tls_unref(exchange->tls);
    OPENSSL_cleanse(exchange, sizeof *exchange);
}

void login_exchange_greet(struct login_exchange *exchange, struct stream *stream,
                          struct greeting *greeting, uint64_t offered)
{
    uint8_t packet[GREETING_BYTES];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    memcpy(greeting->scramble, exchange->scramble, SCRAMBLE_SIZE);
    greeting->capabilities = offered | (exchange->tls != NULL ? CAPABILITY_SSL : 0);
    exchange->offered = offered;
    exchange->capabilities = CAPABILITY_PROTOCOL_41; /* errors have SQLSTATEs from here on */
    greeting_encode(&out, greeting);
    write_packet_end(&out, at, 0);
    exchange->sequence = 1;
    stream_write_one(stream, writer_bytes(&out));
}

static enum login_step fail(struct login_exchange *exchange, struct sql_error error)
{
    exchange->error = error;
    return LOGIN_FAILED;
}

static enum login_step act_on(struct login_exchange *exchange, struct stream *stream,
                              enum auth_verdict verdict, const struct writer *payload)
{
    uint8_t packet[AUTH_PAYLOAD_MAX + FRAME_HEAD_SIZE];
    struct writer out = writer_over(packet, sizeof packet);

    if (payload->size > 0 || verdict == AUTH_SEND) {
        write_packet(&out, writer_bytes(payload), exchange->sequence++);
        stream_write_one(stream, writer_bytes(&out));
    }
    switch (verdict) {
    case AUTH_SEND:
    case AUTH_WAIT:
        exchange->authenticating = true;
        return LOGIN_WAITS;
    case AUTH_OK:
        return LOGIN_PROVED;
    case AUTH_CLAIMED:
        return LOGIN_CLAIMED;
    case AUTH_DENIED:
        break;
    }
    return LOGIN_DENIED;
}

void login_exchange_resume(struct login_exchange *exchange, const uint8_t scramble[SCRAMBLE_SIZE],
                           uint64_t capabilities, uint8_t sequence)
{
    *exchange = (struct login_exchange){
        .offered = capabilities, .capabilities = capabilities, .sequence = sequence};
    memcpy(exchange->scramble, scramble, SCRAMBLE_SIZE);
}

enum login_step login_exchange_begin(struct login_exchange *exchange, struct stream *stream,
                                     const struct login *packet,
                                     struct auth_account (*account)(void *, const char *),
                                     void *context)
{
    uint8_t answer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(answer, sizeof answer);
    struct auth_account of_name;

    exchange->collation = packet->collation;
    exchange->with_password = packet->response.size > 0;
    if (!bytes_to_text(packet->user, exchange->name, sizeof exchange->name)) {
        return LOGIN_DENIED;
    }
    if (!bytes_to_text(packet->schema, exchange->schema, sizeof exchange->schema)) {
        return fail(exchange, error_make(ERROR_UNKNOWN_DATABASE, "Unknown database"));
    }
    of_name = account(context, exchange->name);
    return act_on(exchange, stream,
                  auth_server_begin(&exchange->auth, &of_name, exchange->scramble, packet->plugin,
                                    packet->response, &out),
                  &out);
}

/* A client that says it does not know SQLSTATEs gets none; both servers do so (measured). */
static void heed_protocol_41(struct login_exchange *exchange, struct bytes payload)
{
    struct reader in = reader_over(payload);
    uint16_t flags = read_u16(&in);

    if (!in.failed && !(flags & CAPABILITY_PROTOCOL_41)) {
        exchange->capabilities = 0;
    }
}

static enum login_step on_login_packet(struct login_exchange *exchange, struct stream *stream,
                                       struct bytes payload,
                                       struct auth_account (*account)(void *, const char *),
                                       void *context)
{
    struct login packet;

    heed_protocol_41(exchange, payload);
    if (login_is_tls_request(payload) || login_decode(payload, &packet) != PARSE_OK ||
        (packet.capabilities & CAPABILITIES_REQUIRED) != CAPABILITIES_REQUIRED) {
        return fail(exchange, error_make(ERROR_HANDSHAKE, "Bad handshake"));
    }
    exchange->capabilities = packet.capabilities & exchange->offered;
    exchange->zstd_level = packet.zstd_level;
    if (compression_of(exchange->capabilities) == COMPRESSION_ZSTD &&
        (packet.zstd_level == 0 || packet.zstd_level > ZSTD_LEVEL_MAX)) {
        return fail(exchange, error_make(ERROR_HANDSHAKE, "Bad handshake"));
    }
    return login_exchange_begin(exchange, stream, &packet, account, context);
}

static enum login_step on_auth_packet(struct login_exchange *exchange, struct stream *stream,
                                      struct bytes payload)
{
    uint8_t answer[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(answer, sizeof answer);

    exchange->with_password = true;
    return act_on(exchange, stream, auth_server_next(&exchange->auth, payload, &out), &out);
}

/* A second request, or one that was not offered, is a malformed login. */
static bool asks_for_tls(const struct login_exchange *exchange, const struct stream *stream,
                         struct bytes payload)
{
    return exchange->tls != NULL && !exchange->authenticating && login_is_tls_request(payload) &&
           !stream_is_tls(stream);
}

static enum login_step begin_tls(struct login_exchange *exchange, struct stream *stream)
{
    return stream_tls_accept(stream, exchange->tls, exchange->room)
               ? LOGIN_WAITS
               : fail(exchange,
                      error_make(ERROR_HANDSHAKE, "%s", stream_reason(stream, UV_EPROTO)));
}

enum login_step login_exchange_read(struct login_exchange *exchange, struct stream *stream,
                                    struct auth_account (*account)(void *, const char *),
                                    void *context)
{
    struct bytes in = stream_peek(stream);
    enum login_step step;
    struct frame frame;

    if (frame_read(in, &frame) != PARSE_OK) {
        return LOGIN_WAITS;
    }
    if (exchange->sequence == 0 || frame.length > LOGIN_PACKET_BYTES) {
        return fail(exchange, error_make(ERROR_HANDSHAKE, "Bad handshake"));
    }
    if (frame.sequence != exchange->sequence) {
        return fail(exchange, error_make(ERROR_PACKETS_OUT_OF_ORDER, "Got packets out of order"));
    }
    if (!frame_is_whole(in, frame)) {
        stream_expect(stream, frame_size(frame));
        return LOGIN_WAITS;
    }
    exchange->sequence++;
    if (asks_for_tls(exchange, stream, frame_payload(in, frame))) {
        stream_consume(stream, frame_size(frame));
        return begin_tls(exchange, stream);
    }
    step = exchange->authenticating
               ? on_auth_packet(exchange, stream, frame_payload(in, frame))
               : on_login_packet(exchange, stream, frame_payload(in, frame), account, context);
    stream_consume_secret(stream, frame_size(frame));
    return step;
}

struct sql_error login_exchange_refusal(const struct login_exchange *exchange, const char *peer)
{
    struct bytes host = peer_host(peer);

    return error_make(ERROR_ACCESS_DENIED,
                      "Access denied for user '%s'@'%.*s' (using password: %s)", exchange->name,
                      (int)host.size, peer, exchange->with_password ? "YES" : "NO");
}
