/*
 * See draft.h.
 */
#include "proxy/config/draft.h"

#include "proxy/config/report.h"
#include "proxy/config/value.h"
#include "proxy/memory.h"

#include <stdio.h>
#include <string.h>

static const char *const form_endings[] = {
    [FORM_PLAIN] = "", [FORM_FILE] = "_file", [FORM_ENV] = "_env"};

void draft_init(struct draft *draft, struct config_report *report)
{
    *draft = (struct draft){.report = report};
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        if (!setting_section_is_named((enum setting_section)i)) {
            draft_add(draft, (enum setting_section)i, NULL,
                      (struct config_origin){.kind = CONFIG_FROM_DEFAULT, .where = NULL});
        }
    }
}

/* A copy of a value for draft_entry.text. */
static char *copy_of(const struct setting *setting, const char *text)
{
    bool is_secret = setting->type == SETTING_SECRET || setting->type == SETTING_PASSWORD_HASH;

    return is_secret ? mem_secret(text) : mem_text(text);
}

static void section_free(struct draft_section *section)
{
    for (size_t i = 0; i < setting_count; i++) {
        mem_free_secret(section->entries[i].text);
    }
    mem_free(section->entries);
    mem_free(section->name);
    mem_free(section);
}

void draft_dispose(struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        section_free(draft->sections[i]);
    }
    for (size_t i = 0; i < draft->place_count; i++) {
        mem_free(draft->places[i]);
    }
    mem_free(draft->sections);
    mem_free(draft->places);
    *draft = (struct draft){.sections = NULL};
}

char *draft_place(struct draft *draft, const char *where)
{
    char *place = mem_text(where);

    draft->places = mem_realloc(draft->places, (draft->place_count + 1) * sizeof(draft->places[0]));
    draft->places[draft->place_count++] = place;
    return place;
}

struct draft_section *draft_find(const struct draft *draft, enum setting_section section,
                                 const char *name)
{
    for (size_t i = 0; i < draft->count; i++) {
        struct draft_section *candidate = draft->sections[i];

        if (candidate->section == section && (name == NULL || strcmp(candidate->name, name) == 0)) {
            return candidate;
        }
    }
    return NULL;
}

struct draft_section *draft_add(struct draft *draft, enum setting_section section, const char *name,
                                struct config_origin origin)
{
    struct draft_section *fresh = mem_calloc(1, sizeof(*fresh));

    fresh->section = section;
    fresh->name = name != NULL ? mem_text(name) : NULL;
    fresh->origin = origin;
    fresh->entries = mem_calloc(setting_count, sizeof(fresh->entries[0]));
    draft->sections =
        mem_realloc(draft->sections, (draft->count + 1) * sizeof(struct draft_section *));
    draft->sections[draft->count++] = fresh;
    return fresh;
}

void draft_copy(struct draft *draft, const struct draft *from, struct config_report *report)
{
    *draft = (struct draft){.report = report};
    for (size_t i = 0; i < from->count; i++) {
        const struct draft_section *old = from->sections[i];
        struct draft_section *fresh = draft_add(draft, old->section, old->name, old->origin);

        fresh->is_removed = old->is_removed;
        fresh->opened_layer = old->opened_layer;
        fresh->opened_line = old->opened_line;
        for (size_t j = 0; j < setting_count; j++) {
            fresh->entries[j] = old->entries[j];
            fresh->entries[j].text =
                old->entries[j].text != NULL ? copy_of(&settings[j], old->entries[j].text) : NULL;
        }
    }
}

void draft_forget_layer(struct draft *draft, enum config_layer layer)
{
    for (size_t i = 0; i < draft->count; i++) {
        for (size_t j = 0; j < setting_count; j++) {
            struct draft_entry *entry = &draft->sections[i]->entries[j];

            if (entry->origin.layer == (unsigned)layer) {
                entry->origin.layer = LAYER_DEFAULT;
            }
        }
    }
}

void draft_clear(struct draft_section *section, struct config_origin origin)
{
    for (size_t i = 0; i < setting_count; i++) {
        mem_free_secret(section->entries[i].text);
        section->entries[i] = (struct draft_entry){.text = NULL};
    }
    section->is_removed = false;
    section->origin = origin;
}

bool draft_key(enum setting_section section, const char *key, const struct setting **setting,
               enum draft_form *form)
{
    *form = FORM_PLAIN;
    *setting = setting_find(section, key);
    if (*setting != NULL) {
        return true;
    }
    for (unsigned f = FORM_FILE; f <= FORM_ENV; f++) {
        size_t key_size = strlen(key), ending_size = strlen(form_endings[f]);

        if (key_size > ending_size && strcmp(key + key_size - ending_size, form_endings[f]) == 0) {
            char *plain = mem_text_of(key, key_size - ending_size);

            *setting = setting_find(section, plain);
            mem_free(plain);
            if (*setting != NULL && (*setting)->type == SETTING_SECRET) {
                *form = (enum draft_form)f;
                return true;
            }
        }
    }
    *setting = NULL;
    return false;
}

const char *draft_form_ending(enum draft_form form)
{
    return form_endings[form];
}

static void report_twice(const struct draft *draft, const struct setting *setting,
                         const struct draft_entry *old, const char *key,
                         const struct config_origin *origin)
{
    if (old->origin.kind == CONFIG_FROM_FILE) {
        report_error(draft->report, origin, key,
                     "is set a second time, first on line %u as %s%s, "
                     "allowed: once",
                     old->origin.line, setting->key, form_endings[old->form]);
    } else {
        report_error(draft->report, origin, key, "is set a second time, also by %s, allowed: once",
                     old->origin.where);
    }
}

static char *complaint_about(const struct setting *setting, enum draft_form form, const char *text)
{
    if (form == FORM_PLAIN) {
        return value_complaint(setting, text);
    }
    if (text[0] == '\0') {
        return mem_text(form == FORM_FILE ? "is empty, allowed: the path of a file"
                                          : "is empty, allowed: the name of a variable");
    }
    return NULL;
}

static bool is_quoted(const char *text)
{
    size_t size = strlen(text);

    return size >= 2 && (text[0] == '"' || text[0] == '\'') && text[size - 1] == text[0];
}

void draft_set(struct draft *draft, struct draft_section *section, const struct setting *setting,
               enum draft_form form, const char *text, struct config_origin origin)
{
    struct draft_entry *entry = draft_entry(section, setting);
    char *key = mem_printf("%s%s", setting->key, form_endings[form]);

    if (entry->text != NULL && entry->origin.layer == origin.layer) {
        report_twice(draft, setting, entry, key, &origin);
    } else {
        char *complaint = complaint_about(setting, form, text);

        if (complaint != NULL) {
            report_error(draft->report, &origin, key, "%s", complaint);
        } else if (origin.kind == CONFIG_FROM_FILE && form == FORM_PLAIN &&
                   setting->type == SETTING_SECRET && is_quoted(text)) {
            report_warning(draft->report, &origin, key, "the quotes are part of the value");
        }
        mem_free_secret(entry->text);
        *entry = (struct draft_entry){.text = copy_of(setting, text),
                                      .form = form,
                                      .is_bad = complaint != NULL,
                                      .origin = origin};
        mem_free(complaint);
    }
    mem_free(key);
}
