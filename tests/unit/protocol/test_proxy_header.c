/*
 * PROXY headers of both versions, good and bad, cut at every byte.
 */
#include "check.h"

#include "protocol/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE "0d0a0d0a000d0a515549540a"

/* "4 192.0.2.1:56324", "6 …", "unix", "own"; "none", "more", "bad". */
static const char *told(struct bytes in, size_t *size)
{
    static char text[100];
    char host[INET6_ADDRSTRLEN];
    struct proxy_header header;
    size_t need;

    *size = 0;
    switch (proxy_header_decode(in, &header, &need)) {
    case PARSE_MORE:
        assert_true(need > in.size);
        return "more";
    case PARSE_BAD:
        return "bad";
    case PARSE_OK:
        break;
    }
    assert_true(header.size <= in.size);
    *size = header.size;
    if (header.size == 0)
        return "none";
    if (header.source.ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)&header.source;

        inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host);
        snprintf(text, sizeof text, "4 %s:%u", host, ntohs(in4->sin_port));
    } else if (header.source.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&header.source;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, sizeof text, "6 %s:%u", host, ntohs(in6->sin6_port));
    } else {
        snprintf(text, sizeof text, "%s", header.source.ss_family == AF_UNIX ? "unix" : "own");
    }
    return text;
}

/* As it stands, with a packet behind it, and cut everywhere: a piece is never taken for a whole. */
static void check_header(struct bytes whole, const char *expected)
{
    uint8_t with_more[1024];
    size_t size;

    assert_string_equal(told(whole, &size), expected);
    if (strcmp(expected, "bad") == 0 || strcmp(expected, "none") == 0)
        return;
    assert_int_equal(size, whole.size);
    memcpy(with_more, whole.data, whole.size);
    memset(with_more + whole.size, 'x', sizeof with_more - whole.size);
    assert_string_equal(told(bytes_of(with_more, sizeof with_more), &size), expected);
    assert_int_equal(size, whole.size);
    for (size_t cut = 0; cut < whole.size; cut++) {
        struct bytes piece = exact_copy(bytes_first(whole, cut));

        assert_string_equal(told(piece, &size), "more");
        free_bytes(piece);
    }
}

static void check_text(const char *text, const char *expected)
{
    struct bytes copy = exact_copy(bytes_of_text(text));

    check_header(copy, expected);
    free_bytes(copy);
}

static void check_hex(const char *hex, const char *expected)
{
    struct bytes b = from_hex(hex);

    check_header(b, expected);
    free_bytes(b);
}

