/*
 * The half of a stream that does not depend on what carries the bytes: what is pending, what is
 * queued, and who is told when. The other half is a fake that notes what it was asked to do.
 */
#include "proxy/stream.h"

#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

struct fake {
    struct stream stream; /* first */
    uint8_t *buffer;      /* owner: headroom and read buffer */
    uint8_t sent[1 << 20];
    size_t sent_size;
    size_t room;        /* bytes that write_some takes */
    uint8_t *later[64]; /* owner, with sizes */
    size_t later_size[64];
    unsigned later_count;
    bool reading, closed;

    /* the owner's side */
    size_t take; /* bytes to consume at each notification; SIZE_MAX: all */
    uint8_t seen[1 << 20];
    size_t seen_size;
    unsigned notified, drained, ended, gone;
    int end_status;
    bool close_at_bytes, close_at_end;
};

/* ---- the fake ---- */

static long write_some(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct fake *fake = (struct fake *)stream;
    size_t taken = 0;

    for (size_t i = 0; i < count; i++) {
        size_t size = parts[i].size < fake->room ? parts[i].size : fake->room;

        memcpy(fake->sent + fake->sent_size, parts[i].data, size);
        fake->sent_size += size;
        fake->room -= size;
        taken += size;
        if (size < parts[i].size) {
            break;
        }
    }
    return taken == 0 ? UV_EAGAIN : (long)taken;
}

static int write_later(struct stream *stream, uint8_t *data, size_t size)
{
    struct fake *fake = (struct fake *)stream;

    fake->later[fake->later_count] = data;
    fake->later_size[fake->later_count++] = size;
    return 0;
}

static void read_start(struct stream *stream)
{
    ((struct fake *)stream)->reading = true;
}

static void read_stop(struct stream *stream)
{
    ((struct fake *)stream)->reading = false;
}

static void close_stream(struct stream *stream)
{
    ((struct fake *)stream)->closed = true;
}

static const struct stream_operations operations = {
    .write_some = write_some,
    .write_later = write_later,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_stream,
};

/* ---- the owner ---- */

static void on_bytes(void *owner)
{
    struct fake *fake = owner;
    struct bytes in = stream_peek(&fake->stream);
    size_t size = in.size < fake->take ? in.size : fake->take;

    fake->notified++;
    memcpy(fake->seen + fake->seen_size, in.data, size);
    fake->seen_size += size;
    stream_consume(&fake->stream, size);
    if (fake->close_at_bytes) {
        stream_close(&fake->stream);
    }
}

static void on_drained(void *owner)
{
    ((struct fake *)owner)->drained++;
}

static void on_end(void *owner, int status)
{
    struct fake *fake = owner;

    fake->ended++;
    fake->end_status = status;
    if (fake->close_at_end) {
        stream_close(&fake->stream);
    }
}

static void on_closed(void *owner)
{
    ((struct fake *)owner)->gone++;
}

static const struct stream_events events = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_closed = on_closed,
};

static struct fake *fake_new(void)
{
    struct fake *fake = mem_calloc(1, sizeof *fake);

    stream_init(&fake->stream, &operations, &events, fake);
    fake->buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    fake->take = SIZE_MAX;
    fake->room = SIZE_MAX;
    stream_open(&fake->stream);
    assert_true(fake->reading);
    return fake;
}

static void fake_free(struct fake *fake)
{
    while (fake->later_count > 0) {
        mem_free(fake->later[--fake->later_count]);
    }
    if (!fake->closed) {
        stream_close(&fake->stream);
    }
    assert_true(fake->closed);
    assert_false(fake->reading);
    stream_closed(&fake->stream);
    assert_int_equal(fake->gone, 1);
    mem_free(fake->buffer);
    mem_free(fake);
}

/* Bytes come; the read buffer is used again afterwards, as a loop does. */
static void deliver(struct fake *fake, const void *data, size_t size)
{
    uint8_t *chunk = fake->buffer + STREAM_HEADROOM_BYTES;

    memcpy(chunk, data, size);
    stream_deliver(&fake->stream, bytes_of(chunk, size));
    memset(fake->buffer, 0xdd, STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
}

static void sent_later(struct fake *fake)
{
    size_t size = fake->later_size[0];

    memcpy(fake->sent + fake->sent_size, fake->later[0], size);
    fake->sent_size += size;
    mem_free(fake->later[0]);
    fake->later_count--;
    memmove(fake->later, fake->later + 1, fake->later_count * sizeof fake->later[0]);
    memmove(fake->later_size, fake->later_size + 1, fake->later_count * sizeof fake->later_size[0]);
    stream_sent(&fake->stream, size, 0);
}

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place * 31 + place / 257);
}

/* ---- reading ---- */

static void idle_stream_owns_no_buffer(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    deliver(fake, "abc", 3);
    assert_int_equal(fake->notified, 1);
    assert_memory_equal(fake->seen, "abc", 3);
    assert_null(fake->stream.kept);
    assert_int_equal(stream_peek(&fake->stream).size, 0);
    fake_free(fake);
}

