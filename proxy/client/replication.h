/*
 * Replicas and tools that read the primary's binary log through the proxy. What they say before
 * (user variables, COM_REGISTER_SLAVE) pins the session to a connection of the primary, the log's
 * events are an answer like others (protocol/response.h), and the server decides by the user's
 * rights. What is particular is here: the answer has no end of its own, and a replica may send
 * acknowledgements while it lasts.
 *
 *     client ─── REGISTER_SLAVE, BINLOG_DUMP(_GTID) ───▶ primary
 *            ◀─────────────── events ──────────────────
 *            ──────── acknowledgements (semi-sync) ────▶
 *
 * Both servers close the connection when a dump is over, also after an EOF (BINLOG_DUMP_NON_BLOCK);
 * that is passed on as it comes, and such a connection is never lent to anybody else.
 *
 * Manual pages: page_protocol_com_binlog_dump, page_protocol_com_binlog_dump_gtid.
 */
#ifndef TIDEMARK_PROXY_CLIENT_REPLICATION_H
#define TIDEMARK_PROXY_CLIENT_REPLICATION_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* Is this command's answer the events of the binary log? */
bool replication_is_dump(uint8_t command);

/* How servers call it in their lists of processes: fixed text. */
const char *replication_name(uint8_t command);

/* After a command: it may have made the session a replica's. */
void replication_learn(struct session *session);

/* During a dump: the size in bytes, head included, of the acknowledgement that begins in `in`; 0
 * when none does. What else a client sends is a command, which waits for the dump's end. */
size_t replication_acknowledgement(struct bytes in);

/* For a dump to a semi-synchronous replica: ends the session, with an error at which replicas stop,
 * if its compressed packets could not be numbered as it expects. False: it may go on. */
bool replication_refuse(struct session *session);

/* Called at every tick: ends the session if it is in a dump that should not go on, because the
 * proxy ends, its user or server was removed, or the server is drained or is not the primary any
 * more. */
void replication_tick(struct session *session);

#endif