static void version_1(void **state)
{
    char longest[PROXY_HEADER_V1_MAX + 2];

    (void)state;
    check_text("PROXY TCP4 192.0.2.1 198.51.100.7 56324 3306\r\n", "4 192.0.2.1:56324");
    check_text("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "4 0.0.0.0:0");
    check_text("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "6 2001:db8::1:1");
    check_text("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
               "6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:65535");
    check_text("PROXY TCP6 ::ffff:192.0.2.1 ::1 7 8\r\n", "4 192.0.2.1:7");
    check_text("PROXY UNKNOWN\r\n", "own");
    check_text("PROXY UNKNOWN whatever  is here \r\n", "own");
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "PROXY UNKNOWN ", 14);
    memcpy(longest + PROXY_HEADER_V1_MAX - 2, "\r\n", 3);
    check_text(longest, "own");
    memcpy(longest + PROXY_HEADER_V1_MAX - 2, "x\r\n", 4);
    check_text(longest, "bad"); /* 108 bytes */
}

static void version_1_malformed(void **state)
{
    static const char *const bad[] = {
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 999999\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n",
        "PROXY UNKNOWNX\r\n",
        "PROXx TCP4 192.0.2.1 198.51.100.7 1 2\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        check_text(bad[i], "bad");
}

static void version_2(void **state)
{
    char unix_header[2 * (16 + 216) + 1];

    (void)state;
    check_hex(SIGNATURE "21 11 000c c0000201 c6336407 dc04 0cea", "4 192.0.2.1:56324");
    check_hex(SIGNATURE "21 21 0024 20010db8000000000000000000000001"
                        "20010db8000000000000000000000002 0001 0002",
              "6 2001:db8::1:1");
    check_hex(SIGNATURE "21 21 0024 00000000000000000000ffffc0000201"
                        "00000000000000000000000000000001 0001 0002",
              "4 192.0.2.1:1");
    check_hex(SIGNATURE "21 00 0000", "own");
    check_hex(SIGNATURE "21 00 0003 010203", "own");
    check_hex(SIGNATURE "20 00 0000", "own");
    check_hex(SIGNATURE "20 11 000c c0000201 c6336407 dc04 0cea", "own"); /* LOCAL: ignored */
    check_hex(SIGNATURE "20 ff 0002 0000", "own");
    memset(unix_header, '0', sizeof unix_header - 1);
    unix_header[sizeof unix_header - 1] = 0;
    memcpy(unix_header, SIGNATURE "213100d8", 32);
    check_hex(unix_header, "unix");
    /* An authority name, then one of a type that nobody knows, and an empty one. */
    check_hex(SIGNATURE "21 11 0018 c0000201 c6336407 dc04 0cea 02 0001 61 ee 0002 0102 04 0000",
              "4 192.0.2.1:56324");
}

static void version_2_malformed(void **state)
{
    static const char *const bad[] = {
        SIGNATURE "11 11 000c c0000201 c6336407 dc04 0cea", /* version 1 */
        SIGNATURE "22 11 000c c0000201 c6336407 dc04 0cea", /* no such command */
        SIGNATURE "21 12 000c c0000201 c6336407 dc04 0cea", /* datagrams */
        SIGNATURE "21 10 000c c0000201 c6336407 dc04 0cea",
        SIGNATURE "21 41 000c c0000201 c6336407 dc04 0cea",
        SIGNATURE "21 11 000b c0000201 c6336407 dc04 0c", /* too short */
        SIGNATURE "21 11 0000",
        SIGNATURE "21 21 000c c0000201 c6336407 dc04 0cea",
        SIGNATURE "21 31 000c c0000201 c6336407 dc04 0cea",
        SIGNATURE "21 11 000d c0000201 c6336407 dc04 0cea 02", /* half a TLV */
        SIGNATURE "21 11 000f c0000201 c6336407 dc04 0cea 02 0001",
        SIGNATURE "21 11 0010 c0000201 c6336407 dc04 0cea 02 0002 61",
        SIGNATURE "21 11 0010 c0000201 c6336407 dc04 0cea 03 0001 00", /* a checksum of one byte */
        "0d0a0d0a000d0a515549540b 21 00 0000",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        check_hex(bad[i], "bad");
}

/* The sum was computed with a table, which gives 0xe3069283 for "123456789" as it should. */
static void checksum(void **state)
{
    (void)state;
    check_hex(SIGNATURE "21 11 0013 c0000201 c6336407 dc04 0cea 03 0004 919248f4",
              "4 192.0.2.1:56324");
    check_hex(SIGNATURE "21 11 0013 c0000201 c6336407 dc04 0cea 03 0004 00000000", "bad");
}

static void packets_are_none(void **state)
{
    size_t size;

    (void)state;
    assert_string_equal(told(bytes_of("", 0), &size), "more");
    check_hex("50524f01 8ca2bf00", "none"); /* the beginning of a long login packet */
    check_hex("0d0a0d01 8ca2bf00", "none");
    assert_string_equal(told(bytes_of("P", 1), &size), "more");
    check_hex("51", "none");
    check_hex("8c000001 8ca2bf00", "none");
}

static void own_headers_are_read_back(void **state)
{
    uint8_t buffer[64];
    struct writer w = writer_over(buffer, sizeof buffer);

    (void)state;
    proxy_header_encode_own(&w, 1);
    assert_false(w.failed);
    check_header(writer_bytes(&w), "own");
    assert_int_equal(buffer[0], 'P');
    writer_clear(&w);
    proxy_header_encode_own(&w, 2);
    assert_int_equal(w.size, PROXY_HEADER_V2_HEAD);
    check_header(writer_bytes(&w), "own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1),
        cmocka_unit_test(version_1_malformed),
        cmocka_unit_test(version_2),
        cmocka_unit_test(version_2_malformed),
        cmocka_unit_test(checksum),
        cmocka_unit_test(packets_are_none),
        cmocka_unit_test(own_headers_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
