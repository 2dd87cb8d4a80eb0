/*
 * Changes made while the program runs. See edits.h.
 */
#include "proxy/config/edits.h"

#include "proxy/config/report.h"
#include "proxy/memory.h"

#include <string.h>

static char *copy(const char *text)
{
    return text != NULL ? mem_text(text) : NULL;
}

void config_edits_append(struct config_edits *edits, enum config_edit_kind kind,
                         const char *section, const char *name, const char *key, const char *value)
{
    edits->items = mem_realloc(edits->items, (edits->count + 1) * sizeof edits->items[0]);
    edits->items[edits->count++] = (struct config_edit){
        .kind = kind,
        .section = copy(section),
        .name = copy(name),
        .key = copy(key),
        .value = value != NULL ? mem_secret(value) : NULL, /* it may be one */
    };
}

static void dispose(struct config_edit *edit)
{
    mem_free(edit->section);
    mem_free(edit->name);
    mem_free(edit->key);
    mem_free_secret(edit->value);
}

void config_edits_dispose(struct config_edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        dispose(&edits->items[i]);
    }
    mem_free(edits->items);
    *edits = (struct config_edits){.items = NULL};
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A password and a hash exclude each other: the later one is meant. */
static bool is_twin(const struct config_edit *earlier, const struct config_edit *later)
{
    return strcmp(later->section, "user") == 0 && later->kind == EDIT_SET &&
           later->value[0] != '\0' && earlier->key != NULL &&
           strncmp(earlier->key, "password", strlen("password")) == 0 &&
           strncmp(later->key, "password", strlen("password")) == 0;
}

/* After `later`, does `earlier` make no difference any more? */
static bool is_pointless(const struct config_edit *earlier, const struct config_edit *later)
{
    if (!same_text(earlier->section, later->section) || !same_text(earlier->name, later->name)) {
        return false;
    }
    return later->kind == EDIT_REMOVE
               ? earlier->key != NULL
               : later->key != NULL &&
                     (same_text(earlier->key, later->key) || is_twin(earlier, later));
}

/* An addition that is removed again leaves nothing, but a removal of what the sources have stays.
 */
static bool cancels(const struct config_edit *earlier, const struct config_edit *later)
{
    return earlier->kind == EDIT_ADD && later->kind == EDIT_REMOVE &&
           same_text(earlier->section, later->section) && same_text(earlier->name, later->name);
}

static void forget(struct config_edits *edits, size_t index)
{
    dispose(&edits->items[index]);
    memmove(&edits->items[index], &edits->items[index + 1],
            (edits->count - index - 1) * sizeof edits->items[0]);
    edits->count--;
}

void config_edits_forget_value(struct config_edits *edits, const char *section, const char *name,
                               const char *key)
{
    for (size_t i = edits->count; i-- > 0;) {
        const struct config_edit *edit = &edits->items[i];

        if (!same_text(edit->section, section) || !same_text(edit->name, name)) {
            continue;
        }
        if (edit->key == NULL) {
            return; /* added or removed: what was before is another one's */
        }
        if (same_text(edit->key, key)) {
            forget(edits, i);
        }
    }
}

static void merge_one(struct config_edits *edits, const struct config_edit *edit)
{
    bool cancelled = false;

    for (size_t i = edits->count; i-- > 0;) {
        if (is_pointless(&edits->items[i], edit)) {
            forget(edits, i);
        } else if (cancels(&edits->items[i], edit)) {
            forget(edits, i);
            cancelled = true;
        }
    }
    if (edit->kind != EDIT_UNSET && !cancelled) {
        config_edits_append(edits, edit->kind, edit->section, edit->name, edit->key, edit->value);
    }
}

void config_edits_merge(struct config_edits *edits, const struct config_edits *more)
{
    for (size_t i = 0; i < more->count; i++) {
        merge_one(edits, &more->items[i]);
    }
}

/* ---- applying ---- */

struct application {
    struct draft *draft;
    struct config_origin origin;
};

