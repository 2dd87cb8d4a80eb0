/*
 * See program_fixture.h.
 */
#include "program_fixture.h"

#include "proxy/backend/permits.h"
#include "proxy/event_ring.h"
#include "proxy/memory.h"
#include "proxy/options.h"
#include "proxy/roster.h"
#include "proxy/worker_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

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
                          "max_connections = 7\n"
                          "[user app]\n"
                          "password = secret\n"
                          "[user reports]\n"
                          "password = secret\n"
                          "max_connections = 3\n"
                          "[monitor]\n"
                          "password = m\n";

static struct config *load_config(void)
{
    char path[] = "/tmp/tidemark-unit-XXXXXX";
    char *no_environment[] = {NULL};
    struct options options = {.action = OPTIONS_CHECK, .config_file = path};
    struct config_report report = {.messages = NULL};
    struct config *config;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, ini, sizeof ini - 1), sizeof ini - 1);
    close(fd);
    config = config_load_with(&options, no_environment, &report);
    unlink(path);
    assert_non_null(config);
    config_report_dispose(&report);
    return config;
}

static struct program_fixture *fixture_of(struct process *process)
{
    return (struct program_fixture *)((char *)process - offsetof(struct program_fixture, process));
}

static struct roster *current_roster(struct process *process)
{
    return roster_ref(fixture_of(process)->roster);
}

static struct topology *current_topology(struct process *process)
{
    struct program_fixture *fixture = fixture_of(process);
    struct topology *topology;

    pthread_mutex_lock(&fixture->lock);
    topology = topology_ref(fixture->topology);
    pthread_mutex_unlock(&fixture->lock);
    return topology;
}

/* As the health part makes them: the snapshot owns its reasons. */
static struct topology *new_topology(struct program_fixture *fixture)
{
    struct topology *topology =
        calloc(1, sizeof *topology + FIXTURE_SERVERS * sizeof topology->servers[0]);

    assert_non_null(topology);
    topology->references = 1;
    topology->why_no_primary = strdup("");
    topology->count = FIXTURE_SERVERS;
    for (size_t i = 0; i < FIXTURE_SERVERS; i++) {
        topology->servers[i] = (struct server_info){.name = i == 0 ? "db1" : "db2",
                                                    .host = "127.0.0.1",
                                                    .port = 47001 + (unsigned)i,
                                                    .role = i == 0 ? ROLE_PRIMARY : ROLE_REPLICA,
                                                    .state = STATE_UP,
                                                    .usable = true,
                                                    .why_not = strdup(""),
                                                    .weight = 1,
                                                    .max_connections = 100,
                                                    .gauges = &fixture->gauges[i]};
    }
    return topology;
}

void fixture_make_unusable(struct topology *topology, size_t server, const char *why)
{
    struct server_info *info = &topology->servers[server];

    free((void *)info->why_not);
    info->why_not = strdup(why);
    info->state = STATE_DOWN;
    info->usable = false;
}

void fixture_change(struct program_fixture *fixture, void (*change)(struct topology *topology))
{
    struct topology *topology = new_topology(fixture);
    struct topology *old;

    change(topology);
    pthread_mutex_lock(&fixture->lock);
    old = fixture->topology;
    topology->generation = old->generation + 1;
    fixture->topology = topology;
    pthread_mutex_unlock(&fixture->lock);
    topology_unref(old);
}

/* Nobody waits for a server connection here. */
static void wake_nobody(void *context, unsigned worker)
{
    (void)context;
    (void)worker;
}

static void start_process(struct program_fixture *fixture)
{
    unsigned limits[ROSTER_SERVERS] = {0};

    fixture->config = load_config();
    for (size_t i = 0; i < FIXTURE_SERVERS; i++) {
        limits[i] = fixture->config->servers[i].max_connections;
    }
    fixture->registry = registry_new();
    fixture->roster = registry_enrol(fixture->registry, fixture->config, NULL, NULL, NULL);
    fixture->process.roster = current_roster;
    fixture->process.topology = current_topology;
    fixture->process.permits =
        permits_new(FIXTURE_WORKERS, ROSTER_SERVERS, limits, wake_nobody, NULL);
}

struct program_fixture *fixture_start(void)
{
    struct program_fixture *fixture = mem_calloc(1, sizeof *fixture);

    pthread_mutex_init(&fixture->lock, NULL);
    fixture->topology = new_topology(fixture);
    start_process(fixture);
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        fixture->workers[i] = worker_thread_start(&fixture->process, i);
        assert_non_null(fixture->workers[i]);
    }
    fixture->program.process = &fixture->process;
    fixture->program.workers = fixture->workers;
    fixture->program.worker_count = FIXTURE_WORKERS;
    fixture->program.events = event_ring_new();
    return fixture;
}

/* ---- a worker that stands still ---- */

enum { STANDS_NOT, STANDS, MAY_GO };

static bool stand(struct worker *worker, void *state)
{
    atomic_int *stands = state;

    (void)worker;
    atomic_store(stands, STANDS);
    while (atomic_load(stands) == STANDS) {
        usleep(1000);
    }
    atomic_store(stands, STANDS_NOT);
    return true;
}

static void on_gone(void *context)
{
    (void)context;
}

void fixture_hold(struct program_fixture *fixture, unsigned worker)
{
    worker_thread_ask(fixture->workers[worker], stand, &fixture->stands[worker], on_gone, NULL);
    while (atomic_load(&fixture->stands[worker]) != STANDS) {
        usleep(1000);
    }
}

void fixture_let_go(struct program_fixture *fixture, unsigned worker)
{
    atomic_store(&fixture->stands[worker], MAY_GO);
    while (atomic_load(&fixture->stands[worker]) != STANDS_NOT) {
        usleep(1000);
    }
}

/* ---- the end ---- */

void fixture_drain(struct program_fixture *fixture)
{
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        worker_thread_drain(fixture->workers[i], 0);
    }
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        while (!worker_thread_has_ended(fixture->workers[i])) {
            usleep(1000);
        }
    }
}

void fixture_stop(struct program_fixture *fixture)
{
    fixture_drain(fixture);
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        worker_thread_join(fixture->workers[i]);
    }
    event_ring_free(fixture->program.events);
    permits_free(fixture->process.permits);
    roster_unref(fixture->roster);
    registry_free(fixture->registry);
    config_unref(fixture->config);
    topology_unref(fixture->topology);
    pthread_mutex_destroy(&fixture->lock);
    mem_free(fixture);
}
