/*
 * See dial.h. Each attempt has a socket, a handle that watches it, and a timer; the handles outlive
 * the attempt until libuv has let go of them.
 */
#include "proxy/dial.h"

#include "proxy/memory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct attempt {
    uv_poll_t poll;
    uv_timer_t timer;  /* also what begins a dial_list, later */
    struct dial *dial; /* borrower; NULL: it is over */
    int fd;            /* owner; -1: none yet, or handed on */
    unsigned open_handles;
};

struct dial {
    uv_getaddrinfo_t lookup;
    uv_loop_t *loop;
    struct addrinfo *found;      /* owner: of the lookup */
    const struct addrinfo *next; /* borrower: to be tried when this one fails */
    struct attempt *attempt;     /* owner until it is over */
    unsigned patience_ms;
    int status; /* of the last attempt */
    dial_done *done;
    void *context;
};

static void try_next(struct dial *dial);

static struct dial *dial_new(uv_loop_t *loop, dial_done *done, void *context)
{
    struct dial *dial = mem_calloc(1, sizeof *dial);

    dial->loop = loop;
    dial->patience_ms = DIAL_PATIENCE_MS;
    dial->status = UV_EAI_NONAME; /* where a lookup finds nothing */
    dial->done = done;
    dial->context = context;
    return dial;
}

static void dial_free(struct dial *dial)
{
    if (dial->found != NULL) {
        uv_freeaddrinfo(dial->found);
    }
    mem_free(dial);
}

static void finish(struct dial *dial, int fd)
{
    dial_done *done = dial->done;
    void *context = dial->context;

    dial_free(dial);
    done(context, fd);
}

/* ---- one address ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct attempt *attempt = handle->data;

    if (--attempt->open_handles == 0) {
        mem_free(attempt);
    }
}

/* Answers the socket, which is the caller's then. */
static int end_attempt(struct dial *dial)
{
    struct attempt *attempt = dial->attempt;
    int fd = attempt->fd;

    dial->attempt = NULL;
    attempt->dial = NULL;
    if (fd >= 0) {
        uv_poll_stop(&attempt->poll);
        uv_close((uv_handle_t *)&attempt->poll, on_handle_closed);
    }
    uv_close((uv_handle_t *)&attempt->timer, on_handle_closed);
    return fd;
}

static void give_up(struct dial *dial, int status)
{
    close(end_attempt(dial));
    dial->status = status;
    try_next(dial);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct attempt *attempt = poll->data;
    struct dial *dial = attempt->dial;
    int error = 0;
    socklen_t size = sizeof error;

    (void)events;
    if (dial == NULL) {
        return;
    }
    /* The watcher's own status only says that there is an error, the socket says which. */
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
        error = errno;
    }
    if (status < 0 || error != 0) {
        give_up(dial, error != 0 ? uv_translate_sys_error(error) : status);
        return;
    }
    finish(dial, end_attempt(dial));
}

static void on_patience_over(uv_timer_t *timer)
{
    struct attempt *attempt = timer->data;

    if (attempt->dial != NULL) {
        give_up(attempt->dial, UV_ETIMEDOUT);
    }
}

static struct attempt *attempt_new(struct dial *dial)
{
    struct attempt *attempt = mem_calloc(1, sizeof *attempt);

    attempt->dial = dial;
    attempt->fd = -1;
    uv_timer_init(dial->loop, &attempt->timer);
    attempt->timer.data = attempt;
    attempt->open_handles = 1;
    dial->attempt = attempt;
    return attempt;
}

/* Watches a socket that is connecting. */
static void watch(struct dial *dial, int fd)
{
    struct attempt *attempt = attempt_new(dial);

    attempt->fd = fd;
    uv_poll_init(dial->loop, &attempt->poll, fd);
    attempt->poll.data = attempt;
    attempt->open_handles++;
    uv_poll_start(&attempt->poll, UV_WRITABLE, on_writable);
    if (dial->next != NULL) {
        uv_timer_start(&attempt->timer, on_patience_over, dial->patience_ms, 0);
    }
}

/* A socket on its way to the address, or negative. */
static int start_to_connect(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return uv_translate_sys_error(errno);
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS) {
        return fd;
    }
    error = errno;
    close(fd);
    return uv_translate_sys_error(error);
}

static void try_next(struct dial *dial)
{
    while (dial->next != NULL) {
        const struct addrinfo *address = dial->next;
        int fd = start_to_connect(address);

        dial->next = address->ai_next;
        if (fd >= 0) {
            watch(dial, fd);
            return;
        }
        dial->status = fd;
    }
    finish(dial, dial->status);
}

/* ---- the whole ---- */

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct dial *dial = lookup->data;

    dial->found = found;
    dial->next = found;
    if (dial->done == NULL) {
        dial_free(dial);
    } else if (status < 0) {
        finish(dial, status);
    } else {
        try_next(dial);
    }
}

struct dial *dial_name(uv_loop_t *loop, const char *host, unsigned port, dial_done *done,
                       void *context, int *status)
{
    struct dial *dial = dial_new(loop, done, context);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[12];

    dial->lookup.data = dial;
    snprintf(service, sizeof service, "%u", port);
    *status = uv_getaddrinfo(loop, &dial->lookup, on_looked_up, host, service, &hints);
    if (*status < 0) {
        dial_free(dial);
        return NULL;
    }
    return dial;
}

static void on_begin(uv_timer_t *timer)
{
    struct attempt *attempt = timer->data;
    struct dial *dial = attempt->dial;

    if (dial != NULL) {
        end_attempt(dial);
        try_next(dial);
    }
}

struct dial *dial_list(uv_loop_t *loop, const struct addrinfo *addresses, unsigned patience_ms,
                       dial_done *done, void *context)
{
    struct dial *dial = dial_new(loop, done, context);

    dial->next = addresses;
    dial->patience_ms = patience_ms;
    uv_timer_start(&attempt_new(dial)->timer, on_begin, 0, 0);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    if (dial->attempt == NULL) {
        dial->done = NULL; /* the lookup ends by itself, perhaps later */
        uv_cancel((uv_req_t *)&dial->lookup);
        return;
    }
    int fd = end_attempt(dial);

    if (fd >= 0) {
        close(fd);
    }
    dial_free(dial);
}
