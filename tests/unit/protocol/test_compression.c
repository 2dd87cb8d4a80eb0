/*
 * Compressed packets: what goes in comes out, in whatever pieces; what is wrong is found, and
 * nothing ever takes more room than it is given.
 */
#include "protocol/packer.h"
#include "protocol/unpacker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { LARGE = 0xffffff };

static const enum compression both[] = {COMPRESSION_ZLIB, COMPRESSION_ZSTD};

/* Text that compresses to about a third; other text for another seed. */
static void fill(uint8_t *data, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)("abcd efgh"[(seed >> 24) % 9]);
    }
}

struct run {
    struct unpack_store store;
    struct unpacker unpacker;
    uint8_t *out; /* owner: what came out so far */
    size_t out_size;
    uint8_t sequences[16];
    unsigned packets;
};

static void run_begin(struct run *run, enum compression compression, size_t capacity)
{
    *run = (struct run){.out = malloc(capacity)};
    assert_non_null(run->out);
    unpacker_init(&run->unpacker, compression, &run->store);
}

/* Gives `in` with `room` bytes of room at a time. False: it was bad. */
static bool run_give(struct run *run, struct bytes in, size_t room)
{
    uint8_t *piece = malloc(room);
    enum unpack_step step = UNPACK_PACKET;

    assert_non_null(piece);
    while (step != UNPACK_WANTS && step != UNPACK_BAD) {
        size_t size = 0;

        do {
            step = unpack_next(&run->unpacker, &in, piece, room, &size);
            assert_true(size <= room);
            if (step == UNPACK_PACKET) {
                run->sequences[run->packets++ % 16] = run->unpacker.sequence;
            }
        } while (step == UNPACK_PACKET);
        memcpy(run->out + run->out_size, piece, size);
        run->out_size += size;
    }
    free(piece);
    assert_true(step == UNPACK_BAD || in.size == 0);
    return step == UNPACK_WANTS;
}

static void run_end(struct run *run)
{
    unpacker_dispose(&run->unpacker);
    unpack_store_dispose(&run->store);
    free(run->out);
}

/* ---- there and back ---- */

static void short_ones_stay_as_they_are(void **state)
{
    struct packer *packer = packer_new();
    uint8_t plain[COMPRESSED_FROM] = {0};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bytes packet = packer_pack(packer, both[i], 3, bytes_of(plain, sizeof plain - 1), 7);

        assert_int_equal(packet.size, COMPRESSED_HEAD_SIZE + sizeof plain - 1);
        assert_int_equal(compressed_head_read(packet.data).plain_size, 0);
        assert_int_equal(compressed_head_read(packet.data).sequence, 7);
        packet = packer_pack(packer, both[i], 3, bytes_of(plain, sizeof plain), 255);
        assert_true(packet.size < COMPRESSED_HEAD_SIZE + sizeof plain);
        assert_int_equal(compressed_head_read(packet.data).plain_size, sizeof plain);
        assert_int_equal(compressed_head_read(packet.data).sequence, 255);
    }
    packer_free(packer);
}

static void what_does_not_shrink_stays_as_it_is(void **state)
{
    struct packer *packer = packer_new();
    uint8_t plain[4096];
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++) {
        seed = seed * 1664525 + 1013904223;
        plain[i] = (uint8_t)(seed >> 24);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct bytes packet = packer_pack(packer, both[i], 6, bytes_of(plain, sizeof plain), 0);

        assert_int_equal(packet.size, COMPRESSED_HEAD_SIZE + sizeof plain);
        assert_memory_equal(packet.data + COMPRESSED_HEAD_SIZE, plain, sizeof plain);
    }
    packer_free(packer);
}

