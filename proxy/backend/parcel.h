/*
 * A server connection on its way from one worker to another: the socket and what is known of it.
 * It owns its parts; whoever has it either unpacks it (backend_unpack) or frees it.
 */
#ifndef TIDEMARK_PROXY_BACKEND_PARCEL_H
#define TIDEMARK_PROXY_BACKEND_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parcel_variable {
    int variable; /* index of proxy/client/variables.h */
    uint8_t *value;
    size_t size;
};

struct backend_parcel {
    int fd;
    bool is_unix;
    uint64_t id;
    uint32_t thread_id;
    uint64_t identity;
    uint64_t capabilities;
    unsigned credential;
    uint16_t status;
    bool needs_reset; /* it has prepared statements, which stay behind */
    unsigned era;
    uint64_t opened_ns, expires_ns, last_session, insert_id;
    uint8_t *schema;
    size_t schema_size;
    struct parcel_variable *variables;
    size_t variable_count;
};

/* Closes the socket too. */
void backend_parcel_free(struct backend_parcel *parcel);

#endif
