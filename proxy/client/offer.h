/*
 * What clients are offered in the greeting: what the proxy can promise, and every server that was
 * seen has.
 */
#ifndef TIDEMARK_PROXY_CLIENT_OFFER_H
#define TIDEMARK_PROXY_CLIENT_OFFER_H

#include <stdint.h>

struct topology;

/* Capabilities (protocol/capability.h) for a new client; the topology may be NULL. Those that
 * belong to the connection to the client itself (TLS) are not among them. */
uint64_t offer_of(const struct topology *topology);

#endif
