/*
 * What both roles of authentication share: the plugins' names, and making scrambles.
 */
#include "protocol/auth.h"

static const char *const plugin_names[] = {
    [AUTH_PLUGIN_NATIVE] = "mysql_native_password",
    [AUTH_PLUGIN_CACHING_SHA2] = "caching_sha2_password",
    [AUTH_PLUGIN_ED25519] = "client_ed25519",
    [AUTH_PLUGIN_SHA256] = "sha256_password",
    [AUTH_PLUGIN_CLEAR] = "mysql_clear_password",
    [AUTH_PLUGIN_OTHER] = "other",
};

enum auth_plugin auth_plugin_of(struct bytes name)
{
    if (name.size == 0 || bytes_equal_text(name, plugin_names[AUTH_PLUGIN_NATIVE]))
        return AUTH_PLUGIN_NATIVE;
    for (unsigned plugin = AUTH_PLUGIN_CACHING_SHA2; plugin < AUTH_PLUGIN_OTHER; plugin++) {
        if (bytes_equal_text(name, plugin_names[plugin]))
            return (enum auth_plugin)plugin;
    }
    return AUTH_PLUGIN_OTHER;
}

const char *auth_plugin_name(enum auth_plugin plugin)
{
    return plugin_names[plugin];
}

/* 126 values remain of 256; the first of them come up a little more often, which costs no security.
 */
static uint8_t letter_from_random(uint8_t random)
{
    uint8_t byte = (uint8_t)(1 + random % 126);

    return byte < '$' ? byte : (uint8_t)(byte + 1);
}

void scramble_from_random(const uint8_t random[SCRAMBLE_SIZE], uint8_t scramble[SCRAMBLE_SIZE])
{
    for (size_t i = 0; i < SCRAMBLE_SIZE; i++)
        scramble[i] = letter_from_random(random[i]);
}

void nonce_from_random(uint8_t nonce[AUTH_NONCE_SIZE])
{
    for (size_t i = 0; i < AUTH_NONCE_SIZE; i++)
        nonce[i] = letter_from_random(nonce[i]);
}
