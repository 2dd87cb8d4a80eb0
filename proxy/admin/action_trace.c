/*
 * TRACE SESSION: the session keeps its last commands from the first time it is asked for until OFF,
 * or its end.
 */
#include "proxy/admin/actions.h"
#include "proxy/admin/look.h"

#include "protocol/command.h"
#include "proxy/client/recording.h"
#include "proxy/client/session.h"
#include "proxy/event_ring.h"
#include "proxy/memory.h"
#include "proxy/session_walk.h"
#include "proxy/statistics/counters.h"
#include "proxy/statistics/trace.h"
#include "proxy/worker.h"
#include "router/digest.h"

enum { PINS_BYTES = 512 };

const struct admin_column action_trace_columns[] = {
    {"number", ADMIN_INTEGER, "counts the commands since the trace began", false},
    {"ago_ms", ADMIN_INTEGER, "milliseconds since it ended", false},
    {"command", ADMIN_TEXT, "as the protocol calls it", false},
    {"text", ADMIN_TEXT, "the statement without its data; NULL: no server was seen to parse it",
     false},
    {"class", ADMIN_TEXT, "read, write, session, transaction, admin; NULL: no statement", false},
    {"target", ADMIN_TEXT, "where it was to go: primary, replica, session", false},
    {"placement", ADMIN_TEXT, "where it ran, and what in the end decided that", false},
    {"why", ADMIN_TEXT, "what decided the target", false},
    {"server", ADMIN_TEXT, "that it was sent to; NULL: the proxy answered", false},
    {"floor_age_us", ADMIN_INTEGER,
     "when it came, it had to see everything up to so many microseconds before; NULL: no floor",
     false},
    {"wait_us", ADMIN_INTEGER, "microseconds until it had a connection, server or fresh replica",
     false},
    {"took_us", ADMIN_INTEGER, "microseconds from its arrival to the end of its answer", false},
    {"rows", ADMIN_INTEGER, "sent to the client", false},
    {"bytes", ADMIN_INTEGER, "of the answer", false},
    {"error", ADMIN_INTEGER, "code; NULL: none", false},
    {"warnings", ADMIN_INTEGER, "", false},
    {"retries", ADMIN_INTEGER, "how often it was sent or placed again, on another server", false},
    {"pins", ADMIN_TEXT, "what holds the session since then, and did not before", false},
    {"digest", ADMIN_TEXT, "as in statements; NULL: no statement", false},
};

const size_t action_trace_column_count =
    sizeof action_trace_columns / sizeof action_trace_columns[0];

struct trace_request {
    uint64_t id;
    bool is_off;
    bool has_begun;
    bool was_found;
    bool was_traced;
    bool is_refused; /* too many are traced already */
    size_t count;
    struct trace_line *lines; /* owner */
};

/* ---- on the worker's thread ---- */

static void copy_lines(const struct trace *trace, struct trace_request *request)
{
    request->was_traced = true;
    request->count = trace_count(trace);
    request->lines = mem_calloc(request->count, sizeof *request->lines);
    for (size_t i = 0; i < request->count; i++) {
        request->lines[i] = *trace_at(trace, i);
    }
}

static bool trace_if_meant(struct session *session, void *context)
{
    struct trace_request *request = context;

    if (!session_walk_is(session, request->id)) {
        return false;
    }
    request->was_found = true;
    if (session->trace != NULL) {
        copy_lines(session->trace, request);
    }
    if ((session->trace != NULL) == request->is_off) {
        request->is_refused = !recording_trace(session, !request->is_off);
    }
    return true;
}

static bool search_and_trace(struct worker *worker, void *state)
{
    struct trace_request *request = state;

    return session_walk(worker, &request->has_begun, WALK_SEARCHED, trace_if_meant, request);
}

/* ---- rows ---- */

static void add_line(struct look_context *look, const struct trace_line *line)
{
    const struct statement_record *record = &line->record;
    struct admin_rows *rows = look->rows;
    bool has_floor = record->floor_ns != 0 && record->floor_ns <= record->began_ns;
    char digest[DIGEST_HEX];
    char pins[PINS_BYTES];

    digest_print(record->digest, digest);
    (void)pins_print(record->pins, pins, sizeof pins);
    admin_rows_known(rows, true, line->number);
    look_age(look, record->ended_ns);
    admin_rows_text(rows, command_info(record->command)->name);
    admin_rows_text(rows, line->text[0] != '\0' ? line->text : NULL);
    admin_rows_text(rows, record->is_statement
                              ? statement_class_name((enum statement_class)record->class)
                              : NULL);
    admin_rows_text(rows, target_name((enum target)record->target));
    admin_rows_text(rows, placement_name((enum placement)record->placement));
    admin_rows_text(rows, record->why);
    admin_rows_text(rows,
                    record->server >= 0 ? look_server_name(look, (unsigned)record->server) : NULL);
    admin_rows_known(rows, has_floor, has_floor ? (record->began_ns - record->floor_ns) / 1000 : 0);
    admin_rows_known(rows, true, record->wait_ns / 1000);
    admin_rows_known(rows, true, record_took_ns(record) / 1000);
    admin_rows_known(rows, true, record->rows);
    admin_rows_known(rows, true, record->bytes);
    admin_rows_known(rows, record->error != 0, record->error);
    admin_rows_integer(rows, record->warnings);
    admin_rows_integer(rows, record->retries);
    admin_rows_text(rows, pins);
    admin_rows_text(rows, record->is_statement ? digest : NULL);
}

static char *describe(const struct trace_request *request)
{
    const char *what = request->is_off
                           ? (request->was_traced ? "the trace ends" : "it was not traced")
                       : request->was_traced ? "the trace goes on"
                                             : "its commands are noted from now on";

    return mem_printf("session %llu: %s", (unsigned long long)request->id, what);
}

bool action_trace_session(struct program *program, uint64_t session, bool is_off, const char *who,
                          struct admin_rows *rows, char **message)
{
    struct look_context look = look_begin(program, rows);
    struct trace_request *requests = mem_calloc(program->worker_count, sizeof *requests);
    const struct trace_request *found = NULL;

    for (size_t i = 0; i < program->worker_count; i++) {
        requests[i].id = session;
        requests[i].is_off = is_off;
    }
    inquiry_run(program->workers, program->worker_count, search_and_trace, requests,
                sizeof *requests);
    look.now = look_now();
    for (size_t i = 0; i < program->worker_count; i++) {
        if (requests[i].was_found && found == NULL) {
            found = &requests[i];
            for (size_t at = 0; at < found->count; at++) {
                add_line(&look, &found->lines[at]);
            }
        }
    }
    if (found == NULL) {
        *message = mem_printf("there is no session %llu", (unsigned long long)session);
    } else if (found->is_refused) {
        *message = mem_printf("%d sessions are traced, which is the most: TRACE SESSION id OFF, "
                              "SELECT id FROM sessions WHERE traced",
                              RECORDING_TRACES);
        found = NULL;
    } else {
        *message = describe(found);
    }
    if (found != NULL && found->was_traced == is_off) {
        event_ring_add(program->events, "admin", NULL, *message, who);
    }
    for (size_t i = 0; i < program->worker_count; i++) {
        mem_free(requests[i].lines);
    }
    mem_free(requests);
    look_end(&look);
    return found != NULL;
}
