/*
 * Which addresses are in a list of networks.
 */
#include "proxy/config/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *networks, *host;
    bool is_in;
};

static const struct row rows[] = {
    {"10.0.0.0/8", "10.255.255.255", true},
    {"10.0.0.0/8", "11.0.0.0", false},
    {"10.0.0.99/8", "10.1.2.3", true}, /* what is beyond the bits does not count */
    {"192.168.4.0/22", "192.168.7.255", true},
    {"192.168.4.0/22", "192.168.8.0", false},
    {"192.168.4.0/22", "192.168.3.255", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "127.0.0.1", false},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"::1", "::1", true},
    {"10.0.0.0/8, ::1, unix", "localhost", true},
    {"10.0.0.0/8, ::1", "localhost", false},
    {"10.0.0.0/8, ::1", "::1", true},
    {"", "127.0.0.1", false},
    {"0.0.0.0/0, ::/0", "", false},
    {"0.0.0.0/0, ::/0", "nonsense", false},
};

static void membership(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_networks networks;

        assert_null(networks_parse(&networks, rows[i].networks));
        if (networks_have(&networks, bytes_of_text(rows[i].host)) != rows[i].is_in) {
            fail_msg("%s in %s", rows[i].host, rows[i].networks);
        }
        networks_dispose(&networks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(membership)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
