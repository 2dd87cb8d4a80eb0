/*
 * What lets the proxy log in to servers in a user's name: the configured password, or what is kept
 * of the account (proxy/credentials.h).
 */
#ifndef TIDEMARK_PROXY_CLIENT_USER_SECRET_H
#define TIDEMARK_PROXY_CLIENT_USER_SECRET_H

#include "protocol/auth.h"
#include "proxy/roster.h"

#include <stdbool.h>

/* The 20 bytes of `password_hash`; false when the user has none. */
bool user_hash(const struct config_user *user, uint8_t hash[NATIVE_HASH_SIZE]);

/* A client has just proved this user's password, of which only the hash is configured: what it
 * revealed is kept. */
void user_secret_learn(const struct config_user *user, struct account *account,
                       const struct auth_server *proof);

/* What is kept of the account for that user, as it is configured; the caller owns the reference. */
struct kept user_kept(const struct config_user *user, struct account *account);

/* What to log in to servers with: CREDENTIAL_NONE while only the hash is known, and for users that
 * may not come in any more. Good as long as the roster and `kept`, whose reference is the caller's.
 */
struct credential user_credential(const struct roster *roster, struct account *account,
                                  struct kept *kept);

#endif
