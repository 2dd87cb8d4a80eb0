/*
 * Failed logins slow down further ones from the same address: after THROTTLE_FREE of them an
 * attempt is looked at only some time after the one before, twice as long each time, up to
 * THROTTLE_LONGEST_NS. Before its password is looked at, so that a quick answer says nothing, and
 * one after the other, so that many connections at once try no more than one. After
 * THROTTLE_FORGET_NS without a failure all is forgotten.
 *
 * Other addresses are never delayed. An account that has got in from the address since is delayed
 * by its own failures only: one misconfigured application does not hold up the others on its
 * machine.
 *
 * One table for all workers, of fixed size: a new entry takes the place of the oldest where there
 * is no room. IPv6 addresses count by their network of 64 bits. Any thread.
 */
#ifndef TIDEMARK_PROXY_CLIENT_THROTTLE_H
#define TIDEMARK_PROXY_CLIENT_THROTTLE_H

#include "protocol/bytes.h"

#include <stdbool.h>

enum { THROTTLE_FREE = 4 };
#define THROTTLE_SHORTEST_NS UINT64_C(200000000)
#define THROTTLE_LONGEST_NS UINT64_C(4000000000)
#define THROTTLE_FORGET_NS UINT64_C(300000000000)

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle *throttle); /* NULL is fine */

/* An attempt to log in as `name` from `host` (as in peer.h) begins: when may it be looked at? Not
 * before now_ns, and perhaps later. The place in time is taken by asking. */
uint64_t throttle_when(struct throttle *throttle, struct bytes host, const char *name,
                       uint64_t now_ns);

/* How it ended. */
void throttle_failed(struct throttle *throttle, struct bytes host, const char *name,
                     uint64_t now_ns);
/* One that had got in as `name` tried another's password (COM_CHANGE_USER), which needs a login
 * each time: this failure slows those down, and getting in does not make up for it. */
void throttle_misused(struct throttle *throttle, struct bytes host, const char *name,
                      uint64_t now_ns);
void throttle_succeeded(struct throttle *throttle, struct bytes host, const char *name,
                        uint64_t now_ns);

#endif
