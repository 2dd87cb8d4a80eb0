/*
 * See memory_stream.h. What libuv does, in its order: writes that were queued are reported before
 * the close is, a read ends after all bytes, nothing is reported after the close.
 */
#include "memory_stream.h"

#include "proxy/memory.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct later {
    struct later *next;
    uint8_t *data;
    size_t size, sent;
};

/* The proxy's end; freed when it is closed, so that a sanitizer sees who uses it afterwards. */
struct memory_stream {
    struct stream stream;
    struct memory_stream *next;
    struct network *network;
    struct wire *wire; /* NULL: the connection has gone on without this stream */
    struct later *later;
    bool connecting, reading, failed, must_close, again;
};

/* ---- buffers ---- */

static void buffer_append(struct memory_buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    if (buffer->from + buffer->size + size > buffer->capacity) {
        size_t capacity = (buffer->size + size) * 2;
        uint8_t *larger = mem_alloc(capacity);

        if (buffer->size > 0) {
            memcpy(larger, buffer->data + buffer->from, buffer->size);
        }
        mem_free(buffer->data);
        *buffer = (struct memory_buffer){larger, 0, buffer->size, capacity};
    }
    memcpy(buffer->data + buffer->from + buffer->size, data, size);
    buffer->size += size;
}

static void buffer_drop(struct memory_buffer *buffer, size_t size)
{
    assert(size <= buffer->size);
    buffer->from += size;
    buffer->size -= size;
    if (buffer->size == 0) {
        buffer->from = 0;
    }
}

/* ---- what the proxy calls ---- */

static long write_some(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct memory_stream *self = (struct memory_stream *)stream;
    struct wire *wire = self->wire;
    size_t room;
    size_t taken = 0;

    if (wire == NULL || wire->peer_closed) {
        return UV_EPIPE;
    }
    room = wire->to_peer.size < wire->window ? wire->window - wire->to_peer.size : 0;
    room = room < wire->take_max ? room : wire->take_max;
    if (room == 0) {
        return UV_EAGAIN;
    }
    for (size_t i = 0; i < count && room > 0; i++) {
        size_t size = parts[i].size < room ? parts[i].size : room;

        buffer_append(&wire->to_peer, parts[i].data, size);
        taken += size;
        room -= size;
    }
    wire->received += taken;
    return (long)taken;
}

static int write_later(struct stream *stream, uint8_t *data, size_t size)
{
    struct memory_stream *self = (struct memory_stream *)stream;
    struct later *later = mem_calloc(1, sizeof *later);
    struct later **end = &self->later;

    *later = (struct later){.data = data, .size = size};
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = later;
    return 0;
}

static void read_start(struct stream *stream)
{
    ((struct memory_stream *)stream)->reading = true;
}

static void read_stop(struct stream *stream)
{
    ((struct memory_stream *)stream)->reading = false;
}

static void close_stream(struct stream *stream)
{
    struct memory_stream *self = (struct memory_stream *)stream;

    assert(!self->must_close);
    self->must_close = true;
    self->reading = false;
}

static void call_again(struct stream *stream)
{
    ((struct memory_stream *)stream)->again = true;
}

static const struct stream_operations operations = {
    .write_some = write_some,
    .write_later = write_later,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_stream,
    .call_again = call_again,
};

/* ---- events ---- */

uint64_t network_random(struct network *network, uint64_t limit)
{
    network->seed ^= network->seed << 13;
    network->seed ^= network->seed >> 7;
    network->seed ^= network->seed << 17;
    return limit == 0 ? 0 : network->seed % limit;
}

static bool can_send(const struct memory_stream *self)
{
    return self->later != NULL && !self->must_close && self->wire != NULL &&
           (self->wire->peer_closed || self->wire->to_peer.size < self->wire->window);
}

static bool can_deliver(const struct memory_stream *self)
{
    return self->reading && self->wire != NULL && !self->wire->held &&
           self->wire->to_proxy.size > 0;
}

static bool can_end(const struct memory_stream *self)
{
    return self->reading && self->wire != NULL && !self->wire->held && self->wire->peer_closed &&
           self->wire->to_proxy.size == 0 && !self->failed;
}

static bool is_due(const struct memory_stream *self)
{
    return self->must_close || self->again || (self->connecting && !self->wire->held) ||
           can_send(self) || can_deliver(self) || can_end(self);
}

