/*
 * See held.h.
 */
#include "proxy/client/held.h"

#include "protocol/command.h"
#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"

#include <ctype.h>
#include <string.h>

enum {
    HELD_MAX = 64,
    HELD_NAME = 400, /* a schema's and a table's name, 64 characters each, unquoted */
};

static const unsigned kinds = PIN_TEMPORARY_TABLE | PIN_PREPARE | PIN_HANDLER | PIN_GET_LOCK;

struct held_thing {
    unsigned kind;  /* enum pin */
    unsigned count; /* locks: how often it was asked for; others: 1 */
    size_t size;
    char *name; /* owner */
};

struct held {
    unsigned unsure; /* enum pin: kinds of which there is more than is listed */
    unsigned count;
    struct held_thing things[HELD_MAX];
};

/* Means the same in every character set and sql_mode; names are compared across changes of those.
 */
static bool is_read_alike(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] > 0x7e || text.data[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* The name as it is compared. 0: it is not known which one is meant. Names are compared byte by
 * byte: what a server takes for the same although it is written otherwise only lasts longer here.
 */
static size_t name_of(const struct session *session, unsigned kind, const struct table_name *object,
                      char out[HELD_NAME])
{
    struct bytes schema = environment_schema(session->environment);
    size_t size = 0;

    if (!is_read_alike(object->name) || !is_read_alike(object->schema)) {
        return 0;
    }
    if (kind == PIN_TEMPORARY_TABLE) {
        if (object->schema.size > 0) {
            size = name_unquote(object->schema, out, HELD_NAME / 2);
        } else if (session->command->code == COMMAND_QUERY && schema.size > 0 &&
                   schema.size < HELD_NAME / 2) {
            memcpy(out, schema.data, schema.size); /* a prepared one has the schema of then */
            size = schema.size;
        }
        if (size == 0 || size >= HELD_NAME / 2) {
            return 0;
        }
        out[size++] = 0;
    }
    if (object->name.size == 0 || object->name.size >= HELD_NAME / 2) {
        return 0;
    }
    if (kind == PIN_GET_LOCK) {
        memcpy(out, object->name.data, object->name.size);
        return object->name.size;
    }
    size += name_unquote(object->name, out + size, HELD_NAME / 2);
    for (size_t i = 0; kind == PIN_PREPARE && i < size; i++) {
        out[i] = (char)tolower((unsigned char)out[i]);
    }
    return size;
}

static struct held_thing *find(struct held *held, unsigned kind, const char *name, size_t size)
{
    for (unsigned i = 0; i < held->count; i++) {
        struct held_thing *thing = &held->things[i];

        if (thing->kind == kind && thing->size == size && memcmp(thing->name, name, size) == 0) {
            return thing;
        }
    }
    return NULL;
}

static void cross_out(struct held *held, struct held_thing *thing)
{
    mem_free(thing->name);
    *thing = held->things[--held->count];
}

static void cross_out_kind(struct held *held, unsigned kind)
{
    for (unsigned i = held->count; i-- > 0;) {
        if (held->things[i].kind & kind) {
            cross_out(held, &held->things[i]);
        }
    }
    held->unsure &= ~kind;
}

static bool has_kind(const struct held *held, unsigned kind)
{
    for (unsigned i = 0; i < held->count; i++) {
        if (held->things[i].kind == kind) {
            return true;
        }
    }
    return (held->unsure & kind) != 0;
}

static void put_down(struct held *held, unsigned kind, const char *name, size_t size)
{
    struct held_thing *thing = find(held, kind, name, size);

    if (thing != NULL) {
        thing->count += kind == PIN_GET_LOCK;
    } else if (held->count == HELD_MAX) {
        held->unsure |= kind;
    } else {
        held->things[held->count++] = (struct held_thing){
            .kind = kind, .count = 1, .size = size, .name = mem_copy(name, size)};
    }
}

static struct held *of(struct session *session)
{
    if (session->held == NULL) {
        session->held = mem_calloc(1, sizeof *session->held);
    }
    return session->held;
}

/* One of kind `kind` was made, or made and named again (HANDLER ... READ). */
static void make(struct session *session, unsigned kind)
{
    const struct statement *statement = &session->command->statement;
    char name[HELD_NAME];
    size_t size = 0;

    if (statement->object_kind == kind && statement->object_count == 1 && !statement->is_multi) {
        size = name_of(session, kind, &statement->objects[0], name);
    }
    if (size == 0) {
        of(session)->unsure |= kind;
    } else {
        put_down(of(session), kind, name, size);
    }
}

/* Those named are no more. A table that is dropped under this name is the temporary one. */
static void end(struct session *session, unsigned kind)
{
    const struct statement *statement = &session->command->statement;
    struct bytes limit;

    if (session->held == NULL || statement->is_multi || statement->object_kind != kind ||
        (kind == PIN_GET_LOCK &&
         environment_value_named(session->environment, "sql_select_limit", &limit))) {
        return; /* under a limit of 0 a SELECT may release nothing */
    }
    for (unsigned i = 0; i < statement->object_count && i < STATEMENT_OBJECTS; i++) {
        char name[HELD_NAME];
        size_t size = name_of(session, kind, &statement->objects[i], name);
        struct held_thing *thing = size == 0 ? NULL : find(session->held, kind, name, size);

        if (thing != NULL && --thing->count == 0) {
            cross_out(session->held, thing);
        }
    }
}

void held_learn(struct session *session, unsigned made)
{
    const struct statement *statement = &session->command->statement;
    unsigned before = session->pins & kinds;

    if (session->held != NULL && (statement->ends_pins & kinds)) {
        cross_out_kind(session->held, statement->ends_pins & kinds);
    }

    for (unsigned kind = 1; kind <= kinds; kind <<= 1) {
        if (made & kinds & kind) {
            make(session, kind);
        }
    }
    if (statement->renames && (session->pins & PIN_TEMPORARY_TABLE)) {
        of(session)->unsure |= PIN_TEMPORARY_TABLE;
    }
    if (session->held == NULL || before == 0) {
        return;
    }
    if ((statement->lessens & kinds) != 0) {
        end(session, statement->lessens & kinds);
    }
    for (unsigned kind = 1; kind <= kinds; kind <<= 1) {
        if ((before & kind) && !(made & kind) && !has_kind(session->held, kind)) {
            session->pins &= ~kind;
        }
    }
}

void held_is_unsure(struct session *session, unsigned made)
{
    if (made & kinds) {
        of(session)->unsure |= made & kinds;
    }
}

void held_forget(struct session *session)
{
    if (session->held != NULL) {
        cross_out_kind(session->held, kinds);
        mem_free(session->held);
        session->held = NULL;
    }
}
