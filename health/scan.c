/*
 * The cursor and the sink behind positions' texts. A scan function that fails has not moved, so a
 * caller may try the next form at the same place.
 */
#include "health/scan.h"

#include <stdarg.h>
#include <stdio.h>

struct scan scan_over(const char *text, size_t size)
{
    return (struct scan){text, text + size};
}

bool scan_is_done(const struct scan *s)
{
    return s->at == s->end;
}

bool scan_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void scan_spaces(struct scan *s)
{
    while (s->at < s->end && scan_is_space(*s->at))
        s->at++;
}

bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

bool scan_number(struct scan *s, uint64_t max, uint64_t *out)
{
    const char *at = s->at;
    uint64_t n = 0;

    for (; at < s->end && *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (digit > max || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (at == s->at)
        return false;
    s->at = at;
    *out = n;
    return true;
}

static char lowered(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word_char(char c, bool first)
{
    char l = lowered(c);

    return (l >= 'a' && l <= 'z') || l == '_' || (!first && l >= '0' && l <= '9');
}

bool scan_word(struct scan *s, char *out, size_t size)
{
    size_t n = 0;

    while (s->at + n < s->end && is_word_char(s->at[n], n == 0)) {
        if (n + 1 >= size)
            return false;
        out[n] = lowered(s->at[n]);
        n++;
    }
    if (n == 0)
        return false;
    out[n] = 0;
    s->at += n;
    return true;
}

static int hex_digit(char c)
{
    char l = lowered(c);

    return l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool scan_uuid(struct scan *s, uint8_t out[16])
{
    enum { TEXT_SIZE = 36 };
    size_t n = 0;

    if (s->end - s->at < TEXT_SIZE)
        return false;
    for (size_t i = 0; i < TEXT_SIZE;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s->at[i++] != '-')
                return false;
            continue;
        }
        int high = hex_digit(s->at[i]);
        int low = hex_digit(s->at[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[n++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    s->at += TEXT_SIZE;
    return true;
}

struct sink sink_into(char *out, size_t size)
{
    if (size)
        out[0] = 0;
    return (struct sink){out, size, 0};
}

void sink_format(struct sink *sink, const char *format, ...)
{
    va_list arguments;
    bool has_room = sink->length < sink->size;

    va_start(arguments, format);
    int n = vsnprintf(has_room ? sink->out + sink->length : NULL,
                      has_room ? sink->size - sink->length : 0, format, arguments);
    va_end(arguments);
    if (n > 0)
        sink->length += (size_t)n;
}

void sink_uuid(struct sink *sink, const uint8_t uuid[16])
{
    for (size_t i = 0; i < 16; i++)
        sink_format(sink, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}
