/*
 * Scripted servers. A connection logs in by itself, and answers by itself what the proxy sends to
 * set it up; everything else waits until the test takes it with world_expect and answers it.
 *
 * Commands are shown as text: "QUERY SELECT 1", "INIT_DB shop", "EXECUTE 3 00..." (the payload
 * after the id in hexadecimal), "PING". What switches the trackers on is "SETUP".
 */
#ifndef TIDEMARK_TESTS_WIRE_SERVER_H
#define TIDEMARK_TESTS_WIRE_SERVER_H

#include "memory_stream.h"
#include "world.h"

#include "protocol/auth.h"

enum { COMMAND_TEXT_MAX = 2048, CONNECTION_LOG_MAX = 8192 };

/* What a server answers by itself. */
enum by_itself {
    BY_ITSELF_SETUP = 1 << 0,  /* the SET that switches trackers on, also to the client's values */
    BY_ITSELF_SCHEMA = 1 << 1, /* COM_INIT_DB */
    BY_ITSELF_RESET = 1 << 2,  /* COM_RESET_CONNECTION */
    BY_ITSELF_SET = 1 << 3,    /* a COM_QUERY that begins with "SET " */
    BY_ITSELF_CLOSE = 1 << 4,  /* COM_STMT_CLOSE, which has no answer: only taken off */
    BY_ITSELF_QUIT = 1 << 5,   /* COM_QUIT: the server closes */
};

enum connection_stage { AWAITS_LOGIN, AUTHENTICATES, COMMANDS };

/* A command that came and was not answered yet. */
struct seen {
    struct seen *next;
    uint8_t code;
    uint8_t sequence; /* of its last packet */
    uint8_t *payload; /* owner: command byte included */
    size_t size;
    char text[COMMAND_TEXT_MAX]; /* cut where it is longer */
};

struct connection {
    struct connection *next; /* younger */
    struct server *server;
    struct wire *wire;
    unsigned number; /* of this server's, from 1; also its thread id */
    enum connection_stage stage;
    uint64_t capabilities;
    char user[64];
    uint8_t scramble[SCRAMBLE_SIZE];
    struct auth_server auth;
    struct seen *first, *last;    /* owner: commands not taken yet */
    struct seen *taken;           /* owner: the one being answered */
    uint8_t sequence;             /* of the next packet to the proxy */
    uint16_t status;              /* flags of its last answer */
    bool raw;                     /* the test reads the bytes itself */
    uint32_t last_statement;      /* id of the last prepared statement */
    void *model;                  /* owner: what a test keeps of it; NULL: nothing */
    char log[CONNECTION_LOG_MAX]; /* the last commands, "; " between */
};

struct server {
    struct world *world;
    unsigned number;
    struct connection *first, *last; /* owner */
    unsigned count;                  /* connections so far */

    /* settings, for connections made from then on */
    int connect_status;         /* what connecting ends in */
    bool holds_connects;        /* they neither succeed nor fail */
    bool no_sockets;            /* the transport cannot even start */
    bool silent;                /* connects, but says nothing */
    uint64_t lacks;             /* capabilities that it does not offer */
    const char *greeting_bytes; /* sent in place of a greeting, `greeting_size` of them */
    size_t greeting_size;
    uint16_t login_error;    /* code of the ERR that a login ends in */
    const char *password;    /* of its accounts but "other", whose is "hidden"; NULL: "secret" */
    enum auth_plugin plugin; /* of its accounts, and in its greeting */
    bool greets_with_other_plugin; /* ... unless this is set */
    bool asks_password;            /* caching_sha2: its cache is cold */
    size_t corrupt_at;             /* of their wires: see struct wire */
    uint8_t corrupt_mask;
    unsigned by_itself; /* enum by_itself */
    /* Asked for every command at the front; true: it was answered. NULL: not used. */
    bool (*answer)(struct connection *connection, const struct seen *seen);
};

struct server *servers_new(struct world *world, unsigned count);
void servers_free(struct server *servers, unsigned count);

/* The proxy connects. */
struct stream *server_accept(struct server *server, const struct stream_events *events, void *owner,
                             int *status);

/* Reads what came; true when anything was done. */
bool servers_read(struct world *world);

/* Runs the world; some connection (of this server) must have this command at its front. It is taken
 * off, and answered next. */
struct connection *world_expect(struct world *world, const char *command);
struct connection *server_expect(struct world *world, unsigned server, const char *command);
/* The same for the connection itself. */
void connection_expect(struct connection *connection, const char *command);
/* Runs the world; no command is waiting for an answer. */
void world_expect_nothing(struct world *world);

/* The connection that was made as the nth, from 1; NULL when there is none. */
struct connection *server_connection(struct world *world, unsigned server, unsigned number);

/* Answers to the command taken last; `words` as in packets.h. */
void answer_ok(struct connection *connection, const char *words);
void answer_error(struct connection *connection, unsigned code, const char *text);
/* Columns "a,b"; rows "1,2;3,4", "" for none. */
void answer_rows(struct connection *connection, const char *columns, const char *rows,
                 const char *words);
void answer_row(struct connection *connection, const char *value);
/* EXECUTE with a cursor: definitions, and "cursor" among the words; FETCH: rows and an end, with
 * "cursor" or "last-row". */
void answer_cursor(struct connection *connection, const char *columns, const char *words);
void answer_fetched(struct connection *connection, const char *rows, const char *words);
/* FIELD_LIST. */
void answer_fields(struct connection *connection, const char *columns, const char *words);
/* Only the beginning of a result: count and definitions. */
void answer_columns(struct connection *connection, const char *columns);
void answer_end(struct connection *connection, const char *words);
/* A prepared statement; its id is connection->last_statement. */
void answer_prepared(struct connection *connection, unsigned parameters, unsigned columns);
/* One payload, in as many packets as it takes. */
void answer_payload(struct connection *connection, struct bytes payload);
/* After answers put together from payloads: they are complete. */
void answer_done(struct connection *connection);

/* Ends the connection as the peer. */
void connection_lose(struct connection *connection);

#endif
