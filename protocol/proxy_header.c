/*
 * Reading PROXY headers of both versions. A header decides whom the proxy takes a client for, so
 * whatever is not exactly as written is refused. See proxy_header.h.
 */
#include "protocol/proxy_header.h"

#include "protocol/reader.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t signature_v1[6] = "PROXY ";
static const uint8_t signature_v2[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    SEQUENCE_AT = 3, /* what differs at or before it may be a packet; behind it, nothing else */

    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,

    FAMILY_UNSPEC = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    FAMILY_UNIX = 0x31,

    TCP4_BYTES = 12,
    TCP6_BYTES = 36,
    UNIX_BYTES = 216,

    TLV_CRC32C = 0x03,
};

/* ---- addresses ---- */

static void set_ip4(struct proxy_header *header, const void *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    memcpy(&in.sin_addr, address, sizeof in.sin_addr);
    memcpy(&header->source, &in, sizeof in);
}

static void set_ip6(struct proxy_header *header, const void *address, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memcpy(&in6.sin6_addr, address, sizeof in6.sin6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        set_ip4(header, in6.sin6_addr.s6_addr + 12, port);
        return;
    }
    memcpy(&header->source, &in6, sizeof in6);
}

/* ---- version 1 ---- */

/* The text before the next space, which is taken too; it must not be empty. */
static bool take_word(struct bytes *line, char *word, size_t size)
{
    const uint8_t *space = line->size > 0 ? memchr(line->data, ' ', line->size) : NULL;
    size_t length = space != NULL ? (size_t)(space - line->data) : line->size;

    if (length == 0 || !bytes_to_text(bytes_first(*line, length), word, size))
        return false;
    *line = bytes_after(*line, space != NULL ? length + 1 : length);
    return true;
}

static bool read_port(const char *word, uint16_t *port)
{
    unsigned value = 0;

    if (word[0] == '0' && word[1] != 0)
        return false; /* the specification allows no leading zeros */
    for (const char *c = word; *c; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = value * 10 + (unsigned)(*c - '0');
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return true;
}

/* What stands between "PROXY " and the end of the line. */
static bool read_line(struct bytes line, struct proxy_header *header)
{
    char family[8], source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    char source_port[6], destination_port[6];
    struct in6_addr address, ignored;
    uint16_t port, other_port;
    int kind;

    if (!take_word(&line, family, sizeof family))
        return false;
    if (strcmp(family, "UNKNOWN") == 0)
        return true; /* what follows is to be ignored */
    if (line.size == 0 || line.data[line.size - 1] == ' ')
        return false;
    kind = strcmp(family, "TCP4") == 0 ? AF_INET : AF_INET6;
    if ((kind == AF_INET6 && strcmp(family, "TCP6") != 0) ||
        !take_word(&line, source, sizeof source) ||
        !take_word(&line, destination, sizeof destination) ||
        !take_word(&line, source_port, sizeof source_port) ||
        !take_word(&line, destination_port, sizeof destination_port) || line.size != 0 ||
        inet_pton(kind, source, &address) != 1 || inet_pton(kind, destination, &ignored) != 1 ||
        !read_port(source_port, &port) || !read_port(destination_port, &other_port))
        return false;
    if (kind == AF_INET)
        set_ip4(header, &address, port);
    else
        set_ip6(header, &address, port);
    return true;
}

static enum parse decode_v1(struct bytes in, struct proxy_header *header, size_t *need)
{
    struct bytes shown =
        bytes_first(in, in.size < PROXY_HEADER_V1_MAX ? in.size : PROXY_HEADER_V1_MAX);
    const uint8_t *end = memchr(shown.data, '\n', shown.size);
    size_t size;

    if (end == NULL) {
        *need = in.size + 1;
        return in.size < PROXY_HEADER_V1_MAX ? PARSE_MORE : PARSE_BAD;
    }
    size = (size_t)(end - shown.data) + 1;
    if (end[-1] != '\r' || size < sizeof signature_v1 + 2 ||
        !read_line(bytes_after(bytes_first(shown, size - 2), sizeof signature_v1), header))
        return PARSE_BAD;
    header->size = size;
    return PARSE_OK;
}

/* ---- version 2 ---- */

static uint16_t big_endian(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* CRC32C (Castagnoli), with the four bytes at `hole` taken for zeros. */
static uint32_t crc32c(struct bytes b, size_t hole)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < b.size; i++) {
        crc ^= i >= hole && i < hole + 4 ? 0u : b.data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0u);
    }
    return ~crc;
}

