/*
 * See shown.h.
 */
#include "proxy/client/shown.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/frame.h"
#include "proxy/client/replay.h"
#include "proxy/client/variables.h"
#include "proxy/memory.h"

#include <string.h>

/* ---- the values ---- */

static bool is_on(struct bytes value)
{
    return bytes_equal_text(value, "1") || bytes_equal_text_nocase(value, "ON");
}

static enum shown_transactions transactions_of(struct bytes value)
{
    if (bytes_equal_text_nocase(value, "STATE"))
        return SHOWN_STATE;
    return bytes_equal_text_nocase(value, "CHARACTERISTICS") ? SHOWN_CHARACTERISTICS
                                                             : SHOWN_NO_TRANSACTIONS;
}

/* As it is known to be, or else as servers come. */
static struct bytes global(const struct server_facts *facts, const char *name, const char *usual)
{
    const char *value = facts == NULL ? NULL : facts_variable(facts, name);

    return bytes_of_text(value == NULL ? usual : value);
}

struct shown shown_by_default(const struct server_facts *facts)
{
    return (struct shown){
        .list = global(facts, "session_track_system_variables",
                       "autocommit,character_set_client,character_set_connection,"
                       "character_set_results,time_zone"),
        .schema = is_on(global(facts, "session_track_schema", "ON")),
        .state_change = is_on(global(facts, "session_track_state_change", "OFF")),
        .transactions = transactions_of(global(facts, "session_track_transaction_info", "OFF"))};
}

/* As bytes, so that neither character_set_results nor any other setting changes what comes; with
 * a LIMIT, because of sql_select_limit. */
#define VALUE(name) "CAST(CONVERT(@@session.session_track_" name " USING utf8mb4) AS BINARY)"

const char *shown_question(void)
{
    return "SELECT " VALUE("system_variables") "," VALUE("schema") "," VALUE(
        "state_change") "," VALUE("transaction_info") " LIMIT 1";
}

/* The payload of the last packet: of one row all are definitions but that. */
static bool last_payload(struct bytes rows, struct bytes *payload)
{
    struct frame frame;

    *payload = bytes_of(NULL, 0);
    while (frame_read(rows, &frame) == PARSE_OK && frame_is_whole(rows, frame)) {
        *payload = frame_payload(rows, frame);
        rows = bytes_after(rows, frame_size(frame));
    }
    return rows.size == 0;
}

bool shown_read(struct bytes rows, struct shown *shown)
{
    struct bytes payload;
    struct reader r;

    *shown = (struct shown){0};
    if (!last_payload(rows, &payload))
        return false;
    r = reader_over(payload);
    if (payload.size > 0 && payload.data[0] == 0xfb) {
        read_u8(&r);
        shown->is_null = true;
    } else {
        shown->list = read_lenenc_bytes(&r);
    }
    shown->schema = is_on(read_lenenc_bytes(&r));
    shown->state_change = is_on(read_lenenc_bytes(&r));
    shown->transactions = transactions_of(read_lenenc_bytes(&r));
    return reader_is_done(&r) && shown->list.size <= SHOWN_LIST_MAX;
}

struct shown *shown_copy(const struct shown *shown)
{
    struct shown *copy = mem_alloc(sizeof *copy + shown->list.size);

    *copy = *shown;
    copy->list.data = (const uint8_t *)(copy + 1);
    if (shown->list.size > 0)
        memcpy(copy + 1, shown->list.data, shown->list.size);
    return copy;
}

bool shown_assign(const struct shown *shown, struct replay *plan)
{
    bool has_room =
        shown->is_null
            ? replay_add_words(plan, "session_track_system_variables=NULL")
            : replay_add_variable(plan, variable_session_track_system_variables(), shown->list);

    has_room = has_room &&
               replay_add_words(plan, shown->schema ? "session_track_schema=ON"
                                                    : "session_track_schema=OFF") &&
               replay_add_words(plan, shown->state_change ? "session_track_state_change=ON"
                                                          : "session_track_state_change=OFF");
    if (!has_room || shown->transactions == SHOWN_CHARACTERISTICS)
        return has_room; /* as the connection has it; to set it again would be told */
    return replay_add_words(plan, shown->transactions == SHOWN_STATE
                                      ? "session_track_transaction_info='STATE'"
                                      : "session_track_transaction_info='OFF'");
}

/* ---- the list ---- */

