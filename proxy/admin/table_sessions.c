/*
 * The table `sessions`: every client, what it does, and what holds it to a server.
 *
 * `running` never shows data. A statement's text without its literals is safe to show only when the
 * server cut it as the proxy did: behind a quote too many, data looks like names. So it is shown
 * when a server has parsed such a statement before; or when this one has run for a while, because a
 * server refuses what it cannot parse at once.
 */
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "protocol/command.h"
#include "proxy/client/replication.h"
#include "proxy/survey.h"
#include "router/digest.h"
#include "router/route.h"

static const uint64_t PARSED_AFTER_NS = 1000000000;

enum { TEXT_BYTES = 1024, PINS_BYTES = 512 };

static const struct admin_column columns[] = {
    {"id", ADMIN_INTEGER, "what CONNECTION_ID() answers; for KILL SESSION", false},
    {"user", ADMIN_TEXT, "NULL while it logs in", false},
    {"client", ADMIN_TEXT, "the client's address", false},
    {"schema", ADMIN_TEXT, "current schema; NULL: none", false},
    {"state", ADMIN_TEXT, "login, idle, waiting, preparing, running, closing", false},
    {"since_ms", ADMIN_INTEGER,
     "milliseconds since the command in hand came, or since it is idle (a tenth of a second late "
     "at most)",
     false},
    {"running", ADMIN_TEXT,
     "the statement in hand, without its data, or Binlog Dump; NULL: none, or no server is known "
     "to "
     "have parsed it",
     false},
    {"pins", ADMIN_TEXT, "what holds it to its server connection, by commas; empty: nothing",
     false},
    {"pinned_since_ms", ADMIN_INTEGER, "milliseconds since the first of these; NULL: not pinned",
     false},
    {"consistency", ADMIN_TEXT, "how fresh its reads have to be", false},
    {"floor_age_ms", ADMIN_INTEGER,
     "a read that came now must see everything up to so many milliseconds ago; NULL: no such floor",
     false},
    {"server", ADMIN_TEXT, "whose connection it holds or waits for", false},
    {"waits_for", ADMIN_TEXT,
     "connection (all are in use), opening (of one), server (none may serve it now), resume "
     "(PAUSE), client (it does not read its answer); NULL: nothing",
     false},
    {"command", ADMIN_TEXT, "the command in hand, as the protocol calls it", false},
    {"digest", ADMIN_TEXT, "of the statement in hand, as in statements", false},
    {"why", ADMIN_TEXT, "why the statement in hand goes where it goes", false},
    {"transaction", ADMIN_TEXT, "read write, read only; NULL: none is open", false},
    {"autocommit", ADMIN_INTEGER, "0: every read begins a transaction, on the primary", false},
    {"pinned_by", ADMIN_TEXT, "digest of the statement that pinned it, as in statements", false},
    {"last_read_server", ADMIN_TEXT, "where its last read outside a transaction went", false},
    {"last_read_ms", ADMIN_INTEGER, "milliseconds since that; NULL: never", false},
    {"last_write_ms", ADMIN_INTEGER, "milliseconds since its last write; NULL: never", false},
    {"thread_id", ADMIN_INTEGER, "the server's number for the connection it holds", false},
    {"queries", ADMIN_INTEGER, "commands so far", false},
    {"worker", ADMIN_INTEGER, "the thread that serves it", false},
    {"traced", ADMIN_INTEGER, "1: TRACE SESSION has its commands noted", false},
    {"compression", ADMIN_TEXT, "zlib, zstd, between the client and the proxy; empty: none", false},
};

static const char *wait_name(enum session_wait wait)
{
    switch (wait) {
    case WAITS_FOR_NOTHING:
        return NULL;
    case WAITS_FOR_CONNECTION:
        return "connection";
    case WAITS_FOR_OPENING:
        return "opening";
    case WAITS_FOR_SERVER:
        return "server";
    case WAITS_FOR_RESUME:
        return "resume";
    case WAITS_FOR_CLIENT:
        return "client";
    }
    return NULL;
}

static const char *transaction_name(enum session_transaction transaction)
{
    switch (transaction) {
    case SESSION_TRANSACTION_NONE:
        return NULL;
    case SESSION_TRANSACTION_READ_WRITE:
        return "read write";
    case SESSION_TRANSACTION_READ_ONLY:
        return "read only";
    }
    return NULL;
}

static void add_text(struct look_context *look, struct bytes text)
{
    if (text.size > 0) {
        admin_rows_bytes(look->rows, text);
    } else {
        admin_rows_null(look->rows);
    }
}

static void add_digest(struct look_context *look, uint64_t digest)
{
    char text[DIGEST_HEX];

    digest_print(digest, text);
    admin_rows_text(look->rows, digest != 0 ? text : NULL);
}

static void add_running(struct look_context *look, const struct session_sight *sight)
{
    char text[TEXT_BYTES];
    size_t length;
    bool was_parsed = sight->is_parsed ||
                      (sight->running_ns != 0 && look->now >= sight->running_ns + PARSED_AFTER_NS);

    if (sight->has_command && replication_is_dump(sight->command)) {
        admin_rows_text(look->rows, replication_name(sight->command));
        return;
    }
    if (sight->sql.size == 0 || sight->is_uncertain || !was_parsed) {
        admin_rows_null(look->rows);
        return;
    }
    (void)digest_text(sight->sql, &sight->mode, text, sizeof text, &length);
    admin_rows_text(look->rows, text);
}

static void add_server(struct look_context *look, uint8_t server)
{
    admin_rows_text(look->rows, server != SURVEY_NO_SERVER ? look_server_name(look, server) : NULL);
}

static void add_session(void *context, const struct session_sight *sight)
{
    struct look_context *look = context;
    char pins[PINS_BYTES];

    admin_rows_integer(look->rows, sight->id);
    admin_rows_text(look->rows, sight->is_known ? look_user_name(look, sight->user) : NULL);
    admin_rows_text(look->rows, sight->peer);
    add_text(look, sight->schema);
    admin_rows_text(look->rows, session_state_name(sight->state));
    look_age(look, sight->since_ns);
    add_running(look, sight);
    (void)pins_print(sight->pins, pins, sizeof pins);
    admin_rows_text(look->rows, pins);
    look_age(look, sight->pinned_ns);
    admin_rows_text(look->rows, sight->is_known
                                    ? consistency_name((enum consistency)sight->consistency)
                                    : NULL);
    look_age(look, sight->floor_ns);
    add_server(look, sight->server);
    admin_rows_text(look->rows, wait_name(sight->waits));
    admin_rows_text(look->rows, sight->has_command ? command_info(sight->command)->name : NULL);
    add_digest(look, sight->digest);
    admin_rows_text(look->rows, sight->why);
    admin_rows_text(look->rows, transaction_name(sight->transaction));
    admin_rows_integer(look->rows, sight->autocommit);
    add_digest(look, sight->pinned_by);
    add_server(look, sight->last_server);
    look_age(look, sight->last_read_ns);
    look_age(look, sight->last_write_ns);
    admin_rows_known(look->rows, sight->thread_id != 0, sight->thread_id);
    admin_rows_known(look->rows, true, sight->queries);
    admin_rows_integer(look->rows, sight->worker);
    admin_rows_integer(look->rows, sight->is_traced);
    admin_rows_text(look->rows, compression_name(sight->compression));
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);

    survey_sessions(program, add_session, &look);
    look_end(&look);
}

const struct admin_table admin_table_sessions = {
    .name = "sessions",
    .help = "the clients: what each does, what pins it, where it reads",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
