/*
 * Addresses as users write them: 127.0.0.1:6033, [::1]:6033, *:6033, db1.example:3306, unix:/path.
 */
#ifndef TIDEMARK_PROXY_CONFIG_ADDRESS_H
#define TIDEMARK_PROXY_CONFIG_ADDRESS_H

#include "proxy/config/config.h"

#include <stdbool.h>
#include <stddef.h>

enum address_use {
    ADDRESS_TO_LISTEN,  /* a port is needed; "*" is every IPv4 address, "localhost" is 127.0.0.1 */
    ADDRESS_TO_CONNECT, /* names are allowed; the port is 3306 when left out */
};

/* Reads text[0..size). NULL and *address is set (owned texts, address_dispose()); or what is wrong,
 * a constant without the text itself, and *address is untouched. No name is looked up. */
const char *address_parse(struct config_address *address, const char *text, size_t size,
                          enum address_use use);

void address_dispose(struct config_address *address);

/* Would both reach the same listener? Wildcards count as every address of their family. */
bool address_same(const struct config_address *a, const struct config_address *b);

/* Reachable from this machine only: 127.0.0.0/8, ::1, or a socket file. */
bool address_is_local(const struct config_address *address);

#endif
