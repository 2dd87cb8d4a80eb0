/*
 * Connecting to a server that may insist on a PROXY header before it says a word (HAProxy's "The
 * PROXY protocol", sections 2.1 and 2.2). The monitor speaks for itself: version 1 UNKNOWN, or
 * version 2 LOCAL.
 */
#ifndef HEALTH_LINK_HEADER_H
#define HEALTH_LINK_HEADER_H

#include "health/link.h"

/* As mysql_real_connect() with the link's target, after its options were set. `version` 0 sends no
 * header. False: mysql_error() says why not. */
bool link_connect(struct link *link, unsigned version);

#endif
