/*
 * Asking the primary who may come in. See checks.h.
 */
#include "proxy/client/checks.h"

#include "health/topology.h"
#include "protocol/digest.h"
#include "proxy/backend/asking.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/login_exchange.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

enum {
    ASKED_AT_ONCE = 16, /* connections that one worker opens for this at a time */
    LOOKUP_SQL_BYTES = 2 * LOGIN_NAME_BYTES + 128,
};

static const uint64_t RETRY_NS = 100000000;
static const uint64_t CHECK_AGAIN_NS = 5000000000; /* after an answer that settles nothing */

struct check {
    struct check *next, *previous;
    struct checks *checks;
    char name[LOGIN_NAME_BYTES];
    struct secret *secret; /* reference; NULL: a lookup */
    struct account_rules rules;
    bool is_again; /* the account's own, every credential_ttl_ms */
    bool asks_primary;
    struct backend *backend; /* borrower; NULL: queued */
    struct check_waiter *waiters;
    struct account_facts facts;
    struct sql_error trouble; /* of the last attempt */
    uint64_t since_ns, retry_ns;
};

struct checks {
    struct worker *worker; /* borrower */
    struct check *all;     /* owner: oldest first */
    unsigned asking;
};

struct checks *checks_new(struct worker *worker)
{
    struct checks *checks = mem_calloc(1, sizeof *checks);

    checks->worker = worker;
    return checks;
}

/* One that is in no list any more. */
static void dispose(struct check *check)
{
    secret_unref(check->secret);
    mem_free(check);
}

static void end(struct check *check)
{
    DL_DELETE2(check->checks->all, check, previous, next);
    dispose(check);
}

void checks_free(struct checks *checks)
{
    while (checks->all != NULL) {
        end(checks->all);
    }
    mem_free(checks);
}

/* ---- answers ---- */

static void tell(struct check *check, const struct check_outcome *outcome)
{
    struct check_waiter *waiters = check->waiters;

    check->waiters = NULL;
    while (waiters != NULL) {
        struct check_waiter *waiter = waiters;

        DL_DELETE2(waiters, waiter, previous, next);
        waiter->check = NULL;
        waiter->on_done(waiter, outcome);
    }
}

static void on_row(void *context, const struct bytes *values, size_t count)
{
    struct account_facts *facts = &((struct check *)context)->facts;

    if (count != 3) {
        return;
    }
    facts->exists = true;
    facts->wants_tls = facts->wants_tls || values[2].size > 0;
    if (auth_plugin_of(values[0]) != AUTH_PLUGIN_NATIVE) {
        facts->has_other = true;
    } else if (values[1].size == 0) {
        facts->has_empty = true;
    } else if (facts->hash_count < ACCOUNT_HASHES_MAX &&
               native_hash_from_text(values[1], facts->hashes +
                                                    (size_t)facts->hash_count * NATIVE_HASH_SIZE)) {
        facts->hash_count++;
    } else {
        facts->has_other = true; /* or a password that nobody can have: the primary will tell */
    }
}

/* The server is busy or ending: it has said nothing of the account. */
static bool says_nothing(const struct sql_error *error)
{
    return error->code == ERROR_TOO_MANY_CONNECTIONS || error->code == ERROR_SERVER_SHUTDOWN ||
           error->code == ERROR_TOO_MANY_USER_CONNECTIONS || error->code == ERROR_USER_LIMIT ||
           error->code == ERROR_HOST_BLOCKED;
}

static void finish_login(struct check *check, struct check_outcome *outcome)
{
    struct worker *worker = check->checks->worker;
    struct accounts *accounts = worker->roster->accounts;
    struct account *account;

    if (outcome->verdict == CHECK_GOOD) {
        account = accounts_admit(accounts, check->name);
        if (account == NULL) {
            outcome->verdict = CHECK_FAILED;
            outcome->error = error_make(ERROR_OUT_OF_RESOURCES, "too many accounts");
            return;
        }
        keeping_put(&account->keeping, "", check->secret, worker_now(worker), check->rules);
        return;
    }
    account = accounts_find(accounts, check->name);
    if (account != NULL && outcome->verdict == CHECK_REFUSED && check->asks_primary &&
        refusal_is_final(outcome->error.code)) {
        keeping_refuse(&account->keeping, check->secret);
    }
}

