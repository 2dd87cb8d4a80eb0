/*
 * Hosts of several addresses, with real sockets on loopback: refused, silent, and listening ones.
 */
#include "proxy/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 150, FILLERS = 8 };

struct call {
    uv_loop_t loop;
    unsigned count;
    int fd;
};

static void on_done(void *context, int fd)
{
    struct call *call = context;

    call->count++;
    call->fd = fd;
}

static int bound(uint16_t *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

struct places {
    struct sockaddr_in at[4];
    struct addrinfo list[4];
    size_t count;
};

static void add(struct places *places, uint16_t port)
{
    struct sockaddr_in *at = &places->at[places->count];
    struct addrinfo *info = &places->list[places->count];

    *at = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *info = (struct addrinfo){
        .ai_family = AF_INET, .ai_addr = (struct sockaddr *)at, .ai_addrlen = sizeof *at};
    if (places->count > 0) {
        places->list[places->count - 1].ai_next = info;
    }
    places->count++;
}

static void run(struct call *call)
{
    uv_run(&call->loop, UV_RUN_DEFAULT); /* ends when no handle is left */
    assert_int_equal(uv_loop_close(&call->loop), 0);
}

static void begin(struct call *call)
{
    *call = (struct call){.fd = 0};
    assert_int_equal(uv_loop_init(&call->loop), 0);
}

/* Is the socket connected to this port? */
static void check_peer(int fd, uint16_t port)
{
    struct sockaddr_in in = {.sin_port = 0};
    socklen_t size = sizeof in;

    assert_true(fd >= 0);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&in, &size), 0);
    assert_int_equal(ntohs(in.sin_port), port);
    close(fd);
}

static void the_next_when_one_refuses(void **state)
{
    uint16_t closed, other, open;
    int a = bound(&closed), b = bound(&other), c = bound(&open);
    struct places places = {.count = 0};
    struct call call;

    (void)state;
    assert_int_equal(listen(c, 5), 0);
    add(&places, closed);
    add(&places, other);
    add(&places, open);
    begin(&call);
    assert_non_null(dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call));
    assert_int_equal(call.count, 0);
    run(&call);
    assert_int_equal(call.count, 1);
    check_peer(call.fd, open);
    close(a);
    close(b);
    close(c);
}

static void the_first_that_listens(void **state)
{
    uint16_t first, second;
    int a = bound(&first), b = bound(&second);
    struct places places = {.count = 0};
    struct call call;

    (void)state;
    assert_int_equal(listen(a, 5), 0);
    assert_int_equal(listen(b, 5), 0);
    add(&places, first);
    add(&places, second);
    begin(&call);
    assert_non_null(dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call));
    run(&call);
    check_peer(call.fd, first);
    close(a);
    close(b);
}

static void the_last_error_when_all_refuse(void **state)
{
    uint16_t closed;
    int a = bound(&closed);
    struct places places = {.count = 0};
    struct call call;

    (void)state;
    add(&places, closed);
    add(&places, closed);
    begin(&call);
    assert_non_null(dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call));
    run(&call);
    assert_int_equal(call.count, 1);
    assert_int_equal(call.fd, UV_ECONNREFUSED);
    close(a);
}

/* A listener whose queue is full lets further ones wait. */
static int silent(uint16_t *port, int fillers[FILLERS])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = bound(port);

    assert_int_equal(listen(fd, 0), 0);
    in.sin_port = htons(*port);
    for (unsigned i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&in, sizeof in);
    }
    return fd;
}

static void the_next_when_one_is_silent(void **state)
{
    uint16_t hangs, open;
    int fillers[FILLERS];
    int a = silent(&hangs, fillers), b = bound(&open);
    struct places places = {.count = 0};
    struct call call;
    uint64_t start;

    (void)state;
    assert_int_equal(listen(b, 5), 0);
    add(&places, hangs);
    add(&places, open);
    begin(&call);
    start = uv_hrtime();
    assert_non_null(dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call));
    run(&call);
    check_peer(call.fd, open);
    assert_in_range((uv_hrtime() - start) / 1000000, PATIENCE_MS - 20, 5000);
    for (unsigned i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
    close(a);
    close(b);
}

static void cancelled(void **state)
{
    uint16_t hangs;
    int fillers[FILLERS];
    int a = silent(&hangs, fillers);
    struct places places = {.count = 0};
    struct call call;
    struct dial *dial;
    int status;

    (void)state;
    add(&places, hangs);
    begin(&call);
    dial = dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call);
    dial_cancel(dial); /* before it began */
    dial = dial_list(&call.loop, places.list, PATIENCE_MS, on_done, &call);
    uv_run(&call.loop, UV_RUN_NOWAIT);
    uv_run(&call.loop, UV_RUN_NOWAIT);
    dial_cancel(dial); /* on its way */
    dial = dial_name(&call.loop, "localhost", hangs, on_done, &call, &status);
    assert_non_null(dial);
    dial_cancel(dial); /* being looked up */
    run(&call);
    assert_int_equal(call.count, 0);
    for (unsigned i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
    close(a);
}

static void by_name(void **state)
{
    uint16_t open;
    int a = bound(&open);
    struct call call;
    int status;

    (void)state;
    assert_int_equal(listen(a, 5), 0);
    begin(&call);
    assert_non_null(dial_name(&call.loop, "localhost", open, on_done, &call, &status));
    run(&call);
    check_peer(call.fd, open);
    begin(&call);
    assert_non_null(dial_name(&call.loop, "nothing.invalid", open, on_done, &call, &status));
    run(&call);
    assert_int_equal(call.count, 1);
    assert_true(call.fd < 0);
    close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_when_one_refuses),
        cmocka_unit_test(the_first_that_listens),
        cmocka_unit_test(the_last_error_when_all_refuse),
        cmocka_unit_test(the_next_when_one_is_silent),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
