/*
 * Reading answers as a driver does, and saying them as text: see client.h. Every packet's sequence
 * id is checked, so a packet too many, too few or out of place fails the test.
 */
#include "client.h"

#include "packets.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"

#include <string.h>

enum outcome { ENDED, MORE_RESULTS, NOT_THERE };

struct reading {
    struct client *client;
    struct bytes in;
    uint8_t sequence;
    uint16_t definitions_status;
};

static void say(struct reading *r, const char *text, struct bytes more)
{
    text_append(r->client->answer, sizeof r->client->answer, "%s%.*s", text, (int)more.size,
                (const char *)more.data);
}

static bool has(const struct reading *r, uint64_t capability)
{
    return (r->client->capabilities & capability) != 0;
}

static bool is_progress_report(const struct reading *r, struct bytes payload)
{
    return has(r, CAPABILITY_MARIADB_PROGRESS) && payload.size > 2 &&
           memcmp(payload.data, "\xff\xff\xff", 3) == 0;
}

static bool take(struct reading *r, struct bytes *payload)
{
    uint8_t sequence;

    do {
        if (!packet_next(&r->in, payload, &sequence)) {
            return false;
        }
        assert_int_equal(sequence, r->sequence);
        r->sequence++;
        if (is_progress_report(r, *payload)) {
            say(r, "progress, ", bytes_of("", 0));
        }
    } while (is_progress_report(r, *payload));
    return true;
}

/* Decodes an OK that has exactly what this client can read: nothing more, no wrong flag. */
static void decode_ok(const struct reading *r, struct bytes payload, struct ok_packet *ok)
{
    uint8_t space[4096];
    struct writer again = writer_over(space, sizeof space);

    assert_int_equal(ok_decode(payload, r->client->capabilities, ok), PARSE_OK);
    ok_encode(&again, ok, r->client->capabilities);
    assert_false(again.failed);
    assert_int_equal(again.size, payload.size);
    assert_memory_equal(again.data, payload.data, payload.size);
}

static enum outcome say_ok(struct reading *r, struct bytes payload, const char *name)
{
    struct ok_packet ok;

    decode_ok(r, payload, &ok);
    say(r, name, bytes_of("", 0));
    ok_to_words(&ok, r->client->answer, sizeof r->client->answer);
    return ok.status & STATUS_MORE_RESULTS ? MORE_RESULTS : ENDED;
}

static enum outcome say_error(struct reading *r, struct bytes payload)
{
    struct sql_error error;

    assert_int_equal(error_decode(payload, &error), PARSE_OK);
    text_append(r->client->answer, sizeof r->client->answer, "error %u %s %s", error.code,
                error.sqlstate, error.text);
    return ENDED;
}

/* What ends rows and definitions: EOF, or OK under DEPRECATE_EOF. */
static bool is_end(const struct reading *r, struct bytes payload)
{
    return payload.size > 0 && payload.data[0] == 0xfe &&
           (has(r, CAPABILITY_DEPRECATE_EOF) ? payload.size < FRAME_MAX : payload.size < 9);
}

static enum outcome say_end(struct reading *r, struct bytes payload)
{
    struct eof_packet eof;
    struct ok_packet ok = {0};
    char words[2048] = "";

    if (has(r, CAPABILITY_DEPRECATE_EOF)) {
        decode_ok(r, payload, &ok);
    } else {
        assert_int_equal(eof_decode(payload, &eof), PARSE_OK);
        ok.status = eof.status;
        ok.warnings = eof.warnings;
    }
    ok_to_words(&ok, words, sizeof words);
    if (words[0] != 0) {
        text_append(r->client->answer, sizeof r->client->answer, " (%s)", words + 1);
    }
    return ok.status & STATUS_MORE_RESULTS ? MORE_RESULTS : ENDED;
}

static void say_row(struct reading *r, struct bytes payload, uint64_t columns, const char *before)
{
    struct reader in = reader_over(payload);

    say(r, before, bytes_of("", 0));
    for (uint64_t i = 0; i < columns; i++) {
        struct bytes value = read_lenenc_bytes_or_null(&in);

        say(r, i == 0 ? "" : ",", value.data == NULL ? bytes_of_text("NULL") : value);
    }
    assert_true(reader_is_done(&in));
}

/* With their EOF, where there is one: its status is kept. */
static bool skip_definitions(struct reading *r, uint64_t count)
{
    struct bytes payload;
    struct eof_packet eof;

    for (uint64_t i = 0; i < count; i++) {
        if (!take(r, &payload)) {
            return false;
        }
        assert_true(bytes_start_with(payload, "\3def"));
    }
    if (count > 0 && !has(r, CAPABILITY_DEPRECATE_EOF)) {
        if (!take(r, &payload)) {
            return false;
        }
        assert_true(is_end(r, payload));
        assert_int_equal(eof_decode(payload, &eof), PARSE_OK);
        r->definitions_status = eof.status;
    }
    return true;
}

static enum outcome read_rows(struct reading *r, uint64_t columns)
{
    struct bytes payload;
    bool is_first = true;

