/*
 * Changes that SQL statements make: collected row by row as edits of proxy/live.h, applied as one
 * when the statement or its transaction commits. A transaction in which a statement fails is rolled
 * back as a whole: edits cannot be taken back one by one.
 */
#ifndef TIDEMARK_PROXY_ADMIN_CHANGE_H
#define TIDEMARK_PROXY_ADMIN_CHANGE_H

#include "proxy/admin/table.h"

#include <sqlite3.h>
#include <stdbool.h>

struct engine;
struct drain;

/* One row of an INSERT, UPDATE or DELETE, with the arguments of xUpdate. False: it makes no sense;
 * engine->change_error says why. */
bool change_collect(struct engine *engine, const struct admin_table *table, int argc,
                    sqlite3_value **argv);

/* Applies what was collected. False: nothing was applied; engine->change_error says why. */
bool change_apply(struct engine *engine);

/* Forgets what was collected and not applied. */
void change_drop(struct engine *engine);

/* To be drained, or enabled again, once what was collected is in force. */
void change_drain(struct drain **drains, const char *server, bool is_draining);

#endif
