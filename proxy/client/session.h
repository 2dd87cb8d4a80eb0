/*
 * A session: one client connection, from its first byte to its last.
 *
 *   LOGIN --> READY --> LEASING --> SYNCING --> RELAYING --> READY ...      any --> CLOSING
 *
 *   LOGIN    -> LEASING   [login_accept]       the client's default schema has to be tried
 *   LOGIN    -> READY     [login_finish]       credentials verified, OK sent
 *   READY    -> LOGIN     [login_change_user]  COM_CHANGE_USER
 *   READY    -> LEASING   [session_lease]      the command needs a server and holds none
 *   READY    -> SYNCING   [command_send]       ... the one it holds lacks a prepared statement
 *   READY    -> SYNCING   [command_place]      ... or before it is left its LAST_INSERT_ID() is
 * asked READY    -> RELAYING  [command_send]       the command was sent LEASING  -> SYNCING
 * [command_send]       the connection has to be brought in step first LEASING  -> RELAYING
 * [command_send]       ... or has been, or is in the same write LEASING  -> READY [session_refuse]
 * no connection came in time: ERR SYNCING  -> RELAYING  [command_send]       in step SYNCING  ->
 * READY     [session_refuse]     it could not be brought in step: ERR SYNCING  -> LEASING
 * [session_retry]      ... or was lost before the command was sent, or left RELAYING -> READY
 * [session_finish]     the last byte of the answer is with the client RELAYING -> LEASING
 * [session_retry]      a read is tried again elsewhere
 *
 *   READY:    no command; a lease is held only if `pins` is not 0.
 *   LEASING:  `command` is held whole (or its prefix); the lease waits, or no server is usable yet.
 *   RELAYING: the lease is held, its answers are read by proxy/exchange.c.
 *
 * Memory per idle client is this struct and its stream: keep it small.
 */
#ifndef TIDEMARK_PROXY_CLIENT_SESSION_H
#define TIDEMARK_PROXY_CLIENT_SESSION_H

#include "proxy/backend/pool.h"
#include "proxy/client/shown.h"
#include "proxy/peer.h"
#include "router/lexer.h"
#include "router/route.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct assigned;
struct doubt;
struct following;
struct held;
struct prepared;
struct prepared_table;
struct server_facts;
struct session_login;
struct stream;
struct trace;
struct worker;

enum session_state {
    SESSION_LOGIN,
    SESSION_READY,
    SESSION_LEASING,
    SESSION_SYNCING,
    SESSION_RELAYING,
    SESSION_CLOSING,
};

enum {
    COMMAND_SMALL_BYTES = 4 << 10, /* a command up to this needs no memory of its own */
    /* A command up to this is held whole. Of a longer one this much is held and classified, and the
     * rest is streamed; it has room for the types of 65535 parameters. */
    COMMAND_HELD_BYTES = 256 << 10,
};

/* The command being served. Its bytes, or the first COMMAND_HELD_BYTES of a longer one, are held
 * from when it was read until its answer has ended: a read can then be tried again elsewhere, a
 * command can wait for a connection, and slices of its text stay good. The worker keeps a list of
 * free ones, so that none is allocated per command. */