    say(r, "rows", bytes_of("", 0));
    while (take(r, &payload)) {
        if (payload.size > 0 && payload.data[0] == 0xff) {
            say(r, " then ", bytes_of("", 0));
            return say_error(r, payload);
        }
        if (is_end(r, payload)) {
            return say_end(r, payload);
        }
        say_row(r, payload, columns, is_first ? " " : ";");
        is_first = false;
    }
    return NOT_THERE;
}

/* Rows of one column, without count and definitions. */
static enum outcome read_fetched(struct reading *r, struct bytes payload)
{
    bool is_first = true;

    say(r, "rows", bytes_of("", 0));
    while (!is_end(r, payload)) {
        say_row(r, payload, 1, is_first ? " " : ";");
        is_first = false;
        if (!take(r, &payload)) {
            return NOT_THERE;
        }
    }
    return say_end(r, payload);
}

static enum outcome read_prepared(struct reading *r, struct bytes payload)
{
    struct prepare_ok ok;

    assert_int_equal(prepare_ok_decode(payload, r->client->capabilities, &ok), PARSE_OK);
    text_append(r->client->answer, sizeof r->client->answer, "prepared %u parameters=%u columns=%u",
                ok.id, ok.parameters, ok.columns);
    return skip_definitions(r, ok.parameters) && skip_definitions(r, ok.columns) ? ENDED
                                                                                 : NOT_THERE;
}

static enum outcome read_fields(struct reading *r, struct bytes payload)
{
    unsigned count = 0;

    while (!is_end(r, payload)) {
        count++;
        if (!take(r, &payload)) {
            return NOT_THERE;
        }
    }
    text_append(r->client->answer, sizeof r->client->answer, "fields %u", count);
    return ENDED;
}

static enum outcome read_result(struct reading *r, uint8_t code)
{
    struct bytes payload;
    struct reader in;
    uint64_t columns;

    if (!take(r, &payload)) {
        return NOT_THERE;
    }
    if (payload.data[0] == 0xff) {
        return say_error(r, payload);
    }
    switch (code) {
    case COMMAND_STMT_PREPARE:
        return read_prepared(r, payload);
    case COMMAND_FIELD_LIST:
        return read_fields(r, payload);
    case COMMAND_STMT_FETCH:
        return read_fetched(r, payload);
    case COMMAND_STATISTICS:
        say(r, "text ", payload);
        return ENDED;
    default:
        break;
    }
    if (payload.data[0] == 0) {
        return say_ok(r, payload, "ok");
    }
    if (payload.data[0] == 0xfe) {
        say(r, "eof", bytes_of("", 0));
        return say_end(r, payload);
    }
    if (payload.data[0] == 0xfb) {
        say(r, "file ", bytes_after(payload, 1));
        return ENDED;
    }
    in = reader_over(payload);
    columns = read_lenenc(&in);
    assert_true(reader_is_done(&in));
    if (!skip_definitions(r, columns)) {
        return NOT_THERE;
    }
    if (code == COMMAND_STMT_EXECUTE && (r->definitions_status & STATUS_CURSOR_EXISTS)) {
        say(r,
            r->definitions_status & STATUS_IN_TRANSACTION ? "rows (trans cursor)" : "rows (cursor)",
            bytes_of("", 0)); /* they wait for FETCH */
        return ENDED;
    }
    return read_rows(r, columns);
}

const char *client_read(struct client *client)
{
    struct reading r = {.client = client};
    size_t unread;
    uint8_t code;

    world_run(client->world);
    r.in = wire_unread(client->wire);
    unread = r.in.size;
    r.sequence = (uint8_t)(client->upload_sequence + 1);
    client->answer[0] = 0;
    if (unread == 0) {
        return client->wire->proxy_closed ? "closed" : NULL;
    }
    assert_true(client->count > 0);
    code = client->codes[client->first];
    for (;;) {
        switch (read_result(&r, code)) {
        case NOT_THERE:
            return NULL;
        case MORE_RESULTS:
            say(&r, " + ", bytes_of("", 0));
            continue;
        case ENDED:
            break;
        }
        break;
    }
    wire_consume(client->wire, unread - r.in.size);
    client->first = (client->first + 1) % CLIENT_COMMANDS_MAX;
    client->count--;
    return client->answer;
}

void client_expect(struct client *client, const char *answer)
{
    const char *came = client_read(client);

    if (came == NULL) {
        fail_msg("the client awaits \"%s\", but no whole answer came: \"%s\"", answer,
                 client->answer);
    }
    assert_string_equal(came, answer);
}

void client_expect_error(struct client *client, unsigned code, const char *part)
{
    const char *came = client_read(client);
    char beginning[32] = "";

    assert_non_null(came);
    text_append(beginning, sizeof beginning, "error %u ", code);
    if (strncmp(came, beginning, strlen(beginning)) != 0 || strstr(came, part) == NULL) {
        fail_msg("the client awaits error %u with \"%s\", but got: %s", code, part, came);
    }
}

void client_expect_nothing(struct client *client)
{
    world_run(client->world);
    assert_int_equal(wire_unread(client->wire).size, 0);
    assert_false(client->wire->proxy_closed);
}

void client_expect_closed(struct client *client)
{
    world_run(client->world);
    assert_int_equal(wire_unread(client->wire).size, 0);
    assert_true(client->wire->proxy_closed);
}
