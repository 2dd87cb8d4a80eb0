/*
 * From the draft to the configuration: every text parsed into its field, secrets fetched, and what
 * the program cannot do yet reported.
 */
#ifndef TIDEMARK_PROXY_CONFIG_BUILD_H
#define TIDEMARK_PROXY_CONFIG_BUILD_H

#include "proxy/config/draft.h"

/* Always answers a configuration with one reference, complete enough for the rules: a value that
 * was wrong has its default, an address that is missing is of kind NONE. */
struct config *config_build(struct draft *draft, char *const *environment);

/* Frees what config_build() made, wiping the secrets. */
void config_free(struct config *config);

#endif
