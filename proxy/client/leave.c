/*
 * See leave.h.
 */
#include "proxy/client/leave.h"

#include "protocol/command.h"
#include "proxy/client/assigned.h"
#include "proxy/client/insert_id.h"
#include "proxy/client/session.h"
#include "proxy/stream.h"
#include "proxy/worker.h"

#include <string.h>

bool leave_is_possible(const struct session *session)
{
    return session->pins == 0 ||
           (session->pins == PIN_USER_VARIABLE && assigned_is_readable(session));
}

bool leave_has_questions(const struct session *session)
{
    return session->lease.state == LEASE_HELD && leave_is_possible(session) &&
           (session->insert_id_unsure || session->pins != 0);
}

bool leave_ask(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    struct writer out = writer_over(session->worker->scratch, WORKER_SCRATCH_BYTES);

    if (!leave_has_questions(session) || command->leaving) {
        return false;
    }
    if (session->insert_id_unsure && !session->close_after && !backend->discard) {
        (void)insert_id_ask(session, &out);
    }
    if (session->pins != 0) {
        (void)assigned_ask(session, &out);
    }
    if (out.failed || out.size == 0) {
        return false;
    }
    command->leaving = true;
    stream_write_one(backend->stream, writer_bytes(&out));
    return true;
}

void leave_answered(struct session *session)
{
    assigned_answered(session);
    if (session->pins == 0) {
        session->pinned_ns = 0;
    }
}

void leave_begin(struct session *session)
{
    struct command_in_hand *command = worker_take_command(session->worker);

    command->data = command->small;
    command->code = COMMAND_PING;
    command->is_login = true; /* no command of the client's */
    command->settles = true;
    command->since_ns = worker_now(session->worker);
    memset(&command->statement, 0, sizeof command->statement);
    session->command = command;
    session->pins &= PIN_USER_VARIABLE;
    session_enter(session, SESSION_SYNCING);
    if (!leave_ask(session)) {
        if (session->pins == 0) {
            session_release(session, true);
        }
        leave_end(session);
    }
}

void leave_end(struct session *session)
{
    if (session->pins == 0) {
        session->pinned_ns = 0;
    }
    session_drop_command(session);
    session_enter(session, SESSION_READY);
    session_read(session);
}
