/*
 * The response machine of response.h. A call has two halves: first it runs over everything that may
 * be passed (the rest of a packet, counts, definitions, rows), committing each packet when its head
 * is seen; if there was nothing of that kind, it looks at the one whole packet at the front. So a
 * packet with news always comes in a step of its own, and rows come in steps as large as the bytes
 * at hand.
 */
#include "protocol/response.h"
#include "protocol/capability.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"

#include <assert.h>

enum state {
    STATE_FIRST,            /* the first packet of an answer, or of one of its results */
    STATE_COLUMNS,          /* definitions of a result set */
    STATE_COLUMNS_EOF,      /* the EOF behind them */
    STATE_ROWS,             /* rows up to OK or EOF */
    STATE_PARAMETERS,       /* definitions of a prepare response */
    STATE_PARAMETERS_EOF,   /* the EOF behind them */
    STATE_PREPARED_COLUMNS, /* the same for its columns */
    STATE_PREPARED_EOF,
    STATE_FIELDS, /* definitions up to EOF (FIELD_LIST) */
    STATE_EVENTS, /* of the binary log, up to EOF */
    STATE_TURN,   /* the client is to send something: response_turn() */
    STATE_DONE
};

#define COLUMNS_MAX 0xffffu
#define EVENT_MARK 0xef
#define EVENT_ASKS 0x01
#define EOF_BELOW 9u /* an EOF has 5 bytes of payload; as servers do, anything below 9 is taken */

void response_begin(struct response *r, const struct response_request *request)
{
    enum answer answer = command_info((uint8_t)request->command)->answer;

    assert(answer != ANSWER_ENDLESS);
    *r = (struct response){
        .state = answer == ANSWER_NONE     ? STATE_DONE
                 : answer == ANSWER_ROWS   ? STATE_ROWS
                 : answer == ANSWER_EVENTS ? STATE_EVENTS
                                           : STATE_FIRST,
        .done = answer == ANSWER_NONE,
        .sequence = request->sequence,
        .capabilities = request->capabilities,
        .command = request->command,
        .answer = answer,
    };
}

void response_turn(struct response *r, uint8_t client_sequence)
{
    assert(r->state == STATE_TURN);
    r->state = STATE_FIRST;
    r->sequence = (uint8_t)(client_sequence + 1);
}

bool response_is_between(const struct response *r, uint8_t *sequence)
{
    *sequence = r->sequence;
    return r->left == 0 && !r->continued;
}

static bool deprecates_eof(const struct response *r)
{
    return (r->capabilities & CAPABILITY_DEPRECATE_EOF) != 0;
}

/* ---- what is passed ---- */

/* Commits a packet whose head is at the front of `available` bytes; returns how many of them are
 * its. */
static size_t take_packet(struct response *r, struct frame frame, size_t available)
{
    size_t size = frame_size(frame);

    r->sequence++;
    r->continued = frame_continues(frame);
    if (size <= available)
        return size;
    r->left = (uint32_t)(size - available);
    return available;
}

/* Columns of a prepare response. Where definitions are left out, their EOFs still come. */
static void enter_prepared_columns(struct response *r)
{
    bool eof = !deprecates_eof(r);

    r->definitions = r->definitions_after;
    if (r->definitions == 0 || (r->bare && !eof))
        r->state = STATE_DONE;
    else
        r->state = r->bare ? STATE_PREPARED_EOF : STATE_PREPARED_COLUMNS;
}

static void enter_parameters(struct response *r)
{
    bool eof = !deprecates_eof(r);

    if (r->definitions == 0 || (r->bare && !eof))
        enter_prepared_columns(r);
    else
        r->state = r->bare ? STATE_PARAMETERS_EOF : STATE_PARAMETERS;
}

static void after_definitions(struct response *r)
{
    bool eof = !deprecates_eof(r);

    if (r->state == STATE_COLUMNS)
        r->state = eof ? STATE_COLUMNS_EOF : STATE_ROWS;
    else if (eof)
        r->state = r->state == STATE_PARAMETERS ? STATE_PARAMETERS_EOF : STATE_PREPARED_EOF;
    else if (r->state == STATE_PARAMETERS)
        enter_prepared_columns(r);
    else
        r->state = STATE_DONE;
}

/* The column count, which begins a result set: a small number, neither OK, LOCAL INFILE, EOF nor
 * ERR. */
static bool is_column_count(uint8_t first)
{
    return first != 0x00 && first != 0xfb && first < 0xfe;
}

