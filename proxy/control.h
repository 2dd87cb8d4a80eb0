/*
 * The control thread: it starts everything, listens, hears signals, and ends everything in order.
 *
 *   SIGTERM, SIGINT   drain: no new clients; idle sessions end now, others when their transaction
 * is over or [proxy] drain_timeout_ms is; a second signal ends them at once SIGUSR1 reopens the log
 * file SIGHUP            only noted in the log: the configuration is read at start
 */
#ifndef TIDEMARK_PROXY_CONTROL_H
#define TIDEMARK_PROXY_CONTROL_H

struct config;

/* Runs the proxy until it was told to end. Returns the program's exit status. */
int control_run(struct config *config);

#endif
