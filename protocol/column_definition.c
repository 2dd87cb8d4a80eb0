/*
 * See column_definition.h; the layout is drawn in result_set.c.
 */
#include "protocol/column_definition.h"

#include "protocol/capability.h"

enum {
    NAMES = 6,        /* catalog, schema, table, original table, name, original name */
    FIXED_BYTES = 12, /* what the length in front of the fixed part must at least say */
};

enum parse column_definition_decode(struct bytes payload, uint64_t capabilities,
                                    struct column_definition *column)
{
    struct reader in = reader_over(payload);

    for (unsigned i = 0; i < NAMES; i++) {
        (void)read_lenenc_bytes(&in);
    }
    if (capabilities & CAPABILITY_MARIADB_EXTENDED_METADATA) {
        (void)read_lenenc_bytes(&in);
    }
    if (read_lenenc(&in) < FIXED_BYTES) {
        return PARSE_BAD;
    }
    column->collation = read_u16(&in);
    column->length = read_u32(&in);
    column->type = read_u8(&in);
    column->flags = read_u16(&in);
    column->decimals = read_u8(&in);
    return in.failed ? PARSE_BAD : PARSE_OK;
}
