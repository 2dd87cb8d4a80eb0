/*
 * A slice: borrowed bytes with a size. It is how every part of the program hands text and packets
 * to another without copying and without trusting a terminating zero. A slice owns nothing and is
 * valid only as long as the buffer it points into.
 */
#ifndef PROTOCOL_BYTES_H
#define PROTOCOL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* For functions whose result must be looked at: an ignored one is a compiler warning. */
#define MUST_USE __attribute__((warn_unused_result))

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

/* The text without its terminating zero; a null pointer gives an empty slice. */
static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool bytes_is_empty(struct bytes b)
{
    return b.size == 0;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_text(text));
}

/* Compares ASCII letters without regard to case; other bytes must be the same. */
static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.size == b.size &&
           (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0) &&
           (a.size == 0 || memchr(a.data, 0, a.size) == NULL);
}

static inline bool bytes_equal_text_nocase(struct bytes a, const char *text)
{
    return bytes_equal_nocase(a, bytes_of_text(text));
}

static inline bool bytes_start_with(struct bytes b, const char *text)
{
    size_t size = strlen(text);
    return b.size >= size && memcmp(b.data, text, size) == 0;
}

/* At most the first `size` bytes. */
static inline struct bytes bytes_first(struct bytes b, size_t size)
{
    return (struct bytes){b.data, size < b.size ? size : b.size};
}

/* What follows the first `size` bytes; empty where there is nothing. */
static inline struct bytes bytes_after(struct bytes b, size_t size)
{
    return size < b.size ? (struct bytes){b.data + size, b.size - size} : (struct bytes){NULL, 0};
}

/*
 * Copies `b` into `text` (capacity `size`) as a terminated string. False, with an empty string,
 * when it does not fit or holds a zero byte, which a C string could not show.
 */
static inline MUST_USE bool bytes_to_text(struct bytes b, char *text, size_t size)
{
    if (size == 0)
        return false;
    text[0] = 0;
    if (b.size >= size || (b.size && memchr(b.data, 0, b.size)))
        return false;
    if (b.size)
        memcpy(text, b.data, b.size);
    text[b.size] = 0;
    return true;
}

#endif