/*
 * Where it was agreed that definitions may be left out, a byte behind the count says whether they
 * follow. (MySQL's manual draws it before the count; on the wire it is behind, in both servers.)
 */
static bool column_count_decode(const struct response *r, struct bytes payload, uint64_t *count,
                                bool *metadata)
{
    struct reader in = reader_over(payload);

    *metadata = true;
    *count = read_lenenc(&in);
    if (r->capabilities & (CAPABILITY_OPTIONAL_METADATA | CAPABILITY_MARIADB_CACHE_METADATA))
        *metadata = read_u8(&in) != 0;
    return reader_is_done(&in) && *count > 0 && *count <= COLUMNS_MAX;
}

static size_t pass_column_count(struct response *r, struct bytes in, struct frame frame)
{
    uint64_t count;
    bool metadata;

    if (!frame_is_whole(in, frame) ||
        !column_count_decode(r, frame_payload(in, frame), &count, &metadata))
        return 0;
    r->columns = (uint16_t)count;
    r->result_sets++;
    r->state = STATE_COLUMNS;
    r->definitions = metadata ? (uint32_t)count : 0;
    if (!metadata)
        after_definitions(r);
    return take_packet(r, frame, in.size);
}

static size_t pass_definition(struct response *r, struct bytes in, struct frame frame)
{
    if (in.data[FRAME_HEAD_SIZE] == 0xff || frame_continues(frame))
        return 0;
    if (--r->definitions == 0)
        after_definitions(r);
    return take_packet(r, frame, in.size);
}

static size_t pass_field(struct response *r, struct bytes in, struct frame frame)
{
    if (in.data[FRAME_HEAD_SIZE] >= 0xfe || frame_continues(frame))
        return 0;
    r->state = STATE_FIELDS;
    return take_packet(r, frame, in.size);
}

static size_t pass_first(struct response *r, struct bytes in, struct frame frame)
{
    uint8_t first = in.data[FRAME_HEAD_SIZE];

    if (r->answer == ANSWER_RESULTS && is_column_count(first))
        return pass_column_count(r, in, frame);
    if (r->answer == ANSWER_FIELD_LIST)
        return pass_field(r, in, frame);
    if (r->answer == ANSWER_TEXT && first != 0xff && !frame_continues(frame)) {
        r->state = STATE_DONE;
        return take_packet(r, frame, in.size);
    }
    return 0;
}

/*
 * Rows: the loop that runs once per row of every result. Nothing is looked at but the head and the
 * first byte: 0xff is an ERR, 0xfe ends the rows unless the payload is so long that it begins with
 * a value of 16 MiB or more, whose length starts with the same byte. What continues a payload is
 * not looked at.
 */
static size_t pass_rows(struct response *r, struct bytes in)
{
    const uint8_t *at = in.data;
    size_t left = in.size;
    uint8_t sequence = r->sequence; /* copies: at[] could alias the struct, as far as C knows */
    bool continued = r->continued;
    uint64_t rows = 0;

    while (left > FRAME_HEAD_SIZE || (continued && left == FRAME_HEAD_SIZE)) {
        uint32_t length = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;

        if (at[3] != sequence)
            break;
        if (!continued) {
            if (length == 0 || (at[4] >= 0xfe && (at[4] == 0xff || length < FRAME_MAX)))
                break;
            rows++;
        }
        sequence++;
        continued = length == FRAME_MAX;
        if (length > left - FRAME_HEAD_SIZE) {
            r->left = (uint32_t)(length - (left - FRAME_HEAD_SIZE));
            left = 0;
            break;
        }
        at += FRAME_HEAD_SIZE + length;
        left -= FRAME_HEAD_SIZE + length;
    }
    r->sequence = sequence;
    r->continued = continued;
    r->rows += rows;
    return in.size - left;
}

/*
 * How much of an event is needed to pass it, head included. To a semi-synchronous replica there are
 * two bytes between the 0x00 and the event, a mark and flags, in every event of a dump or in none.
 * The first event, which tells, is made up by the server and its time is 0; others may begin with
 * the mark by chance.
 */
static size_t event_need(const struct response *r, struct frame frame)
{
    size_t need = !r->events_began ? 2 : r->events_marked ? 3 : 1;

    return FRAME_HEAD_SIZE + (frame.length < need ? frame.length : need);
}

