/*
 * Random interleavings from a seed: bytes cut anywhere, events in any order, clients that leave,
 * servers that lose connections, hang, and come back, roles that change, operators who kill, pause
 * and drain. Whatever happens:
 *
 *   - every command of a client has exactly one answer, its own, or the connection ends;
 *   - a session reads its own writes;
 *   - at the end nothing is left, and no server ever had more connections than it may.
 *
 * TIDEMARK_SEED repeats one seed; TIDEMARK_ROUNDS does more.
 */
#include "client.h"
#include "model.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/backend/permits.h"
#include "proxy/client/command.h"
#include "proxy/client/kill.h"
#include "proxy/client/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    CLIENTS = 8,
    ACTIONS = 300,
    CONNECTIONS_MAX = 3,
    ROUNDS = 12,
    AWAITED_MAX = 8,
};

enum kind {
    OWN,
    WRITE,
    NUMBER,
    SCHEMA,
    ZONE,
    USE,
    SET_ZONE,
    BEGIN,
    COMMIT,
    PREPARE,
    EXECUTE,
    OPEN,
    FETCH,
    FIELDS,
    XA,
    OTHER,
};

static const char *const xa_steps[] = {"START", "END", "PREPARE", "COMMIT"};

enum { XA_STEPS = 4, XA_COMMIT = 3 };

/* A client, and what its answers must be. */
struct actor {
    struct client *client;
    unsigned id;
    unsigned written;   /* number of its last write that was confirmed */
    unsigned attempted; /* ... and of its last write at all */
    unsigned pending;   /* ... of the last one in its transaction */
    bool in_transaction;
    unsigned xa_next; /* the step of XA that it sends next */
    unsigned at_open; /* what its cursor must have read at least */
    bool prepared, types_sent;
    unsigned schema, zone; /* numbers of names; 0: none */
    struct {
        enum kind kind;
        unsigned number;
    } awaited[AWAITED_MAX];
    unsigned first, count;
};

static const char *const schemas[] = {"-", "shop", "store"};
static const char *const zones[] = {"-", "+02:00", "+03:00"};

static struct model model;
static struct world *world;
static unsigned next_id;

static uint64_t chance(uint64_t limit)
{
    return network_random(&world->network, limit);
}

/* ---- clients ---- */

static void arrive(struct actor *actor)
{
    unsigned schema = (unsigned)chance(3);
    struct client_login login = {.worker = (unsigned)chance(world->worker_count),
                                 .schema = schema != 0 ? schemas[schema] : NULL};

    if (next_id == MODEL_IDS) {
        return;
    }
    if (chance(3) == 0) {
        login.user = "other";
        login.password = "hidden";
    }
    if (chance(3) == 0) {
        login.capabilities = CLIENT_CAPABILITIES & ~CAPABILITY_DEPRECATE_EOF;
    }
    *actor = (struct actor){
        .client = client_connect(world, login.worker), .id = next_id++, .schema = schema};
    if (client_begin_login(actor->client, &login)[0] != 0 ||
        strcmp(client_end_login(actor->client), "ok") != 0) {
        client_leave(actor->client);
        actor->client = NULL;
    }
}

static void await(struct actor *actor, enum kind kind, unsigned number)
{
    unsigned last = (actor->first + actor->count++) % AWAITED_MAX;

    actor->awaited[last].kind = kind;
    actor->awaited[last].number = number;
}

static void send_query(struct actor *actor, enum kind kind, unsigned number, const char *sql)
{
    client_query(actor->client, sql);
    await(actor, kind, number);
}

static void send_execute(struct actor *actor, enum kind kind)
{
    char id[16];

    snprintf(id, sizeof id, "%u", actor->id);
    if (kind == OPEN) {
        client_execute_opening(actor->client, 1, id, !actor->types_sent);
    } else {
        client_execute(actor->client, 1, id, !actor->types_sent);
    }
    actor->types_sent = true;
    await(actor, kind, 0);
}

static void send_xa(struct actor *actor)
{
    char sql[32];

    snprintf(sql, sizeof sql, "XA %s '%u'", xa_steps[actor->xa_next], actor->id);
    send_query(actor, XA, actor->xa_next, sql);
    actor->xa_next = (actor->xa_next + 1) % XA_STEPS;
}

