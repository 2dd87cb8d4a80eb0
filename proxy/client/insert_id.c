/*
 * See insert_id.h.
 */
#include "proxy/client/insert_id.h"

#include "protocol/command.h"
#include "protocol/frame.h"
#include "proxy/client/given_id.h"
#include "proxy/client/replay.h"
#include "proxy/client/session.h"
#include "proxy/stream.h"
#include "proxy/worker.h"
#include "router/insert_id.h"

#include <assert.h>
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

bool insert_id_fetch(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;
    char sql[256];
    struct replay plan = {.sql = sql, .capacity = sizeof sql};
    uint8_t packet[FRAME_HEAD_SIZE + 1 + sizeof sql];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at;

    if (!session->insert_id_unsure || session->pins != 0 || command->fetching_insert_id ||
        session->lease.state != LEASE_HELD || session->close_after || backend->discard ||
        !replay_settle_last_insert_id(&plan, backend->insert_id, session->last_insert_id)) {
        return false;
    }
    command->fetching_insert_id = true;
    at = write_packet_begin(&out);
    write_u8(&out, COMMAND_QUERY);
    write_bytes(&out, bytes_of((const uint8_t *)sql, plan.sql_size));
    write_packet_end(&out, at, 0);
    assert(!out.failed);
    backend_expect(backend, STEP_TRACKERS, COMMAND_QUERY, 1, NULL);
    stream_write_one(backend->stream, writer_bytes(&out));
    return true;
}

void insert_id_settle(struct session *session)
{
    struct command_in_hand *command = worker_take_command(session->worker);

    command->data = command->small;
    command->code = COMMAND_PING;
    command->is_login = true; /* no command of the client's */
    command->settles = true;
    command->since_ns = worker_now(session->worker);
    memset(&command->statement, 0, sizeof command->statement);
    session->command = command;
    session->pins = 0;
    session->pinned_ns = 0;
    session_enter(session, SESSION_SYNCING);
    if (!insert_id_fetch(session)) {
        session_release(session, true);
        insert_id_settled(session);
    }
}

void insert_id_settled(struct session *session)
{
    session_drop_command(session);
    session_enter(session, SESSION_READY);
    session_read(session);
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
