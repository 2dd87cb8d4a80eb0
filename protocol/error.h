/*
 * The errors that clients see: as a value (struct sql_error), as ERR packet, and the table of those
 * the proxy raises itself, with the code and SQLSTATE a server would use in the same situation, so
 * that drivers react as they do to a server.
 *
 *     ERR packet   0xff, code u16, '#' and five bytes of SQLSTATE, text to the end
 *
 * The SQLSTATE is missing before the client's capabilities are known (an ERR in place of a
 * greeting). Manual page: page_protocol_basic_err_packet.
 */
#ifndef PROTOCOL_ERROR_H
#define PROTOCOL_ERROR_H

#include "protocol/reader.h"
#include "protocol/writer.h"

struct sql_error {
    uint16_t code; /* 0: no error */
    char sqlstate[6];
    char text[512];
};

/* Named as the servers name them; error.c has SQLSTATE for each. */
enum error_code {
    ERROR_NONE = 0,
    ERROR_TOO_MANY_CONNECTIONS = 1040,
    ERROR_OUT_OF_RESOURCES = 1041,
    ERROR_HANDSHAKE = 1043,
    ERROR_DB_ACCESS_DENIED = 1044,
    ERROR_ACCESS_DENIED = 1045,
    ERROR_NO_DB = 1046,
    ERROR_UNKNOWN_COMMAND = 1047,
    ERROR_UNKNOWN_DATABASE = 1049,
    ERROR_SERVER_SHUTDOWN = 1053,
    ERROR_BAD_FIELD = 1054,
    ERROR_PARSE = 1064,
    ERROR_EMPTY_QUERY = 1065,
    ERROR_NO_SUCH_THREAD = 1094,
    ERROR_KILL_DENIED = 1095,
    ERROR_UNKNOWN = 1105,
    ERROR_HOST_BLOCKED = 1129,
    ERROR_HOST_NOT_PRIVILEGED = 1130,
    ERROR_TABLE_ACCESS_DENIED = 1142,
    ERROR_NO_SUCH_TABLE = 1146,
    ERROR_PACKET_TOO_LARGE = 1153,
    ERROR_PACKETS_OUT_OF_ORDER = 1156,
    ERROR_NET_READ = 1158,
    ERROR_NET_READ_INTERRUPTED = 1159,
    ERROR_NET_WRITE = 1160,
    ERROR_NET_WRITE_INTERRUPTED = 1161,
    ERROR_UNKNOWN_SYSTEM_VARIABLE = 1193,
    ERROR_TOO_MANY_USER_CONNECTIONS = 1203,
    ERROR_LOCK_WAIT_TIMEOUT = 1205,
    ERROR_WRONG_ARGUMENTS = 1210,
    ERROR_USER_LIMIT = 1226,
    ERROR_ACCESS_DENIED_SPECIFIC = 1227,
    ERROR_NOT_SUPPORTED_YET = 1235,
    ERROR_FATAL_READING_BINLOG = 1236,
    ERROR_UNKNOWN_STATEMENT = 1243,
    ERROR_NOT_SUPPORTED_AUTH_MODE = 1251,
    ERROR_OPTION_PREVENTS_STATEMENT = 1290,
    ERROR_NO_SUCH_FUNCTION = 1305,
    ERROR_QUERY_INTERRUPTED = 1317,
    ERROR_UNSUPPORTED_PREPARED = 1295,
    ERROR_NO_OPEN_CURSOR = 1421,
    ERROR_TOO_MANY_STATEMENTS = 1461,
    ERROR_ACCESS_DENIED_NO_PASSWORD = 1698,
    ERROR_READ_ONLY_TRANSACTION = 1792,
    ERROR_MALFORMED_PACKET = 1835,
    ERROR_PASSWORD_EXPIRED = 1862,
    ERROR_CONNECTION_KILLED = 1927,
    ERROR_SERVER_LOST = 2013,
    ERROR_AUTH_PLUGIN = 2059,
    ERROR_QUERY_TIMEOUT = 3024,
    ERROR_ACCOUNT_LOCKED = 3118,
    ERROR_SECURE_TRANSPORT_REQUIRED = 3159,
    ERROR_ACCOUNT_LOCKED_MARIADB = 4151
};

/* The SQLSTATE that belongs to a code; "HY000" for one that is not in the table. */
const char *error_sqlstate(unsigned code);

/* Makes an error: SQLSTATE from the table, text cut to what fits. */
struct sql_error error_make(enum error_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline bool error_is_packet(struct bytes payload)
{
    return payload.size > 0 && payload.data[0] == 0xff;
}

/* Decodes a whole ERR payload; a longer text is cut, a missing SQLSTATE becomes "HY000". */
MUST_USE enum parse error_decode(struct bytes payload, struct sql_error *error);

/* Writes the payload; SQLSTATE only with CAPABILITY_PROTOCOL_41 among `capabilities`. */
void error_encode(struct writer *w, const struct sql_error *error, uint64_t capabilities);

/* The same as a whole packet. */
void error_encode_packet(struct writer *w, const struct sql_error *error, uint64_t capabilities,
                         uint8_t sequence);

#endif
