/*
 * See assigned.h.
 */
#include "proxy/client/assigned.h"

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/reader.h"
#include "proxy/backend/backend.h"
#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/client/user_variables.h"
#include "proxy/client/variables.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <stdio.h>
#include <string.h>

enum {
    ASKED_COLUMNS = 3,           /* for each variable */
    ASKED_BYTES = 6000,          /* of all values together; larger ones are not asked for */
    ANSWER_BYTES = 128 << 10,    /* definitions and hexadecimal digits, with room to spare */
    EXPRESSION_BYTES = 16 << 10, /* for one value */
    LIST_BYTES = USER_VARIABLES_MAX_SIZE + EXPRESSION_BYTES + 128,
};

struct assigned_name {
    uint8_t size;
    char text[USER_VARIABLE_NAME];
};

/* Variables whose values are not known, and have to be read back. */
struct assigned {
    struct writer answer; /* growing: packets as they came */
    unsigned count;
    struct assigned_name names[USER_VARIABLES_MAX];
};

static struct bytes list_of(const struct environment *environment)
{
    struct bytes list = {NULL, 0};

    (void)environment_value(environment, variable_user_variables(), &list);
    return list;
}

/* The environment with this variable set; NULL: no room. */
static const struct environment *with_one(struct environment_store *store,
                                          const struct environment *environment, struct bytes name,
                                          struct bytes expression)
{
    uint8_t memory[LIST_BYTES];
    struct writer list = writer_over(memory, sizeof memory);

    if (!user_variables_with(list_of(environment), name, expression, &list)) {
        return NULL;
    }
    return environment_with_variable(store, environment, variable_user_variables(),
                                     writer_bytes(&list));
}

static bool set_one(struct session *session, struct bytes name, struct bytes expression)
{
    const struct environment *environment =
        with_one(session->worker->environments, session->environment, name, expression);

    if (environment == NULL) {
        return false;
    }
    session_set_environment(session, environment);
    return true;
}

const struct environment *assigned_as_prepared(struct environment_store *store,
                                               const struct environment *environment,
                                               const struct environment *prepared)
{
    struct bytes list = list_of(prepared);
    const struct environment *merged = environment_ref(environment);
    struct bytes expression;
    struct bytes name;

    while (merged != NULL && (name = user_variables_next(&list, &expression), name.size > 0)) {
        const struct environment *next = with_one(store, merged, name, expression);

        environment_unref(merged);
        merged = next;
    }
    return merged;
}

void assigned_forget(struct session *session)
{
    if (session->assigned != NULL) {
        writer_dispose(&session->assigned->answer);
        mem_free(session->assigned);
        session->assigned = NULL;
    }
    session->assigned_for_good = false;
}

/* ---- from the text alone ---- */

static bool learn_literal(struct session *session, const struct user_variable *variable)
{
    uint8_t memory[EXPRESSION_BYTES];
    struct writer expression = writer_over(memory, sizeof memory);
    char text[USER_VARIABLE_NAME];
    struct bytes name = user_variable_name(variable->name, text);
    struct bytes collation = {NULL, 0};
    struct bytes old;

    (void)environment_value(session->environment, variable_collation_connection(), &collation);
    if (name.size == 0 || variable->value.size == 0 ||
        !user_variable_of_literal(variable->value, collation, &expression)) {
        return false;
    }
    if (bytes_equal_text(writer_bytes(&expression), "NULL") &&
        user_variables_find(list_of(session->environment), name, &old)) {
        return false; /* it keeps the type that it had */
    }
    return set_one(session, name, writer_bytes(&expression));
}

/* SET @x = 1, @y = 'text', and nothing else. */
static bool learn_literals(struct session *session)
{
    const struct command_in_hand *command = session->command;
    const struct statement *statement = &command->statement;

    /* A prepared literal has the collation of its PREPARE, not of now. */
    if (command->code != COMMAND_QUERY || command->errored || statement->is_multi ||
        statement->set.kinds != SET_USER_VARIABLE ||
        statement->user_variable_count > STATEMENT_USER_VARIABLES) {
        return false;
    }
    for (unsigned i = 0; i < statement->user_variable_count; i++) {
        if (!learn_literal(session, &statement->user_variables[i])) {
            return false;
        }
    }
    return true;
}

