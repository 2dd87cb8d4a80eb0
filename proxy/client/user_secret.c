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

/* What a kept secret has to be of, to be this user's. */
static const char *origin_of(const struct config_user *user)
{
    return user->password_hash != NULL ? user->password_hash : "";
}

void user_secret_learn(const struct config_user *user, struct account *account,
                       const struct auth_server *proof)
{
    struct secret *secret;

    if (user->password_hash != NULL && proof->has_native_sha1) {
        secret = secret_new(CREDENTIAL_NATIVE_SHA1,
                            bytes_of(proof->native_sha1, sizeof proof->native_sha1));
        keeping_put(&account->keeping, origin_of(user), secret, 0, (struct account_rules){0});
        secret_unref(secret);
    }
}

struct kept user_kept(const struct config_user *user, struct account *account)
{
    return keeping_get(&account->keeping, origin_of(user));
}

struct credential user_credential(const struct roster *roster, struct account *account,
                                  struct kept *kept)
{
    const struct config_user *user = roster_user(roster, account->number);

    *kept = (struct kept){.secret = NULL};
    if (user == NULL) {
        return (struct credential){.kind = CREDENTIAL_NONE};
    }
    *kept = user_kept(user, account);
    if (user->password != NULL) {
        return (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(user->password)};
    }
    return kept->secret != NULL ? secret_credential(kept->secret)
                                : (struct credential){.kind = CREDENTIAL_NONE};
}
