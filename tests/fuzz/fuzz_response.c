/*
 * The response machine over arbitrary bytes. The first three bytes choose command, capabilities and
 * where the rest is cut in two; it must come to the same end whether the bytes come at once or in
 * two parts, and must always get on.
 */
#include "protocol/capability.h"
#include "protocol/response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

struct end {
    size_t at, whole; /* where it came to; how many packets were given whole */
    uint64_t rows;
    uint32_t result_sets;
    uint16_t status;
    bool done;
};

static size_t run(struct response *r, struct bytes in, size_t at, size_t *whole)
{
    while (!r->done) {
        struct bytes left = {in.data + at, in.size - at};
        struct response_step step = response_next(r, left);

        if (step.what == RESPONSE_MORE) {
            require(step.size == 0 && step.need > left.size);
            break;
        }
        require(step.last == r->done && step.size <= left.size);
        require(step.size > 0 || step.what == RESPONSE_BAD);
        at += step.size;
        *whole += step.what != RESPONSE_PASS;
        if (step.what == RESPONSE_LOCAL_INFILE || step.what == RESPONSE_AUTH)
            response_turn(r, (uint8_t)(step.sequence + 1));
    }
    return at;
}

static struct end run_cut(const struct response_request *request, struct bytes in, size_t cut)
{
    struct response r;
    struct end end = {0};

    response_begin(&r, request);
    end.at = run(&r, bytes_first(in, cut), 0, &end.whole);
    end.at = run(&r, in, end.at, &end.whole);
    end.rows = r.rows;
    end.result_sets = r.result_sets;
    end.status = r.status;
    end.done = r.done;
    require(r.bytes == end.at);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t dialects[] = {
        CAPABILITY_LOCAL_FILES,
        CAPABILITY_LOCAL_FILES | CAPABILITY_DEPRECATE_EOF | CAPABILITY_SESSION_TRACK,
        CAPABILITY_OPTIONAL_METADATA,
        CAPABILITY_DEPRECATE_EOF | CAPABILITY_OPTIONAL_METADATA,
        CAPABILITY_DEPRECATE_EOF | CAPABILITY_SESSION_TRACK | CAPABILITY_MARIADB_PROGRESS,
    };

    if (size < 3 || command_info(data[0])->answer == ANSWER_ENDLESS)
        return 0;

    struct bytes in = {data + 3, size - 3};
    const struct response_request request = {(enum command)data[0], dialects[data[1] % 5], 1};
    struct end whole = run_cut(&request, in, 0), cut = run_cut(&request, in, data[2]);

    require(whole.at == cut.at && whole.whole == cut.whole && whole.done == cut.done);
    require(whole.rows == cut.rows && whole.result_sets == cut.result_sets);
    require(whole.status == cut.status);
    return 0;
}
