/*
 * The SQL functions that MySQL's clients expect and SQLite does not have.
 */
#ifndef TIDEMARK_PROXY_ADMIN_FUNCTIONS_H
#define TIDEMARK_PROXY_ADMIN_FUNCTIONS_H

#include <stdbool.h>

struct engine;

/* Gives them to a connection; false when SQLite refuses. */
bool functions_register(struct engine *engine);

#endif
