/*
 * What scripted servers answer, packet by packet: see server.h.
 */
#include "server.h"

#include "packets.h"

#include "protocol/capability.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { PACKET_BYTES = 64 << 10, TRACKER_BYTES = 16 << 10 };

void answer_payload(struct connection *connection, struct bytes payload)
{
    uint8_t head[FRAME_HEAD_SIZE];
    struct bytes part;

    do {
        part = bytes_first(payload, FRAME_MAX);
        payload = bytes_after(payload, FRAME_MAX);
        frame_write(head, (struct frame){(uint32_t)part.size, connection->sequence++});
        wire_write(connection->wire, head, sizeof head);
        wire_write(connection->wire, part.data, part.size);
    } while (part.size == FRAME_MAX);
}

/* The answer is complete, unless more results follow. */
void answer_done(struct connection *connection)
{
    mem_free(connection->taken->payload);
    mem_free(connection->taken);
    connection->taken = NULL;
}

static void write_writer(struct connection *connection, const struct writer *out)
{
    assert_false(out->failed);
    answer_payload(connection, writer_bytes(out));
}

static void write_eof(struct connection *connection, uint16_t status, uint16_t warnings)
{
    uint8_t space[16];
    struct writer out = writer_over(space, sizeof space);
    struct eof_packet eof = {.status = status, .warnings = warnings};

    eof_encode(&out, &eof);
    write_writer(connection, &out);
}

static void write_ok(struct connection *connection, uint8_t header, const char *words)
{
    uint8_t *space = mem_alloc(PACKET_BYTES);
    uint8_t block[TRACKER_BYTES];
    struct writer out = writer_over(space, PACKET_BYTES);
    struct writer trackers = writer_over(block, sizeof block);
    struct ok_packet ok;

    ok_from_words(&ok, &trackers, words);
    ok.header = header;
    connection->status = ok.status;
    ok_encode(&out, &ok, connection->capabilities);
    write_writer(connection, &out);
    mem_free(space);
    if ((ok.status & STATUS_MORE_RESULTS) == 0) {
        answer_done(connection);
    }
}

void answer_ok(struct connection *connection, const char *words)
{
    write_ok(connection, 0, words);
}

void answer_error(struct connection *connection, unsigned code, const char *text)
{
    uint8_t space[1024];
    struct writer out = writer_over(space, sizeof space);
    struct sql_error error = error_make(ERROR_UNKNOWN, "%s", text);

    error.code = (uint16_t)code;
    memcpy(error.sqlstate, error_sqlstate(code), sizeof error.sqlstate);
    error_encode(&out, &error, connection->capabilities);
    write_writer(connection, &out);
    answer_done(connection);
}

static void write_definition(struct connection *connection, struct bytes name)
{
    uint8_t space[512];
    struct writer out = writer_over(space, sizeof space);

    write_lenenc_bytes(&out, bytes_of_text("def"));
    for (unsigned i = 0; i < 3; i++) {
        write_lenenc_bytes(&out, bytes_of("", 0));
    }
    write_lenenc_bytes(&out, name);
    write_lenenc_bytes(&out, bytes_of("", 0));
    if (connection->capabilities & CAPABILITY_MARIADB_EXTENDED_METADATA) {
        write_lenenc_bytes(&out, bytes_of("", 0));
    }
    write_u8(&out, 12);
    write_u16(&out, 45);
    write_u32(&out, 1024);
    write_u8(&out, COLUMN_VAR_STRING);
    write_u16(&out, 0);
    write_zeros(&out, 3);
    write_writer(connection, &out);
}

static bool deprecates_eof(const struct connection *connection)
{
    return (connection->capabilities & CAPABILITY_DEPRECATE_EOF) != 0;
}

static void write_definitions(struct connection *connection, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        write_definition(connection, bytes_of_text("?"));
    }
    if (count > 0 && !deprecates_eof(connection)) {
        write_eof(connection, (uint16_t)(connection->status & ~STATUS_MORE_RESULTS), 0);
    }
}

/* The next piece of a list; false at its end. */
static bool next_piece(const char **list, char separator, struct bytes *piece)
{
    char separators[2] = {separator, 0};
    size_t size;

    if (*list == NULL) {
        return false;
    }
    size = strcspn(*list, separators);
    *piece = bytes_of(*list, size);
    *list = (*list)[size] == 0 ? NULL : *list + size + 1;
    return true;
}

