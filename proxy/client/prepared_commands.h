/*
 * The commands of the binary protocol, from the client's side.
 */
#ifndef TIDEMARK_PROXY_CLIENT_PREPARED_COMMANDS_H
#define TIDEMARK_PROXY_CLIENT_PREPARED_COMMANDS_H

#include "protocol/bulk.h"
#include "protocol/bytes.h"
#include "protocol/frame.h"
#include "protocol/ok.h"

#include <stddef.h>
#include <stdint.h>

struct session;

/* Each serves the command in hand. */
void prepared_prepare(struct session *session);
void prepared_execute(struct session *session);
void prepared_bulk_execute(struct session *session);
void prepared_send_long_data(struct session *session);
void prepared_close(struct session *session);
void prepared_reset(struct session *session);
void prepared_fetch(struct session *session);

/* A packet's head, and what a bulk execution has in front of its types. */
enum { PREPARED_HEAD_BYTES = FRAME_HEAD_SIZE + BULK_HEAD_SIZE };

/* The command in hand as slices to be written to the held connection, where the statement has this
 * id. `head` is memory of PREPARED_HEAD_BYTES. Returns the number of slices, at most EXECUTE_SLICES
 * + 1.
 */
size_t prepared_slices(struct session *session, uint32_t id, uint8_t *head, struct bytes *slices);

/* The server prepared the client's statement; `payload` is its answer, in which the session's own
 * id is put. */
void prepared_answered(struct session *session, struct bytes payload);

/* An execution or FETCH is over: `status` is what its answer ended with. */
void prepared_finish(struct session *session, uint16_t status);

#endif
