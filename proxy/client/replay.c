/*
 * Plans of replay: what differs between two environments, and the SET that removes the difference.
 *
 * A SET can only assign, not take back. So a variable that the connection has and the session
 * lacks needs a reset, unless an assignment of the same SET covers it: one of its group, or of the
 * variable that sets it along.
 */
#include "proxy/client/replay.h"

#include "proxy/client/user_variables.h"
#include "proxy/client/variables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- writing the text ------------------------------------------------------------------------ */

struct text {
    char *data;
    size_t size;
    size_t capacity;
    bool failed; /* did not fit, or a value that cannot be written */
};

static void put_bytes(struct text *text, const void *data, size_t size)
{
    if (text->failed || size > text->capacity - text->size) {
        text->failed = true;
        return;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

static void put(struct text *text, const char *words)
{
    put_bytes(text, words, strlen(words));
}

static bool is_number(struct bytes value)
{
    size_t digits = 0;

    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];

        if (c >= '0' && c <= '9')
            digits++;
        else if (c != '.' && !(c == '-' && i == 0))
            return false;
    }
    return digits > 0;
}

/* What stands between single quotes as it is, in every sql_mode and every character set. */
static bool is_plain(struct bytes value)
{
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e || value.data[i] == '\\')
            return false;
    return true;
}

static void put_quoted(struct text *text, struct bytes value)
{
    put(text, "'");
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '\'')
            put(text, "'");
        put_bytes(text, &value.data[i], 1);
    }
    put(text, "'");
}

static void put_hex(struct text *text, struct bytes value)
{
    static const char digits[] = "0123456789ABCDEF";

    put(text, " X'"); /* the space ends the introducer's name */
    for (size_t i = 0; i < value.size; i++) {
        put_bytes(text, &digits[value.data[i] >> 4], 1);
        put_bytes(text, &digits[value.data[i] & 15], 1);
    }
    put(text, "'");
}

/* With an introducer, because a bare literal is converted to character_set_connection, and under
 * ucs2 or utf16 MariaDB then does not find the value (error 1298, measured with time_zone). */
static void put_string(struct text *text, struct bytes value)
{
    put(text, "_utf8mb4");
    if (is_plain(value))
        put_quoted(text, value);
    else
        put_hex(text, value);
}

static void put_value(struct text *text, enum variable_kind kind, struct bytes value)
{
    switch (kind) {
    case VARIABLE_NUMBER:
        if (is_number(value))
            put_bytes(text, value.data, value.size);
        else
            put_string(text, value);
        break;
    case VARIABLE_BOOLEAN:
        if (bytes_equal_text(value, "ON") || bytes_equal_text(value, "OFF"))
            put_bytes(text, value.data, value.size);
        else
            put_string(text, value);
        break;
    case VARIABLE_TEXT:
        put_string(text, value);
        break;
    case VARIABLE_TEXT_OR_NULL:
        if (value.size == 0)
            put(text, "NULL");
        else
            put_string(text, value);
        break;
    case VARIABLE_NAMES: /* takes no introducer; names of character sets are plain words */
        if (!is_plain(value))
            text->failed = true;
        put_quoted(text, value);
        break;
    case VARIABLE_USER: /* put_user_variables */
        break;
    }
}

static void put_assignment(struct text *text, int variable, struct bytes value)
{
    const struct variable *v = variable_at(variable);

    put(text, text->size == 0 ? "SET " : ",");
    if (v->kind == VARIABLE_NAMES) {
        put(text, "NAMES ");
    } else {
        put(text, v->name);
        put(text, "=");
    }
    put_value(text, v->kind, value);
}

/* Those of a list that are not, or are otherwise, in the list `base`. */
static void put_user_variables(struct text *text, struct bytes list, struct bytes base)
{
    struct bytes expression, name, old;

    while (name = user_variables_next(&list, &expression), name.size > 0) {
        if (user_variables_find(base, name, &old) && bytes_equal(old, expression))
            continue;
        put(text, text->size == 0 ? "SET @`" : ",@`");
        put_bytes(text, name.data, name.size);
        put(text, "`=");
        put_bytes(text, expression.data, expression.size);
    }
}

/* --- what differs ---------------------------------------------------------------------------- */

/* One planning. base is NULL where the connection is known to have nothing set. */
struct comparison {
    const struct environment *base;
    const struct environment *to;
    bool assigned[VARIABLE_MAX];
};

static bool has(const struct environment *environment, int variable)
{
    struct bytes value;

    return environment_value(environment, variable, &value);
}

static bool has_of_group(const struct environment *environment, int group)
{
    struct bytes value;

    for (size_t i = 0; i < environment_variable_count(environment); i++)
        if (variable_at(environment_variable_at(environment, i, &value))->group == group)
            return true;
    return false;
}

/* True when `from` has something set that no SET towards `to` takes back. */
static bool needs_reset(const struct environment *from, const struct environment *to)
{
    struct bytes value;

    for (size_t i = 0; i < environment_variable_count(from); i++) {
        int variable = environment_variable_at(from, i, &value);
        const struct variable *v = variable_at(variable);
        struct bytes list;

        if (variable == variable_user_variables()) {
            if (!environment_value(to, variable, &list) || !user_variables_cover(list, value))
                return true;
            continue;
        }
        if (has(to, variable) || (v->group > 0 && has_of_group(to, v->group)) ||
            (v->reset_by >= 0 && has(to, v->reset_by)))
            continue;
        return true;
    }
    return false;
}