bool shown_needs_all(const struct shown *shown)
{
    struct bytes list = shown->list;
    struct bytes name;

    while (name = variables_next_name(&list), name.size > 0) {
        int variable = variable_find(name);

        /* The tracking variables change only while the server has the client's values of them. */
        if (variable < 0 || (variable_at(variable)->flags & VARIABLE_NOISE))
            return true;
    }
    return false;
}

static bool is_listed(const struct shown *shown, struct bytes wanted)
{
    struct bytes list = shown->list;
    struct bytes name;

    if (bytes_equal_text(list, "*"))
        return true;
    while (name = variables_next_name(&list), name.size > 0)
        if (bytes_equal_nocase(name, wanted))
            return true;
    return false;
}

/* ---- trackers ---- */

static void write_state(struct writer *out, struct bytes letters)
{
    write_u8(out, TRACKER_TRANSACTION_STATE);
    write_lenenc(out, letters.size + 1);
    write_lenenc_bytes(out, letters);
}

static const char *const letters_of[] = {
    [TOLD_NOTHING] = "________", [TOLD_BEGIN] = "T_______", [TOLD_SNAPSHOT] = "T_R_____"};

/* With the information off only explicit transactions are told, without what happens in them. */
static void filter_begin(const struct tracker *tracker, const struct shown_for *of, enum told *told,
                         struct writer *out)
{
    bool is_begun = tracker->value.size > 0 && tracker->value.data[0] == 'T';
    enum told now = *told;

    if (!is_begun)
        now = TOLD_NOTHING;
    else if (now == TOLD_NOTHING || of->begins)
        now = of->snapshot ? TOLD_SNAPSHOT : TOLD_BEGIN;
    if (now != *told)
        write_state(out, bytes_of_text(letters_of[now]));
    *told = now;
}

static void filter_state(const struct shown *shown, const struct shown_for *of,
                         const struct tracker *tracker, enum told *told, struct writer *out)
{
    if (shown->transactions != SHOWN_NO_TRANSACTIONS) {
        *told = bytes_start_with(tracker->value, "T") ? TOLD_BEGIN : TOLD_NOTHING;
        write_bytes(out, tracker->whole);
    } else if (of->is_mysql) {
        filter_begin(tracker, of, told, out);
    }
}

bool shown_is_shown(const struct shown *shown, const struct tracker *tracker)
{
    switch (tracker->type) {
    case TRACKER_SYSTEM_VARIABLE:
        return is_listed(shown, tracker->name);
    case TRACKER_SCHEMA:
        return shown->schema;
    case TRACKER_STATE_CHANGE:
        return shown->state_change;
    case TRACKER_GTIDS:
        return true;
    case TRACKER_TRANSACTION_CHARACTERISTICS:
        return shown->transactions == SHOWN_CHARACTERISTICS;
    default: /* of a later server, switched on by nobody here */
        return false;
    }
}

void shown_filter(const struct shown *shown, const struct shown_for *of, enum told *told,
                  const struct ok_packet *ok, struct writer *out)
{
    struct tracker_reader r = tracker_reader_over(ok->trackers);
    struct tracker tracker;

    while (tracker_next(&r, &tracker)) {
        if (tracker.type == TRACKER_TRANSACTION_STATE)
            filter_state(shown, of, &tracker, told, out);
        else if (shown_is_shown(shown, &tracker))
            write_bytes(out, tracker.whole);
    }
    if (*told == TOLD_NOTHING || (ok->status & STATUS_IN_TRANSACTION))
        return;
    if (of->is_mysql && shown->transactions == SHOWN_NO_TRANSACTIONS)
        write_state(out, bytes_of_text(letters_of[TOLD_NOTHING]));
    *told = TOLD_NOTHING;
}

void shown_filter_following(const struct shown *shown, const struct ok_packet *ok,
                            struct writer *out)
{
    static const uint8_t none[] = {TRACKER_TRANSACTION_CHARACTERISTICS, 1, 0};
    struct tracker_reader r = tracker_reader_over(ok->trackers);
    struct tracker tracker;

    while (tracker_next(&r, &tracker)) {
        if (tracker.type == TRACKER_TRANSACTION_CHARACTERISTICS &&
            shown->transactions == SHOWN_NO_TRANSACTIONS)
            write_bytes(out, bytes_of(none, sizeof none));
        else
            write_bytes(out, tracker.whole);
    }
}
