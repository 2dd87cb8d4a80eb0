/*
 * The part of the figures that only workers know: sessions and pools.
 */
#ifndef TIDEMARK_PROXY_METRICS_WORKERS_H
#define TIDEMARK_PROXY_METRICS_WORKERS_H

struct metrics;
struct program;
struct roster;

/* Adds them; see metrics_collect for `patience_ms`. */
void metrics_collect_workers(struct metrics *metrics, struct program *program,
                             const struct roster *roster, unsigned patience_ms);

/* The label of a user by number; at most METRICS_USERS have one of their own. */
const char *metrics_user_label(const struct roster *roster, unsigned user);

#endif