static void finish(struct check *check, struct check_outcome outcome)
{
    struct worker *worker = check->checks->worker;

    if (check->secret != NULL) {
        finish_login(check, &outcome);
    } else if (outcome.verdict != CHECK_FAILED) {
        if (outcome.verdict == CHECK_REFUSED) {
            log_warn(log_number("worker", worker->number),
                     "the monitor's user cannot read mysql.user: error=%u \"%s\"",
                     outcome.error.code, outcome.error.text);
            check->facts = (struct account_facts){.is_unknown = true};
        }
        outcome.verdict = CHECK_GOOD;
        outcome.facts = &check->facts;
    }
    if (check->is_again) {
        struct account *account = accounts_find(worker->roster->accounts, check->name);

        if (account != NULL) {
            keeping_tried(&account->keeping, worker_now(worker));
            atomic_store(&account->keeping.is_checking, false);
        }
    }
    /* It has its answer: nobody may join it any more. */
    DL_DELETE2(check->checks->all, check, previous, next);
    tell(check, &outcome);
    dispose(check);
}

/* One answer makes room for the next question, and a question gives this its answers. */
static void ask_queued(struct checks *checks, uint64_t now);

static bool may_try_again(const struct check *check, uint64_t now)
{
    const struct config_proxy *config = &worker_config(check->checks->worker)->proxy;

    return now < check->since_ns + (uint64_t)config->failover_wait_ms * 1000000;
}

static void on_done(void *context, const struct asking_answer *answer)
{
    struct check *check = context;
    struct checks *checks = check->checks;
    uint64_t now = worker_now(checks->worker);
    struct check_outcome outcome = {.verdict = CHECK_GOOD, .error = answer->error};

    check->backend = NULL;
    checks->asking--;
    if (answer->error.code != 0) {
        outcome.verdict =
            answer->was_refused && !says_nothing(&answer->error) ? CHECK_REFUSED : CHECK_FAILED;
    }
    if (outcome.verdict == CHECK_FAILED && may_try_again(check, now) &&
        (check->waiters != NULL || check->is_again)) {
        check->trouble = answer->error;
        check->retry_ns = now + RETRY_NS;
        return;
    }
    finish(check, outcome);
    ask_queued(checks, now);
}

/* ---- questions ---- */

/* The server to ask, or -1. */
static int server_to_ask(const struct worker *worker, bool *is_primary)
{
    const struct topology *topology = worker->topology;

    *is_primary = topology != NULL && topology->primary >= 0;
    if (*is_primary) {
        return topology->primary;
    }
    for (size_t i = 0; topology != NULL && i < topology->count; i++) {
        if (topology->servers[i].usable && roster_server(worker->roster, (unsigned)i) != NULL) {
            return (int)i;
        }
    }
    return -1;
}

/* Names are compared as bytes, in hexadecimal: nothing in them means anything to SQL. */
static void lookup_sql(char sql[LOOKUP_SQL_BYTES], const char *name)
{
    size_t used = (size_t)snprintf(sql, LOOKUP_SQL_BYTES,
                                   "SELECT plugin, authentication_string, ssl_type"
                                   " FROM mysql.user WHERE User = X'");

    for (const char *c = name; *c != '\0'; c++) {
        used += (size_t)snprintf(sql + used, LOOKUP_SQL_BYTES - used, "%02x", (uint8_t)*c);
    }
    snprintf(sql + used, LOOKUP_SQL_BYTES - used, "'");
}

/* False: nobody can be asked now. */
static bool ask(struct check *check)
{
    struct worker *worker = check->checks->worker;
    const struct config_monitor *monitor = &worker_config(worker)->monitor;
    char sql[LOOKUP_SQL_BYTES];
    struct asking_question question = {
        .user = check->name, .on_row = on_row, .on_done = on_done, .context = check};
    int server = server_to_ask(worker, &check->asks_primary);

    if (server < 0) {
        return false;
    }
    question.server = (unsigned)server;
    if (check->secret != NULL) {
        question.secret = secret_ref(check->secret);
    } else {
        struct bytes password = bytes_first(bytes_of_text(monitor->password), PASSWORD_MAX);

        lookup_sql(sql, check->name);
        question.sql = sql;
        question.user = monitor->user;
        question.secret = secret_new(CREDENTIAL_PASSWORD, password);
        check->facts = (struct account_facts){.exists = false};
    }
    check->backend = backend_ask(worker, &question);
    secret_unref(question.secret);
    check->checks->asking += check->backend != NULL;
    return check->backend != NULL;
}

static bool is_same(const struct check *check, const char *name, const struct secret *secret)
{
    return strcmp(check->name, name) == 0 && (check->secret == NULL) == (secret == NULL) &&
           (secret == NULL || secret_equal(check->secret, secret));
}

/* Is the same being asked right now? Its answer may be older than this question. */
static bool is_being_asked(const struct check *check)
{
    for (const struct check *other = check->checks->all; other != NULL; other = other->next) {
        if (other->backend != NULL && is_same(other, check->name, check->secret)) {
            return true;
        }
    }
    return false;
}