/* Whatever follows the addresses: only its form and a checksum are looked at. */
static bool check_rest(struct bytes whole, size_t at)
{
    while (at < whole.size) {
        size_t size;

        if (whole.size - at < 3)
            return false;
        size = big_endian(whole.data + at + 1);
        if (whole.size - at - 3 < size)
            return false;
        if (whole.data[at] == TLV_CRC32C) {
            const uint8_t *sum = whole.data + at + 3;

            if (size != 4 ||
                crc32c(whole, at + 3) != ((uint32_t)big_endian(sum) << 16 | big_endian(sum + 2)))
                return false;
        }
        at += 3 + size;
    }
    return true;
}

static bool read_addresses(struct bytes whole, struct proxy_header *header)
{
    const uint8_t *at = whole.data + PROXY_HEADER_V2_HEAD;
    size_t size = whole.size - PROXY_HEADER_V2_HEAD;

    switch (whole.data[13]) {
    case FAMILY_UNSPEC:
        return true; /* how long the addresses are is not told either: all is ignored */
    case FAMILY_TCP4:
        if (size < TCP4_BYTES)
            return false;
        set_ip4(header, at, big_endian(at + 8));
        return check_rest(whole, PROXY_HEADER_V2_HEAD + TCP4_BYTES);
    case FAMILY_TCP6:
        if (size < TCP6_BYTES)
            return false;
        set_ip6(header, at, big_endian(at + 32));
        return check_rest(whole, PROXY_HEADER_V2_HEAD + TCP6_BYTES);
    case FAMILY_UNIX:
        if (size < UNIX_BYTES)
            return false;
        header->source.ss_family = AF_UNIX;
        return check_rest(whole, PROXY_HEADER_V2_HEAD + UNIX_BYTES);
    default:
        return false; /* datagrams among them */
    }
}

static enum parse decode_v2(struct bytes in, struct proxy_header *header, size_t *need)
{
    size_t size;

    *need = PROXY_HEADER_V2_HEAD;
    if (in.size < PROXY_HEADER_V2_HEAD)
        return PARSE_MORE;
    if (in.data[12] != COMMAND_LOCAL && in.data[12] != COMMAND_PROXY)
        return PARSE_BAD;
    *need = size = PROXY_HEADER_V2_HEAD + (size_t)big_endian(in.data + 14);
    if (in.size < size)
        return PARSE_MORE;
    if (in.data[12] == COMMAND_PROXY && !read_addresses(bytes_first(in, size), header))
        return PARSE_BAD;
    header->size = size;
    return PARSE_OK;
}

/* ---- both ---- */

/* How many bytes are the same at the beginning. */
static size_t common(struct bytes in, const uint8_t *signature, size_t size)
{
    size_t at = 0;

    while (at < size && at < in.size && in.data[at] == signature[at])
        at++;
    return at;
}

enum parse proxy_header_decode(struct bytes in, struct proxy_header *header, size_t *need)
{
    size_t v1 = common(in, signature_v1, sizeof signature_v1);
    size_t v2 = common(in, signature_v2, sizeof signature_v2);
    size_t most = v1 > v2 ? v1 : v2;

    *header = (struct proxy_header){.source.ss_family = AF_UNSPEC};
    *need = in.size + 1;
    if (v1 == sizeof signature_v1)
        return decode_v1(in, header, need);
    if (v2 == sizeof signature_v2)
        return decode_v2(in, header, need);
    if (most == in.size)
        return PARSE_MORE;
    return most <= SEQUENCE_AT ? PARSE_OK : PARSE_BAD;
}

void proxy_header_encode_own(struct writer *w, unsigned version)
{
    if (version == 1) {
        write_bytes(w, bytes_of_text("PROXY UNKNOWN\r\n"));
        return;
    }
    write_bytes(w, bytes_of(signature_v2, sizeof signature_v2));
    write_u8(w, COMMAND_LOCAL);
    write_u8(w, FAMILY_UNSPEC);
    write_u16(w, 0);
}
