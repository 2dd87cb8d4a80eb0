/*
 * Edits: changes that were made while the program runs, laid over what the sources say. A list of
 * texts that means something only when it is applied to a draft; there they are checked as a file
 * is, and each remembers the admin port as its origin.
 */
#ifndef TIDEMARK_PROXY_CONFIG_EDITS_H
#define TIDEMARK_PROXY_CONFIG_EDITS_H

#include "proxy/config/draft.h"

#include <stdbool.h>
#include <stddef.h>

enum config_edit_kind {
    EDIT_ADD,    /* a server or user */
    EDIT_REMOVE, /* a server or user */
    EDIT_SET,
    EDIT_UNSET, /* back to what the sources say */
    EDIT_KEEP,  /* as it was when the program started: it cannot change while it runs */
};

struct config_edit {
    enum config_edit_kind kind;
    char *section; /* "server" */
    char *name;    /* NULL for sections that exist once */
    char *key;     /* also "password_file"; NULL for ADD and REMOVE */
    char *value;   /* SET, KEEP; wiped when freed */
};

struct config_edits {
    struct config_edit *items;
    size_t count;
};

/* Takes back what was said about a value, as far as it was about the same server or user. */
void config_edits_forget_value(struct config_edits *edits, const char *section, const char *name,
                               const char *key);

/* The texts are copied. */
void config_edits_append(struct config_edits *edits, enum config_edit_kind kind,
                         const char *section, const char *name, const char *key, const char *value);

/* Appends `more`, and forgets what it makes pointless, so that a list does not grow with the number
 * of changes. */
void config_edits_merge(struct config_edits *edits, const struct config_edits *more);

void config_edits_dispose(struct config_edits *edits);

/* Lays the edits over the draft; mistakes go to its report. `where`: the file whose folder relative
 * paths start at. */
void config_edits_apply(const struct config_edits *edits, struct draft *draft, const char *where);

#endif
