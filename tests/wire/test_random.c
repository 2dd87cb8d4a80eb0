/*
 * Random interleavings from a seed: bytes cut anywhere, events in any order, clients that leave,
 * servers that lose connections, hang, and come back, roles that change. Whatever happens:
 *
 *   - every command of a client has exactly one answer, its own, or the connection ends;
 *   - a session reads its own writes;
 *   - at the end nothing is left, and no server ever had more connections than it may.
 *
 * TIDEMARK_SEED repeats one seed; TIDEMARK_ROUNDS does more.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/backend/permits.h"

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

/* A client, and what it may read. */
struct actor {
    struct client *client;
    unsigned id;
    unsigned written;   /* number of its last write that was confirmed */
    unsigned attempted; /* ... and of its last write at all */
    struct {
        char kind; /* 'r' read own, 'w' write, 's' select text, 'p' ping, 'b' begin, 'c' commit */
        unsigned number;
    } awaited[AWAITED_MAX];
    unsigned first, count;
    bool in_transaction;
};

/* The data: what each actor has written, as the primary has it and as the replicas have it. */
struct data {
    unsigned primary[CLIENTS * 64];
    unsigned replica[CLIENTS * 64];
    unsigned ids;
};

static struct data data;
static struct world *world;

static uint64_t chance(uint64_t limit)
{
    return network_random(&world->network, limit);
}

/* ---- servers: they answer everything, from the data ---- */

static bool answer_query(struct connection *connection, const char *sql)
{
    bool is_primary = world->servers[connection->server->number].role == ROLE_PRIMARY;
    unsigned id;
    unsigned number;
    char text[100];

    if (sscanf(sql, "INSERT INTO shop.t VALUES (%u, %u)", &id, &number) == 2) {
        if (!is_primary) {
            answer_error(connection, 1290, "The server is running with the --read-only option");
            return true;
        }
        data.primary[id] = number;
        answer_ok(connection, connection->number % 2 != 0 ? "affected=1" : "affected=1 id=3");
        return true;
    }
    if (sscanf(sql, "SELECT a FROM shop.t WHERE id = %u", &id) == 1) {
        number = is_primary ? data.primary[id] : data.replica[id];
        snprintf(text, sizeof text, "%u", number);
        answer_rows(connection, "a", text, "");
        return true;
    }
    if (sscanf(sql, "SELECT %u", &number) == 1) {
        snprintf(text, sizeof text, "%u", number);
        answer_rows(connection, "n", text, "");
        return true;
    }
    if (strncmp(sql, "SET ", 4) == 0) {
        answer_ok(connection, strstr(sql, "+02:00") != NULL ? "set:time_zone=+02:00 change"
                                                            : "set:time_zone=+03:00 change");
        return true;
    }
    return false;
}

static bool answer(struct connection *connection, const struct seen *seen)
{
    if (seen->code == COMMAND_QUIT) {
        answer_done(connection);
        wire_end(connection->wire, UV_EOF);
        return true;
    }
    if (seen->code == COMMAND_PING) {
        answer_ok(connection, "");
        return true;
    }
    return seen->code == COMMAND_QUERY && answer_query(connection, seen->text + strlen("QUERY "));
}

/* Replication: all replicas get everything, and their horizon is the moment before. */
static void replicate(void)
{
    uint64_t moment = world->now;

    memcpy(data.replica, data.primary, sizeof data.replica);
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world_set_horizon(world, i, moment);
    }
    world->now += 1;
}

/* ---- clients ---- */

static void arrive(struct actor *actor)
{
    struct client_login login = {.worker = (unsigned)chance(world->worker_count),
                                 .schema = chance(2) != 0 ? "shop" : NULL};

    if (chance(3) == 0) {
        login.user = "other";
        login.password = "hidden";
    }
    if (chance(3) == 0) {
        login.capabilities = CLIENT_CAPABILITIES & ~CAPABILITY_DEPRECATE_EOF;
    }
    *actor = (struct actor){.client = client_connect(world, login.worker), .id = data.ids++};
    if (client_begin_login(actor->client, &login)[0] != 0 ||
        strcmp(client_end_login(actor->client), "ok") != 0) {
        client_leave(actor->client);
        actor->client = NULL;
    }
}