struct command_in_hand {
    struct command_in_hand *next_free;
    /* From here to `route` all is zero at the beginning. */
    uint8_t *data; /* the packet, head included: `small`, or owner of other memory */
    size_t size;
    uint64_t upload_left;      /* bytes of the packet beyond `size` that were not forwarded yet */
    struct prepared *prepared; /* STMT_*: which; borrower */
    struct bytes sql;          /* inside data; empty when the command has no text */
    uint64_t since_ns;
    uint64_t running_ns;     /* the worker's tick first saw it with its server; 0: not yet */
    uint64_t resumed_ns;     /* it was held back until then; 0: it was not */
    uint64_t retry_ns;       /* not before: a server could not be reached */
    int avoid;               /* server not to be tried again, plus 1; 0: none */
    uint8_t code;            /* enum command */
    uint8_t upload_sequence; /* of the last packet from the client */
    bool was_lost;           /* sent, and its connection was lost: never to the primary again */
    bool is_partial;         /* longer than what is held: it cannot be sent a second time */
    bool upload_continues;   /* another packet of the same payload follows */
    bool is_login;           /* no command of the client's: its default schema is tried */
    bool local_infile;       /* the client is sending a file */
    bool forwarded;          /* some of the answer is with the client */
    bool swallow;            /* the answer is dropped: a step before it failed */
    bool retried;
    bool sent;                  /* the command has left for the server */
    bool errored;               /* the answer was, or ended in, an ERR */
    bool error_may_leave_state; /* ... of a kind after which something may have happened */
    bool has_statement;         /* `statement` is filled in */
    bool changed_connection;    /* the first one could not be brought into the session's state */
    bool refused_by_replica;    /* the answer is an error 1290, which the client will not see */
    unsigned warnings;          /* of the last OK or EOF */
    bool schema_left_out;       /* the session's schema cannot be had, and the command leaves it */
    bool serverless;            /* counted in the worker's sessions that found no server */
    bool is_held_back;          /* ... because new statements wait (PAUSE) */
    bool wants_primary; /* a replica refused it as a write, or its state could not be had there */
    bool warnings_cleared;  /* ... those that others left on the connection; see sync.c */
    bool fetching_trackers; /* the answer is complete; a PING fetches what it could not carry */
    bool leaving;           /* the connection is asked what only it knows; see leave.h */
    bool following;     /* ... and the client's session_track_* are read or set; see following.h */
    bool settles;       /* is_login: it only asks for that, see leave_begin */
    uint64_t told_id;   /* by the OKs: the last id that was not 0 */
    bool interrupted;   /* KILL QUERY came: it is not sent (again) */
    bool awaits_kill;   /* it is a KILL, and others have yet to say what became of it */
    bool prepare_began; /* PREPARE: the answer's first packet was seen */
    /* For its record, see recording.h; what it was sent to last is right after command_send. */
    uint8_t sent_to;      /* number of the server, plus 1; 0: it was not sent yet */
    bool on_replica;      /* that one was a replica then */
    bool was_held;        /* ... and the session was pinned to that connection */
    uint8_t retries;      /* times it was sent or placed again, on another server */
    uint16_t error;       /* code of the ERR that it ended in; 0: none */
    unsigned pins_before; /* of the session, when it was sent */
    uint64_t bytes_in, bytes, rows;
    uint64_t wait_ns;       /* for connections and servers, so far */
    uint64_t serverless_ns; /* while `serverless`: since when */
    uint64_t leased_ns;     /* when the last of its waits was over; 0: it had none */
    uint64_t ended_ns;      /* when the answer had ended, if anybody looked at a clock */
    struct route route;
    struct statement statement;
    uint8_t small[COMMAND_SMALL_BYTES];
};

