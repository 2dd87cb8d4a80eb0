/*
 * The tables of tables.c and of information_schema.c as SQLite virtual tables.
 *
 * A cursor walks over the rows that the running statement has taken (engine_rows); an equality on a
 * column goes through a sorted index of those rows, made when first wanted, so that joins of large
 * tables do not multiply. A change becomes edits of proxy/live.h, applied when SQLite commits.
 */
#ifndef TIDEMARK_PROXY_ADMIN_VIRTUAL_TABLE_H
#define TIDEMARK_PROXY_ADMIN_VIRTUAL_TABLE_H

#include <stdbool.h>

struct engine;

/* Creates all tables in a new connection; false when SQLite refuses. */
bool virtual_tables_create(struct engine *engine);

#endif
