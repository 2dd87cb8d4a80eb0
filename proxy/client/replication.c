/*
 * See replication.h. What replicas make of an ERR among the events, on MySQL 9.7 and MariaDB 10.11:
 * at 1236 they stop and wait for somebody, at 1053 they connect again.
 */
#include "proxy/client/replication.h"

#include "health/topology.h"
#include "protocol/command.h"
#include "protocol/frame.h"
#include "protocol/response.h"
#include "proxy/backend/backend.h"
#include "proxy/client/session.h"
#include "proxy/stream_compressed.h"
#include "proxy/worker.h"

#include <stdio.h>

enum {
    ACKNOWLEDGEMENT = 0xef,
    ACKNOWLEDGEMENT_MAX = 1024, /* a byte, an offset of eight, and a file's name of 512 at most */
    DUMP_FIXED_BYTES =
        1 + 4 + 2 + 4, /* COM_BINLOG_DUMP: command, offset, flags, server id; a name */
};

bool replication_is_dump(uint8_t command)
{
    return command_info(command)->answer == ANSWER_EVENTS;
}

const char *replication_name(uint8_t command)
{
    return command == COMMAND_BINLOG_DUMP_GTID ? "Binlog Dump GTID" : "Binlog Dump";
}

void replication_learn(struct session *session)
{
    const struct command_in_hand *command = session->command;

    if (replication_is_dump(command->code) ||
        (command->code == COMMAND_REGISTER_REPLICA && !command->errored)) {
        session->pins |= PIN_REPLICATION;
        session->lease.backend->discard = true; /* a reset does not make the server forget it */
    }
}

size_t replication_acknowledgement(struct bytes in)
{
    struct frame frame;

    if (frame_read(in, &frame) != PARSE_OK || in.size == FRAME_HEAD_SIZE || frame.length == 0 ||
        frame.length > ACKNOWLEDGEMENT_MAX || in.data[FRAME_HEAD_SIZE] != ACKNOWLEDGEMENT) {
        return 0;
    }
    return frame_size(frame);
}

/*
 * MySQL's replicas count compressed packets anew, too, behind what asks for an acknowledgement,
 * while more may be on its way to them already: packet_numbers.h goes by what comes.
 */
bool replication_refuse(struct session *session)
{
    const struct server_facts *facts = session_facts(session);
    struct sql_error error;

    if (!stream_is_compressed(session->client) || facts == NULL || facts->flavor != FLAVOR_MYSQL) {
        return false;
    }
    error = error_make(ERROR_FATAL_READING_BINLOG,
                       "semi-synchronous replication through the proxy needs a connection without "
                       "compression: SOURCE_COMPRESSION_ALGORITHMS = 'uncompressed' and "
                       "replica_compressed_protocol = OFF");
    session->sequence = (uint8_t)(session->command->upload_sequence + 1);
    session_fail(session, &error);
    return true;
}

/* From a place that only means something on this server: a log's name was given, and no GTIDs. */
static bool is_by_place(const struct command_in_hand *command)
{
    return command->code == COMMAND_BINLOG_DUMP &&
           command->size > FRAME_HEAD_SIZE + DUMP_FIXED_BYTES;
}

/* Why the dump must not go on; code 0: it may. */
static struct sql_error objection(const struct session *session)
{
    const struct worker *worker = session->worker;
    const struct backend *backend = session->lease.backend;
    const struct topology *topology = worker->topology;
    const struct server_info *server = worker_server(worker, backend->server);
    const char *name = backend_server(backend)->name;

    if (worker->draining) {
        return error_make(ERROR_SERVER_SHUTDOWN, "Server shutdown in progress: the proxy ends");
    }
    if (roster_user(worker->roster, session->user) == NULL) {
        return error_make(ERROR_SERVER_SHUTDOWN, "the user was removed from the proxy");
    }
    if (!backend_is_wanted(backend) || server == NULL) {
        return error_make(ERROR_SERVER_SHUTDOWN, "server %s was removed from the proxy", name);
    }
    if (server->state == STATE_DRAINING) {
        return error_make(ERROR_SERVER_SHUTDOWN, "server %s is being drained", name);
    }
    if (topology->primary >= 0 && (unsigned)topology->primary != backend->server) {
        return is_by_place(session->command)
                   ? error_make(ERROR_FATAL_READING_BINLOG,
                                "server %s is not the primary any more; on %s, which is, this "
                                "place in the binary log means nothing",
                                name, topology->servers[topology->primary].name)
                   : error_make(ERROR_SERVER_SHUTDOWN,
                                "server %s is not the primary any more, %s is", name,
                                topology->servers[topology->primary].name);
    }
    return (struct sql_error){0};
}

void replication_tick(struct session *session)
{
    struct sql_error error;

    if (session->state != SESSION_RELAYING || !replication_is_dump(session->command->code)) {
        return;
    }
    error = objection(session);
    if (error.code == 0) {
        return;
    }
    if (response_is_between(&session->lease.backend->response, &session->sequence)) {
        session_fail(session, &error);
    } else {
        session_close(session, error.text); /* half an event is no place for an error */
    }
}
