/*
 * Ending a session on somebody else's behalf.
 */
#ifndef TIDEMARK_PROXY_CLIENT_KILL_H
#define TIDEMARK_PROXY_CLIENT_KILL_H

#include <stdbool.h>
#include <stdint.h>

struct session;

struct kill_outcome {
    bool statement_killed; /* one ran, and the server is asked to end it: */
    unsigned server;
    uint32_t thread_id;
};

/* Closes the client's connection as a server does when it is killed: without a word between
 * statements, with an error while one runs of whose answer nothing was sent yet. The server
 * connection that it holds is closed too; what runs there is killed (backend_kill). */
void session_kill(struct session *session, struct kill_outcome *outcome);

#endif