static void report_sent(struct memory_stream *self, int status)
{
    struct later *later = self->later;
    size_t size = later->size;

    self->later = later->next;
    mem_free(later->data);
    mem_free(later);
    stream_sent(&self->stream, size, status);
}

static void send_later(struct memory_stream *self)
{
    struct later *later = self->later;
    struct wire *wire = self->wire;
    size_t room = wire->window - wire->to_peer.size;
    size_t size = later->size - later->sent;

    if (wire->peer_closed) {
        report_sent(self, UV_EPIPE);
        return;
    }
    size = size < room ? size : room;
    if (self->network->seed != 0) {
        size = 1 + (size_t)network_random(self->network, size);
    }
    buffer_append(&wire->to_peer, later->data + later->sent, size);
    wire->received += size;
    later->sent += size;
    if (later->sent == later->size) {
        report_sent(self, 0);
    }
}

static size_t size_to_deliver(struct network *network, const struct wire *wire)
{
    size_t size = wire->to_proxy.size < STREAM_READ_BYTES ? wire->to_proxy.size : STREAM_READ_BYTES;

    size = size < wire->chunk_max ? size : wire->chunk_max;
    if (wire->cut_at > wire->delivered && size > wire->cut_at - wire->delivered) {
        size = wire->cut_at - wire->delivered;
    }
    if (network->seed != 0 && network_random(network, 3) != 0) {
        size = 1 + (size_t)network_random(network, size < 12 ? size : 12);
    }
    return size;
}

static void deliver(struct memory_stream *self)
{
    struct network *network = self->network;
    struct wire *wire = self->wire;
    size_t size = size_to_deliver(network, wire);
    uint8_t *chunk = network->read_buffer + STREAM_HEADROOM_BYTES;

    memcpy(chunk, wire->to_proxy.data + wire->to_proxy.from, size);
    buffer_drop(&wire->to_proxy, size);
    wire->delivered += size;
    stream_deliver(&self->stream, bytes_of(chunk, size));
    memset(network->read_buffer, 0xdd, STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
}

static void forget_link(struct network *network, struct wire *wire)
{
    struct wire **at = &network->wires;

    if (wire->stream != NULL || !wire->released || wire->moving_fd >= 0) {
        return;
    }
    while (*at != wire) {
        at = &(*at)->next;
    }
    *at = wire->next;
    mem_free(wire->to_proxy.data);
    mem_free(wire->to_peer.data);
    mem_free(wire);
}

static void finish_close(struct memory_stream *self)
{
    struct network *network = self->network;
    struct memory_stream **at = &network->streams;
    struct wire *wire = self->wire;

    while (self->later != NULL) {
        report_sent(self, UV_ECANCELED);
    }
    while (*at != self) {
        at = &(*at)->next;
    }
    *at = self->next;
    network->stream_count--;
    if (network->turn == self) {
        network->turn = self->next;
    }
    stream_closed(&self->stream);
    mem_free(self);
    if (wire != NULL) {
        wire->stream = NULL;
        wire->proxy_closed = true;
        forget_link(network, wire);
    }
}

static void carry_out(struct memory_stream *self)
{
    if (self->must_close) {
        finish_close(self);
    } else if (self->again) {
        self->again = false;
        stream_again(&self->stream);
    } else if (self->connecting && !self->wire->held) {
        self->connecting = false;
        self->stream.events->on_connected(self->stream.owner, self->wire->connect_status);
    } else if (can_send(self)) {
        send_later(self);
    } else if (can_deliver(self)) {
        deliver(self);
    } else {
        self->failed = true;
        stream_fail(&self->stream, self->wire->end_status);
    }
}

static struct memory_stream *next_in_turn(struct network *network)
{
    struct memory_stream *stream = network->turn != NULL ? network->turn : network->streams;

    for (size_t i = 0; i < network->stream_count; i++) {
        if (is_due(stream)) {
            network->turn = stream->next;
            return stream;
        }
        stream = stream->next != NULL ? stream->next : network->streams;
    }
    return NULL;
}

static struct memory_stream *next_by_chance(struct network *network)
{
    size_t due = 0;
    size_t wanted;

    for (struct memory_stream *stream = network->streams; stream != NULL; stream = stream->next) {
        due += is_due(stream);
    }
    wanted = due == 0 ? 0 : (size_t)network_random(network, due);
    for (struct memory_stream *stream = network->streams; stream != NULL; stream = stream->next) {
        if (is_due(stream) && wanted-- == 0) {
            return stream;
        }
    }
    return NULL;
}

bool network_step(struct network *network)
{
    struct memory_stream *stream =
        network->seed != 0 ? next_by_chance(network) : next_in_turn(network);

    if (stream == NULL) {
        return false;
    }
    carry_out(stream);
    if (network->on_event != NULL) {
        network->on_event(network->context);
    }
    return true;
}

/* ---- life ---- */

void network_init(struct network *network)
{
    *network = (struct network){
        .read_buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES),
    };
}

