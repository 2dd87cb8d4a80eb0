/*
 * The loop around a worker. See worker_thread.h.
 */
#include "proxy/worker_thread.h"

#include "proxy/backend/pool.h"
#include "proxy/client/session.h"
#include "proxy/clock.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/peer.h"
#include "proxy/stream_uv.h"
#include "proxy/worker.h"

#include <string.h>
#include <unistd.h>
#include <uv.h>

/* A client on its way to the worker. */
struct arrival {
    struct arrival *next;
    int fd;
    bool is_unix;
    char peer[PEER_TEXT_BYTES];
};

/* What somebody wants the worker to do. */
struct errand {
    struct errand *next;
    inquiry_job *job;
    void *state;
    void (*on_done)(void *context);
    void *context;
    bool is_running; /* guarded by the mail's lock: a part of it is being done now */
    bool is_revoked; /* likewise: no further part is to be done */
};

struct worker_thread {
    struct worker worker;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t tick;
    uint8_t *read_buffer; /* owner */
    atomic_size_t clients;
    atomic_bool ended;

    uv_mutex_t mail_lock;
    struct arrival *first, *last; /* guarded by the lock */
    bool drain;                   /* likewise */
    unsigned drain_timeout_ms;    /* likewise */
    struct errand *errands;       /* likewise; oldest first */
    bool deaf;                    /* likewise: the loop has ended, nobody reads mail any more */
};

/* ---- transport ---- */

static struct stream *transport_connect(void *context, const struct config_address *address,
                                        const struct stream_events *events, void *owner,
                                        int *status)
{
    struct worker_thread *self = context;

    if (address->kind == CONFIG_ADDRESS_NAME) {
        return uv_stream_connect_name(&self->loop, address->host, address->port, self->read_buffer,
                                      events, owner, status);
    }
    return uv_stream_connect(&self->loop, (const struct sockaddr *)&address->sockaddr,
                             self->read_buffer, events, owner, status);
}

static uint64_t transport_now(void *context)
{
    (void)context;
    return clock_now();
}

static int transport_detach(void *context, struct stream *stream)
{
    (void)context;
    return uv_stream_duplicate(stream);
}

static struct stream *transport_attach(void *context, int fd, bool is_unix,
                                       const struct stream_events *events, void *owner)
{
    struct worker_thread *self = context;

    return uv_stream_adopt(&self->loop, fd, is_unix, self->read_buffer, events, owner);
}

/* ---- mail ---- */

static void admit(struct worker_thread *self, const struct arrival *arrival)
{
    struct session *session = session_new(&self->worker, arrival->is_unix, arrival->peer);

    session->client = uv_stream_adopt(&self->loop, arrival->fd, arrival->is_unix, self->read_buffer,
                                      &session_stream_events, session);
    if (session->client == NULL) {
        session_bury_stillborn(session);
        return;
    }
    session_start(session);
}

static void count_clients(struct worker_thread *self)
{
    atomic_store(&self->clients, self->worker.session_count);
}

static void read_mail(struct worker_thread *self)
{
    struct arrival *arrivals;
    bool drain;
    unsigned timeout_ms;

    uv_mutex_lock(&self->mail_lock);
    arrivals = self->first;
    self->first = self->last = NULL;
    drain = self->drain;
    self->drain = false;
    timeout_ms = self->drain_timeout_ms;
    uv_mutex_unlock(&self->mail_lock);

    while (arrivals != NULL) {
        struct arrival *next = arrivals->next;

        admit(self, arrivals);
        mem_free(arrivals);
        arrivals = next;
    }
    if (drain) {
        worker_drain(&self->worker, worker_now(&self->worker) + (uint64_t)timeout_ms * 1000000);
    }
}

static struct errand *begin_errand(struct worker_thread *self)
{
    struct errand *errand;

    uv_mutex_lock(&self->mail_lock);
    errand = self->errands;
    if (errand != NULL) {
        errand->is_running = true;
    }
    uv_mutex_unlock(&self->mail_lock);
    return errand;
}

/* Takes the first errand off the list if it `is_done` or nobody wants it any more. Answers whether
 * there are others to do. */
static bool rest_errand(struct worker_thread *self, bool is_done)
{
    struct errand *errand;
    bool is_over, are_more;

    uv_mutex_lock(&self->mail_lock);
    errand = self->errands; /* still the first: a running one is not taken out by others */
    errand->is_running = false;
    is_over = is_done || errand->is_revoked;
    if (is_over) {
        self->errands = errand->next;
    }
    are_more = self->errands != NULL;
    uv_mutex_unlock(&self->mail_lock);
    if (is_over) {
        errand->on_done(errand->context);
        mem_free(errand);
    }
    return are_more;
}

/* One part of one errand per turn of the loop, so that sockets come first. */
static void run_errand(struct worker_thread *self)
{
    struct errand *errand = begin_errand(self);

    if (errand != NULL && rest_errand(self, errand->job(&self->worker, errand->state))) {
        uv_async_send(&self->wake);
    }
}

/* The handles stay until worker_thread_join: others may still send mail. */
static void end_if_empty(struct worker_thread *self)
{
    if (self->worker.draining && worker_is_empty(&self->worker)) {
        uv_timer_stop(&self->tick);
        uv_stop(&self->loop);
    }
}

