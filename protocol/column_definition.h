/*
 * Column definitions as servers send them: the few fields of one that the proxy ever looks at.
 *
 * Manual page: page_protocol_com_query_response_text_resultset_column_definition.
 */
#ifndef PROTOCOL_COLUMN_DEFINITION_H
#define PROTOCOL_COLUMN_DEFINITION_H

#include "protocol/reader.h"

/* Bits of a column's flags. */
enum { COLUMN_FLAG_UNSIGNED = 1 << 5 };

/* What a server says of a column, less its names. */
struct column_definition {
    uint16_t collation; /* number of the collation its text is sent in; 63: binary */
    uint32_t length;    /* bytes, at most */
    uint8_t type;       /* enum column_type (result_set.h) */
    uint16_t flags;
    uint8_t decimals;
};

/* Decodes the payload of one; `capabilities` are the connection's. Never PARSE_MORE. */
MUST_USE enum parse column_definition_decode(struct bytes payload, uint64_t capabilities,
                                             struct column_definition *column);

#endif
