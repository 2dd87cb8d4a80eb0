/*
 * Whether an EXECUTE's parameters may have given an id to an AUTO_INCREMENT column. See
 * router/insert_id.h for what follows from that.
 */
#ifndef TIDEMARK_PROXY_CLIENT_GIVEN_ID_H
#define TIDEMARK_PROXY_CLIENT_GIVEN_ID_H

#include <stdbool.h>
#include <stdint.h>

struct session;

/* True when a parameter of the command in hand may be this id (not 0), or when that cannot be told.
 * False for a command without parameters. Asked before the statement's long data are forgotten. */
bool given_id_is_possible(const struct session *session, uint64_t id);

#endif
