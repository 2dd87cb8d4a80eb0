/*
 * information_schema, as far as drivers and GUIs look at it: what there is (schemata, tables,
 * columns, variables, character sets), and empty tables for what there is not.
 */
#ifndef TIDEMARK_PROXY_ADMIN_INFORMATION_SCHEMA_H
#define TIDEMARK_PROXY_ADMIN_INFORMATION_SCHEMA_H

#include "proxy/admin/table.h"

/* NULL-ended. */
extern const struct admin_table *const information_schema_tables[];

#endif
