/*
 * OK, EOF and ERR payloads. What decodes is written again for every kind of client and must read
 * the same.
 */
#include "protocol/capability.h"
#include "protocol/error.h"
#include "protocol/ok.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buffer[1 << 21];

static void require(bool fact)
{
    if (!fact)
        abort();
}

/* The trackers of odd types. */
static struct bytes odd_trackers(struct bytes trackers)
{
    static uint8_t memory[sizeof buffer];
    struct writer w = writer_over(memory, sizeof memory);
    struct tracker_reader r = tracker_reader_over(trackers);
    struct tracker t;

    while (tracker_next(&r, &t))
        if (t.type % 2 == 1)
            write_bytes(&w, t.whole);
    return writer_bytes(&w);
}

static void try_ok(struct bytes payload, uint64_t from, uint64_t to)
{
    struct writer w = writer_over(buffer, sizeof buffer);
    struct ok_packet ok, again;
    struct tracker t;

    if (ok_decode(payload, from, &ok) != PARSE_OK)
        return;
    ok.trackers = odd_trackers(ok.trackers);
    ok_encode(&w, &ok, to);
    require(!w.failed && w.size <= payload.size + 9);
    require(ok_decode(writer_bytes(&w), to, &again) == PARSE_OK);
    require(ok.affected_rows == again.affected_rows && ok.insert_id == again.insert_id);
    require(ok.warnings == again.warnings && bytes_equal(ok.info, again.info));

    struct tracker_reader r = tracker_reader_over(again.trackers);
    while (tracker_next(&r, &t))
        require(t.type % 2 == 1);
    require(!r.in.failed);
    require((again.trackers.size > 0) == ((again.status & STATUS_SESSION_STATE_CHANGED) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes payload = {data, size};
    struct eof_packet eof;
    struct sql_error error;

    try_ok(payload, CAPABILITY_SESSION_TRACK, CAPABILITY_SESSION_TRACK);
    try_ok(payload, CAPABILITY_SESSION_TRACK, 0);
    try_ok(payload, 0, CAPABILITY_SESSION_TRACK);
    (void)!eof_decode(payload, &eof);
    if (error_decode(payload, &error) == PARSE_OK)
        require(strlen(error.sqlstate) <= 5 && strlen(error.text) < sizeof error.text);
    return 0;
}
