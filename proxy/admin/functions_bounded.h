/*
 * SQLite's functions of which one single call can take hours over texts of a few megabytes, again,
 * in time that grows with the length of the texts: SQLite looks at the clock between its
 * machine's steps only, and one call is one step. What is not worth writing again is refused
 * (access.c).
 */
#ifndef TIDEMARK_PROXY_ADMIN_FUNCTIONS_BOUNDED_H
#define TIDEMARK_PROXY_ADMIN_FUNCTIONS_BOUNDED_H

#include <sqlite3.h>
#include <stdbool.h>

/* instr and replace take SQLite's place; trim, ltrim and rtrim with a set of characters are not
 * there any more. False: SQLite has no memory. */
bool functions_bounded_register(sqlite3 *db);

#endif
