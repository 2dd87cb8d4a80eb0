/*
 * OK and EOF packets, and what an OK carries for session tracking.
 *
 *     OK    0x00 (or 0xfe where it ends rows under DEPRECATE_EOF), affected rows lenenc,
 *           insert id lenenc, status u16, warnings u16, info lenenc-string; then under
 *           SESSION_TRACK, when STATUS_SESSION_STATE_CHANGED is set, the tracker block, again a
 *           lenenc-string
 *     EOF   0xfe, warnings u16, status u16
 *
 * The manual's page has the info without a length when SESSION_TRACK is off. Servers write the
 * length there too, and drivers that know no trackers (PHP's) refuse the packet without it.
 *
 * A block is a run of entries: type u8, then a lenenc-string whose content depends on the type.
 * Manual pages: page_protocol_basic_ok_packet, page_protocol_basic_eof_packet.
 */
#ifndef PROTOCOL_OK_H
#define PROTOCOL_OK_H

#include "protocol/reader.h"
#include "protocol/writer.h"

struct ok_packet {
    uint8_t header; /* 0x00 or 0xfe */
    uint64_t affected_rows;
    uint64_t insert_id;
    uint16_t status;
    uint16_t warnings;
    struct bytes info;
    struct bytes trackers; /* the block; empty without SESSION_TRACK or changes */
};

/*
 * Decodes a whole OK payload as sent on a connection with these capabilities. The slices point into
 * the payload. The entries of the block are checked by the tracker reader, not here.
 */
MUST_USE enum parse ok_decode(struct bytes payload, uint64_t capabilities, struct ok_packet *ok);

/*
 * Writes the payload for a client with these capabilities. Without SESSION_TRACK the block is left
 * out; STATUS_SESSION_STATE_CHANGED is set or cleared to say whether a block follows.
 */
void ok_encode(struct writer *w, const struct ok_packet *ok, uint64_t capabilities);
void ok_encode_packet(struct writer *w, const struct ok_packet *ok, uint64_t capabilities,
                      uint8_t sequence);

enum tracker_type {
    TRACKER_SYSTEM_VARIABLE = 0,             /* name and value */
    TRACKER_SCHEMA = 1,                      /* value: the schema, may be empty */
    TRACKER_STATE_CHANGE = 2,                /* value: "1" */
    TRACKER_GTIDS = 3,                       /* value: GTID text (MySQL only) */
    TRACKER_TRANSACTION_CHARACTERISTICS = 4, /* value: SQL that would start the same transaction */
    TRACKER_TRANSACTION_STATE = 5            /* value: eight letters, see tracker.. in the manual */
};

struct tracker {
    uint8_t type;       /* enum tracker_type, or a number not known here */
    struct bytes name;  /* of a system variable; empty for the others */
    struct bytes value; /* of a type not known: its content as it is */
    struct bytes whole; /* the entry with its head, for copying */
};

struct tracker_reader {
    struct reader in;
};

static inline struct tracker_reader tracker_reader_over(struct bytes trackers)
{
    return (struct tracker_reader){reader_over(trackers)};
}

/* The next entry; false at the end and at the first malformed one (then in.failed is set). */
MUST_USE bool tracker_next(struct tracker_reader *r, struct tracker *tracker);

struct eof_packet {
    uint16_t warnings;
    uint16_t status;
};

MUST_USE enum parse eof_decode(struct bytes payload, struct eof_packet *eof);
void eof_encode(struct writer *w, const struct eof_packet *eof);

#endif
