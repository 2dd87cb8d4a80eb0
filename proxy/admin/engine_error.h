/*
 * What SQLite says, as an error that MySQL clients know: the code and SQLSTATE that a server has
 * for the same mistake, SQLite's words, and where a name is near another, the question whether that
 * one was meant.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ENGINE_ERROR_H
#define TIDEMARK_PROXY_ADMIN_ENGINE_ERROR_H

#include "protocol/bytes.h"
#include "protocol/error.h"

struct engine;

/* The error of a call that has just answered `status`; `sql` is the statement. */
struct sql_error engine_error(const struct engine *engine, int status, struct bytes sql);

#endif
