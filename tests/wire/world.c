/*
 * See world.h.
 */
#include "world.h"

#include "client.h"
#include "server.h"

#include "protocol/rsa_key.h"
#include "proxy/backend/permits.h"
#include "proxy/backend/pool.h"
#include "proxy/client/environment.h"
#include "proxy/client/throttle.h"
#include "proxy/client/kill_post.h"
#include "proxy/client/user_secret.h"
#include "proxy/client/variables.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/options.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char ini[] = "[proxy]\n"
                          "listen = 127.0.0.1:47000\n"
                          "auto_file =\n"
                          "[server db1]\n"
                          "address = 127.0.0.1:47001\n"
                          "[server db2]\n"
                          "address = 127.0.0.1:47002\n"
                          "[server db3]\n"
                          "address = 127.0.0.1:47003\n"
                          "[user app]\n"
                          "password = secret\n"
                          "[user other]\n"
                          "password = hidden\n"
                          "[monitor]\n"
                          "password = m\n";

enum {
    SETTINGS_MAX = 16,
    STEPS_MAX = 4000000, /* more events than that in one run: they never end */
    FOREVER_S = 1000000,
};

static const uint64_t BEGINNING = UINT64_C(1000000000000);

/* ---- configuration ---- */

static struct config *load_config(const char *text, char *const *environment)
{
    char path[] = "/tmp/tidemark-wire-XXXXXX";
    struct options options = {.action = OPTIONS_CHECK, .config_file = path};
    struct config_report report = {.messages = NULL};
    struct config *config;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    config = config_load_with(&options, environment, &report);
    if (config == NULL) {
        config_report_print(&report, stderr);
    }
    unlink(path);
    assert_non_null(config);
    config_report_dispose(&report);
    return config;
}

/* ---- what the process offers the workers ---- */

/* The process is the first thing that callbacks get, and a part of the world. */
static struct world *world_of(struct process *process)
{
    return (struct world *)((char *)process - offsetof(struct world, process));
}

static struct roster *current_roster(struct process *process)
{
    return roster_ref(world_of(process)->roster);
}

static struct topology *current_topology(struct process *process)
{
    return topology_ref(world_of(process)->topology);
}

static void want(struct process *process, uint64_t floor_ns)
{
    world_of(process)->wants++;
    world_of(process)->wanted_floor = floor_ns;
}

static void suspect(struct process *process, unsigned server)
{
    world_of(process)->suspects[server]++;
}

static struct thread_watch *watch(struct process *process, unsigned server,
                                  const struct thread_watch *wanted)
{
    struct world *world = world_of(process);

    return world->watches_nothing ? NULL
                                  : watch_list_add(&world->watches[server], wanted, world->now, 1);
}

void world_thread_gone(struct world *world, unsigned server, uint32_t thread_id)
{
    struct watch_list *list = &world->watches[server];

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->thread_id == thread_id) {
            watch_list_conclude(list, i, world->now);
            return;
        }
    }
    fail_msg("thread %u of server %u is not watched", (unsigned)thread_id, server);
}

static void relist(struct process *process)
{
    world_of(process)->relists++;
}

static void wake(void *context, unsigned worker)
{
    ((struct world *)context)->wakes[worker] = true;
}

/* ---- transport ---- */

static struct stream *transport_connect(void *context, const struct config_address *address,
                                        const struct stream_events *events, void *owner,
                                        int *status)
{
    struct world *world = context;

    return server_accept(&world->scripts[address->port - 47001], events, owner, status);
}

static uint64_t transport_now(void *context)
{
    return ((struct world *)context)->now;
}

static int transport_detach(void *context, struct stream *stream)
{
    return ((struct world *)context)->moves_connections ? wire_detach(stream) : -1;
}

static struct stream *transport_attach(void *context, int fd, bool is_unix,
                                       const struct stream_events *events, void *owner)
{
    (void)is_unix;
    return network_attach(&((struct world *)context)->network, fd, events, owner);
}

