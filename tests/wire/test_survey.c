/*
 * Surveys: everybody is seen once, whoever comes and goes between two slices.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/inquiry.h"
#include "proxy/program.h"
#include "proxy/survey.h"

#include <stdio.h>
#include <string.h>

enum { MANY = SURVEY_SLICE * 3 };

static struct world *asked;
static void (*between)(unsigned turn); /* what happens between two turns of the loop */

/* In place of threads: the workers' turns, one by one. */
void inquiry_run(struct worker_thread *const *workers, size_t count, inquiry_job *job, void *states,
                 size_t state_size)
{
    (void)workers;
    for (size_t i = 0; i < count; i++) {
        for (unsigned turn = 0; !job(&asked->workers[i], (uint8_t *)states + i * state_size);
             turn++) {
            if (between != NULL) {
                between(turn);
            }
            world_run(asked);
        }
    }
}

static struct program program_of(struct world *world)
{
    asked = world;
    between = NULL;
    return (struct program){.process = &world->process, .worker_count = world->worker_count};
}

/* ---- who is seen ---- */

struct seen_ids {
    unsigned times[4096];
    unsigned count;
};

static struct seen_ids ids;
static struct client *clients[MANY];

static void note_id(void *context, const struct session_sight *sight)
{
    struct seen_ids *seen = context;

    assert_true(sight->id < 4096);
    seen->times[sight->id]++;
    seen->count++;
}

/* Those at the edge of the slices leave: the ones just seen, and the ones that would come next. */
static void some_leave(unsigned turn)
{
    unsigned edge = MANY - 1 - (turn + 1) * SURVEY_SLICE; /* youngest first */

    for (unsigned i = edge - 2; i <= edge + 2 && i < MANY; i++) {
        if (clients[i] != NULL) {
            client_leave(clients[i]);
            clients[i] = NULL;
        }
    }
    (void)client_log_in(asked, NULL);
}

static void everybody_is_seen_once(void **state)
{
    struct world *world = world_new(1, NULL);
    struct program program = program_of(world);

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        clients[i] = client_log_in(world, NULL);
    }
    memset(&ids, 0, sizeof ids);
    survey_sessions(&program, note_id, &ids);
    assert_int_equal(ids.count, MANY);
    memset(&ids, 0, sizeof ids);
    between = some_leave;
    survey_sessions(&program, note_id, &ids);
    assert_true(ids.count < MANY);
    for (unsigned i = 0; i < MANY; i++) {
        if (clients[i] != NULL) {
            assert_int_equal(ids.times[clients[i]->id], 1);
        }
    }
    for (unsigned i = 0; i < 4096; i++) {
        assert_true(ids.times[i] <= 1);
    }
    world_end(world);
}

/* ---- what is seen ---- */

struct wanted {
    uint32_t id;
    struct session_sight sight;
    char sql[64], schema[64];
    unsigned found;
};

static void take(void *context, const struct session_sight *sight)
{
    struct wanted *wanted = context;

    if (sight->id == wanted->id) {
        wanted->sight = *sight;
        assert_true(bytes_to_text(sight->sql, wanted->sql, sizeof wanted->sql));
        assert_true(bytes_to_text(sight->schema, wanted->schema, sizeof wanted->schema));
        wanted->found++;
    }
}

static struct wanted look_at(struct program *program, const struct client *client)
{
    struct wanted wanted = {.id = client->id};

    survey_sessions(program, take, &wanted);
    assert_int_equal(wanted.found, 1);
    return wanted;
}

