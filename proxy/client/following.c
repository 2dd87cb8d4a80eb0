/*
 * See following.h.
 */
#include "proxy/client/following.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/client/environment.h"
#include "proxy/client/learn.h"
#include "proxy/client/replay.h"
#include "proxy/client/session.h"
#include "proxy/client/shown.h"
#include "proxy/client/tracking.h"
#include "proxy/client/variables.h"
#include "proxy/memory.h"
#include "proxy/stream.h"
#include "proxy/worker.h"

#include <string.h>

enum {
    ROWS_MAX = 16 << 10, /* more than an answer with the longest list takes */
    STEPS_MAX = 24 << 10,
    MISSED_MAX = 512,
};

/* The client's values, where it has set any, and what has come of the answer that tells them. */
struct following {
    struct shown *shown; /* owner; NULL: the server's globals */
    uint8_t *rows;       /* owner */
    size_t rows_size;
    bool is_too_long;
    size_t missed_size;
    uint8_t missed[MISSED_MAX]; /* trackers for the next OK that the client gets */
};

static const unsigned pins_for_questions = PIN_WARNINGS | PIN_ROW_COUNT | PIN_FOUND_ROWS;

/* ---- the client's values ---- */

static struct shown values(const struct session *session)
{
    if (session->following != NULL && session->following->shown != NULL) {
        return *session->following->shown;
    }
    return shown_by_default(session_facts(session));
}

void following_forget(struct session *session)
{
    if (session->following != NULL) {
        mem_free(session->following->shown);
        mem_free(session->following->rows);
        mem_free(session->following);
        session->following = NULL;
    }
    session->told = TOLD_NOTHING;
}

static struct following *own(struct session *session)
{
    if (session->following == NULL) {
        session->following = mem_calloc(1, sizeof *session->following);
    }
    return session->following;
}

void following_missed(struct session *session, const struct ok_packet *ok, bool is_clients)
{
    struct shown shown = values(session);
    struct tracker_reader r = tracker_reader_over(ok->trackers);
    struct writer out;
    struct tracker tracker;

    while ((session->capabilities & CAPABILITY_SESSION_TRACK) && tracker_next(&r, &tracker)) {
        bool is_news = tracker.type == TRACKER_TRANSACTION_STATE
                           ? shown.transactions != SHOWN_NO_TRANSACTIONS
                           : (is_clients || tracker.type == TRACKER_TRANSACTION_CHARACTERISTICS) &&
                                 shown_is_shown(&shown, &tracker);

        if (is_news) {
            struct following *following = own(session);

            out = writer_over(following->missed + following->missed_size,
                              MISSED_MAX - following->missed_size);
            write_bytes(&out, tracker.whole);
            following->missed_size += out.failed ? 0 : out.size;
        }
    }
}

static bool has_newer(struct bytes trackers, const struct tracker *than)
{
    struct tracker_reader r = tracker_reader_over(trackers);
    struct tracker tracker;

    while (tracker_next(&r, &tracker)) {
        if (tracker.type == than->type && bytes_equal(tracker.name, than->name)) {
            return true;
        }
    }
    return false;
}

/* What the proxy's own steps were told in the client's place, as far as it is not told again. */
static void write_missed(struct session *session, const struct ok_packet *ok, struct writer *out)
{
    struct following *following = session->following;
    struct tracker_reader r;
    struct tracker tracker;

    if (following == NULL || following->missed_size == 0) {
        return;
    }
    r = tracker_reader_over(bytes_of(following->missed, following->missed_size));
    while (tracker_next(&r, &tracker)) {
        if (!has_newer(bytes_of(r.in.at, reader_left(&r.in)), &tracker) &&
            !has_newer(ok->trackers, &tracker)) {
            write_bytes(out, tracker.whole);
        }
    }
    following->missed_size = 0;
}

bool following_owes(const struct session *session)
{
    return session->told != TOLD_NOTHING ||
           (session->following != NULL && session->following->missed_size > 0);
}

static bool begins(enum transaction_step step)
{
    return step == TRANSACTION_BEGIN || step == TRANSACTION_BEGIN_READ_ONLY ||
           step == TRANSACTION_BEGIN_READ_WRITE;
}

void following_filter(struct session *session, const struct ok_packet *ok, struct writer *out)
{
    const struct server_facts *facts = session_facts(session);
    const struct statement *statement = &session->command->statement;
    bool has_statement = session->command->has_statement;
    struct shown_for of = {.is_mysql = facts != NULL && facts->flavor == FLAVOR_MYSQL,
                           .begins = has_statement &&
                                     (statement->chains || begins(statement->transaction)),
                           .snapshot = has_statement && statement->consistent_snapshot};
    struct shown shown = values(session);

    write_missed(session, ok, out);
    if (!session->lease.backend->follows) {
        shown_filter(&shown, &of, &session->told, ok, out);
    } else if (session->pins & PIN_TRACKER) {
        write_bytes(out, ok->trackers);
    } else {
        shown_filter_following(&shown, ok, out);
    }
}