/* Every level, and from one to another, of both. */
static void every_level(void **state)
{
    static uint8_t plain[30000];
    struct packer *packer = packer_new();

    (void)state;
    fill(plain, sizeof plain, 1);
    for (unsigned level = 1; level <= ZSTD_LEVEL_MAX; level++) {
        for (unsigned i = 0; i < 2; i++) {
            unsigned bounded = both[i] == COMPRESSION_ZLIB && level > ZLIB_LEVEL_MAX
                                   ? (level % ZLIB_LEVEL_MAX) + 1
                                   : level;
            struct bytes packet =
                packer_pack(packer, both[i], bounded, bytes_of(plain, sizeof plain), 0);
            struct run run;

            assert_true(packet.size < sizeof plain * 2 / 3);
            run_begin(&run, both[i], sizeof plain);
            assert_true(run_give(&run, packet, 1000));
            assert_int_equal(run.out_size, sizeof plain);
            assert_memory_equal(run.out, plain, sizeof plain);
            run_end(&run);
        }
    }
    packer_free(packer);
}

/* Three packets: compressed, as it is, compressed; cut in two at every byte, and byte by byte. */
static void cut_at_every_byte(void **state)
{
    struct packer *packer = packer_new();
    static const size_t sizes[] = {700, 30, 90};
    uint8_t plain[820];
    uint8_t wire[1000];

    (void)state;
    fill(plain, sizeof plain, 2);
    for (unsigned i = 0; i < 2; i++) {
        size_t size = 0, at = 0;

        for (unsigned j = 0; j < 3; j++) {
            struct bytes packet =
                packer_pack(packer, both[i], 3, bytes_of(plain + at, sizes[j]), (uint8_t)(j + 254));

            assert_true(size + packet.size <= sizeof wire);
            memcpy(wire + size, packet.data, packet.size);
            size += packet.size;
            at += sizes[j];
        }
        for (size_t cut = 0; cut <= size; cut++) {
            static const size_t rooms[] = {1, 7, 4096};

            for (unsigned room = 0; room < 3; room++) {
                struct run run;

                run_begin(&run, both[i], sizeof plain);
                for (size_t from = 0; cut == 0 && from < size; from++) {
                    assert_true(run_give(&run, bytes_of(wire + from, 1), rooms[room]));
                }
                if (cut > 0) {
                    assert_true(run_give(&run, bytes_of(wire, cut), rooms[room]));
                    assert_true(run_give(&run, bytes_of(wire + cut, size - cut), rooms[room]));
                }
                assert_int_equal(run.out_size, sizeof plain);
                assert_memory_equal(run.out, plain, sizeof plain);
                assert_int_equal(run.packets, 3);
                assert_memory_equal(run.sequences, ((uint8_t[]){254, 255, 0}), 3);
                assert_null(run.unpacker.tool);
                run_end(&run);
            }
        }
    }
    packer_free(packer);
}

/* As others make them: one packet of 16 MiB - 1, the largest that the head can tell. */
static size_t pack_by_hand(enum compression compression, int level, const uint8_t *plain,
                           size_t size, size_t told, uint8_t *wire, size_t capacity)
{
    size_t packed = capacity - COMPRESSED_HEAD_SIZE;

    if (compression == COMPRESSION_ZLIB) {
        uLongf length = packed;

        assert_int_equal(compress2(wire + COMPRESSED_HEAD_SIZE, &length, plain, size, level), Z_OK);
        packed = length;
    } else {
        packed = ZSTD_compress(wire + COMPRESSED_HEAD_SIZE, packed, plain, size, level);
        assert_false(ZSTD_isError(packed));
    }
    compressed_head_write(wire, (struct compressed_head){(uint32_t)packed, 0, (uint32_t)told});
    return COMPRESSED_HEAD_SIZE + packed;
}

static void the_largest_packet(void **state)
{
    static const int levels[] = {1, 3, 22};
    uint8_t *plain = malloc(LARGE);
    size_t capacity = LARGE + (LARGE >> 3);
    uint8_t *wire = malloc(capacity);

    (void)state;
    assert_non_null(plain);
    assert_non_null(wire);
    memset(plain, 'x', LARGE);
    fill(plain, 1 << 20, 3);
    for (unsigned i = 0; i < 4; i++) {
        enum compression compression = i == 0 ? COMPRESSION_ZLIB : COMPRESSION_ZSTD;
        size_t size = pack_by_hand(compression, i == 0 ? 6 : levels[i - 1], plain, LARGE, LARGE,
                                   wire, capacity);
        struct run run;

        run_begin(&run, compression, LARGE);
        for (size_t at = 0; at < size; at += 65536) {
            assert_true(run_give(&run, bytes_first(bytes_of(wire + at, size - at), 65536), 65536));
        }
        assert_int_equal(run.out_size, LARGE);
        assert_memory_equal(run.out, plain, LARGE);
        run_end(&run);
    }
    free(plain);
    free(wire);
}

