/*
 * Compression as a layer: a stream over a fake carrier, and at the other end packer and unpacker by
 * themselves, in the role of a client or of a server.
 */
#include "proxy/stream_compressed.h"

#include "protocol/packer.h"
#include "protocol/unpacker.h"
#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <zlib.h>

enum { SEEN = 1 << 20, SENT = 1 << 20, BOMB = 16000000 };

struct pair {
    struct stream stream; /* first */
    struct compression_room *room;
    uint8_t *buffer; /* owner: headroom and read buffer */
    uint8_t *sent;   /* owner: what the carrier got */
    size_t sent_size;
    uint8_t *seen; /* owner: the first of what the stream's owner got */
    size_t seen_size;
    size_t takes; /* bytes that the owner takes before it pauses */
    unsigned again, ended;
    int status;
    bool reads, closed;
};

/* ---- the carrier ---- */

static long write_some(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct pair *pair = (struct pair *)stream;
    size_t taken = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(pair->sent_size + parts[i].size <= SENT);
        memcpy(pair->sent + pair->sent_size, parts[i].data, parts[i].size);
        pair->sent_size += parts[i].size;
        taken += parts[i].size;
    }
    return (long)taken;
}

static int write_later(struct stream *stream, uint8_t *data, size_t size)
{
    (void)stream;
    (void)size;
    mem_free(data);
    fail_msg("nothing is refused here");
    return 0;
}

static void read_start(struct stream *stream)
{
    ((struct pair *)stream)->reads = true;
}

static void read_stop(struct stream *stream)
{
    ((struct pair *)stream)->reads = false;
}

static void close_stream(struct stream *stream)
{
    ((struct pair *)stream)->closed = true;
}

static void call_again(struct stream *stream)
{
    ((struct pair *)stream)->again = 1;
}

static const struct stream_operations operations = {
    .write_some = write_some,
    .write_later = write_later,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_stream,
    .call_again = call_again,
};

/* ---- the owner ---- */

static void on_bytes(void *owner)
{
    struct pair *pair = owner;
    struct bytes in = bytes_first(stream_peek(&pair->stream), pair->takes);

    if (pair->seen_size + in.size <= SEEN) {
        memcpy(pair->seen + pair->seen_size, in.data, in.size);
    }
    pair->seen_size += in.size;
    pair->takes -= in.size;
    stream_consume(&pair->stream, in.size);
    if (pair->takes == 0) {
        stream_pause(&pair->stream);
    }
}

