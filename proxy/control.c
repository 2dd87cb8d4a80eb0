/*
 * Start, signals, end. See control.h. What is started last is ended first:
 *
 *   health ─▶ permits ─▶ workers ─▶ ports ─▶ listeners
 *   signal: listeners ─▶ workers run out ─▶ ports ─▶ health ─▶ workers
 *
 * `struct program` is how the ports see all of this; other threads' wish to end arrives here as a
 * wake-up of the loop.
 */
#include "proxy/control.h"

#include "health/health.h"
#include "proxy/admin/admin.h"
#include "proxy/clock.h"
#include "proxy/config/config.h"
#include "proxy/event_ring.h"
#include "proxy/http/http.h"
#include "proxy/listener.h"
#include "proxy/live.h"
#include "proxy/locked.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/monitoring.h"
#include "proxy/options.h"
#include "proxy/process.h"
#include "proxy/program.h"
#include "proxy/statement_log/spool.h"
#include "proxy/tls.h"
#include "proxy/worker_thread.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <uv.h>

enum {
    DRAIN_LOOK_MS = 20,
    DESCRIPTORS_OTHERWISE = 400, /* monitors, log, loops, clients of the admin and HTTP ports */
};

enum { SIGNAL_COUNT = 4 };
static const int signals[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};

/* What was asked for by shut_down, the stronger wish last. */
enum ending { ENDING_NOT, ENDING_DRAIN, ENDING_AT_ONCE };

struct control {
    struct program program; /* first: the ports hand it back */
    struct config *config;  /* borrower: as at the start; what can change is asked of `live` */
    struct process process;
    uv_loop_t loop;
    uv_signal_t signal_handles[SIGNAL_COUNT];
    uv_timer_t drain_look;
    uv_async_t end;    /* somebody called shut_down */
    atomic_int ending; /* enum ending */
    struct listener **listeners;
    size_t listener_count;
    struct http *http;   /* NULL: none is configured */
    struct admin *admin; /* likewise */
    struct worker_thread **workers;
    atomic_size_t worker_count; /* started so far: callbacks from other threads look at those */
};

static struct roster *current_roster(struct process *process)
{
    struct control *control =
        (struct control *)((char *)process - offsetof(struct control, process));

    return live_roster(control->program.live);
}

/* ---- what the health part tells ---- */

static void wake_all(void *context)
{
    struct control *control = context;
    size_t count = atomic_load(&control->worker_count);

    for (size_t i = 0; i < count; i++) {
        worker_thread_wake(control->workers[i]);
    }
}

static void wake_one(void *context, unsigned worker)
{
    struct control *control = context;

    worker_thread_wake(control->workers[worker]);
}

static void on_event(void *context, const char *subject, const char *what, const char *why)
{
    struct control *control = context;

    event_ring_add(control->program.events, "server", subject, what, why);
}

/* Only reads that wait for a replica care that one has caught up; nobody waits by default. */
static void on_caught_up(void *context)
{
    struct control *control = context;

    struct config *config = live_config(control->program.live);

    if (config->consistency.wait_ms != 0) {
        wake_all(context);
    }
    config_unref(config);
}

static bool start_health(struct control *control)
{
    struct roster *roster = live_roster(control->program.live);
    struct health_options callbacks = {.context = control,
                                       .on_change = wake_all,
                                       .on_caught_up = on_caught_up,
                                       .on_event = on_event};

    control->process.health = monitoring_start(roster, callbacks);
    roster_unref(roster);
    if (control->process.health == NULL) {
        log_error(log_name("proxy", NULL), "the monitors cannot be started");
    }
    return control->process.health != NULL;
}

/* ---- start ---- */

/* The soft limit of open files goes to the hard one; a client and its server connection need one
 * each. */
static void raise_descriptor_limit(const struct config *config)
{
    struct rlimit limit;
    rlim_t needed = config->proxy.max_clients + DESCRIPTORS_OTHERWISE;

    for (size_t i = 0; i < config->server_count; i++) {
        needed += config->servers[i].max_connections;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < needed) {
        log_warn(log_name("proxy", NULL),
                 "only %llu open files are allowed, %llu would be needed for max_clients=%u; "
                 "clients beyond that are refused",
                 (unsigned long long)limit.rlim_max, (unsigned long long)needed,
                 config->proxy.max_clients);
    }
}

