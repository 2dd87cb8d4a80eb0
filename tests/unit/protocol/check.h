/*
 * What the tests of protocol/ share. Every packet is decoded from an allocation of exactly its
 * size, so that under AddressSanitizer a read of one byte too many is a failure.
 */
#ifndef TESTS_UNIT_PROTOCOL_CHECK_H
#define TESTS_UNIT_PROTOCOL_CHECK_H

#include "protocol/reader.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The bytes that hexadecimal text stands for; spaces between them do not count. Free the data. */
struct bytes from_hex(const char *text);

/* A copy in an allocation of exactly that size; free the data. */
struct bytes exact_copy(struct bytes b);
void free_bytes(struct bytes b);

/*
 * The whole packet must decode, and none of its prefixes may, except those of the sizes listed in
 * `also` (ended by 0), where an optional part at the end is cut off cleanly.
 */
void check_prefixes(struct bytes packet, enum parse (*decode)(struct bytes payload),
                    const size_t *also);

void check_bytes(struct bytes b, const char *text);

#endif
