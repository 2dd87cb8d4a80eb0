/*
 * Ending a session on somebody else's behalf: the admin port's, or another session's
 * (kill_command.h).
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

/* Closes the client's connection: without a word between statements, and also while one runs if
 * `in_silence`, as servers do at a KILL; otherwise with an error then, if nothing of the answer was
 * sent yet. The server connection that it holds is closed too; what runs there is killed
 * (backend_kill). */
void session_kill(struct session *session, bool in_silence, struct kill_outcome *outcome);

#endif
