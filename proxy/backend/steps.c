/*
 * The answers that a server connection awaits, in the order in which they come: those that only
 * bring it in step are swallowed here, the client's is read by proxy/exchange.c. See backend.h.
 */
#include "proxy/backend/backend.h"

#include "protocol/frame.h"
#include "protocol/prepared.h"
#include "proxy/backend/asking.h"
#include "proxy/backend/killer.h"
#include "proxy/backend/login.h"
#include "proxy/backend/pool.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/following.h"
#include "proxy/exchange.h"
#include "proxy/stream_compressed.h"
#include "proxy/worker.h"

static void begin_step(struct backend *backend)
{
    const struct step *step = &backend->steps[backend->step_first];
    struct response_request request = {.command = (enum command)step->command,
                                       .capabilities = backend->capabilities,
                                       .sequence = step->sequence};

    response_begin(&backend->response, &request);
    backend->answering = true;
}

struct bytes backend_peek(const struct backend *backend)
{
    struct bytes in = stream_peek(backend->stream);

    if (stream_is_compressed(backend->stream)) {
        response_number(&backend->response, (uint8_t *)(uintptr_t)in.data, in.size);
    }
    return in;
}

void backend_end_step(struct backend *backend)
{
    struct step *step = &backend->steps[backend->step_first];

    prepared_text_unref(step->prepared);
    step->prepared = NULL;
    backend->step_first = (uint8_t)((backend->step_first + 1) % BACKEND_STEPS);
    backend->step_count--;
    backend->answering = false;
}

bool backend_expect(struct backend *backend, enum step_kind kind, enum command command,
                    uint8_t sequence, struct prepared_text *prepared)
{
    struct step *step;

    if (backend->step_count == BACKEND_STEPS) {
        prepared_text_unref(prepared);
        return false;
    }
    step = &backend->steps[(unsigned)(backend->step_first + backend->step_count) % BACKEND_STEPS];
    *step = (struct step){kind, (uint8_t)command, sequence, prepared};
    backend->step_count++;
    backend->client_commands += kind == STEP_CLIENT;
    return true;
}

void backend_expect_sequence(struct backend *backend, uint8_t sequence)
{
    unsigned last =
        ((unsigned)backend->step_first + backend->step_count + BACKEND_STEPS - 1u) % BACKEND_STEPS;

    if (backend->step_count > 0) {
        backend->steps[last].sequence = sequence;
        if (backend->answering && backend->step_count == 1 && backend->response.bytes == 0) {
            begin_step(backend); /* nothing of its answer was seen yet */
        }
    }
}

bool backend_has_steps(const struct backend *backend)
{
    return backend->step_count > 0;
}

void backend_protocol_error(struct backend *backend, const char *problem)
{
    struct session *session = backend->session;
    struct sql_error error = error_make(ERROR_SERVER_LOST, "server %s broke the protocol: %s",
                                        backend_server(backend)->name, problem);

    backend_fail(backend, &error);
    if (session != NULL) {
        exchange_lost(session, backend, &error);
    }
}

static void close_statement(struct backend *backend, uint32_t id)
{
    uint8_t packet[FRAME_HEAD_SIZE + 5];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    write_u8(&out, COMMAND_STMT_CLOSE);
    write_u32(&out, id);
    write_packet_end(&out, at, 0);
    stream_write_one(backend->stream, writer_bytes(&out));
}

void backend_remember(struct backend *backend, struct prepared_text *prepared, uint32_t id)
{
    uint32_t evicted;

    if (prepared_cache_add(backend->prepared, prepared, id, &evicted)) {
        close_statement(backend, evicted);
    }
}

void backend_forget(struct backend *backend, const struct prepared_text *prepared)
{
    uint32_t id;

    if (prepared_cache_find(backend->prepared, prepared, &id)) {
        prepared_cache_remove(backend->prepared, prepared);
        close_statement(backend, id);
    }
}