static void send_something(struct actor *actor)
{
    static const char prepared[] = "SELECT a FROM shop.t WHERE id = ?";
    unsigned number = (unsigned)chance(1000);
    char sql[100];

    if (actor->count == AWAITED_MAX) {
        return;
    }
    switch ((enum kind)chance(OTHER + 1)) {
    case OWN:
        snprintf(sql, sizeof sql, "SELECT a FROM shop.t WHERE id = %u", actor->id);
        send_query(actor, OWN, 0, sql);
        break;
    case WRITE:
        snprintf(sql, sizeof sql, "INSERT INTO shop.t VALUES (%u, %u)", actor->id,
                 ++actor->attempted);
        send_query(actor, WRITE, actor->attempted, sql);
        break;
    case NUMBER:
        snprintf(sql, sizeof sql, "SELECT %u", number);
        send_query(actor, NUMBER, number, sql);
        break;
    case SCHEMA:
        send_query(actor, SCHEMA, 0, "SELECT a AS schema_of FROM shop.t");
        break;
    case ZONE:
        send_query(actor, ZONE, 0, "SELECT a AS zone_of FROM shop.t");
        break;
    case USE:
        number = 1 + number % 2;
        client_send(actor->client, COMMAND_INIT_DB, schemas[number], strlen(schemas[number]));
        await(actor, USE, number);
        break;
    case SET_ZONE:
        number = 1 + number % 2;
        snprintf(sql, sizeof sql, "SET time_zone='%s'", zones[number]);
        send_query(actor, SET_ZONE, number, sql);
        break;
    case BEGIN:
        send_query(actor, BEGIN, 0, "BEGIN");
        break;
    case COMMIT:
        send_query(actor, COMMIT, 0, "COMMIT");
        break;
    case PREPARE:
        if (!actor->prepared) {
            client_send(actor->client, COMMAND_STMT_PREPARE, prepared, sizeof prepared - 1);
            await(actor, PREPARE, 0);
            actor->prepared = true; /* or refused: then EXECUTE says so */
        }
        break;
    case EXECUTE:
        if (actor->prepared) {
            send_execute(actor, EXECUTE);
        }
        break;
    case OPEN:
        if (actor->prepared) {
            send_execute(actor, OPEN);
        }
        break;
    case FETCH:
        if (actor->prepared) {
            client_fetch(actor->client, 1, 1 + number % 3);
            await(actor, FETCH, 0);
        }
        break;
    case FIELDS:
        client_send(actor->client, COMMAND_FIELD_LIST, "t\0", 2);
        await(actor, FIELDS, 0);
        break;
    case XA:
        send_xa(actor);
        break;
    case OTHER:
        if (number < 100) {
            client_send(actor->client, COMMAND_RESET_CONNECTION, NULL, 0);
            await(actor, OTHER, 1);
        } else {
            client_send(actor->client, COMMAND_PING, NULL, 0);
            await(actor, OTHER, 0);
        }
    }
}

/* Errors of the proxy's making, and of what follows from them: nothing else is ever sent. */
static void check_refusal(struct actor *actor, enum kind kind, const char *came)
{
    unsigned long code = strtoul(came + strlen("error "), NULL, 10);

    if (code == 2013 || code == 1040 || code == 1105 || code == 1927) {
        return;
    }
    if (code == 1399 && (kind == XA || kind == WRITE || kind == BEGIN || kind == COMMIT)) {
        return;
    }
    if (code == 1421 && kind == FETCH) {
        return;
    }
    if (code != 1243 || (kind != EXECUTE && kind != OPEN && kind != FETCH)) {
        fail_msg("actor %u: unexpected %s", actor->id, came);
    }
}

/* The one value of a result set, whatever stands behind it. */
static bool is_value(const char *came, const char *value)
{
    size_t size = strlen(value);

    return strncmp(came, "rows ", 5) == 0 && strncmp(came + 5, value, size) == 0 &&
           (came[5 + size] == 0 || came[5 + size] == ' ');
}

static void check_own(const struct actor *actor, const char *came)
{
    unsigned long number = strtoul(came + 5, NULL, 10);

    assert_memory_equal(came, "rows ", 5);
    if (number < actor->written || number < actor->pending || number > actor->attempted) {
        fail_msg("actor %u wrote %u (%u in its transaction, tried %u) and read %s", actor->id,
                 actor->written, actor->pending, actor->attempted, came);
    }
}

/* What was there when the cursor was opened, or a later one: it may have been opened again. */
static void check_fetched(const struct actor *actor, const char *came)
{
    unsigned long number = strtoul(came + 5, NULL, 10);

    assert_memory_equal(came, "rows ", 5);
    assert_non_null(strstr(came, "last-row"));
    assert_true(number >= actor->at_open && number <= actor->attempted);
}