static void await(struct actor *actor, char kind, unsigned number)
{
    unsigned last = (actor->first + actor->count++) % AWAITED_MAX;

    actor->awaited[last].kind = kind;
    actor->awaited[last].number = number;
}

static void send_something(struct actor *actor)
{
    char sql[100];

    if (actor->count == AWAITED_MAX) {
        return;
    }
    switch (chance(8)) {
    case 0:
    case 1:
        snprintf(sql, sizeof sql, "INSERT INTO shop.t VALUES (%u, %u)", actor->id,
                 ++actor->attempted);
        client_query(actor->client, sql);
        await(actor, 'w', actor->attempted);
        break;
    case 2:
    case 3:
    case 4:
        snprintf(sql, sizeof sql, "SELECT a FROM shop.t WHERE id = %u", actor->id);
        client_query(actor->client, sql);
        await(actor, 'r', 0);
        break;
    case 5:
        snprintf(sql, sizeof sql, "SELECT %u", (unsigned)chance(1000));
        client_query(actor->client, sql);
        await(actor, 's', (unsigned)strtoul(sql + 7, NULL, 10));
        break;
    case 6:
        snprintf(sql, sizeof sql, "SET time_zone='+0%u:00'", 2 + (unsigned)chance(2));
        client_query(actor->client, sql);
        await(actor, 'o', 0);
        break;
    default:
        client_send(actor->client, COMMAND_PING, NULL, 0);
        await(actor, 'o', 0);
    }
}

static void check_answer(struct actor *actor, const char *came)
{
    char kind = actor->awaited[actor->first].kind;
    unsigned number = actor->awaited[actor->first].number;
    bool refused = strncmp(came, "error ", 6) == 0;

    actor->first = (actor->first + 1) % AWAITED_MAX;
    actor->count--;
    if (refused) {
        /* Errors of this proxy's making: nothing else is ever sent. */
        if (strncmp(came + 6, "2013 ", 5) != 0 && strncmp(came + 6, "1040 ", 5) != 0 &&
            strncmp(came + 6, "1105 ", 5) != 0) {
            fail_msg("unexpected: %s", came);
        }
        return;
    }
    switch (kind) {
    case 'w':
        assert_memory_equal(came, "ok affected=1", 13);
        actor->written = number;
        break;
    case 'r':
        assert_memory_equal(came, "rows ", 5);
        if (strtoul(came + 5, NULL, 10) < actor->written) {
            fail_msg("session of actor %u wrote %u and read %s", actor->id, actor->written, came);
        }
        break;
    case 's':
        assert_memory_equal(came, "rows ", 5);
        assert_int_equal(strtoul(came + 5, NULL, 10), number);
        break;
    default:
        assert_memory_equal(came, "ok", 2);
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

    if (connection != NULL) {
        connection->wire->held = !connection->wire->held;
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

static void act(struct actor *actors)
{
    struct actor *actor = &actors[chance(CLIENTS)];

    switch (chance(24)) {
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
        replicate();
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
        world->servers[i].why_not = "";
        world->scripts[i].connect_status = 0;
        for (struct connection *c = world->scripts[i].first; c != NULL; c = c->next) {
            c->wire->held = false;
        }
    }
    world_publish(world);
    replicate();
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
    memset(&data, 0, sizeof data);
    world =
        world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=3",
                  "TIDEMARK_SERVER_DB2_MAX_CONNECTIONS=3", "TIDEMARK_SERVER_DB3_MAX_CONNECTIONS=3",
                  "TIDEMARK_POOL_WAIT_TIMEOUT_MS=3000", "TIDEMARK_PROXY_FAILOVER_WAIT_MS=2000",
                  seed % 2 != 0 ? "TIDEMARK_POOL_MIN_IDLE=1" : "TIDEMARK_POOL_MIN_IDLE=0", NULL);
    world->network.seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    world->event_ns = 1000;
    world->moves_connections = seed % 3 != 0;
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].answer = answer;
    }
    replicate();
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
        print_message("seed %llu\n", (unsigned long long)seed);
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_interleavings)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