static void on_wake(uv_async_t *handle)
{
    struct worker_thread *self = handle->data;

    read_mail(self);
    worker_wake(&self->worker);
    run_errand(self);
    count_clients(self);
}

static void on_tick(uv_timer_t *handle)
{
    struct worker_thread *self = handle->data;

    worker_tick(&self->worker);
    count_clients(self);
    end_if_empty(self);
}

/* ---- life ---- */

static void run(void *argument)
{
    struct worker_thread *self = argument;

    uv_run(&self->loop, UV_RUN_DEFAULT);
    uv_mutex_lock(&self->mail_lock);
    self->deaf = true;
    uv_mutex_unlock(&self->mail_lock);
    while (begin_errand(self) != NULL) {
        rest_errand(self, true);
    }
    worker_dispose(&self->worker);
    atomic_store(&self->ended, true);
}

static void close_loop(struct worker_thread *self)
{
    uv_close((uv_handle_t *)&self->tick, NULL);
    uv_close((uv_handle_t *)&self->wake, NULL);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    uv_loop_close(&self->loop);
    uv_mutex_destroy(&self->mail_lock);
    mem_free(self->read_buffer);
    mem_free(self);
}

struct worker_thread *worker_thread_start(struct process *process, unsigned number)
{
    struct worker_thread *self = mem_calloc(1, sizeof *self);
    struct transport transport = {.connect = transport_connect,
                                  .now = transport_now,
                                  .detach = transport_detach,
                                  .attach = transport_attach,
                                  .context = self};
    int status = uv_loop_init(&self->loop);

    if (status < 0) {
        log_error(log_number("worker", number), "no event loop: %s", uv_strerror(status));
        mem_free(self);
        return NULL;
    }
    uv_mutex_init(&self->mail_lock);
    self->read_buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    worker_init(&self->worker, number, process, &transport);
    uv_async_init(&self->loop, &self->wake, on_wake);
    self->wake.data = self;
    uv_timer_init(&self->loop, &self->tick);
    self->tick.data = self;
    uv_timer_start(&self->tick, on_tick, WORKER_TICK_MS, WORKER_TICK_MS);
    status = uv_thread_create(&self->thread, run, self);
    if (status < 0) {
        log_error(log_number("worker", number), "no thread: %s", uv_strerror(status));
        worker_dispose(&self->worker);
        close_loop(self);
        return NULL;
    }
    return self;
}

void worker_thread_accept(struct worker_thread *self, int fd, bool is_unix, const char *peer)
{
    struct arrival *arrival = mem_calloc(1, sizeof *arrival);

    arrival->fd = fd;
    arrival->is_unix = is_unix;
    snprintf(arrival->peer, sizeof arrival->peer, "%s", peer);
    atomic_fetch_add(&self->clients, 1);
    uv_mutex_lock(&self->mail_lock);
    if (self->last != NULL) {
        self->last->next = arrival;
    } else {
        self->first = arrival;
    }
    self->last = arrival;
    uv_mutex_unlock(&self->mail_lock);
    worker_thread_wake(self);
}

void worker_thread_wake(struct worker_thread *self)
{
    uv_async_send(&self->wake);
}

void worker_thread_drain(struct worker_thread *self, unsigned timeout_ms)
{
    uv_mutex_lock(&self->mail_lock);
    self->drain = true;
    self->drain_timeout_ms = timeout_ms;
    uv_mutex_unlock(&self->mail_lock);
    worker_thread_wake(self);
}

void worker_thread_ask(struct worker_thread *self, inquiry_job *job, void *state,
                       void (*on_done)(void *context), void *context)
{
    struct errand *errand = mem_calloc(1, sizeof *errand);
    struct errand **last = &self->errands;
    bool deaf;

    errand->job = job;
    errand->state = state;
    errand->on_done = on_done;
    errand->context = context;
    uv_mutex_lock(&self->mail_lock);
    deaf = self->deaf;
    while (!deaf && *last != NULL) {
        last = &(*last)->next;
    }
    if (!deaf) {
        *last = errand;
    }
    uv_mutex_unlock(&self->mail_lock);
    if (deaf) {
        on_done(context);
        mem_free(errand);
        return;
    }
    worker_thread_wake(self);
}

bool worker_thread_revoke(struct worker_thread *self, const void *context)
{
    struct errand **place = &self->errands;
    struct errand *errand;
    bool is_running;

    uv_mutex_lock(&self->mail_lock);
    while (*place != NULL && (*place)->context != context) {
        place = &(*place)->next;
    }
    errand = *place;
    is_running = errand == NULL || errand->is_running;
    if (!is_running) {
        *place = errand->next;
    } else if (errand != NULL) {
        errand->is_revoked = true;
    }
    uv_mutex_unlock(&self->mail_lock);
    if (!is_running) {
        mem_free(errand);
    }
    return !is_running;
}

size_t worker_thread_clients(const struct worker_thread *self)
{
    return atomic_load(&self->clients);
}

bool worker_thread_has_ended(const struct worker_thread *self)
{
    return atomic_load(&self->ended);
}

void worker_thread_join(struct worker_thread *self)
{
    uv_thread_join(&self->thread);
    for (struct arrival *arrival = self->first, *next; arrival != NULL; arrival = next) {
        next = arrival->next;
        close(arrival->fd);
        mem_free(arrival);
    }
    close_loop(self);
}
