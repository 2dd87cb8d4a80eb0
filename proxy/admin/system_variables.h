/*
 * The system variables that drivers and GUIs ask a MySQL server for, with what the admin port says
 * to them: SELECT @@name, SHOW VARIABLES.
 */
#ifndef TIDEMARK_PROXY_ADMIN_SYSTEM_VARIABLES_H
#define TIDEMARK_PROXY_ADMIN_SYSTEM_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct system_variable {
    const char *name;
    const char *text; /* as SHOW VARIABLES has it */
    bool is_number;   /* SELECT @@name answers `number` */
    int64_t number;
};

extern const struct system_variable system_variables[];
extern const size_t system_variable_count;

/* By name, with or without "@@" and "session." or the like in front; any case. NULL: unknown. */
const struct system_variable *system_variable_find(const char *name);

/* What the greeting and VERSION() say. Drivers read a MySQL version from its beginning. */
const char *admin_version_text(void);

#endif
