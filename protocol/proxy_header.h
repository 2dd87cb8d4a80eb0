/*
 * The PROXY protocol: a header in front of a connection's first byte, by which a load balancer
 * tells for whom it has opened the connection. HAProxy's "The PROXY protocol, versions 1 & 2"
 * (doc/proxy-protocol.txt), sections 2.1 and 2.2.
 *
 *     version 1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 3306\r\n       107 bytes at most
 *
 *     version 2   offset  size
 *                      0    12  signature \r\n\r\n\0\r\nQUIT\n
 *                     12     1  0x20 LOCAL: nobody's, as in a health check; 0x21 PROXY: somebody's
 *                     13     1  0x11 TCP4, 0x21 TCP6, 0x31 Unix stream, 0x00 not told
 *                     14     2  bytes that follow, big-endian
 *                     16    12  source, destination, their ports  (TCP6: 36, Unix: 216)
 *                               then type, length (2), value, repeated; 0x03: CRC32C of the header
 *
 * No packet of a client that logs in looks like either: its fourth byte is a sequence number, 1.
 */
#ifndef PROTOCOL_PROXY_HEADER_H
#define PROTOCOL_PROXY_HEADER_H

#include "protocol/error.h"
#include "protocol/writer.h"

#include <sys/socket.h>

enum {
    PROXY_HEADER_V1_MAX = 107,
    PROXY_HEADER_V2_HEAD = 16,
};

struct proxy_header {
    size_t size; /* how many bytes it takes; 0: there is none */
    /* For whom the connection was opened: AF_INET or AF_INET6 with a port, AF_UNIX without a path,
     * AF_UNSPEC: not told, the connection's own address stays. IPv4 in IPv6 is made IPv4. */
    struct sockaddr_storage source;
};

/*
 * Looks for a header at the beginning of what a peer sent first. PARSE_OK: here it is, or size 0:
 * something else begins here. PARSE_MORE: not all of it has come; *need is how many bytes it takes
 * together, as far as that is known. PARSE_BAD: it begins like a header, and is none.
 */
MUST_USE enum parse proxy_header_decode(struct bytes in, struct proxy_header *header, size_t *need);

/* A header for a connection that is nobody's in particular: version 1 UNKNOWN, or 2 LOCAL. */
void proxy_header_encode_own(struct writer *w, unsigned version);

#endif
