/*
 * A server connection: logged in once, then lent to one session after the other.
 *
 *   OPENING --> LOGIN --> SETUP --> IDLE <--> LEASED      any --> CLOSING
 *                                     \--> QUITTING
 *
 *   OPENING -> LOGIN    [on_connected]       the socket is there; the greeting is awaited
 *   LOGIN   -> SETUP    [login_step]         logged in; the trackers are being switched on
 *   SETUP   -> IDLE     [on_setup_done]      reported to the pool, which lends it at once if it can
 *   IDLE    -> LEASED   [backend_lend]       `session` is set
 *   LEASED  -> IDLE     [backend_take_back]  nothing of the session is left, or env says what is
 *   IDLE    -> QUITTING [backend_close]      COM_QUIT is sent, the server's end is awaited
 *
 *   IDLE:    no answer is awaited; `environment` is what the server has, NULL: unknown, must be
 *            reset before use.
 *   LEASED:  answers are awaited in the order of `steps`.
 *   QUITTING: the socket stays open, and the permit in use, until the server has closed: both
 *            servers do that once they no longer count the connection to its account. What still
 *            comes is dropped; a server that does not close is given up after QUIT_NS.
 *
 * Whatever is sent to a server is answered in order, so a connection keeps a short queue of the
 * answers that are still to come (steps). Those that only bring the connection in step are
 * swallowed here; the one to the client's command is the session's (proxy/exchange.h).
 */
#ifndef TIDEMARK_PROXY_BACKEND_BACKEND_H
#define TIDEMARK_PROXY_BACKEND_BACKEND_H

#include "protocol/auth.h"
#include "protocol/error.h"
#include "protocol/response.h"
#include "proxy/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct asking;
struct backend_parcel;
struct config_server;
struct environment;
struct group;
struct killing;
struct prepared_cache;
struct prepared_text;
struct roster;
struct session;
struct worker;

enum backend_state {
    BACKEND_OPENING,
    BACKEND_LOGIN,
    BACKEND_SETUP,
    BACKEND_IDLE,
    BACKEND_LEASED,
    BACKEND_QUITTING,
    BACKEND_CLOSING,
};

/* What an awaited answer belongs to. */
enum step_kind {
    STEP_RESET,        /* COM_RESET_CONNECTION */
    STEP_TRACKING,     /* SET session_track_... */
    STEP_SCHEMA,       /* COM_INIT_DB */
    STEP_STATE,        /* SET a = 1, ... */
    STEP_PREPARE,      /* COM_STMT_PREPARE of a statement that the session prepared elsewhere */
    STEP_TRACKERS,     /* COM_PING, to fetch trackers that EOF could not carry */
    STEP_FOLLOW,       /* SET session_track_... to the client's values; see client/following.h */
    STEP_ASK_TRACKING, /* SELECT @@session_track_... */
    STEP_LEAD,         /* SET session_track_... to the proxy's values again */
    STEP_VARIABLES,    /* SELECT of user variables, to have their values */
    STEP_KILL,         /* KILL of another connection; see killer.h */
    STEP_CLIENT,       /* the client's command: the session reads this answer */
};

struct step {
    enum step_kind kind;
    uint8_t command;                /* enum command */
    uint8_t sequence;               /* of the answer's first packet */
    struct prepared_text *prepared; /* STEP_PREPARE: shared reference */
};

enum { BACKEND_STEPS = 12 };

struct backend {
    struct backend *next, *previous;         /* in the group's idle list */
    struct backend *next_all, *previous_all; /* in the pool's list of all */
    struct worker *worker;
    struct group *group;
    unsigned server;
    unsigned generation;   /* of the server's number */
    struct roster *roster; /* shared reference: what it was opened with */
    uint64_t id;
    enum backend_state state;
    struct stream *stream;    /* owner */
    uint32_t thread_id;       /* the server's number for this connection */
    uint64_t identity;        /* of the server when it was opened: server_gauges.identity */
    uint64_t capabilities;    /* agreed on with the server */
    uint16_t status;          /* of the last OK or EOF */
    bool discard;             /* close instead of keeping: its state can not be repaired */
    bool follows;             /* its session_track_* are the client's; see client/following.h */
    bool is_cut;              /* half a packet is on it: nothing may follow, it is closed too */
    bool has_quit;            /* was QUITTING: its permit is announced */
    bool is_opening;          /* not ready for the first time yet */
    bool has_permit;          /* false once it went on with a parcel or to its killer, or as one */
    bool is_killed;           /* once it is closed, the server is told to end what runs there */
    struct killing *killing;  /* owner: it was opened only for this; NULL: it was not. killer.h */
    struct asking *asking;    /* owner: it was opened only to ask something; NULL: it was not */
    unsigned credential;      /* the generation of the account's secret it was opened with */
    unsigned killers;         /* opened to end a command here, and not done yet; of these: */
    unsigned kills_under_way; /* sent, and not answered yet: nothing else may be sent here */
    uint64_t client_commands; /* of clients, so far */
    uint64_t deadline_ns; /* OPENING, LOGIN, SETUP: when it must be ready; QUITTING: or closed */
    uint64_t opened_ns, idle_ns;
    uint64_t expires_ns;   /* [pool] max_lifetime_ms; 0: never */
    unsigned era;          /* process.era when it was begun to be opened */
    uint64_t last_session; /* id of the last session that had it */
    uint64_t insert_id;    /* what it answers to LAST_INSERT_ID(), as far as OKs tell */
    uint64_t schema_ns;    /* when it has entered its schema, see client/schema.h; 0: before all */
    const struct environment *environment; /* reference; NULL: unknown */
    struct session *session;               /* LEASED: whose; else NULL */
    struct prepared_cache *prepared;       /* owner: statements this server connection knows */

