/*
 * SQLite's errors in MySQL's words. See engine_error.h.
 */
#include "proxy/admin/engine_error.h"

#include "proxy/admin/command.h"
#include "proxy/admin/engine.h"
#include "proxy/admin/tables.h"
#include "proxy/config/suggest.h"

#include <stdio.h>
#include <string.h>

/* What SQLite's messages begin with, and the error that is. */
static const struct {
    const char *text;
    enum error_code code;
} openings[] = {
    /* clang-format off */
    {"no such table: ", ERROR_NO_SUCH_TABLE},
    {"no such column: ", ERROR_BAD_FIELD},
    {"no such function: ", ERROR_NO_SUCH_FUNCTION},
    {"Unknown system variable ", ERROR_UNKNOWN_SYSTEM_VARIABLE},
    {"unknown database ", ERROR_UNKNOWN_DATABASE},
    {"not authorized", ERROR_TABLE_ACCESS_DENIED},
    {"access to ", ERROR_TABLE_ACCESS_DENIED},
    /* clang-format on */
};

static enum error_code code_of(const char *message)
{
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        if (strncmp(message, openings[i].text, strlen(openings[i].text)) == 0) {
            return openings[i].code;
        }
    }
    return strstr(message, " may not be modified") != NULL ? ERROR_TABLE_ACCESS_DENIED
                                                           : ERROR_PARSE;
}

static const char *near_table(const char *name)
{
    struct suggestion suggestion = suggestion_for(name);

    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        suggestion_offer(&suggestion, admin_tables[i]->name);
    }
    return suggestion.best;
}

static struct sql_error of_message(const char *message, struct bytes sql)
{
    enum error_code code = code_of(message);
    char command[COMMAND_MEANT_BYTES];
    const char *meant = NULL;

    if (code == ERROR_NO_SUCH_TABLE) {
        meant = near_table(strchr(message, ':') + 2);
    } else if (code == ERROR_PARSE) {
        meant = command_meant(sql, command) ? command : NULL;
    }
    if (meant != NULL) {
        return error_make(code, "%s; did you mean %s?", message, meant);
    }
    return error_make(code, "%s", message);
}

struct sql_error engine_error(const struct engine *engine, int status, struct bytes sql)
{
    const char *message = sqlite3_errmsg(engine->db);

    switch (engine->halt) {
    case ENGINE_RUNS:
        break;
    case ENGINE_TOO_LONG:
        return error_make(ERROR_QUERY_TIMEOUT,
                          "the statement was ended: it computed for more than %d s",
                          ENGINE_COMPUTE_MS / 1000);
    case ENGINE_TOO_MUCH:
        return error_make(ERROR_OUT_OF_RESOURCES,
                          "the statement was ended: it needs more memory than the admin port has "
                          "for it");
    case ENGINE_STOPPED:
        return error_make(ERROR_SERVER_SHUTDOWN, "Server shutdown in progress");
    }
    if (engine->change_error != NULL) {
        return error_make(ERROR_WRONG_ARGUMENTS, "%s", engine->change_error);
    }
    switch (status & 0xff) {
    case SQLITE_ERROR:
        return of_message(message, sql);
    case SQLITE_AUTH:
        return error_make(ERROR_TABLE_ACCESS_DENIED, "%s",
                          engine->client.is_read_only
                              ? "this account may only look: SELECT, SHOW, EXPLAIN ROUTE"
                              : "not here: only rows can be changed, of tables that take changes");
    case SQLITE_READONLY:
        return error_make(ERROR_TABLE_ACCESS_DENIED, "%s", message);
    case SQLITE_NOMEM:
        return error_make(ERROR_OUT_OF_RESOURCES, "the admin port has no memory left for this");
    case SQLITE_TOOBIG:
        return error_make(ERROR_PACKET_TOO_LARGE, "%s", message);
    default:
        return error_make(ERROR_UNKNOWN, "%s", message);
    }
}