/* ---- which it has to be ---- */

enum need { NEED_NOTHING, NEED_LEADING, NEED_FOLLOWING };

static enum need need_of(const struct session *session)
{
    const struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;
    bool runs = command->code == COMMAND_QUERY || command->code == COMMAND_STMT_EXECUTE;

    if (!command->has_statement) {
        return NEED_NOTHING;
    }
    if ((session->pins & PIN_TRACKER) ||
        (runs && ((command->route.pins & PIN_TRACKER) || statement_touches_tracking(statement)))) {
        return NEED_FOLLOWING;
    }
    return statement->uses & (USE_WARNINGS | USE_FOUND_ROWS | USE_ROW_COUNT) ? NEED_NOTHING
                                                                             : NEED_LEADING;
}

bool following_is_right(const struct session *session)
{
    bool follows = session->lease.backend->follows;

    switch (need_of(session)) {
    case NEED_NOTHING:
        break;
    case NEED_LEADING:
        return !follows;
    case NEED_FOLLOWING:
        return follows;
    }
    return true;
}

/* ---- steps ---- */

static bool add(struct backend *backend, struct writer *out, enum step_kind kind, const char *sql,
                size_t size)
{
    size_t at = write_packet_begin(out);

    query_begin(out, backend->capabilities);
    write_bytes(out, bytes_of((const uint8_t *)sql, size));
    write_packet_end(out, at, 0);
    return backend_expect(backend, kind, COMMAND_QUERY, 1, NULL) && !out->failed;
}

static bool add_following(struct session *session, struct writer *out)
{
    struct shown shown = values(session);
    char sql[STEPS_MAX];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};

    if (!shown_assign(&shown, &plan) ||
        !add(session->lease.backend, out, STEP_FOLLOW, sql, plan.sql_size)) {
        return false;
    }
    session->lease.backend->follows = true;
    return true;
}

static bool add_question(struct session *session, struct writer *out)
{
    const char *question = shown_question();

    own(session)->rows_size = 0;
    session->following->is_too_long = false;
    return add(session->lease.backend, out, STEP_ASK_TRACKING, question, strlen(question));
}

/* x = @@session.x: makes the server report it, and changes nothing. */
static bool assign_to_itself(struct replay *plan, const char *name)
{
    char words[160];

    snprintf(words, sizeof words, "%s=@@session.%s", name, name);
    return replay_add_words(plan, words);
}

/* What determines the character set and collation of the connection, whichever was assigned. */
static bool assign_charsets(struct replay *plan)
{
    return assign_to_itself(plan, "character_set_client") &&
           assign_to_itself(plan, "character_set_results") &&
           assign_to_itself(plan, "collation_connection");
}

/* The variables that the statement assigned, besides those of tracking. */
static bool assign_others(struct replay *plan, const struct set_info *set)
{
    bool has_room = true;

    for (size_t i = 0; i < set->count && i < SET_ASSIGNMENTS && has_room; i++) {
        int variable = variable_find(set->assignments[i].name);

        if (variable < 0 || variable_at(variable)->flags != 0) {
            continue;
        }
        if (variable == variable_character_set_connection() ||
            variable == variable_collation_connection() ||
            variable == variable_character_set_client()) {
            has_room = assign_charsets(plan);
        } else {
            has_room = assign_to_itself(plan, variable_at(variable)->name);
        }
    }
    return has_room && (!(set->kinds & (SET_NAMES | SET_CHARACTER_SET)) || assign_charsets(plan));
}

static bool add_leading(struct session *session, const struct set_info *set, struct writer *out)
{
    struct backend *backend = session->lease.backend;
    const struct server_info *server = worker_server(session->worker, backend->server);
    const struct server_facts *facts = server != NULL ? server->facts : NULL;
    int list = variable_session_track_system_variables();
    char sql[STEPS_MAX];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};
    struct bytes all;

    plan.sql_size =
        facts == NULL ? 0 : tracking_setup_sql(bytes_of_text(facts->tracked), sql, sizeof sql);
    if (plan.sql_size == 0) {
        return false;
    }
    if (environment_value(session->environment, list, &all) &&
        !replay_add_variable(&plan, list, all)) {
        return false;
    }
    if (set != NULL && !assign_others(&plan, set)) {
        return false;
    }
    if (!add(backend, out, STEP_LEAD, sql, plan.sql_size)) {
        return false;
    }
    backend->follows = false;
    return true;
}

bool following_asks_first(struct session *session, struct writer *out)
{
    return (session->pins & PIN_TRACKING) && !following_is_right(session) &&
           need_of(session) == NEED_LEADING && add_question(session, out);
}