static bool same_in_base(const struct comparison *c, int variable, struct bytes value)
{
    struct bytes old;

    return c->base && environment_value(c->base, variable, &old) && bytes_equal(old, value);
}

/* True when the base has a variable that `to` lacks and that this one's assignment sets along. */
static bool covers_another(const struct comparison *c, int variable)
{
    struct bytes value;

    if (!c->base || variable_at(variable)->rank != VARIABLE_RANK_FIRST)
        return false;
    for (size_t i = 0; i < environment_variable_count(c->base); i++) {
        int other = environment_variable_at(c->base, i, &value);

        if (variable_at(other)->reset_by == variable && !has(c->to, other))
            return true;
    }
    return false;
}

static bool must_assign(const struct comparison *c, int variable, struct bytes value)
{
    const struct variable *v = variable_at(variable);

    if (!same_in_base(c, variable, value) || covers_another(c, variable))
        return true;
    if (v->reset_by >= 0 && c->assigned[v->reset_by])
        return true;
    /* NAMES sets the other two along */
    return v->rank == VARIABLE_RANK_CHARSET && c->assigned[variable_names()];
}

static bool write_set(struct comparison *c, struct replay *plan)
{
    struct text text = {plan->sql, 0, plan->capacity, false};
    struct bytes value;

    for (size_t i = 0; i < environment_variable_count(c->to); i++) {
        int variable = environment_variable_at(c->to, i, &value);
        int written = variable;

        if (!must_assign(c, variable, value))
            continue;
        if (variable == variable_user_variables()) {
            struct bytes old = {NULL, 0};

            if (c->base)
                (void)environment_value(c->base, variable, &old);
            put_user_variables(&text, value, old);
            continue;
        }
        /* Without values to put in the place of those that NAMES changes, the next best. */
        if (variable == variable_names() && !(has(c->to, variable_character_set_client()) &&
                                              has(c->to, variable_character_set_results())))
            written = variable_character_set_connection();
        c->assigned[written] = true;
        put_assignment(&text, written, value);
    }
    plan->sql_size = text.size;
    return !text.failed;
}

/* COM_INIT_DB is read in the connection's character_set_client, and schemas are kept in UTF-8. */
static bool can_name_schema(const struct environment *from, struct bytes schema)
{
    struct bytes charset = environment_character_set_client(from);

    if (charset.size == 0 || bytes_start_with(charset, "utf8"))
        return true;
    for (size_t i = 0; i < schema.size; i++)
        if (schema.data[i] > 0x7e)
            return false;
    return true;
}

enum replay_kind replay_plan(const struct environment *from, const struct environment *to,
                             struct replay *plan)
{
    bool reset = from != to && (!from || needs_reset(from, to));
    struct comparison c = {.base = reset ? NULL : from, .to = to};

    plan->sql_size = 0;
    plan->init_db = false;
    plan->schema = environment_schema(to);
    if (from == to)
        return REPLAY_NONE;
    plan->init_db = !from || !bytes_equal(environment_schema(from), plan->schema);
    if (plan->init_db && plan->schema.size == 0)
        return REPLAY_IMPOSSIBLE;
    if (plan->init_db && from && !can_name_schema(from, plan->schema))
        return REPLAY_IMPOSSIBLE;
    if (!write_set(&c, plan))
        return REPLAY_IMPOSSIBLE;
    if (reset)
        return REPLAY_RESET;
    return plan->init_db || plan->sql_size > 0 ? REPLAY_STATE : REPLAY_NONE;
}

bool replay_add_words(struct replay *plan, const char *words)
{
    int size = snprintf(plan->sql + plan->sql_size, plan->capacity - plan->sql_size, "%s%s",
                        plan->sql_size == 0 ? "SET " : ",", words);

    if ((size_t)size >= plan->capacity - plan->sql_size)
        return false;
    plan->sql_size += (size_t)size;
    return true;
}

bool replay_add_variable(struct replay *plan, int variable, struct bytes value)
{
    struct text text = {plan->sql, plan->sql_size, plan->capacity, false};

    put_assignment(&text, variable, value);
    plan->sql_size = text.failed ? plan->sql_size : text.size;
    return !text.failed;
}

bool replay_add_last_insert_id(struct replay *plan, uint64_t last_insert_id)
{
    char words[64];

    snprintf(words, sizeof words, "last_insert_id=%" PRIu64, last_insert_id);
    return replay_add_words(plan, words);
}

bool replay_settle_last_insert_id(struct replay *plan, uint64_t old, uint64_t last_insert_id)
{
    char words[128];

    if (old == last_insert_id)
        return replay_add_words(plan, "last_insert_id=LAST_INSERT_ID()");
    /* Numbers of both signs would make a decimal number of it. */
    snprintf(words, sizeof words,
             "last_insert_id=CAST(IF(LAST_INSERT_ID()=%" PRIu64 ",%" PRIu64
             ",LAST_INSERT_ID()) AS UNSIGNED)",
             old, last_insert_id);
    return replay_add_words(plan, words);
}
