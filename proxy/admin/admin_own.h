/*
 * The admin port as its sessions see it. For the files admin*.c alone.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ADMIN_OWN_H
#define TIDEMARK_PROXY_ADMIN_ADMIN_OWN_H

#include "proxy/program.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct admin_session;
struct listener;
struct tls_room;

enum {
    ADMIN_CLIENTS = 200,    /* logged in at once ... */
    ADMIN_RESERVED = 10,    /* ... of which so many places are for the full account from here */
    ADMIN_LOGINS = 100,     /* at once; then the oldest is ended */
    ADMIN_LOGIN_MS = 5000,  /* to log in; less where [proxy] login_timeout_ms is */
    ADMIN_STALL_MS = 30000, /* a client that does not read */
    ADMIN_IDLE_MS = 8 * 60 * 60 * 1000,
    ADMIN_TICK_MS = 100,
    ADMIN_TURN_MS = 20, /* of work for one client before others get their turn */
};

struct admin {
    struct program *program; /* borrower */
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t tick;
    uv_idle_t turns; /* runs while a session has work to do */
    struct listener *listener;
    uint8_t *read_buffer;      /* owner */
    struct tls_room *tls_room; /* owner */
    struct admin_session *sessions;
    unsigned logins, clients; /* in the list, by state */
    uint32_t next_id;
    /* Time as the port lives through it: what a long statement takes, during which no packet can
     * be read, counts for nobody's deadline. */
    uint64_t now_ms;
    atomic_bool is_stopping;
};

/* May this session, whose password is right, come in? Counts it if so. */
bool admin_admit(struct admin *admin, struct admin_session *session);

/* The session has something to do. */
void admin_wants_turn(struct admin *admin);

/* Its stream is closed: it is taken out of the list; its memory is the session's. */
void admin_leave(struct admin *admin, struct admin_session *session);

#endif
