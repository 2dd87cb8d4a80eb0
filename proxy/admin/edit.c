/*
 * See edit.h.
 */
#include "proxy/admin/edit.h"

#include "proxy/live.h"
#include "proxy/memory.h"

static char *text_of(const struct admin_value *value)
{
    return value->text.data == NULL ? NULL
                                    : mem_text_of((const char *)value->text.data, value->text.size);
}

bool edit_row(struct live_edit *edit, const char *section, const struct admin_change *change,
              const struct edit_column *columns, size_t count, char **error)
{
    char *name;

    if (change->kind == ADMIN_DELETE) {
        live_edit_remove(edit, section, change->key);
        return true;
    }
    name = change->kind == ADMIN_UPDATE ? mem_text(change->key) : text_of(&change->values[0]);
    if (name == NULL) {
        *error = mem_printf("a %s needs a name", section);
        return false;
    }
    if (change->kind == ADMIN_INSERT) {
        live_edit_add(edit, section, name);
    }
    for (size_t i = 0; i < count; i++) {
        const struct admin_value *value = &change->values[columns[i].column];

        if (value->is_changed) {
            char *text = text_of(value);

            live_edit_set(edit, section, name, columns[i].key, text);
            mem_free_secret(text);
        }
    }
    mem_free(name);
    return true;
}
