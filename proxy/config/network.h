/*
 * Lists of networks as users write them: 10.0.0.0/8, 192.0.2.7, 2001:db8::/32, unix.
 */
#ifndef TIDEMARK_PROXY_CONFIG_NETWORK_H
#define TIDEMARK_PROXY_CONFIG_NETWORK_H

#include "protocol/bytes.h"
#include "proxy/config/config.h"

#include <stdbool.h>

/* Reads a list separated by commas; an empty one has nothing in it. NULL and *networks is set
 * (networks_dispose()); or what is wrong, owned by the caller, and *networks is untouched. */
char *networks_parse(struct config_networks *networks, const char *text);

void networks_dispose(struct config_networks *networks);

/* Is this peer in one of them? `host` is an IP address, or "localhost" for a Unix socket. */
bool networks_have(const struct config_networks *networks, struct bytes host);

#endif
