/*
 * The few packets that do not come from a server.
 */
#include "proxy/client/send.h"

#include "protocol/capability.h"
#include "protocol/frame.h"
#include "protocol/ok.h"
#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/stream.h"

enum { SEND_BYTES = 1 << 10 }; /* no OK or ERR of ours is longer */

/* Of the last answer's flags those that are about the session, not about that statement. */
static uint16_t lasting_status(const struct session *session)
{
    return session->status &
           (uint16_t)(STATUS_IN_TRANSACTION | STATUS_IN_READ_ONLY_TRANSACTION | STATUS_AUTOCOMMIT |
                      STATUS_NO_BACKSLASH_ESCAPES | STATUS_ANSI_QUOTES);
}

void send_ok(struct session *session, uint8_t sequence)
{
    uint8_t packet[SEND_BYTES];
    struct writer out = writer_over(packet, sizeof packet);
    struct ok_packet ok = {.status = lasting_status(session)};

    ok_encode_packet(&out, &ok, session->capabilities, sequence);
    stream_write_one(session->client, writer_bytes(&out));
}

void send_login_ok(struct session *session, uint8_t sequence)
{
    struct bytes schema = environment_schema(session->environment);
    uint8_t memory[2][SEND_BYTES];
    struct writer value = writer_over(memory[0], sizeof memory[0]);
    struct writer trackers = writer_over(memory[1], sizeof memory[1]);
    uint8_t packet[2 * SEND_BYTES];
    struct writer out = writer_over(packet, sizeof packet);
    struct ok_packet ok = {.status = lasting_status(session)};

    if (schema.size > 0) {
        write_lenenc_bytes(&value, schema);
        write_u8(&trackers, TRACKER_SCHEMA);
        write_lenenc_bytes(&trackers, writer_bytes(&value));
        ok.trackers = writer_bytes(&trackers);
    }
    ok_encode_packet(&out, &ok, session->capabilities, sequence);
    stream_write_one(session->client, writer_bytes(&out));
}

void send_eof(struct session *session, uint8_t sequence)
{
    uint8_t packet[SEND_BYTES];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    if (session->capabilities & CAPABILITY_DEPRECATE_EOF) {
        struct ok_packet ok = {.header = 0xfe, .status = lasting_status(session)};

        ok_encode(&out, &ok, session->capabilities);
    } else {
        struct eof_packet eof = {.status = lasting_status(session)};

        eof_encode(&out, &eof);
    }
    write_packet_end(&out, at, sequence);
    stream_write_one(session->client, writer_bytes(&out));
}

void send_error(struct session *session, const struct sql_error *error, uint8_t sequence)
{
    uint8_t packet[SEND_BYTES];
    struct writer out = writer_over(packet, sizeof packet);

    error_encode_packet(&out, error, session->capabilities, sequence);
    stream_write_one(session->client, writer_bytes(&out));
}

void send_payload(struct session *session, struct bytes payload, uint8_t sequence)
{
    uint8_t head[FRAME_HEAD_SIZE];
    struct bytes parts[2] = {{head, sizeof head}, payload};

    frame_write(head, (struct frame){(uint32_t)payload.size, sequence});
    stream_write(session->client, parts, 2);
}