/* ---- topology ---- */

static const struct collation collations[] = {
    {8, "latin1_swedish_ci", "latin1", true},
    {33, "utf8mb3_general_ci", "utf8mb3", true},
    {45, "utf8mb4_general_ci", "utf8mb4", true},
    {46, "utf8mb4_bin", "utf8mb4", false},
};

static const struct server_variable variables[] = {
    {"character_set_client", "utf8mb4"},
    {"character_set_results", "utf8mb4"},
    {"collation_connection", "utf8mb4_general_ci"},
    {"collation_server", "utf8mb4_general_ci"},
};

static const struct catalog_entry tables[] = {
    {"shop", "orders", RELATION_TABLE},
    {"shop", "t", RELATION_TABLE},
    {"store", "t", RELATION_TABLE},
};

static void describe_servers(struct world *world)
{
    static const char *const names[] = {"db1", "db2", "db3"};

    world->facts = (struct server_facts){
        .references = 1,
        .version = "10.11.6-MariaDB",
        .flavor = FLAVOR_MARIADB,
        .version_number = 101106,
        .default_plugin = "mysql_native_password",
        .sql_mode = "STRICT_TRANS_TABLES",
        .tracked = "autocommit,character_set_client,character_set_connection,"
                   "character_set_results,collation_connection,last_insert_id,"
                   "session_track_schema,session_track_state_change,"
                   "session_track_system_variables,session_track_transaction_info,sql_mode,"
                   "time_zone,wait_timeout",
        .collations = collations,
        .collation_count = sizeof collations / sizeof collations[0],
        .variables = variables,
        .variable_count = sizeof variables / sizeof variables[0],
    };
    world->catalog = (struct catalog){
        .references = 1,
        .is_complete = true,
        .count = sizeof tables / sizeof tables[0],
        .entries = tables,
    };
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i] = (struct server_info){
            .name = names[i],
            .host = "127.0.0.1",
            .port = 47001 + i,
            .role = i == PRIMARY ? ROLE_PRIMARY : ROLE_REPLICA,
            .state = STATE_UP,
            .usable = true,
            .why_not = "",
            .weight = 1,
            .max_connections = world->config->servers[i].max_connections,
            .facts = &world->facts,
            .gauges = &world->gauges[i],
        };
        world->gauges[i].latency_us = 100;
    }
    world->gauges[PRIMARY].granted_until_ns = UINT64_MAX;
    world_replicas_follow(world);
}

void world_publish(struct world *world)
{
    struct topology *topology =
        mem_calloc(1, sizeof *topology + WORLD_SERVERS * sizeof topology->servers[0]);

    topology->references = 1;
    topology->generation = ++world->generation;
    topology->primary = world->primary;
    topology->why_no_primary = mem_text(world->primary < 0 ? "nobody is writable" : "");
    topology->catalog = catalog_ref(&world->catalog);
    topology->count = WORLD_SERVERS;
    for (size_t i = 0; i < WORLD_SERVERS; i++) {
        topology->servers[i] = world->servers[i];
        topology->servers[i].facts = facts_ref(world->servers[i].facts);
        if (world->servers[i].name != NULL) { /* an empty slot owns nothing */
            topology->servers[i].why_not = mem_text(world->servers[i].why_not);
        }
    }
    topology_unref(world->topology);
    world->topology = topology;
    for (unsigned i = 0; i < world->worker_count; i++) {
        world->wakes[i] = true;
    }
}

void world_set_horizon(struct world *world, unsigned server, uint64_t moment)
{
    world->gauges[server].horizon_ns = moment;
}

void world_replicas_follow(struct world *world)
{
    for (unsigned i = REPLICA_1; i <= REPLICA_2; i++) {
        world_set_horizon(world, i, UINT64_MAX);
        world->gauges[i].lag_ns = 0;
    }
}

