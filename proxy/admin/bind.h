/*
 * The parameters of an EXECUTE, bound to an SQLite statement: integers as integers, reals as reals,
 * dates and times as text.
 */
#ifndef TIDEMARK_PROXY_ADMIN_BIND_H
#define TIDEMARK_PROXY_ADMIN_BIND_H

#include "protocol/prepared.h"

#include <sqlite3.h>
#include <stdbool.h>

/* Binds parameter `number` (from 1). False: its value is malformed or of an unknown type. */
bool bind_parameter(sqlite3_stmt *statement, int number, const struct parameter *parameter);

#endif
