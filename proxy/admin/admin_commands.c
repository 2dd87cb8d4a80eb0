/*
 * The commands of the protocol, as far as the admin port has them. See admin_session.h.
 */
#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/prepared.h"
#include "protocol/result_set.h"
#include "proxy/admin/admin_own.h"
#include "proxy/admin/admin_session.h"
#include "proxy/admin/command.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/information_schema.h"
#include "proxy/admin/tables.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { STATISTICS_BYTES = 200, NAME_BYTES = 130 };

static void refuse(struct admin_session *session, enum error_code code, const char *text)
{
    struct sql_error error = error_make(code, "%s", text);

    admin_session_error(session, &error);
}

/* More than one statement is for clients that asked for it: else an injected one would run. */
static bool holds_several(struct bytes text)
{
    struct bytes statement;
    bool is_first = true;

    while (command_cut(&text, &statement)) {
        if (!is_first) {
            return true;
        }
        is_first = false;
    }
    return false;
}

static void query(struct admin_session *session, struct bytes sql)
{
    if (!session->takes_several && holds_several(sql)) {
        refuse(session, ERROR_PARSE, "several statements in one: the client did not ask for that");
        return;
    }
    if (!command_cut(&(struct bytes){sql.data, sql.size}, &(struct bytes){NULL, 0})) {
        refuse(session, ERROR_EMPTY_QUERY, "Query was empty");
        return;
    }
    admin_session_run_text(session, mem_text_of((const char *)sql.data, sql.size), sql.size);
}

static void init_db(struct admin_session *session, struct bytes name)
{
    char text[NAME_BYTES];
    struct sql_error error;

    if (bytes_to_text(name, text, sizeof text) &&
        (strcasecmp(text, ENGINE_SCHEMA) == 0 || strcasecmp(text, "main") == 0 ||
         strcasecmp(text, "information_schema") == 0)) {
        admin_session_ok(session, 0, NULL);
        return;
    }
    error = error_make(ERROR_UNKNOWN_DATABASE, "Unknown database '%s'", text);
    admin_session_error(session, &error);
}

static const struct admin_table *find_table(const char *name)
{
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        if (strcasecmp(admin_tables[i]->name, name) == 0) {
            return admin_tables[i];
        }
    }
    for (size_t i = 0; information_schema_tables[i] != NULL; i++) {
        if (strcasecmp(information_schema_tables[i]->name, name) == 0) {
            return information_schema_tables[i];
        }
    }
    return NULL;
}

/* The mysql client asks for the columns of every table, to complete their names. */
static void field_list(struct admin_session *session, struct bytes payload)
{
    struct reader in = reader_over(payload);
    char name[NAME_BYTES];
    const struct admin_table *table = NULL;

    if (bytes_to_text(read_nul_text(&in), name, sizeof name)) {
        table = find_table(name);
    }
    if (table == NULL) {
        struct sql_error error = error_make(ERROR_NO_SUCH_TABLE, "no such table: %s", name);

        admin_session_error(session, &error);
        return;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        struct column column = {.name = bytes_of_text(table->columns[i].name),
                                .type = COLUMN_VAR_STRING,
                                .table = bytes_of_text(table->name),
                                .schema = bytes_of_text(ENGINE_SCHEMA)};

        if (table->columns[i].type == ADMIN_INTEGER) {
            column.type = COLUMN_LONGLONG;
        } else if (table->columns[i].type == ADMIN_REAL) {
            column.type = COLUMN_DOUBLE;
        }
        result_set_definition(&session->out, session->capabilities, session->sequence++, &column,
                              true);
    }
    admin_session_eof(session);
}

static void statistics(struct admin_session *session)
{
    const struct admin *admin = session->admin;
    char text[STATISTICS_BYTES];

    snprintf(text, sizeof text, "Uptime: %llu  Clients: %u  Admin clients: %u",
             (unsigned long long)((uv_hrtime() - admin->program->started_ns) / 1000000000u),
             atomic_load(&admin->program->process->clients), admin->clients);
    write_packet(&session->out, bytes_of_text(text), session->sequence++);
}

static void set_option(struct admin_session *session, struct bytes payload)
{
    struct reader in = reader_over(payload);
    unsigned option = read_u16(&in);

    if (in.failed || option > 1) {
        refuse(session, ERROR_UNKNOWN_COMMAND, "Unknown command");
        return;
    }
    session->takes_several = option == 0;
    admin_session_eof(session);
}

static void reset(struct admin_session *session)
{
    engine_roll_back(session->engine);
    admin_forget_prepared(session);
    admin_session_ok(session, 0, NULL);
}

void admin_command(struct admin_session *session, struct bytes payload)
{
    struct bytes rest = bytes_after(payload, 1);

    switch (payload.size == 0 ? COMMAND_SLEEP : payload.data[0]) {
    case COMMAND_QUIT:
        admin_session_close(session, "the client said goodbye");
        break;
    case COMMAND_INIT_DB:
        init_db(session, rest);
        break;
    case COMMAND_QUERY:
        query(session, rest);
        break;
    case COMMAND_FIELD_LIST:
        field_list(session, rest);
        break;
    case COMMAND_STATISTICS:
        statistics(session);
        break;
    case COMMAND_PING:
        admin_session_ok(session, 0, NULL);
        break;
    case COMMAND_RESET_CONNECTION:
        reset(session);
        break;
    case COMMAND_SET_OPTION:
        set_option(session, rest);
        break;
    case COMMAND_STMT_PREPARE:
        admin_prepare(session, rest);
        break;
    case COMMAND_STMT_EXECUTE:
        admin_execute(session, payload);
        break;
    case COMMAND_STMT_CLOSE:
        admin_close_prepared(session, payload);
        break;
    case COMMAND_STMT_RESET:
        admin_reset_prepared(session, payload);
        break;
    case COMMAND_STMT_SEND_LONG_DATA:
        admin_long_data(session, payload);
        break;
    default:
        refuse(session, ERROR_UNKNOWN_COMMAND, "Unknown command");
        break;
    }
}
