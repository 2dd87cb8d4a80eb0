/*
 * The table of commands.
 */
#include "protocol/command.h"

#include <stddef.h>

static const struct command_info commands[] = {
    [COMMAND_SLEEP] = {"SLEEP", ANSWER_OK, false},
    [COMMAND_QUIT] = {"QUIT", ANSWER_NONE, true},
    [COMMAND_INIT_DB] = {"INIT_DB", ANSWER_OK, true},
    [COMMAND_QUERY] = {"QUERY", ANSWER_RESULTS, true},
    [COMMAND_FIELD_LIST] = {"FIELD_LIST", ANSWER_FIELD_LIST, true},
    [COMMAND_CREATE_DB] = {"CREATE_DB", ANSWER_OK, false},
    [COMMAND_DROP_DB] = {"DROP_DB", ANSWER_OK, false},
    [COMMAND_REFRESH] = {"REFRESH", ANSWER_OK, false},
    [COMMAND_SHUTDOWN] = {"SHUTDOWN", ANSWER_OK, false},
    [COMMAND_STATISTICS] = {"STATISTICS", ANSWER_TEXT, true},
    [COMMAND_PROCESS_INFO] = {"PROCESS_INFO", ANSWER_RESULTS, false},
    [COMMAND_CONNECT] = {"CONNECT", ANSWER_OK, false},
    [COMMAND_PROCESS_KILL] = {"PROCESS_KILL", ANSWER_OK, false},
    [COMMAND_DEBUG] = {"DEBUG", ANSWER_OK, false},
    [COMMAND_PING] = {"PING", ANSWER_OK, true},
    [COMMAND_TIME] = {"TIME", ANSWER_OK, false},
    [COMMAND_DELAYED_INSERT] = {"DELAYED_INSERT", ANSWER_OK, false},
    [COMMAND_CHANGE_USER] = {"CHANGE_USER", ANSWER_LOGIN, true},
    [COMMAND_BINLOG_DUMP] = {"BINLOG_DUMP", ANSWER_ENDLESS, false},
    [COMMAND_TABLE_DUMP] = {"TABLE_DUMP", ANSWER_ENDLESS, false},
    [COMMAND_CONNECT_OUT] = {"CONNECT_OUT", ANSWER_OK, false},
    [COMMAND_REGISTER_REPLICA] = {"REGISTER_REPLICA", ANSWER_OK, false},
    [COMMAND_STMT_PREPARE] = {"STMT_PREPARE", ANSWER_PREPARE, true},
    [COMMAND_STMT_EXECUTE] = {"STMT_EXECUTE", ANSWER_RESULTS, true},
    [COMMAND_STMT_SEND_LONG_DATA] = {"STMT_SEND_LONG_DATA", ANSWER_NONE, true},
    [COMMAND_STMT_CLOSE] = {"STMT_CLOSE", ANSWER_NONE, true},
    [COMMAND_STMT_RESET] = {"STMT_RESET", ANSWER_OK, true},
    [COMMAND_SET_OPTION] = {"SET_OPTION", ANSWER_OK, true},
    [COMMAND_STMT_FETCH] = {"STMT_FETCH", ANSWER_ROWS, false},
    [COMMAND_DAEMON] = {"DAEMON", ANSWER_OK, false},
    [COMMAND_BINLOG_DUMP_GTID] = {"BINLOG_DUMP_GTID", ANSWER_ENDLESS, false},
    [COMMAND_RESET_CONNECTION] = {"RESET_CONNECTION", ANSWER_OK, true},
    [COMMAND_CLONE] = {"CLONE", ANSWER_ENDLESS, false},
};

static const struct command_info bulk_execute = {"STMT_BULK_EXECUTE", ANSWER_RESULTS, false};
static const struct command_info unknown = {"unknown", ANSWER_OK, false};

const struct command_info *command_info(uint8_t code)
{
    if (code < sizeof commands / sizeof commands[0])
        return &commands[code];
    return code == COMMAND_STMT_BULK_EXECUTE ? &bulk_execute : &unknown;
}
