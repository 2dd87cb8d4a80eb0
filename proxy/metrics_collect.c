/*
 * Where the figures come from: the process, the program, the servers as the monitors see them. What
 * the workers know is in metrics_workers.c.
 */
#include "proxy/clock.h"
#include "proxy/metrics.h"

#include "health/topology.h"
#include "proxy/event_ring.h"
#include "proxy/live.h"
#include "proxy/metrics_workers.h"
#include "proxy/options.h"
#include "proxy/program.h"
#include "proxy/readiness.h"
#include "proxy/roster.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const double NS_PER_S = 1e9;

/* ---- the process ---- */

static void add_memory(struct metrics *metrics)
{
    double page = (double)sysconf(_SC_PAGESIZE);
    unsigned long total, resident;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL) {
        return;
    }
    if (fscanf(file, "%lu %lu", &total, &resident) == 2) { /* NOLINT: the kernel's numbers fit */
        metrics_add(metrics, METRIC_PROCESS_VIRTUAL, (double)total * page, NULL);
        metrics_add(metrics, METRIC_PROCESS_RESIDENT, (double)resident * page, NULL);
    }
    fclose(file);
}

static void add_descriptors(struct metrics *metrics)
{
    struct rlimit limit;
    unsigned open = 0;
    DIR *folder = opendir("/proc/self/fd");

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        metrics_add(metrics, METRIC_PROCESS_MAX_FDS, (double)limit.rlim_cur, NULL);
    }
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) { /* NOLINT: own handle */
        open += entry->d_name[0] != '.';
    }
    closedir(folder);
    /* One of them was this look. */
    metrics_add(metrics, METRIC_PROCESS_OPEN_FDS, (double)open - 1, NULL);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void add_process(struct metrics *metrics, const struct program *program)
{
    struct rusage usage;

    metrics_add(metrics, METRIC_BUILD_INFO, 1, "version", options_version(), NULL);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        metrics_add(metrics, METRIC_PROCESS_CPU, seconds(usage.ru_utime) + seconds(usage.ru_stime),
                    NULL);
    }
    metrics_add(metrics, METRIC_PROCESS_START_TIME, (double)program->started_unix, NULL);
    add_memory(metrics);
    add_descriptors(metrics);
}

/* ---- the program ---- */

static void add_users(struct metrics *metrics, const struct roster *roster)
{
    double others = 0;

    for (unsigned i = 0; i < roster_account_count(roster); i++) {
        const struct config_user *user = roster_user(roster, i);
        struct account *account = roster_account(roster, i);
        double clients = atomic_load(&account->clients);

        if (i >= METRICS_USERS) {
            others += clients;
            continue;
        }
        if (user == NULL && clients == 0) {
            continue; /* not configured any more, and its last client has gone */
        }
        metrics_add(metrics, METRIC_USER_CLIENTS, clients, "user", account->name, NULL);
        if (user != NULL && user->max_connections != 0) {
            metrics_add(metrics, METRIC_USER_CLIENTS_LIMIT, user->max_connections, "user",
                        account->name, NULL);
        }
    }
    if (roster_account_count(roster) > METRICS_USERS) {
        metrics_add(metrics, METRIC_USER_CLIENTS, others, "user", metrics_others, NULL);
    }
}

static void add_config(struct metrics *metrics, struct live *live)
{
    struct live_reloads reloads;

    if (live == NULL) {
        return;
    }
    reloads = live_reloads(live);
    metrics_add(metrics, METRIC_CONFIG_GOOD, reloads.was_good, NULL);
    metrics_add(metrics, METRIC_CONFIG_GOOD_TIME, (double)reloads.good_unix, NULL);
    metrics_add(metrics, METRIC_CONFIG_RELOADS, (double)reloads.good, "result", "good", NULL);
    metrics_add(metrics, METRIC_CONFIG_RELOADS, (double)reloads.failed, "result", "failed", NULL);
}

static void add_program(struct metrics *metrics, struct program *program,
                        const struct roster *roster, const struct topology *topology)
{
    const struct config *config = roster->config;
    bool is_draining = atomic_load(&program->draining);
    struct readiness readiness = readiness_of(topology, (enum config_ready)config->proxy.ready,
                                              config->consistency.max_lag_ms, is_draining);

    struct event_count events[EVENT_KINDS];
    size_t kinds = event_ring_counts(program->events, events);

    metrics_add(metrics, METRIC_DRAINING, is_draining, NULL);
    metrics_add(metrics, METRIC_PAUSED, atomic_load(&program->process->is_paused), NULL);
    add_config(metrics, program->live);
    metrics_add(metrics, METRIC_READY, readiness.is_ready, NULL);
    for (size_t i = 0; i < kinds; i++) {
        metrics_add(metrics, METRIC_EVENTS, (double)events[i].added, "kind", events[i].kind, NULL);
    }
    metrics_add(metrics, METRIC_CLIENTS, atomic_load(&program->process->clients), NULL);
    metrics_add(metrics, METRIC_CLIENTS_LIMIT, config->proxy.max_clients, NULL);
    add_users(metrics, roster);
}

