/*
 * See model.h.
 */
#include "model.h"

#include "packets.h"

#include "protocol/command.h"
#include "protocol/prepared.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum xa { XA_NONE, XA_ACTIVE, XA_IDLE, XA_PREPARED };

/* What one connection has set. */
struct connection_model {
    enum xa xa;
    uint32_t cursor; /* id of the statement that has one; 0: none */
    unsigned cursor_number;
    char schema[16];
    char zone[16];
    bool in_transaction;
    bool has_pending; /* one write of the transaction, the last */
    unsigned pending_id, pending_number;
};

static struct model *model;

static struct connection_model *model_of(struct connection *connection)
{
    if (connection->model == NULL) {
        connection->model = mem_calloc(1, sizeof(struct connection_model));
    }
    return connection->model;
}

static bool is_primary(const struct connection *connection)
{
    return connection->server->world->servers[connection->server->number].role == ROLE_PRIMARY;
}

static const char *status(struct connection *connection)
{
    return model_of(connection)->in_transaction ? "trans" : "";
}

static void answer_text(struct connection *connection, const char *text)
{
    answer_rows(connection, "a", text[0] != 0 ? text : "-", status(connection));
}

static void answer_number(struct connection *connection, unsigned number)
{
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    answer_text(connection, text);
}

static unsigned own_number(struct connection *connection, unsigned id)
{
    const struct connection_model *m = model_of(connection);

    assert_true(id < MODEL_IDS);
    if (m->has_pending && m->pending_id == id) {
        return m->pending_number;
    }
    return is_primary(connection) ? model->primary[id] : model->replica[id];
}

/* What XA does not allow in its present state. */
static bool refuse(struct connection *connection, bool is_allowed)
{
    if (!is_allowed) {
        answer_error(connection, 1399, "XAER_RMFAIL");
    }
    return !is_allowed;
}

static void insert(struct connection *connection, unsigned id, unsigned number)
{
    struct connection_model *m = model_of(connection);

    assert_true(id < MODEL_IDS);
    if (!is_primary(connection)) {
        answer_error(connection, 1290, "The server is running with the --read-only option");
        return;
    }
    if (refuse(connection, m->xa == XA_NONE || m->xa == XA_ACTIVE)) {
        return;
    }
    if (m->in_transaction) {
        m->has_pending = true;
        m->pending_id = id;
        m->pending_number = number;
        answer_ok(connection, "affected=1 trans");
    } else {
        model->primary[id] = number;
        answer_ok(connection, "affected=1");
    }
}

static void end_transaction(struct connection_model *m)
{
    if (m->has_pending) {
        model->primary[m->pending_id] = m->pending_number;
    }
    m->has_pending = m->in_transaction = false;
    m->xa = XA_NONE;
}

static void begin(struct connection *connection)
{
    if (refuse(connection, model_of(connection)->xa == XA_NONE)) {
        return;
    }
    end_transaction(model_of(connection));
    model_of(connection)->in_transaction = true;
    answer_ok(connection, "trans state=T_______");
}

static void commit(struct connection *connection)
{
    if (refuse(connection, model_of(connection)->xa == XA_NONE)) {
        return;
    }
    end_transaction(model_of(connection));
    answer_ok(connection, "state=________");
}

static void xa(struct connection *connection, const char *step)
{
    struct connection_model *m = model_of(connection);

    assert_true(is_primary(connection));
    if (strncmp(step, "START ", 6) == 0) {
        if (!refuse(connection, !m->in_transaction)) {
            m->in_transaction = true;
            m->xa = XA_ACTIVE;
            answer_ok(connection, "trans state=T_______");
        }
    } else if (strncmp(step, "COMMIT ", 7) == 0) {
        if (!refuse(connection, m->xa == XA_PREPARED)) {
            end_transaction(m);
            answer_ok(connection, "state=________");
        }
    } else if (!refuse(connection, m->xa == (step[0] == 'E' ? XA_ACTIVE : XA_IDLE))) {
        m->xa++;
        answer_ok(connection, "trans");
    }
}

/* Also the proxy's own SET, where the value has an introducer, and there may be others with it. */
static void set(struct connection *connection, const char *sql)
{
    struct connection_model *m = model_of(connection);
    const char *value = strstr(sql, "time_zone=");
    char words[64];

    if (value == NULL) {
        answer_ok(connection, status(connection));
        return;
    }
    value = strchr(value, '\'') + 1;
    snprintf(m->zone, sizeof m->zone, "%.*s", (int)strcspn(value, "'"), value);
    snprintf(words, sizeof words, "%s%sset:time_zone=%s change", status(connection),
             m->in_transaction ? " " : "", m->zone);
    answer_ok(connection, words);
}