/* Looks at one packet of an answer that the client does not see. */
static void learn(struct backend *backend, const struct step *step,
                  const struct response_step *packet)
{
    struct ok_packet ok;
    struct prepare_ok prepared;

    switch (packet->what) {
    case RESPONSE_ERROR:
        if (step->kind == STEP_VARIABLES) {
            break; /* an answer without values: it changes nothing */
        }
        if (backend->failure.code == 0 &&
            error_decode(packet->payload, &backend->failure) == PARSE_OK) {
            backend->failed_step = step->kind;
        }
        if (step->kind != STEP_PREPARE) {
            backend_set_environment(backend, NULL); /* a PREPARE that failed changes nothing */
        }
        break;
    case RESPONSE_OK:
        if (ok_decode(packet->payload, backend->capabilities, &ok) == PARSE_OK) {
            backend->status = ok.status;
            if (step->kind == STEP_TRACKERS && backend->session != NULL) {
                exchange_trackers(backend->session, &ok);
            } else if (step->kind == STEP_LEAD && backend->session != NULL) {
                following_led(backend->session, &ok);
            } else if (step->kind != STEP_RESET && step->kind != STEP_TRACKING &&
                       backend->session != NULL && ok.trackers.size > 0) {
                following_missed(backend->session, &ok, false);
            }
        }
        break;
    case RESPONSE_PREPARED:
        if (prepare_ok_decode(packet->payload, backend->capabilities, &prepared) == PARSE_OK) {
            backend_remember(backend, step->prepared, prepared.id);
        }
        break;
    case RESPONSE_PASS:
        if (step->kind == STEP_ASK_TRACKING && backend->session != NULL) {
            following_rows(backend->session,
                           bytes_first(stream_peek(backend->stream), packet->size));
        }
        break;
    case RESPONSE_MORE:
    case RESPONSE_EOF:
    case RESPONSE_LOCAL_INFILE:
    case RESPONSE_AUTH:
    case RESPONSE_BAD:
        break;
    }
}

/* Reads the answer of a step that only brings the connection in step. False: more must come. */
static bool swallow(struct backend *backend)
{
    const struct step *step = &backend->steps[backend->step_first];

    for (;;) {
        struct response_step packet = response_next(&backend->response, backend_peek(backend));

        if (packet.what == RESPONSE_MORE) {
            stream_expect(backend->stream, packet.need);
            return false;
        }
        if (packet.what == RESPONSE_BAD || packet.what == RESPONSE_LOCAL_INFILE ||
            packet.what == RESPONSE_AUTH) {
            backend_protocol_error(backend,
                                   packet.problem != NULL ? packet.problem : "unexpected request");
            return false;
        }
        if (step->kind == STEP_VARIABLES && backend->session != NULL) {
            exchange_variables(backend->session,
                               bytes_first(stream_peek(backend->stream), packet.size));
        }
        learn(backend, step, &packet);
        stream_consume(backend->stream, packet.size);
        if (packet.last) {
            if (step->kind == STEP_ASK_TRACKING && backend->session != NULL &&
                packet.what != RESPONSE_ERROR) {
                following_read(backend->session);
            }
            backend_end_step(backend);
            return true;
        }
    }
}

/* All steps are done and the client's command, if any, was not among them. */
static void on_in_step(struct backend *backend)
{
    if (backend->killing != NULL) {
        killer_answered(backend);
    } else if (backend->state == BACKEND_SETUP) {
        backend_set_up(backend);
    } else if (backend->state == BACKEND_LEASED) {
        exchange_in_step(backend->session);
    }
}

/* Bytes nobody asked for: an ERR by which the server ends the connection (shutdown, timeout, KILL),
 * or nonsense. Either way the connection is over. */
static void unasked(struct backend *backend)
{
    struct bytes in = stream_peek(backend->stream);
    struct session *session = backend->session;
    struct sql_error error = error_make(ERROR_SERVER_LOST, "server %s sent bytes nobody asked for",
                                        backend_server(backend)->name);
    struct frame frame;

    if (frame_read(in, &frame) == PARSE_OK && frame_is_whole(in, frame) &&
        error_is_packet(frame_payload(in, frame)) &&
        error_decode(frame_payload(in, frame), &error) != PARSE_OK) {
        error = error_make(ERROR_SERVER_LOST, "server %s sent a malformed error",
                           backend_server(backend)->name);
    }
    backend_fail(backend, &error);
    if (session != NULL) {
        exchange_lost(session, backend, &error);
    }
}

void backend_read(struct backend *backend)
{
    if (backend->state == BACKEND_LOGIN) {
        backend_login_read(backend);
    }
    if (backend->asking != NULL) {
        asking_read(backend);
        return;
    }
    while (backend->state == BACKEND_SETUP || backend->state == BACKEND_LEASED) {
        if (backend->step_count == 0) {
            if (stream_peek(backend->stream).size > 0) {
                unasked(backend);
            }
            return;
        }
        if (!backend->answering) {
            begin_step(backend);
        }
        if (backend->steps[backend->step_first].kind == STEP_CLIENT) {
            if (!exchange_read(backend->session, backend)) {
                return;
            }
        } else if (!swallow(backend)) {
            return;
        } else if (backend->step_count == 0) {
            on_in_step(backend);
        }
    }
    if (backend->state == BACKEND_IDLE && stream_peek(backend->stream).size > 0) {
        pool_forget_idle(backend);
        unasked(backend);
    }
}
