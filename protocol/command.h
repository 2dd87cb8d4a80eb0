/*
 * The first byte of a command packet, and for each command what its answer looks like. The table is
 * what the response machine, the session and the logs read; a new command is a new row. Which
 * commands the proxy serves is not said here but in proxy/client/command.c.
 *
 * Manual page: page_protocol_command_phase.
 */
#ifndef PROTOCOL_COMMAND_H
#define PROTOCOL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

enum command {
    COMMAND_SLEEP = 0,
    COMMAND_QUIT = 1,
    COMMAND_INIT_DB = 2,
    COMMAND_QUERY = 3,
    COMMAND_FIELD_LIST = 4,
    COMMAND_CREATE_DB = 5,
    COMMAND_DROP_DB = 6,
    COMMAND_REFRESH = 7,
    COMMAND_SHUTDOWN = 8,
    COMMAND_STATISTICS = 9,
    COMMAND_PROCESS_INFO = 10,
    COMMAND_CONNECT = 11,
    COMMAND_PROCESS_KILL = 12,
    COMMAND_DEBUG = 13,
    COMMAND_PING = 14,
    COMMAND_TIME = 15,
    COMMAND_DELAYED_INSERT = 16,
    COMMAND_CHANGE_USER = 17,
    COMMAND_BINLOG_DUMP = 18,
    COMMAND_TABLE_DUMP = 19,
    COMMAND_CONNECT_OUT = 20,
    COMMAND_REGISTER_REPLICA = 21,
    COMMAND_STMT_PREPARE = 22,
    COMMAND_STMT_EXECUTE = 23,
    COMMAND_STMT_SEND_LONG_DATA = 24,
    COMMAND_STMT_CLOSE = 25,
    COMMAND_STMT_RESET = 26,
    COMMAND_SET_OPTION = 27,
    COMMAND_STMT_FETCH = 28,
    COMMAND_DAEMON = 29,
    COMMAND_BINLOG_DUMP_GTID = 30,
    COMMAND_RESET_CONNECTION = 31,
    COMMAND_CLONE = 32,
    COMMAND_STMT_BULK_EXECUTE = 250 /* MariaDB */
};

enum answer {
    ANSWER_NONE,       /* the server says nothing */
    ANSWER_OK,         /* OK or ERR; SET_OPTION and DEBUG: EOF instead of OK */
    ANSWER_RESULTS,    /* OK, ERR, LOCAL INFILE or result sets, any number of them */
    ANSWER_PREPARE,    /* prepare response with definitions, or ERR */
    ANSWER_FIELD_LIST, /* column definitions up to EOF, or ERR */
    ANSWER_ROWS,       /* rows up to EOF, or ERR (FETCH) */
    ANSWER_TEXT,       /* one packet of plain text, or ERR (STATISTICS) */
    ANSWER_LOGIN,      /* authentication packets up to OK or ERR (CHANGE_USER) */
    ANSWER_EVENTS,     /* events of the binary log, perhaps for ever, up to EOF or ERR */
    ANSWER_ENDLESS     /* a stream that is not spoken here */
};

struct command_info {
    const char *name; /* as the manual calls it, without COM_ */
    enum answer answer;
};

/* Does the command run an SQL statement? */
static inline bool command_runs_statement(uint8_t code)
{
    return code == COMMAND_QUERY || code == COMMAND_STMT_EXECUTE ||
           code == COMMAND_STMT_BULK_EXECUTE;
}

/* Never null: a byte that is no command gives a row named "unknown". */
const struct command_info *command_info(uint8_t code);

#endif
