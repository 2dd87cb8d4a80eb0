/*
 * See asking.h. The answer to a query is read here packet by packet, because nobody else wants rows
 * taken apart: column count, definitions, EOF, rows, EOF (DEPRECATE_EOF was not agreed on).
 */
#include "proxy/backend/asking.h"

#include "protocol/frame.h"
#include "protocol/ok.h"
#include "protocol/prepared.h"
#include "proxy/backend/backend.h"
#include "proxy/backend/pool.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <limits.h>

enum {
    QUERY_BYTES = 1024,
    ANSWER_PACKET_MAX = 1 << 20, /* a longer packet is no answer to what is asked here */
};

enum phase { PHASE_COUNT, PHASE_COLUMNS, PHASE_ROWS };

struct asking {
    struct account account;          /* a stand-in: name and number */
    struct group group;              /* a stand-in: in no list */
    struct asking_question question; /* its texts are not here any more */
    char *sql;                       /* owner; NULL: only the login is asked for */
    enum phase phase;
    uint64_t columns;
    bool is_answered;
    bool was_refused;
};

struct backend *backend_ask(struct worker *worker, const struct asking_question *question)
{
    struct asking *asking;
    struct backend *backend;

    if (worker->pool->closed) {
        return NULL;
    }
    asking = mem_calloc(1, sizeof *asking);
    asking->account.name = mem_text(question->user);
    asking->account.number = UINT_MAX;
    asking->group.account = &asking->account;
    asking->question = *question;
    asking->sql = question->sql != NULL ? mem_text(question->sql) : NULL;
    asking->question.secret = secret_ref(question->secret);
    backend = backend_new(worker, &asking->group, question->server);
    backend->is_opening = false; /* no lease waits for it */
    backend->has_permit = permits_try(worker->process->permits, question->server);
    backend->asking = asking;
    worker->pool->backend_count++;
    backend_connect(backend);
    return backend;
}

static void tell(struct backend *backend, const struct sql_error *error)
{
    struct asking *asking = backend->asking;
    struct asking_answer answer = {.was_refused = asking->was_refused, .error = *error};

    if (!asking->is_answered) {
        asking->is_answered = true;
        asking->question.on_done(asking->question.context, &answer);
    }
}

void asking_abandon(struct backend *backend)
{
    backend->asking->is_answered = true;
    backend_close(backend, "nobody wants to know any more");
}

struct credential asking_credential(const struct backend *backend)
{
    return secret_credential(backend->asking->question.secret);
}

void asking_refused(struct backend *backend, const struct sql_error *error)
{
    backend->asking->was_refused = true;
    backend_fail(backend, error);
}

static void answered(struct backend *backend)
{
    static const struct sql_error none;

    backend_close(backend, "it has its answer");
    tell(backend, &none);
}

void asking_logged_in(struct backend *backend)
{
    const struct asking *asking = backend->asking;
    uint8_t packet[QUERY_BYTES + FRAME_HEAD_SIZE + 2];
    struct writer out = writer_over(packet, sizeof packet);
    size_t at = write_packet_begin(&out);

    if (asking->sql == NULL) {
        return; /* asking_read answers, once the OK is consumed: COM_QUIT can follow then */
    }
    query_begin(&out, backend->capabilities);
    write_bytes(&out, bytes_of_text(asking->sql));
    write_packet_end(&out, at, 0);
    stream_write_one(backend->stream, writer_bytes(&out));
}

static void on_row(struct asking *asking, struct bytes payload)
{
    struct bytes values[ASKING_COLUMNS];
    struct reader in = reader_over(payload);

    for (uint64_t i = 0; i < asking->columns; i++) {
        values[i] = read_lenenc_bytes_or_null(&in);
    }
    if (reader_is_done(&in)) {
        asking->question.on_row(asking->question.context, values, (size_t)asking->columns);
    }
}

static bool is_eof(struct bytes payload)
{
    struct eof_packet eof;

    return eof_decode(payload, &eof) == PARSE_OK;
}

/* One packet of the answer; the backend may be closing afterwards. True: it was the last one. */
static bool take(struct backend *backend, struct bytes payload)
{
    struct asking *asking = backend->asking;
    struct reader in = reader_over(payload);
    struct sql_error error;

    if (error_is_packet(payload) && error_decode(payload, &error) == PARSE_OK) {
        asking_refused(backend, &error);
        return false;
    }
    switch (asking->phase) {
    case PHASE_COUNT:
        asking->columns = read_lenenc(&in);
        if (!reader_is_done(&in) || asking->columns == 0 || asking->columns > ASKING_COLUMNS) {
            backend_protocol_error(backend, "not the rows that were asked for");
        }
        asking->phase = PHASE_COLUMNS;
        return false;
    case PHASE_COLUMNS:
        if (is_eof(payload)) {
            asking->phase = PHASE_ROWS;
        }
        return false;
    case PHASE_ROWS:
        break;
    }
    if (is_eof(payload)) {
        return true;
    }
    on_row(asking, payload);
    return false;
}

void asking_read(struct backend *backend)
{
    if (backend->state == BACKEND_SETUP && backend->asking->sql == NULL) {
        answered(backend);
    }
    while (backend->state == BACKEND_SETUP) {
        struct bytes in = stream_peek(backend->stream);
        struct frame frame;
        bool is_last;

        if (frame_read(in, &frame) != PARSE_OK) {
            return;
        }
        if (frame.length > ANSWER_PACKET_MAX) {
            backend_protocol_error(backend, "an answer that is too long");
            return;
        }
        if (!frame_is_whole(in, frame)) {
            stream_expect(backend->stream, frame_size(frame));
            return;
        }
        is_last = take(backend, frame_payload(in, frame));
        if (backend->state == BACKEND_SETUP) {
            stream_consume(backend->stream, frame_size(frame));
        }
        if (is_last) {
            answered(backend);
        }
    }
}

void asking_gone(struct backend *backend)
{
    struct asking *asking = backend->asking;

    if (asking == NULL) {
        return;
    }
    if (backend->error.code == 0) {
        backend->error = error_make(ERROR_SERVER_LOST, "the connection was closed");
    }
    tell(backend, &backend->error);
    backend->group = NULL;
    backend->asking = NULL;
    secret_unref(asking->question.secret);
    mem_free(asking->sql);
    mem_free(asking->account.name);
    mem_free(asking);
}
