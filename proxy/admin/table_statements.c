/*
 * The table `statements`: what each kind of statement has cost, of all workers together. Workers
 * copy their digest tables in slices; the same digest of several workers is added up here.
 */
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "proxy/memory.h"
#include "proxy/statistics/digest_list.h"
#include "proxy/worker.h"
#include "router/digest.h"

enum {
    COPIED_PER_TURN = 32, /* entries, of about two KiB each */
    PINS_BYTES = 512
};

static const struct admin_column columns[] = {
    {"digest", ADMIN_TEXT, "the same for statements that differ only in their data", false},
    {"text", ADMIN_TEXT, "the statement without its data; NULL: no server was seen to parse it",
     false},
    {"class", ADMIN_TEXT, "read, write, session, transaction, admin", false},
    {"count", ADMIN_INTEGER, "how often it ended, well or not", false},
    {"errors", ADMIN_INTEGER, "of these: failed, or left by the client", false},
    {"rows", ADMIN_INTEGER, "sent to clients", false},
    {"bytes", ADMIN_INTEGER, "of answers", false},
    {"p50_us", ADMIN_INTEGER, "microseconds that half of them did not exceed, waits included",
     false},
    {"p95_us", ADMIN_INTEGER, "microseconds that 95 of 100 did not exceed", false},
    {"p99_us", ADMIN_INTEGER, "microseconds that 99 of 100 did not exceed", false},
    {"replica_share", ADMIN_REAL, "part of count that replicas served, 0 to 1", false},
    {"retries", ADMIN_INTEGER, "how often it was sent or placed again, on another server", false},
    {"pins", ADMIN_TEXT, "all that it was seen to hold a session with, by commas", false},
    {"pinned", ADMIN_INTEGER, "of count: after which something new held the session", false},
    {"waited", ADMIN_INTEGER, "of count: had to wait for a connection or server", false},
    {"wait_ms", ADMIN_REAL, "milliseconds that these waited, in all", false},
    {"total_ms", ADMIN_REAL, "milliseconds that all took", false},
    {"max_us", ADMIN_INTEGER, "microseconds that the slowest took", false},
    {"bytes_in", ADMIN_INTEGER, "of the statements themselves", false},
    {"prepared", ADMIN_INTEGER, "of count: run as prepared statements", false},
    {"last_error", ADMIN_INTEGER, "code of the last error; NULL: none", false},
    {"why", ADMIN_TEXT, "why the last one went where it went", false},
    {"first_ms", ADMIN_INTEGER, "milliseconds since the first one ended", false},
    {"last_ms", ADMIN_INTEGER, "milliseconds since the last one ended", false},
};

static bool collect(struct worker *worker, void *state)
{
    return digest_list_collect(state, worker->statistics.digests, COPIED_PER_TURN);
}

static void add_latency(struct look_context *look, const struct digest_entry *entry, double share)
{
    admin_rows_known(look->rows, true, histogram_percentile_us(&entry->took, share));
}

static void add_entry(struct look_context *look, const struct digest_entry *entry)
{
    struct admin_rows *rows = look->rows;
    char digest[DIGEST_HEX];
    char pins[PINS_BYTES];

    digest_print(entry->digest, digest);
    (void)pins_print(entry->pins, pins, sizeof pins);
    admin_rows_text(rows, digest);
    admin_rows_text(rows, entry->text_is == TEXT_SHOWN ? entry->text : NULL);
    admin_rows_text(rows, statement_class_name((enum statement_class)entry->class));
    admin_rows_known(rows, true, entry->count);
    admin_rows_known(rows, true, entry->errors);
    admin_rows_known(rows, true, entry->rows);
    admin_rows_known(rows, true, entry->bytes);
    add_latency(look, entry, 0.5);
    add_latency(look, entry, 0.95);
    add_latency(look, entry, 0.99);
    admin_rows_real(rows,
                    entry->count > 0 ? (double)entry->on_replica / (double)entry->count : 0.0);
    admin_rows_known(rows, true, entry->retries);
    admin_rows_text(rows, pins);
    admin_rows_known(rows, true, entry->pinned);
    admin_rows_known(rows, true, entry->waited);
    admin_rows_real(rows, (double)entry->wait_ns / 1e6);
    admin_rows_real(rows, (double)entry->total_ns / 1e6);
    admin_rows_known(rows, true, entry->max_ns / 1000);
    admin_rows_known(rows, true, entry->bytes_in);
    admin_rows_known(rows, true, entry->prepared);
    admin_rows_known(rows, entry->last_error != 0, entry->last_error);
    admin_rows_text(rows, entry->why);
    look_age(look, entry->first_ns);
    look_age(look, entry->last_ns);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);
    struct digest_list *lists = mem_calloc(program->worker_count, sizeof *lists);
    struct digest_list all;

    inquiry_run(program->workers, program->worker_count, collect, lists, sizeof *lists);
    all = digest_list_merge(lists, program->worker_count);
    look.now = look_now();
    for (size_t i = 0; i < all.count; i++) {
        add_entry(&look, &all.entries[i]);
    }
    digest_list_dispose(&all);
    mem_free(lists);
    look_end(&look);
}

const struct admin_table admin_table_statements = {
    .name = "statements",
    .help = "what each kind of statement has cost, since the start or RESET STATEMENTS",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
};
