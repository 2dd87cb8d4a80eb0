/*
 * The packets of the binary protocol: prepared statements, and the parameters that COM_QUERY
 * carries as query attributes. Everything is decoded into slices; values are never copied and only
 * walked over where their end is needed to find what follows.
 *
 *     STMT_PREPARE answer   0x00, id u32, columns u16, parameters u16, 0, warnings u16 [, metadata
 * u8] STMT_EXECUTE          0x17, id u32, flags u8, 1 u32, then with parameters: [count lenenc],
 * null bitmap, types follow u8, [types], values STMT_SEND_LONG_DATA   0x18, id u32, parameter u16,
 * data STMT_CLOSE, _RESET    0x19 / 0x1a, id u32 STMT_FETCH            0x1c, id u32, rows u32 QUERY
 * 0x03, with QUERY_ATTRIBUTES: count lenenc, 1 lenenc, [null bitmap, 1 u8, types with names,
 * values]; then the text
 *
 * Manual pages: page_protocol_com_stmt_prepare, page_protocol_com_stmt_execute,
 * page_protocol_com_query.
 */
#ifndef PROTOCOL_PREPARED_H
#define PROTOCOL_PREPARED_H

#include "protocol/reader.h"
#include "protocol/writer.h"

/* Where the statement id is, in all of these payloads, the prepare response included. */
#define STATEMENT_ID_OFFSET 1u

/* The id of a payload with a command (or 0x00) in front; PARSE_MORE when it is cut short. */
MUST_USE enum parse statement_id_read(struct bytes payload, uint32_t *id);

/* Overwrites it; the payload must have been accepted by statement_id_read. */
void statement_id_patch(uint8_t *payload, uint32_t id);

struct prepare_ok {
    uint32_t id;
    uint16_t columns;
    uint16_t parameters;
    uint16_t warnings;
    bool metadata_follows; /* false only where OPTIONAL_METADATA was agreed on and switched off */
};

MUST_USE enum parse prepare_ok_decode(struct bytes payload, uint64_t capabilities,
                                      struct prepare_ok *ok);
void prepare_ok_encode(struct writer *w, const struct prepare_ok *ok, uint64_t capabilities);

#define EXECUTE_CURSOR_READ_ONLY 0x01u
#define EXECUTE_CURSOR_MASK 0x07u
#define EXECUTE_COUNT_SENT 0x08u /* a parameter count is there, attributes may be among them */

struct execute {
    uint32_t id;
    uint8_t flags;
    uint64_t parameters; /* with query attributes: those included */
    bool types_sent;     /* false: the types of the last EXECUTE apply */
    struct bytes head;   /* the payload up to where "types follow" stands */
    struct bytes nulls;  /* bitmap, inside head */
    struct bytes types;  /* two bytes each, with names under QUERY_ATTRIBUTES; empty if not sent */
    struct bytes values; /* to the end */
};

/*
 * Decodes a payload with its command byte. `parameters` is what the prepare response said. The
 * payload may be only the beginning of a longer one (a value over 16 MiB): the head and types must
 * be in it, else PARSE_MORE; `values` then goes to the end of what is there.
 */
MUST_USE enum parse execute_decode(struct bytes payload, uint16_t parameters, uint64_t capabilities,
                                   struct execute *execute);

/*
 * The payload again, with types: as slices to be written one after the other. Returns their number:
 * 1 if the payload can go as it is (types were sent, or it has no parameters), else 4: head, "types
 * follow", `types`, values. `types` are those remembered from an earlier EXECUTE with as many
 * parameters. The id is patched in the payload itself.
 */
#define EXECUTE_SLICES 4
MUST_USE size_t execute_with_types(const struct execute *execute, struct bytes payload,
                                   struct bytes types, struct bytes slices[EXECUTE_SLICES]);

struct query {
    uint64_t attributes; /* their number */
    struct bytes nulls, types, values;
    struct bytes
        prefix; /* all between the command byte and the text; empty without QUERY_ATTRIBUTES */
    struct bytes text; /* the SQL, as far as it is there */
};

/*
 * Finds the text of a COM_QUERY payload (command byte included). As with execute_decode the payload
 * may be the beginning of a longer one, so long as the text begins in it.
 */
MUST_USE enum parse query_decode(struct bytes payload, uint64_t capabilities, struct query *query);

/* Begins the payload of a COM_QUERY without attributes; the text follows. */
void query_begin(struct writer *w, uint64_t capabilities);

/* A query attribute, or a parameter of an EXECUTE that came with names. */
struct parameter {
    struct bytes name;
    uint8_t type; /* enum column_type of result_set.h */
    bool is_unsigned;
    bool is_null;
    struct bytes value; /* as sent, without a length prefix */
};

struct parameter_reader {
    struct reader types, values;
    struct bytes nulls;
    uint64_t index, count;
    bool named;
};

struct parameter_reader query_attributes(const struct query *query);

/* The parameters of an EXECUTE without values sent as long data, its query attributes last; `types`
 * are its own, or those remembered. */
struct parameter_reader execute_parameters(const struct execute *execute, struct bytes types,
                                           uint64_t capabilities);

/* Of types that were sent with an EXECUTE those of the first `count` parameters; empty if they are
 * not as many. */
struct bytes execute_types_first(struct bytes types, uint64_t count, uint64_t capabilities);

/* The next one; false at the end and when malformed (then values.failed or types.failed is set). */
MUST_USE bool parameter_next(struct parameter_reader *r, struct parameter *parameter);

/* Takes a parameter's value of this type off the front, without its length prefix. */
struct bytes parameter_value(struct reader *r, uint8_t type);

/* STMT_FETCH and STMT_SEND_LONG_DATA. */
MUST_USE enum parse fetch_decode(struct bytes payload, uint32_t *id, uint32_t *rows);
MUST_USE enum parse long_data_decode(struct bytes payload, uint32_t *id, uint16_t *parameter,
                                     struct bytes *data);

#endif
