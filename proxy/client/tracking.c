/*
 * Reading tracker blocks.
 *
 * A block is read twice. What is reported is the state at the end of the statement, in no order
 * that means anything (MariaDB's is that of a hash table); so first come the variables whose
 * assignment sets others along, then the others, which therefore win.
 *
 * What the servers report and what they do not was measured on MySQL 9.7 and MariaDB 10.11; the
 * README of this folder has the list.
 */
#include "proxy/client/tracking.h"

#include "protocol/capability.h"
#include "proxy/client/variables.h"
#include "router/statement.h"

#include <stdio.h>
#include <string.h>

/* Pins that stand for state of the connection: while one is in a statement's own list, a
 * STATE_CHANGE without a name is what the statement was known to do. */
enum {
    PINS_THAT_EXPLAIN = PIN_TEMPORARY_TABLE | PIN_USER_VARIABLE | PIN_PREPARE | PIN_ROLE |
                        PIN_ONE_SHOT | PIN_LOG_OFF,
    /* nobody else gets this connection before a reset, whatever else has changed */
    PINS_THAT_EXCUSE = PIN_PROGRAM | PIN_TRACKER | PIN_UNKNOWN,
};

struct learning {
    struct environment_store *store;
    const struct environment *before;
    const struct tracking_past *past;
    const struct statement *statement; /* may be NULL */
    const struct ok_packet *ok;
    struct learned learned;
    bool named;         /* a schema or variable was reported */
    bool state_change;  /* ... and that anything at all changed */
    bool has_collation; /* collation_connection is in the block, so nothing has to be guessed */
};

static unsigned set_kinds(const struct learning *l)
{
    return l->statement ? l->statement->set.kinds : 0;
}

static void unexplained(struct learning *l)
{
    l->learned.unexplained = true;
    l->learned.pins_set |= PIN_UNKNOWN;
}

/* Takes over a state that was asked of the store; NULL: it passes a ceiling. */
static void adopt(struct learning *l, const struct environment *environment)
{
    if (!environment) {
        unexplained(l);
        return;
    }
    environment_unref(l->learned.environment);
    l->learned.environment = environment;
}

static void assign(struct learning *l, int variable, struct bytes value)
{
    adopt(l, environment_with_variable(l->store, l->learned.environment, variable, value));
}

/* --- the connection's character set ---------------------------------------------------------- */

static bool assigns_default(const struct learning *l, const char *name)
{
    const struct set_info *set;

    if (!l->statement)
        return false;
    set = &l->statement->set;
    for (size_t i = 0; i < set->count && i < SET_ASSIGNMENTS; i++)
        if (bytes_equal_text_nocase(set->assignments[i].name, name) &&
            bytes_equal_text_nocase(set->assignments[i].value, "DEFAULT"))
            return true;
    return set->count > SET_ASSIGNMENTS;
}

static bool is_utf8mb4(struct bytes charset)
{
    return bytes_equal_text_nocase(charset, "utf8mb4");
}

/* "utf8mb4_bin" is of utf8mb4; the old name "utf8_bin" is of what trackers call utf8mb3. */
static bool is_collation_of(struct bytes collation, struct bytes charset)
{
    struct bytes head = bytes_first(collation, charset.size);

    if (bytes_equal_text_nocase(charset, "utf8mb3") && bytes_start_with(collation, "utf8_"))
        return true;
    return bytes_equal_nocase(head, charset) &&
           (collation.size == charset.size || collation.data[charset.size] == '_');
}

/* SET NAMES x [COLLATE y]: trackers report x only. */
static void learn_names(struct learning *l, struct bytes charset)
{
    struct bytes collation = l->statement->set.collation, chosen;

    if (bytes_equal_text_nocase(collation, "DEFAULT"))
        collation.size = 0;
    if (collation.size > 0) {
        /* In a multi-statement it is not clear which part the OK belongs to. */
        if (l->statement->is_multi || !is_collation_of(collation, charset))
            unexplained(l);
        assign(l, variable_collation_connection(), collation);
    } else if (is_utf8mb4(charset) &&
               environment_value(l->before, variable_default_collation_for_utf8mb4(), &chosen)) {
        /* MySQL chooses when it parses the statement: what was set before it counts. */
        assign(l, variable_collation_connection(), chosen);
    } else {
        assign(l, variable_names(), charset);
    }
}

static void learn_connection_charset(struct learning *l, struct bytes charset)
{
    unsigned kinds = set_kinds(l);

    if (l->has_collation)
        return;
    if (kinds & SET_CHARACTER_SET) {
        /* takes the collation of the schema, which nothing reports */
        assign(l, variable_character_set_connection(), charset);
        unexplained(l);
    } else if (kinds & SET_NAMES) {
        learn_names(l, charset);
    } else {
        assign(l, variable_character_set_connection(), charset);
        /* DEFAULT takes the global collation along. What no SET explains may have been a SET
         * NAMES COLLATE inside a program. */
        if (!(kinds & SET_SYSTEM) || assigns_default(l, "character_set_connection"))
            unexplained(l);
    }
}

