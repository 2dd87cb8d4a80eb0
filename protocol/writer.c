/*
 * Writing packets; see writer.h. Every write goes through writer_room(), the only place that knows
 * whether there is room and makes some.
 */
#include "protocol/writer.h"
#include "protocol/frame.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define GROWTH_MIN 1024u

struct writer writer_growing(size_t ceiling)
{
    return (struct writer){.ceiling = ceiling};
}

void writer_dispose(struct writer *w)
{
    free(w->data);
    *w = (struct writer){0};
}

static void writer_grow(struct writer *w, size_t needed)
{
    size_t capacity = w->capacity ? w->capacity : GROWTH_MIN;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > w->ceiling)
        capacity = w->ceiling;

    uint8_t *data = realloc(w->data, capacity);
    if (!data) {
        fputs("out of memory\n", stderr);
        abort();
    }
    w->data = data;
    w->capacity = capacity;
}

/* Where the next `size` bytes go, or null once anything did not fit. */
static uint8_t *writer_room(struct writer *w, size_t size)
{
    if (w->failed || size > w->ceiling - w->size) {
        w->failed = true;
        return NULL;
    }
    if (size > w->capacity - w->size)
        writer_grow(w, w->size + size);

    uint8_t *room = w->data + w->size;
    w->size += size;
    return room;
}

static void write_little_endian(struct writer *w, uint64_t value, unsigned width)
{
    uint8_t *room = writer_room(w, width);

    for (unsigned i = 0; room && i < width; i++)
        room[i] = (uint8_t)(value >> (8 * i));
}

void write_u8(struct writer *w, uint8_t value)
{
    write_little_endian(w, value, 1);
}

void write_u16(struct writer *w, uint16_t value)
{
    write_little_endian(w, value, 2);
}

void write_u24(struct writer *w, uint32_t value)
{
    assert(value <= 0xffffff);
    write_little_endian(w, value, 3);
}

void write_u32(struct writer *w, uint32_t value)
{
    write_little_endian(w, value, 4);
}

void write_u64(struct writer *w, uint64_t value)
{
    write_little_endian(w, value, 8);
}

void write_lenenc(struct writer *w, uint64_t value)
{
    if (value < 0xfb) {
        write_u8(w, (uint8_t)value);
    } else if (value <= 0xffff) {
        write_u8(w, 0xfc);
        write_u16(w, (uint16_t)value);
    } else if (value <= 0xffffff) {
        write_u8(w, 0xfd);
        write_u24(w, (uint32_t)value);
    } else {
        write_u8(w, 0xfe);
        write_u64(w, value);
    }
}

void write_bytes(struct writer *w, struct bytes b)
{
    if (b.size == 0)
        return;

    uint8_t *room = writer_room(w, b.size);
    if (room)
        memcpy(room, b.data, b.size);
}

void write_zeros(struct writer *w, size_t count)
{
    if (count == 0)
        return;

    uint8_t *room = writer_room(w, count);
    if (room)
        memset(room, 0, count);
}

void write_lenenc_bytes(struct writer *w, struct bytes b)
{
    write_lenenc(w, b.size);
    write_bytes(w, b);
}

void write_nul_text(struct writer *w, struct bytes b)
{
    if (b.size && memchr(b.data, 0, b.size))
        w->failed = true;
    write_bytes(w, b);
    write_u8(w, 0);
}

size_t write_packet_begin(struct writer *w)
{
    size_t packet = w->size;

    write_zeros(w, FRAME_HEAD_SIZE);
    return packet;
}

void write_packet_end(struct writer *w, size_t packet, uint8_t sequence)
{
    if (w->failed)
        return;
    assert(packet + FRAME_HEAD_SIZE <= w->size);

    size_t length = w->size - packet - FRAME_HEAD_SIZE;
    if (length >= FRAME_MAX) {
        w->failed = true;
        return;
    }
    frame_write(w->data + packet, (struct frame){(uint32_t)length, sequence});
}

void write_packet(struct writer *w, struct bytes payload, uint8_t sequence)
{
    size_t packet = write_packet_begin(w);

    write_bytes(w, payload);
    write_packet_end(w, packet, sequence);
}
