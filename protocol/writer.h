/*
 * Writing packets into a buffer. The writer is sticky like the reader: once something did not fit
 * `failed` stays set and nothing more is written, so an encoder writes all fields and its caller
 * checks once.
 *
 * Normally the buffer is the caller's and has a fixed size (writer_over). A growing writer owns
 * its memory and is given its ceiling at birth; it is for answers that the proxy makes itself,
 * never for the data path.
 */
#ifndef PROTOCOL_WRITER_H
#define PROTOCOL_WRITER_H

#include "protocol/bytes.h"

struct writer {
    uint8_t *data;
    size_t size;     /* bytes written */
    size_t capacity; /* bytes of memory at data */
    size_t ceiling;  /* capacity may grow to this; equal to capacity for a fixed buffer */
    bool failed;
};

static inline struct writer writer_over(void *data, size_t capacity)
{
    return (struct writer){.data = data, .capacity = capacity, .ceiling = capacity};
}

/* A writer that allocates as it needs, up to `ceiling` bytes; writer_dispose() frees. */
struct writer writer_growing(size_t ceiling);
void writer_dispose(struct writer *w);

static inline struct bytes writer_bytes(const struct writer *w)
{
    return (struct bytes){w->data, w->size};
}

/* Forgets what was written, and a failure; keeps the memory. */
static inline void writer_clear(struct writer *w)
{
    w->size = 0;
    w->failed = false;
}

void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u24(struct writer *w, uint32_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_lenenc(struct writer *w, uint64_t value);
void write_bytes(struct writer *w, struct bytes b);
void write_zeros(struct writer *w, size_t count);
void write_lenenc_bytes(struct writer *w, struct bytes b);

/* The bytes and a terminating zero. Bytes that hold a zero fail: they would end too early. */
void write_nul_text(struct writer *w, struct bytes b);

/*
 * A packet: begin leaves room for the four-byte head and returns where, end fills it in. A payload
 * of 0xffffff bytes or more, which would need several packets, fails the writer.
 *
 *     size_t packet = write_packet_begin(&w);
 *     ok_encode(&w, ...);
 *     write_packet_end(&w, packet, sequence);
 */
size_t write_packet_begin(struct writer *w);
void write_packet_end(struct writer *w, size_t packet, uint8_t sequence);

/* A whole packet of a payload that exists already. */
void write_packet(struct writer *w, struct bytes payload, uint8_t sequence);

#endif
