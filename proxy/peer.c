/*
 * See peer.h.
 */
#include "proxy/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void peer_text(const struct sockaddr_storage *address, char text[PEER_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN];

    switch (address->ss_family) {
    case AF_INET: {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, PEER_TEXT_BYTES, "%.15s:%u", host, ntohs(in->sin_port));
        break;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, PEER_TEXT_BYTES, "%.39s:%u", host, ntohs(in6->sin6_port));
        break;
    }
    default:
        snprintf(text, PEER_TEXT_BYTES, "localhost");
        break;
    }
}

struct bytes peer_host(const char *peer)
{
    const char *port = strrchr(peer, ':');

    return port == NULL ? bytes_of_text(peer) : bytes_of(peer, (size_t)(port - peer));
}
