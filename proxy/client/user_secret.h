/*
 * What the proxy needs to log in to servers for a user of whom only the password's hash is
 * configured: SHA1 of the password, which the first client that proves the password reveals (see
 * mysql_native_password in protocol/auth.h). Shared by all workers; kept until the process ends.
 */
#ifndef TIDEMARK_PROXY_CLIENT_USER_SECRET_H
#define TIDEMARK_PROXY_CLIENT_USER_SECRET_H

#include "protocol/auth.h"
#include "proxy/roster.h"

#include <stdbool.h>

/* The 20 bytes of `password_hash`; false when the user has none. */
bool user_hash(const struct config_user *user, uint8_t hash[NATIVE_HASH_SIZE]);

/* A client has just proved this user's password. */
void user_secret_learn(const struct roster_user *user, const struct auth_server *proof);

/* What to log in to servers with; CREDENTIAL_NONE while only the hash is known, and for users that
 * are configured no more. Good as long as the roster. */
struct credential user_credential(const struct roster *roster, unsigned user);

#endif
