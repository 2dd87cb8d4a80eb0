/*
 * Frames and the reader: walks over the input as packets, and over each payload as strings.
 */
#include "protocol/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct frame frame;

    while (frame_read(in, &frame) == PARSE_OK && frame_is_whole(in, frame)) {
        struct bytes payload = frame_payload(in, frame);
        struct reader r = reader_over(payload);
        size_t seen = 0;

        while (reader_left(&r) > 0)
            seen += 1 + read_lenenc_bytes_or_null(&r).size;
        r = reader_over(payload);
        while (reader_left(&r) > 0)
            seen += 1 + read_nul_text(&r).size;
        if (seen > 2 * payload.size + 2)
            abort();
        in = bytes_after(in, frame_size(frame));
    }
    return 0;
}
