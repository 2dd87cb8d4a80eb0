/*
 * instr and replace in bounded time. See functions_bounded.h.
 */
#include "proxy/admin/functions_bounded.h"

#include "protocol/bytes.h"

#include <string.h>

/* The value's bytes as they are in a blob, or as text; data NULL: NULL, or no memory. */
static struct bytes bytes_in(sqlite3_value *value, bool as_blob)
{
    const void *data = as_blob ? sqlite3_value_blob(value) : sqlite3_value_text(value);

    if (data == NULL && sqlite3_value_type(value) != SQLITE_NULL) {
        data = ""; /* so an empty blob is told */
    }
    return bytes_of(data, data == NULL ? 0 : (size_t)sqlite3_value_bytes(value));
}

/* glibc's memmem takes linear time also in the worst case. NULL: not there. */
static const uint8_t *find(struct bytes text, struct bytes wanted)
{
    return wanted.size > text.size || text.data == NULL
               ? NULL
               : memmem(text.data, text.size, wanted.data, wanted.size);
}

static size_t characters(struct bytes text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* instr(X, Y): where Y begins in X, from 1: in characters, or in bytes where both are blobs. */
static void f_instr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    bool are_blobs =
        sqlite3_value_type(argv[0]) == SQLITE_BLOB && sqlite3_value_type(argv[1]) == SQLITE_BLOB;
    struct bytes text = bytes_in(argv[0], are_blobs);
    struct bytes wanted = bytes_in(argv[1], are_blobs);
    const uint8_t *place;
    size_t before;

    (void)argc;
    if (text.data == NULL || wanted.data == NULL) {
        return;
    }
    place = find(text, wanted);
    if (place == NULL) {
        sqlite3_result_int64(context, 0);
        return;
    }
    before = (size_t)(place - text.data);
    sqlite3_result_int64(context,
                         (int64_t)(are_blobs ? before : characters(bytes_first(text, before))) + 1);
}

/* replace(X, Y, Z): X with Z for every Y. */
static void f_replace(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct bytes rest = bytes_in(argv[0], false);
    struct bytes wanted = bytes_in(argv[1], false);
    struct bytes other = bytes_in(argv[2], false);
    const uint8_t *place;
    sqlite3_str *out;
    int status;

    (void)argc;
    if (rest.data == NULL || wanted.data == NULL || other.data == NULL) {
        return;
    }
    if (wanted.size == 0 || find(rest, wanted) == NULL) {
        sqlite3_result_text(context, (const char *)rest.data, (int)rest.size, SQLITE_TRANSIENT);
        return;
    }
    out = sqlite3_str_new(sqlite3_context_db_handle(context)); /* knows the greatest length */
    while ((place = find(rest, wanted)) != NULL && sqlite3_str_errcode(out) == SQLITE_OK) {
        size_t before = (size_t)(place - rest.data);

        sqlite3_str_append(out, (const char *)rest.data, (int)before);
        sqlite3_str_append(out, (const char *)other.data, (int)other.size);
        rest = bytes_after(rest, before + wanted.size);
    }
    sqlite3_str_append(out, (const char *)rest.data, (int)rest.size);
    status = sqlite3_str_errcode(out);
    if (status != SQLITE_OK) {
        sqlite3_result_error_code(context, status);
    } else {
        sqlite3_result_text(context, sqlite3_str_value(out), sqlite3_str_length(out),
                            SQLITE_TRANSIENT);
        if (sqlite3_str_length(out) == 0) {
            sqlite3_result_text(context, "", 0, SQLITE_STATIC);
        }
    }
    sqlite3_free(sqlite3_str_finish(out));
}

bool functions_bounded_register(sqlite3 *db)
{
    static const char *const hidden[] = {"trim", "ltrim", "rtrim"};
    const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
    bool is_good = sqlite3_create_function_v2(db, "instr", 2, flags, NULL, f_instr, NULL, NULL,
                                              NULL) == SQLITE_OK &&
                   sqlite3_create_function_v2(db, "replace", 3, flags, NULL, f_replace, NULL, NULL,
                                              NULL) == SQLITE_OK;

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        is_good = sqlite3_create_function_v2(db, hidden[i], 2, SQLITE_UTF8, NULL, NULL, NULL, NULL,
                                             NULL) == SQLITE_OK &&
                  is_good;
    }
    return is_good;
}