/* ---- names ---- */

static bool add_name(struct assigned *assigned, struct bytes name)
{
    for (unsigned i = 0; i < assigned->count; i++) {
        if (bytes_equal(bytes_of(assigned->names[i].text, assigned->names[i].size), name)) {
            return true;
        }
    }
    if (name.size == 0 || assigned->count == USER_VARIABLES_MAX) {
        return false;
    }
    memcpy(assigned->names[assigned->count].text, name.data, name.size);
    assigned->names[assigned->count++].size = (uint8_t)name.size;
    return true;
}

static bool note_names(struct session *session)
{
    const struct statement *statement = &session->command->statement;
    struct bytes known = {NULL, 0};
    struct bytes name;
    struct bytes expression;

    if (statement->class == STATEMENT_WRITE) {
        known = list_of(session->environment); /* triggers may have given them other values */
    }
    if ((statement->user_variable_count == 0 && known.size == 0) ||
        statement->user_variable_count > STATEMENT_USER_VARIABLES) {
        return false;
    }
    if (session->assigned == NULL) {
        session->assigned = mem_calloc(1, sizeof *session->assigned);
        session->assigned->answer = writer_growing(ANSWER_BYTES);
    }
    for (unsigned i = 0; i < statement->user_variable_count; i++) {
        char text[USER_VARIABLE_NAME];

        if (!add_name(session->assigned,
                      user_variable_name(statement->user_variables[i].name, text))) {
            return false;
        }
    }
    for (name = user_variables_next(&known, &expression); name.size > 0;
         name = user_variables_next(&known, &expression)) {
        if (!add_name(session->assigned, name)) {
            return false;
        }
    }
    return true;
}

bool assigned_may_change(const struct session *session)
{
    const struct statement *statement = &session->command->statement;

    for (unsigned i = 0; i < statement->user_variable_count && i < STATEMENT_USER_VARIABLES; i++) {
        char text[USER_VARIABLE_NAME];
        struct bytes name = user_variable_name(statement->user_variables[i].name, text);
        struct bytes expression;

        if (!user_variables_find(list_of(session->environment), name, &expression)) {
            return true;
        }
    }
    return statement->user_variable_count > STATEMENT_USER_VARIABLES ||
           list_of(session->environment).size > 0;
}

/* Digits are read as ASCII. */
static bool reads_ascii(const struct session *session)
{
    struct bytes charset = {NULL, 0};

    (void)environment_value(session->environment, variable_character_set_results(), &charset);
    return !bytes_start_with(charset, "ucs2") && !bytes_start_with(charset, "utf16") &&
           !bytes_start_with(charset, "utf32");
}

/* The values cannot be had: what is not known keeps the session where it is. */
static void give_up(struct session *session)
{
    assigned_forget(session);
    session->assigned_for_good = true;
    session->pins |= PIN_USER_VARIABLE | PIN_UNKNOWN;
}

void assigned_check_charset(struct session *session)
{
    if (session->assigned != NULL && !reads_ascii(session)) {
        give_up(session);
    }
}

bool assigned_learn(struct session *session)
{
    if (session->assigned_for_good) {
        return true;
    }
    if (session->assigned == NULL && learn_literals(session)) {
        return false;
    }
    if (!note_names(session) || !reads_ascii(session)) {
        give_up(session);
    }
    return true;
}

/* ---- reading back ---- */

bool assigned_is_readable(const struct session *session)
{
    return session->assigned != NULL;
}

/* Writes `text` with the variable in the place of each @. */
static void write_with_name(struct writer *out, const char *text, const struct assigned_name *name)
{
    for (const char *at = text; *at != 0; at++) {
        if (*at != '@') {
            write_u8(out, (uint8_t)*at);
            continue;
        }
        write_bytes(out, bytes_of_text("@`"));
        write_bytes(out, bytes_of(name->text, name->size));
        write_u8(out, '`');
    }
}

