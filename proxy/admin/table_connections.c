/*
 * The table `connections`: every connection to a server, of all workers.
 */
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "proxy/survey.h"

static const struct admin_column columns[] = {
    {"id", ADMIN_INTEGER, "the proxy's number for it, as in the log", false},
    {"server", ADMIN_TEXT, "NULL: configured no more", false},
    {"user", ADMIN_TEXT, "that it is logged in as", false},
    {"state", ADMIN_TEXT, "opening, login, setup, idle, leased, closing", false},
    {"session", ADMIN_INTEGER, "that has it; NULL: none", false},
    {"age_ms", ADMIN_INTEGER, "milliseconds since it was opened", false},
    {"thread_id", ADMIN_INTEGER, "the server's number for it", false},
    {"schema", ADMIN_TEXT, "its current schema; NULL: none, or unknown", false},
    {"idle_ms", ADMIN_INTEGER, "milliseconds since it is idle; NULL: it is not", false},
    {"expires_ms", ADMIN_INTEGER, "milliseconds until [pool] max_lifetime_ms; NULL: never", false},
    {"worker", ADMIN_INTEGER, "the thread that has it", false},
    {"compression", ADMIN_TEXT, "zlib, zstd, between the proxy and the server; empty: none", false},
};

static void add_connection(void *context, const struct backend_sight *sight)
{
    struct look_context *look = context;
    uint64_t left = sight->expires_ns > look->now ? sight->expires_ns - look->now : 0;

    admin_rows_known(look->rows, true, sight->id);
    admin_rows_text(look->rows, look_server_name(look, sight->server));
    admin_rows_text(look->rows, look_user_name(look, sight->user));
    admin_rows_text(look->rows, backend_state_name(sight->state));
    admin_rows_known(look->rows, sight->session != 0, sight->session);
    look_age(look, sight->opened_ns);
    admin_rows_known(look->rows, sight->thread_id != 0, sight->thread_id);
    if (sight->schema.size > 0) {
        admin_rows_bytes(look->rows, sight->schema);
    } else {
        admin_rows_null(look->rows);
    }
    look_age(look, sight->idle_ns);
    admin_rows_known(look->rows, sight->expires_ns != 0, left / 1000000);
    admin_rows_integer(look->rows, sight->worker);
    admin_rows_text(look->rows, compression_name(sight->compression));
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);

    survey_backends(program, add_connection, &look);
    look_end(&look);
}

const struct admin_table admin_table_connections = {
    .name = "connections",
    .help = "the connections to the servers, and which session has each",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
