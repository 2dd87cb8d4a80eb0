/*
 * See prepared_table.h.
 */
#include "proxy/client/prepared_table.h"

#include "proxy/backend/prepared_cache.h"
#include "proxy/memory.h"

#include <string.h>

struct prepared_table {
    struct prepared *statements;
    struct prepared *last; /* what PREPARED_LAST_ID names; borrowed from the table */
    uint32_t last_id;
    size_t bytes; /* of all texts */
};

struct prepared *prepared_table_add(struct prepared_table **table, struct prepared_text *text,
                                    const struct statement *statement)
{
    struct prepared *prepared;

    if (*table == NULL) {
        *table = mem_calloc(1, sizeof **table);
    }
    if (HASH_COUNT((*table)->statements) >= PREPARED_PER_SESSION) {
        prepared_text_unref(text);
        return NULL;
    }
    prepared = mem_calloc(1, sizeof *prepared);
    do {
        prepared->id = ++(*table)->last_id;
    } while (prepared->id == 0 || prepared->id == PREPARED_LAST_ID ||
             prepared_table_find(*table, prepared->id) != NULL);
    prepared->text = text;
    prepared->classified = prepared_text_ref(text);
    prepared->statement = mem_copy(statement, sizeof *statement);
    (*table)->bytes += prepared_text_sql(text).size;
    HASH_ADD_INT((*table)->statements, id, prepared);
    (*table)->last = prepared;
    return prepared;
}

bool prepared_table_is_full(const struct prepared_table *table, size_t size)
{
    return table != NULL && (HASH_COUNT(table->statements) >= PREPARED_PER_SESSION ||
                             table->bytes + size > PREPARED_BYTES_PER_SESSION);
}

struct prepared *prepared_table_find(struct prepared_table *table, uint32_t id)
{
    struct prepared *prepared = NULL;

    if (table != NULL && id == PREPARED_LAST_ID) {
        return table->last;
    }
    if (table != NULL) {
        HASH_FIND_INT(table->statements, &id, prepared);
    }
    return prepared;
}

void prepared_table_forget_last(struct prepared_table *table)
{
    if (table != NULL) {
        table->last = NULL;
    }
}

void prepared_table_remove(struct prepared_table *table, struct prepared *prepared)
{
    HASH_DEL(table->statements, prepared);
    table->bytes -= prepared_text_sql(prepared->text).size;
    if (table->last == prepared) {
        table->last = NULL;
    }
    prepared_text_unref(prepared->text);
    prepared_text_unref(prepared->classified);
    mem_free(prepared->types);
    mem_free(prepared->statement);
    mem_free(prepared);
}

void prepared_table_free(struct prepared_table *table)
{
    struct prepared *prepared;
    struct prepared *next;

    if (table == NULL) {
        return;
    }
    HASH_ITER(hh, table->statements, prepared, next)
    {
        prepared_table_remove(table, prepared);
    }
    mem_free(table);
}

void prepared_set_types(struct prepared *prepared, struct bytes types)
{
    if (types.size != prepared->types_size) {
        mem_free(prepared->types);
        prepared->types = mem_alloc(types.size);
        prepared->types_size = types.size;
    }
    memcpy(prepared->types, types.data, types.size);
}