static void on_end(void *owner, int status)
{
    struct pair *pair = owner;

    pair->ended++;
    pair->status = status;
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static const struct stream_events events = {
    .on_bytes = on_bytes,
    .on_drained = on_nothing,
    .on_end = on_end,
    .on_closed = on_nothing,
};

static struct pair *pair_new(void)
{
    struct pair *pair = mem_calloc(1, sizeof *pair);

    stream_init(&pair->stream, &operations, &events, pair);
    pair->room = compression_room_new();
    pair->buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    pair->sent = mem_alloc(SENT);
    pair->seen = mem_alloc(SEEN);
    pair->takes = SIZE_MAX;
    stream_open(&pair->stream);
    return pair;
}

static void pair_free(struct pair *pair)
{
    stream_close(&pair->stream);
    assert_true(pair->closed);
    stream_closed(&pair->stream);
    compression_room_free(pair->room);
    mem_free(pair->buffer);
    mem_free(pair->sent);
    mem_free(pair->seen);
    mem_free(pair);
}

/* The peer's bytes, in pieces of at most `most`, as far as the stream reads. Answers how many. */
static size_t deliver(struct pair *pair, struct bytes wire, size_t most)
{
    size_t size = 0;

    most = most < STREAM_READ_BYTES ? most : STREAM_READ_BYTES;
    while (pair->reads && size < wire.size) {
        struct bytes piece = bytes_first(bytes_after(wire, size), most);

        memcpy(pair->buffer + STREAM_HEADROOM_BYTES, piece.data, piece.size);
        size += piece.size;
        stream_deliver(&pair->stream,
                       (struct bytes){pair->buffer + STREAM_HEADROOM_BYTES, piece.size});
        memset(pair->buffer, 0xdd, STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    }
    return size;
}

/* The heads of all packets that were sent, as "sequence:size", where sizes are plain ones. */
static const char *sent(struct pair *pair)
{
    static char text[400];
    size_t at = 0;

    text[0] = 0;
    while (at < pair->sent_size) {
        struct compressed_head head = compressed_head_read(pair->sent + at);
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "%s%u:%u", used == 0 ? "" : " ", head.sequence,
                 head.plain_size != 0 ? head.plain_size : head.size);
        at += COMPRESSED_HEAD_SIZE + head.size;
    }
    assert_int_equal(at, pair->sent_size);
    pair->sent_size = 0;
    return text;
}

/* A packet of zeros, as large as they come. */
static struct bytes bomb(uint8_t sequence)
{
    static uint8_t wire[40000];
    uint8_t *zeros = mem_calloc(1, BOMB);
    uLongf size = sizeof wire - COMPRESSED_HEAD_SIZE;

    assert_int_equal(compress(wire + COMPRESSED_HEAD_SIZE, &size, zeros, BOMB), Z_OK);
    compressed_head_write(wire, (struct compressed_head){(uint32_t)size, sequence, BOMB});
    mem_free(zeros);
    return bytes_of(wire, COMPRESSED_HEAD_SIZE + size);
}

/* ---- tests ---- */

static void what_comes_in_pieces(void **state)
{
    static const size_t pieces[] = {1, 3, 100, SIZE_MAX};
    struct packer *packer = packer_new();
    uint8_t plain[3000];
    uint8_t wire[4000];

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)(i * i / 7);
    }
    for (unsigned i = 0; i < 8; i++) {
        enum compression compression = i % 2 == 0 ? COMPRESSION_ZLIB : COMPRESSION_ZSTD;
        struct pair *pair = pair_new();
        size_t size = 0;

        for (unsigned j = 0; j < 3; j++) {
            struct bytes packet = packer_pack(packer, compression, 3,
                                              bytes_of(plain + (size_t)j * 1000, 1000), (uint8_t)j);

            memcpy(wire + size, packet.data, packet.size);
            size += packet.size;
        }
        stream_compress_client(&pair->stream, pair->room, compression, 3);
        assert_int_equal(stream_compression(&pair->stream), compression);
        assert_int_equal(deliver(pair, bytes_of(wire, size), pieces[i / 2]), size);
        assert_int_equal(pair->seen_size, sizeof plain);
        assert_memory_equal(pair->seen, plain, sizeof plain);
        stream_write_one(&pair->stream, bytes_of(plain, 10));
        assert_string_equal(sent(pair), "3:10");
        pair_free(pair);
    }
    packer_free(packer);
}

static void answers_are_joined_and_numbered(void **state)
{
    static const uint8_t query[] = {5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3};
    static uint8_t large[PACKER_BYTES + 100];
    struct pair *pair = pair_new();
    struct bytes parts[2] = {bytes_of(large, 4), bytes_of(large, 996)};

    (void)state;
    stream_compress_client(&pair->stream, pair->room, COMPRESSION_ZLIB, 6);
    assert_int_equal(deliver(pair, bytes_of(query, sizeof query), SIZE_MAX), sizeof query);
    stream_write(&pair->stream, parts, 2);
    stream_write_one(&pair->stream, bytes_of(large, 7));
    stream_write_one(&pair->stream, bytes_of(large, sizeof large));
    assert_string_equal(sent(pair), "1:1000 2:7 3:131072 4:100");
    pair_free(pair);
}

/* Each command towards a server has a packet of its own; what it answers has any numbers. */
static void commands_are_told_apart(void **state)
{
    static const uint8_t commands[] = {1, 0, 0, 0, 14, 2, 0, 0, 0, 3, 'x', 3, 0, 0, 0, 3, 'y', 'z'};
    static const uint8_t answer[] = {3, 0, 0, 77, 0, 0, 0, 'a', 'b', 'c'};
    struct pair *pair = pair_new();
    struct bytes parts[2] = {bytes_of(commands, 8), bytes_of(commands + 8, 10)};

    (void)state;
    stream_compress_server(&pair->stream, pair->room, COMPRESSION_ZSTD, 3);
    stream_write(&pair->stream, parts, 2);
    assert_string_equal(sent(pair), "0:5 0:6 0:7");
    assert_int_equal(deliver(pair, bytes_of(answer, sizeof answer), SIZE_MAX), sizeof answer);
    assert_int_equal(pair->seen_size, 3);
    /* A head in two parts. */
    stream_write_one(&pair->stream, bytes_of(commands, 7));
    stream_write_one(&pair->stream, bytes_of(commands + 7, 11));
    assert_string_equal(sent(pair), "0:5 0:6 0:7");
    pair_free(pair);
}

