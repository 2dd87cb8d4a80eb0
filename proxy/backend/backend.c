/*
 * The life of a server connection. See backend.h; the answers it awaits are in steps.c.
 */
#include "proxy/backend/backend.h"

#include "health/topology.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "protocol/proxy_header.h"
#include "proxy/backend/asking.h"
#include "proxy/backend/killer.h"
#include "proxy/backend/login.h"
#include "proxy/backend/pool.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/environment.h"
#include "proxy/client/tracking.h"
#include "proxy/exchange.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <assert.h>
#include <utlist.h>
#include <uv.h>

/* How long a server may take to close a connection after COM_QUIT; they need milliseconds. */
static const uint64_t QUIT_NS = 1000000000;

#define TO(state) (1u << (state))

static const unsigned may_enter[] = {
    [BACKEND_OPENING] = TO(BACKEND_LOGIN) | TO(BACKEND_CLOSING),
    [BACKEND_LOGIN] = TO(BACKEND_SETUP) | TO(BACKEND_CLOSING),
    [BACKEND_SETUP] = TO(BACKEND_IDLE) | TO(BACKEND_QUITTING) | TO(BACKEND_CLOSING),
    [BACKEND_IDLE] =
        TO(BACKEND_LEASED) | TO(BACKEND_SETUP) | TO(BACKEND_QUITTING) | TO(BACKEND_CLOSING),
    [BACKEND_LEASED] = TO(BACKEND_IDLE) | TO(BACKEND_CLOSING),
    [BACKEND_QUITTING] = TO(BACKEND_CLOSING),
    [BACKEND_CLOSING] = 0,
};

static void enter(struct backend *backend, enum backend_state state)
{
    assert(may_enter[backend->state] & TO(state));
    backend->state = state;
}

const struct config_server *backend_server(const struct backend *backend)
{
    return roster_server(backend->roster, backend->server);
}

bool backend_is_wanted(const struct backend *backend)
{
    return roster_has(backend->worker->roster, backend->server, backend->generation);
}

static const char *server_name(const struct backend *backend)
{
    return backend_server(backend)->name;
}

/* ---- ends ---- */

static void on_closed(void *owner)
{
    struct backend *backend = owner;
    struct pool *pool = backend->worker->pool;

    if (backend->worker->survey.backend == backend) {
        backend->worker->survey.backend = backend->next_all;
    }
    DL_DELETE2(pool->backends, backend, previous_all, next_all);
    killer_lost_victim(backend);
    if (backend->is_killed) {
        killer_follow(backend);
    }
    pool_closed(backend, &backend->error);
    killer_gone(backend);
    asking_gone(backend);
    backend_login_dispose(backend);
    for (unsigned i = 0; i < backend->step_count; i++) {
        prepared_text_unref(backend->steps[(backend->step_first + i) % BACKEND_STEPS].prepared);
    }
    prepared_cache_free(backend->prepared);
    roster_unref(backend->roster);
    environment_unref(backend->environment);
    mem_free(backend);
}

void backend_fail(struct backend *backend, const struct sql_error *error)
{
    if (backend->state == BACKEND_CLOSING) {
        return;
    }
    if (error->code != 0 && backend->asking == NULL) {
        log_warn(log_number("backend", backend->id), "failed server=%s thread=%u error=%u \"%s\"",
                 server_name(backend), backend->thread_id, error->code, error->text);
    }
    backend->error = *error;
    enter(backend, BACKEND_CLOSING);
    if (backend->stream != NULL) {
        stream_close(backend->stream);
    }
}

void backend_bury_stillborn(struct backend *backend)
{
    backend->error =
        error_make(ERROR_SERVER_LOST, "cannot open a socket for server %s", server_name(backend));
    if (backend->state != BACKEND_CLOSING) {
        enter(backend, BACKEND_CLOSING);
    }
    on_closed(backend);
}

static void end(struct backend *backend)
{
    struct sql_error none = {0};

    backend_fail(backend, &none);
}

bool backend_awaits(const struct backend *backend, enum step_kind kind)
{
    for (unsigned i = 0; i < backend->step_count; i++) {
        if (backend->steps[(backend->step_first + i) % BACKEND_STEPS].kind == kind) {
            return true;
        }
    }
    return false;
}

/* Would the server understand a COM_QUIT, and soon? Not in the middle of a packet, nor with bytes
 * on the way that nobody asked for; one that moved to another worker must not hear it. An answer to
 * a client's command may take long; those to the proxy's own are short, and QUIT goes behind. */
static bool may_quit(const struct backend *backend)
{
    return (backend->state == BACKEND_IDLE || backend->state == BACKEND_SETUP) &&
           (backend->has_permit || backend->killing != NULL || backend->asking != NULL) &&
           !backend->is_killed && !backend->is_cut && !backend->stream->ended &&
           !backend_awaits(backend, STEP_CLIENT) &&
           (backend->step_count > 0 || stream_peek(backend->stream).size == 0);
}