void world_replicas_stop(struct world *world)
{
    for (unsigned i = REPLICA_1; i <= REPLICA_2; i++) {
        world_set_horizon(world, i, world->now);
    }
}

/* ---- beginning ---- */

static void move_clock(void *context)
{
    struct world *world = context;

    world->now += world->event_ns;
}

static void open_log(struct world *world)
{
    static const char pattern[] = "/tmp/tidemark-wire-log-XXXXXX";
    int fd;

    memcpy(world->log_path, pattern, sizeof pattern);
    fd = mkstemp(world->log_path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_open(world->log_path, LOG_LEVEL_DEBUG), 0);
}

static bool is_free(void *context, unsigned number)
{
    const struct world *world = context;

    return permits_used(world->process.permits, number) == 0;
}

void world_reconfigure(struct world *world, const char *text)
{
    char *const nothing[] = {NULL};
    struct config *config = load_config(text, nothing);
    struct roster *roster = registry_enrol(world->registry, config, world->tls, is_free, world);

    config_unref(config);
    roster_unref(world->roster);
    world->roster = roster;
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        const struct config_server *server = roster_server(roster, i);

        permits_set_limit(world->process.permits, i, server != NULL ? server->max_connections : 0);
    }
    for (unsigned i = 0; i < world->worker_count; i++) {
        world->wakes[i] = true;
    }
    world_run(world);
}

static void begin_process(struct world *world)
{
    unsigned limits[ROSTER_SERVERS] = {0};

    for (size_t i = 0; i < WORLD_SERVERS; i++) {
        limits[i] = world->config->servers[i].max_connections;
    }
    world->registry = registry_new();
    world->roster = registry_enrol(world->registry, world->config, world->tls, is_free, world);
    world->process.permits = permits_new(world->worker_count, ROSTER_SERVERS, limits, wake, world);
    world->process.kill_post = kill_post_new(world->worker_count, wake, world);
    world->process.throttle = throttle_new();
    world->process.roster = current_roster;
    world->process.topology = current_topology;
    world->process.want = want;
    world->process.suspect = suspect;
    world->process.watch = watch;
    world->process.relist = relist;
}

static void begin_workers(struct world *world)
{
    struct transport transport = {.connect = transport_connect,
                                  .now = transport_now,
                                  .detach = transport_detach,
                                  .attach = transport_attach,
                                  .context = world};

    for (unsigned i = 0; i < world->worker_count; i++) {
        worker_init(&world->workers[i], i, &world->process, &transport);
    }
}

struct world *world_new(unsigned workers, ...)
{
    struct world *world = mem_calloc(1, sizeof *world);
    char *settings[SETTINGS_MAX + 2] = {(char *)(uintptr_t) "TIDEMARK_POOL_MIN_IDLE=0"};
    size_t count = 1;
    va_list arguments;
    char *setting;

    va_start(arguments, workers);
    while ((setting = va_arg(arguments, char *)) != NULL) {
        assert_true(count < SETTINGS_MAX);
        if (strncmp(setting, settings[0], sizeof "TIDEMARK_POOL_MIN_IDLE") == 0) {
            settings[0] = setting;
        } else {
            settings[count++] = setting;
        }
    }
    va_end(arguments);
    world->now = BEGINNING;
    world->worker_count = workers;
    world->moves_connections = true;
    open_log(world);
    world->config = load_config(ini, settings);
    network_init(&world->network);
    world->network.on_event = move_clock;
    world->network.context = world;
    world->scripts = servers_new(world, WORLD_SERVERS);
    describe_servers(world);
    world_publish(world);
    begin_process(world);
    begin_workers(world);
    return world;
}

/* ---- running ---- */

static bool wake_workers(struct world *world)
{
    bool any = false;

    for (unsigned i = 0; i < world->worker_count; i++) {
        if (world->wakes[i] && !world->disposed[i]) {
            world->wakes[i] = false;
            worker_wake(&world->workers[i]);
            any = true;
        }
    }
    return any;
}

