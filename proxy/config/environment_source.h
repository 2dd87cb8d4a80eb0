/*
 * The process environment as a source of the draft: TIDEMARK_<SECTION>_<KEY>, upper case, every
 * other character than a letter or digit a "_".
 *
 *   TIDEMARK_POOL_MIN_IDLE=4                        [pool] min_idle
 *   TIDEMARK_SERVER_DB1_ADDRESS=10.0.0.1:3306       [server db1] address
 *   TIDEMARK_USER_APP_PASSWORD_FILE=/run/secrets/app
 *
 * A server or user that no file has is made by its variables, its name in lower case. Two sections
 * whose variables would have the same names are a mistake, whether any is set or not.
 */
#ifndef TIDEMARK_PROXY_CONFIG_ENVIRONMENT_SOURCE_H
#define TIDEMARK_PROXY_CONFIG_ENVIRONMENT_SOURCE_H

#include "proxy/config/draft.h"

/* environment: NULL-terminated "NAME=value" texts. */
void environment_source_read(struct draft *draft, char *const *environment);

/* The value of a variable, borrowed, or NULL. */
const char *process_environment_value(char *const *environment, const char *name);

#endif
