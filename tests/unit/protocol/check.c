/*
 * See check.h.
 */
#include "check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct bytes from_hex(const char *text)
{
    uint8_t *data = malloc(strlen(text) / 2 + 1);
    size_t size = 0;

    assert_non_null(data);
    while (*text) {
        char digits[3] = {text[0], text[1], 0};

        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        assert_true(isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1]));
        data[size++] = (uint8_t)strtoul(digits, NULL, 16);
        text += 2;
    }
    return bytes_of(data, size);
}

struct bytes exact_copy(struct bytes b)
{
    uint8_t *data = malloc(b.size ? b.size : 1);

    assert_non_null(data);
    if (b.size)
        memcpy(data, b.data, b.size);
    return bytes_of(data, b.size);
}

void free_bytes(struct bytes b)
{
    free((void *)(uintptr_t)b.data);
}

void check_prefixes(struct bytes packet, enum parse (*decode)(struct bytes payload),
                    const size_t *also)
{
    for (size_t size = 0; size <= packet.size; size++) {
        struct bytes prefix = exact_copy(bytes_first(packet, size));
        enum parse parse = decode(prefix);
        bool may = size == packet.size;

        for (const size_t *a = also; a && *a; a++)
            may = may || *a == size;
        if ((parse == PARSE_OK) != may)
            fail_msg("prefix of %zu bytes of %zu: %d", size, packet.size, parse);
        free_bytes(prefix);
    }
}

void check_bytes(struct bytes b, const char *text)
{
    if (!bytes_equal_text(b, text))
        fail_msg("'%.*s' is not '%s'", (int)b.size, (const char *)b.data, text);
}