static void send_quit(struct backend *backend)
{
    uint8_t packet[FRAME_HEAD_SIZE + 1];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    write_u8(&out, COMMAND_QUIT);
    write_packet_end(&out, at, 0);
    stream_write_one(backend->stream, writer_bytes(&out));
}

void backend_close(struct backend *backend, const char *reason)
{
    if (backend->state == BACKEND_QUITTING || backend->state == BACKEND_CLOSING) {
        return;
    }
    log_debug(log_number("backend", backend->id), "closed server=%s thread=%u reason=\"%s\"",
              server_name(backend), backend->thread_id, reason);
    if (!may_quit(backend)) {
        end(backend);
        return;
    }
    send_quit(backend);
    if (backend->worker->pool->closed || !backend->has_permit) {
        end(backend);
        return;
    }
    enter(backend, BACKEND_QUITTING);
    backend->has_quit = true;
    backend->deadline_ns = worker_now(backend->worker) + QUIT_NS;
    pool_quitting(backend);
}

void backend_stop_waiting(struct backend *backend)
{
    if (backend->state == BACKEND_QUITTING) {
        end(backend);
    }
}

static void on_end(void *owner, int status)
{
    struct backend *backend = owner;
    struct session *session = backend->session;
    struct sql_error error =
        error_make(ERROR_SERVER_LOST, "lost the connection to server %s: %s", server_name(backend),
                   stream_reason(backend->stream, status));

    if (backend->state == BACKEND_CLOSING) {
        return;
    }
    if (backend->state == BACKEND_QUITTING) {
        end(backend);
        return;
    }
    if (backend->state == BACKEND_IDLE) {
        /* An idle connection may be closed by the server at any time (wait_timeout): no news. */
        pool_forget_idle(backend);
        backend_close(backend, error.text);
        return;
    }
    backend->worker->process->suspect(backend->worker->process, backend->server);
    backend_fail(backend, &error);
    if (session != NULL) {
        exchange_lost(session, backend, &error);
    }
}

/* ---- what the stream tells ---- */

static void on_bytes(void *owner)
{
    struct backend *backend = owner;

    backend_read(backend);
    if (backend->state == BACKEND_QUITTING) {
        stream_consume(backend->stream, stream_peek(backend->stream).size);
    }
}

static void on_drained(void *owner)
{
    struct backend *backend = owner;

    if (backend->session != NULL) {
        exchange_server_drained(backend->session);
    }
}

/* ---- beginnings ---- */

/* Connections are shared among clients, so the header names none of them: it says that the proxy
 * speaks for itself. Servers and load balancers that insist on a header are content. */
static void send_proxy_header(struct backend *backend)
{
    unsigned version = (unsigned)backend_server(backend)->proxy_protocol;
    uint8_t header[PROXY_HEADER_V1_MAX];
    struct writer out = writer_over(header, sizeof header);

    if (version != CONFIG_PROXY_PROTOCOL_OFF) {
        proxy_header_encode_own(&out, version);
        stream_write_one(backend->stream, writer_bytes(&out));
    }
}

static void on_connected(void *owner, int status)
{
    struct backend *backend = owner;

    if (backend->state == BACKEND_CLOSING) {
        return;
    }
    if (status < 0) {
        struct sql_error error = error_make(
            ERROR_SERVER_LOST, "cannot connect to server %s at %s: %s", server_name(backend),
            backend_server(backend)->address.text, uv_strerror(status));

        backend->worker->process->suspect(backend->worker->process, backend->server);
        backend_fail(backend, &error);
        return;
    }
    enter(backend, BACKEND_LOGIN);
    backend_login_begin(backend);
    send_proxy_header(backend);
    stream_open(backend->stream);
}

static void on_secured(void *owner)
{
    struct backend *backend = owner;

    if (backend->state == BACKEND_LOGIN) {
        backend_login_secured(backend);
    }
}

const struct stream_events backend_events = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_connected = on_connected,
    .on_closed = on_closed,
    .on_secured = on_secured,
};

struct backend *backend_new(struct worker *worker, struct group *group, unsigned server)
{
    struct backend *backend = mem_calloc(1, sizeof *backend);
    struct pool *pool = worker->pool;

    backend->worker = worker;
    backend->group = group;
    backend->server = server;
    backend->roster = roster_ref(worker->roster);
    backend->generation = worker->roster->servers[server].generation;
    backend->has_permit = true;
    backend->is_opening = true;
    backend->era = atomic_load(&worker->process->era);
    backend->opened_ns = worker_now(worker);
    backend->prepared = prepared_cache_new();
    DL_PREPEND2(pool->backends, backend, previous_all, next_all);
    return backend;
}

/* Who is at the server's address, as its monitor saw it last; 0: not known. */
static uint64_t server_identity(const struct worker *worker, unsigned server)
{
    const struct server_info *info = worker_server(worker, server);

    return info == NULL ? 0 : atomic_load_explicit(&info->gauges->identity, memory_order_relaxed);
}

