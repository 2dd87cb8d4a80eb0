/*
 * ERR packets, and the SQLSTATEs of the errors that the proxy raises itself.
 */
#include "protocol/error.h"
#include "protocol/capability.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    enum error_code code;
    char sqlstate[6];
} sqlstates[] = {
    {ERROR_TOO_MANY_CONNECTIONS, "08004"},
    {ERROR_OUT_OF_RESOURCES, "08004"},
    {ERROR_HANDSHAKE, "08S01"},
    {ERROR_DB_ACCESS_DENIED, "42000"},
    {ERROR_ACCESS_DENIED, "28000"},
    {ERROR_NO_DB, "3D000"},
    {ERROR_UNKNOWN_COMMAND, "08S01"},
    {ERROR_UNKNOWN_DATABASE, "42000"},
    {ERROR_SERVER_SHUTDOWN, "08S01"},
    {ERROR_BAD_FIELD, "42S22"},
    {ERROR_PARSE, "42000"},
    {ERROR_EMPTY_QUERY, "42000"},
    {ERROR_TABLE_ACCESS_DENIED, "42000"},
    {ERROR_NO_SUCH_TABLE, "42S02"},
    {ERROR_PACKET_TOO_LARGE, "08S01"},
    {ERROR_PACKETS_OUT_OF_ORDER, "08S01"},
    {ERROR_NET_READ, "08S01"},
    {ERROR_NET_READ_INTERRUPTED, "08S01"},
    {ERROR_NET_WRITE, "08S01"},
    {ERROR_NET_WRITE_INTERRUPTED, "08S01"},
    {ERROR_TOO_MANY_USER_CONNECTIONS, "42000"},
    {ERROR_ACCESS_DENIED_SPECIFIC, "42000"},
    {ERROR_NO_SUCH_FUNCTION, "42000"},
    {ERROR_NOT_SUPPORTED_YET, "42000"},
    {ERROR_NOT_SUPPORTED_AUTH_MODE, "08004"},
    {ERROR_QUERY_INTERRUPTED, "70100"},
    {ERROR_TOO_MANY_STATEMENTS, "42000"},
    {ERROR_READ_ONLY_TRANSACTION, "25006"},
    {ERROR_CONNECTION_KILLED, "70100"},
};

/* 1927 is MariaDB's "Connection was killed"; the rest have HY000 in the servers' own lists. */
const char *error_sqlstate(unsigned code)
{
    for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++)
        if (sqlstates[i].code == code)
            return sqlstates[i].sqlstate;
    return "HY000";
}

struct sql_error error_make(enum error_code code, const char *format, ...)
{
    struct sql_error error = {.code = (uint16_t)code};
    va_list arguments;

    memcpy(error.sqlstate, error_sqlstate(code), sizeof error.sqlstate);
    va_start(arguments, format);
    vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    return error;
}

enum parse error_decode(struct bytes payload, struct sql_error *error)
{
    struct reader r = reader_over(payload);
    struct bytes state = bytes_of_text("HY000");

    *error = (struct sql_error){0};
    if (read_u8(&r) != 0xff)
        return PARSE_BAD;
    error->code = read_u16(&r);
    if (reader_peek(&r) == '#') {
        read_u8(&r);
        state = read_bytes(&r, 5);
    }
    if (r.failed)
        return PARSE_BAD;
    memcpy(error->sqlstate, state.data, 5);

    struct bytes text = bytes_first(read_rest(&r), sizeof error->text - 1);
    if (text.size)
        memcpy(error->text, text.data, text.size);
    return PARSE_OK;
}

void error_encode(struct writer *w, const struct sql_error *error, uint64_t capabilities)
{
    write_u8(w, 0xff);
    write_u16(w, error->code);
    if (capabilities & CAPABILITY_PROTOCOL_41) {
        write_u8(w, '#');
        write_bytes(w, bytes_of(error->sqlstate, 5));
    }
    write_bytes(w, bytes_of(error->text, strnlen(error->text, sizeof error->text)));
}

void error_encode_packet(struct writer *w, const struct sql_error *error, uint64_t capabilities,
                         uint8_t sequence)
{
    size_t packet = write_packet_begin(w);

    error_encode(w, error, capabilities);
    write_packet_end(w, packet, sequence);
}
