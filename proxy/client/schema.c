/* How old a connection's schema may be: two moments are compared. See schema.h. */
#include "proxy/client/schema.h"

#include "proxy/client/environment.h"
#include "proxy/client/session.h"
#include "proxy/worker.h"

static const uint64_t UNSEEN_NS = 1000000000; /* changes by others are found after this */

/* The connection that it happened on, or happens on next, has the schema as it is. */
static void enter(struct session *session, uint64_t now)
{
    if (session->lease.state == LEASE_HELD) {
        session->lease.backend->schema_ns = now;
    }
}

void schema_chosen(struct session *session)
{
    uint64_t now = worker_now(session->worker);
    uint64_t changed =
        atomic_load_explicit(&session->worker->process->schemas_changed_ns, memory_order_relaxed);
    uint64_t since = now > UNSEEN_NS ? now - UNSEEN_NS : 0;

    session->schema_ns = since > changed ? since : changed;
    enter(session, now);
}

void schema_changed(struct session *session)
{
    uint64_t now = worker_now(session->worker);

    /* Two workers that do this at once may leave the earlier moment: by less than a lookup takes.
     */
    atomic_store_explicit(&session->worker->process->schemas_changed_ns, now, memory_order_relaxed);
    session->schema_ns = now;
    enter(session, now);
}

bool schema_is_stale(const struct session *session)
{
    return session->lease.backend->schema_ns < session->schema_ns && session->pins == 0 &&
           environment_schema(session->environment).size > 0;
}
