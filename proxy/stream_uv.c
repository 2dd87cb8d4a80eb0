/*
 * The libuv kind of stream: thin glue between stream.h and uv_tcp_t or uv_pipe_t.
 *
 * Queued bytes are one heap block each, with the uv request in front, freed when libuv reports them
 * sent or cancelled. All handles end in on_uv_closed.
 */
#include "proxy/stream_uv.h"

#include "proxy/dial.h"
#include "proxy/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MAX_PARTS = 16,
    KEEPALIVE_S = 60, /* idle seconds before the kernel asks a server whether it is still there */
};

struct uv_stream {
    struct stream stream;
    struct dial *dial;    /* owner: a host of several addresses is being tried; NULL: none */
    uint8_t *read_buffer; /* borrower: the loop's */
    uv_os_fd_t fd;        /* of `uv`; -1 until it is connected */
    uv_idle_t *again;     /* owner: for call_again; NULL: was not needed yet */
    union {
        uv_handle_t handle;
        uv_stream_t any;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
};

struct queued_write {
    uv_write_t request;
    struct uv_stream *stream;
    uint8_t *data;
    size_t size;
};

/* What uv_try_write would do, without the way there: it is called only while nothing is queued, and
 * whatever the system refuses is queued, where libuv finds the reason again. */
static long write_some(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct uv_stream *self = (struct uv_stream *)stream;
    struct iovec pieces[MAX_PARTS];

    if (count == 1) {
        return write(self->fd, parts[0].data, parts[0].size);
    }
    assert(count <= MAX_PARTS);
    for (size_t i = 0; i < count; i++) {
        pieces[i].iov_base = (void *)(uintptr_t)parts[i].data;
        pieces[i].iov_len = parts[i].size;
    }
    return writev(self->fd, pieces, (int)count);
}

static void on_written(uv_write_t *request, int status)
{
    struct queued_write *write = (struct queued_write *)request;
    struct uv_stream *stream = write->stream;
    size_t size = write->size;

    mem_free(write->data);
    mem_free(write);
    stream_sent(&stream->stream, size, status);
}

static int write_later(struct stream *stream, uint8_t *data, size_t size)
{
    struct uv_stream *self = (struct uv_stream *)stream;
    struct queued_write *write = mem_alloc(sizeof *write);
    uv_buf_t buffer = uv_buf_init((char *)data, (unsigned)size);
    int status;

    write->stream = self;
    write->data = data;
    write->size = size;
    status = uv_write(&write->request, &self->uv.any, &buffer, 1, on_written);
    if (status < 0) {
        /* Only a handle that is not connected is refused here; reading reports the reason. */
        stream->queued_bytes -= size;
        mem_free(data);
        mem_free(write);
    }
    return status;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct uv_stream *self = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)self->read_buffer + STREAM_HEADROOM_BYTES, STREAM_READ_BYTES);
}

static void on_read(uv_stream_t *handle, ssize_t size, const uv_buf_t *buffer)
{
    struct uv_stream *self = handle->data;

    if (size > 0) {
        stream_deliver(&self->stream, (struct bytes){(uint8_t *)buffer->base, (size_t)size});
    } else if (size < 0) {
        stream_fail(&self->stream, (int)size);
    }
}

static void read_start(struct stream *stream)
{
    struct uv_stream *self = (struct uv_stream *)stream;

    uv_read_start(&self->uv.any, on_allocate, on_read);
}

static void read_stop(struct stream *stream)
{
    struct uv_stream *self = (struct uv_stream *)stream;

    uv_read_stop(&self->uv.any);
}

static void on_again(uv_idle_t *again)
{
    struct uv_stream *self = again->data;

    uv_idle_stop(again);
    stream_again(&self->stream);
}

static void call_again(struct stream *stream)
{
    struct uv_stream *self = (struct uv_stream *)stream;

    if (self->again == NULL) {
        self->again = mem_alloc(sizeof *self->again);
        uv_idle_init(self->uv.handle.loop, self->again);
        self->again->data = self;
    }
    uv_idle_start(self->again, on_again);
}

static void on_again_closed(uv_handle_t *again)
{
    mem_free(again);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct uv_stream *self = handle->data;

    stream_closed(&self->stream);
    mem_free(self);
}

