/*
 * KILLs on their way: who is to be killed may be a session of another worker, and no worker looks
 * into another one. So the order travels, from worker to worker until one has the session, and back
 * with what became of it. KILLs are rare; a worker without mail reads one atomic when it is woken.
 */
#ifndef TIDEMARK_PROXY_CLIENT_KILL_POST_H
#define TIDEMARK_PROXY_CLIENT_KILL_POST_H

#include "protocol/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct kill_post;

struct kill_order {
    struct kill_order *next;
    uint64_t id; /* of the session to be killed, as its client sees it */
    bool is_query, is_soft;
    const struct account *account; /* the asker's; borrower, accounts last */
    unsigned asker_worker;
    uint32_t asker;         /* id of the session that asks */
    uint64_t asker_command; /* its session.queries then */
    unsigned visited;       /* workers that were asked already */
    bool is_answered;
    struct sql_error error; /* answered: code 0 is OK */
};

/* `wake(context, worker)` makes that worker run kill_read_post soon; from any thread. */
struct kill_post *kill_post_new(size_t workers, void (*wake)(void *context, unsigned worker),
                                void *context);
/* Frees what nobody has taken, too. */
void kill_post_free(struct kill_post *post);
size_t kill_post_workers(const struct kill_post *post);

/* Takes the order over. False: that worker has ended, and the order is still the caller's. */
bool kill_post_send(struct kill_post *post, unsigned worker, struct kill_order *order);

/* All that came for the worker, oldest first; the caller owns them. NULL: nothing. */
struct kill_order *kill_post_take(struct kill_post *post, unsigned worker);

/* The worker has ended: nothing can be sent to it any more. */
void kill_post_close(struct kill_post *post, unsigned worker);

#endif
