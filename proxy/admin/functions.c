/*
 * SQL functions of MySQL for SQLite. See functions.h. Those that say something of the client read
 * the engine, which is the functions' user data.
 */
#include "proxy/admin/functions.h"

#include "proxy/admin/engine.h"
#include "proxy/admin/functions_bounded.h"
#include "proxy/admin/system_variables.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TIME_BYTES = 40 };

static const struct engine *engine_of(sqlite3_context *context)
{
    return sqlite3_user_data(context);
}

static void answer_text(sqlite3_context *context, const char *text)
{
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static const char *text_of(sqlite3_value *value)
{
    return (const char *)sqlite3_value_text(value);
}

/* ---- who and what ---- */

static void f_database(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    answer_text(context, ENGINE_SCHEMA);
}

static void f_version(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    answer_text(context, admin_version_text());
}

static void f_user(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const struct engine_client *client = &engine_of(context)->client;
    const char *port = strrchr(client->peer, ':');
    size_t size = port == NULL ? strlen(client->peer) : (size_t)(port - client->peer);
    char *text = sqlite3_mprintf("%s@%.*s", client->user, (int)size, client->peer);

    (void)argc;
    (void)argv;
    sqlite3_result_text(context, text, -1, sqlite3_free);
}

static void f_connection_id(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_result_int64(context, engine_of(context)->client.id);
}

static void f_grants(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const struct engine_client *client = &engine_of(context)->client;
    char *text = sqlite3_mprintf("GRANT %s ON tidemark.* TO %Q",
                                 client->is_read_only ? "SELECT" : "ALL PRIVILEGES", client->user);

    (void)argc;
    (void)argv;
    sqlite3_result_text(context, text, -1, sqlite3_free);
}

static void f_system_variable(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *name = text_of(argv[0]);
    const struct system_variable *variable = name == NULL ? NULL : system_variable_find(name);
    char *complaint;

    (void)argc;
    if (variable == NULL) {
        complaint = sqlite3_mprintf("Unknown system variable '%s'",
                                    name == NULL ? "" : name + strspn(name, "@"));
        sqlite3_result_error(context, complaint, -1);
        sqlite3_free(complaint);
    } else if (variable->is_number) {
        sqlite3_result_int64(context, variable->number);
    } else {
        answer_text(context, variable->text);
    }
}

static void f_zero(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_result_int64(context, 0);
}

/* ---- time; all of it UTC ---- */

static void answer_time(sqlite3_context *context, int64_t seconds, int microseconds)
{
    time_t when = (time_t)seconds;
    struct tm parts;
    char text[TIME_BYTES];
    char fraction[16] = "";

    if (gmtime_r(&when, &parts) == NULL) {
        sqlite3_result_null(context);
        return;
    }
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    if (microseconds > 0) {
        snprintf(fraction, sizeof fraction, ".%06d", microseconds);
    }
    sqlite3_result_text(context, strncat(text, fraction, sizeof text - strlen(text) - 1), -1,
                        SQLITE_TRANSIENT);
}

static void f_now(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    answer_time(context, (int64_t)time(NULL), 0);
}

static void f_from_unixtime(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    double when = sqlite3_value_double(argv[0]);
    int64_t seconds = sqlite3_value_int64(argv[0]);

    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || when < 0 || when > 253402300799.0) {
        sqlite3_result_null(context);
        return;
    }
    answer_time(context, seconds, (int)((when - (double)seconds) * 1e6));
}

/* "2026-11-21 13:34:25.123", or a number of seconds already. */
static void f_unix_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct tm parts = {0};
    const char *text;
    const char *rest;

    if (argc == 0) {
        sqlite3_result_int64(context, (int64_t)time(NULL));
        return;
    }
    if (sqlite3_value_type(argv[0]) != SQLITE_TEXT) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    text = text_of(argv[0]);
    rest = text == NULL ? NULL : strptime(text, "%Y-%m-%d", &parts);
    if (rest == NULL) {
        sqlite3_result_null(context);
        return;
    }
    if (*rest == ' ' || *rest == 'T') {
        (void)strptime(rest + 1, "%H:%M:%S", &parts);
    }
    sqlite3_result_int64(context, (int64_t)timegm(&parts));
}

/* ---- text ---- */

static void f_concat(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));

    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            sqlite3_free(sqlite3_str_finish(out));
            sqlite3_result_null(context);
            return;
        }
        sqlite3_str_append(out, text_of(argv[i]), sqlite3_value_bytes(argv[i]));
    }
    if (sqlite3_str_errcode(out) != SQLITE_OK) {
        sqlite3_result_error_code(context, sqlite3_str_errcode(out));
        sqlite3_free(sqlite3_str_finish(out));
    } else if (sqlite3_str_length(out) == 0) {
        sqlite3_free(sqlite3_str_finish(out));
        answer_text(context, "");
    } else {
        int size = sqlite3_str_length(out);

        sqlite3_result_text(context, sqlite3_str_finish(out), size, sqlite3_free);
    }
}

