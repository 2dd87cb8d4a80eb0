/*
 * Bytes from a server to a client, and what is learned on the way. See exchange.h.
 *
 * The common case is a loop over packet heads that finds nothing to look at before the last packet:
 * then all that was read goes out in one write, from the read buffer.
 */
#include "proxy/exchange.h"

#include "health/topology.h"
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/client/command.h"
#include "proxy/client/doubt.h"
#include "proxy/client/assigned.h"
#include "proxy/client/following.h"
#include "proxy/client/learn.h"
#include "proxy/client/leave.h"
#include "proxy/client/login.h"
#include "proxy/client/prepared_commands.h"
#include "proxy/client/recording.h"
#include "proxy/client/replication.h"
#include "proxy/client/send.h"
#include "proxy/client/session.h"
#include "proxy/log.h"
#include "proxy/stream.h"
#include "proxy/stream_compressed.h"
#include "proxy/worker.h"

#include <assert.h>
#include <string.h>

enum { PLAIN_OK_BYTES = 7 }; /* an OK without info and trackers reads the same for every client */

/* ---- what goes to the client ---- */

struct relay {
    struct session *session;
    struct backend *backend;
    struct bytes in; /* what the server sent and was not consumed */
    size_t from;     /* the part from here ... */
    size_t at;       /* ... to here goes out as it is */
};

static void flush(struct relay *relay)
{
    if (relay->at > relay->from) {
        if (!relay->session->command->swallow) {
            relay->session->command->forwarded = true;
            stream_write_one(relay->session->client,
                             bytes_of(relay->in.data + relay->from, relay->at - relay->from));
        }
        relay->from = relay->at;
    }
}

/* Sends something else in place of the packet of `size` bytes that is next. */
static void replace(struct relay *relay, size_t size, struct bytes packet)
{
    flush(relay);
    if (!relay->session->command->swallow) {
        relay->session->command->forwarded = true;
        stream_write_one(relay->session->client, packet);
    }
    relay->at += size;
    relay->from = relay->at;
}

/* An EOF that tells of a change cannot say of which: it is one that only the proxy asked for. */
static void eof_without_change(struct relay *relay, const struct response_step *step,
                               struct eof_packet eof)
{
    uint8_t packet[FRAME_HEAD_SIZE + 5];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    eof.status &= (uint16_t)~STATUS_SESSION_STATE_CHANGED;
    eof_encode(&out, &eof);
    write_packet_end(&out, at, step->sequence);
    replace(relay, step->size, writer_bytes(&out));
}

/* The OK with those of its trackers that the client is shown. */
static void replace_ok(struct relay *relay, const struct response_step *step, struct ok_packet *ok)
{
    struct session *session = relay->session;
    uint8_t *memory = session->worker->scratch;
    struct writer shown = writer_over(memory, WORKER_SCRATCH_BYTES / 2);
    struct writer out = writer_over(memory + WORKER_SCRATCH_BYTES / 2, WORKER_SCRATCH_BYTES / 2);

    if (session->capabilities & CAPABILITY_SESSION_TRACK) {
        following_filter(session, ok, &shown);
    }
    /* More trackers than the scratch memory holds: the client gets the OK without them. */
    ok->trackers = shown.failed ? (struct bytes){NULL, 0} : writer_bytes(&shown);
    ok_encode_packet(&out, ok, session->capabilities, step->sequence);
    if (out.failed) {
        out = writer_over(memory + WORKER_SCRATCH_BYTES / 2, WORKER_SCRATCH_BYTES / 2);
        ok->trackers = (struct bytes){NULL, 0};
        ok_encode_packet(&out, ok, session->capabilities, step->sequence);
    }
    replace(relay, step->size, writer_bytes(&out));
}

static void on_ok(struct relay *relay, const struct response_step *step)
{
    struct session *session = relay->session;
    struct ok_packet ok;

    if (step->payload.size == PLAIN_OK_BYTES && !following_owes(session)) {
        /* No trackers, no info: only the status counts. */
        learn_plain_ok(session, (unsigned)(step->payload.data[3] | step->payload.data[4] << 8),
                       (unsigned)(step->payload.data[5] | step->payload.data[6] << 8));
        if (step->payload.data[2] != 0) {
            session->command->told_id = step->payload.data[2];
        }
        relay->at += step->size;
        return;
    }
    if (ok_decode(step->payload, relay->backend->capabilities, &ok) != PARSE_OK) {
        relay->at += step->size;
        return;
    }
    learn_ok(session, &ok);
    if (ok.info.size == 0 && ok.trackers.size == 0 && !following_owes(session) &&
        (ok.status & STATUS_SESSION_STATE_CHANGED) == 0) {
        relay->at += step->size;
    } else {
        replace_ok(relay, step, &ok);
    }
}