/* 16 KB become 16 MB: an owner that takes little is not given, nor kept, more than a buffer. */
static void bombs_wait(void **state)
{
    struct pair *pair = pair_new();
    struct bytes wire = bomb(0);

    (void)state;
    pair->takes = 1000;
    stream_compress_client(&pair->stream, pair->room, COMPRESSION_ZLIB, 6);
    assert_int_equal(deliver(pair, wire, SIZE_MAX), wire.size);
    assert_int_equal(pair->seen_size, 1000);
    assert_true(pair->stream.kept_capacity <= (size_t)2 * STREAM_READ_BYTES);
    assert_false(pair->reads);
    assert_int_equal(pair->again, 0);
    while (pair->seen_size < BOMB) {
        size_t before = pair->seen_size;

        pair->takes = 150000;
        stream_resume(&pair->stream);
        on_bytes(pair); /* as owners do: what is pending first */
        while (pair->again > 0) {
            pair->again = 0;
            stream_again(&pair->stream);
            assert_true(pair->stream.kept_capacity <= (size_t)2 * STREAM_READ_BYTES);
        }
        assert_true(pair->seen_size > before && pair->seen_size <= before + 150000);
    }
    assert_int_equal(pair->seen_size, BOMB);
    for (size_t i = 0; i < SEEN; i++) {
        assert_int_equal(pair->seen[i], 0);
    }
    pair->takes = SIZE_MAX;
    stream_resume(&pair->stream);
    while (pair->again > 0) {
        pair->again = 0;
        stream_again(&pair->stream);
    }
    assert_true(pair->reads); /* and all is as before it */
    assert_null(pair->stream.kept);
    pair_free(pair);
}

/* One who wants it all gets it all, but in turn with others. */
static void bombs_for_who_wants_them(void **state)
{
    struct pair *pair = pair_new();
    struct bytes wire = bomb(0);

    (void)state;
    stream_compress_client(&pair->stream, pair->room, COMPRESSION_ZLIB, 6);
    assert_int_equal(deliver(pair, wire, SIZE_MAX), wire.size);
    while (pair->again > 0) {
        size_t before = pair->seen_size;

        assert_false(pair->reads);
        pair->again = 0;
        stream_again(&pair->stream);
        assert_true(pair->seen_size <= before + (1 << 20));
    }
    assert_int_equal(pair->seen_size, BOMB);
    assert_true(pair->reads);
    pair_free(pair);
}

/* What was pending when the login ended is compressed already; it is given later, not at once. */
static void what_came_before(void **state)
{
    static const uint8_t early[] = {4, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c', 'd', 2, 0};
    static const uint8_t late[] = {0, 1, 0, 0, 0, 'e', 'f'};
    struct pair *pair = pair_new();

    (void)state;
    pair->takes = 0;
    assert_int_equal(deliver(pair, bytes_of(early, sizeof early), SIZE_MAX), sizeof early);
    stream_resume(&pair->stream);
    stream_compress_client(&pair->stream, pair->room, COMPRESSION_ZLIB, 6);
    assert_int_equal(pair->seen_size, 0);
    assert_int_equal(pair->again, 1);
    pair->again = 0;
    pair->takes = SIZE_MAX;
    stream_again(&pair->stream);
    assert_int_equal(deliver(pair, bytes_of(late, sizeof late), SIZE_MAX), sizeof late);
    assert_int_equal(pair->seen_size, 6);
    assert_memory_equal(pair->seen, "abcdef", 6);
    pair_free(pair);
}

static void wrong_packets_end_the_stream(void **state)
{
    static const struct {
        uint8_t wire[16];
        const char *reason;
    } rows[] = {
        {{4, 0, 0, 1, 0, 0, 0, 'a', 'b', 'c', 'd'}, "compressed packets out of order"},
        {{4, 0, 0, 0, 9, 0, 0, 'a', 'b', 'c', 'd'}, "what is compressed in a packet is malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *pair = pair_new();

        stream_compress_client(&pair->stream, pair->room, COMPRESSION_ZLIB, 6);
        deliver(pair, bytes_of(rows[i].wire, 11), SIZE_MAX);
        assert_int_equal(pair->ended, 1);
        assert_string_equal(stream_reason(&pair->stream, pair->status), rows[i].reason);
        stream_write_one(&pair->stream, bytes_of("late", 4));
        assert_int_equal(pair->sent_size, 0);
        pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_in_pieces),
        cmocka_unit_test(answers_are_joined_and_numbered),
        cmocka_unit_test(commands_are_told_apart),
        cmocka_unit_test(bombs_wait),
        cmocka_unit_test(bombs_for_who_wants_them),
        cmocka_unit_test(what_came_before),
        cmocka_unit_test(wrong_packets_end_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
