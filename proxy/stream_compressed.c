/*
 * Compression as a layer. See stream_compressed.h.
 */
#include "proxy/stream_compressed.h"

#include "protocol/packer.h"
#include "protocol/unpacker.h"
#include "proxy/memory.h"
#include "proxy/packet_numbers.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

enum {
    PLAIN_BYTES = STREAM_READ_BYTES,
    FILLS_PER_TURN = 8, /* of the loop: other streams have theirs in between */
};

struct compression_room {
    struct packer *packer; /* owner */
    struct unpack_store store;
    uint8_t *plain;  /* owner: headroom and PLAIN_BYTES; NULL: not needed yet */
    uint8_t *joined; /* owner: PACKER_BYTES, for parts that become one packet; NULL: as above */
};

struct compression_layer {
    struct stream_layer layer; /* first */
    struct compression_room *room;
    struct unpacker unpacker;
    uint8_t *held; /* owner: what came and was not expanded; NULL: nothing */
    size_t held_size;
    uint64_t expanded; /* bytes so far */
    uint8_t level;
    bool is_to_server;
    union {
        struct answer_numbers answers;   /* towards a client */
        struct command_numbers commands; /* towards a server */
    } numbers;
    uint8_t begun[FRAME_HEAD_SIZE]; /* a head that was written in part, to be sent with its rest */
    uint8_t begun_size;
};

static struct compression_layer *layer_of(const struct stream *stream)
{
    return (struct compression_layer *)stream->top;
}

struct compression_room *compression_room_new(void)
{
    struct compression_room *room = mem_calloc(1, sizeof *room);

    room->packer = packer_new();
    return room;
}

void compression_room_free(struct compression_room *room)
{
    packer_free(room->packer);
    unpack_store_dispose(&room->store);
    mem_free(room->plain);
    mem_free(room->joined);
    mem_free(room);
}

/* ---- bytes come ---- */

static void hold(struct compression_layer *layer, struct bytes in)
{
    uint8_t *held = mem_copy(in.data, in.size); /* `in` may lie in what was held before */

    mem_free(layer->held);
    layer->held = held;
    layer->held_size = in.size;
}

/* What was held and what has come, as one. */
static struct bytes all_of(struct compression_layer *layer, struct bytes chunk)
{
    if (layer->held_size == 0) {
        return chunk;
    }
    if (chunk.size > 0) {
        layer->held = mem_realloc(layer->held, layer->held_size + chunk.size);
        memcpy(layer->held + layer->held_size, chunk.data, chunk.size);
        layer->held_size += chunk.size;
    }
    return (struct bytes){layer->held, layer->held_size};
}

static bool is_in_order(struct compression_layer *layer, size_t size)
{
    uint8_t sequence = layer->unpacker.sequence;

    if (layer->is_to_server) {
        command_numbers_came(&layer->numbers.commands, sequence);
        return true;
    }
    return answer_numbers_came(&layer->numbers.answers, sequence, layer->expanded + size);
}

/* Fills the shared buffer. Answers WANTS, FULL or BAD. */
static enum unpack_step fill(struct compression_layer *layer, struct bytes *in, size_t *size)
{
    uint8_t *plain = layer->room->plain + STREAM_HEADROOM_BYTES;
    enum unpack_step step;

    *size = 0;
    do {
        step = unpack_next(&layer->unpacker, in, plain, PLAIN_BYTES, size);
        if (step == UNPACK_PACKET && !is_in_order(layer, *size)) {
            layer->unpacker.problem = "compressed packets out of order";
            step = UNPACK_BAD;
        }
    } while (step == UNPACK_PACKET);
    return step;
}

static void deliver(struct stream *stream, struct bytes chunk)
{
    struct compression_layer *layer = layer_of(stream);
    struct compression_room *room = layer->room;
    enum unpack_step step = UNPACK_FULL;
    struct bytes in;
    unsigned fills = 0;
    size_t size;

    if (chunk.size == 0 && !stream->holding) {
        return; /* TLS has only a part of a record; zstd takes many calls without input for an error
                 */
    }
    in = all_of(layer, chunk);
    stream->holding = false;
    if (room->plain == NULL) {
        room->plain = mem_alloc(STREAM_HEADROOM_BYTES + PLAIN_BYTES);
    }
    while (step == UNPACK_FULL && fills++ < FILLS_PER_TURN && stream_wants(stream)) {
        step = fill(layer, &in, &size);
        layer->expanded += size;
        stream_show(stream, (struct bytes){room->plain + STREAM_HEADROOM_BYTES, size});
    }
    if (stream->ended) {
        return;
    }
    if (step == UNPACK_BAD) {
        stream_fail(stream, UV_EPROTO);
        return;
    }
    if (in.size > 0) {
        hold(layer, in);
    } else {
        mem_free(layer->held);
        layer->held = NULL;
        layer->held_size = 0;
    }
    if (step == UNPACK_FULL) {
        stream_hold(stream);
    }
}