static void forget_state(struct actor *actor)
{
    actor->zone = 0;
    actor->in_transaction = false;
    actor->pending = 0;
}

static void check_done(struct actor *actor, enum kind kind, unsigned number, const char *came)
{
    char text[16];

    switch (kind) {
    case OWN:
    case EXECUTE:
        check_own(actor, came);
        return;
    case NUMBER:
        snprintf(text, sizeof text, "%u", number);
        assert_true(is_value(came, text));
        return;
    case SCHEMA:
        if (!is_value(came, schemas[actor->schema])) {
            fail_msg("actor %u is in schema %s, but: %s", actor->id, schemas[actor->schema], came);
        }
        return;
    case ZONE:
        if (!is_value(came, zones[actor->zone])) {
            fail_msg("actor %u is in zone %s, but: %s", actor->id, zones[actor->zone], came);
        }
        return;
    case OPEN:
        assert_string_equal(came, actor->in_transaction ? "rows (trans cursor)" : "rows (cursor)");
        actor->at_open = actor->pending > actor->written ? actor->pending : actor->written;
        return;
    case FETCH:
        check_fetched(actor, came);
        return;
    case FIELDS:
        assert_string_equal(came, "fields 1");
        return;
    case PREPARE:
        assert_string_equal(came, "prepared 1 parameters=1 columns=1");
        return;
    case WRITE:
        assert_string_equal(came, actor->in_transaction ? "ok affected=1 trans" : "ok affected=1");
        *(actor->in_transaction ? &actor->pending : &actor->written) = number;
        return;
    case USE:
        actor->schema = number;
        break;
    case SET_ZONE:
        actor->zone = number;
        break;
    case BEGIN:
    case COMMIT:
        /* Either commits what was open. */
        actor->written = actor->pending > actor->written ? actor->pending : actor->written;
        actor->pending = 0;
        actor->in_transaction = kind == BEGIN;
        break;
    case XA:
        if (number == XA_COMMIT) {
            actor->written = actor->pending > actor->written ? actor->pending : actor->written;
            actor->pending = 0;
        }
        actor->in_transaction = number != XA_COMMIT;
        break;
    case OTHER:
        if (number == 1) {
            forget_state(actor);
        }
        break;
    }
    assert_memory_equal(came, "ok", 2);
}

static void check_answer(struct actor *actor, const char *came)
{
    enum kind kind = actor->awaited[actor->first].kind;
    unsigned number = actor->awaited[actor->first].number;

    actor->first = (actor->first + 1) % AWAITED_MAX;
    actor->count--;
    if (strncmp(came, "error ", 6) == 0) {
        check_refusal(actor, kind, came);
    } else {
        check_done(actor, kind, number, came);
    }
}

static void read_answers(struct actor *actor)
{
    const char *came;

    while (actor->client != NULL && (came = client_read(actor->client)) != NULL) {
        if (strcmp(came, "closed") == 0) {
            actor->client = NULL;
            return;
        }
        if (actor->count == 0) {
            fail_msg("an answer to no command: %s", came);
        }
        check_answer(actor, came);
    }
    if (actor->client != NULL && actor->client->wire->proxy_closed) {
        actor->client = NULL; /* ... with a part of an answer */
    }
}

/* ---- what goes wrong ---- */

static struct connection *some_connection(void)
{
    struct server *server = &world->scripts[chance(WORLD_SERVERS)];

    return server->count == 0
               ? NULL
               : server_connection(world, server->number, 1 + (unsigned)chance(server->count));
}

static void lose_something(void)
{
    struct connection *connection = some_connection();

    if (connection != NULL && !connection->wire->peer_closed) {
        wire_end(connection->wire, chance(2) != 0 ? UV_ECONNRESET : UV_EOF);
    }
}

static void hold_something(void)
{
    struct connection *connection = some_connection();

    if (connection != NULL && chance(2) == 0) {
        connection->wire->held = !connection->wire->held;
    } else if (connection != NULL) {
        connection->wire->take_max = chance(2) == 0 ? SIZE_MAX : 1 + (size_t)chance(20);
    }
}

static void change_a_server(void)
{
    unsigned i = (unsigned)chance(WORLD_SERVERS);

    switch (chance(3)) {
    case 0:
        world->servers[i].usable = !world->servers[i].usable;
        world->servers[i].why_not = world->servers[i].usable ? "" : "changed";
        world_publish(world);
        break;
    case 1:
        world->scripts[i].connect_status = world->scripts[i].connect_status ? 0 : UV_ECONNREFUSED;
        break;
    default:
        world->scripts[i].login_error = 0;
    }
}

