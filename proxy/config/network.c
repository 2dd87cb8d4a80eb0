/*
 * See network.h.
 */
#include "proxy/config/network.h"

#include "proxy/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { NETWORK_TEXT_MAX = 64 };

/* Reads an address of either family; 0: it is none. */
static int address_of(const char *text, unsigned char address[16])
{
    if (inet_pton(AF_INET, text, address) == 1) {
        return AF_INET;
    }
    return inet_pton(AF_INET6, text, address) == 1 ? AF_INET6 : 0;
}

static bool prefix_of(const char *digits, unsigned most, unsigned *bits)
{
    size_t size = strlen(digits);

    *bits = 0;
    if (size == 0 || size > 3 || strspn(digits, "0123456789") != size) {
        return false;
    }
    for (const char *c = digits; *c != '\0'; c++) {
        *bits = *bits * 10 + (unsigned)(*c - '0');
    }
    return *bits <= most;
}

/* What is wrong with it (fixed text), or NULL. */
static const char *network_parse(struct config_network *network, const char *text, size_t size)
{
    char copy[NETWORK_TEXT_MAX];
    char *slash;
    unsigned most;

    if (!bytes_to_text(bytes_of(text, size), copy, sizeof copy)) {
        return "is too long";
    }
    slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    network->family = address_of(copy, network->address);
    if (network->family == 0) {
        return "is not an IP address";
    }
    most = network->family == AF_INET ? 32 : 128;
    network->bits = most;
    if (slash != NULL && !prefix_of(slash + 1, most, &network->bits)) {
        return "has a length of the network that is not a number of its bits";
    }
    return NULL;
}

static char *add(struct config_networks *networks, const char *text, size_t size)
{
    struct config_network network = {.family = 0};
    const char *wrong;

    if (size == 4 && memcmp(text, "unix", 4) == 0) {
        networks->unix_sockets = true;
        return NULL;
    }
    wrong = size == 0 ? "is empty" : network_parse(&network, text, size);
    if (wrong != NULL) {
        return mem_printf("\"%.*s\" %s", size < 60 ? (int)size : 60, text, wrong);
    }
    networks->items =
        mem_realloc(networks->items, (networks->count + 1) * sizeof networks->items[0]);
    networks->items[networks->count++] = network;
    return NULL;
}

char *networks_parse(struct config_networks *networks, const char *text)
{
    struct config_networks list = {.items = NULL};
    const char *at = text + strspn(text, " \t");
    char *complaint = NULL;

    while (*at != '\0' && complaint == NULL) {
        size_t whole = strcspn(at, ",");
        size_t size = whole;

        while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t')) {
            size--;
        }
        complaint = add(&list, at, size);
        at += whole;
        if (*at == ',') {
            at++;
            at += strspn(at, " \t");
            if (*at == '\0' && complaint == NULL) {
                complaint = mem_text("ends with a comma");
            }
        }
    }
    if (complaint != NULL) {
        networks_dispose(&list);
    } else {
        *networks = list;
    }
    return complaint;
}

void networks_dispose(struct config_networks *networks)
{
    mem_free(networks->items);
    *networks = (struct config_networks){.items = NULL};
}

static bool has(const struct config_network *network, const unsigned char address[16])
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    unsigned mask = rest == 0 ? 0u : 0xffu << (8 - rest) & 0xffu;

    return memcmp(network->address, address, whole) == 0 &&
           (mask == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0);
}

bool networks_have(const struct config_networks *networks, struct bytes host)
{
    unsigned char address[16] = {0};
    char text[INET6_ADDRSTRLEN];
    int family;

    if (bytes_equal_text(host, "localhost")) {
        return networks->unix_sockets;
    }
    if (networks->count == 0 || !bytes_to_text(host, text, sizeof text)) {
        return false;
    }
    family = address_of(text, address);
    for (size_t i = 0; i < networks->count; i++) {
        if (networks->items[i].family == family && has(&networks->items[i], address)) {
            return true;
        }
    }
    return false;
}