void world_run(struct world *world)
{
    unsigned steps = 0;
    bool any;

    do {
        any = wake_workers(world);
        any = network_step(&world->network) || any;
        any = servers_read(world) || any;
        assert_true(++steps < STEPS_MAX);
    } while (any);
}

void world_advance_ms(struct world *world, unsigned ms)
{
    world_run(world);
    while (ms > 0) {
        unsigned step = ms < WORKER_TICK_MS ? ms : WORKER_TICK_MS;

        world->now += step * UINT64_C(1000000);
        for (unsigned i = 0; i < world->worker_count; i++) {
            worker_tick(&world->workers[i]);
        }
        world_run(world);
        ms -= step;
    }
}

/* ---- end ---- */

static void assert_nothing_is_left(struct world *world)
{
    for (unsigned i = 0; i < world->worker_count; i++) {
        struct worker *worker = &world->workers[i];

        assert_null(worker->sessions);
        assert_int_equal(worker->session_count, 0);
        assert_int_equal(worker->pool->backend_count, 0);
        assert_null(worker->pool->backends);
        assert_null(worker->pool->waiting);
        assert_int_equal(worker->serverless, 0);
        assert_true(worker_is_empty(worker));
        assert_int_equal(worker->statistics.counters.sessions_closed,
                         worker->statistics.counters.sessions_opened);
        for (const struct group *g = worker->pool->groups; g != NULL; g = g->next) {
            for (unsigned s = 0; s < WORLD_SERVERS; s++) {
                assert_int_equal(g->servers[s].leased, 0);
                assert_int_equal(g->servers[s].opening, 0);
                assert_int_equal(g->servers[s].idle_count, 0);
                assert_null(g->servers[s].expecting);
            }
        }
        /* Only the blank one, which the store holds itself. */
        assert_int_equal(environment_store_count(worker->environments), 1);
        worker_dispose(worker);
    }
    for (unsigned s = 0; s < WORLD_SERVERS; s++) {
        assert_int_equal(permits_used(world->process.permits, s), 0);
        assert_int_equal(permits_queued(world->process.permits, s), 0);
        assert_false(watch_list_is_needed(&world->watches[s]));
    }
    assert_int_equal(atomic_load(&world->process.clients), 0);
    for (unsigned i = 0; i < roster_account_count(world->roster); i++) {
        assert_int_equal(atomic_load(&roster_account(world->roster, i)->clients), 0);
    }
}

void world_end(struct world *world)
{
    clients_release(world);
    world_run(world);
    for (unsigned i = 0; i < world->worker_count; i++) {
        worker_drain(&world->workers[i], world->now);
    }
    world_advance_ms(world, 2 * WORKER_TICK_MS);
    assert_nothing_is_left(world);
    servers_free(world->scripts, WORLD_SERVERS);
    network_dispose(&world->network);
    topology_unref(world->topology);
    assert_int_equal(world->facts.references, 1);
    assert_int_equal(world->catalog.references, 1);
    permits_free(world->process.permits);
    throttle_free(world->process.throttle);
    kill_post_free(world->process.kill_post);
    EVP_PKEY_free(world->process.rsa_key);
    assert_int_equal(world->roster->references, 1);
    roster_unref(world->roster);
    registry_free(world->registry);
    config_unref(world->config);
    log_close();
    unlink(world->log_path);
    mem_free(world);
}

bool world_logged(struct world *world, const char *text)
{
    FILE *file = fopen(world->log_path, "re");
    char line[LOG_LINE_MAX + 1];
    bool found = false;

    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strstr(line, text) != NULL;
    }
    fclose(file);
    return found;
}

unsigned world_permits(const struct world *world, unsigned server)
{
    return permits_used(world->process.permits, server);
}
