/*
 * The list of tables. See tables.h.
 */
#include "proxy/admin/tables.h"

#include <stddef.h>

const struct admin_table *const admin_tables[] = {
    &admin_table_connections, &admin_table_events,
    &admin_table_metrics,     &admin_table_pools,
    &admin_table_servers,     &admin_table_sessions,
    &admin_table_settings,    &admin_table_statements,
    &admin_table_users,       NULL,
};
