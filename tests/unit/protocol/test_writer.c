/*
 * Writing: what is written reads back, nothing is written beyond the end, and failure sticks.
 */
#include "check.h"

#include "protocol/frame.h"
#include "protocol/writer.h"

#include <stdlib.h>

static void reads_back(void **state)
{
    static const uint64_t numbers[] = {0, 250, 251, 65535, 65536, 0xffffff, 0x1000000, UINT64_MAX};
    uint8_t buffer[256];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++)
        write_lenenc(&w, numbers[i]);
    write_u16(&w, 0x0102);
    write_u24(&w, 0x010203);
    write_nul_text(&w, bytes_of_text("text"));
    assert_false(w.failed);

    struct reader r = reader_over(writer_bytes(&w));
    for (size_t i = 0; i < COUNT(numbers); i++)
        assert_true(read_lenenc(&r) == numbers[i]);
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u24(&r), 0x010203);
    check_bytes(read_nul_text(&r), "text");
    assert_true(reader_is_done(&r));
}

/* The same packet into every size of buffer: it fits exactly from its own size on. */
static void every_capacity(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 32; capacity++) {
        uint8_t *data = malloc(capacity ? capacity : 1);
        struct writer w = writer_over(data, capacity);
        size_t packet = write_packet_begin(&w);

        write_lenenc_bytes(&w, bytes_of_text("abc"));
        write_zeros(&w, 3);
        write_u32(&w, 7);
        write_packet_end(&w, packet, 9);
        assert_int_equal(w.failed, capacity < 15);
        if (!w.failed) {
            struct frame frame = {0};
            assert_int_equal(frame_read(writer_bytes(&w), &frame), PARSE_OK);
            assert_int_equal(frame.length, 11);
            assert_int_equal(frame.sequence, 9);
        }
        free(data);
    }
}

static void zero_in_a_name(void **state)
{
    uint8_t buffer[16];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    write_nul_text(&w, bytes_of("a\0b", 3));
    assert_true(w.failed);
    write_u8(&w, 1);
    assert_true(w.failed);
    writer_clear(&w);
    assert_false(w.failed);
    assert_int_equal(w.size, 0);
}

static void grows_to_its_ceiling(void **state)
{
    struct writer w = writer_growing(5000);

    (void)state;
    for (unsigned i = 0; i < 1250; i++)
        write_u32(&w, i);
    assert_false(w.failed);
    assert_int_equal(w.size, 5000);
    write_u8(&w, 1);
    assert_true(w.failed);
    assert_int_equal(w.size, 5000);
    writer_dispose(&w);
}

static void too_long_for_one_packet(void **state)
{
    struct writer w = writer_growing(32u << 20);
    size_t packet = write_packet_begin(&w);

    (void)state;
    write_zeros(&w, FRAME_MAX - 1);
    write_packet_end(&w, packet, 0);
    assert_false(w.failed);
    packet = write_packet_begin(&w);
    write_zeros(&w, FRAME_MAX);
    write_packet_end(&w, packet, 1);
    assert_true(w.failed);
    writer_dispose(&w);
}

static void frames(void **state)
{
    uint8_t head[FRAME_HEAD_SIZE];
    struct frame frame = {0xabcdef, 0xff}, again;

    (void)state;
    frame_write(head, frame);
    for (size_t size = 0; size < FRAME_HEAD_SIZE; size++)
        assert_int_equal(frame_read(bytes_of(head, size), &again), PARSE_MORE);
    assert_int_equal(frame_read(bytes_of(head, sizeof head), &again), PARSE_OK);
    assert_int_equal(again.length, 0xabcdef);
    assert_int_equal(again.sequence, 0xff);
    assert_false(frame_is_whole(bytes_of(head, sizeof head), again));
    assert_false(frame_continues(again));
    assert_true(frame_continues((struct frame){FRAME_MAX, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(every_capacity),
        cmocka_unit_test(zero_in_a_name),
        cmocka_unit_test(grows_to_its_ceiling),
        cmocka_unit_test(too_long_for_one_packet),
        cmocka_unit_test(frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