/* Looks at the beginning of an event. False: it cannot be passed, or not yet. */
static bool begin_event(struct response *r, struct bytes in, struct frame frame)
{
    const uint8_t *payload = in.data + FRAME_HEAD_SIZE;

    if (frame.length == 0 || in.size == FRAME_HEAD_SIZE || payload[0] != 0x00 ||
        in.size < event_need(r, frame))
        return false;
    if (!r->events_began) {
        r->events_began = true;
        r->events_marked = frame.length > 2 && payload[1] == EVENT_MARK;
        if (in.size < event_need(r, frame))
            return false;
    }
    r->event_asks = r->events_marked && frame.length > 2 && (payload[2] & EVENT_ASKS) != 0;
    return true;
}

/*
 * Events of the binary log: each payload is a byte 0x00 and the event, which may take several
 * packets. Sequence ids are taken as they come: after an event that a replica is asked to
 * acknowledge (semi-synchronous replication) the acknowledgement has number 0 and the next packet
 * number 1, on both sides.
 */
static size_t pass_event(struct response *r, struct bytes in)
{
    struct frame frame;
    size_t size;

    if (frame_read(in, &frame) != PARSE_OK)
        return 0;
    if (!r->continued && !begin_event(r, in, frame))
        return 0;
    r->sequence = frame.sequence;
    size = take_packet(r, frame, in.size);
    if (r->event_asks && !r->continued)
        r->sequence = 1;
    return size;
}

/* Events count anew, and which of them does so is in their beginnings. */
static void number_events(const struct response *r, uint8_t *in, size_t size)
{
    struct response ahead = *r;
    size_t at = r->left;
    size_t passed = 1;

    ahead.left = 0;
    while (at + FRAME_HEAD_SIZE <= size && passed > 0) {
        in[at + 3] = ahead.sequence;
        passed = pass_event(&ahead, bytes_of(in + at, size - at));
        at += passed;
    }
}

void response_number(const struct response *r, uint8_t *in, size_t size)
{
    uint8_t sequence = r->sequence;
    size_t at = r->left;
    struct frame frame;

    if (r->state == STATE_EVENTS) {
        number_events(r, in, size);
        return;
    }
    while (at < size && frame_read(bytes_of(in + at, size - at), &frame) == PARSE_OK) {
        in[at + 3] = sequence++;
        at += frame_size(frame);
    }
}

/* Passes what it can from a packet's beginning on; 0 when the packet at the front is not for
 * passing. */
static size_t pass_packets(struct response *r, struct bytes in)
{
    struct frame frame;

    if (r->state == STATE_ROWS)
        return pass_rows(r, in);
    if (r->state == STATE_EVENTS)
        return pass_event(r, in);
    if (frame_read(in, &frame) != PARSE_OK || frame.sequence != r->sequence || frame.length == 0 ||
        in.size == FRAME_HEAD_SIZE)
        return 0;
    switch ((enum state)r->state) {
    case STATE_FIRST:
        return pass_first(r, in, frame);
    case STATE_COLUMNS:
    case STATE_PARAMETERS:
    case STATE_PREPARED_COLUMNS:
        return pass_definition(r, in, frame);
    case STATE_FIELDS:
        return pass_field(r, in, frame);
    case STATE_COLUMNS_EOF:
    case STATE_ROWS:
    case STATE_PARAMETERS_EOF:
    case STATE_PREPARED_EOF:
    case STATE_EVENTS:
    case STATE_TURN:
    case STATE_DONE:
        break;
    }
    return 0;
}

/* The rest of a packet whose beginning was passed earlier. */
static size_t pass_left(struct response *r, struct bytes in)
{
    size_t size = r->left < in.size ? r->left : in.size;

    r->left -= (uint32_t)size;
    return size;
}

/* ---- whole packets ---- */

static struct response_step step_more(size_t need)
{
    return (struct response_step){.what = RESPONSE_MORE, .need = need};
}

static struct response_step step_bad(struct response *r, const char *problem)
{
    r->done = true;
    return (struct response_step){.what = RESPONSE_BAD, .last = true, .problem = problem};
}

static struct response_step step_consumed(struct response *r, enum response_what what, size_t size)
{
    r->bytes += size;
    r->done = r->state == STATE_DONE && r->left == 0;
    return (struct response_step){.what = what, .size = size, .last = r->done};
}

static struct response_step step_whole(struct response *r, enum response_what what,
                                       struct frame frame, struct bytes payload)
{
    /* Set, not counted on: an ERR may come with a sequence id of its own. */
    r->sequence = (uint8_t)(frame.sequence + 1);

