/*
 * Surveys of sessions and server connections. See survey.h.
 *
 * What is copied per turn goes into a chunk of its own: growing one array would have the worker
 * move megabytes.
 */
#include "proxy/survey.h"

#include "protocol/capability.h"
#include "proxy/backend/pool.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/choose.h"
#include "proxy/client/environment.h"
#include "proxy/client/prepared_table.h"
#include "proxy/memory.h"
#include "proxy/program.h"
#include "proxy/session_walk.h"
#include "proxy/stream.h"
#include "proxy/stream_compressed.h"
#include "proxy/worker.h"

/* Texts of one chunk, one behind the other; slices into it are offsets until it is complete. */
struct texts {
    uint8_t *data; /* owner */
    size_t size, capacity;
};

struct extent {
    size_t offset, size;
};

/* What was copied in one turn; the first part of the two kinds below. */
struct chunk {
    struct chunk *next;
    size_t count;
    struct texts texts;
};

struct session_chunk {
    struct chunk chunk;
    uint64_t now; /* when its turn began */
    struct session_sight sights[SURVEY_SLICE];
    struct extent schemas[SURVEY_SLICE], statements[SURVEY_SLICE];
};

struct backend_chunk {
    struct chunk chunk;
    struct backend_sight sights[SURVEY_SLICE];
    struct extent schemas[SURVEY_SLICE];
};

/* One worker's part of a survey. */
struct survey {
    bool has_begun;
    struct chunk *first, *last; /* owner */
};

const char *session_state_name(enum session_state state)
{
    switch (state) {
    case SESSION_LOGIN:
        return "login";
    case SESSION_READY:
        return "idle";
    case SESSION_LEASING:
        return "waiting";
    case SESSION_SYNCING:
        return "preparing";
    case SESSION_RELAYING:
        return "running";
    case SESSION_CLOSING:
        return "closing";
    }
    return "";
}

const char *backend_state_name(enum backend_state state)
{
    switch (state) {
    case BACKEND_OPENING:
        return "opening";
    case BACKEND_LOGIN:
        return "login";
    case BACKEND_SETUP:
        return "setup";
    case BACKEND_IDLE:
        return "idle";
    case BACKEND_LEASED:
        return "leased";
    case BACKEND_QUITTING:
    case BACKEND_CLOSING:
        return "closing";
    }
    return "";
}

static struct extent keep(struct texts *texts, struct bytes text)
{
    struct extent extent = {texts->size, text.size};

    if (texts->capacity - texts->size < text.size) {
        texts->capacity = (texts->capacity + text.size) * 2;
        texts->data = mem_realloc(texts->data, texts->capacity);
    }
    if (text.size > 0) {
        memcpy(texts->data + texts->size, text.data, text.size);
    }
    texts->size += text.size;
    return extent;
}

static struct bytes kept(const struct texts *texts, struct extent extent)
{
    return extent.size == 0 ? (struct bytes){0}
                            : bytes_of(texts->data + extent.offset, extent.size);
}

/* Makes the part's next chunk; `size` is that of its kind. */
static void *add_chunk(struct survey *part, size_t size)
{
    struct chunk *chunk = mem_alloc(size);

    *chunk = (struct chunk){.next = NULL};
    if (part->last != NULL) {
        part->last->next = chunk;
    } else {
        part->first = chunk;
    }
    part->last = chunk;
    return chunk;
}

/* ---- sessions, on their worker's thread ---- */

static enum session_wait wait_of(const struct session *session)
{
    const struct command_in_hand *command = session->command;

