/*
 * How a new configuration reaches the program. The order matters:
 *
 *   1. servers that are gone: monitors first, so that nobody chooses them any more, then the limit
 *   2. the new roster, and every worker has adopted it
 *   3. limits, monitors of new and changed servers, the rest
 */
#include "proxy/config/compare.h"
#include "proxy/event_ring.h"
#include "proxy/inquiry.h"
#include "proxy/live_state.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/monitoring.h"
#include "proxy/program.h"
#include "proxy/statement_log/spool.h"
#include "proxy/tls.h"
#include "proxy/worker_thread.h"

#include <stdio.h>
#include <string.h>

enum { CHANGES_TOLD = 100 }; /* more are counted only */

static bool is_free(void *context, unsigned number)
{
    const struct live *live = context;
    const struct permits *permits = live->program->process->permits;

    return permits_used(permits, number) == 0 && permits_queued(permits, number) == 0;
}

static bool is_same_server(const struct roster *a, const struct roster *b, unsigned number)
{
    const struct config_server *server = roster_server(a, number);

    return server != NULL && roster_has(b, number, a->servers[number].generation);
}

static void remove_servers(struct live *live, const struct roster *old, const struct roster *fresh)
{
    struct process *process = live->program->process;

    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        if (roster_server(old, i) != NULL && !is_same_server(old, fresh, i)) {
            health_remove(process->health, i);
            permits_set_limit(process->permits, i, 0);
        }
    }
}

static bool do_nothing(struct worker *worker, void *state)
{
    (void)worker;
    (void)state;
    return true;
}

/* Replaces the pointers and waits until nobody works by the old ones. */
static void switch_to(struct live *live, struct config *config, struct roster *roster)
{
    struct program *program = live->program;
    struct config *old_config = live->config;
    struct roster *old_roster = live->roster;

    pthread_mutex_lock(&live->reading);
    live->config = config_ref(config);
    live->roster = roster;
    pthread_mutex_unlock(&live->reading);
    config_unref(old_config);
    /* Asking wakes a worker, and a woken worker adopts first. */
    inquiry_run(program->workers, program->worker_count, do_nothing, NULL, 0);
    roster_unref(old_roster);
}

static void put_servers(struct live *live)
{
    struct process *process = live->program->process;

    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        const struct config_server *server = roster_server(live->roster, i);

        if (server != NULL) {
            struct health_server monitored = monitoring_server(server);

            permits_set_limit(process->permits, i, server->max_connections);
            if (!health_put(process->health, i, &monitored)) {
                event_ring_alarm(live->program->events, "server", server->name, "not monitored",
                                 "no thread can be started: it will not be used");
            }
        }
    }
}

static bool same_monitoring(const struct config *before, const struct config *after)
{
    const struct config_monitor *a = &before->monitor;
    const struct config_monitor *b = &after->monitor;

    return before->tls.server == after->tls.server && strcmp(before->tls.ca, after->tls.ca) == 0 &&
           strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0 &&
           a->poll_ms == b->poll_ms && a->sample_min_ms == b->sample_min_ms;
}

struct telling {
    struct event_ring *events;
    const char *who;
    size_t told;
};

static void tell(void *context, const struct config_value *was, const struct config_value *is)
{
    struct telling *telling = context;
    char *name = config_value_name(is != NULL ? is : was);
    char *what = mem_printf("%s: %s -> %s", name, was != NULL ? was->text : "(none)",
                            is != NULL ? is->text : "(none)");

    if (telling->told++ < CHANGES_TOLD) {
        event_ring_add(telling->events, "config", NULL, what, telling->who);
    }
    mem_free(what);
    mem_free(name);
}

static void tell_all(struct live *live, const struct config *before, const struct config *after,
                     const char *who)
{
    struct telling telling = {.events = live->program->events, .who = who};

    config_compare(before, after, tell, &telling);
    if (telling.told > CHANGES_TOLD) {
        char *what = mem_printf("%zu more changes", telling.told - CHANGES_TOLD);

        event_ring_add(live->program->events, "config", NULL, what, who);
        mem_free(what);
    }
}

static bool switch_statement_log(struct live *live, const char *path, char **error)
{
    int status = spool_open(live->program->process->statement_log, path);

    if (status < 0) {
        *error = mem_printf("statement_log: cannot open %s: %s", path, strerror(-status));
    }
    return status == 0;
}

/* Files are looked at when somebody says so: what has become of a certificate's file meanwhile must
 * not stand in the way of another change. */
static struct tls *new_tls(struct live *live, const struct config *config, bool rereads,
                           char **error)
{
    const struct config_tls *a = &live->config->tls;
    const struct config_tls *b = &config->tls;
    bool is_same = a->client == b->client && a->server == b->server &&
                   a->verify_client == b->verify_client && strcmp(a->ca, b->ca) == 0 &&
                   strcmp(a->cert, b->cert) == 0 && strcmp(a->client_ca, b->client_ca) == 0 &&
                   strcmp(a->key, b->key) == 0 && strcmp(a->keylog_file, b->keylog_file) == 0;

    return is_same && !rereads ? tls_ref(live->roster->tls) : tls_new(b, live->roster->tls, error);
}

bool live_publish(struct live *live, struct config *config, bool rereads, const char *who,
                  char **error)
{
    struct config *before;
    struct roster *roster;
    struct tls *tls = new_tls(live, config, rereads, error);

    /* What can fail comes first; to number the servers cannot be taken back. */
    if (tls == NULL || !switch_statement_log(live, config->proxy.statement_log, error)) {
        tls_unref(tls);
        return false;
    }
    roster = registry_enrol(live->registry, config, tls, is_free, live);
    tls_unref(tls);
    if (roster == NULL) {
        char *ignored = NULL;

        (void)switch_statement_log(live, live->config->proxy.statement_log, &ignored);
        mem_free(ignored);
        *error =
            mem_printf("no number is left for another server: at most %d, those included whose "
                       "connections are still in use",
                       ROSTER_SERVERS);
        return false;
    }
    before = config_ref(live->config);
    remove_servers(live, live->roster, roster);
    switch_to(live, config, roster);
    put_servers(live);
    if (!same_monitoring(before, config)) {
        struct health_security security = monitoring_security(&config->tls);

        health_tune(live->program->process->health, config->monitor.user, config->monitor.password,
                    &security, config->monitor.poll_ms, config->monitor.sample_min_ms);
    }
    log_set_level((enum log_level)config->proxy.log_level);
    tell_all(live, before, config, who);
    config_unref(before);
    return true;
}