static void on_eof(struct relay *relay, const struct response_step *step)
{
    const struct response *answer = &relay->backend->response;

    learn_plain_ok(relay->session, answer->status, answer->warnings);
    if (answer->status & STATUS_SESSION_STATE_CHANGED) {
        eof_without_change(relay, step,
                           (struct eof_packet){.status = (uint16_t)answer->status,
                                               .warnings = (uint16_t)answer->warnings});
        return;
    }
    relay->at += step->size;
}

static bool server_is_replica(const struct relay *relay)
{
    return worker_server_role(relay->session->worker, relay->backend->server) == ROLE_REPLICA;
}

/* A refusal by a read-only replica of what was taken for a read: the primary will do it, and the
 * client sees nothing of it. In a READ ONLY transaction the client is told what a primary says. */
static void on_error(struct relay *relay, const struct response_step *step)
{
    struct session *session = relay->session;
    struct command_in_hand *command = session->command;
    struct sql_error error;
    bool decoded = error_decode(step->payload, &error) == PARSE_OK;

    command->errored = true;
    command->error = decoded ? error.code : ERROR_UNKNOWN;
    if (decoded && error.code == ERROR_OPTION_PREVENTS_STATEMENT && server_is_replica(relay)) {
        if (session->transaction == SESSION_TRANSACTION_READ_ONLY) {
            uint8_t packet[128];
            struct writer out = writer_over(packet, sizeof packet);

            error = error_make(ERROR_READ_ONLY_TRANSACTION,
                               "Cannot execute statement in a READ ONLY transaction.");
            command->error = error.code;
            error_encode_packet(&out, &error, session->capabilities, step->sequence);
            replace(relay, step->size, writer_bytes(&out));
            return;
        }
        if (!command->forwarded && !command->is_partial && relay->from == relay->at &&
            session->pins == 0) {
            command->swallow = true;
            command->refused_by_replica = true;
        }
    }
    relay->at += step->size;
}

static void on_local_infile(struct relay *relay, const struct response_step *step)
{
    relay->at += step->size;
    flush(relay);
    relay->session->command->local_infile = true;
    relay->session->command->upload_sequence = step->sequence;
}

/* Handles one step of the answer. False: no further step now. */
static bool relay_step(struct relay *relay, const struct response_step *step)
{
    switch (step->what) {
    case RESPONSE_MORE:
        stream_expect(relay->backend->stream, step->need);
        return false;
    case RESPONSE_BAD:
    case RESPONSE_AUTH:
        return false;
    case RESPONSE_PASS:
        relay->at += step->size;
        break;
    case RESPONSE_OK:
        on_ok(relay, step);
        break;
    case RESPONSE_EOF:
        on_eof(relay, step);
        break;
    case RESPONSE_ERROR:
        on_error(relay, step);
        break;
    case RESPONSE_PREPARED:
        prepared_answered(relay->session, step->payload);
        relay->at += step->size;
        break;
    case RESPONSE_LOCAL_INFILE:
        on_local_infile(relay, step);
        return false;
    }
    return true;
}

/* ---- the end of an answer ---- */

/* A replica that cannot be brought in step may be behind in just that (a new schema): the primary
 * can. */
static bool is_read_on_replica(const struct session *session)
{
    const struct command_in_hand *command = session->command;

    return command->has_statement && command->statement.class == STATEMENT_READ &&
           session->pins == 0 && !command->wants_primary &&
           worker_server_role(session->worker, session->lease.server) == ROLE_REPLICA;
}

/* The read goes to the primary instead: a replica refused it, or could not be brought in step. */
static void repeat_on_primary(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command->refused_by_replica) {
        log_info(log_number("session", session->id),
                 "a replica refused a statement taken for a read; repeated on the primary "
                 "digest=%016llx",
                 (unsigned long long)command->statement.digest);
        worker_remember_write(session->worker, command->statement.digest);
    }
    command->wants_primary = true;
    command->retries++;
    command->swallow = false;
    command->errored = false;
    command->error = 0;
    command->sent = false;
    command->refused_by_replica = false;
    session_release(session, false);
    session_enter(session, SESSION_LEASING);
    command_place(session);
}

/* A step ahead of the read failed, on the primary itself: the step's error is the read's. */
static void fail_with_step(struct session *session)
{
    struct sql_error error = session->lease.backend->failure;

    session->command->swallow = false;
    session_release(session, false);
    session_refuse(session, &error);
}

