/*
 * The draft: what the sources say, as texts, before any of it becomes a value in force. Each source
 * writes over the earlier ones; each text remembers where it came from.
 */
#ifndef TIDEMARK_PROXY_CONFIG_DRAFT_H
#define TIDEMARK_PROXY_CONFIG_DRAFT_H

#include "proxy/config/config.h"
#include "proxy/config/setting.h"

#include <stdbool.h>
#include <stddef.h>

enum config_layer {
    LAYER_DEFAULT,
    LAYER_MAIN,
    LAYER_AUTO,
    LAYER_ENVIRONMENT,
    LAYER_FLAGS,
    LAYER_LIVE
};

/* How a secret was given: `password`, `password_file` or `password_env`. Everything else is
 * plain. */
enum draft_form { FORM_PLAIN, FORM_FILE, FORM_ENV };

struct draft_entry {
    char *text; /* NULL: no source has set it */
    enum draft_form form;
    bool is_bad; /* a source was wrong about it; the report says so */
    struct config_origin origin;
};

struct draft_section {
    enum setting_section section;
    char *name;                         /* of a server or user; NULL for sections that exist once */
    bool is_removed;                    /* by the auto file or an edit: as if it was not there */
    struct config_origin origin;        /* where it was first opened */
    unsigned opened_layer, opened_line; /* where it was last opened */
    struct draft_entry *entries;        /* one for each row of settings[] */
};

struct draft {
    struct draft_section **sections; /* those that exist once, then the others as they come */
    size_t count;
    struct config_report *report;
    char **places; /* owner of the origins' texts */
    size_t place_count;
};

void draft_init(struct draft *draft, struct config_report *report);
void draft_dispose(struct draft *draft);

/* A copy with a report of its own. Its origins borrow the texts of `from`, which must outlive it.
 */
void draft_copy(struct draft *draft, const struct draft *from, struct config_report *report);

/* A place that lives as long as the draft, for origins. */
char *draft_place(struct draft *draft, const char *where);

/* NULL when there is none; name NULL for sections that exist once. */
struct draft_section *draft_find(const struct draft *draft, enum setting_section section,
                                 const char *name);

/* Adds a server or user. */
struct draft_section *draft_add(struct draft *draft, enum setting_section section, const char *name,
                                struct config_origin origin);

/* What this layer has set may be set again. */
void draft_forget_layer(struct draft *draft, enum config_layer layer);

/* Makes a removed server or user anew, with nothing set. */
void draft_clear(struct draft_section *section, struct config_origin origin);

/* The setting and form that a key of this section means, "password_file" included. False when there
 * is no such key. */
bool draft_key(enum setting_section section, const char *key, const struct setting **setting,
               enum draft_form *form);

/* The form's ending: "", "_file" or "_env". */
const char *draft_form_ending(enum draft_form form);

/* Sets a value and reports at once what is wrong with it. Twice within one layer is a mistake. */
void draft_set(struct draft *draft, struct draft_section *section, const struct setting *setting,
               enum draft_form form, const char *text, struct config_origin origin);

static inline struct draft_entry *draft_entry(const struct draft_section *section,
                                              const struct setting *setting)
{
    return &section->entries[setting - settings];
}

#endif