static bool answer_query(struct connection *connection, const char *sql)
{
    unsigned id;
    unsigned number;

    if (sscanf(sql, "INSERT INTO shop.t VALUES (%u, %u)", &id, &number) == 2) {
        insert(connection, id, number);
    } else if (sscanf(sql, "SELECT a FROM shop.t WHERE id = %u", &id) == 1) {
        answer_number(connection, own_number(connection, id));
    } else if (strncmp(sql, "XA ", 3) == 0) {
        xa(connection, sql + 3);
    } else if (sscanf(sql, "SELECT %u", &number) == 1) {
        answer_number(connection, number);
    } else if (strcmp(sql, "SELECT a AS schema_of FROM shop.t") == 0) {
        answer_text(connection, model_of(connection)->schema);
    } else if (strcmp(sql, "SELECT a AS zone_of FROM shop.t") == 0) {
        answer_text(connection, model_of(connection)->zone);
    } else if (strcmp(sql, "BEGIN") == 0) {
        begin(connection);
    } else if (strcmp(sql, "COMMIT") == 0) {
        commit(connection);
    } else if (strncmp(sql, "SET ", 4) == 0) {
        set(connection, sql);
    } else if (strcmp(sql, "DO 0") == 0) {
        answer_ok(connection, "");
    } else if (strncmp(sql, "KILL ", 5) == 0) {
        answer_ok(connection, ""); /* whatever ran there ran at once */
    } else {
        return false;
    }
    return true;
}

static void init_db(struct connection *connection, const char *schema)
{
    struct connection_model *m = model_of(connection);
    char words[64];

    snprintf(m->schema, sizeof m->schema, "%s", schema);
    snprintf(words, sizeof words, "%s%sschema=%s change", status(connection),
             m->in_transaction ? " " : "", schema);
    answer_ok(connection, words);
}

/* A server would spoil a prepared transaction: such a connection has to be closed instead. */
static void reset(struct connection *connection)
{
    struct connection_model *m = model_of(connection);

    assert_int_not_equal(m->xa, XA_PREPARED);
    m->zone[0] = 0;
    m->in_transaction = m->has_pending = false;
    m->xa = XA_NONE;
    m->cursor = 0;
    connection->last_statement = 0;
    answer_ok(connection, "");
}

/* The proxy sends types whenever the client has ever sent them. */
static void execute(struct connection *connection, const struct seen *seen)
{
    struct bytes payload = bytes_of(seen->payload, seen->size);
    struct connection_model *m = model_of(connection);
    struct execute parts;
    char text[16] = "";
    unsigned number;

    assert_int_equal(execute_decode(payload, 1, connection->capabilities, &parts), PARSE_OK);
    assert_true(parts.types_sent);
    if (parts.id == 0 || parts.id > connection->last_statement) {
        answer_error(connection, 1243, "Unknown prepared statement handler");
        return;
    }
    assert_true(bytes_to_text(bytes_after(parts.values, 1), text, sizeof text));
    number = own_number(connection, (unsigned)strtoul(text, NULL, 10));
    if (m->cursor == parts.id) {
        m->cursor = 0;
    }
    if ((parts.flags & EXECUTE_CURSOR_MASK) == 0) {
        answer_number(connection, number);
        return;
    }
    m->cursor = parts.id;
    m->cursor_number = number;
    answer_cursor(connection, "a", m->in_transaction ? "trans cursor" : "cursor");
}

/* Only what has a cursor here is ever fetched from. */
static void fetch(struct connection *connection, const struct seen *seen)
{
    struct connection_model *m = model_of(connection);
    char text[16];
    uint32_t id;

    assert_int_equal(statement_id_read(bytes_of(seen->payload, seen->size), &id), PARSE_OK);
    assert_int_equal(id, m->cursor);
    m->cursor = 0;
    snprintf(text, sizeof text, "%u", m->cursor_number);
    answer_fetched(connection, text, m->in_transaction ? "trans last-row" : "last-row");
}

static bool answer(struct connection *connection, const struct seen *seen)
{
    switch (seen->code) {
    case COMMAND_PING:
        answer_ok(connection, status(connection));
        return true;
    case COMMAND_INIT_DB:
        init_db(connection, seen->text + strlen("INIT_DB "));
        return true;
    case COMMAND_RESET_CONNECTION:
        reset(connection);
        return true;
    case COMMAND_STMT_PREPARE:
        answer_prepared(connection, 1, 1);
        return true;
    case COMMAND_STMT_EXECUTE:
        execute(connection, seen);
        return true;
    case COMMAND_STMT_FETCH:
        fetch(connection, seen);
        return true;
    case COMMAND_FIELD_LIST:
        answer_fields(connection, "a", status(connection));
        return true;
    case COMMAND_QUERY:
        return answer_query(connection, seen->text + strlen("QUERY "));
    default:
        return false;
    }
}

void model_begin(struct world *world, struct model *of)
{
    model = of;
    memset(of, 0, sizeof *of);
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].answer = answer;
        world->scripts[i].by_itself = BY_ITSELF_SETUP | BY_ITSELF_CLOSE | BY_ITSELF_QUIT;
    }
    model_replicate(world);
}

void model_replicate(struct world *world)
{
    memcpy(model->replica, model->primary, sizeof model->replica);
    for (unsigned i = REPLICA_1; i <= REPLICA_2; i++) {
        world_set_horizon(world, i, world->now);
    }
    world->now += 1;
}
