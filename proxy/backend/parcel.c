/*
 * Moving a server connection to another worker: its socket changes loops, the server notices
 * nothing. The environment travels as names and values, because each worker interns its own.
 * Prepared statements do not travel; where there are some, the connection is reset on arrival.
 */
#include "proxy/backend/parcel.h"

#include "proxy/backend/backend.h"
#include "proxy/backend/login.h"
#include "proxy/backend/pool.h"
#include "proxy/backend/prepared_cache.h"
#include "proxy/client/environment.h"
#include "proxy/memory.h"
#include "proxy/stream_compressed.h"
#include "proxy/stream_tls.h"
#include "proxy/worker.h"

#include <unistd.h>

void backend_parcel_free(struct backend_parcel *parcel)
{
    if (parcel == NULL) {
        return;
    }
    if (parcel->fd >= 0) {
        close(parcel->fd);
    }
    for (size_t i = 0; i < parcel->variable_count; i++) {
        mem_free(parcel->variables[i].value);
    }
    mem_free(parcel->variables);
    mem_free(parcel->schema);
    mem_free(parcel);
}

static void pack_environment(struct backend_parcel *parcel, const struct environment *environment)
{
    struct bytes schema = environment_schema(environment);

    parcel->schema = mem_copy(schema.data, schema.size);
    parcel->schema_size = schema.size;
    parcel->variable_count = environment_variable_count(environment);
    parcel->variables = mem_calloc(parcel->variable_count, sizeof *parcel->variables);
    for (size_t i = 0; i < parcel->variable_count; i++) {
        struct bytes value;

        parcel->variables[i].variable = environment_variable_at(environment, i, &value);
        parcel->variables[i].value = mem_copy(value.data, value.size);
        parcel->variables[i].size = value.size;
    }
}

struct backend_parcel *backend_pack(struct backend *backend)
{
    const struct transport *transport = &backend->worker->transport;
    struct backend_parcel *parcel;
    int fd;

    /* A TLS connection is more than its socket. */
    if (transport->detach == NULL || stream_is_tls(backend->stream) ||
        backend->environment == NULL || stream_peek(backend->stream).size > 0 ||
        backend->stream->holding || backend->stream->queued_bytes > 0) {
        return NULL;
    }
    fd = transport->detach(transport->context, backend->stream);
    if (fd < 0) {
        return NULL;
    }
    parcel = mem_calloc(1, sizeof *parcel);
    parcel->fd = fd;
    parcel->is_unix = backend_server(backend)->address.kind == CONFIG_ADDRESS_UNIX;
    parcel->id = backend->id;
    parcel->thread_id = backend->thread_id;
    parcel->identity = backend->identity;
    parcel->capabilities = backend->capabilities;
    parcel->status = backend->status;
    parcel->era = backend->era;
    parcel->credential = backend->credential;
    parcel->opened_ns = backend->opened_ns;
    parcel->expires_ns = backend->expires_ns;
    parcel->last_session = backend->last_session;
    parcel->insert_id = backend->insert_id;
    parcel->needs_reset = prepared_cache_count(backend->prepared) > 0;
    pack_environment(parcel, backend->environment);
    backend->has_permit = false;
    backend_close(backend, "moved to another worker");
    return parcel;
}

static const struct environment *unpack_environment(struct environment_store *store,
                                                    const struct backend_parcel *parcel)
{
    const struct environment *blank = environment_blank(store);
    const struct environment *environment =
        environment_with_schema(store, blank, bytes_of(parcel->schema, parcel->schema_size));

    environment_unref(blank);
    for (size_t i = 0; i < parcel->variable_count && environment != NULL; i++) {
        const struct parcel_variable *variable = &parcel->variables[i];
        const struct environment *next = environment_with_variable(
            store, environment, variable->variable, bytes_of(variable->value, variable->size));

        environment_unref(environment);
        environment = next;
    }
    return environment;
}

void backend_unpack(struct worker *worker, struct group *group, unsigned server,
                    struct backend_parcel *parcel, bool is_expected)
{
    struct backend *backend = backend_new(worker, group, server);
    const struct transport *transport = &worker->transport;

    backend->is_opening = is_expected;
    backend->id = parcel->id;
    backend->thread_id = parcel->thread_id;
    backend->identity = parcel->identity;
    backend->capabilities = parcel->capabilities;
    backend->status = parcel->status;
    backend->era = parcel->era;
    backend->credential = parcel->credential;
    backend->opened_ns = parcel->opened_ns;
    backend->expires_ns = parcel->expires_ns;
    backend->last_session = parcel->last_session;
    backend->insert_id = parcel->insert_id;
    backend->environment = unpack_environment(worker->environments, parcel);
    backend->stream = transport->attach(transport->context, parcel->fd, parcel->is_unix,
                                        &backend_events, backend);
    parcel->fd = -1; /* attach closed it where it failed */
    if (backend->stream != NULL) {
        backend_login_compress(backend); /* between two commands it has no state */
        stream_open(backend->stream);
        backend->state = BACKEND_IDLE;
        if (backend->environment == NULL || parcel->needs_reset) {
            backend_reset(backend);
        } else {
            pool_opened(backend);
        }
    }
    backend_parcel_free(parcel);
}