static void close_stream(struct stream *stream)
{
    struct uv_stream *self = (struct uv_stream *)stream;

    if (self->dial != NULL) {
        dial_cancel(self->dial);
        self->dial = NULL;
    }
    if (self->again != NULL) {
        uv_close((uv_handle_t *)self->again, on_again_closed);
        self->again = NULL;
    }
    uv_close(&self->uv.handle, on_uv_closed);
}

static const struct stream_operations operations = {
    .write_some = write_some,
    .write_later = write_later,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_stream,
    .call_again = call_again,
};

static struct uv_stream *new_stream(uv_loop_t *loop, bool is_unix, uint8_t *read_buffer,
                                    const struct stream_events *events, void *owner)
{
    struct uv_stream *self = mem_alloc(sizeof *self);

    stream_init(&self->stream, &operations, events, owner);
    self->read_buffer = read_buffer;
    self->dial = NULL;
    self->fd = -1;
    self->again = NULL;
    if (is_unix) {
        uv_pipe_init(loop, &self->uv.pipe, 0);
    } else {
        uv_tcp_init(loop, &self->uv.tcp);
    }
    self->uv.handle.data = self;
    return self;
}

/* For a stream that its owner never got: no owner is told. */
static void on_discarded(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void discard(struct uv_stream *self)
{
    uv_close(&self->uv.handle, on_discarded);
}

struct stream *uv_stream_adopt(uv_loop_t *loop, int fd, bool is_unix, uint8_t *read_buffer,
                               const struct stream_events *events, void *owner)
{
    struct uv_stream *self = new_stream(loop, is_unix, read_buffer, events, owner);
    int status = is_unix ? uv_pipe_open(&self->uv.pipe, fd) : uv_tcp_open(&self->uv.tcp, fd);

    if (status < 0) {
        close(fd);
        discard(self);
        return NULL;
    }
    if (!is_unix) {
        uv_tcp_nodelay(&self->uv.tcp, 1);
    }
    self->fd = fd;
    return &self->stream;
}

/* The socket is there, or will not be. */
static void connected(struct uv_stream *self, int status)
{
    if (status == 0) {
        status = uv_fileno(&self->uv.handle, &self->fd);
    }
    if (status == 0 && self->uv.handle.type == UV_TCP) {
        uv_tcp_nodelay(&self->uv.tcp, 1);
        uv_tcp_keepalive(&self->uv.tcp, 1, KEEPALIVE_S);
    }
    self->stream.events->on_connected(self->stream.owner, status);
}

static void on_connect(uv_connect_t *request, int status)
{
    struct uv_stream *self = request->data;

    mem_free(request);
    if (!self->stream.closing) {
        connected(self, status);
    }
}

struct stream *uv_stream_connect(uv_loop_t *loop, const struct sockaddr *address,
                                 uint8_t *read_buffer, const struct stream_events *events,
                                 void *owner, int *status)
{
    bool is_unix = address->sa_family == AF_UNIX;
    struct uv_stream *self = new_stream(loop, is_unix, read_buffer, events, owner);
    uv_connect_t *request = mem_alloc(sizeof *request);

    request->data = self;
    *status = 0;
    if (is_unix) {
        uv_pipe_connect(request, &self->uv.pipe, ((const struct sockaddr_un *)address)->sun_path,
                        on_connect);
    } else {
        *status = uv_tcp_connect(request, &self->uv.tcp, address, on_connect);
    }
    if (*status < 0) {
        mem_free(request);
        discard(self);
        return NULL;
    }
    return &self->stream;
}

static void on_dialed(void *context, int fd)
{
    struct uv_stream *self = context;
    int status = fd;

    self->dial = NULL;
    if (fd >= 0) {
        status = uv_tcp_open(&self->uv.tcp, fd);
        if (status < 0) {
            close(fd);
        }
    }
    connected(self, status);
}

struct stream *uv_stream_connect_name(uv_loop_t *loop, const char *host, unsigned port,
                                      uint8_t *read_buffer, const struct stream_events *events,
                                      void *owner, int *status)
{
    struct uv_stream *self = new_stream(loop, false, read_buffer, events, owner);

    self->dial = dial_name(loop, host, port, on_dialed, self, status);
    if (self->dial == NULL) {
        discard(self);
        return NULL;
    }
    return &self->stream;
}

int uv_stream_duplicate(struct stream *stream)
{
    struct uv_stream *self = (struct uv_stream *)stream;
    uv_os_fd_t fd;
    int status = uv_fileno(&self->uv.handle, &fd);

    if (status < 0) {
        return status;
    }
    status = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return status < 0 ? uv_translate_sys_error(errno) : status;
}
