/*
 * The tables of the admin port, one file each: table_<name>.c. tables.c lists them.
 */
#ifndef TIDEMARK_PROXY_ADMIN_TABLES_H
#define TIDEMARK_PROXY_ADMIN_TABLES_H

#include "proxy/admin/table.h"

extern const struct admin_table admin_table_servers;
extern const struct admin_table admin_table_sessions;
extern const struct admin_table admin_table_connections;
extern const struct admin_table admin_table_pools;
extern const struct admin_table admin_table_statements;
extern const struct admin_table admin_table_users;
extern const struct admin_table admin_table_metrics;
extern const struct admin_table admin_table_events;
extern const struct admin_table admin_table_settings;

#endif
