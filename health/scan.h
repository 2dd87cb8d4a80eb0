/*
 * Reading and writing the small texts positions are made of: a cursor that never passes its end and
 * a sink that never passes its capacity and counts what it would have needed.
 */
#ifndef HEALTH_SCAN_H
#define HEALTH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
    const char *at;
    const char *end;
};

struct scan scan_over(const char *text, size_t size);
bool scan_is_done(const struct scan *s);
bool scan_is_space(char c);
void scan_spaces(struct scan *s);

/* True when the next byte is `c`, which is then passed. */
bool scan_char(struct scan *s, char c);

/* A decimal number of at most `max`; false, not moving, without a digit or when it is larger. */
bool scan_number(struct scan *s, uint64_t max, uint64_t *out);

/* A word of letters, digits and underscores that starts with a letter or underscore, lowered, into
 * `out` (`size` bytes with the NUL); false, not moving, when there is none or it is longer. */
bool scan_word(struct scan *s, char *out, size_t size);

/* 8-4-4-4-12 hexadecimal digits in 16 bytes; false, not moving, otherwise. */
bool scan_uuid(struct scan *s, uint8_t out[16]);

struct sink {
    char *out;
    size_t size;
    size_t length; /* of the whole text, also where it did not fit */
};

struct sink sink_into(char *out, size_t size);
__attribute__((format(printf, 2, 3))) void sink_format(struct sink *sink, const char *format, ...);
void sink_uuid(struct sink *sink, const uint8_t uuid[16]);

#endif