static void f_if(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    bool is_true = sqlite3_value_type(argv[0]) != SQLITE_NULL && sqlite3_value_double(argv[0]) != 0;

    (void)argc;
    sqlite3_result_value(context, argv[is_true ? 1 : 2]);
}

/* CONVERT(x, SIGNED): command_rewrite has taken the type away, which is an integer's. */
static void f_convert(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        sqlite3_result_int64(context, sqlite3_value_int64(argv[0]));
    }
}

static void change_case(sqlite3_context *context, sqlite3_value *value, int (*change)(int))
{
    const char *text = text_of(value);
    char *copy = text == NULL ? NULL : sqlite3_mprintf("%s", text);

    for (char *at = copy; at != NULL && *at != 0; at++) {
        *at = (unsigned char)*at < 0x80 ? (char)change((unsigned char)*at) : *at;
    }
    sqlite3_result_text(context, copy, -1, sqlite3_free);
}

/* LOCATE(part, text): from 1; 0: not in it. */
static void f_locate(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *part = text_of(argv[0]);
    const char *text = text_of(argv[1]);
    const char *found;

    (void)argc;
    if (part != NULL && text != NULL) {
        found = strcasestr(text, part);
        sqlite3_result_int64(context, found == NULL ? 0 : found - text + 1);
    }
}

static void f_ucase(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    change_case(context, argv[0], toupper);
}

static void f_lcase(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    change_case(context, argv[0], tolower);
}

/* Of numbers; NULL when one of them is. */
static void extreme(sqlite3_context *context, int argc, sqlite3_value **argv, int sign)
{
    int best = 0;

    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            return;
        }
        if (sign * (sqlite3_value_double(argv[i]) - sqlite3_value_double(argv[best])) > 0) {
            best = i;
        }
    }
    if (argc > 0) {
        sqlite3_result_value(context, argv[best]);
    }
}

static void f_greatest(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    extreme(context, argc, argv, 1);
}

static void f_least(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    extreme(context, argc, argv, -1);
}

/* LIKE as SQLite's, but with MySQL's backslash before a % or _ that is meant as such. */
static void f_like(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *pattern = text_of(argv[0]);
    const char *text = text_of(argv[1]);
    int limit =
        sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LIKE_PATTERN_LENGTH, -1);

    (void)argc;
    if (sqlite3_value_bytes(argv[0]) > limit) {
        sqlite3_result_error(context, "LIKE pattern too long", -1);
    } else if (pattern != NULL && text != NULL) {
        sqlite3_result_int(context, sqlite3_strlike(pattern, text, '\\') == 0);
    }
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    int arguments; /* -1: any number */
    void (*call)(sqlite3_context *context, int argc, sqlite3_value **argv);
    bool is_constant; /* the same arguments, the same answer */
} functions[] = {
    {"concat", -1, f_concat, true},
    {"connection_id", 0, f_connection_id, true},
    {"convert", 1, f_convert, true},
    {"current_user", 0, f_user, true},
    {"database", 0, f_database, true},
    {"found_rows", 0, f_zero, false},
    {"from_unixtime", 1, f_from_unixtime, true},
    {"grants", 0, f_grants, true},
    {"greatest", -1, f_greatest, true},
    {"if", 3, f_if, true},
    {"last_insert_id", 0, f_zero, false},
    {"lcase", 1, f_lcase, true},
    {"least", -1, f_least, true},
    {"like", 2, f_like, true},
    {"locate", 2, f_locate, true},
    {"now", 0, f_now, false},
    {"row_count", 0, f_zero, false},
    {"schema", 0, f_database, true},
    {"session_user", 0, f_user, true},
    {"sysdate", 0, f_now, false},
    {"system_user", 0, f_user, true},
    {"system_variable", 1, f_system_variable, true},
    {"ucase", 1, f_ucase, true},
    {"unix_timestamp", 0, f_unix_timestamp, false},
    {"unix_timestamp", 1, f_unix_timestamp, true},
    {"user", 0, f_user, true},
    {"utc_timestamp", 0, f_now, false},
    {"version", 0, f_version, true},
};

bool functions_register(struct engine *engine)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        int flags =
            SQLITE_UTF8 | SQLITE_INNOCUOUS | (functions[i].is_constant ? SQLITE_DETERMINISTIC : 0);

        if (sqlite3_create_function_v2(engine->db, functions[i].name, functions[i].arguments, flags,
                                       engine, functions[i].call, NULL, NULL, NULL) != SQLITE_OK) {
            return false;
        }
    }
    return functions_bounded_register(engine->db);
}