/* --- variables ------------------------------------------------------------------------------- */

static uint64_t number_of(struct bytes digits)
{
    uint64_t number = 0;

    for (size_t i = 0; i < digits.size && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    return number;
}

/* Variables that are not replayed; true when this was one. */
static bool learn_special(struct learning *l, const struct variable *v, struct bytes value)
{
    if (v->flags & VARIABLE_ONE_SHOT) {
        l->learned.pins_set |= PIN_ONE_SHOT;
        l->learned.one_shot_variable = true;
    } else if (v->flags & VARIABLE_LOG_OFF) {
        l->learned.pins_set |= PIN_LOG_OFF;
    } else if (v->flags & VARIABLE_PIN) {
        unexplained(l);
    } else if (v->flags & VARIABLE_INSERT_ID) {
        l->learned.has_last_insert_id = true;
        l->learned.last_insert_id = number_of(value);
    }
    return v->flags != 0;
}

static void learn_variable(struct learning *l, int variable, struct bytes value)
{
    const struct variable *v = variable_at(variable);
    struct bytes names;

    if (learn_special(l, v, value))
        return;
    if (variable == variable_character_set_connection()) {
        learn_connection_charset(l, value);
        return;
    }
    if (bytes_equal_text(bytes_of_text(v->name), "character_set_server") &&
        assigns_default(l, v->name))
        unexplained(l);
    /* From here on NAMES would choose another collation than it did. */
    if (variable == variable_default_collation_for_utf8mb4() &&
        environment_value(l->before, variable_names(), &names) && is_utf8mb4(names))
        unexplained(l);
    assign(l, variable, value);
}

static bool comes_early(int variable)
{
    return variable == variable_character_set_connection() ||
           (variable >= 0 && variable_at(variable)->rank == VARIABLE_RANK_FIRST);
}

static void see_variable(struct learning *l, const struct tracker *tracker, bool early)
{
    int variable = variable_find(tracker->name);

    if (variable >= 0 && (variable_at(variable)->flags & (VARIABLE_NOISE | VARIABLE_TRACKING)))
        return;
    if (comes_early(variable) != early)
        return;
    l->named = true;
    /* SET STATEMENT reports its temporary values, and the values before it with a later OK. */
    if (set_kinds(l) & SET_STATEMENT)
        return;
    if (variable < 0)
        unexplained(l);
    else
        learn_variable(l, variable, tracker->value);
}

/* --- the other trackers ---------------------------------------------------------------------- */

static void see_characteristics(struct learning *l, struct bytes sql)
{
    bool in_transaction = l->ok->status & STATUS_IN_TRANSACTION;

    if (sql.size > 0 && !in_transaction)
        l->learned.pins_set |= PIN_ONE_SHOT;
    else if (sql.size == 0)
        l->learned.pins_cleared |= PIN_ONE_SHOT;
}

static void see_transaction_state(struct learning *l, struct bytes state)
{
    if (state.size != sizeof l->learned.transaction_state)
        return;
    l->learned.has_transaction_state = true;
    memcpy(l->learned.transaction_state, state.data, state.size);
    /* Its absence says little: a lock of FLUSH TABLES is never shown, so only UNLOCK ends the pin
     */
    if (state.data[7] == 'L')
        l->learned.pins_set |= PIN_LOCK_TABLES;
    else if (l->statement && (l->statement->ends_pins & PIN_LOCK_TABLES))
        l->learned.pins_cleared |= PIN_LOCK_TABLES;
}

static void see_early(struct learning *l, const struct tracker *tracker)
{
    switch (tracker->type) {
    case TRACKER_SYSTEM_VARIABLE:
        see_variable(l, tracker, true);
        break;
    case TRACKER_SCHEMA:
        l->named = true;
        adopt(l, environment_with_schema(l->store, l->learned.environment, tracker->value));
        break;
    case TRACKER_STATE_CHANGE:
        l->state_change = bytes_equal_text(tracker->value, "1");
        break;
    case TRACKER_TRANSACTION_CHARACTERISTICS:
        see_characteristics(l, tracker->value);
        break;
    case TRACKER_TRANSACTION_STATE:
        see_transaction_state(l, tracker->value);
        break;
    case TRACKER_GTIDS:
    default: /* types of later servers: what matters of them comes with a STATE_CHANGE */
        break;
    }
}

/* --- judging the whole ----------------------------------------------------------------------- */

/* A variable that the table does not know is not in the list of tracked ones either, so that of two
 * variables in one SET only the other would be reported. */
static bool assigns_unknown(const struct learning *l)
{
    const struct set_info *set;

    if (!l->statement)
        return false;
    set = &l->statement->set;
    for (size_t i = 0; i < set->count && i < SET_ASSIGNMENTS; i++)
        if (variable_find(set->assignments[i].name) < 0)
            return true;
    return set->count > SET_ASSIGNMENTS;
}

static bool is_explained(const struct learning *l)
{
    const struct statement *s = l->statement;
    unsigned own;

    if (l->named || (l->past->pins & PINS_THAT_EXCUSE))
        return true;
    if (!s)
        return false;
    own = s->pins | s->ends_pins | s->lessens;
    if ((own & PINS_THAT_EXPLAIN) || s->use_schema.size > 0)
        return true;
    /* ALTER TABLE of what turns out to be a temporary table */
    return (l->past->pins & PIN_TEMPORARY_TABLE) && s->class == STATEMENT_WRITE;
}

/* Trackers send the schema's name in UTF-8, but COM_INIT_DB is read in character_set_client. */
static bool is_schema_beyond_charset(const struct environment *environment)
{
    struct bytes schema = environment_schema(environment);
    struct bytes charset = environment_character_set_client(environment);

    if (charset.size == 0 || bytes_start_with(charset, "utf8"))
        return false;
    for (size_t i = 0; i < schema.size; i++)
        if (schema.data[i] > 0x7e)
            return true;
    return false;
}

static bool each_tracker(struct learning *l, void (*see)(struct learning *, const struct tracker *))
{
    struct tracker_reader reader = tracker_reader_over(l->ok->trackers);
    struct tracker tracker;

    while (tracker_next(&reader, &tracker))
        see(l, &tracker);
    return !reader.in.failed;
}

static void look_for_collation(struct learning *l, const struct tracker *tracker)
{
    if (tracker->type == TRACKER_SYSTEM_VARIABLE &&
        bytes_equal_text_nocase(tracker->name, "collation_connection"))
        l->has_collation = true;
}

static void see_late(struct learning *l, const struct tracker *tracker)
{
    if (tracker->type == TRACKER_SYSTEM_VARIABLE)
        see_variable(l, tracker, false);
}

struct learned tracking_learn(struct environment_store *store, const struct environment *before,
                              const struct tracking_past *past, const struct ok_packet *ok,
                              const struct statement *statement)
{
    struct learning l = {
        .store = store, .before = before, .past = past, .ok = ok, .statement = statement};

    l.learned.environment = environment_ref(before);
    l.learned.one_shot_variable = past->one_shot_variable;
    if (!each_tracker(&l, look_for_collation))
        l.learned.malformed = true;
    (void)each_tracker(&l, see_early);
    (void)each_tracker(&l, see_late);

    /* MariaDB does not report `SET @@identity`, and no server what a multi-statement mixes. */
    if (set_kinds(&l) & SET_ONE_SHOT) {
        l.learned.pins_set |= PIN_ONE_SHOT;
        l.learned.one_shot_variable = true;
    }
    if ((set_kinds(&l) & SET_STATEMENT) && statement->is_multi && l.named)
        unexplained(&l);
    if (l.learned.malformed || (l.state_change && (assigns_unknown(&l) || !is_explained(&l))))
        unexplained(&l);
    l.learned.changed = l.learned.environment != before;
    if (l.learned.changed && is_schema_beyond_charset(l.learned.environment))
        unexplained(&l);
    if (l.learned.one_shot_variable)
        l.learned.pins_cleared &= ~(unsigned)PIN_ONE_SHOT;
    l.learned.pins_cleared &= ~l.learned.pins_set;
    return l.learned;
}

/* --- switching the trackers on --------------------------------------------------------------- */

static bool is_in_list(struct bytes list, const char *wanted)
{
    struct bytes name;

    while (name = variables_next_name(&list), name.size > 0)
        if (bytes_equal_text_nocase(name, wanted))
            return true;
    return false;
}

size_t tracking_setup_sql(struct bytes server_variables, char *out, size_t capacity)
{
    static const struct {
        const char *name, *value;
    } switches[] = {
        {"session_track_schema", "ON"},
        {"session_track_state_change", "ON"},
        {"session_track_transaction_info", "'CHARACTERISTICS'"},
    };
    static const char head[] = "SET session_track_system_variables='";
    size_t size = sizeof head - 1, tracked;

    if (!is_in_list(server_variables, "session_track_system_variables") || capacity <= size)
        return 0;
    memcpy(out, head, size);
    tracked = variables_tracked(server_variables, out + size, capacity - size);
    if (tracked == 0)
        return 0;
    size += tracked;
    if (capacity - size < 2)
        return 0;
    out[size++] = '\'';
    out[size] = 0;
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        if (!is_in_list(server_variables, switches[i].name))
            continue;
        int more =
            snprintf(out + size, capacity - size, ",%s=%s", switches[i].name, switches[i].value);
        if ((size_t)more >= capacity - size)
            return 0;
        size += (size_t)more;
    }
    return size;
}
