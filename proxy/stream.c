/*
 * The half of a stream that does not depend on what carries the bytes: pending bytes between
 * notifications, high and low water, and the order of the notifications. See stream.h.
 */
#include "proxy/stream.h"

#include "proxy/memory.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>
#include <uv.h>

void stream_init(struct stream *stream, const struct stream_operations *operations,
                 const struct stream_events *events, void *owner)
{
    *stream = (struct stream){.operations = operations,
                              .events = events,
                              .owner = owner,
                              .pending_high = PENDING_HIGH_BYTES};
}

bool stream_wants(const struct stream *stream)
{
    return !stream->paused && !stream->ended && stream->view_size < stream->pending_high;
}

/* Reading is on unless the owner paused it, too much is pending already, or the stream is over.
 * What a layer still has comes first. */
static void set_reading(struct stream *stream)
{
    bool want = stream_wants(stream);

    if (stream->holding && want) {
        want = false;
        stream->operations->call_again(stream);
    }
    if (want == stream->reading) {
        return;
    }
    stream->reading = want;
    if (want) {
        stream->operations->read_start(stream);
    } else {
        stream->operations->read_stop(stream);
    }
}

void stream_open(struct stream *stream)
{
    set_reading(stream);
}

static void drop_kept(struct stream *stream)
{
    mem_free(stream->kept);
    stream->kept = NULL;
    stream->kept_capacity = 0;
    stream->view = NULL;
}

void stream_consume(struct stream *stream, size_t size)
{
    assert(size <= stream->view_size);
    stream->view += size;
    stream->view_size -= size;
    if (stream->delivering) {
        return; /* what remains is kept, and reading adjusted, when the notification returns */
    }
    if (stream->view_size == 0) {
        drop_kept(stream);
    }
    set_reading(stream);
}

void stream_consume_secret(struct stream *stream, size_t size)
{
    assert(size <= stream->view_size);
    /* It is the stream's own memory, or the worker's read buffer. */
    OPENSSL_cleanse((void *)(uintptr_t)stream->view, size);
    stream_consume(stream, size);
}

void stream_expect(struct stream *stream, size_t size)
{
    stream->pending_high = size > PENDING_HIGH_BYTES ? size : PENDING_HIGH_BYTES;
    if (!stream->delivering) {
        set_reading(stream);
    }
}

/* Puts `chunk` behind what is kept; the view then covers both. */
static void keep(struct stream *stream, struct bytes chunk)
{
    size_t size = stream->view_size + chunk.size;

    if (stream->kept == NULL || size > stream->kept_capacity) {
        size_t capacity = size + size / 2;
        uint8_t *larger = mem_alloc(capacity);

        if (stream->view_size > 0) {
            memcpy(larger, stream->view, stream->view_size);
        }
        mem_free(stream->kept);
        stream->kept = larger;
        stream->kept_capacity = capacity;
    } else if (stream->view != stream->kept && stream->view_size > 0) {
        memmove(stream->kept, stream->view, stream->view_size);
    }
    memcpy(stream->kept + stream->view_size, chunk.data, chunk.size);
    stream->view = stream->kept;
    stream->view_size = size;
}

/* Shows bytes that lie in a read buffer; what the owner leaves is kept. */
static void show_here(struct stream *stream, struct bytes chunk)
{
    stream->view = chunk.data;
    stream->view_size = chunk.size;
    stream->delivering = true;
    stream->events->on_bytes(stream->owner);
    stream->delivering = false;
    if (stream->view_size > 0) {
        struct bytes rest = stream_peek(stream);

        stream->view = NULL;
        stream->view_size = 0;
        keep(stream, rest);
    } else {
        stream->view = NULL;
    }
}

void stream_show(struct stream *stream, struct bytes chunk)
{
    size_t kept = stream->view_size;

    if (stream->ended || chunk.size == 0) {
        return;
    }
    if (kept > STREAM_HEADROOM_BYTES) {
        keep(stream, chunk);
        stream->events->on_bytes(stream->owner);
    } else {
        if (kept > 0) {
            /* A short rest, mostly part of a packet head: it goes in front of its continuation. */
            memcpy((uint8_t *)(uintptr_t)chunk.data - kept, stream->view, kept);
            drop_kept(stream);
        }
        show_here(stream, (struct bytes){chunk.data - kept, chunk.size + kept});
    }
    set_reading(stream);
}

void stream_deliver(struct stream *stream, struct bytes chunk)
{
    if (stream->lowest != NULL) {
        stream->lowest->operations->deliver(stream, chunk);
    } else {
        stream_show(stream, chunk);
    }
}

/* ---- layers ---- */

void stream_add_layer(struct stream *stream, struct stream_layer *layer)
{
    layer->above = NULL;
    layer->below = stream->top;
    if (stream->top != NULL) {
        stream->top->above = layer;
    } else {
        stream->lowest = layer;
    }
    stream->top = layer;
}

