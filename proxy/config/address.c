/*
 * See address.h. The text is split into host and port first; what the host may be is decided
 * afterwards, so that each mistake has one message.
 */
#include "proxy/config/address.h"

#include "proxy/memory.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

enum { DEFAULT_SERVER_PORT = 3306, HOST_MAX = 255 };

struct halves {
    char host[HOST_MAX + 1];
    const char *port; /* NULL: left out */
    size_t port_size;
    bool bracketed;
};

static const char *split(struct halves *halves, const char *text, size_t size)
{
    const char *end = text + size;
    const char *host = text;
    const char *host_end;

    if (size > 0 && *text == '[') {
        host = text + 1;
        host_end = memchr(host, ']', size - 1);
        if (host_end == NULL) {
            return "has a [ without a ]";
        }
        halves->bracketed = true;
        halves->port = host_end + 1;
        if (halves->port < end && *halves->port != ':') {
            return "has something else than :PORT after the ]";
        }
    } else {
        host_end = memchr(text, ':', size);
        if (host_end == NULL) {
            host_end = end;
        } else if (memchr(host_end + 1, ':', (size_t)(end - host_end - 1)) != NULL) {
            return "has several colons; an IPv6 address needs brackets";
        }
        halves->port = host_end;
    }
    size_t host_size = (size_t)(host_end - host);

    if (host_size == 0) {
        return "has no host";
    }
    if (host_size > HOST_MAX) {
        return "has a host that is too long";
    }
    memcpy(halves->host, host, host_size);
    halves->host[host_size] = '\0';
    if (halves->port >= end) {
        halves->port = NULL;
    } else {
        halves->port++; /* the colon */
        halves->port_size = (size_t)(end - halves->port);
    }
    return NULL;
}

/* 0: not a port. */
static uint16_t port_of(const char *text, size_t size)
{
    unsigned port = 0;

    if (size == 0 || size > 5) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return 0;
        }
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool set_ip(struct config_address *address, const char *host, uint16_t port, bool only_ip6)
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (!only_ip6 && inet_pton(AF_INET, host, &ip4.sin_addr) == 1) {
        memcpy(&address->sockaddr, &ip4, sizeof(ip4));
        address->sockaddr_size = sizeof(ip4);
    } else if (inet_pton(AF_INET6, host, &ip6.sin6_addr) == 1) {
        memcpy(&address->sockaddr, &ip6, sizeof(ip6));
        address->sockaddr_size = sizeof(ip6);
    } else {
        return false;
    }
    address->kind = CONFIG_ADDRESS_IP;
    return true;
}

static bool is_name(const char *host)
{
    bool has_letter = false;

    for (const char *c = host; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-._", *c) == NULL) {
            return false;
        }
        has_letter = has_letter || isalpha((unsigned char)*c);
    }
    /* Digits and dots alone are an IPv4 address gone wrong. */
    return has_letter && host[0] != '-' && host[0] != '.';
}

static const char *parse_ip_or_name(struct config_address *address, const struct halves *halves,
                                    enum address_use use)
{
    const char *host = halves->host;
    uint16_t port = DEFAULT_SERVER_PORT;

    if (halves->port != NULL) {
        port = port_of(halves->port, halves->port_size);
        if (port == 0) {
            return "has a port that is not 1 to 65535";
        }
    } else if (use == ADDRESS_TO_LISTEN) {
        return "has no port";
    }
    if (use == ADDRESS_TO_LISTEN && strcmp(host, "*") == 0) {
        host = "0.0.0.0";
    } else if (use == ADDRESS_TO_LISTEN && strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    address->port = port;
    if (!set_ip(address, host, port, halves->bracketed)) {
        if (halves->bracketed) {
            return "has no IPv6 address between the brackets";
        }
        if (use == ADDRESS_TO_LISTEN) {
            return "has a host that is not an IP address, * or localhost";
        }
        if (!is_name(host)) {
            return "has a host that is neither an IP address nor a name";
        }
        address->kind = CONFIG_ADDRESS_NAME;
    }
    address->host = mem_text(host);
    return NULL;
}

static const char *parse_unix(struct config_address *address, const char *path, size_t size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (size == 0 || path[0] != '/') {
        return "has a socket path that does not begin with /";
    }
    if (size >= sizeof(un.sun_path)) {
        return "has a socket path longer than 107 bytes";
    }
    memcpy(un.sun_path, path, size);
    memcpy(&address->sockaddr, &un, sizeof(un));
    address->sockaddr_size = sizeof(un);
    address->kind = CONFIG_ADDRESS_UNIX;
    address->host = mem_text_of(path, size);
    return NULL;
}

const char *address_parse(struct config_address *address, const char *text, size_t size,
                          enum address_use use)
{
    struct config_address fresh = {.kind = CONFIG_ADDRESS_NONE};
    struct halves halves = {.port = NULL};
    const char *complaint;

    if (size >= 5 && memcmp(text, "unix:", 5) == 0) {
        complaint = parse_unix(&fresh, text + 5, size - 5);
    } else {
        complaint = split(&halves, text, size);
        if (complaint == NULL) {
            complaint = parse_ip_or_name(&fresh, &halves, use);
        }
    }
    if (complaint == NULL) {
        fresh.text = mem_text_of(text, size);
        *address = fresh;
    }
    return complaint;
}

void address_dispose(struct config_address *address)
{
    mem_free(address->text);
    mem_free(address->host);
    *address = (struct config_address){.kind = CONFIG_ADDRESS_NONE};
}

static bool is_any(const struct config_address *address)
{
    return strcmp(address->host, "0.0.0.0") == 0 || strcmp(address->host, "::") == 0;
}

bool address_same(const struct config_address *a, const struct config_address *b)
{
    if (a->kind != b->kind || a->kind == CONFIG_ADDRESS_NONE || a->port != b->port) {
        return false;
    }
    if (a->kind == CONFIG_ADDRESS_IP) {
        return a->sockaddr.ss_family == b->sockaddr.ss_family &&
               (is_any(a) || is_any(b) ||
                memcmp(&a->sockaddr, &b->sockaddr, sizeof(a->sockaddr)) == 0);
    }
    return strcmp(a->host, b->host) == 0;
}

bool address_is_local(const struct config_address *address)
{
    if (address->kind == CONFIG_ADDRESS_UNIX) {
        return true;
    }
    if (address->kind != CONFIG_ADDRESS_IP) {
        return false;
    }
    if (address->sockaddr.ss_family == AF_INET) {
        struct sockaddr_in ip4;

        memcpy(&ip4, &address->sockaddr, sizeof(ip4));
        return ntohl(ip4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 ip6;

    memcpy(&ip6, &address->sockaddr, sizeof(ip6));
    return IN6_IS_ADDR_LOOPBACK(&ip6.sin6_addr) != 0;
}