static void tell_what_is_not_locked(void)
{
    if (!locked_is_held()) {
        log_warn(log_name("proxy", NULL),
                 "memory for passwords cannot be locked (RLIMIT_MEMLOCK): it may be swapped out");
    }
}

static void accept_client(void *context, int fd, bool is_unix, const char *peer)
{
    struct control *control = context;
    struct worker_thread *least = control->workers[0];

    for (size_t i = 1; i < atomic_load(&control->worker_count); i++) {
        if (worker_thread_clients(control->workers[i]) < worker_thread_clients(least)) {
            least = control->workers[i];
        }
    }
    atomic_fetch_add(&control->process.clients, 1);
    worker_thread_accept(least, fd, is_unix, peer);
}

static bool start_workers(struct control *control)
{
    unsigned count = control->config->proxy.workers;

    control->workers = mem_calloc(count, sizeof *control->workers);
    for (unsigned i = 0; i < count; i++) {
        control->workers[i] = worker_thread_start(&control->process, i);
        if (control->workers[i] == NULL) {
            return false;
        }
        atomic_store(&control->worker_count, i + 1);
    }
    control->program.workers = control->workers;
    control->program.worker_count = count;
    return true;
}

static bool start_http(struct control *control)
{
    const struct config_address *address = &control->config->proxy.http;

    if (address->kind == CONFIG_ADDRESS_NONE) {
        return true;
    }
    control->http = http_start(&control->program, address);
    return control->http != NULL;
}

static bool start_admin(struct control *control)
{
    if (control->config->proxy.admin.kind == CONFIG_ADDRESS_NONE) {
        return true;
    }
    control->admin = admin_start(&control->program);
    return control->admin != NULL;
}

static bool start_listeners(struct control *control)
{
    const struct config_addresses *listen = &control->config->proxy.listen;

    control->listeners = mem_calloc(listen->count, sizeof *control->listeners);
    for (size_t i = 0; i < listen->count; i++) {
        struct listener *listener =
            listener_open(&control->loop, &listen->items[i], accept_client, control);

        if (listener == NULL) {
            return false;
        }
        control->listeners[control->listener_count++] = listener;
    }
    return true;
}

/* ---- end ---- */

static void close_listeners(struct control *control)
{
    for (size_t i = 0; i < control->listener_count; i++) {
        listener_close(control->listeners[i]);
    }
    control->listener_count = 0;
}

static void stop_loop(struct control *control)
{
    if (uv_is_closing((uv_handle_t *)&control->drain_look)) {
        return;
    }
    uv_close((uv_handle_t *)&control->drain_look, NULL);
    uv_close((uv_handle_t *)&control->end, NULL);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        uv_close((uv_handle_t *)&control->signal_handles[i], NULL);
    }
}

static void on_drain_look(uv_timer_t *timer)
{
    struct control *control = timer->data;

    for (size_t i = 0; i < atomic_load(&control->worker_count); i++) {
        if (!worker_thread_has_ended(control->workers[i])) {
            return;
        }
    }
    stop_loop(control);
}

