/*
 * Clients behind a load balancer that says, in a PROXY header, for whom it has opened the
 * connection (protocol/proxy_header.h). The header is believed from the networks of
 * [proxy] proxy_protocol_networks only. As with MariaDB's setting of that name the greeting does
 * not wait for it, and a peer there that sends none is a client like any other.
 */
#ifndef TIDEMARK_PROXY_CLIENT_PROXIED_H
#define TIDEMARK_PROXY_CLIENT_PROXIED_H

struct session;

enum proxied {
    PROXIED_NONE, /* the peer is not listed: the address is its own */
    PROXIED_OWN,  /* the peer is listed and speaks for itself, or without a header */
    PROXIED_READ, /* a header was taken, and the session has the client's address */
    PROXIED_MORE, /* the rest of it is awaited */
    PROXIED_BAD,  /* it begins like a header, and is none */
};

/* Looks at the first bytes of a session. From a peer that is not listed: PROXIED_NONE. */
enum proxied proxied_read(struct session *session);

#endif