void backend_connect(struct backend *backend)
{
    struct worker *worker = backend->worker;
    const struct config *config = worker_config(worker);
    int status;

    backend->id = atomic_fetch_add(&worker->process->next_backend, 1) + 1;
    backend->identity = server_identity(worker, backend->server);
    backend->deadline_ns = backend->opened_ns + (uint64_t)config->pool.wait_timeout_ms * 1000000;
    if (config->pool.max_lifetime_ms != 0) {
        backend->expires_ns = backend->opened_ns + (uint64_t)config->pool.max_lifetime_ms * 1000000;
    }
    /* NULL: not even a socket could be had. The pool's next tick finds it (pool_tick), because the
     * pool must not hear of failures while it is being asked. */
    backend->stream =
        worker->transport.connect(worker->transport.context, &backend_server(backend)->address,
                                  &backend_events, backend, &status);
}

void backend_open(struct worker *worker, struct group *group, unsigned server)
{
    backend_connect(backend_new(worker, group, server));
}

/* What every fresh or reset connection is sent first. */
static void send_setup(struct backend *backend, bool reset)
{
    struct worker *worker = backend->worker;
    const struct server_info *info = worker_server(worker, backend->server);
    const struct server_facts *facts = info != NULL ? info->facts : NULL;
    struct writer out = writer_over(worker->scratch, WORKER_SCRATCH_BYTES);
    size_t at;
    size_t size = 0;

    backend->failure.code = 0;
    if (reset) {
        at = write_packet_begin(&out);
        write_u8(&out, COMMAND_RESET_CONNECTION);
        write_packet_end(&out, at, 0);
        backend_expect(backend, STEP_RESET, COMMAND_RESET_CONNECTION, 1, NULL);
        prepared_cache_clear(backend->prepared);
        backend->insert_id = 0;
    }
    at = write_packet_begin(&out);
    query_begin(&out, backend->capabilities);
    if (facts != NULL && out.capacity > out.size) {
        size = tracking_setup_sql(bytes_of_text(facts->tracked), (char *)out.data + out.size,
                                  out.capacity - out.size);
    }
    if (size > 0) {
        out.size += size;
        write_packet_end(&out, at, 0);
        backend_expect(backend, STEP_TRACKING, COMMAND_QUERY, 1, NULL);
        backend->follows = false;
    } else {
        out.size = at;
    }
    stream_write_one(backend->stream, writer_bytes(&out));
}

void backend_logged_in(struct backend *backend)
{
    struct environment_store *store = backend->worker->environments;
    const struct environment *blank = environment_blank(store);

    backend_login_dispose(backend);
    enter(backend, BACKEND_SETUP);
    if (backend->killing != NULL || backend->asking != NULL) {
        environment_unref(blank);
        if (backend->killing != NULL) {
            killer_logged_in(backend);
        } else {
            asking_logged_in(backend);
        }
        return;
    }
    backend_set_environment(backend,
                            environment_with_charset(store, blank, bytes_of_text("utf8mb4"),
                                                     bytes_of_text("utf8mb4_general_ci")));
    environment_unref(blank);
    log_debug(log_number("backend", backend->id), "opened server=%s thread=%u user=%s",
              server_name(backend), backend->thread_id, backend->group->account->name);
    send_setup(backend, false);
    if (backend->step_count == 0) {
        struct sql_error error =
            error_make(ERROR_SERVER_LOST, "server %s was not looked at yet", server_name(backend));

        backend_fail(backend, &error);
    }
}

void backend_set_up(struct backend *backend)
{
    if (backend->failure.code != 0) {
        struct sql_error error = backend->failure;

        backend_fail(backend, &error);
        return;
    }
    enter(backend, BACKEND_IDLE);
    backend->deadline_ns = 0;
    pool_opened(backend);
}

void backend_reset(struct backend *backend)
{
    struct environment_store *store = backend->worker->environments;
    const struct environment *before = backend->environment;
    const struct environment *blank =
        before == NULL ? NULL : environment_without_variables(store, before);

    if (blank == NULL) {
        /* The schema is not known either: nothing could ever be compared with. */
        backend_close(backend, "its state is unknown");
        return;
    }
    enter(backend, BACKEND_SETUP);
    backend->deadline_ns = worker_now(backend->worker) +
                           (uint64_t)worker_config(backend->worker)->pool.wait_timeout_ms * 1000000;
    backend_set_environment(backend, blank);
    backend->schema_ns = 0; /* the reset takes @@character_set_database to the global value */
    send_setup(backend, true);
}

/* ---- leases ---- */

void backend_lend(struct backend *backend, struct session *session)
{
    enter(backend, BACKEND_LEASED);
    backend->session = session;
    backend->failure.code = 0;
}

void backend_take_back(struct backend *backend)
{
    if (backend->session != NULL) {
        backend->last_session = session_number(backend->session);
        backend->session = NULL;
    }
    stream_resume(backend->stream);
    if (backend->state == BACKEND_LEASED) {
        enter(backend, BACKEND_IDLE);
    }
}

void backend_set_environment(struct backend *backend, const struct environment *environment)
{
    environment_unref(backend->environment);
    backend->environment = environment;
}
