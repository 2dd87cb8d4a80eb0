/*
 * The authorizer. Everything is refused that is not in the list. See access.h.
 */
#include "proxy/admin/access.h"

#include "proxy/admin/engine.h"
#include "proxy/admin/tables.h"

#include <string.h>

/* Whether it takes changes is for SQLite to say, in its words. */
static bool is_ours(const char *name, const char *schema)
{
    if (schema != NULL && sqlite3_stricmp(schema, "information_schema") == 0) {
        return false;
    }
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        if (sqlite3_stricmp(admin_tables[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* These reach outside of the connection, or around the bounds: those of JSON recurse by the length
 * of a path, until the stack is used up, or compare every key with every other. */
static bool is_dangerous(const char *function)
{
    static const char *const names[] = {"edit",     "fts3_tokenizer", "json_insert", "json_patch",
                                        "json_set", "load_extension", "readfile",    "writefile"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (sqlite3_stricmp(function, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

int access_check(void *context, int action, const char *first, const char *second,
                 const char *schema, const char *inner)
{
    const struct engine *engine = context;

    (void)inner;
    if (engine->is_declaring) {
        return SQLITE_OK;
    }
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return is_dangerous(second) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return !engine->client.is_read_only && is_ours(first, schema) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}