/* The explicit LIMIT keeps sql_select_limit from being one; what is too large gives no row. */
bool assigned_ask(struct session *session, struct writer *out)
{
    const struct assigned *assigned = session->assigned;
    size_t packet = write_packet_begin(out);
    char limit[48];

    query_begin(out, session->lease.backend->capabilities);
    for (unsigned i = 0; i < assigned->count; i++) {
        write_bytes(out, bytes_of_text(i == 0 ? "SELECT " : ","));
        write_with_name(out, "@,COLLATION(@),HEX(@)", &assigned->names[i]);
    }
    write_bytes(out, bytes_of_text(" FROM DUAL WHERE 0"));
    for (unsigned i = 0; i < assigned->count; i++) {
        write_with_name(out, "+COALESCE(LENGTH(@),0)", &assigned->names[i]);
    }
    snprintf(limit, sizeof limit, "<=%d LIMIT 1", (int)ASKED_BYTES);
    write_bytes(out, bytes_of_text(limit));
    write_packet_end(out, packet, 0);
    writer_clear(&session->assigned->answer);
    return !out->failed &&
           backend_expect(session->lease.backend, STEP_VARIABLES, COMMAND_QUERY, 1, NULL);
}

void assigned_take(struct session *session, struct bytes part)
{
    if (session->assigned != NULL) {
        write_bytes(&session->assigned->answer, part);
    }
}

/* The payload of the next packet of the answer; empty at its end. */
static struct bytes next_payload(struct bytes *packets)
{
    struct frame frame;
    struct bytes payload;

    if (frame_read(*packets, &frame) != PARSE_OK || !frame_is_whole(*packets, frame)) {
        return bytes_of(NULL, 0);
    }
    payload = frame_payload(*packets, frame);
    *packets = bytes_after(*packets, frame_size(frame));
    return payload;
}

static bool is_end(struct bytes payload)
{
    return payload.size == 0 || payload.data[0] >= 0xfe;
}

static bool take_value(struct session *session, const struct assigned_name *name,
                       const struct user_variable_answer *answer)
{
    uint8_t memory[EXPRESSION_BYTES];
    struct writer expression = writer_over(memory, sizeof memory);
    struct bytes text = bytes_of(name->text, name->size);

    switch (user_variable_of_answer(text, answer, &expression)) {
    case USER_VARIABLE_SET:
        return set_one(session, text, writer_bytes(&expression));
    case USER_VARIABLE_UNSET:
        return true;
    case USER_VARIABLE_UNKNOWN:
        break;
    }
    return false;
}

/* Takes the values out of a complete answer. False: they are not there. */
static bool take_values(struct session *session)
{
    const struct assigned *assigned = session->assigned;
    uint64_t capabilities = session->lease.backend->capabilities;
    struct bytes packets = writer_bytes(&assigned->answer);
    struct bytes count = next_payload(&packets);
    struct column_definition columns[USER_VARIABLES_MAX];
    struct reader row;
    struct bytes payload;

    if (assigned->answer.failed || is_end(count) ||
        read_lenenc(&(struct reader){count.data, count.data + count.size, false}) !=
            (uint64_t)assigned->count * ASKED_COLUMNS) {
        return false;
    }
    for (unsigned i = 0; i < assigned->count; i++) {
        payload = next_payload(&packets);
        if (column_definition_decode(payload, capabilities, &columns[i]) != PARSE_OK) {
            return false;
        }
        for (unsigned other = 1; other < ASKED_COLUMNS; other++) {
            (void)next_payload(&packets); /* definitions of texts */
        }
    }
    payload = next_payload(&packets);
    if ((capabilities & CAPABILITY_DEPRECATE_EOF) == 0) {
        payload = next_payload(&packets);
    }
    if (is_end(payload)) {
        return false;
    }
    row = reader_over(payload);
    for (unsigned i = 0; i < assigned->count; i++) {
        struct user_variable_answer answer = {.column = columns[i]};

        answer.value = read_lenenc_bytes_or_null(&row);
        answer.collation = read_lenenc_bytes_or_null(&row);
        answer.hex = read_lenenc_bytes_or_null(&row);
        if (row.failed || !take_value(session, &assigned->names[i], &answer)) {
            return false;
        }
    }
    return true;
}

void assigned_answered(struct session *session)
{
    if (session->assigned == NULL) {
        return;
    }
    if (take_values(session)) {
        assigned_forget(session);
        session->pins &= ~(unsigned)PIN_USER_VARIABLE;
    } else {
        give_up(session);
    }
}