/* Asks, unless that has to wait; the next tick tries again. */
static void try_to_ask(struct check *check, uint64_t now)
{
    if (check->backend == NULL && check->checks->asking < ASKED_AT_ONCE && now >= check->retry_ns &&
        !is_being_asked(check)) {
        (void)ask(check);
    }
}

static void ask_queued(struct checks *checks, uint64_t now)
{
    for (struct check *check = checks->all; check != NULL; check = check->next) {
        try_to_ask(check, now);
    }
}

static struct check *queue(struct checks *checks, const char *name, struct secret *secret)
{
    struct check *check;

    for (check = checks->all; check != NULL; check = check->next) {
        if (check->backend == NULL && is_same(check, name, secret)) {
            return check;
        }
    }
    check = mem_calloc(1, sizeof *check);
    check->checks = checks;
    snprintf(check->name, sizeof check->name, "%s", name);
    check->secret = secret != NULL ? secret_ref(secret) : NULL;
    check->since_ns = worker_now(checks->worker);
    DL_APPEND2(checks->all, check, previous, next);
    return check;
}

static void wait_for(struct check *check, struct check_waiter *waiter)
{
    waiter->check = check;
    DL_APPEND2(check->waiters, waiter, previous, next);
}

void checks_look_up(struct checks *checks, const char *name, struct check_waiter *waiter)
{
    wait_for(queue(checks, name, NULL), waiter);
    try_to_ask(waiter->check, worker_now(checks->worker));
}

void checks_log_in(struct checks *checks, const char *name, struct secret *secret,
                   struct account_rules rules, struct check_waiter *waiter)
{
    struct check *check = queue(checks, name, secret);

    check->rules = rules;
    wait_for(check, waiter);
    try_to_ask(check, worker_now(checks->worker));
}

/* The question itself is given up. */
static void give_up(struct check *check)
{
    if (check->backend != NULL) {
        check->checks->asking--;
        asking_abandon(check->backend);
    }
    end(check);
}

void checks_cancel(struct check_waiter *waiter)
{
    struct check *check = waiter->check;

    if (check != NULL) {
        DL_DELETE2(check->waiters, waiter, previous, next);
        waiter->check = NULL;
        if (check->waiters == NULL && !check->is_again && check->backend == NULL) {
            give_up(check); /* a handshake under way is ended in good order: servers count others */
        }
    }
}

const char *checks_trouble(const struct check_waiter *waiter)
{
    return waiter->check != NULL && waiter->check->trouble.code != 0 ? waiter->check->trouble.text
                                                                     : "";
}

/* ---- time ---- */

/* Accounts whose clients are here are asked about again; one worker does so for all. */
static void check_again(struct checks *checks, uint64_t now)
{
    const struct config_proxy *config = &worker_config(checks->worker)->proxy;
    struct accounts *accounts = checks->worker->roster->accounts;
    unsigned count = accounts_count(accounts);

    for (unsigned i = 0; i < count; i++) {
        struct account *account = accounts_at(accounts, i);
        struct kept kept;
        struct check *check;

        if (atomic_load(&account->clients) == 0 || atomic_load(&account->keeping.is_checking)) {
            continue;
        }
        kept = keeping_get(&account->keeping, "");
        if (kept.secret != NULL &&
            (kept.tried_ns <= kept.checked_ns || now >= kept.tried_ns + CHECK_AGAIN_NS) &&
            (atomic_load(&account->keeping.is_doubted) ||
             now >= kept.checked_ns + (uint64_t)config->credential_ttl_ms * 1000000)) {
            check = queue(checks, account->name, kept.secret);
            check->rules = kept.rules;
            check->is_again = true;
            atomic_store(&account->keeping.is_checking, true);
        }
        secret_unref(kept.secret);
    }
}

static struct check *find_hopeless(const struct checks *checks, uint64_t now)
{
    for (struct check *check = checks->all; check != NULL; check = check->next) {
        if (check->backend == NULL && !may_try_again(check, now)) {
            return check;
        }
    }
    return NULL;
}

void checks_tick(struct checks *checks, uint64_t now)
{
    struct check *check;

    if (checks->worker->pool->closed) {
        while (checks->all != NULL) {
            give_up(checks->all); /* no session is left that could wait */
        }
        return;
    }
    if (checks->worker->number == 0 && checks->worker->roster->is_open) {
        check_again(checks, now);
    }
    ask_queued(checks, now);
    while ((check = find_hopeless(checks, now)) != NULL) {
        struct check_outcome outcome = {.verdict = CHECK_FAILED, .error = check->trouble};

        if (outcome.error.code == 0) {
            outcome.error = error_make(ERROR_UNKNOWN, "the password cannot be checked: %s",
                                       "no server is usable, or too many checks are under way");
        }
        finish(check, outcome);
    }
}
