/*
 * The rules between settings: what no single value can be wrong about.
 */
#ifndef TIDEMARK_PROXY_CONFIG_RULES_H
#define TIDEMARK_PROXY_CONFIG_RULES_H

#include "proxy/config/draft.h"

/* Checks a built configuration, using the draft for the places of its values. path: the main file,
 * or NULL. */
void rules_check(const struct config *config, struct draft *draft, const char *path);

#endif
