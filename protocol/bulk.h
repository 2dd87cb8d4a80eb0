/*
 * COM_STMT_BULK_EXECUTE of MariaDB: one prepared statement with the parameters of many rows.
 *
 *     OFFSET SIZE
 *          0    1  0xfa
 *          1    4  statement id
 *          5    2  flags
 *          7       the parameters' types, two bytes each, if the flags say so
 *                  for each row, for each parameter: an indicator u8, and for BULK_VALUE the value
 *
 * Manual page: "COM_STMT_BULK_EXECUTE" (MariaDB).
 */
#ifndef PROTOCOL_BULK_H
#define PROTOCOL_BULK_H

#include "protocol/prepared.h"

#define BULK_UNIT_RESULTS 0x40u /* the answer is a result set with a row for each */
#define BULK_TYPES_SENT 0x80u   /* else those of the last execution apply */

/* What a row has for a parameter. */
enum bulk_indicator { BULK_VALUE, BULK_NULL, BULK_DEFAULT, BULK_IGNORE };

struct bulk {
    uint32_t id;
    uint16_t flags;
    uint16_t parameters;
    struct bytes types;  /* empty if not sent */
    struct bytes values; /* to the end */
};

/*
 * Decodes a payload with its command byte. `parameters` is what the prepare response said. The
 * payload may be only the beginning of a longer one: the types must be in it, else PARSE_MORE.
 */
MUST_USE enum parse bulk_decode(struct bytes payload, uint16_t parameters, struct bulk *bulk);

/* Writes what is in front of types and values, saying that the types follow. */
#define BULK_HEAD_SIZE 7u
void bulk_head_encode(struct writer *w, const struct bulk *bulk);

/* The parameters of all rows, one after the other. */
struct bulk_reader {
    struct reader types, values;
    struct bytes all_types;
    uint16_t index; /* of the next parameter, in its row */
    uint16_t parameters;
};

/* `types` are its own, or those remembered. */
struct bulk_reader bulk_parameters(const struct bulk *bulk, struct bytes types);

/* The next one; one that is not BULK_VALUE counts as NULL. False at the end and when malformed:
 * bulk_is_read tells which. */
MUST_USE bool bulk_next(struct bulk_reader *r, struct parameter *parameter);

/* All rows were read, and the last one was whole. */
bool bulk_is_read(const struct bulk_reader *r);

#endif