    switch (session->state) {
    case SESSION_LEASING:
        if (command != NULL && command->is_held_back) {
            return WAITS_FOR_RESUME;
        }
        if (session->lease.state == LEASE_QUEUED) {
            return WAITS_FOR_CONNECTION;
        }
        return session->lease.state == LEASE_EXPECTING ? WAITS_FOR_OPENING : WAITS_FOR_SERVER;
    case SESSION_RELAYING:
        return stream_is_congested(session->client) ? WAITS_FOR_CLIENT : WAITS_FOR_NOTHING;
    case SESSION_LOGIN:
    case SESSION_READY:
    case SESSION_SYNCING:
    case SESSION_CLOSING:
        break;
    }
    return WAITS_FOR_NOTHING;
}

static struct bytes text_of(const struct command_in_hand *command)
{
    struct bytes sql = command->sql;

    if (command->prepared != NULL) {
        sql = prepared_text_sql(command->prepared->text);
    }
    return bytes_first(sql, SURVEY_SQL_BYTES);
}

static bool is_known_text(const struct worker *worker, uint64_t digest)
{
    const struct digest_entry *entry = digests_find(worker->statistics.digests, digest);

    return entry != NULL && entry->text_is == TEXT_SHOWN;
}

static void see_command(struct session *session, struct session_sight *sight)
{
    const struct command_in_hand *command = session->command;

    sight->has_command = !command->is_login;
    sight->since_ns = command->since_ns;
    sight->running_ns = session->state == SESSION_RELAYING ? command->running_ns : 0;
    sight->command = command->code;
    if (command->has_statement) {
        sight->digest = command->statement.digest;
        sight->why = command->route.why;
        sight->is_parsed =
            command->prepared != NULL || is_known_text(session->worker, sight->digest);
        /* Of several statements in one text the later ones are parsed when the others have run. */
        sight->is_uncertain =
            command->statement.is_uncertain || (command->statement.is_multi && !sight->is_parsed);
    }
    sight->mode = *session_mode(session);
}

static void see_session(struct session *session, uint64_t now, struct session_sight *sight)
{
    const struct lease *lease = &session->lease;
    enum consistency consistency = CONSISTENCY_SESSION;

    *sight = (struct session_sight){
        .id = session->id,
        .worker = session->worker->number,
        .state = session->state,
        .since_ns = session->state_since_ns,
        .waits = wait_of(session),
        .is_known = session->counted,
        .is_unix = session->is_unix,
        .is_traced = session->trace != NULL,
        .compression = stream_compression(session->client),
        .user = session->user,
        .queries = session->queries,
        .pins = session->pins,
        .pinned_ns = session->pins != 0 ? session->pinned_ns : 0,
        .pinned_by = session->pinned_ns != 0 ? session->pinned_by : 0,
        .transaction = session->transaction,
        .autocommit = (session->status & STATUS_AUTOCOMMIT) != 0,
        .server = lease->state != LEASE_NONE ? (uint8_t)lease->server : SURVEY_NO_SERVER,
        .last_server = session->last_server >= 0 ? (uint8_t)session->last_server : SURVEY_NO_SERVER,
        .last_read_ns = session->last_read,
        .last_write_ns = session->last_write,
        .thread_id = lease->state == LEASE_HELD ? lease->backend->thread_id : 0,
    };
    memcpy(sight->peer, session->peer, sizeof sight->peer);
    if (session->counted) {
        sight->floor_ns = choose_floor(session, now, &consistency);
    }
    sight->consistency = (int)consistency;
    if (session->command != NULL) {
        see_command(session, sight);
    }
}

static bool look_at_session(struct session *session, void *context)
{
    struct session_chunk *chunk = context;
    size_t at = chunk->chunk.count++;

    see_session(session, chunk->now, &chunk->sights[at]);
    chunk->schemas[at] = keep(&chunk->chunk.texts, environment_schema(session->environment));
    chunk->statements[at] =
        keep(&chunk->chunk.texts,
             session->command != NULL ? text_of(session->command) : (struct bytes){0});
    return false;
}

static bool look_at_sessions(struct worker *worker, void *state)
{
    struct survey *survey = state;
    struct session_chunk *chunk = add_chunk(survey, sizeof *chunk);

    chunk->now = worker_now(worker);
    return session_walk(worker, &survey->has_begun, SURVEY_SLICE, look_at_session, chunk);
}

