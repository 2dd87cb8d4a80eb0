/*
 * Secrets of configured users, for logging in to servers in their name. See user_secret.h.
 */
#include "proxy/client/user_secret.h"

#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool user_hash(const struct config_user *user, uint8_t hash[NATIVE_HASH_SIZE])
{
    const char *text = user->password_hash;

    if (text == NULL || text[0] != '*' || strlen(text) != 1 + 2 * NATIVE_HASH_SIZE) {
        return false;
    }
    for (size_t i = 0; i < NATIVE_HASH_SIZE; i++) {
        int high = digit(text[1 + 2 * i]);
        int low = digit(text[2 + 2 * i]);

        if (high < 0 || low < 0) {
            return false;
        }
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void user_secret_learn(const struct roster_user *user, const struct auth_server *proof)
{
    struct user_secret *secret = user->secret;
    int nothing = 0;

    if (proof->has_native_sha1 && atomic_compare_exchange_strong(&secret->state, &nothing, 1)) {
        memcpy(secret->sha1, proof->native_sha1, sizeof secret->sha1);
        atomic_store(&secret->state, 2);
    }
}

struct credential user_credential(const struct roster *roster, unsigned user)
{
    const struct config_user *configured = roster_user(roster, user);
    struct user_secret *secret;

    if (configured == NULL) {
        return (struct credential){.kind = CREDENTIAL_NONE};
    }
    secret = roster->users[user].secret;
    if (configured->password != NULL) {
        return (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(configured->password)};
    }
    if (atomic_load(&secret->state) == 2) {
        return (struct credential){CREDENTIAL_NATIVE_SHA1,
                                   bytes_of(secret->sha1, sizeof secret->sha1)};
    }
    return (struct credential){.kind = CREDENTIAL_NONE};
}
