/*
 * The table `settings`: every setting as it is in force. UPDATE settings SET value = … changes it.
 */
#include "proxy/admin/look.h"
#include "proxy/admin/rows.h"
#include "proxy/admin/tables.h"
#include "proxy/config/config.h"
#include "proxy/config/setting.h"
#include "proxy/live.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <string.h>

enum { NAME, VALUE };

static const struct admin_column columns[] = {
    [NAME] = {"name", ADMIN_TEXT, "section.key, as in the file: server db1.weight", false},
    [VALUE] = {"value", ADMIN_TEXT, "what is in force; of a secret only whether it is set", true},
    {"default_value", ADMIN_TEXT, "without any source; NULL: it must be set", false},
    {"source", ADMIN_TEXT, "where the value is from", false},
    {"reloadable", ADMIN_INTEGER, "1: takes effect at once; 0: at the next start", false},
    {"allowed", ADMIN_TEXT, "what it may be", false},
    {"help", ADMIN_TEXT, "what it is", false},
};

static char *name_of(const struct config_value *value)
{
    const char *section = setting_section_name(value->setting->section);

    return value->instance == NULL
               ? mem_printf("%s.%s", section, value->setting->key)
               : mem_printf("%s %s.%s", section, value->instance, value->setting->key);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);
    const struct config *config = look.roster->config;

    for (size_t i = 0; i < config->value_count; i++) {
        const struct config_value *value = &config->values[i];
        char *name = name_of(value);
        char *source = config_origin_text(&value->origin);
        char *allowed = setting_allowed(value->setting);

        admin_rows_text(rows, name);
        admin_rows_text(rows, value->text);
        admin_rows_text(rows, value->setting->default_text);
        admin_rows_text(rows, source);
        admin_rows_integer(rows, value->setting->reloadable);
        admin_rows_text(rows, allowed);
        admin_rows_text(rows, value->setting->help);
        mem_free(name);
        mem_free(source);
        mem_free(allowed);
    }
    look_end(&look);
}

/* "server db1.weight": the name of a server or user may have dots, a key has none. */
static bool change(struct program *program, struct live_edit *edit,
                   const struct admin_change *change, char **error)
{
    char *section;
    char *key;
    char *instance;
    char *value;

    (void)program;
    if (change->kind != ADMIN_UPDATE) {
        *error =
            mem_text("settings are neither added nor removed: update their value, or set it to "
                     "NULL to take back what was set here");
        return false;
    }
    if (!change->values[VALUE].is_changed) {
        return true;
    }
    section = mem_text(change->key);
    key = strrchr(section, '.');
    *key++ = 0;
    instance = strchr(section, ' ');
    if (instance != NULL) {
        *instance++ = 0;
    }
    value = change->values[VALUE].text.data == NULL
                ? NULL
                : mem_text_of((const char *)change->values[VALUE].text.data,
                              change->values[VALUE].text.size);
    live_edit_set(edit, section, instance, key, value);
    mem_free_secret(value);
    mem_free(section);
    return true;
}

const struct admin_table admin_table_settings = {
    .name = "settings",
    .help = "every setting, its value and where that is from",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .fill = fill,
    .change = change,
};