    struct response_step step = step_consumed(r, what, frame_size(frame));
    step.sequence = frame.sequence;
    step.payload = payload;
    return step;
}

/* The end of a result; another may follow. */
static void end_result(struct response *r)
{
    bool more = r->answer == ANSWER_RESULTS && r->status & STATUS_MORE_RESULTS;

    r->state = more ? STATE_FIRST : STATE_DONE;
}

static void after_eof(struct response *r)
{
    switch ((enum state)r->state) {
    case STATE_COLUMNS_EOF:
        /* With a cursor the rows wait for FETCH, and this EOF is the end. */
        if (r->command == COMMAND_STMT_EXECUTE && r->status & STATUS_CURSOR_EXISTS)
            end_result(r);
        else
            r->state = STATE_ROWS;
        break;
    case STATE_PARAMETERS_EOF:
        enter_prepared_columns(r);
        break;
    case STATE_PREPARED_EOF:
    case STATE_FIELDS:
    case STATE_EVENTS:
        r->state = STATE_DONE;
        break;
    case STATE_FIRST:
    case STATE_ROWS:
        end_result(r);
        break;
    case STATE_COLUMNS:
    case STATE_PARAMETERS:
    case STATE_PREPARED_COLUMNS:
    case STATE_TURN:
    case STATE_DONE:
        assert(false);
    }
}

static struct response_step whole_eof(struct response *r, struct frame frame, struct bytes payload)
{
    struct eof_packet eof;

    if (eof_decode(payload, &eof) != PARSE_OK)
        return step_bad(r, "malformed EOF packet");
    /*
     * MySQL marks the result set of OUT parameters, and that more follows it, only in the EOF
     * behind the definitions, not in the one behind the row.
     */
    if (r->state == STATE_ROWS && r->status & STATUS_PS_OUT_PARAMETERS)
        eof.status |= r->status & (STATUS_PS_OUT_PARAMETERS | STATUS_MORE_RESULTS);
    r->status = eof.status;
    r->warnings = eof.warnings;
    after_eof(r);
    return step_whole(r, RESPONSE_EOF, frame, payload);
}

static struct response_step whole_ok(struct response *r, struct frame frame, struct bytes payload)
{
    struct ok_packet ok;

    if (ok_decode(payload, r->capabilities, &ok) != PARSE_OK)
        return step_bad(r, "malformed OK packet");
    r->status = ok.status;
    r->warnings = ok.warnings;
    end_result(r);
    return step_whole(r, RESPONSE_OK, frame, payload);
}

static struct response_step whole_error(struct response *r, struct frame frame,
                                        struct bytes payload)
{
    struct sql_error error;

    if (error_decode(payload, &error) != PARSE_OK)
        return step_bad(r, "malformed ERR packet");
    r->state = STATE_DONE;
    return step_whole(r, RESPONSE_ERROR, frame, payload);
}

/* MariaDB tells clients that ask for it how far an ALTER TABLE or a CHECK is: in ERR packets of
 * this number, anywhere between the others ("Progress reporting"). They are for the client alone.
 */
static bool is_progress_report(const struct response *r, struct bytes payload)
{
    return r->capabilities & CAPABILITY_MARIADB_PROGRESS && payload.size > 2 &&
           payload.data[0] == 0xff && payload.data[1] == 0xff && payload.data[2] == 0xff;
}

static struct response_step whole_prepared(struct response *r, struct frame frame,
                                           struct bytes payload)
{
    struct prepare_ok ok;

    if (prepare_ok_decode(payload, r->capabilities, &ok) != PARSE_OK)
        return step_bad(r, "malformed prepare response");
    r->warnings = ok.warnings;
    r->columns = ok.columns;
    r->bare = !ok.metadata_follows;
    r->definitions = ok.parameters;
    r->definitions_after = ok.columns;
    enter_parameters(r);
    return step_whole(r, RESPONSE_PREPARED, frame, payload);
}

/* OK or EOF in the place of either: told apart by what was agreed on and by length. */
static struct response_step whole_end(struct response *r, struct frame frame, struct bytes payload)
{
    if (deprecates_eof(r))
        return whole_ok(r, frame, payload);
    if (frame.length < EOF_BELOW)
        return whole_eof(r, frame, payload);
    return step_bad(r, "a packet that is neither a row nor an EOF");
}

static struct response_step whole_first(struct response *r, struct frame frame,
                                        struct bytes payload)
{
    uint8_t first = payload.data[0];

