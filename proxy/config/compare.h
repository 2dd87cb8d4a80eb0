/*
 * What differs between two configurations, setting by setting.
 */
#ifndef TIDEMARK_PROXY_CONFIG_COMPARE_H
#define TIDEMARK_PROXY_CONFIG_COMPARE_H

#include "proxy/config/config.h"

/* `was` or `is` is NULL where the server or user of the setting does not exist. */
typedef void config_difference(void *context, const struct config_value *was,
                               const struct config_value *is);

/* Calls `difference` for each value that is not the same; secrets are compared, not shown. */
void config_compare(const struct config *before, const struct config *after,
                    config_difference *difference, void *context);

/* "server db1.weight", "pool.min_idle". Owner: the caller (mem_free). */
char *config_value_name(const struct config_value *value);

#endif