void network_dispose(struct network *network)
{
    assert(network->streams == NULL);
    while (network->wires != NULL) {
        network->wires->moving_fd = -1;
        network->wires->released = true;
        forget_link(network, network->wires);
    }
    mem_free(network->read_buffer);
}

struct wire *wire_new(struct network *network)
{
    struct wire *wire = mem_calloc(1, sizeof *wire);

    wire->network = network;
    wire->moving_fd = -1;
    wire->end_status = UV_EOF;
    wire->window = wire->take_max = wire->chunk_max = SIZE_MAX;
    wire->next = network->wires;
    network->wires = wire;
    return wire;
}

struct stream *wire_adopt(struct wire *wire, const struct stream_events *events, void *owner)
{
    struct memory_stream *stream = mem_calloc(1, sizeof *stream);
    struct memory_stream **end = &wire->network->streams;

    stream_init(&stream->stream, &operations, events, owner);
    stream->network = wire->network;
    stream->wire = wire;
    wire->stream = stream;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = stream;
    wire->network->stream_count++;
    return &stream->stream;
}

struct stream *wire_connect(struct wire *wire, const struct stream_events *events, void *owner)
{
    struct stream *stream = wire_adopt(wire, events, owner);

    wire->stream->connecting = true;
    return stream;
}

int wire_detach(struct stream *stream)
{
    struct memory_stream *self = (struct memory_stream *)stream;
    struct wire *wire = self->wire;

    wire->moving_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert(wire->moving_fd >= 0);
    wire->stream = NULL;
    self->wire = NULL;
    return wire->moving_fd;
}

struct stream *network_attach(struct network *network, int fd, const struct stream_events *events,
                              void *owner)
{
    struct wire *wire = network->wires;

    while (wire != NULL && wire->moving_fd != fd) {
        wire = wire->next;
    }
    assert(wire != NULL);
    close(fd);
    wire->moving_fd = -1;
    return wire_adopt(wire, events, owner);
}

/* ---- the peer ---- */

void wire_write(struct wire *wire, const void *data, size_t size)
{
    struct memory_buffer *to = &wire->to_proxy;

    assert(!wire->peer_closed);
    buffer_append(to, data, size);
    if (wire->corrupt_at > wire->written && wire->corrupt_at <= wire->written + size) {
        size_t behind = wire->written + size - wire->corrupt_at;

        to->data[to->from + to->size - 1 - behind] ^= wire->corrupt_mask;
    }
    wire->written += size;
}

struct bytes wire_unread(const struct wire *wire)
{
    return bytes_of(wire->to_peer.data == NULL ? NULL : wire->to_peer.data + wire->to_peer.from,
                    wire->to_peer.size);
}

void wire_consume(struct wire *wire, size_t size)
{
    buffer_drop(&wire->to_peer, size);
}

void wire_end(struct wire *wire, int status)
{
    if (!wire->peer_closed) {
        wire->peer_closed = true;
        wire->end_status = status;
    }
}

void wire_release(struct wire *wire)
{
    wire_end(wire, UV_EOF);
    wire->held = false;
    wire->released = true;
    forget_link(wire->network, wire);
}

bool wire_is_paused(const struct wire *wire)
{
    return wire->stream != NULL && !wire->stream->reading && !wire->stream->must_close;
}

size_t wire_proxy_bytes(const struct wire *wire)
{
    const struct stream *stream;

    if (wire->stream == NULL) {
        return 0;
    }
    stream = &wire->stream->stream;
    return stream->kept_capacity + stream->queued_bytes;
}
