/*
 * What a peer may send as compressed packets. The first two bytes choose the algorithm, how much
 * room there is at a time, and where the rest is cut in two; it must come to the same end and to
 * the same bytes whether it comes at once or in two parts, never use more room than it is given,
 * and never expand a packet to more than its head says.
 */
#include "protocol/unpacker.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM_MAX = 4096, OUT_MAX = 1 << 20 };

static void require(bool fact)
{
    if (!fact)
        abort();
}

struct end {
    uint64_t out, sum; /* bytes that came out, and what they were */
    uint64_t promised; /* by the heads */
    unsigned packets;
    bool is_bad;
};

static void give(struct unpacker *u, struct bytes in, size_t room, struct end *end)
{
    uint8_t piece[ROOM_MAX];
    enum unpack_step step = UNPACK_PACKET;

    while (step != UNPACK_WANTS && end->out < OUT_MAX && !end->is_bad) {
        size_t size = 0;

        do {
            step = unpack_next(u, &in, piece, room, &size);
            require(size <= room);
            if (step == UNPACK_PACKET) {
                end->packets++;
                end->promised += u->is_packed ? u->plain_left : u->left;
            }
        } while (step == UNPACK_PACKET);
        require(step != UNPACK_FULL || size == room);
        require(step != UNPACK_WANTS || in.size == 0);
        for (size_t i = 0; i < size; i++)
            end->sum = end->sum * 31 + piece[i];
        end->out += size;
        require(end->out <= end->promised);
        end->is_bad = step == UNPACK_BAD;
        require(!end->is_bad || u->problem != NULL);
    }
}

static struct end run(enum compression compression, struct bytes in, size_t cut, size_t room)
{
    struct unpack_store store = {0};
    struct unpacker u;
    struct end end = {0};

    unpacker_init(&u, compression, &store);
    give(&u, bytes_first(in, cut), room, &end);
    if (!end.is_bad)
        give(&u, bytes_of(in.data + bytes_first(in, cut).size, in.size - bytes_first(in, cut).size),
             room, &end);
    unpacker_dispose(&u);
    unpack_store_dispose(&store);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;

    enum compression compression = data[0] & 1 ? COMPRESSION_ZSTD : COMPRESSION_ZLIB;
    size_t room = data[0] & 2 ? ROOM_MAX : 1 + (size_t)(data[0] >> 2);
    struct bytes in = bytes_of(data + 2, size - 2);
    struct end whole = run(compression, in, in.size, ROOM_MAX);
    struct end cut = run(compression, in, data[1], room);

    if (whole.out >= OUT_MAX || cut.out >= OUT_MAX)
        return 0;
    require(whole.is_bad == cut.is_bad);
    require(whole.is_bad || (whole.out == cut.out && whole.sum == cut.sum));
    require(whole.packets == cut.packets);
    return 0;
}