static void drain(struct control *control, unsigned timeout_ms)
{
    if (!atomic_exchange(&control->program.draining, true)) {
        close_listeners(control);
        uv_timer_start(&control->drain_look, on_drain_look, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
    }
    for (size_t i = 0; i < atomic_load(&control->worker_count); i++) {
        worker_thread_drain(control->workers[i], timeout_ms);
    }
}

static void end(struct control *control, bool at_once)
{
    struct config *config = live_config(control->program.live);
    unsigned timeout_ms = at_once ? 0 : config->proxy.drain_timeout_ms;

    config_unref(config);

    if (at_once) {
        log_info(log_name("proxy", NULL), "ending at once");
    } else {
        log_info(log_name("proxy", NULL), "draining clients=%u timeout_ms=%u",
                 atomic_load(&control->process.clients), timeout_ms);
    }
    drain(control, timeout_ms);
}

static void on_end(uv_async_t *handle)
{
    struct control *control = handle->data;
    bool at_once = atomic_load(&control->ending) == ENDING_AT_ONCE;

    if (at_once || !atomic_load(&control->program.draining)) {
        end(control, at_once);
    }
}

static void shut_down(struct program *program, bool at_once)
{
    struct control *control = (struct control *)program;
    int not_yet = ENDING_NOT;

    if (at_once) {
        atomic_store(&control->ending, ENDING_AT_ONCE);
    } else {
        atomic_compare_exchange_strong(&control->ending, &not_yet, ENDING_DRAIN);
    }
    uv_async_send(&control->end);
}

static void start_program(struct control *control, struct config_sources *sources, struct tls *tls)
{
    struct program *program = &control->program;

    program->process = &control->process;
    program->events = event_ring_new();
    program->live = live_new(program, sources, control->config, tls);
    program->shut_down = shut_down;
    program->started_ns = clock_now();
    program->started_unix = (int64_t)time(NULL);
}

static void reload(struct control *control)
{
    char *error;

    /* What became of it is an event, and in the log. */
    (void)live_reload(control->program.live, false, "SIGHUP", NULL, NULL, &error);
    mem_free(error);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct control *control = handle->data;

    switch (number) {
    case SIGTERM:
    case SIGINT:
        end(control, atomic_load(&control->program.draining));
        break;
    case SIGUSR1:
        if (log_reopen() < 0) {
            log_error(log_name("proxy", NULL), "the log file cannot be reopened");
        }
        if (spool_reopen(control->process.statement_log) < 0) {
            log_error(log_name("proxy", NULL), "the statement log cannot be reopened");
        }
        break;
    case SIGHUP:
        reload(control);
        break;
    default:
        break;
    }
}

static void watch_signals(struct control *control)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&control->loop, &control->signal_handles[i]);
        control->signal_handles[i].data = control;
        uv_signal_start(&control->signal_handles[i], on_signal, signals[i]);
    }
    uv_async_init(&control->loop, &control->end, on_end);
    control->end.data = control;
    uv_timer_init(&control->loop, &control->drain_look);
    control->drain_look.data = control;
}

static void dispose(struct control *control)
{
    struct process *process = &control->process;
    size_t count = atomic_load(&control->worker_count);

    /* It has answered until now that clients should go elsewhere. */
    http_stop(control->http);
    admin_stop(control->admin);
    /* The workers have run out and hold no snapshot any more, but the monitors may still wake them:
     * so first the monitors end, then the workers' loops. */
    if (process->health != NULL) {
        health_stop(process->health);
    }
    for (size_t i = 0; i < count; i++) {
        worker_thread_join(control->workers[i]);
    }
    mem_free(control->workers);
    mem_free(control->listeners);
    process_end(process);
    live_free(control->program.live);
    event_ring_free(control->program.events);
}

int control_run(struct config *config, struct config_sources *sources)
{
    struct control control = {.config = config};
    struct tls *tls;
    char *error;
    bool started;

    if (uv_loop_init(&control.loop) < 0) {
        log_error(log_name("proxy", NULL), "no event loop");
        return EXIT_CONFIG;
    }
    tls = tls_new(&config->tls, NULL, &error);
    if (tls == NULL) {
        log_error(log_name("proxy", NULL), "%s", error);
        mem_free(error);
    }
    watch_signals(&control);
    raise_descriptor_limit(config);
    tell_what_is_not_locked();
    /* Signals are for this thread's loop: monitors and workers inherit the mask that libuv sets. */
    start_program(&control, sources, tls);
    control.process.roster = current_roster;
    started = process_start(&control.process, config, wake_one, &control) && tls != NULL &&
              start_health(&control) && start_workers(&control) && start_http(&control) &&
              start_admin(&control) && start_listeners(&control);
    if (started) {
        log_info(log_name("proxy", NULL), "started workers=%u servers=%zu users=%zu",
                 config->proxy.workers, config->server_count, config->user_count);
    } else {
        drain(&control, 0);
    }
    uv_run(&control.loop, UV_RUN_DEFAULT);
    dispose(&control);
    tls_unref(tls);
    uv_loop_close(&control.loop);
    log_info(log_name("proxy", NULL), "ended");
    return started ? EXIT_FINE : EXIT_CONFIG;
}
