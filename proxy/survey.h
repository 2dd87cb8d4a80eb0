/*
 * Surveys: all sessions, server connections and pools as they are now, as plain values that stay
 * true after the worker has gone on. For the admin and HTTP ports.
 *
 *   asker ──inquiry──▶ worker: copies a slice of its list, serves its sockets, copies the next ...
 *     └──── when all workers are done: visits the copies, one after the other
 *
 * Sessions and connections may come and go between two slices. Who is there all the time is seen
 * exactly once; the worker keeps the place (struct worker_survey) valid when one ends.
 *
 * Any thread but a worker's. Texts are good during the visit only.
 */
#ifndef TIDEMARK_PROXY_SURVEY_H
#define TIDEMARK_PROXY_SURVEY_H

#include "protocol/bytes.h"
#include "protocol/compressed.h"
#include "proxy/backend/backend.h"
#include "proxy/client/session.h"
#include "router/lexer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program;
struct worker;

enum {
    SURVEY_SLICE = 64,            /* sessions or connections per turn of a worker's loop */
    SURVEY_SQL_BYTES = 2 << 10,   /* of a statement that runs; what is longer is cut */
    SURVEY_NO_SERVER = UINT8_MAX, /* see session_sight.server */
};

/* What a session waits for. */
enum session_wait {
    WAITS_FOR_NOTHING,
    WAITS_FOR_CONNECTION, /* all of the server's are in use */
    WAITS_FOR_OPENING,    /* a connection is being opened */
    WAITS_FOR_SERVER,     /* none may serve the statement now, or no replica is fresh enough */
    WAITS_FOR_RESUME,     /* PAUSE */
    WAITS_FOR_CLIENT,     /* it does not read its answer */
};

struct session_sight {
    uint32_t id;
    unsigned worker;
    enum session_state state;
    uint64_t since_ns;   /* when the command in hand came; without one, when it came into the state,
                          * a tenth of a second late at most */
    uint64_t running_ns; /* since when its server has had the command in hand, seen by a tick; 0:
                          * not yet */
    enum session_wait waits;
    bool is_known; /* logged in: `user` means something */
    bool is_unix;
    bool is_traced;
    enum compression compression; /* towards the client */
    unsigned user;
    uint64_t queries;
    unsigned pins; /* enum pin */
    uint64_t pinned_ns;
    uint64_t pinned_by; /* digest of the statement that pinned it; 0: not pinned, or no statement */
    uint64_t floor_ns;  /* of a read that came now; 0: none */
    int consistency;    /* enum consistency */
    enum session_transaction transaction;
    bool autocommit;
    uint8_t server;      /* held or waited for; SURVEY_NO_SERVER */
    uint8_t last_server; /* where its last read went; SURVEY_NO_SERVER */
    uint64_t last_read_ns, last_write_ns;
    uint32_t thread_id; /* of the held server connection; 0: none is held */
    bool has_command;
    bool is_uncertain; /* the server may read `sql` in another way */
    bool is_parsed;    /* a server was seen to parse a statement of this digest */
    uint8_t command;   /* enum command */
    uint64_t digest;   /* of the command's statement; 0: it has none */
    const char *why;   /* static: why it goes where it goes; NULL: not routed yet */
    char peer[48];     /* the client's address */
    struct bytes schema;
    struct bytes sql; /* of the command in hand, cut: holds literals, for digest_text() only */
    struct lexer_mode mode; /* how to read that */
};

struct backend_sight {
    uint64_t id;
    unsigned worker;
    uint8_t server;
    enum backend_state state;
    unsigned user;
    uint32_t session; /* that has it; 0: none */
    uint32_t thread_id;
    uint64_t opened_ns;
    uint64_t idle_ns;    /* IDLE: since when */
    uint64_t expires_ns; /* 0: never */
    enum compression compression;
    struct bytes schema;
};

/* One user's connections to one server, of all workers and of all kinds. */
struct pool_sight {
    unsigned server, user;
    unsigned idle, leased, opening;
    unsigned waiting;        /* sessions that wait for a connection, also for one being opened */
    uint64_t oldest_wait_ns; /* since when the first of them does; 0: nobody waits */
};

void survey_sessions(struct program *program,
                     void (*visit)(void *context, const struct session_sight *sight),
                     void *context);
void survey_backends(struct program *program,
                     void (*visit)(void *context, const struct backend_sight *sight),
                     void *context);

/* In no order; at most one per server and user. */
void survey_pools(struct program *program,
                  void (*visit)(void *context, const struct pool_sight *sight), void *context);

/* "login", "idle", "waiting", "preparing", "running", "closing". */
const char *session_state_name(enum session_state state);
/* "opening", "login", "setup", "idle", "leased", "closing". */
const char *backend_state_name(enum backend_state state);

#endif
