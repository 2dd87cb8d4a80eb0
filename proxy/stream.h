/*
 * A stream is one byte connection to a peer: a client's socket, or a server's. Everything above it
 * (sessions, server connections) sees only this interface, so a whole worker also runs over
 * in-memory streams in a test.
 *
 *      peer ──▶ [ pending: received, not yet consumed ]  ──▶ owner   (stream_peek, stream_consume)
 *      peer ◀── [ queue: what the socket did not take ]  ◀── owner   (stream_write)
 *
 * Reading is by notification: the owner is told that bytes came, looks at all that is pending and
 * consumes what it can use. During the notification `pending` is the worker's one read buffer; what
 * is left when the owner returns is copied into a buffer of the stream's own, so an idle stream
 * owns no buffer. Reading stays registered between commands: no system call turns it on and off,
 * except when the owner pauses it or when more than PENDING_HIGH_BYTES wait.
 *
 * Writing tries the socket at once; only what it refused is copied and queued. Past
 * QUEUE_HIGH_BYTES `stream_is_congested` says so, and whoever feeds this stream stops reading its
 * own source until on_drained.
 *
 * Between the carrier and all of this layers may be put (TLS, stream_tls.h; above it compression,
 * stream_compressed.h): from then on the peer's bytes pass through them both ways, and nobody above
 * notices. A stream without layers pays one comparison for it.
 *
 *      stream_deliver ──▶ lowest ─ stream_rise ─▶ top ─ stream_rise ─▶ stream_show
 *      stream_carry ◀─ stream_sink ─ lowest ◀─ stream_sink ─ top ◀── stream_write
 *
 * A stream is freed in one place, after its close has been carried out; on_closed is the last call.
 */
#ifndef TIDEMARK_PROXY_STREAM_H
#define TIDEMARK_PROXY_STREAM_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_READ_BYTES = 64 << 10, /* the worker's read buffer ... */
    STREAM_HEADROOM_BYTES =
        16 << 10,                  /* ... with room in front, to put a kept head before its rest */
    PENDING_HIGH_BYTES = 64 << 10, /* unconsumed bytes at which reading stops by itself */
    QUEUE_HIGH_BYTES = 256 << 10,  /* refused bytes at which the other side is not read */
    QUEUE_LOW_BYTES = 64 << 10,    /* ... and at which it is read again */
};

struct stream;

/* What the owner is told. None of these is called from within a call that the owner makes. */
struct stream_events {
    void (*on_bytes)(void *owner);   /* more is pending */
    void (*on_drained)(void *owner); /* the queue fell to QUEUE_LOW_BYTES after congestion */
    void (*on_end)(void *owner,
                   int status); /* the peer closed (UV_EOF) or failed; nothing follows */
    void (*on_connected)(void *owner, int status); /* only for streams opened towards a server */
    void (*on_closed)(void *owner);                /* the last call: the owner's memory may go */
    void (*on_secured)(void *owner); /* only after stream_tls_connect: bytes may be written */
};

/* What a layer must be able to do. */
struct stream_layer_operations {
    /* These bytes came from below; what they mean goes to stream_rise. `chunk` may be empty after
     * stream_hold. */
    void (*deliver)(struct stream *stream, struct bytes chunk);
    /* These came from above; what the peer gets goes to stream_sink. */
    void (*write)(struct stream *stream, const struct bytes *parts, size_t count);
    /* The stream closes, and the peer is there: a last word that fits the socket may be said. NULL:
     * nothing is. */
    void (*closing)(struct stream *stream);
    /* Why the stream failed, as fixed text or text that lives as long as the layer; NULL: not
     * because of the layer. */
    const char *(*trouble)(const struct stream *stream);
    void (*dispose)(struct stream *stream);
};

struct stream_layer {
    const struct stream_layer_operations *operations;
    struct stream_layer *above, *below; /* NULL: the owner, the carrier */
};

/* What a kind of stream must be able to do. */
struct stream_operations {
    /* Takes as many of the bytes as it can without waiting; returns how many, or a negative error.
     */
    long (*write_some)(struct stream *stream, const struct bytes *parts, size_t count);
    /* Sends `size` bytes at `data` (heap memory, handed over) later; calls stream_sent at the end.
     */
    int (*write_later)(struct stream *stream, uint8_t *data, size_t size);
    void (*read_start)(struct stream *stream);
    void (*read_stop)(struct stream *stream);
    void (*close)(struct stream *stream); /* must lead to stream_closed, not from within the call */
    /* Must lead to stream_again, soon and not from within the call; a second one before that is
     * none. */
    void (*call_again)(struct stream *stream);
};