/* ---- server connections, on their worker's thread ---- */

static void see_backend(const struct backend *backend, struct backend_sight *sight)
{
    *sight = (struct backend_sight){
        .id = backend->id,
        .worker = backend->worker->number,
        .server = (uint8_t)backend->server,
        .state = backend->state,
        .user = backend->group->account->number,
        .session = backend->session != NULL ? backend->session->id : 0,
        .thread_id = backend->thread_id,
        .opened_ns = backend->opened_ns,
        .idle_ns = backend->state == BACKEND_IDLE ? backend->idle_ns : 0,
        .expires_ns = backend->expires_ns,
        .compression =
            backend->stream != NULL ? stream_compression(backend->stream) : COMPRESSION_NONE,
    };
}

static bool look_at_backends(struct worker *worker, void *state)
{
    struct survey *survey = state;
    struct backend_chunk *chunk = add_chunk(survey, sizeof *chunk);

    if (!survey->has_begun) {
        survey->has_begun = true;
        worker->survey.backend = worker->pool->backends;
    }
    while (worker->survey.backend != NULL && chunk->chunk.count < SURVEY_SLICE) {
        const struct backend *backend = worker->survey.backend;

        see_backend(backend, &chunk->sights[chunk->chunk.count]);
        chunk->schemas[chunk->chunk.count] =
            keep(&chunk->chunk.texts, backend->environment != NULL
                                          ? environment_schema(backend->environment)
                                          : (struct bytes){0});
        chunk->chunk.count++;
        worker->survey.backend = backend->next_all;
    }
    return worker->survey.backend == NULL;
}

/* ---- the asker ---- */

/* The next chunk of the part, in the order in which they were made; the caller's. NULL: no more. */
static struct chunk *take_chunk(struct survey *part)
{
    struct chunk *chunk = part->first;

    if (chunk != NULL) {
        part->first = chunk->next;
    }
    return chunk;
}

static void free_chunk(struct chunk *chunk)
{
    mem_free(chunk->texts.data);
    mem_free(chunk);
}

void survey_sessions(struct program *program,
                     void (*visit)(void *context, const struct session_sight *sight), void *context)
{
    struct survey *parts = mem_calloc(program->worker_count, sizeof *parts);
    struct session_chunk *chunk;

    inquiry_run(program->workers, program->worker_count, look_at_sessions, parts, sizeof *parts);
    for (size_t i = 0; i < program->worker_count; i++) {
        while ((chunk = (struct session_chunk *)take_chunk(&parts[i])) != NULL) {
            for (size_t at = 0; at < chunk->chunk.count; at++) {
                chunk->sights[at].schema = kept(&chunk->chunk.texts, chunk->schemas[at]);
                chunk->sights[at].sql = kept(&chunk->chunk.texts, chunk->statements[at]);
                visit(context, &chunk->sights[at]);
            }
            free_chunk(&chunk->chunk);
        }
    }
    mem_free(parts);
}

void survey_backends(struct program *program,
                     void (*visit)(void *context, const struct backend_sight *sight), void *context)
{
    struct survey *parts = mem_calloc(program->worker_count, sizeof *parts);
    struct backend_chunk *chunk;

    inquiry_run(program->workers, program->worker_count, look_at_backends, parts, sizeof *parts);
    for (size_t i = 0; i < program->worker_count; i++) {
        while ((chunk = (struct backend_chunk *)take_chunk(&parts[i])) != NULL) {
            for (size_t at = 0; at < chunk->chunk.count; at++) {
                chunk->sights[at].schema = kept(&chunk->chunk.texts, chunk->schemas[at]);
                visit(context, &chunk->sights[at]);
            }
            free_chunk(&chunk->chunk);
        }
    }
    mem_free(parts);
}