/* A server has had the time to parse a statement only when the statement was with it that long. */
static void waiting_is_not_running(void **state)
{
    struct world *world = world_new(1, NULL);
    struct program program = program_of(world);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    struct wanted seen;

    (void)state;
    atomic_store(&world->process.is_paused, true);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 5000);
    assert_int_equal(look_at(&program, client).sight.running_ns, 0);
    atomic_store(&world->process.is_paused, false);
    world_advance_ms(world, 100);
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    seen = look_at(&program, client);
    assert_true(world->now - seen.sight.since_ns >= 5000000000);
    assert_true(seen.sight.running_ns == 0 || seen.sight.running_ns == world->now);
    world_advance_ms(world, 1000);
    seen = look_at(&program, client);
    assert_true(seen.sight.running_ns != 0 && world->now - seen.sight.running_ns <= 1000000000);
    answer_ok(connection, "");
    client_expect(client, "ok");
    world_end(world);
}

static void session_shows_what_it_does(void **state)
{
    struct world *world = world_new(1, NULL);
    struct program program = program_of(world);
    struct client *client = client_log_in(world, "shop");
    struct connection *connection;
    struct wanted seen;
    uint64_t pinned;

    (void)state;
    seen = look_at(&program, client);
    assert_string_equal(session_state_name(seen.sight.state), "idle");
    assert_true(seen.sight.is_known && !seen.sight.has_command && seen.sight.autocommit);
    assert_string_equal(seen.schema, "shop");
    assert_int_equal(seen.sight.server, SURVEY_NO_SERVER);
    assert_int_equal(seen.sight.floor_ns, 0);

    world_advance_ms(world, 5000);
    client_query(client, "DELETE FROM t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM t");
    world_advance_ms(world, 300);
    seen = look_at(&program, client);
    assert_string_equal(session_state_name(seen.sight.state), "running");
    assert_true(seen.sight.has_command);
    assert_int_equal(world->now - seen.sight.since_ns, 300000000);
    assert_int_equal(world->now - seen.sight.running_ns, 200000000); /* the first tick saw it */
    assert_string_equal(seen.sql, "DELETE FROM t");
    assert_int_equal(seen.sight.server, PRIMARY);
    assert_int_equal(seen.sight.thread_id, connection->number);
    assert_non_null(seen.sight.why);
    answer_ok(connection, "");
    client_expect(client, "ok");

    seen = look_at(&program, client);
    assert_int_equal(seen.sight.floor_ns, world->now);
    assert_int_equal(seen.sight.pins, 0);
    world_advance_ms(world, 1000);
    client_query(client, "BEGIN");
    answer_ok(server_expect(world, PRIMARY, "QUERY BEGIN"), "trans");
    client_expect(client, "ok trans");
    pinned = world->now;
    world_advance_ms(world, 2000);
    client_query(client, "SET ROLE r");
    answer_ok(server_expect(world, PRIMARY, "QUERY SET ROLE r"), "trans");
    client_expect(client, "ok trans");
    seen = look_at(&program, client);
    assert_int_equal(seen.sight.pins, PIN_TRANSACTION | PIN_ROLE);
    assert_int_equal(seen.sight.pinned_ns, pinned); /* since the first of them */
    assert_int_not_equal(seen.sight.pinned_by, 0);
    assert_int_equal(seen.sight.transaction, SESSION_TRANSACTION_READ_WRITE);
    world_advance_ms(world, 3000);
    seen = look_at(&program, client);
    assert_true(world->now - seen.sight.since_ns >= 2900000000);
    client_send(client, COMMAND_RESET_CONNECTION, NULL, 0);
    client_expect(client, "ok");
    seen = look_at(&program, client);
    assert_int_equal(seen.sight.pins, 0);
    assert_int_equal(seen.sight.pinned_ns, 0);
    world_end(world);
}

