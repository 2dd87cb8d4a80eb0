/*
 * See kill.h. Measured on MySQL 9.7 and MariaDB 10.11: both close the socket of a killed client at
 * once, and one that waits for an answer may get an error first: MariaDB's 1927, MySQL's 1053.
 */
#include "proxy/client/kill.h"

#include "health/facts.h"
#include "protocol/command.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/killer.h"
#include "proxy/client/session.h"

static bool awaits_an_answer(const struct session *session)
{
    const struct command_in_hand *command = session->command;

    return command != NULL && !command->is_login && !command->forwarded &&
           command_info(command->code)->answer != ANSWER_NONE;
}

static struct sql_error killed(const struct session *session)
{
    const struct server_facts *facts = session_facts(session);

    return facts != NULL && facts->flavor == FLAVOR_MYSQL
               ? error_make(ERROR_SERVER_SHUTDOWN, "Server shutdown in progress: the session was "
                                                   "killed by an administrator")
               : error_make(ERROR_CONNECTION_KILLED, "Connection was killed by an administrator");
}

void session_kill(struct session *session, bool in_silence, struct kill_outcome *outcome)
{
    *outcome = (struct kill_outcome){0};
    if (session->lease.state == LEASE_HELD) {
        struct backend *backend = session->lease.backend;

        backend->discard = true;
        if (backend_has_steps(backend)) {
            outcome->statement_killed = true;
            outcome->server = backend->server;
            outcome->thread_id = backend->thread_id;
            backend_kill(backend);
        }
    }
    if (in_silence) {
        session_close(session, "killed by another session of its user");
    } else if (awaits_an_answer(session)) {
        struct sql_error error = killed(session);

        session->sequence = (uint8_t)(session->command->upload_sequence + 1);
        session_fail(session, &error);
    } else {
        session_close(session, "killed by an administrator");
    }
}
