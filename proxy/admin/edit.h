/*
 * From a changed row to edits of the configuration: for tables whose rows are named sections.
 */
#ifndef TIDEMARK_PROXY_ADMIN_EDIT_H
#define TIDEMARK_PROXY_ADMIN_EDIT_H

#include "proxy/admin/table.h"

/* A column of the table that is a key of the section. */
struct edit_column {
    size_t column;
    const char *key;
};

/* INSERT adds the section and sets what was given; UPDATE sets what differs (SQL NULL: back to what
 * the sources say); DELETE removes it. The first column is the section's name, which an UPDATE may
 * not change. False with *error (mem_free). */
bool edit_row(struct live_edit *edit, const char *section, const struct admin_change *change,
              const struct edit_column *columns, size_t count, char **error);

#endif
