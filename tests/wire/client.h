/*
 * Scripted clients: they log in, send commands, and read answers as text:
 *
 *     "ok affected=1"                     an OK, its words as in packets.h
 *     "error 1064 42000 text"
 *     "rows 1,2;3,4"                      a result set; " (words)" where its end says anything
 *     "prepared 1 parameters=1 columns=2"
 *     "fields 2", "text Uptime: 1"
 *     "file name"                         a request for a local file
 *     "closed"                            the proxy has closed the connection, and nothing is left
 *     "rows 1 + ok"                       several results
 *     "rows (cursor)"                     EXECUTE with a cursor
 */
#ifndef TIDEMARK_TESTS_WIRE_CLIENT_H
#define TIDEMARK_TESTS_WIRE_CLIENT_H

#include "memory_stream.h"
#include "world.h"

#include "protocol/auth.h"
#include "protocol/capability.h"

enum { ANSWER_TEXT_MAX = 16 << 10, CLIENT_COMMANDS_MAX = 4096 };

#define CLIENT_CAPABILITIES                                                                        \
    (CAPABILITY_MYSQL | CAPABILITY_LONG_FLAG | CAPABILITY_PROTOCOL_41 | CAPABILITY_TRANSACTIONS |  \
     CAPABILITY_SECURE_CONNECTION | CAPABILITY_MULTI_STATEMENTS | CAPABILITY_MULTI_RESULTS |       \
     CAPABILITY_PS_MULTI_RESULTS | CAPABILITY_PLUGIN_AUTH | CAPABILITY_SESSION_TRACK |             \
     CAPABILITY_DEPRECATE_EOF)

struct client {
    struct client *next;
    struct world *world;
    struct wire *wire;
    uint64_t capabilities;
    uint32_t id; /* from the greeting */
    uint8_t scramble[SCRAMBLE_SIZE];
    char version[64], plugin[64];
    struct auth_client auth;
    uint8_t sequence;                   /* of the next packet of a login */
    uint8_t upload_sequence;            /* of the last packet sent of a long command */
    uint8_t codes[CLIENT_COMMANDS_MAX]; /* commands sent, whose answers were not read yet */
    unsigned first, count;
    char answer[ANSWER_TEXT_MAX];
};

/* How to log in; see client_log_in_as. */
struct client_login {
    unsigned worker;
    const char *user, *password; /* NULL: "app" and its password */
    const char *schema;          /* NULL: none */
    uint64_t capabilities;       /* 0: CLIENT_CAPABILITIES */
    const char *plugin;          /* NULL: as in the greeting */
    uint16_t collation;          /* 0: utf8mb4_general_ci */
    const char *peer;            /* NULL: its address is 127.0.0.1:50000 */
};

/* Connects; the greeting was not read yet. */
struct client *client_connect(struct world *world, unsigned worker);
struct client *client_connect_from(struct world *world, unsigned worker, const char *peer);
/* Reads the greeting, sends the login packet; "" when greeted, else what came instead. */
const char *client_begin_login(struct client *client, const struct client_login *login);
/* Goes on with the authentication until OK, error or end, and returns that. */
const char *client_end_login(struct client *client);

/* All of it; anything but "ok" fails the test. */
struct client *client_log_in(struct world *world, const char *schema);
struct client *client_log_in_as(struct world *world, const struct client_login *login);

/* COM_CHANGE_USER; to be followed by client_end_login. */
void client_change_user(struct client *client, const struct client_login *login);

/* Sends. client_send_part sends bytes as they are. */
void client_query(struct client *client, const char *sql);
void client_send(struct client *client, unsigned code, const void *data, size_t size);
void client_send_part(struct client *client, const void *data, size_t size);
/* STMT_EXECUTE of a statement with one parameter, a string; with its type or without. */
void client_execute(struct client *client, uint32_t id, const char *value, bool with_type);
void client_execute_plain(struct client *client, uint32_t id); /* without parameters */
/* As client_execute, with a cursor. */
void client_execute_opening(struct client *client, uint32_t id, const char *value, bool with_type);
void client_execute_cursor(struct client *client, uint32_t id);
void client_fetch(struct client *client, uint32_t id, uint32_t rows);
/* STMT_RESET, STMT_CLOSE. */
void client_statement(struct client *client, unsigned code, uint32_t id);

/* Runs the world; the next answer, NULL when it has not come in full. */
const char *client_read(struct client *client);
void client_expect(struct client *client, const char *answer);
void client_expect_nothing(struct client *client);
void client_expect_closed(struct client *client);
/* "error CODE STATE" and a text that has this part. */
void client_expect_error(struct client *client, unsigned code, const char *part);

/* Ends the connection without a word, or with QUIT. */
void client_leave(struct client *client);
void client_quit(struct client *client);

/* All clients of the world are done. */
void clients_release(struct world *world);

#endif