    if (r->answer == ANSWER_LOGIN && (first == 0xfe || first == 0x01)) {
        r->state = STATE_TURN;
        return step_whole(r, RESPONSE_AUTH, frame, payload);
    }
    if (r->answer == ANSWER_PREPARE && first == 0x00)
        return whole_prepared(r, frame, payload);
    if (r->command == COMMAND_QUERY && first == 0xfb && r->capabilities & CAPABILITY_LOCAL_FILES) {
        r->state = STATE_TURN;
        return step_whole(r, RESPONSE_LOCAL_INFILE, frame, bytes_after(payload, 1));
    }
    if (r->answer == ANSWER_OK || r->answer == ANSWER_RESULTS || r->answer == ANSWER_LOGIN) {
        if (first == 0x00)
            return whole_ok(r, frame, payload);
        if (first == 0xfe)
            return whole_end(r, frame, payload);
        if (r->answer == ANSWER_RESULTS && is_column_count(first))
            return step_bad(r, "malformed column count");
    }
    if (r->answer == ANSWER_FIELD_LIST && first == 0xfe)
        return whole_end(r, frame, payload);
    return step_bad(r, "unexpected first packet of an answer");
}

static struct response_step whole_in_state(struct response *r, struct frame frame,
                                           struct bytes payload)
{
    uint8_t first = payload.data[0];

    if (is_progress_report(r, payload))
        return step_whole(r, RESPONSE_PASS, frame, payload);
    if (first == 0xff)
        return whole_error(r, frame, payload);
    switch ((enum state)r->state) {
    case STATE_FIRST:
        return whole_first(r, frame, payload);
    case STATE_COLUMNS_EOF:
    case STATE_PARAMETERS_EOF:
    case STATE_PREPARED_EOF:
        if (first == 0xfe && frame.length < EOF_BELOW)
            return whole_eof(r, frame, payload);
        return step_bad(r, "no EOF behind the column definitions");
    case STATE_ROWS:
    case STATE_FIELDS:
        return whole_end(r, frame, payload);
    case STATE_EVENTS:
        /* Both servers end it with an EOF, also under DEPRECATE_EOF (measured). */
        if (first == 0xfe && frame.length < EOF_BELOW)
            return whole_eof(r, frame, payload);
        return step_bad(r, "a packet that is neither an event nor an EOF");
    case STATE_TURN:
        return step_bad(r, "a packet while it was the client's turn");
    case STATE_COLUMNS:
    case STATE_PARAMETERS:
    case STATE_PREPARED_COLUMNS:
    case STATE_DONE:
        break;
    }
    return step_bad(r, "unexpected packet");
}

static struct response_step whole_packet(struct response *r, struct bytes in)
{
    struct frame frame;

    if (frame_read(in, &frame) != PARSE_OK)
        return step_more(FRAME_HEAD_SIZE);
    if (frame.length == 0 && !r->continued)
        return step_bad(r, "empty packet");
    if (in.size == FRAME_HEAD_SIZE)
        return step_more(FRAME_HEAD_SIZE + 1);
    if (r->state == STATE_EVENTS && in.data[FRAME_HEAD_SIZE] == 0x00 &&
        in.size < event_need(r, frame))
        return step_more(event_need(r, frame));
    /*
     * A server that gives up on a connection (time-out, shutdown, kill) says so unasked, with
     * sequence id 0; that is worth more to the client than "packets out of order".
     */
    bool unasked = r->state == STATE_FIRST && in.data[FRAME_HEAD_SIZE] == 0xff;
    if (frame.sequence != r->sequence && !unasked && r->state != STATE_EVENTS)
        return step_bad(r, "packets out of order");
    if (frame.length > RESPONSE_WHOLE_MAX)
        return step_bad(r, "a packet too long for its kind");
    if (!frame_is_whole(in, frame))
        return step_more(frame_size(frame));
    return whole_in_state(r, frame, frame_payload(in, frame));
}

struct response_step response_next(struct response *r, struct bytes in)
{
    assert(!r->done);
    if (r->left > 0 && in.size == 0)
        return step_more(1);

    size_t at = pass_left(r, in);
    while (r->left == 0 && r->state != STATE_DONE && at < in.size) {
        size_t size = pass_packets(r, bytes_after(in, at));

        if (size == 0)
            break;
        at += size;
    }
    return at > 0 ? step_consumed(r, RESPONSE_PASS, at) : whole_packet(r, in);
}