/* Whatever is left comes together with what follows, in one piece. */
static void rest_is_put_before_what_follows(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->take = 0;
    deliver(fake, "ab", 2);
    assert_true(bytes_equal_text(stream_peek(&fake->stream), "ab"));
    deliver(fake, "cde", 3);
    assert_true(bytes_equal_text(stream_peek(&fake->stream), "abcde"));
    fake->take = 4;
    deliver(fake, "f", 1);
    assert_memory_equal(fake->seen, "abcd", 4);
    assert_true(bytes_equal_text(stream_peek(&fake->stream), "ef"));
    stream_consume(&fake->stream, 2);
    assert_null(fake->stream.kept);
    fake_free(fake);
}

/* The same bytes in chunks of each size, consumed in bites of each size, are the same bytes. */
static void chunks_and_bites_of_each_size(void **state)
{
    enum { TOTAL = 90000 };
    static const size_t chunks[] = {1, 7, 1000, STREAM_HEADROOM_BYTES + 1, STREAM_READ_BYTES};
    static const size_t bites[] = {1, 3, 5000, 20000, SIZE_MAX};
    static uint8_t all[TOTAL];

    (void)state;
    for (size_t i = 0; i < TOTAL; i++) {
        all[i] = pattern(i);
    }
    for (size_t c = 0; c < 5; c++) {
        for (size_t b = 0; b < 5; b++) {
            struct fake *fake = fake_new();

            fake->take = bites[b];
            for (size_t at = 0; at < TOTAL;) {
                size_t size = TOTAL - at < chunks[c] ? TOTAL - at : chunks[c];

                while (!fake->reading) {
                    on_bytes(fake); /* it has enough: the owner goes on by itself */
                }
                deliver(fake, all + at, size);
                at += size;
            }
            while (stream_peek(&fake->stream).size > 0) {
                on_bytes(fake);
            }
            assert_int_equal(fake->seen_size, TOTAL);
            assert_memory_equal(fake->seen, all, TOTAL);
            assert_null(fake->stream.kept);
            fake_free(fake);
        }
    }
}

static void reading_stops_at_the_high_water(void **state)
{
    static uint8_t half[PENDING_HIGH_BYTES / 2];
    struct fake *fake = fake_new();

    (void)state;
    fake->take = 0;
    deliver(fake, half, sizeof half);
    assert_true(fake->reading);
    deliver(fake, half, sizeof half);
    assert_false(fake->reading);
    /* The owner needs more of it together. */
    stream_expect(&fake->stream, PENDING_HIGH_BYTES + 10);
    assert_true(fake->reading);
    deliver(fake, half, 10);
    assert_false(fake->reading);
    assert_int_equal(stream_peek(&fake->stream).size, PENDING_HIGH_BYTES + 10);
    stream_expect(&fake->stream, 0);
    stream_consume(&fake->stream, 10);
    assert_false(fake->reading);
    stream_consume(&fake->stream, 1);
    assert_true(fake->reading);
    fake_free(fake);
}

static void pause_and_resume(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    stream_pause(&fake->stream);
    assert_false(fake->reading);
    stream_resume(&fake->stream);
    assert_true(fake->reading);
    stream_resume(&fake->stream);
    assert_true(fake->reading);
    fake_free(fake);
}

/* ---- writing ---- */

static void only_what_was_refused_is_queued(void **state)
{
    struct bytes parts[3] = {bytes_of_text("one"), bytes_of_text(""), bytes_of_text("two")};
    struct fake *fake = fake_new();

    (void)state;
    stream_write(&fake->stream, parts, 3);
    assert_memory_equal(fake->sent, "onetwo", 6);
    assert_int_equal(fake->later_count, 0);
    for (size_t room = 0; room < 6; room++) {
        fake->room = room;
        fake->sent_size = 0;
        stream_write(&fake->stream, parts, 3);
        assert_int_equal(fake->stream.queued_bytes, 6 - room);
        /* Behind something queued nothing is tried: the order would be lost. */
        fake->room = SIZE_MAX;
        stream_write_one(&fake->stream, bytes_of_text("!"));
        assert_int_equal(fake->later_count, 2);
        sent_later(fake);
        sent_later(fake);
        assert_memory_equal(fake->sent, "onetwo!", 7);
        assert_int_equal(fake->stream.queued_bytes, 0);
    }
    assert_int_equal(fake->drained, 0);
    fake_free(fake);
}