bool following_prepare(struct session *session, struct writer *out)
{
    return need_of(session) == NEED_FOLLOWING ? add_following(session, out)
                                              : add_leading(session, NULL, out);
}

/* ---- the answers ---- */

void following_rows(struct session *session, struct bytes rows)
{
    struct following *following = session->following;

    if (following == NULL) {
        return;
    }
    if (rows.size > ROWS_MAX - following->rows_size) {
        following->is_too_long = true;
        return;
    }
    if (following->rows == NULL) {
        following->rows = mem_alloc(ROWS_MAX);
    }
    memcpy(following->rows + following->rows_size, rows.data, rows.size);
    following->rows_size += rows.size;
}

static void follow_for_good(struct session *session)
{
    session->pins |= PIN_TRACKER;
    session->lease.backend->discard = true;
}

/* A connection tracks all there is for a session whose list names what only that brings. */
static void track_all(struct session *session, bool all)
{
    struct environment_store *store = session->worker->environments;
    int list = variable_session_track_system_variables();
    struct bytes value;
    const struct environment *environment;

    if (environment_value(session->environment, list, &value) == all) {
        return;
    }
    environment =
        all ? environment_with_variable(store, session->environment, list, bytes_of_text("*"))
            : environment_without_variable(store, session->environment, list);
    if (environment == NULL) {
        follow_for_good(session);
    } else {
        session_set_environment(session, environment);
    }
}

void following_read(struct session *session)
{
    struct following *following = session->following;
    struct shown shown;

    session->pins &= ~(unsigned)PIN_TRACKING;
    if (following == NULL) {
        return;
    }
    if (following->is_too_long ||
        !shown_read(bytes_of(following->rows, following->rows_size), &shown)) {
        follow_for_good(session);
    } else {
        mem_free(following->shown);
        following->shown = shown_copy(&shown);
        if (shown.transactions != SHOWN_NO_TRANSACTIONS) {
            session->told = TOLD_NOTHING;
        }
        track_all(session, shown_needs_all(&shown));
    }
    mem_free(following->rows);
    following->rows = NULL;
}

/* Learns the values of what the statement assigned besides. Nothing else of this OK is news: it is
 * the proxy's own. */
void following_led(struct session *session, const struct ok_packet *ok)
{
    uint8_t *memory = session->worker->scratch;
    struct writer out = writer_over(memory, WORKER_SCRATCH_BYTES);
    struct tracker_reader r = tracker_reader_over(ok->trackers);
    struct ok_packet variables = *ok;
    struct tracker tracker;

    while (tracker_next(&r, &tracker)) {
        if (tracker.type == TRACKER_SYSTEM_VARIABLE) {
            write_bytes(&out, tracker.whole);
        }
    }
    variables.insert_id = 0;
    variables.trackers = writer_bytes(&out);
    if (session->command != NULL && session->command->following && variables.trackers.size > 0) {
        learn_ok(session, &variables);
    }
}

/* ---- behind the statement ---- */

static bool assigns_more(const struct set_info *set)
{
    for (size_t i = 0; i < set->count && i < SET_ASSIGNMENTS; i++) {
        int variable = variable_find(set->assignments[i].name);

        if (variable < 0 || !(variable_at(variable)->flags & VARIABLE_TRACKING)) {
            return true;
        }
    }
    return (set->kinds & (SET_NAMES | SET_CHARACTER_SET)) != 0;
}

static bool assigns_unknown(const struct set_info *set)
{
    for (size_t i = 0; i < set->count && i < SET_ASSIGNMENTS; i++) {
        if (variable_find(set->assignments[i].name) < 0) {
            return true;
        }
    }
    return false;
}

bool following_end(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    const struct set_info *set = &command->statement.set;
    struct writer out = writer_over(session->worker->scratch, WORKER_SCRATCH_BYTES);
    bool sets = (set->kinds & SET_TRACKER) != 0;
    bool done;

    if (session->lease.state != LEASE_HELD || !backend->follows || (session->pins & PIN_TRACKER) ||
        need_of(session) != NEED_FOLLOWING) {
        return false;
    }
    if (set->kinds != 0 &&
        (assigns_unknown(set) || ((session->pins & pins_for_questions) && assigns_more(set)))) {
        session->pins |= PIN_UNKNOWN;
    }
    if (session->pins & pins_for_questions) {
        session->pins |= sets ? PIN_TRACKING : 0;
        return false;
    }
    if (sets && !command->following) {
        done = add_question(session, &out);
    } else {
        done = add_leading(session, set, &out);
    }
    command->following = true;
    if (!done) {
        follow_for_good(session);
        return false;
    }
    stream_write_one(backend->stream, writer_bytes(&out));
    return true;
}
