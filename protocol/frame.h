/*
 * The four bytes before every payload. A payload of exactly FRAME_MAX bytes is continued by the
 * next packet, even if that one is empty.
 *
 *     OFFSET  SIZE
 *          0     3  length of the payload
 *          3     1  sequence id: 0 for a command, then one more for every packet in either
 * direction
 *
 * Manual page: page_protocol_basic_packets.
 */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include "protocol/reader.h"

#define FRAME_HEAD_SIZE 4u
#define FRAME_MAX 0xffffffu

struct frame {
    uint32_t length; /* of the payload */
    uint8_t sequence;
};

/* PARSE_MORE until four bytes are there, then PARSE_OK; a head by itself is never bad. */
static inline MUST_USE enum parse frame_read(struct bytes in, struct frame *frame)
{
    if (in.size < FRAME_HEAD_SIZE)
        return PARSE_MORE;
    frame->length = (uint32_t)in.data[0] | (uint32_t)in.data[1] << 8 | (uint32_t)in.data[2] << 16;
    frame->sequence = in.data[3];
    return PARSE_OK;
}

/* Head and payload. */
static inline size_t frame_size(struct frame frame)
{
    return FRAME_HEAD_SIZE + (size_t)frame.length;
}

static inline bool frame_is_whole(struct bytes in, struct frame frame)
{
    return in.size >= frame_size(frame);
}

/* The packet after this one belongs to the same payload. */
static inline bool frame_continues(struct frame frame)
{
    return frame.length == FRAME_MAX;
}

/* The payload behind the head; only for a whole frame. */
static inline struct bytes frame_payload(struct bytes in, struct frame frame)
{
    return (struct bytes){in.data + FRAME_HEAD_SIZE, frame.length};
}

static inline void frame_write(uint8_t head[FRAME_HEAD_SIZE], struct frame frame)
{
    head[0] = (uint8_t)frame.length;
    head[1] = (uint8_t)(frame.length >> 8);
    head[2] = (uint8_t)(frame.length >> 16);
    head[3] = frame.sequence;
}

#endif
