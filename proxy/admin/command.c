/*
 * Recognising short commands by their words. See command.h.
 */
#include "proxy/admin/command_own.h"

#include "proxy/admin/tables.h"

#include <sqlite3.h>
#include <string.h>

/* ---- matching ---- */

/* What a pattern's parts have found. */
struct found {
    char schema[ORDER_NAME_BYTES];
    char pattern[ORDER_NAME_BYTES];
    bool has_pattern;
    struct bytes where;
};

static struct bytes take_rest(struct words *words)
{
    struct bytes rest = bytes_after(words->text, words->token.offset);

    while (!words_at_end(words)) {
        words_advance(words);
    }
    return rest;
}

static bool take_table(struct words *words, struct order *order, struct found *found)
{
    if (!words_take_name(words, order->name)) {
        return false;
    }
    if (words_at_symbol(words, '.')) {
        words_advance(words);
        memcpy(found->schema, order->name, sizeof found->schema);
        return words_take_name(words, order->name);
    }
    return true;
}

static bool take_in(struct words *words, struct found *found)
{
    if (!words_at_one_of(words, "FROM|IN", 7)) {
        return true;
    }
    words_advance(words);
    return words_take_name(words, found->schema);
}

static bool take_like(struct words *words, struct found *found)
{
    if (words_at_one_of(words, "LIKE", 4)) {
        words_advance(words);
        found->has_pattern = true;
        return words_take_name(words, found->pattern);
    }
    if (words_at_one_of(words, "WHERE", 5)) {
        words_advance(words);
        found->where = take_rest(words);
        return found->where.size > 0;
    }
    return true;
}

/* One part of a pattern, `size` bytes at `part`. */
static bool match_part(struct words *words, const char *part, size_t size, struct order *order,
                       struct found *found)
{
    struct bytes name = bytes_of(part, size);

    if (part[0] == '[') {
        if (words_at_one_of(words, part + 1, size - 2)) {
            words_advance(words);
        }
        return true;
    }
    if (bytes_equal_text(name, "<name>")) {
        return words_take_name(words, order->name);
    }
    if (bytes_equal_text(name, "<number>")) {
        return words_take_number(words, &order->number);
    }
    if (bytes_equal_text(name, "<table>")) {
        return take_table(words, order, found);
    }
    if (bytes_equal_text(name, "<in>")) {
        return take_in(words, found);
    }
    if (bytes_equal_text(name, "<like>")) {
        return take_like(words, found);
    }
    if (bytes_equal_text(name, "<rest>")) {
        order->rest = take_rest(words);
        return true;
    }
    if (!words_at_one_of(words, part, size)) {
        return false;
    }
    words_advance(words);
    return true;
}

static bool match(struct words *words, const char *pattern, struct order *order,
                  struct found *found)
{
    *order = (struct order){0};
    *found = (struct found){0};
    words_rewind(words);
    while (*pattern != 0) {
        size_t size = strcspn(pattern, " ");

        if (!match_part(words, pattern, size, order, found)) {
            return false;
        }
        pattern += size;
        pattern += *pattern == ' ';
    }
    return words_at_end(words);
}

/* ---- making SQL ---- */

static const char *schema_of(const struct found *found)
{
    return found->schema[0] != 0 ? found->schema : "tidemark";
}

/* `sql` with $name, $schema and $tables filled in. */
static void append_sql(sqlite3_str *out, const char *sql, const struct order *order,
                       const struct found *found)
{
    while (*sql != 0) {
        size_t plain = strcspn(sql, "$");

        sqlite3_str_append(out, sql, (int)plain);
        sql += plain;
        if (strncmp(sql, "$name", 5) == 0) {
            sqlite3_str_appendf(out, "%Q", order->name);
            sql += 5;
        } else if (strncmp(sql, "$schema", 7) == 0) {
            sqlite3_str_appendf(out, "%Q", schema_of(found));
            sql += 7;
        } else if (strncmp(sql, "$tables", 7) == 0) {
            sqlite3_str_appendf(out, "\"Tables_in_%w\"", schema_of(found));
            sql += 7;
        } else if (*sql != 0) {
            sqlite3_str_append(out, sql++, 1);
        }
    }
}

static char *make_sql(const char *sql, const char *like, const struct order *order,
                      const struct found *found)
{
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool is_wrapped = found->has_pattern || found->where.size > 0;

    sqlite3_str_appendall(out, is_wrapped ? "SELECT * FROM (" : "");
    append_sql(out, sql, order, found);
    if (found->has_pattern) {
        sqlite3_str_appendall(out, ") WHERE ");
        append_sql(out, like, order, found);
        sqlite3_str_appendf(out, " LIKE %Q", found->pattern);
    } else if (is_wrapped) {
        sqlite3_str_appendf(out, ") WHERE %.*s", (int)found->where.size,
                            (const char *)found->where.data);
    }
    return sqlite3_str_finish(out);
}

/* SHOW <one of our tables> */
static bool match_table(struct words *words, struct order *order, struct found *found)
{
    for (size_t i = 0; admin_tables[i] != NULL; i++) {
        const struct admin_table *table = admin_tables[i];
        char pattern[ORDER_NAME_BYTES];
        char sql[ORDER_NAME_BYTES];

        sqlite3_snprintf(sizeof pattern, pattern, "SHOW %s <like>", table->name);
        if (match(words, pattern, order, found)) {
            sqlite3_snprintf(sizeof sql, sql, "SELECT * FROM %s", table->name);
            order->sql = make_sql(sql, table->columns[0].name, order, found);
            return true;
        }
    }
    return false;
}

/* Takes "FOR USER name" or "FOR SESSION id" off the end of an EXPLAIN ROUTE. */
static void take_whom(struct order *order)
{
    struct words words = words_of(order->rest);
    struct bytes sql = order->rest;

    words_rewind(&words);
    while (!words_at_end(&words)) {
        size_t at = words.token.offset;

        if (!words_at_one_of(&words, "FOR", 3)) {
            words_advance(&words);
            continue;
        }
        words_advance(&words);
        order->name[0] = 0;
        order->number = 0;
        if (words_at_one_of(&words, "USER", 4)) {
            words_advance(&words);
            (void)words_take_name(&words, order->name);
        } else if (words_at_one_of(&words, "SESSION", 7)) {
            words_advance(&words);
            (void)words_take_number(&words, &order->number);
        }
        if (words_at_end(&words) && (order->name[0] != 0 || order->number != 0)) {
            sql = bytes_first(order->rest, at);
        }
    }
    if (sql.size == order->rest.size) {
        order->name[0] = 0; /* what looked like it was part of the statement */
        order->number = 0;
    }
    order->rest = sql;
}

struct order order_read(struct bytes statement)
{
    struct words words = words_of(statement);
    struct order order;
    struct found found;

    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];

        if (match(&words, command->pattern, &order, &found)) {
            order.kind = command->kind;
            order.changes = command->changes;
            if (command->kind == ORDER_SQL) {
                order.sql = make_sql(command->sql, command->like, &order, &found);
            } else if (command->kind == ORDER_EXPLAIN_ROUTE) {
                take_whom(&order);
            }
            return order;
        }
    }
    if (match_table(&words, &order, &found)) {
        return order;
    }
    return (struct order){.kind = ORDER_SQL};
}

void order_dispose(struct order *order)
{
    sqlite3_free(order->sql);
    order->sql = NULL;
}
