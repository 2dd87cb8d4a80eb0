/*
 * The control thread: it starts everything, listens, hears signals, and ends everything in order.
 *
 *   SIGTERM, SIGINT   drain: no new clients; idle sessions end now, others when their transaction
 *                     is over or [proxy] drain_timeout_ms is; a second signal ends them at once
 *   SIGUSR1           reopens the log files
 *   SIGHUP            reads the configuration again; a wrong one changes nothing, and the log says
 *                     why
 */
#ifndef TIDEMARK_PROXY_CONTROL_H
#define TIDEMARK_PROXY_CONTROL_H

struct config;
struct config_sources;

/* Runs the proxy until it was told to end. Returns the program's exit status. Takes the sources
 * over, see live_new. */
int control_run(struct config *config, struct config_sources *sources);

#endif