void stream_rise(struct stream *stream, struct stream_layer *from, struct bytes chunk)
{
    if (from->above != NULL) {
        from->above->operations->deliver(stream, chunk);
    } else {
        stream_show(stream, chunk);
    }
}

void stream_sink(struct stream *stream, struct stream_layer *from, const struct bytes *parts,
                 size_t count)
{
    if (from->below != NULL) {
        from->below->operations->write(stream, parts, count);
    } else {
        stream_carry(stream, parts, count);
    }
}

void stream_hold(struct stream *stream)
{
    stream->holding = true;
    set_reading(stream);
}

void stream_again(struct stream *stream)
{
    static const uint8_t nothing = 0;

    if (stream->holding && stream_wants(stream)) {
        stream->top->operations->deliver(stream, (struct bytes){&nothing, 0});
        set_reading(stream);
    }
}

/* ---- writing ---- */

void stream_carry(struct stream *stream, const struct bytes *parts, size_t count)
{
    size_t total = 0;
    size_t taken = 0;
    size_t at = 0;
    uint8_t *rest;

    if (stream->ended) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        total += parts[i].size;
    }
    if (stream->queued_bytes == 0) {
        long sent = stream->operations->write_some(stream, parts, count);

        /* A refusal other than "not now" shows again, in order, when the queue is sent. */
        taken = sent > 0 ? (size_t)sent : 0;
    }
    if (taken >= total) {
        return;
    }
    rest = mem_alloc(total - taken);
    for (size_t i = 0; i < count; i++) {
        size_t skip = taken < parts[i].size ? taken : parts[i].size;

        memcpy(rest + at, parts[i].data + skip, parts[i].size - skip);
        at += parts[i].size - skip;
        taken -= skip;
    }
    stream->queued_bytes += at;
    if (stream->queued_bytes > QUEUE_HIGH_BYTES) {
        stream->congested = true;
    }
    stream->operations->write_later(stream, rest, at);
}

void stream_write(struct stream *stream, const struct bytes *parts, size_t count)
{
    if (stream->top != NULL) {
        stream->top->operations->write(stream, parts, count);
    } else {
        stream_carry(stream, parts, count);
    }
}

void stream_write_one(struct stream *stream, struct bytes bytes)
{
    stream_write(stream, &bytes, 1);
}

void stream_sent(struct stream *stream, size_t size, int status)
{
    stream->queued_bytes -= size;
    if (stream->finishing) {
        if (stream->queued_bytes == 0 || status < 0) {
            stream_close(stream);
        }
        return;
    }
    if (status < 0) {
        stream_fail(stream, status);
        return;
    }
    if (stream->congested && stream->queued_bytes <= QUEUE_LOW_BYTES && !stream->ended) {
        stream->congested = false;
        stream->events->on_drained(stream->owner);
    }
}

void stream_fail(struct stream *stream, int status)
{
    if (stream->ended) {
        return;
    }
    stream->ended = true;
    stream->failed = true;
    set_reading(stream);
    stream->events->on_end(stream->owner, status);
}

void stream_pause(struct stream *stream)
{
    stream->paused = true;
    set_reading(stream);
}

void stream_resume(struct stream *stream)
{
    if (!stream->paused) {
        return;
    }
    stream->paused = false;
    set_reading(stream);
}

const char *stream_reason(const struct stream *stream, int status)
{
    for (const struct stream_layer *layer = stream->top; layer != NULL; layer = layer->below) {
        const char *trouble = layer->operations->trouble(stream);

        if (trouble != NULL) {
            return trouble;
        }
    }
    return status == UV_EOF ? "it closed the connection" : uv_strerror(status);
}

void stream_close(struct stream *stream)
{
    if (stream->closing) {
        return;
    }
    if (stream->lowest != NULL && stream->lowest->operations->closing != NULL && !stream->failed &&
        stream->queued_bytes == 0) {
        stream->lowest->operations->closing(stream);
    }
    stream->ended = true;
    stream->closing = true;
    set_reading(stream);
    stream->operations->close(stream);
}

void stream_finish(struct stream *stream)
{
    if (stream->queued_bytes == 0 || stream->failed) {
        stream_close(stream);
        return;
    }
    stream->finishing = true;
    stream->ended = true;
    set_reading(stream);
}

void stream_closed(struct stream *stream)
{
    if (stream->kept != NULL) {
        drop_kept(stream);
    }
    stream->view_size = 0;
    while (stream->top != NULL) {
        struct stream_layer *below = stream->top->below;

        stream->top->operations->dispose(stream);
        stream->top = below;
    }
    stream->lowest = NULL;
    stream->events->on_closed(stream->owner);
}
