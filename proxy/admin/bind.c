/*
 * Values of the binary protocol. See bind.h. Manual page: page_protocol_binary_resultset.
 */
#include "proxy/admin/bind.h"

#include "protocol/result_set.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double EXACT = 9007199254740992.0; /* 2^53: whole numbers up to here are exact */

static bool bind_integer(sqlite3_stmt *statement, int number, const struct parameter *parameter)
{
    uint64_t word = 0;
    unsigned bits = (unsigned)parameter->value.size * 8;

    if (bits == 0 || bits > 64) {
        return false;
    }
    for (size_t i = parameter->value.size; i-- > 0;) {
        word = word << 8 | parameter->value.data[i];
    }
    if (!parameter->is_unsigned && bits < 64 && (word >> (bits - 1) & 1) != 0) {
        word |= UINT64_MAX << bits;
    }
    if (parameter->is_unsigned && word > INT64_MAX) {
        return sqlite3_bind_double(statement, number, (double)word) == SQLITE_OK;
    }
    return sqlite3_bind_int64(statement, number, (int64_t)word) == SQLITE_OK;
}

/* Node's drivers send every number as a double. */
static bool bind_real(sqlite3_stmt *statement, int number, double value)
{
    if (value >= -EXACT && value <= EXACT && floor(value) == value) {
        return sqlite3_bind_int64(statement, number, (int64_t)value) == SQLITE_OK;
    }
    return sqlite3_bind_double(statement, number, value) == SQLITE_OK;
}

static bool bind_text(sqlite3_stmt *statement, int number, struct bytes text)
{
    return sqlite3_bind_text64(statement, number, text.data == NULL ? "" : (const char *)text.data,
                               text.size, SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
}

static bool bind_printed(sqlite3_stmt *statement, int number, char *text)
{
    return text != NULL &&
           sqlite3_bind_text(statement, number, text, -1, sqlite3_free) == SQLITE_OK;
}

/* year u16, month, day [, hour, minute, second [, microseconds u32]] */
static bool bind_date(sqlite3_stmt *statement, int number, struct bytes value, bool with_time)
{
    struct reader in = reader_over(value);
    unsigned year = value.size > 0 ? read_u16(&in) : 0;
    unsigned month = value.size > 0 ? read_u8(&in) : 0;
    unsigned day = value.size > 0 ? read_u8(&in) : 0;
    unsigned hour = value.size > 4 ? read_u8(&in) : 0;
    unsigned minute = value.size > 4 ? read_u8(&in) : 0;
    unsigned second = value.size > 4 ? read_u8(&in) : 0;
    unsigned microseconds = value.size > 7 ? read_u32(&in) : 0;

    if (in.failed) {
        return false;
    }
    if (!with_time) {
        return bind_printed(statement, number, sqlite3_mprintf("%04u-%02u-%02u", year, month, day));
    }
    if (microseconds == 0) {
        return bind_printed(statement, number,
                            sqlite3_mprintf("%04u-%02u-%02u %02u:%02u:%02u", year, month, day, hour,
                                            minute, second));
    }
    return bind_printed(statement, number,
                        sqlite3_mprintf("%04u-%02u-%02u %02u:%02u:%02u.%06u", year, month, day,
                                        hour, minute, second, microseconds));
}

/* is negative, days u32, hours, minutes, seconds [, microseconds u32] */
static bool bind_time(sqlite3_stmt *statement, int number, struct bytes value)
{
    struct reader in = reader_over(value);
    bool is_negative = value.size > 0 && read_u8(&in) != 0;
    unsigned days = value.size > 0 ? read_u32(&in) : 0;
    unsigned hours = value.size > 0 ? read_u8(&in) : 0;
    unsigned minutes = value.size > 0 ? read_u8(&in) : 0;
    unsigned seconds = value.size > 0 ? read_u8(&in) : 0;

    return !in.failed &&
           bind_printed(statement, number,
                        sqlite3_mprintf("%s%02llu:%02u:%02u", is_negative ? "-" : "",
                                        (unsigned long long)days * 24 + hours, minutes, seconds));
}

bool bind_parameter(sqlite3_stmt *statement, int number, const struct parameter *parameter)
{
    struct bytes value = parameter->value;
    double real;
    float small;

    if (parameter->is_null) {
        return sqlite3_bind_null(statement, number) == SQLITE_OK;
    }
    switch ((enum column_type)parameter->type) {
    case COLUMN_TINY:
    case COLUMN_SHORT:
    case COLUMN_LONG:
    case COLUMN_INT24:
    case COLUMN_LONGLONG:
    case COLUMN_YEAR:
    case COLUMN_BOOL:
        return bind_integer(statement, number, parameter);
    case COLUMN_FLOAT:
        if (value.size != sizeof small) {
            return false;
        }
        memcpy(&small, value.data, sizeof small);
        return bind_real(statement, number, (double)small);
    case COLUMN_DOUBLE:
        if (value.size != sizeof real) {
            return false;
        }
        memcpy(&real, value.data, sizeof real);
        return bind_real(statement, number, real);
    case COLUMN_NULL:
        return sqlite3_bind_null(statement, number) == SQLITE_OK;
    case COLUMN_DATE:
        return bind_date(statement, number, value, false);
    case COLUMN_DATETIME:
    case COLUMN_TIMESTAMP:
        return bind_date(statement, number, value, true);
    case COLUMN_TIME:
        return bind_time(statement, number, value);
    case COLUMN_DECIMAL:
    case COLUMN_VARCHAR:
    case COLUMN_BIT:
    case COLUMN_VECTOR:
    case COLUMN_JSON:
    case COLUMN_NEWDECIMAL:
    case COLUMN_ENUM:
    case COLUMN_SET:
    case COLUMN_TINY_BLOB:
    case COLUMN_MEDIUM_BLOB:
    case COLUMN_LONG_BLOB:
    case COLUMN_BLOB:
    case COLUMN_VAR_STRING:
    case COLUMN_STRING:
    case COLUMN_GEOMETRY:
        return bind_text(statement, number, value);
    }
    return false;
}
