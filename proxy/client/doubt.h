/*
 * Writes whose connection was lost before their answer: the server's thread may go on and commit
 * them. Until each of those threads is known to be gone the session reads on the primary; the
 * moment when that became known is a floor of its reads from then on.
 *
 *   lost ── health_watch_thread ──▶ in doubt ── the thread is gone ──▶ floor
 *     └──── it cannot be watched ─▶ in doubt until the session ends
 */
#ifndef TIDEMARK_PROXY_CLIENT_DOUBT_H
#define TIDEMARK_PROXY_CLIENT_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct doubt;

/* A write was sent to this connection, which was lost. *doubt is made if there is none. */
void doubt_add(struct doubt **doubt, const struct backend *backend);

/* Whether some of the writes may still commit. When none is left, *doubt is freed and NULL. Floors
 * found raise *last_write (ns). Costs one comparison when there is no doubt. */
bool doubt_remains(struct doubt **doubt, uint64_t *last_write);

/* NULL is fine. */
void doubt_free(struct doubt *doubt);

#endif
