/*
 * A session's prepared statements, by the ids that its client knows. Ids are the session's own and
 * start at 1, as on a server; where and under which id a server knows the statement is the business
 * of proxy/backend/prepared_cache.h.
 */
#ifndef TIDEMARK_PROXY_CLIENT_PREPARED_TABLE_H
#define TIDEMARK_PROXY_CLIENT_PREPARED_TABLE_H

#include "protocol/bytes.h"
#include "router/lexer.h"
#include "router/statement.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct prepared_text;
struct prepared_table;

enum {
    PREPARED_PER_SESSION = 16384,          /* as max_prepared_stmt_count is by default */
    PREPARED_BYTES_PER_SESSION = 32 << 20, /* of text in all */
};

/* The statement prepared last. MariaDB's drivers send EXECUTE right behind PREPARE with this id. */
#define PREPARED_LAST_ID UINT32_MAX

struct prepared {
    UT_hash_handle hh;
    uint32_t id;
    uint16_t parameters, columns;
    bool has_long_data; /* some was sent to the held connection, for the next EXECUTE */
    bool has_cursor;    /* open on the held connection */
    uint8_t *types;     /* owner: parameter types of the last EXECUTE that brought any */
    size_t types_size;
    struct prepared_text *text; /* reference */
    /* What classify() found in `classified`, where its slices point to. */
    struct prepared_text *classified; /* reference; other than `text` once that is private */
    struct statement *statement;      /* owner */
    struct lexer_mode mode;           /* ... and how it read it */
};

/* Adds a statement; takes the reference to `text` over and copies `statement`, which must have been
 * classified from prepared_text_sql(text). NULL when there are PREPARED_PER_SESSION already. */
struct prepared *prepared_table_add(struct prepared_table **table, struct prepared_text *text,
                                    const struct statement *statement);
struct prepared *prepared_table_find(struct prepared_table *table, uint32_t id);
/* No further statement of `size` bytes may be prepared: too many, or too much text. */
bool prepared_table_is_full(const struct prepared_table *table, size_t size);
/* A new PREPARE begins: until it has succeeded PREPARED_LAST_ID names nothing. */
void prepared_table_forget_last(struct prepared_table *table);
void prepared_table_remove(struct prepared_table *table, struct prepared *prepared);
void prepared_table_free(struct prepared_table *table);

/* Remembers parameter types, which drivers send only once. */
void prepared_set_types(struct prepared *prepared, struct bytes types);

#endif
