/*
 * The table `pools`: the connections of each user to each server, added up over all workers.
 */
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "proxy/survey.h"

static const struct admin_column columns[] = {
    {"server", ADMIN_TEXT, "NULL: configured no more", false},
    {"user", ADMIN_TEXT, "", false},
    {"idle", ADMIN_INTEGER, "connections that nobody uses now", false},
    {"leased", ADMIN_INTEGER, "connections that a session holds", false},
    {"opening", ADMIN_INTEGER, "connections being opened", false},
    {"waiting", ADMIN_INTEGER, "sessions that wait for a connection, or for one being opened",
     false},
    {"longest_wait_ms", ADMIN_INTEGER,
     "milliseconds that the first of these has waited so far; NULL: nobody waits", false},
};

static void add_pool(void *context, const struct pool_sight *sight)
{
    struct look_context *look = context;

    admin_rows_text(look->rows, look_server_name(look, sight->server));
    admin_rows_text(look->rows, look_user_name(look, sight->user));
    admin_rows_integer(look->rows, sight->idle);
    admin_rows_integer(look->rows, sight->leased);
    admin_rows_integer(look->rows, sight->opening);
    admin_rows_integer(look->rows, sight->waiting);
    look_age(look, sight->oldest_wait_ns);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);

    survey_pools(program, add_pool, &look);
    look_end(&look);
}

const struct admin_table admin_table_pools = {
    .name = "pools",
    .help = "server connections by server and user, and who waits for them",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
