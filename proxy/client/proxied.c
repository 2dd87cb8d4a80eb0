/*
 * See proxied.h.
 */
#include "proxy/client/proxied.h"

#include "protocol/proxy_header.h"
#include "proxy/client/session.h"
#include "proxy/config/network.h"
#include "proxy/log.h"
#include "proxy/peer.h"
#include "proxy/worker.h"

static void take_address(struct session *session, const struct sockaddr_storage *source)
{
    char balancer[PEER_TEXT_BYTES];

    memcpy(balancer, session->peer, sizeof balancer);
    peer_text(source, session->peer);
    if (source->ss_family != AF_UNIX) {
        session->is_unix = false; /* the way to the client is not all on this machine */
    }
    log_debug(log_number("session", session->id), "client=%s is behind %s", session->peer,
              balancer);
}

enum proxied proxied_read(struct session *session)
{
    const struct config_networks *networks =
        &worker_config(session->worker)->proxy.proxy_protocol_networks;
    struct proxy_header header;
    size_t need;

    if (!networks_have(networks, peer_host(session->peer))) {
        return PROXIED_NONE;
    }
    switch (proxy_header_decode(stream_peek(session->client), &header, &need)) {
    case PARSE_MORE:
        stream_expect(session->client, need);
        return PROXIED_MORE;
    case PARSE_BAD:
        return PROXIED_BAD;
    case PARSE_OK:
        break;
    }
    if (header.size > 0) {
        stream_consume(session->client, header.size);
    }
    if (header.source.ss_family == AF_UNSPEC) {
        return PROXIED_OWN;
    }
    take_address(session, &header.source);
    return PROXIED_READ;
}
