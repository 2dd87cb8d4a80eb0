/*
 * See trace.h.
 */
#include "check.h"
#include "trace.h"

#include "protocol/frame.h"
#include "protocol/writer.h"

#include <stdio.h>
#include <stdlib.h>

struct bytes script_packets(const char *script)
{
    struct writer w = writer_growing(256u << 20);
    uint8_t sequence = 1;

    while (*script) {
        size_t length = strcspn(script, "|");
        char packet[1024], *end = packet;
        uint8_t head[FRAME_HEAD_SIZE];
        unsigned long times = 0;

        assert_true(length < sizeof packet);
        memcpy(packet, script, length);
        packet[length] = 0;
        script += length + (script[length] == '|');
        end += strspn(end, " ");
        if (*end == '+')
            sequence = (uint8_t)(sequence + strtoul(end + 1, &end, 10));
        end += strspn(end, " ");
        if (*end == '*')
            times = strtoul(end + 1, &end, 10);

        struct bytes payload = from_hex(end);
        size_t size = times ? times : payload.size;
        frame_write(head, (struct frame){(uint32_t)size, sequence++});
        write_bytes(&w, bytes_of(head, sizeof head));
        if (times == 0)
            write_bytes(&w, payload);
        for (size_t i = 0; i < times; i++)
            write_u8(&w, payload.data[0]);
        free_bytes(payload);
    }
    assert_false(w.failed);
    struct bytes packets = exact_copy(writer_bytes(&w));
    writer_dispose(&w);
    return packets;
}

static const char *const what_names[] = {
    [RESPONSE_MORE] = "more",         [RESPONSE_PASS] = "pass",   [RESPONSE_OK] = "ok",
    [RESPONSE_EOF] = "eof",           [RESPONSE_ERROR] = "error", [RESPONSE_PREPARED] = "prepared",
    [RESPONSE_LOCAL_INFILE] = "file", [RESPONSE_AUTH] = "auth",   [RESPONSE_BAD] = "bad",
};

struct tracer {
    char *text;
    size_t passed;
};

static void tell(struct tracer *t, const char *what, size_t size)
{
    size_t used = strlen(t->text);

    snprintf(t->text + used, TRACE_SIZE - used, "%s:%zu ", what, size);
}

static void tell_passed(struct tracer *t)
{
    if (t->passed)
        tell(t, "pass", t->passed);
    t->passed = 0;
}

/* Runs over `available` bytes from `at`; returns how far it came. */
static size_t run(struct tracer *t, struct response *r, struct bytes packets, size_t at,
                  size_t available)
{
    while (!r->done) {
        struct bytes in = exact_copy(bytes_of(packets.data + at, available - at));
        struct response_step step = response_next(r, in);

        assert_true(step.size <= in.size);
        assert_int_equal(step.last, r->done);
        free_bytes(in);
        if (step.what == RESPONSE_MORE) {
            assert_true(step.need > available - at);
            assert_int_equal(step.size, 0);
            break;
        }
        at += step.size;
        if (step.what == RESPONSE_PASS) {
            assert_true(step.size > 0);
            t->passed += step.size;
            continue;
        }
        tell_passed(t);
        tell(t, what_names[step.what], step.size);
        if (step.what == RESPONSE_LOCAL_INFILE || step.what == RESPONSE_AUTH)
            response_turn(r, (uint8_t)(step.sequence + 1));
        if (step.problem) {
            size_t used = strlen(t->text);
            snprintf(t->text + used, TRACE_SIZE - used, "(%s) ", step.problem);
        }
    }
    return at;
}

void trace_response(enum command command, uint64_t capabilities, struct bytes packets, size_t cut,
                    char trace[TRACE_SIZE])
{
    struct response_request request = {command, capabilities, 1};
    struct tracer t = {trace, 0};
    struct response r;
    size_t at = 0;

    trace[0] = 0;
    response_begin(&r, &request);
    if (cut == SIZE_MAX)
        for (size_t available = 0; available < packets.size && !r.done; available++)
            at = run(&t, &r, packets, at, available);
    else if (cut)
        at = run(&t, &r, packets, at, cut);
    at = run(&t, &r, packets, at, packets.size);
    tell_passed(&t);

    size_t used = strlen(trace);
    snprintf(trace + used, TRACE_SIZE - used, "rows=%llu sets=%u status=%x%s%s",
             (unsigned long long)r.rows, r.result_sets, r.status, r.done ? "" : " open",
             at < packets.size ? " left" : "");
}
