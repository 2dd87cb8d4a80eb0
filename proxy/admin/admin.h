/*
 * The admin port: its thread and loop, its listener, and how many clients it has. See README.md.
 *
 * It runs beside everything else, so it answers whatever the data port is at: full, paused,
 * draining.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ADMIN_H
#define TIDEMARK_PROXY_ADMIN_ADMIN_H

#include <stdbool.h>

struct admin;
struct program;

/* Listens on [proxy] admin, which must not be empty, and serves. NULL: not possible; an error was
 * logged. The program must outlive it. */
struct admin *admin_start(struct program *program);

/* Ends what is being computed, closes all clients, waits for the thread and frees. */
void admin_stop(struct admin *admin);

#endif