static void end_answer(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command->upload_left > 0 || command->upload_continues || command->local_infile) {
        /* What is still to come of the command would be taken for the next one, on both sides. */
        session->lease.backend->is_cut = true;
        session_close(session, "the server answered before it had the whole command");
    } else if (!command->swallow) {
        learn_end(session);
    } else if (command->refused_by_replica || is_read_on_replica(session)) {
        repeat_on_primary(session);
    } else {
        fail_with_step(session);
    }
}

bool exchange_read(struct session *session, struct backend *backend)
{
    struct relay relay = {.session = session, .backend = backend, .in = backend_peek(backend)};
    struct response_step step = {0};

    if (backend->failure.code != 0 && !session->command->forwarded) {
        session->command->swallow = true;
    }
    if (stream_is_congested(session->client) && !session->command->swallow) {
        stream_pause(backend->stream);
        return false;
    }
    while (relay.at < relay.in.size && !step.last) {
        step = response_next(&backend->response,
                             bytes_of(relay.in.data + relay.at, relay.in.size - relay.at));
        if (!relay_step(&relay, &step)) {
            break;
        }
    }
    if (backend->response.events_marked && replication_refuse(session)) {
        return false;
    }
    flush(&relay);
    stream_consume(backend->stream, relay.at);
    if (step.what == RESPONSE_BAD || step.what == RESPONSE_AUTH) {
        backend_protocol_error(backend, step.problem != NULL ? step.problem : "unexpected packet");
        return false;
    }
    if (stream_is_congested(session->client)) {
        stream_pause(backend->stream);
    }
    if (!step.last) {
        return false;
    }
    recording_answer(session, &backend->response);
    backend_end_step(backend);
    end_answer(session);
    return true;
}

/* The session's schema is gone, and the command is the one that goes to another. */
static bool leaves_lost_schema(const struct session *session)
{
    const struct command_in_hand *command = session->command;

    return session->lease.backend->failed_step == STEP_SCHEMA && session->pins == 0 &&
           !command->schema_left_out && command->has_statement && !command->statement.is_multi &&
           command->statement.class == STATEMENT_SESSION && command->statement.use_schema.size > 0;
}

void exchange_in_step(struct session *session)
{
    struct backend *backend = session->lease.backend;
    struct command_in_hand *command = session->command;

    if (session->state == SESSION_RELAYING) {
        if (command != NULL && command->following && backend->failure.code != 0) {
            session_close(session, "its session_track_... variables could not be followed");
        } else if (command != NULL && command->leaving) {
            leave_answered(session);
            session_finish(session);
        } else if (command != NULL && (command->fetching_trackers || command->following)) {
            learn_trackers_fetched(session);
        }
        return;
    }
    assert(session->state == SESSION_SYNCING);
    if (command->leaving) {
        /* Asked before the connection is left; the command itself goes on from here. */
        command->leaving = false;
        leave_answered(session);
        if (session->pins == 0) {
            session_release(session, true);
        }
        if (command->settles) {
            leave_end(session);
            return;
        }
        session_enter(session, SESSION_LEASING);
        command_place(session);
        return;
    }
    if (backend->failure.code == 0) {
        if (command->is_login) {
            login_schema_entered(session);
        } else {
            command_send(session);
        }
        return;
    }
    if (is_read_on_replica(session)) {
        session_release(session, false);
        command->wants_primary = true;
        command->retries++;
        session_enter(session, SESSION_LEASING);
        command_place(session);
    } else if (leaves_lost_schema(session)) {
        session_release(session, false);
        command->schema_left_out = true;
        session_enter(session, SESSION_LEASING);
        command_place(session);
    } else {
        struct sql_error error = backend->failure;

        backend->failure.code = 0;
        if (session->pins == 0) {
            session_release(session, backend->environment != NULL);
        } else if (backend->environment == NULL) {
            /* Nothing that the session does on this connection could be right any more. */
            session->sequence = (uint8_t)(command->upload_sequence + 1);
            session_fail(session, &error);
            return;
        }
        session_refuse(session, &error);
    }
}

void exchange_trackers(struct session *session, const struct ok_packet *ok)
{
    learn_ok(session, ok);
    following_missed(session, ok, session->command != NULL && session->command->fetching_trackers);
}

void exchange_variables(struct session *session, struct bytes part)
{
    assigned_take(session, part);
}

/* ---- losses ---- */