/* ---- what is wrong ---- */

static void sizes_must_be_true(void **state)
{
    static const struct {
        int told, left_out, added; /* against what is there */
    } rows[] = {{-1, 0, 0}, {1, 0, 0},  {-299, 0, 0}, {5000, 0, 0},
                {0, 1, 0},  {0, 20, 0}, {0, 0, 1}};
    uint8_t plain[300];
    uint8_t wire[600] = {0};

    (void)state;
    fill(plain, sizeof plain, 4);
    for (unsigned i = 0; i < 2; i++) {
        for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
            int told = (int)sizeof plain + rows[row].told;
            size_t size = pack_by_hand(both[i], 3, plain, sizeof plain, (size_t)told, wire, 500);
            struct compressed_head head = compressed_head_read(wire);
            struct run run;

            head.size = (uint32_t)((int)head.size - rows[row].left_out + rows[row].added);
            compressed_head_write(wire, head);
            run_begin(&run, both[i], 10000);
            assert_false(run_give(&run, bytes_of(wire, size + (size_t)rows[row].added), 100));
            assert_non_null(run.unpacker.problem);
            assert_true(run.out_size <= sizeof plain);
            run_end(&run);
        }
    }
}

static void garbage_is_refused(void **state)
{
    uint8_t wire[COMPRESSED_HEAD_SIZE + 200];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct run run;

        memset(wire, 0xa7, sizeof wire);
        compressed_head_write(wire, (struct compressed_head){200, 0, 1000});
        run_begin(&run, both[i], 1000);
        assert_false(run_give(&run, bytes_of(wire, sizeof wire), 100));
        run_end(&run);
        compressed_head_write(wire, (struct compressed_head){0, 0, 1000});
        run_begin(&run, both[i], 1000);
        assert_false(run_give(&run, bytes_of(wire, COMPRESSED_HEAD_SIZE), 100));
        run_end(&run);
        /* Nothing at all is no packet's content, but no mistake. */
        compressed_head_write(wire, (struct compressed_head){0, 0, 0});
        run_begin(&run, both[i], 1000);
        assert_true(run_give(&run, bytes_of(wire, COMPRESSED_HEAD_SIZE), 100));
        run_end(&run);
    }
}

/* A frame that wants a window of 128 MiB is refused before that is allocated. */
static void large_windows_are_refused(void **state)
{
    /* Magic, no content size, window 2^27, the last block: one byte as it is. */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x09, 0, 0, 'x'};
    uint8_t wire[COMPRESSED_HEAD_SIZE + sizeof frame];
    struct run run;

    (void)state;
    compressed_head_write(wire, (struct compressed_head){sizeof frame, 0, 1});
    memcpy(wire + COMPRESSED_HEAD_SIZE, frame, sizeof frame);
    run_begin(&run, COMPRESSION_ZSTD, 1 << 20);
    assert_false(run_give(&run, bytes_of(wire, sizeof wire), 100));
    run_end(&run);
    wire[COMPRESSED_HEAD_SIZE + 5] = 0x70; /* 2^24 */
    run_begin(&run, COMPRESSION_ZSTD, 1 << 20);
    assert_true(run_give(&run, bytes_of(wire, sizeof wire), 100));
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_ones_stay_as_they_are),
        cmocka_unit_test(what_does_not_shrink_stays_as_it_is),
        cmocka_unit_test(every_level),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(the_largest_packet),
        cmocka_unit_test(sizes_must_be_true),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(large_windows_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
