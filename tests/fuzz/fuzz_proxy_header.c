/*
 * What a load balancer may send first. A header is never longer than what came, does not depend on
 * what follows it, and none of its pieces is one.
 */
#include "protocol/proxy_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct proxy_header header, again;
    size_t need, ignored;
    enum parse parsed = proxy_header_decode(in, &header, &need);

    if (parsed == PARSE_MORE)
        require(need > size);
    if (parsed != PARSE_OK || header.size == 0)
        return 0;
    require(header.size <= size);
    require(proxy_header_decode(bytes_first(in, header.size), &again, &ignored) == PARSE_OK);
    require(again.size == header.size &&
            memcmp(&again.source, &header.source, sizeof header.source) == 0);
    require(proxy_header_decode(bytes_first(in, header.size - 1), &again, &ignored) == PARSE_MORE);
    return 0;
}