/* ---- what operators do ---- */

static void kill_some_session(void)
{
    struct session *session = world->workers[chance(world->worker_count)].sessions;
    struct kill_outcome outcome;

    for (uint64_t skip = chance(CLIENTS); session != NULL && skip > 0; skip--) {
        session = session->next;
    }
    if (session != NULL) {
        session_kill(session, false, &outcome);
    }
}

static void recall(int server)
{
    for (unsigned i = 0; i < world->worker_count; i++) {
        struct session *next;

        for (struct session *session = world->workers[i].sessions; session != NULL;
             session = next) {
            next = session->next;
            command_recall(session, server);
        }
        worker_wake(&world->workers[i]);
    }
}

static void operate(void)
{
    unsigned i = (unsigned)chance(WORLD_SERVERS);

    switch (chance(4)) {
    case 0:
        kill_some_session();
        break;
    case 1:
        atomic_store(&world->process.is_paused, !atomic_load(&world->process.is_paused));
        recall(-1);
        break;
    case 2:
        world->servers[i].usable = false;
        world->servers[i].state = STATE_DRAINING;
        world->servers[i].why_not = "draining";
        world_publish(world);
        recall((int)i);
        break;
    default: /* so that neither lasts */
        atomic_store(&world->process.is_paused, false);
        world->servers[i].usable = true;
        world->servers[i].state = STATE_UP;
        world->servers[i].why_not = "";
        world_publish(world);
        recall(-1);
    }
}

static void act(struct actor *actors)
{
    struct actor *actor = &actors[chance(CLIENTS)];

    switch (chance(26)) {
    case 7:
    case 8:
        operate();
        break;
    case 0:
        lose_something();
        break;
    case 1:
        hold_something();
        break;
    case 2:
        change_a_server();
        break;
    case 3:
        if (actor->client != NULL) {
            client_leave(actor->client);
            actor->client = NULL;
        }
        break;
    case 4:
    case 5:
        model_replicate(world);
        break;
    case 6:
        world_advance_ms(world, (unsigned)chance(400));
        break;
    default:
        if (actor->client == NULL) {
            arrive(actor);
        } else {
            send_something(actor);
        }
    }
    if (chance(2) == 0) {
        read_answers(actor);
    }
}

static void assert_limits(void)
{
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        unsigned open = 0;

        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            open += !c->wire->proxy_closed;
        }
        assert_true(open <= CONNECTIONS_MAX);
        assert_true(world_permits(world, i) <= CONNECTIONS_MAX);
    }
}

/* Everything works again: then every command gets its answer. */
static void heal(struct actor *actors)
{
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].usable = true;
        world->servers[i].state = STATE_UP;
        world->servers[i].why_not = "";
        world->scripts[i].connect_status = 0;
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            c->wire->held = false;
        }
    }
    atomic_store(&world->process.is_paused, false);
    world_publish(world);
    model_replicate(world);
    world_advance_ms(world, 30000);
    for (unsigned i = 0; i < CLIENTS; i++) {
        read_answers(&actors[i]);
        if (actors[i].client != NULL) {
            assert_int_equal(actors[i].count, 0);
        }
    }
}

static void play(uint64_t seed)
{
    struct actor actors[CLIENTS];

    memset(actors, 0, sizeof actors);
    next_id = 0;
    world =
        world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=3",
                  "TIDEMARK_SERVER_DB2_MAX_CONNECTIONS=3", "TIDEMARK_SERVER_DB3_MAX_CONNECTIONS=3",
                  "TIDEMARK_POOL_WAIT_TIMEOUT_MS=3000", "TIDEMARK_PROXY_FAILOVER_WAIT_MS=2000",
                  seed % 2 != 0 ? "TIDEMARK_POOL_MIN_IDLE=1" : "TIDEMARK_POOL_MIN_IDLE=0", NULL);
    world->network.seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    world->event_ns = 1000;
    world->moves_connections = seed % 3 != 0;
    model_begin(world, &model);
    for (unsigned i = 0; i < ACTIONS; i++) {
        act(actors);
        assert_limits();
    }
    heal(actors);
    world_end(world);
}

static void random_interleavings(void **state)
{
    const char *one = getenv("TIDEMARK_SEED");
    const char *many = getenv("TIDEMARK_ROUNDS");
    uint64_t rounds = many != NULL ? strtoull(many, NULL, 10) : ROUNDS;

    (void)state;
    if (one != NULL) {
        play(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_interleavings)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
