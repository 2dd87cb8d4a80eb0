/*
 * Streams in memory: a kind of stream like the one over libuv, whose other end a test holds.
 *
 *     peer ── wire_write ──▶ [ to_proxy ] ── stream_deliver ──▶ session or server connection
 *     peer ◀─ wire_unread ── [ to_peer  ] ◀── write_some, write_later ──
 *
 * Nothing happens from within a call: connecting, delivering, sending the queue, failing and
 * closing are events, which network_step carries out one at a time, stream after stream in turn, or
 * in the order that a seed gives. So any interleaving of bytes and failures can be played, and
 * played again.
 *
 * The read buffer is overwritten after each delivery: who kept a slice of it reads rubbish.
 */
#ifndef TIDEMARK_TESTS_WIRE_MEMORY_STREAM_H
#define TIDEMARK_TESTS_WIRE_MEMORY_STREAM_H

#include "proxy/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_stream;

/* Bytes in order: appended at the end, taken off the front. */
struct memory_buffer {
    uint8_t *data;
    size_t from, size, capacity;
};

struct network {
    struct memory_stream *streams; /* owner: list of all */
    struct wire *wires;            /* owner: list of all */
    struct memory_stream *turn;    /* who is looked at next; NULL: the first */
    uint8_t *read_buffer;          /* owner */
    uint64_t seed;                 /* not 0: order and sizes are random */
    size_t stream_count;
    /* Between a delivery and the next event; NULL: nothing. A test moves its clock here. */
    void (*on_event)(void *context);
    void *context;
};

/* One connection, from its peer's side. Fields below `settings` are the test's to change. */
struct wire {
    struct wire *next;
    struct network *network;
    struct memory_stream *stream;  /* borrower: the proxy's end; NULL: closed, or on its way */
    struct memory_buffer to_proxy; /* written by the peer, not delivered yet */
    struct memory_buffer to_peer;  /* sent by the proxy, not consumed by the peer yet */
    int moving_fd;                 /* stands for the socket between two workers; -1: none */
    bool proxy_closed;             /* the proxy's end is closed: nothing follows to_peer */
    bool peer_closed;
    bool released;    /* the test does not use the wire any more */
    int end_status;   /* what the proxy is told once all was delivered */
    size_t written;   /* bytes by the peer so far */
    size_t delivered; /* bytes so far */
    size_t received;  /* bytes that the proxy has sent so far */

    /* settings */
    size_t window;    /* bytes in to_peer at which the socket refuses more */
    size_t take_max;  /* bytes that one write_some takes at most */
    size_t chunk_max; /* bytes that one delivery has at most */
    size_t cut_at; /* a delivery ends where this many bytes have been delivered in all; 0: no cut */
    size_t corrupt_at;    /* the byte that is the nth of all the peer writes, from 1; 0: none ... */
    uint8_t corrupt_mask; /* ... has these bits inverted */
    bool held;            /* nothing is delivered, and no connection made, while this is set */
    int connect_status;   /* 0, or the error that connecting ends in */
};

void network_init(struct network *network);

/* Frees everything; asserts that all streams are closed. */
void network_dispose(struct network *network);

/* A wire without the proxy's end. */
struct wire *wire_new(struct network *network);

/* The proxy's end, as of an accepted socket. */
struct stream *wire_adopt(struct wire *wire, const struct stream_events *events, void *owner);

/* The same as of a connection being made: on_connected follows. */
struct stream *wire_connect(struct wire *wire, const struct stream_events *events, void *owner);

/* A descriptor that stands for the wire, and a stream over it again: see struct transport. */
int wire_detach(struct stream *stream);
struct stream *network_attach(struct network *network, int fd, const struct stream_events *events,
                              void *owner);

/* The peer's doings. */
void wire_write(struct wire *wire, const void *data, size_t size);
struct bytes wire_unread(const struct wire *wire);
void wire_consume(struct wire *wire, size_t size);
/* UV_EOF, or an error such as UV_ECONNRESET: the proxy is told once it has read what was written.
 */
void wire_end(struct wire *wire, int status);
/* The test is done with the wire: it ends for the proxy too. */
void wire_release(struct wire *wire);

/* Is the proxy not reading from this wire, though its stream is open? */
bool wire_is_paused(const struct wire *wire);
/* Bytes that the proxy keeps for this wire: unconsumed ones and those the socket refused. */
size_t wire_proxy_bytes(const struct wire *wire);

/* Carries one event out; false: there is none. */
bool network_step(struct network *network);

/* A number below `limit` from the network's seed. */
uint64_t network_random(struct network *network, uint64_t limit);

#endif