static void congestion_begins_high_and_ends_low(void **state)
{
    static uint8_t block[QUEUE_LOW_BYTES];
    struct fake *fake = fake_new();

    (void)state;
    fake->room = 0;
    for (unsigned i = 0; i < QUEUE_HIGH_BYTES / QUEUE_LOW_BYTES; i++) {
        stream_write_one(&fake->stream, bytes_of(block, sizeof block));
        assert_false(stream_is_congested(&fake->stream));
    }
    stream_write_one(&fake->stream, bytes_of(block, 1));
    assert_true(stream_is_congested(&fake->stream));
    while (fake->stream.queued_bytes > QUEUE_LOW_BYTES + 1) {
        sent_later(fake);
        assert_int_equal(fake->drained, 0);
        assert_true(stream_is_congested(&fake->stream));
    }
    sent_later(fake);
    assert_int_equal(fake->drained, 1);
    assert_false(stream_is_congested(&fake->stream));
    sent_later(fake);
    assert_int_equal(fake->drained, 1);
    fake_free(fake);
}

/* ---- ends ---- */

static void end_is_told_once(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    stream_fail(&fake->stream, UV_EOF);
    stream_fail(&fake->stream, UV_ECONNRESET);
    assert_int_equal(fake->ended, 1);
    assert_int_equal(fake->end_status, UV_EOF);
    assert_false(fake->reading);
    deliver(fake, "late", 4);
    assert_int_equal(fake->notified, 0);
    stream_write_one(&fake->stream, bytes_of_text("late"));
    assert_int_equal(fake->sent_size, 0);
    fake_free(fake);
}

static void failed_write_ends_the_stream(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->close_at_end = true;
    fake->room = 0;
    stream_write_one(&fake->stream, bytes_of_text("lost"));
    mem_free(fake->later[--fake->later_count]);
    stream_sent(&fake->stream, 4, UV_EPIPE);
    assert_int_equal(fake->ended, 1);
    assert_int_equal(fake->end_status, UV_EPIPE);
    assert_true(fake->closed);
    fake_free(fake);
}

/* The owner closes while it is being notified, with bytes left over. */
static void closed_within_a_notification(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->take = 1;
    fake->close_at_bytes = true;
    deliver(fake, "abc", 3);
    assert_true(fake->closed);
    stream_close(&fake->stream); /* a second time: nothing */
    deliver(fake, "more", 4);
    assert_int_equal(fake->notified, 1);
    assert_int_equal(fake->ended, 0);
    fake_free(fake);
}

static void finished_at_once_with_an_empty_queue(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    stream_finish(&fake->stream);
    assert_true(fake->closed);
    fake_free(fake);
}

static void finished_when_the_queue_has_left(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->room = 2;
    stream_write_one(&fake->stream, bytes_of_text("goodbye"));
    stream_finish(&fake->stream);
    assert_false(fake->closed);
    assert_false(fake->reading);
    deliver(fake, "late", 4);
    stream_write_one(&fake->stream, bytes_of_text("late"));
    assert_int_equal(fake->notified, 0);
    sent_later(fake);
    assert_true(fake->closed);
    assert_int_equal(fake->sent_size, 7);
    assert_memory_equal(fake->sent, "goodbye", 7);
    assert_int_equal(fake->ended, 0);
    fake_free(fake);
}

static void finish_does_not_wait_for_a_peer_that_is_gone(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->room = 0;
    stream_write_one(&fake->stream, bytes_of_text("lost"));
    stream_finish(&fake->stream);
    mem_free(fake->later[--fake->later_count]);
    stream_sent(&fake->stream, 4, UV_EPIPE);
    assert_true(fake->closed);
    assert_int_equal(fake->ended, 0);
    fake_free(fake);

    fake = fake_new();
    fake->room = 0;
    stream_write_one(&fake->stream, bytes_of_text("lost"));
    stream_fail(&fake->stream, UV_ECONNRESET);
    stream_finish(&fake->stream);
    assert_true(fake->closed);
    fake_free(fake);
}

static void patience_ends(void **state)
{
    struct fake *fake = fake_new();

    (void)state;
    fake->room = 0;
    stream_write_one(&fake->stream, bytes_of_text("never read"));
    stream_finish(&fake->stream);
    assert_false(fake->closed);
    stream_close(&fake->stream);
    assert_true(fake->closed);
    fake_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_stream_owns_no_buffer),
        cmocka_unit_test(rest_is_put_before_what_follows),
        cmocka_unit_test(chunks_and_bites_of_each_size),
        cmocka_unit_test(reading_stops_at_the_high_water),
        cmocka_unit_test(pause_and_resume),
        cmocka_unit_test(only_what_was_refused_is_queued),
        cmocka_unit_test(congestion_begins_high_and_ends_low),
        cmocka_unit_test(end_is_told_once),
        cmocka_unit_test(failed_write_ends_the_stream),
        cmocka_unit_test(closed_within_a_notification),
        cmocka_unit_test(finished_at_once_with_an_empty_queue),
        cmocka_unit_test(finished_when_the_queue_has_left),
        cmocka_unit_test(finish_does_not_wait_for_a_peer_that_is_gone),
        cmocka_unit_test(patience_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