struct stream {
    const struct stream_operations *operations;
    const struct stream_events *events;
    struct stream_layer *lowest; /* owner; NULL: bytes are as the peer sees them */
    struct stream_layer *top;    /* in that list; NULL: as above */
    void *owner;                 /* borrower: the session or server connection above */
    const uint8_t *view;         /* pending bytes: in the read buffer or in `kept` */
    size_t view_size;            /* how many */
    uint8_t *kept;               /* owner: unconsumed bytes between notifications; NULL when none */
    size_t kept_capacity;        /* size of that memory */
    size_t pending_high; /* PENDING_HIGH_BYTES unless the owner needs longer packets whole */
    size_t queued_bytes; /* handed to write_later and not yet sent */
    bool delivering;     /* on_bytes is on the stack; the view is in the read buffer */
    bool paused;         /* by the owner */
    bool reading;        /* registered for reading */
    bool holding;        /* a layer has more for the owner; the carrier is not read */
    bool congested;      /* past the high water, on_drained owed */
    bool ended;          /* on_end was called, or a close was asked for */
    bool failed;         /* ... because the peer is gone */
    bool finishing;      /* to be closed when the queue is empty */
    bool closing;
};

/* For kinds of streams: sets the common part up. Reading is not started. */
void stream_init(struct stream *stream, const struct stream_operations *operations,
                 const struct stream_events *events, void *owner);

/* Starts to read. */
void stream_open(struct stream *stream);

/* All that has come and was not consumed. The slice is good until the next call on this stream. */
static inline struct bytes stream_peek(const struct stream *stream)
{
    return (struct bytes){stream->view, stream->view_size};
}

/* Takes `size` bytes off the front of what is pending. */
void stream_consume(struct stream *stream, size_t size);

/* The same for bytes that may be a secret: they are overwritten. */
void stream_consume_secret(struct stream *stream, size_t size);

/* The owner needs this many bytes together before it can go on: raises the limit at which reading
 * stops. Never lowers it below PENDING_HIGH_BYTES. */
void stream_expect(struct stream *stream, size_t size);

/* Sends the parts in order. Errors are told by on_end, later. The parts are the caller's again. */
void stream_write(struct stream *stream, const struct bytes *parts, size_t count);
void stream_write_one(struct stream *stream, struct bytes bytes);

/* Stops and starts reading on the owner's behalf (backpressure). What is already pending stays. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

static inline bool stream_is_congested(const struct stream *stream)
{
    return stream->congested;
}

/* What on_end's status means, in words; good as long as the stream. */
const char *stream_reason(const struct stream *stream, int status);

/* Closes. Bytes that the socket has not taken by now are dropped. on_closed follows, later. */
void stream_close(struct stream *stream);

/* Closes once what is queued has left, which a peer that does not read may put off for ever: the
 * owner calls stream_close when its patience ends. Nothing is read any more. */
void stream_finish(struct stream *stream);

/* For kinds of streams: bytes came; `chunk` is good only during the call, and there are
 * STREAM_HEADROOM_BYTES of writable memory in front of it. */
void stream_deliver(struct stream *stream, struct bytes chunk);
/* Puts a layer on top; it is disposed of with the stream. */
void stream_add_layer(struct stream *stream, struct stream_layer *layer);
/* For layers: what bytes from below turned out to be; the same holds for `chunk`. */
void stream_rise(struct stream *stream, struct stream_layer *from, struct bytes chunk);
/* For layers: sends the parts in order, as they are, below. */
void stream_sink(struct stream *stream, struct stream_layer *from, const struct bytes *parts,
                 size_t count);
/* For the topmost layer: would the owner take more? If not, the layer keeps what it has and calls
 * stream_hold; it is then given an empty chunk when the owner wants more. */
bool stream_wants(const struct stream *stream);
void stream_hold(struct stream *stream);
/* The owner's end of the way up and the carrier's of the way down; for those above and tests. */
void stream_show(struct stream *stream, struct bytes chunk);
void stream_carry(struct stream *stream, const struct bytes *parts, size_t count);
/* For kinds of streams: what call_again asked for. */
void stream_again(struct stream *stream);
/* For kinds of streams: reading ended or a write failed. */
void stream_fail(struct stream *stream, int status);
/* For kinds of streams: `size` bytes given to write_later have left, or never will (status < 0). */
void stream_sent(struct stream *stream, size_t size, int status);
/* For kinds of streams: the close is done. Frees the buffers and calls on_closed. */
void stream_closed(struct stream *stream);

#endif
