/*
 * The HTTP port on libmicrohttpd: a few threads that poll, requests without bodies, pages made
 * whole. See http.h; what is shown is pages.c.
 *
 * A page that waits for a worker that hangs holds up the connections of its thread for a second;
 * the other threads go on.
 */
#include "proxy/http/http.h"

#include "proxy/config/address.h"
#include "proxy/http/pages.h"
#include "proxy/http/visits.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/memory.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS = 4,
    CONNECTIONS = 128,       /* of all threads; more wait to be accepted */
    PATIENCE_S = 10,         /* for silence, and for a request to be finished */
    MEMORY_BYTES = 16 << 10, /* per connection: the request's head must fit */
};

struct http {
    struct program *program; /* borrower */
    struct MHD_Daemon *daemon;
    struct visits *visits; /* owner */
    char *unix_path;       /* owner; NULL for TCP */
};

static enum MHD_Result reply(struct MHD_Connection *connection, const struct page *page)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(page->size, page->text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (response == NULL) {
        free(page->text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED || page->status == MHD_HTTP_CONTENT_TOO_LARGE) {
        /* What follows is, or may be, a body that nobody reads. */
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    result = MHD_queue_response(connection, page->status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length != NULL && strcmp(length, "0") != 0) ||
           header_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* Called when the head of a request is there, and again when all of it is. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
    static const char seen;
    struct http *self = context;
    struct page page;

    (void)version;
    (void)upload;
    (void)upload_size;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        page = page_for_method();
    } else if (has_body(connection)) {
        page = page_for_body();
    } else if (*state == NULL) {
        *state = (void *)&seen;
        return MHD_YES;
    } else {
        page = page_make(self->program, path, header_of(connection, MHD_HTTP_HEADER_ACCEPT));
    }
    return reply(connection, &page);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    struct http *self = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    (void)state;
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && info != NULL) {
        visits_renew(self->visits, info->socket_context);
    }
}

static void on_connection(void *context, struct MHD_Connection *connection, void **visit,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *self = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    switch (what) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *visit = info != NULL ? visits_begin(self->visits, info->connect_fd) : NULL;
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        visits_end(self->visits, *visit);
        break;
    }
}

/* Mostly what is wrong with clients' requests: not worth a line, unless somebody looks. */
static void on_library_log(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void on_library_log(void *context, const char *format, va_list arguments)
{
    char text[256];
    size_t length;

    (void)context;
    vsnprintf(text, sizeof text, format, arguments);
    length = strlen(text);
    if (length > 0 && text[length - 1] == '\n') {
        text[length - 1] = 0;
    }
    log_debug(log_name("http", NULL), "%s", text);
}

static struct MHD_Daemon *start_daemon(struct http *self, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        self, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, self, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_END);
}

struct http *http_start(struct program *program, const struct config_address *address)
{
    struct http *self;
    int fd = listener_socket(address);

    if (fd < 0) {
        log_error(log_name("http", NULL), "cannot serve on %s: %s", address->text, strerror(-fd));
        return NULL;
    }
    self = mem_calloc(1, sizeof *self);
    self->program = program;
    self->unix_path = address->kind == CONFIG_ADDRESS_UNIX ? mem_text(address->host) : NULL;
    self->visits = visits_start(CONNECTIONS, PATIENCE_S);
    self->daemon = self->visits != NULL ? start_daemon(self, fd) : NULL;
    if (self->daemon == NULL) {
        log_error(log_name("http", NULL), "cannot serve on %s: no thread", address->text);
        close(fd);
        http_stop(self);
        return NULL;
    }
    log_info(log_name("http", NULL), "serving on %s%s", address->text,
             address_is_local(address) ? ""
                                       : ": whoever can reach it may read names and figures of "
                                         "servers and users");
    return self;
}

void http_stop(struct http *self)
{
    if (self == NULL) {
        return;
    }
    if (self->daemon != NULL) {
        MHD_stop_daemon(self->daemon);
    }
    if (self->visits != NULL) {
        visits_stop(self->visits);
    }
    if (self->unix_path != NULL) {
        unlink(self->unix_path);
    }
    mem_free(self->unix_path);
    mem_free(self);
}
