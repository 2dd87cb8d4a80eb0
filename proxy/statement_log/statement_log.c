/*
 * The statement log. See statement_log.h.
 */
#include "proxy/statement_log/statement_log.h"

#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/clock.h"
#include "proxy/statement_log/line.h"
#include "proxy/statement_log/spool.h"
#include "proxy/worker.h"

/* Numbers that need only be even (xorshift, G. Marsaglia 2003). */
static uint32_t next_random(struct worker *worker)
{
    uint64_t x = worker->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    worker->random = x;
    return (uint32_t)(x >> 32);
}

void statement_log_take(const struct session *session, const struct statement_record *record)
{
    struct worker *worker = session->worker;
    struct spool *spool = worker->process->statement_log;
    const struct config_proxy *config = &worker_config(worker)->proxy;
    struct line_policy policy;
    struct line_names names;
    char line[SPOOL_LINE_MAX];
    unsigned reasons;
    size_t size;

    if (spool == NULL || !spool_is_open(spool)) {
        return;
    }
    policy = (struct line_policy){.slow_ns = (uint64_t)config->slow_ms * 1000000,
                                  .sample_rate = config->sample_rate,
                                  .with_literals = config->statement_log_literals};
    reasons = line_reasons(record, &policy, next_random(worker));
    if (reasons == 0) {
        return;
    }
    names = (struct line_names){
        .at_unix_us = clock_unix_us(),
        .user = session->account != NULL ? session->account->name : "",
        .client = session->peer,
        .schema = environment_schema(session->environment),
        .server = record->server >= 0 ? worker_server_name(worker, (unsigned)record->server) : NULL,
    };
    size = line_write(record, &names, reasons, &policy, line, sizeof line);
    spool_write(spool, worker->number, bytes_of(line, size));
}
