/*
 * Listening sockets, see listener.h. They are watched, not owned, by libuv: accepting by hand gives
 * a plain descriptor, which any worker's loop can take.
 */
#include "proxy/listener.h"

#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_PER_EVENT = 64, /* then other events get their turn */
};

struct listener {
    uv_poll_t poll;
    int fd;
    bool is_unix;
    struct sockaddr_un path; /* is_unix */
    listener_accept *accept;
    void *context;
    bool starved; /* out of descriptors was logged already */
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *self = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        char peer[PEER_TEXT_BYTES];
        int fd =
            accept4(self->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                if (!self->starved) {
                    log_error(log_name("proxy", NULL),
                              "cannot accept a client: %s; raise the limit of open files",
                              strerror(errno));
                    self->starved = true;
                }
            }
            return;
        }
        self->starved = false;
        peer_text(&address, peer);
        self->accept(self->context, fd, self->is_unix, peer);
    }
}

/* A socket file that nobody listens on any more is in the way; a living one is an error. */
static void remove_stale(const struct sockaddr_un *path)
{
    struct stat status;
    int fd;

    if (lstat(path->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        return;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        if (connect(fd, (const struct sockaddr *)path, sizeof *path) < 0 && errno == ECONNREFUSED) {
            unlink(path->sun_path);
        }
        close(fd);
    }
}

static int listen_on(const struct config_address *address)
{
    int family = address->sockaddr.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    }
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    if (bind(fd, (const struct sockaddr *)&address->sockaddr, address->sockaddr_size) < 0 ||
        listen(fd, BACKLOG) < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int listener_socket(const struct config_address *address)
{
    bool is_unix = address->kind == CONFIG_ADDRESS_UNIX;
    int fd;

    if (is_unix) {
        remove_stale((const struct sockaddr_un *)&address->sockaddr);
    }
    fd = listen_on(address);
    if (fd < 0) {
        return -errno;
    }
    if (is_unix) {
        /* Whoever may reach the folder may connect; the password decides who may come in. */
        chmod(((const struct sockaddr_un *)&address->sockaddr)->sun_path, 0777);
    }
    return fd;
}

struct listener *listener_open(uv_loop_t *loop, const struct config_address *address,
                               listener_accept *accept, void *context)
{
    struct listener *self;
    bool is_unix = address->kind == CONFIG_ADDRESS_UNIX;
    int fd = listener_socket(address);

    if (fd < 0) {
        log_error(log_name("proxy", NULL), "cannot listen on %s: %s", address->text, strerror(-fd));
        return NULL;
    }
    self = mem_calloc(1, sizeof *self);
    self->fd = fd;
    self->is_unix = is_unix;
    self->accept = accept;
    self->context = context;
    if (is_unix) {
        memcpy(&self->path, &address->sockaddr, sizeof self->path);
    }
    uv_poll_init(loop, &self->poll, fd);
    self->poll.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
    log_info(log_name("proxy", NULL), "listening on %s", address->text);
    return self;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *self = handle->data;

    close(self->fd);
    mem_free(self);
}

void listener_close(struct listener *self)
{
    if (self->is_unix) {
        unlink(self->path.sun_path);
    }
    uv_close((uv_handle_t *)&self->poll, on_closed);
}
