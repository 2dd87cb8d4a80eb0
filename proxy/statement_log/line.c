/*
 * A statement as a line of JSON. See line.h.
 */
#include "proxy/statement_log/line.h"

#include "proxy/statistics/text.h"
#include "proxy/utf8.h"
#include "router/digest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    TEXT_MAX = 1024,
    SQL_MAX = 4096, /* of a statement as it came */
};

unsigned line_reasons(const struct statement_record *record, const struct line_policy *policy,
                      uint32_t random)
{
    unsigned reasons = 0;

    if (!record->is_statement) {
        return record_failed(record) ? LINE_FAILED : 0;
    }
    if (policy->slow_ns != 0 && record_took_ns(record) >= policy->slow_ns) {
        reasons |= LINE_SLOW;
    }
    if (record_failed(record)) {
        reasons |= LINE_FAILED;
    }
    if ((record->pins & ~(unsigned)PINS_UNTIL_NEXT) !=
        0) { /* those hold until the next statement */
        reasons |= LINE_PINNED;
    }
    if (record->retries != 0) {
        reasons |= LINE_RETRIED;
    }
    if (reasons == 0 && (double)random < policy->sample_rate * 4294967296.0) {
        reasons |= LINE_SAMPLED;
    }
    return reasons;
}

/* ---- JSON ---- */

struct out {
    char *data;
    size_t size, used;
    bool failed;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
    va_list arguments;
    int written;

    va_start(arguments, format);
    written = vsnprintf(out->data + out->used, out->size - out->used, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= out->size - out->used) {
        out->failed = true;
        return;
    }
    out->used += (size_t)written;
}

/* A JSON string (RFC 8259); what is no UTF-8 becomes U+FFFD byte by byte. */
static void put_string(struct out *out, struct bytes text)
{
    put(out, "\"");
    while (text.size > 0 && !out->failed) {
        size_t size = utf8_size(text);

        if (size == 0) {
            put(out, "\\ufffd");
            size = 1;
        } else if (text.data[0] == '"' || text.data[0] == '\\') {
            put(out, "\\%c", text.data[0]);
        } else if (text.data[0] < 0x20 || text.data[0] == 0x7f) {
            put(out, "\\u%04x", text.data[0]);
        } else {
            put(out, "%.*s", (int)size, (const char *)text.data);
        }
        text = bytes_of(text.data + size, text.size - size);
    }
    put(out, "\"");
}

static void put_text(struct out *out, const char *key, const char *text)
{
    put(out, ",\"%s\":", key);
    put_string(out, bytes_of_text(text));
}

static void put_number(struct out *out, const char *key, uint64_t number)
{
    put(out, ",\"%s\":%" PRIu64, key, number);
}

/* ---- parts ---- */

static void put_moment(struct out *out, int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm parts;
    char text[32];

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    put(out, "{\"at\":\"%s.%06dZ\"", text, (int)(unix_us % 1000000));
}

static void put_reasons(struct out *out, unsigned reasons)
{
    static const char *const names[] = {"slow", "failed", "pinned", "retried", "sampled"};
    const char *comma = "";

    put(out, ",\"reasons\":[");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((reasons & (1u << i)) != 0) {
            put(out, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    }
    put(out, "]");
}

static void put_pins(struct out *out, unsigned pins)
{
    const char *comma = "";

    put(out, ",\"pins\":[");
    for (unsigned bit = 1; bit != 0 && bit <= pins; bit <<= 1) {
        if ((pins & bit) != 0) {
            put(out, "%s\"%s\"", comma, pin_name(bit));
            comma = ",";
        }
    }
    put(out, "]");
}

static bool has_word(struct bytes text, const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i + size <= text.size; i++) {
        if (strncasecmp((const char *)text.data + i, word, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Rather a harmless statement too few than a password in a log. */
static bool may_hold_password(struct bytes sql)
{
    return has_word(sql, "passw") || has_word(sql, "identified") || has_word(sql, "secret") ||
           has_word(sql, "_pwd") || has_word(sql, "encrypt") || has_word(sql, "decrypt");
}

static void put_statement(struct out *out, const struct statement_record *record,
                          const struct line_policy *policy)
{
    char hex[DIGEST_HEX];
    char text[TEXT_MAX];
    size_t length;
    enum text_state state = text_take(record, text, sizeof text, &length);

    digest_print(record->digest, hex);
    put_text(out, "digest", hex);
    if (state != TEXT_SHOWN) {
        return;
    }
    put(out, ",\"text\":");
    put_string(out, bytes_of((const uint8_t *)text, length));
    if (policy->with_literals && !may_hold_password(record->sql)) {
        struct bytes sql = record->sql;

        sql.size = sql.size < SQL_MAX ? sql.size : SQL_MAX;
        put(out, ",\"sql\":");
        put_string(out, sql);
    }
}

size_t line_write(const struct statement_record *record, const struct line_names *names,
                  unsigned reasons, const struct line_policy *policy, char *line, size_t size)
{
    struct out out = {.data = line, .size = size};

    put_moment(&out, names->at_unix_us);
    put_reasons(&out, reasons);
    put_number(&out, "session", record->session);
    put_text(&out, "user", names->user);
    put_text(&out, "client", names->client);
    put(&out, ",\"schema\":");
    put_string(&out, names->schema);
    put_number(&out, "command", record->command);
    if (record->is_statement) {
        put_statement(&out, record, policy);
        put_text(&out, "class", statement_class_name((enum statement_class)record->class));
        put_text(&out, "target", target_name((enum target)record->target));
    }
    if (names->server != NULL) {
        put_text(&out, "server", names->server);
    }
    put_text(&out, "why", record->why);
    put_number(&out, "took_us", record_took_ns(record) / 1000);
    put_number(&out, "wait_us", record->wait_ns / 1000);
    put_number(&out, "rows", record->rows);
    put_number(&out, "bytes", record->bytes);
    put_number(&out, "bytes_in", record->bytes_in);
    put_number(&out, "warnings", record->warnings);
    put_number(&out, "error", record->error);
    put_number(&out, "retries", record->retries);
    put_pins(&out, record->pins);
    put(&out, ",\"prepared\":%s,\"aborted\":%s}\n", record->is_prepared ? "true" : "false",
        record->is_aborted ? "true" : "false");
    return out.failed ? 0 : out.used;
}