void exchange_lost(struct session *session, struct backend *backend, const struct sql_error *error)
{
    struct command_in_hand *command = session->command;
    unsigned server = backend->server;
    bool was_pinned = session->pins != 0;
    bool was_sent = command != NULL && command->sent;

    if (command != NULL && command->forwarded) {
        recording_answer(session, &backend->response);
        command->error = error->code;
    }
    session_release(session, false);
    if (command == NULL) {
        /* What the session had there (a transaction, temporary tables) is gone with it. */
        session_close(session, "the server connection that held its state was lost");
        return;
    }
    if (command->leaving && was_pinned && (was_sent || command->settles)) {
        session_close(session, "the server connection that held its state was lost");
        return;
    }
    if (command->settles) {
        leave_end(session);
        return;
    }
    if (command->leaving && was_sent) {
        session_finish(session); /* the client has its whole answer, and nothing was pinned */
        return;
    }
    if (command->leaving && !was_pinned) {
        command->leaving = false;
        session_enter(session, SESSION_LEASING);
        command_place(session);
        return;
    }
    if (was_sent && command->has_statement && command->statement.may_change) {
        session->last_write = worker_now(session->worker);
        doubt_add(&session->doubt, backend);
    }
    if (command->forwarded) {
        session_close(session, "the server was lost in the middle of an answer");
        return;
    }
    if (was_pinned || (command->code == COMMAND_QUERY && command->local_infile)) {
        session->sequence = (uint8_t)(command->upload_sequence + 1);
        session_fail(session, error);
        return;
    }
    if (!was_sent && !command->changed_connection && session->state == SESSION_SYNCING) {
        /* It never left the proxy: another connection will do. */
        command->changed_connection = true;
        session_enter(session, SESSION_LEASING);
        command_place(session);
        return;
    }
    if (session->state == SESSION_RELAYING) {
        session_enter(session, SESSION_LEASING);
    }
    if (!command_try_elsewhere(session, (int)server)) {
        session_refuse(session, error);
    }
}

void exchange_kills_over(struct session *session)
{
    if (session->state == SESSION_LEASING && session->command != NULL &&
        !session->command->awaits_kill) {
        command_place(session);
    }
}

/* ---- the other direction ---- */

void exchange_server_drained(struct session *session)
{
    stream_resume(session->client);
    if (session->state == SESSION_RELAYING) {
        session_read(session);
    }
}

void exchange_client_drained(struct session *session)
{
    if (session->lease.state == LEASE_HELD) {
        struct backend *backend = session->lease.backend;

        stream_resume(backend->stream);
        backend_read(backend);
    }
}

void exchange_sent(struct session *session)
{
    if (command_info(session->command->code)->answer == ANSWER_NONE) {
        learn_end(session);
    }
}

/* The next packet head of a payload or file that the client is sending. False: not there yet, or
 * nothing more is due. */
static bool next_upload_packet(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct frame frame;
    struct bytes in;

    if (!command->upload_continues && replication_is_dump(command->code)) {
        command->upload_left = replication_acknowledgement(stream_peek(session->client));
        return command->upload_left > 0;
    }
    if (!command->upload_continues && !command->local_infile) {
        return false;
    }
    in = stream_peek(session->client);
    if (frame_read(in, &frame) != PARSE_OK) {
        return false;
    }
    if (stream_is_compressed(session->client)) {
        frame.sequence = (uint8_t)(command->upload_sequence + 1);
        frame_write((uint8_t *)(uintptr_t)in.data, frame);
    }
    if (frame.sequence != (uint8_t)(command->upload_sequence + 1)) {
        struct sql_error error = error_make(ERROR_PACKETS_OUT_OF_ORDER, "Got packets out of order");

        session->sequence = (uint8_t)(frame.sequence + 1);
        session_fail(session, &error);
        return false;
    }
    command->upload_sequence = frame.sequence;
    command->upload_left = frame_size(frame);
    backend_expect_sequence(session->lease.backend, (uint8_t)(frame.sequence + 1));
    if (command->local_infile) {
        if (frame.length == 0) {
            command->local_infile = false;
            response_turn(&session->lease.backend->response, frame.sequence);
        }
    } else {
        command->upload_continues = frame_continues(frame);
    }
    return true;
}

void exchange_upload(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct backend *backend = session->lease.backend;

    while (session->state == SESSION_RELAYING && command->sent) {
        struct bytes in = stream_peek(session->client);

        if (command->upload_left == 0) {
            if (!next_upload_packet(session)) {
                return;
            }
            continue;
        }
        if (in.size == 0) {
            return;
        }
        if (stream_is_congested(backend->stream)) {
            stream_pause(session->client);
            return;
        }
        in = bytes_first(in, command->upload_left);
        command->upload_left -= in.size;
        command->bytes_in += in.size;
        stream_write_one(backend->stream, in);
        stream_consume(session->client, in.size);
        if (command->upload_left == 0 && !command->upload_continues && !command->local_infile) {
            exchange_sent(session);
            return;
        }
    }
}
