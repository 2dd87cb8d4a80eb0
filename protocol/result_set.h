/*
 * Making text result sets ourselves: for the admin port, and for the few questions that the proxy
 * answers in a server's place. Whole packets go into a writer, with running sequence ids.
 *
 *     struct result_set set = result_set_begin(&w, capabilities, 1, columns, 2);
 *     result_set_row(&set, values);           as often as there are rows
 *     result_set_end(&set, status, 0);
 *     if (w.failed) ...                       did not fit
 *
 * Manual page: page_protocol_com_query_response_text_resultset.
 */
#ifndef PROTOCOL_RESULT_SET_H
#define PROTOCOL_RESULT_SET_H

#include "protocol/writer.h"

/* Types of columns and parameters, as numbered on the wire. */
enum column_type {
    COLUMN_DECIMAL = 0,
    COLUMN_TINY = 1,
    COLUMN_SHORT = 2,
    COLUMN_LONG = 3,
    COLUMN_FLOAT = 4,
    COLUMN_DOUBLE = 5,
    COLUMN_NULL = 6,
    COLUMN_TIMESTAMP = 7,
    COLUMN_LONGLONG = 8,
    COLUMN_INT24 = 9,
    COLUMN_DATE = 10,
    COLUMN_TIME = 11,
    COLUMN_DATETIME = 12,
    COLUMN_YEAR = 13,
    COLUMN_VARCHAR = 15,
    COLUMN_BIT = 16,
    COLUMN_VECTOR = 242,
    COLUMN_BOOL = 244,
    COLUMN_JSON = 245,
    COLUMN_NEWDECIMAL = 246,
    COLUMN_ENUM = 247,
    COLUMN_SET = 248,
    COLUMN_TINY_BLOB = 249,
    COLUMN_MEDIUM_BLOB = 250,
    COLUMN_LONG_BLOB = 251,
    COLUMN_BLOB = 252,
    COLUMN_VAR_STRING = 253,
    COLUMN_STRING = 254,
    COLUMN_GEOMETRY = 255
};

struct column {
    struct bytes name;
    enum column_type type; /* COLUMN_VAR_STRING, COLUMN_LONGLONG, COLUMN_DOUBLE, COLUMN_NULL */
    bool is_unsigned;
    struct bytes schema, table; /* where it is from; may be empty */
};

/* A value of a row, for columns of the type that belongs to it. */
struct result_value {
    enum { RESULT_NULL, RESULT_INTEGER, RESULT_REAL, RESULT_TEXT } kind;
    union {
        int64_t integer; /* COLUMN_LONGLONG */
        double real;     /* COLUMN_DOUBLE */
    };
    struct bytes text; /* COLUMN_VAR_STRING */
};

struct result_set {
    struct writer *out;
    uint64_t capabilities; /* the client's: DEPRECATE_EOF, SESSION_TRACK, metadata flags */
    size_t columns;
    uint8_t sequence; /* of the next packet */
};

/* Writes column count and definitions (text as utf8mb4). At most 4096 columns. */
struct result_set result_set_begin(struct writer *out, uint64_t capabilities, uint8_t sequence,
                                   const struct column *columns, size_t count);

/* Writes a row of as many values as columns, in text; a null `data` pointer is SQL's NULL. */
void result_set_row(struct result_set *set, const struct bytes *values);

/* The same with typed values, each of its column's type or NULL: in text, or as the binary protocol
 * of prepared statements has them. Manual page: page_protocol_binary_resultset. */
void result_set_values(struct result_set *set, const struct result_value *values, bool is_binary);

/* A column definition by itself, as the answers to FIELD_LIST (which adds a default value, NULL
 * here) and STMT_PREPARE have them. */
void result_set_definition(struct writer *out, uint64_t capabilities, uint8_t sequence,
                           const struct column *column, bool is_field_list);

/* Writes the end: EOF, or OK under DEPRECATE_EOF. */
void result_set_end(struct result_set *set, uint16_t status, uint16_t warnings);

/* Writes an ERR instead of the end. */
struct sql_error;
void result_set_fail(struct result_set *set, const struct sql_error *error);

#endif