static void session_shows_what_it_waits_for(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct program program = program_of(world);
    struct client *holder = client_log_in(world, NULL);
    struct client *waiter = client_log_in(world, NULL);

    (void)state;
    client_query(holder, "DELETE FROM shop.t");
    (void)server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    client_query(waiter, "DELETE FROM shop.u");
    world_run(world);
    assert_int_equal(look_at(&program, waiter).sight.waits, WAITS_FOR_CONNECTION);
    assert_int_equal(look_at(&program, waiter).sight.server, PRIMARY);
    client_leave(waiter);

    world->scripts[REPLICA_1].holds_connects = world->scripts[REPLICA_2].holds_connects = true;
    waiter = client_log_in(world, NULL);
    world_replicas_follow(world);
    client_query(waiter, "SELECT a FROM shop.t");
    world_run(world);
    assert_int_equal(look_at(&program, waiter).sight.waits, WAITS_FOR_OPENING);
    client_leave(waiter);

    atomic_store(&world->process.is_paused, true);
    waiter = client_log_in(world, NULL);
    client_query(waiter, "SELECT a FROM shop.t");
    world_run(world);
    assert_int_equal(look_at(&program, waiter).sight.waits, WAITS_FOR_RESUME);
    assert_null(look_at(&program, waiter).sight.why); /* it was not routed yet */
    client_leave(waiter);
    atomic_store(&world->process.is_paused, false);

    world->primary = -1;
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].usable = false;
    }
    world_publish(world);
    waiter = client_log_in(world, NULL);
    client_query(waiter, "SELECT a FROM shop.t");
    world_run(world);
    assert_int_equal(look_at(&program, waiter).sight.waits, WAITS_FOR_SERVER);
    client_leave(waiter);
    client_leave(holder);
    world_advance_ms(world, 11000); /* until the connections that hang are given up */
    world_end(world);
}

/* ---- connections and pools ---- */

struct backends {
    unsigned count, leased, idle;
    uint32_t session;
};

static void count_backend(void *context, const struct backend_sight *sight)
{
    struct backends *backends = context;

    assert_int_equal(sight->server, PRIMARY);
    backends->count++;
    backends->leased += sight->state == BACKEND_LEASED;
    backends->idle += sight->state == BACKEND_IDLE;
    if (sight->session != 0) {
        backends->session = sight->session;
    }
}

static void sum_pool(void *context, const struct pool_sight *sight)
{
    struct pool_sight *sum = context;

    assert_int_equal(sight->server, PRIMARY);
    assert_int_equal(sum->idle + sum->leased, 0); /* one per server and user */
    *sum = *sight;
}

static void connections_and_pools(void **state)
{
    struct world *world = world_new(2, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=2", NULL);
    struct program program = program_of(world);
    struct client *busy = client_log_in(world, NULL);
    struct client *other = client_log_in(world, "shop");
    struct client *waiter = client_log_in_as(world, &(struct client_login){.worker = 1});
    struct connection *connection;
    struct backends backends = {0};
    struct pool_sight pool = {0};

    (void)state;
    client_query(busy, "BEGIN");
    answer_ok(server_expect(world, PRIMARY, "QUERY BEGIN"), "trans");
    client_expect(busy, "ok trans");
    client_query(other, "DELETE FROM t");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM t");
    client_query(waiter, "DELETE FROM shop.t");
    world_advance_ms(world, 700);
    survey_pools(&program, sum_pool, &pool);
    assert_int_equal(pool.leased, 2);
    assert_int_equal(pool.waiting, 1);
    assert_int_equal(world->now - pool.oldest_wait_ns, 700000000);
    answer_ok(connection, "");
    client_expect(other, "ok");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(waiter, "ok");
    pool = (struct pool_sight){0};
    survey_pools(&program, sum_pool, &pool);
    assert_int_equal(pool.leased, 1);
    assert_int_equal(pool.idle, 1);
    assert_int_equal(pool.waiting, 0);
    assert_int_equal(pool.oldest_wait_ns, 0);
    survey_backends(&program, count_backend, &backends);
    assert_int_equal(backends.count, 2);
    assert_int_equal(backends.leased, 1);
    assert_int_equal(backends.session, busy->id);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_seen_once), cmocka_unit_test(session_shows_what_it_does),
        cmocka_unit_test(waiting_is_not_running), cmocka_unit_test(session_shows_what_it_waits_for),
        cmocka_unit_test(connections_and_pools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
