/*
 * See session_walk.h.
 */
#include "proxy/session_walk.h"

#include "proxy/client/session.h"
#include "proxy/worker.h"

bool session_walk(struct worker *worker, bool *has_begun, unsigned count,
                  bool (*visit)(struct session *session, void *context), void *context)
{
    if (!*has_begun) {
        *has_begun = true;
        worker->survey.session = worker->sessions;
    }
    for (unsigned i = 0; i < count && worker->survey.session != NULL; i++) {
        struct session *session = worker->survey.session;

        worker->survey.session = session->next;
        if (visit(session, context)) {
            return true;
        }
    }
    return worker->survey.session == NULL;
}

bool session_walk_is(const struct session *session, uint64_t id)
{
    return session->id == id && session->state != SESSION_CLOSING;
}
