/*
 * The admin port's thread. See admin.h.
 */
#include "proxy/admin/admin.h"

#include "proxy/admin/admin_own.h"
#include "proxy/admin/admin_session.h"
#include "proxy/admin/engine.h"
#include "proxy/listener.h"
#include "proxy/live.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/stream_tls.h"
#include "proxy/stream_uv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ids of admin clients are not those of data sessions: a KILL QUERY that a client's library sends
 * for itself must never meet one of those. */
enum { FIRST_ID = 1000000000 };

/* ---- turns ---- */

static void on_turns(uv_idle_t *handle)
{
    struct admin *admin = handle->data;
    struct admin_session *next;
    bool again = false;

    for (struct admin_session *session = admin->sessions; session != NULL; session = next) {
        next = session->next;
        again |= admin_session_turn(session);
    }
    if (!again) {
        uv_idle_stop(&admin->turns);
    }
}

void admin_wants_turn(struct admin *admin)
{
    uv_idle_start(&admin->turns, on_turns);
}

/* ---- clients ---- */

static bool is_loopback(const char *peer)
{
    return strncmp(peer, "127.", 4) == 0 || strncmp(peer, "::1:", 4) == 0 ||
           strncmp(peer, "::ffff:127.", 11) == 0;
}

/* Whoever comes in now may be honest; who has not managed to log in for longest hardly is. */
static void end_oldest_login(struct admin *admin)
{
    struct admin_session *oldest = NULL;
    struct sql_error error = error_make(ERROR_TOO_MANY_CONNECTIONS, "Too many connections");

    for (struct admin_session *each = admin->sessions; each != NULL; each = each->next) {
        if (each->state == ADMIN_LOGIN) {
            oldest = each;
        }
    }
    if (oldest != NULL) {
        admin_session_fail(oldest, &error);
    }
}

static void accept_client(void *context, int fd, bool is_unix, const char *peer)
{
    struct admin *admin = context;
    struct admin_session *session;

    if (admin->logins >= ADMIN_LOGINS) {
        end_oldest_login(admin);
    }
    session = mem_calloc(1, sizeof *session);
    session->admin = admin;
    session->id = admin->next_id++;
    session->is_unix = is_unix;
    session->is_local = is_unix || is_loopback(peer);
    session->since_ms = admin->now_ms;
    snprintf(session->peer, sizeof session->peer, "%s", peer);
    session->client = uv_stream_adopt(&admin->loop, fd, is_unix, admin->read_buffer,
                                      &admin_session_stream_events, session);
    if (session->client == NULL) {
        mem_free(session);
        return;
    }
    session->next = admin->sessions;
    if (admin->sessions != NULL) {
        admin->sessions->before = session;
    }
    admin->sessions = session;
    admin->logins++;
    admin_session_greet(session);
}

bool admin_admit(struct admin *admin, struct admin_session *session)
{
    bool is_trusted = session->is_local && !session->is_read_only;

    if (admin->clients >= (unsigned)(is_trusted ? ADMIN_CLIENTS : ADMIN_CLIENTS - ADMIN_RESERVED)) {
        return false;
    }
    admin->clients++;
    session->is_counted = true;
    return true;
}

void admin_leave(struct admin *admin, struct admin_session *session)
{
    if (session->before != NULL) {
        session->before->next = session->next;
    } else {
        admin->sessions = session->next;
    }
    if (session->next != NULL) {
        session->next->before = session->before;
    }
}

static void on_tick(uv_timer_t *handle)
{
    struct admin *admin = handle->data;
    struct admin_session *next;

    admin->now_ms += ADMIN_TICK_MS;
    for (struct admin_session *session = admin->sessions; session != NULL; session = next) {
        next = session->next;
        admin_session_tick(session);
    }
}

/* ---- life ---- */

static void on_stop(uv_async_t *handle)
{
    struct admin *admin = handle->data;
    struct admin_session *next;

    for (struct admin_session *session = admin->sessions; session != NULL; session = next) {
        next = session->next;
        admin_session_close(session, "the program ends");
    }
    if (admin->listener != NULL) {
        listener_close(admin->listener);
    }
    uv_close((uv_handle_t *)&admin->turns, NULL);
    uv_close((uv_handle_t *)&admin->tick, NULL);
    uv_close((uv_handle_t *)&admin->stop, NULL);
}

static void run(void *argument)
{
    struct admin *admin = argument;

    uv_run(&admin->loop, UV_RUN_DEFAULT);
}

static void dispose(struct admin *admin)
{
    uv_loop_close(&admin->loop);
    mem_free(admin->read_buffer);
    tls_room_free(admin->tls_room);
    mem_free(admin);
}

static bool start(struct admin *admin)
{
    struct config *config = live_config(admin->program->live);
    int status;

    admin->listener = listener_open(&admin->loop, &config->proxy.admin, accept_client, admin);
    config_unref(config);
    if (admin->listener == NULL || !engine_library_start()) {
        return false;
    }
    status = uv_thread_create(&admin->thread, run, admin);
    if (status < 0) {
        log_error(log_name("admin", NULL), "no thread: %s", uv_strerror(status));
    }
    return status == 0;
}

struct admin *admin_start(struct program *program)
{
    struct admin *admin = mem_calloc(1, sizeof *admin);

    admin->program = program;
    admin->next_id = FIRST_ID;
    if (uv_loop_init(&admin->loop) < 0) {
        log_error(log_name("admin", NULL), "no event loop");
        mem_free(admin);
        return NULL;
    }
    admin->read_buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    admin->tls_room = tls_room_new();
    uv_async_init(&admin->loop, &admin->stop, on_stop);
    admin->stop.data = admin;
    uv_timer_init(&admin->loop, &admin->tick);
    admin->tick.data = admin;
    uv_timer_start(&admin->tick, on_tick, ADMIN_TICK_MS, ADMIN_TICK_MS);
    uv_idle_init(&admin->loop, &admin->turns);
    admin->turns.data = admin;
    if (!start(admin)) {
        on_stop(&admin->stop);
        uv_run(&admin->loop, UV_RUN_DEFAULT);
        dispose(admin);
        return NULL;
    }
    return admin;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    atomic_store(&admin->is_stopping, true);
    uv_async_send(&admin->stop);
    uv_thread_join(&admin->thread);
    dispose(admin);
}
