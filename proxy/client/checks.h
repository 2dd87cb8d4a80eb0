/*
 * Where no [user] is configured the primary knows who may come in. A worker asks it, over
 * connections that are opened for that (backend/asking.h):
 *
 *     lookup     what does mysql.user say of this name? Asked as the monitor's user
 *     login      does it let this name in with this secret? Asked by logging in
 *
 *   wanted ──▶ QUEUED ──▶ ASKING ──▶ told to all who wait       lost: QUEUED again, for a while
 *
 * Clients that want to know the same wait for the same answer, but only for one that was not asked
 * yet when they came: what was true a moment before may be no more. While the cluster has no
 * primary another server that is usable is asked.
 *
 * A login that succeeds is what is kept of the account from then on (credentials.h); one that is
 * refused ends what was kept. Accounts that have clients are checked again by themselves, every
 * [proxy] credential_ttl_ms.
 */
#ifndef TIDEMARK_PROXY_CLIENT_CHECKS_H
#define TIDEMARK_PROXY_CLIENT_CHECKS_H

#include "protocol/auth.h"
#include "protocol/error.h"
#include "proxy/credentials.h"

#include <stdbool.h>
#include <stdint.h>

struct check;
struct checks;
struct worker;

enum { ACCOUNT_HASHES_MAX = 16 };

/* What mysql.user says of all accounts of a name, whatever their hosts. */
struct account_facts {
    bool is_unknown; /* it could not be asked */
    bool exists;
    bool has_empty; /* one has no password */
    bool has_other; /* one has another plugin than mysql_native_password, or too many there are */
    bool wants_tls; /* one has REQUIRE SSL */
    unsigned hash_count;
    uint8_t hashes[ACCOUNT_HASHES_MAX * NATIVE_HASH_SIZE];
};

enum check_verdict {
    CHECK_GOOD,
    CHECK_REFUSED, /* by the server, in the words of `error` */
    CHECK_FAILED,  /* nobody could be asked; `error` says why */
};

struct check_outcome {
    enum check_verdict verdict;
    struct sql_error error;
    const struct account_facts *facts; /* of a lookup that is CHECK_GOOD */
};

/* Who waits for an answer; embedded where it belongs, all zero but for on_done. */
struct check_waiter {
    struct check_waiter *next, *previous;
    struct check *check; /* NULL: it does not wait */
    void (*on_done)(struct check_waiter *waiter, const struct check_outcome *outcome);
};

struct checks *checks_new(struct worker *worker);
void checks_free(struct checks *checks);

/* on_done is called later, never from within these. `rules` are kept with the secret. */
void checks_look_up(struct checks *checks, const char *name, struct check_waiter *waiter);
void checks_log_in(struct checks *checks, const char *name, struct secret *secret,
                   struct account_rules rules, struct check_waiter *waiter);

/* The waiter does not want to know any more, if it ever did. */
void checks_cancel(struct check_waiter *waiter);

/* What the waiter's question has met so far, as a sentence; "" for nothing. */
const char *checks_trouble(const struct check_waiter *waiter);

/* From the worker's tick. */
void checks_tick(struct checks *checks, uint64_t now);

#endif