static void add(const struct application *to, enum setting_section kind, const char *name)
{
    struct draft_section *section = draft_find(to->draft, kind, name);
    const char *word = setting_section_name(kind);
    const char *complaint = setting_name_complaint(kind, name != NULL ? name : "");

    if (complaint != NULL) {
        report_error(to->draft->report, &to->origin, word, "[%s %s] %s", word,
                     name != NULL ? name : "", complaint);
    } else if (section != NULL && !section->is_removed) {
        report_error(to->draft->report, &to->origin, word,
                     "\"%s\" exists already, allowed: another name", name);
    } else if (section != NULL) {
        draft_clear(section, to->origin);
    } else {
        draft_add(to->draft, kind, name, to->origin);
    }
}

static void remove_one(const struct application *to, enum setting_section kind, const char *name)
{
    struct draft_section *section = draft_find(to->draft, kind, name);
    const char *word = setting_section_name(kind);

    if (!setting_section_is_named(kind)) {
        report_error(to->draft->report, &to->origin, word, "cannot be removed");
    } else if (section == NULL || section->is_removed) {
        report_error(to->draft->report, &to->origin, word, "there is no \"%s\"", name);
    } else {
        section->is_removed = true;
    }
}

/* A password and a hash exclude each other: who sets one means instead of the other. */
static void clear_twin(const struct application *to, struct draft_section *section,
                       const struct setting *setting, const char *value)
{
    bool is_password = setting == setting_find(SECTION_USER, "password");
    bool is_hash = setting == setting_find(SECTION_USER, "password_hash");
    const struct setting *twin =
        setting_find(SECTION_USER, is_password ? "password_hash" : "password");

    if ((is_password || is_hash) && value[0] != '\0' && draft_entry(section, twin)->text != NULL &&
        draft_entry(section, twin)->origin.kind != CONFIG_FROM_ADMIN) {
        draft_set(to->draft, section, twin, FORM_PLAIN, "", to->origin);
    }
}

static void set(const struct application *to, enum setting_section kind,
                const struct config_edit *edit)
{
    struct draft_section *section = draft_find(to->draft, kind, edit->name);
    const struct setting *setting;
    enum draft_form form;

    if (section == NULL || section->is_removed) {
        report_error(to->draft->report, &to->origin, edit->section, "there is no \"%s\"",
                     edit->name);
    } else if (!draft_key(kind, edit->key, &setting, &form)) {
        report_error(to->draft->report, &to->origin, edit->key, "is unknown in [%s]",
                     edit->section);
    } else if (edit->kind != EDIT_KEEP && !setting->reloadable) {
        report_error(to->draft->report, &to->origin, edit->key,
                     "cannot be changed while the program runs, allowed: set it in the "
                     "configuration file and restart");
    } else {
        draft_set(to->draft, section, setting, form, edit->value, to->origin);
        if (kind == SECTION_USER) {
            clear_twin(to, section, setting, edit->value);
        }
    }
}

void config_edits_apply(const struct config_edits *edits, struct draft *draft, const char *where)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct config_edit *edit = &edits->items[i];
        enum setting_section kind = setting_section_of(edit->section);
        struct application to = {
            .draft = draft,
            .origin = {.kind = edit->kind == EDIT_KEEP ? CONFIG_FROM_START : CONFIG_FROM_ADMIN,
                       .where = draft_place(draft, where),
                       .layer = LAYER_LIVE},
        };

        if (kind == SECTION_COUNT) {
            report_error(draft->report, &to.origin, edit->section, "is no section");
            continue;
        }
        switch (edit->kind) {
        case EDIT_ADD:
            add(&to, kind, edit->name);
            break;
        case EDIT_REMOVE:
            remove_one(&to, kind, edit->name);
            break;
        case EDIT_SET:
        case EDIT_KEEP:
            set(&to, kind, edit);
            break;
        case EDIT_UNSET:
            break;
        }
    }
}