/* ---- bytes go ---- */

static void send_packet(struct stream *stream, struct bytes plain, uint8_t sequence)
{
    struct compression_layer *layer = layer_of(stream);
    struct bytes packet =
        packer_pack(layer->room->packer, (enum compression)layer->unpacker.compression,
                    layer->level, plain, sequence);

    stream_sink(stream, &layer->layer, &packet, 1);
}

static void send_to_server(struct stream *stream, struct bytes plain)
{
    struct compression_layer *layer = layer_of(stream);
    uint8_t sequence;
    size_t size;

    while ((size = command_numbers_take(&layer->numbers.commands, plain, &sequence)) > 0) {
        send_packet(stream, bytes_first(plain, size), sequence);
        plain = bytes_after(plain, size);
    }
    assert(plain.size < FRAME_HEAD_SIZE);
    layer->begun_size = (uint8_t)plain.size;
    if (plain.size > 0) {
        memmove(layer->begun, plain.data, plain.size);
    }
}

static void send_plain(struct stream *stream, struct bytes plain)
{
    struct compression_layer *layer = layer_of(stream);

    if (layer->is_to_server) {
        send_to_server(stream, plain);
    } else {
        send_packet(
            stream, plain,
            answer_numbers_next(&layer->numbers.answers, layer->expanded - stream->view_size));
    }
}

/* Parts become one packet, as far as they fit. */
static void join(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct compression_layer *layer = layer_of(stream);
    struct compression_room *room = layer->room;
    size_t size = layer->begun_size;

    if (room->joined == NULL) {
        room->joined = mem_alloc(PACKER_BYTES);
    }
    memcpy(room->joined, layer->begun, size);
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = parts[i];

        while (rest.size > 0) {
            struct bytes part = bytes_first(rest, PACKER_BYTES - size);

            memcpy(room->joined + size, part.data, part.size);
            size += part.size;
            rest = bytes_after(rest, part.size);
            if (size == PACKER_BYTES) {
                send_plain(stream, (struct bytes){room->joined, size});
                size = layer->begun_size;
                memcpy(room->joined, layer->begun, size);
            }
        }
    }
    if (size > layer->begun_size) {
        send_plain(stream, (struct bytes){room->joined, size});
    }
}

static void write_parts(struct stream *stream, const struct bytes *parts, size_t count)
{
    if (stream->ended) {
        return;
    }
    if (count == 1 && parts[0].size <= PACKER_BYTES && layer_of(stream)->begun_size == 0) {
        if (parts[0].size > 0) {
            send_plain(stream, parts[0]);
        }
    } else {
        join(stream, parts, count);
    }
}

/* ---- end ---- */

static const char *trouble(const struct stream *stream)
{
    return layer_of(stream)->unpacker.problem;
}

static void dispose(struct stream *stream)
{
    struct compression_layer *layer = layer_of(stream);

    unpacker_dispose(&layer->unpacker);
    mem_free(layer->held);
    mem_free(layer);
}

const struct stream_layer_operations stream_compressed_operations = {
    .deliver = deliver,
    .write = write_parts,
    .trouble = trouble,
    .dispose = dispose,
};

/* ---- beginnings ---- */

static struct compression_layer *put_on(struct stream *stream, struct compression_room *room,
                                        enum compression compression, unsigned level)
{
    struct compression_layer *layer = mem_calloc(1, sizeof *layer);

    assert(compression != COMPRESSION_NONE && !stream_is_compressed(stream));
    layer->layer.operations = &stream_compressed_operations;
    layer->room = room;
    layer->level = (uint8_t)level;
    unpacker_init(&layer->unpacker, compression, &room->store);
    stream_add_layer(stream, &layer->layer);
    return layer;
}

void stream_compress_client(struct stream *stream, struct compression_room *room,
                            enum compression compression, unsigned level)
{
    struct compression_layer *layer = put_on(stream, room, compression, level);
    struct bytes pending = stream_peek(stream);

    if (pending.size > 0) {
        hold(layer, pending);
        stream_consume(stream, pending.size);
        stream_hold(stream);
    }
}

void stream_compress_server(struct stream *stream, struct compression_room *room,
                            enum compression compression, unsigned level)
{
    struct compression_layer *layer = put_on(stream, room, compression, level);

    layer->is_to_server = true;
    command_numbers_init(&layer->numbers.commands);
}

enum compression stream_compression(const struct stream *stream)
{
    return stream_is_compressed(stream) ? (enum compression)layer_of(stream)->unpacker.compression
                                        : COMPRESSION_NONE;
}
