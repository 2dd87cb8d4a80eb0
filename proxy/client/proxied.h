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
    PROXIED_NONE, /* what came is something else; the address is the peer's own */
    PROXIED_READ, /* the header was taken, and the session has the client's address */
    PROXIED_MORE, /* the rest of it is awaited */
    PROXIED_BAD,  /* it begins like a header, and is none */
};

/* Looks at the first bytes of a session. From a peer that is not listed: PROXIED_NONE. */
enum proxied proxied_read(struct session *session);

#endif
