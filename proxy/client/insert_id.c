/*
 * See insert_id.h.
 */
#include "proxy/client/insert_id.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/client/given_id.h"
#include "proxy/client/replay.h"
#include "proxy/client/session.h"
#include "proxy/worker.h"
#include "router/insert_id.h"

#include <string.h>

void insert_id_is(struct session *session, uint64_t id)
{
    session->last_insert_id = id;
    session->lease.backend->insert_id = id;
    session->insert_id_unsure = false;
}

void insert_id_judge(struct session *session)
{
    const struct command_in_hand *command = session->command;
    struct insert_outcome outcome = {.told = command->told_id,
                                     .before = session->last_insert_id,
                                     .before_known = !session->insert_id_unsure,
                                     .errored = command->errored,
                                     .has_rows = session->lease.backend->response.result_sets > 0};

    if (outcome.told == 0 && command->statement.class != STATEMENT_WRITE) {
        return;
    }
    outcome.parameters_may_be_it = outcome.told != 0 && given_id_is_possible(session, outcome.told);
    switch (insert_id_after(&command->statement, command->sql, session_mode(session), &outcome)) {
    case INSERT_ID_KEPT:
        break;
    case INSERT_ID_TOLD:
        insert_id_is(session, outcome.told);
        break;
    case INSERT_ID_UNSURE:
        session->insert_id_unsure = true;
        break;
    }
}

bool insert_id_ask(struct session *session, struct writer *out)
{
    struct backend *backend = session->lease.backend;
    char sql[256];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};
    size_t at;

    if (!replay_settle_last_insert_id(&plan, backend->insert_id, session->last_insert_id)) {
        return false;
    }
    at = write_packet_begin(out);
    query_begin(out, backend->capabilities);
    write_bytes(out, bytes_of((const uint8_t *)sql, plan.sql_size));
    write_packet_end(out, at, 0);
    return !out->failed && backend_expect(backend, STEP_TRACKERS, COMMAND_QUERY, 1, NULL);
}

bool insert_id_is_owed(const struct session *session)
{
    const struct command_in_hand *command = session->command;

    return command->has_statement && (command->statement.uses & USE_LAST_INSERT_ID) &&
           session->lease.backend->insert_id != session->last_insert_id;
}

bool insert_id_pay(struct session *session, struct replay *plan)
{
    struct backend *backend = session->lease.backend;

    if (session->insert_id_unsure) {
        uint64_t old = backend->insert_id;

        /* From then on the connection's is the session's, whichever that is. */
        backend->insert_id = session->last_insert_id;
        return replay_settle_last_insert_id(plan, old, session->last_insert_id);
    }
    backend->insert_id = session->last_insert_id;
    return replay_add_last_insert_id(plan, session->last_insert_id);
}