/* ---- servers ---- */

static void add_role(struct metrics *metrics, const struct server_info *server)
{
    static const enum server_role roles[] = {ROLE_PRIMARY, ROLE_REPLICA, ROLE_UNKNOWN};
    static const enum server_state states[] = {STATE_UP, STATE_SUSPECT, STATE_DOWN, STATE_DRAINING,
                                               STATE_DIVERGED};

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        metrics_add(metrics, METRIC_SERVER_ROLE, server->role == roles[i], "server", server->name,
                    "role", server_role_name(roles[i]), NULL);
    }
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        metrics_add(metrics, METRIC_SERVER_STATE, server->state == states[i], "server",
                    server->name, "state", server_state_name(states[i]), NULL);
    }
}

static void add_gauges(struct metrics *metrics, const struct server_info *server, uint64_t now)
{
    const struct server_gauges *gauges = server->gauges;
    uint64_t lag = atomic_load_explicit(&gauges->lag_ns, memory_order_relaxed);
    uint64_t looked = atomic_load_explicit(&gauges->looked_ns, memory_order_relaxed);
    uint64_t horizon = server_horizon(server, now);

    if (server->role == ROLE_REPLICA && lag != UINT64_MAX) {
        metrics_add(metrics, METRIC_SERVER_LAG, (double)lag / NS_PER_S, "server", server->name,
                    NULL);
    }
    if (horizon != 0) {
        metrics_add(metrics, METRIC_SERVER_HORIZON_AGE,
                    now > horizon ? (double)(now - horizon) / NS_PER_S : 0, "server", server->name,
                    NULL);
    }
    if (looked != 0) {
        metrics_add(metrics, METRIC_SERVER_LATENCY,
                    (double)atomic_load_explicit(&gauges->latency_us, memory_order_relaxed) / 1e6,
                    "server", server->name, NULL);
        metrics_add(metrics, METRIC_SERVER_LOOK_AGE,
                    now > looked ? (double)(now - looked) / NS_PER_S : 0, "server", server->name,
                    NULL);
    }
    metrics_add(metrics, METRIC_SERVER_MONITOR_QUERIES,
                (double)atomic_load_explicit(&gauges->queries, memory_order_relaxed), "server",
                server->name, NULL);
    metrics_add(metrics, METRIC_SERVER_MONITOR_ERRORS,
                (double)atomic_load_explicit(&gauges->errors, memory_order_relaxed), "server",
                server->name, NULL);
}

static void add_seen_server(struct metrics *metrics, const struct server_info *server, uint64_t now)
{
    metrics_add(metrics, METRIC_SERVER_UP, server->state != STATE_DOWN && server->facts != NULL,
                "server", server->name, NULL);
    metrics_add(metrics, METRIC_SERVER_USABLE, server->usable, "server", server->name, NULL);
    add_role(metrics, server);
    add_gauges(metrics, server, now);
}

static void add_topology(struct metrics *metrics, const struct topology *topology, uint64_t now)
{
    if (topology == NULL) {
        return;
    }
    metrics_add(metrics, METRIC_TOPOLOGY_CHANGES, (double)topology->generation, NULL);
    for (size_t i = 0; i < topology->count; i++) {
        if (topology->servers[i].name != NULL) {
            add_seen_server(metrics, &topology->servers[i], now);
        }
    }
}

static void add_configured_servers(struct metrics *metrics, const struct process *process,
                                   const struct roster *roster)
{
    for (unsigned i = 0; i < roster->server_count; i++) {
        const struct config_server *server = roster_server(roster, i);

        if (server == NULL) {
            continue;
        }
        metrics_add(metrics, METRIC_SERVER_WEIGHT, server->weight, "server", server->name, NULL);
        metrics_add(metrics, METRIC_SERVER_CONNECTIONS_LIMIT, permits_limit(process->permits, i),
                    "server", server->name, NULL);
        metrics_add(metrics, METRIC_SERVER_PERMITS, permits_used(process->permits, i), "server",
                    server->name, NULL);
        metrics_add(metrics, METRIC_SERVER_WAITING, permits_queued(process->permits, i), "server",
                    server->name, NULL);
    }
}

struct metrics *metrics_collect(struct program *program, unsigned patience_ms)
{
    struct metrics *metrics = metrics_new();
    struct process *process = program->process;
    struct roster *roster = process->roster(process);
    struct topology *topology = process->topology(process);

    add_process(metrics, program);
    add_program(metrics, program, roster, topology);
    add_topology(metrics, topology, clock_now());
    add_configured_servers(metrics, process, roster);
    topology_unref(topology);
    metrics_collect_workers(metrics, program, roster, patience_ms);
    roster_unref(roster);
    metrics_sort(metrics);
    return metrics;
}