    struct step steps[BACKEND_STEPS];
    uint8_t step_first, step_count;
    bool answering; /* `response` belongs to the first step */
    struct response response;
    struct sql_error failure; /* of a swallowed step; code 0: none */
    enum step_kind failed_step;

    struct backend_login *login; /* owner: only while logging in */
    struct sql_error error;      /* why it is closing, for those who waited for it */
};

/* Opens a connection to `server` for the group; it holds a permit already. The pool hears of the
 * result by pool_opened or pool_closed, later. */
void backend_open(struct worker *worker, struct group *group, unsigned server);

/* Continues a connection that came from another worker; it takes the parcel over. As with
 * backend_open pool_opened follows, here perhaps within the call, or pool_closed. `is_expected`:
 * a lease waits for it, as for one being opened. */
void backend_unpack(struct worker *worker, struct group *group, unsigned server,
                    struct backend_parcel *parcel, bool is_expected);

/* Makes a parcel of an idle connection; the connection itself is then closing, without its permit,
 * which goes with the parcel. NULL: this connection cannot move, and is as it was. */
struct backend_parcel *backend_pack(struct backend *backend);

/* Has the server end what runs on this connection, which the caller closes next: a server goes on
 * with a statement although its client is gone. Once it is closed a connection of its own, by the
 * same user, sends a KILL; see killer.h. */
static inline void backend_kill(struct backend *victim)
{
    victim->is_killed = true;
}

/* Brings an idle connection back to the state of a fresh one; pool_opened follows. */
void backend_reset(struct backend *backend);

void backend_lend(struct backend *backend, struct session *session);
void backend_take_back(struct backend *backend);

/* Notes that an answer to `command` will come. The caller has written, or writes next, the command.
 * For STEP_PREPARE `prepared` is a reference that the step takes over. False: too many. */
bool backend_expect(struct backend *backend, enum step_kind kind, enum command command,
                    uint8_t sequence, struct prepared_text *prepared);

/* The command awaited last turned out to have more packets: its answer begins with this one. */
void backend_expect_sequence(struct backend *backend, uint8_t sequence);

/* Is an answer of this kind awaited? */
bool backend_awaits(const struct backend *backend, enum step_kind kind);

/* Is any answer awaited? */
bool backend_has_steps(const struct backend *backend);

/* Is its server still configured as it was when the connection was opened? */
bool backend_is_wanted(const struct backend *backend);

/* Its server's name and address; good as long as the backend. */
const struct config_server *backend_server(const struct backend *backend);

/* Sets what the server has now; takes the reference over. */
void backend_set_environment(struct backend *backend, const struct environment *environment);

/* Ends the connection; `reason` is fixed text for the log. The session, if any, is not told. One
 * that awaits no answer for a client is ended in good order, with COM_QUIT; it holds its permit
 * until the server has closed it, unless the pool is closed and nobody needs the permit. */
void backend_close(struct backend *backend, const char *reason);

/* Closes a connection whose server's end is awaited; does nothing to others. */
void backend_stop_waiting(struct backend *backend);

/* The same, with the error that those who wait for this connection are told. */
void backend_fail(struct backend *backend, const struct sql_error *error);

/* The login is over: goes on to SETUP. */
void backend_logged_in(struct backend *backend);

/* The answers to what SETUP sent are there, good or bad: goes on to IDLE, or fails. */
void backend_set_up(struct backend *backend);

/* Goes through what the server sent; called when bytes came and when the session reads again. */
void backend_read(struct backend *backend);

/* What came of the first step's answer and was not consumed. */
struct bytes backend_peek(const struct backend *backend);

/* The first step's answer was read to its end (by the session, for STEP_CLIENT). */
void backend_end_step(struct backend *backend);

/* What came is no answer: ends the connection, and tells the session. */
void backend_protocol_error(struct backend *backend, const char *problem);

/* The connection has prepared this statement; one that it no longer needs is closed on the server.
 */
void backend_remember(struct backend *backend, struct prepared_text *prepared, uint32_t id);

/* Closes one of its prepared statements on the server, if it has it. */
void backend_forget(struct backend *backend, const struct prepared_text *prepared);

/* For backends without a stream (out of descriptors): frees it, telling the pool. */
void backend_bury_stillborn(struct backend *backend);

/* For parcel.c and killer.c: a connection in state OPENING without a stream, and what its stream
 * calls; and how it connects. */
struct backend *backend_new(struct worker *worker, struct group *group, unsigned server);
void backend_connect(struct backend *backend);
extern const struct stream_events backend_events;

#endif