struct session {
    struct lease lease; /* first: the pool hands leases back */
    struct session *next, *previous;
    struct worker *worker;
    struct stream *client;
    enum session_state state;
    uint32_t id;             /* what clients see as CONNECTION_ID() */
    uint64_t state_since_ns; /* LOGIN, CLOSING; READY: seen by the worker's tick */
    uint64_t capabilities;   /* the client's, as far as they were offered */
    struct account *account; /* borrower; NULL before the login */
    unsigned user;           /* the account's number in the roster */
    bool counted;            /* in the account's count of clients */
    bool is_unix;
    bool is_reading;        /* session_read is on the stack */
    bool one_shot_variable; /* see tracking.h */
    bool log_off;           /* sql_log_bin=0 was seen */
    bool close_after;       /* COMMIT RELEASE */
    uint64_t last_backend;  /* the connection (its id) that its last command was sent on; 0: none */
    bool asks_row_count;    /* it has used ROW_COUNT(), and may again */
    bool asks_found_rows;   /* ... FOUND_ROWS() */
    enum told told;         /* of its transactions; see shown.h */
    uint16_t status;        /* status flags as the client saw them last */
    uint16_t collation;     /* that the client named at login */
    uint8_t scramble[20];
    uint8_t sequence;            /* of the next packet to the client outside an answer (login) */
    unsigned pins;               /* enum pin */
    unsigned long_data, cursors; /* statements that have some on the held connection */
    enum session_transaction transaction;
    int last_server;                /* where its last read went; -1: none */
    uint64_t last_write, last_read; /* moments */
    uint64_t schema_ns;             /* a connection must have entered its schema since: schema.h */
    struct doubt *doubt; /* owner: writes that were lost and may still commit; NULL: none */
    uint64_t last_insert_id;
    bool insert_id_unsure; /* on the held connection it may have become another; see insert_id.h */
    struct held *held;     /* owner: what it holds by name; NULL: nothing */
    struct assigned *assigned; /* owner: user variables with values to be read back; or NULL */
    bool assigned_for_good;    /* some cannot be, see assigned.h */
    uint64_t pinned_ns; /* since when `pins` is not 0, as far as sessions at rest go; else 0 */
    uint64_t pinned_by; /* digest of the statement after which that was so */
    uint64_t queries;
    uint64_t idle_queries; /* `queries` when idleness was last looked at */
    struct group *group;
    const struct environment *environment; /* reference */
    const struct environment *mode_of;     /* `mode` was made from this one; borrower */
    struct lexer_mode mode;
    struct prepared_table *statements; /* owner; NULL before the first */
    struct session_login *login;       /* owner; only while logging in */
    struct command_in_hand *command;   /* owner; NULL between commands */
    struct following *following;       /* owner; NULL: it has not set session_track_... */
    struct trace *trace;               /* owner; NULL unless somebody traces it */
    char peer[PEER_TEXT_BYTES];        /* client's address, for logs and errors */
};

/* Takes a client's stream over; `peer` is its address as text. */
struct session *session_new(struct worker *worker, bool is_unix, const char *peer);
extern const struct stream_events session_stream_events;

/* For a session whose stream could not be had: frees it. */
void session_bury_stillborn(struct session *session);

/* Greets the client. The stream must have been set. */
void session_start(struct session *session);

/* The one mover of states. */
void session_enter(struct session *session, enum session_state state);

/* Reads what the client sent, as far as the state allows. */
void session_read(struct session *session);

/* Ends the session: `reason` goes to the log. The client is told nothing more. */
void session_close(struct session *session, const char *reason);

/* The same, after an ERR that says why; for use between answers and during login. */
void session_fail(struct session *session, const struct sql_error *error);

/* The command ends with an ERR, and the session lives on. */
void session_refuse(struct session *session, const struct sql_error *error);

/* The command is over: gives the lease back unless something pins it, and reads on. */
void session_finish(struct session *session);

/* Gives the lease back: `clean` when nothing of the session is left on the connection. */
void session_release(struct session *session, bool clean);

/* Nothing but warnings that could be shown, and values that can be read back, keeps the session's
 * connection, if it has one. */
bool session_is_movable(const struct session *session);

/* Frees the command in hand. */
void session_drop_command(struct session *session);

/* The facts of the server that holds for the session: the primary's, or while there is none those
 * of any server that was seen. Borrowed from the worker's topology; NULL when none was seen yet. */
const struct server_facts *session_facts(const struct session *session);

/* How SQL is to be read in the session's present state. */
const struct lexer_mode *session_mode(struct session *session);

/* Takes over the reference; also the held connection is in this state then. */
void session_set_environment(struct session *session, const struct environment *environment);

/* Finds the group of connections that fits user, capabilities and schema. */
void session_find_group(struct session *session);

/* COM_RESET_CONNECTION and COM_CHANGE_USER: forgets all state. */
void session_forget(struct session *session);

/* The pool's answers to waiting leases. */
extern const struct pool_events session_pool_events;

#endif