static void write_columns(struct connection *connection, const char *columns, uint16_t status)
{
    uint8_t space[16];
    struct writer out = writer_over(space, sizeof space);
    struct bytes name;
    const char *list = columns;
    unsigned count = 0;

    while (next_piece(&list, ',', &name)) {
        count++;
    }
    write_lenenc(&out, count);
    write_writer(connection, &out);
    list = columns;
    while (next_piece(&list, ',', &name)) {
        write_definition(connection, name);
    }
    if (!deprecates_eof(connection)) {
        write_eof(connection, status, 0);
    }
}

/* The EOF behind definitions does not tell how the answer before them ended. */
void answer_columns(struct connection *connection, const char *columns)
{
    const unsigned of_an_end = STATUS_MORE_RESULTS | STATUS_CURSOR_EXISTS | STATUS_LAST_ROW_SENT;

    write_columns(connection, columns, (uint16_t)(connection->status & ~of_an_end));
}

void answer_end(struct connection *connection, const char *words)
{
    struct writer none = writer_over(NULL, 0);
    uint8_t block[TRACKER_BYTES];
    struct ok_packet ok;

    if (deprecates_eof(connection)) {
        write_ok(connection, 0xfe, words);
        return;
    }
    none = writer_over(block, sizeof block);
    ok_from_words(&ok, &none, words);
    connection->status = ok.status;
    write_eof(connection, ok.status, ok.warnings);
    if ((ok.status & STATUS_MORE_RESULTS) == 0) {
        answer_done(connection);
    }
}

static void write_rows(struct connection *connection, const char *rows)
{
    const char *list = rows[0] == 0 ? NULL : rows;
    struct bytes row;

    while (next_piece(&list, ';', &row)) {
        uint8_t *space = mem_alloc(PACKET_BYTES);
        struct writer out = writer_over(space, PACKET_BYTES);
        size_t at = 0;

        while (at <= row.size) {
            const uint8_t *comma = at < row.size ? memchr(row.data + at, ',', row.size - at) : NULL;
            size_t end = comma == NULL ? row.size : (size_t)(comma - row.data);

            write_lenenc_bytes(&out, bytes_of(row.data + at, end - at));
            at = end + 1;
        }
        write_writer(connection, &out);
        mem_free(space);
    }
}

void answer_rows(struct connection *connection, const char *columns, const char *rows,
                 const char *words)
{
    answer_columns(connection, columns);
    write_rows(connection, rows);
    answer_end(connection, words);
}

/* The EOF behind the definitions is the end, and says that there is a cursor. */
void answer_cursor(struct connection *connection, const char *columns, const char *words)
{
    struct writer none = writer_over(NULL, 0);
    struct ok_packet ok;

    if (deprecates_eof(connection)) {
        answer_columns(connection, columns);
        answer_end(connection, words);
    } else {
        ok_from_words(&ok, &none, words);
        connection->status = ok.status;
        write_columns(connection, columns, ok.status);
        answer_done(connection);
    }
}

void answer_fetched(struct connection *connection, const char *rows, const char *words)
{
    write_rows(connection, rows);
    answer_end(connection, words);
}

void answer_fields(struct connection *connection, const char *columns, const char *words)
{
    const char *list = columns;
    struct bytes name;

    while (next_piece(&list, ',', &name)) {
        write_definition(connection, name);
    }
    answer_end(connection, words);
}

void answer_row(struct connection *connection, const char *value)
{
    answer_rows(connection, "value", value, "");
}

void answer_prepared(struct connection *connection, unsigned parameters, unsigned columns)
{
    uint8_t space[32];
    struct writer out = writer_over(space, sizeof space);
    struct prepare_ok ok = {.id = ++connection->last_statement,
                            .parameters = (uint16_t)parameters,
                            .columns = (uint16_t)columns,
                            .metadata_follows = true};

    prepare_ok_encode(&out, &ok, connection->capabilities);
    write_writer(connection, &out);
    write_definitions(connection, parameters);
    write_definitions(connection, columns);
    answer_done(connection);
}
