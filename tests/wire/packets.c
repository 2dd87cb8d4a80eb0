/*
 * See packets.h.
 */
#include "packets.h"

#include "protocol/capability.h"
#include "protocol/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

bool packet_next(struct bytes *in, struct bytes *payload, uint8_t *sequence)
{
    struct frame frame;

    if (frame_read(*in, &frame) != PARSE_OK || !frame_is_whole(*in, frame)) {
        return false;
    }
    *payload = frame_payload(*in, frame);
    *sequence = frame.sequence;
    *in = bytes_of(in->data + frame_size(frame), in->size - frame_size(frame));
    return true;
}

void text_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    int more;

    va_start(arguments, format);
    more = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    assert_true(more >= 0 && (size_t)more < size - used);
}

/* ---- from words ---- */

/* The value behind `word`, when that is what the text begins with. */
static bool begins(const char *text, const char *word, const char **value)
{
    size_t size = strlen(word);

    *value = text + size;
    return strncmp(text, word, size) == 0;
}

static void write_tracker(struct writer *out, enum tracker_type type, struct bytes name,
                          struct bytes value)
{
    uint8_t space[512];
    struct writer content = writer_over(space, sizeof space);

    if (type == TRACKER_SYSTEM_VARIABLE) {
        write_lenenc_bytes(&content, name);
    }
    if (type == TRACKER_STATE_CHANGE) {
        write_u8(&content, '1'); /* the only one without a length of its own */
    } else {
        write_lenenc_bytes(&content, value);
    }
    assert_false(content.failed);
    write_u8(out, (uint8_t)type);
    write_lenenc_bytes(out, writer_bytes(&content));
}

static void take_flag(struct ok_packet *ok, struct bytes word)
{
    static const struct {
        const char *word;
        uint16_t flag;
    } flags[] = {{"trans", STATUS_IN_TRANSACTION},
                 {"read-only", STATUS_IN_READ_ONLY_TRANSACTION},
                 {"more", STATUS_MORE_RESULTS},
                 {"cursor", STATUS_CURSOR_EXISTS},
                 {"last-row", STATUS_LAST_ROW_SENT}};

    if (bytes_equal_text(word, "no-autocommit")) {
        ok->status &= (uint16_t)~STATUS_AUTOCOMMIT;
        return;
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (bytes_equal_text(word, flags[i].word)) {
            ok->status |= flags[i].flag;
            return;
        }
    }
    fail_msg("no such word for an OK: %.*s", (int)word.size, (const char *)word.data);
}

/* One word; returns what follows it. */
static const char *take_word(struct ok_packet *ok, struct writer *trackers, const char *text)
{
    const char *end = text + strcspn(text, " ");
    const char *value;
    const char *sign;

    if (begins(text, "affected=", &value)) {
        ok->affected_rows = strtoull(value, NULL, 10);
    } else if (begins(text, "id=", &value)) {
        ok->insert_id = strtoull(value, NULL, 10);
    } else if (begins(text, "warnings=", &value)) {
        ok->warnings = (uint16_t)strtoul(value, NULL, 10);
    } else if (begins(text, "schema=", &value)) {
        write_tracker(trackers, TRACKER_SCHEMA, bytes_of(NULL, 0),
                      bytes_of(value, (size_t)(end - value)));
    } else if (begins(text, "set:", &value)) {
        sign = strchr(value, '=');
        assert_non_null(sign);
        write_tracker(trackers, TRACKER_SYSTEM_VARIABLE, bytes_of(value, (size_t)(sign - value)),
                      bytes_of(sign + 1, (size_t)(end - sign) - 1));
    } else if (begins(text, "change", &value)) {
        write_tracker(trackers, TRACKER_STATE_CHANGE, bytes_of(NULL, 0), bytes_of("1", 1));
    } else if (begins(text, "state=", &value)) {
        write_tracker(trackers, TRACKER_TRANSACTION_STATE, bytes_of(NULL, 0),
                      bytes_of(value, (size_t)(end - value)));
    } else if (begins(text, "next=", &value)) {
        end = text + strlen(text);
        write_tracker(trackers, TRACKER_TRANSACTION_CHARACTERISTICS, bytes_of(NULL, 0),
                      bytes_of(value, (size_t)(end - value)));
    } else if (begins(text, "info=", &value)) {
        end = text + strlen(text);
        ok->info = bytes_of(value, (size_t)(end - value));
    } else {
        take_flag(ok, bytes_of(text, (size_t)(end - text)));
    }
    return end + strspn(end, " ");
}

void ok_from_words(struct ok_packet *ok, struct writer *trackers, const char *words)
{
    *ok = (struct ok_packet){.status = STATUS_AUTOCOMMIT};
    while (*words != 0) {
        words = take_word(ok, trackers, words);
    }
    assert_false(trackers->failed);
    ok->trackers = writer_bytes(trackers);
}

/* ---- to words ---- */

static void append_tracker(const struct tracker *tracker, char *text, size_t size)
{
    int value_size = (int)tracker->value.size;
    const char *value = (const char *)tracker->value.data;

    switch (tracker->type) {
    case TRACKER_SYSTEM_VARIABLE:
        text_append(text, size, " set:%.*s=%.*s", (int)tracker->name.size,
                    (const char *)tracker->name.data, value_size, value);
        break;
    case TRACKER_SCHEMA:
        text_append(text, size, " schema=%.*s", value_size, value);
        break;
    case TRACKER_STATE_CHANGE:
        text_append(text, size, " change");
        break;
    case TRACKER_TRANSACTION_STATE:
        text_append(text, size, " state=%.*s", value_size, value);
        break;
    case TRACKER_TRANSACTION_CHARACTERISTICS:
        text_append(text, size, " next=%.*s", value_size, value);
        break;
    default:
        text_append(text, size, " tracker%u", tracker->type);
    }
}

static void append_status(uint16_t status, char *text, size_t size)
{
    text_append(text, size, "%s%s%s%s%s%s", status & STATUS_IN_TRANSACTION ? " trans" : "",
                status & STATUS_IN_READ_ONLY_TRANSACTION ? " read-only" : "",
                status & STATUS_AUTOCOMMIT ? "" : " no-autocommit",
                status & STATUS_MORE_RESULTS ? " more" : "",
                status & STATUS_CURSOR_EXISTS ? " cursor" : "",
                status & STATUS_LAST_ROW_SENT ? " last-row" : "");
}

void ok_to_words(const struct ok_packet *ok, char *text, size_t size)
{
    struct tracker_reader reader = tracker_reader_over(ok->trackers);
    struct tracker tracker;

    if (ok->affected_rows != 0) {
        text_append(text, size, " affected=%llu", (unsigned long long)ok->affected_rows);
    }
    if (ok->insert_id != 0) {
        text_append(text, size, " id=%llu", (unsigned long long)ok->insert_id);
    }
    if (ok->warnings != 0) {
        text_append(text, size, " warnings=%u", ok->warnings);
    }
    append_status(ok->status, text, size);
    while (tracker_next(&reader, &tracker)) {
        append_tracker(&tracker, text, size);
    }
    assert_false(reader.in.failed);
    if (ok->info.size > 0) {
        text_append(text, size, " info=%.*s", (int)ok->info.size, (const char *)ok->info.data);
    }
}
