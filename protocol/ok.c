/*
 * OK and EOF packets and session trackers; the layouts stand in ok.h.
 */
#include "protocol/ok.h"
#include "protocol/capability.h"

enum parse ok_decode(struct bytes payload, uint64_t capabilities, struct ok_packet *ok)
{
    struct reader r = reader_over(payload);

    *ok = (struct ok_packet){0};
    ok->header = read_u8(&r);
    ok->affected_rows = read_lenenc(&r);
    ok->insert_id = read_lenenc(&r);
    ok->status = read_u16(&r);
    ok->warnings = read_u16(&r);
    /* MySQL leaves out an empty info when no trackers follow. */
    if (reader_left(&r) > 0) {
        ok->info = read_lenenc_bytes(&r);
        if (capabilities & CAPABILITY_SESSION_TRACK && ok->status & STATUS_SESSION_STATE_CHANGED &&
            reader_left(&r) > 0)
            ok->trackers = read_lenenc_bytes(&r);
    }
    if (ok->header != 0x00 && ok->header != 0xfe)
        return PARSE_BAD;
    return r.failed ? PARSE_BAD : PARSE_OK;
}

void ok_encode(struct writer *w, const struct ok_packet *ok, uint64_t capabilities)
{
    unsigned status = ok->status & ~STATUS_SESSION_STATE_CHANGED;
    bool tracks = (capabilities & CAPABILITY_SESSION_TRACK) && ok->trackers.size > 0;

    if (tracks)
        status |= STATUS_SESSION_STATE_CHANGED;
    write_u8(w, ok->header);
    write_lenenc(w, ok->affected_rows);
    write_lenenc(w, ok->insert_id);
    write_u16(w, (uint16_t)status);
    write_u16(w, ok->warnings);
    if (tracks || ok->info.size)
        write_lenenc_bytes(w, ok->info);
    if (tracks)
        write_lenenc_bytes(w, ok->trackers);
}

void ok_encode_packet(struct writer *w, const struct ok_packet *ok, uint64_t capabilities,
                      uint8_t sequence)
{
    size_t packet = write_packet_begin(w);

    ok_encode(w, ok, capabilities);
    write_packet_end(w, packet, sequence);
}

/* The content of one entry. A type not known is kept whole as the value. */
static bool tracker_decode(struct bytes content, struct tracker *tracker)
{
    struct reader r = reader_over(content);

    switch (tracker->type) {
    case TRACKER_SYSTEM_VARIABLE:
        tracker->name = read_lenenc_bytes(&r);
        tracker->value = read_lenenc_bytes(&r);
        break;
    case TRACKER_GTIDS:
        read_u8(&r); /* how the text is encoded: only 0 exists */
        tracker->value = read_lenenc_bytes(&r);
        break;
    case TRACKER_SCHEMA:
    case TRACKER_TRANSACTION_CHARACTERISTICS:
    case TRACKER_TRANSACTION_STATE:
        tracker->value = read_lenenc_bytes(&r);
        break;
    case TRACKER_STATE_CHANGE: /* the only one without a length of its own */
    default:
        tracker->value = read_rest(&r);
        break;
    }
    return !r.failed;
}

bool tracker_next(struct tracker_reader *r, struct tracker *tracker)
{
    const uint8_t *start = r->in.at;

    *tracker = (struct tracker){0};
    if (r->in.failed || reader_left(&r->in) == 0)
        return false;
    tracker->type = read_u8(&r->in);

    struct bytes content = read_lenenc_bytes(&r->in);
    if (r->in.failed || !tracker_decode(content, tracker)) {
        r->in.failed = true;
        return false;
    }
    tracker->whole = bytes_of(start, (size_t)(r->in.at - start));
    return true;
}

enum parse eof_decode(struct bytes payload, struct eof_packet *eof)
{
    const uint8_t *p = payload.data;

    *eof = (struct eof_packet){0};
    if (payload.size != 5 || p[0] != 0xfe)
        return PARSE_BAD;
    eof->warnings = (uint16_t)(p[1] | p[2] << 8);
    eof->status = (uint16_t)(p[3] | p[4] << 8);
    return PARSE_OK;
}

void eof_encode(struct writer *w, const struct eof_packet *eof)
{
    write_u8(w, 0xfe);
    write_u16(w, eof->warnings);
    write_u16(w, eof->status);
}
