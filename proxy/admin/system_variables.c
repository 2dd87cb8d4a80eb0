/*
 * The table of system variables. See system_variables.h.
 */
#include "proxy/admin/system_variables.h"

#include <string.h>
#include <strings.h>

/* A MySQL whose clients ask neither for a query cache nor for anything newer. */
#define ADMIN_VERSION "8.0.30-tidemark"

#define TEXT(variable, value)                                                                      \
    {                                                                                              \
        .name = #variable, .text = (value)                                                         \
    }
#define NUMBER(variable, value)                                                                    \
    {                                                                                              \
#variable, #value, true, (value)                                                           \
    }
/* ON and OFF are numbers to SELECT. */
#define FLAG(variable, word, value)                                                                \
    {                                                                                              \
#variable, #word, true, (value)                                                            \
    }

/* clang-format off */
const struct system_variable system_variables[] = {
    NUMBER(auto_increment_increment, 1),
    FLAG(autocommit, ON, 1),
    TEXT(character_set_client, "utf8mb4"),
    TEXT(character_set_connection, "utf8mb4"),
    TEXT(character_set_database, "utf8mb4"),
    TEXT(character_set_filesystem, "binary"),
    TEXT(character_set_results, "utf8mb4"),
    TEXT(character_set_server, "utf8mb4"),
    TEXT(character_set_system, "utf8mb4"),
    TEXT(collation_connection, "utf8mb4_general_ci"),
    TEXT(collation_database, "utf8mb4_general_ci"),
    TEXT(collation_server, "utf8mb4_general_ci"),
    TEXT(default_storage_engine, "Tidemark"),
    FLAG(foreign_key_checks, OFF, 0),
    TEXT(have_openssl, "DISABLED"),
    TEXT(have_query_cache, "NO"),
    TEXT(have_ssl, "DISABLED"),
    TEXT(hostname, "tidemark"),
    TEXT(init_connect, ""),
    FLAG(innodb_read_only, OFF, 0),
    NUMBER(interactive_timeout, 28800),
    TEXT(license, "MIT"),
    FLAG(log_bin, OFF, 0),
    NUMBER(lower_case_table_names, 1),
    NUMBER(max_allowed_packet, 1048576),
    NUMBER(net_buffer_length, 16384),
    NUMBER(net_read_timeout, 30),
    NUMBER(net_write_timeout, 30),
    FLAG(performance_schema, OFF, 0),
    NUMBER(protocol_version, 10),
    NUMBER(query_cache_size, 0),
    TEXT(query_cache_type, "OFF"),
    FLAG(read_only, OFF, 0),
    NUMBER(server_id, 0),
    FLAG(sql_auto_is_null, OFF, 0),
    TEXT(sql_mode, "NO_BACKSLASH_ESCAPES"),
    FLAG(sql_quote_show_create, ON, 1),
    FLAG(sql_safe_updates, OFF, 0),
    NUMBER(sql_select_limit, 9223372036854775807),
    FLAG(super_read_only, OFF, 0),
    TEXT(system_time_zone, "UTC"),
    TEXT(time_zone, "+00:00"),
    TEXT(transaction_isolation, "SERIALIZABLE"),
    FLAG(transaction_read_only, OFF, 0),
    TEXT(tx_isolation, "SERIALIZABLE"),
    FLAG(tx_read_only, OFF, 0),
    FLAG(unique_checks, OFF, 0),
    TEXT(version, ADMIN_VERSION),
    TEXT(version_comment, "Tidemark admin port"),
    TEXT(version_compile_machine, "x86_64"),
    TEXT(version_compile_os, "Linux"),
    NUMBER(wait_timeout, 28800),
};
/* clang-format on */

const size_t system_variable_count = sizeof system_variables / sizeof system_variables[0];

const struct system_variable *system_variable_find(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (dot != NULL) {
        name = dot + 1;
    } else if (name[0] == '@' && name[1] == '@') {
        name += 2;
    }
    for (size_t i = 0; i < system_variable_count; i++) {
        if (strcasecmp(system_variables[i].name, name) == 0) {
            return &system_variables[i];
        }
    }
    return NULL;
}

const char *admin_version_text(void)
{
    return ADMIN_VERSION;
}
