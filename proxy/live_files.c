/*
 * RELOAD, SAVE and DRIFT. See live.h.
 */
#include "proxy/config/auto_file.h"
#include "proxy/config/build.h"
#include "proxy/config/compare.h"
#include "proxy/config/report.h"
#include "proxy/event_ring.h"
#include "proxy/live_state.h"
#include "proxy/memory.h"
#include "proxy/program.h"

#include <string.h>
#include <time.h>

struct lines {
    live_line *line;
    void *context;
    const char *note;
};

static const char *text_of(const struct config_value *value)
{
    return value != NULL ? value->text : NULL;
}

static void tell(void *context, const struct config_value *was, const struct config_value *is)
{
    const struct lines *lines = context;
    const struct config_value *any = is != NULL ? is : was;
    char *name = config_value_name(any);
    char *where = is != NULL ? config_origin_text(&is->origin) : mem_text("removed");

    lines->line(lines->context, name, text_of(was), text_of(is), where, lines->note);
    mem_free(where);
    mem_free(name);
}

static void compare(const struct config *before, const struct config *after, live_line *line,
                    void *context)
{
    struct lines lines = {.line = line, .context = context, .note = ""};

    if (line != NULL) {
        config_compare(before, after, tell, &lines);
    }
}

/* ---- RELOAD ---- */

struct keeping {
    struct config_edits kept;
    struct lines lines;
};

/* A value that cannot change while the program runs stays as it is, and the user is told. */
static void keep(void *context, const struct config_value *was, const struct config_value *is)
{
    struct keeping *keeping = context;

    if (was == NULL || is == NULL || was->setting->reloadable) {
        return;
    }
    config_edits_append(&keeping->kept, EDIT_KEEP, setting_section_name(was->setting->section),
                        was->instance, was->setting->key, was->text);
    if (keeping->lines.line != NULL) {
        tell(&keeping->lines, was, is);
    }
}

static struct config *build_reloaded(const struct live *live, struct config_sources *sources,
                                     struct keeping *keeping, struct config_report *report)
{
    struct config *as_read = config_sources_build(sources, NULL, NULL, report);
    struct config *config;

    if (as_read == NULL) {
        return NULL;
    }
    config_compare(live->config, as_read, keep, keeping);
    config_unref(as_read);
    config = config_sources_build(sources, NULL, &keeping->kept, report);
    return config;
}

static void adopt(struct live *live, struct config_sources *sources, struct keeping *keeping)
{
    config_sources_dispose(live->sources);
    mem_free(live->sources);
    live->sources = sources;
    config_edits_dispose(&live->edits);
    config_edits_dispose(&live->kept);
    live->kept = keeping->kept;
    keeping->kept = (struct config_edits){.items = NULL};
}

static void count_reload(struct live *live, bool good)
{
    pthread_mutex_lock(&live->reading);
    live->reloads.was_good = good;
    if (good) {
        live->reloads.good++;
        live->reloads.good_unix = (int64_t)time(NULL);
    } else {
        live->reloads.failed++;
    }
    pthread_mutex_unlock(&live->reading);
}

bool live_reload(struct live *live, bool is_dry, const char *who, live_line *line, void *context,
                 char **error)
{
    struct config_report report = {.messages = NULL};
    struct config_sources *sources = mem_calloc(1, sizeof *sources);
    struct keeping keeping = {
        .lines = {.line = line, .context = context, .note = "takes effect at the next start"}};
    struct config *before = live_config(live);
    struct config *config;
    bool good;

    *error = NULL;
    pthread_mutex_lock(&live->changing);
    config_sources_read(sources, live->sources->options, live->sources->environment, false,
                        &report);
    config = sources->is_readable ? build_reloaded(live, sources, &keeping, &report) : NULL;
    good = config != NULL;
    if (!good) {
        *error = live_report_text(&report);
    } else {
        compare(before, config, line, context);
        good = is_dry || live_publish(live, config, true, who, error);
    }
    if (good && !is_dry) {
        adopt(live, sources, &keeping);
    } else {
        config_sources_dispose(sources);
        mem_free(sources);
    }
    pthread_mutex_unlock(&live->changing);
    if (!is_dry) {
        count_reload(live, good);
    }
    if (good && !is_dry) {
        event_ring_add(live->program->events, "config", NULL, "reloaded", who);
    } else if (!is_dry) {
        event_ring_alarm(live->program->events, "config", NULL, "not reloaded, nothing was changed",
                         *error);
    }
    config_edits_dispose(&keeping.kept);
    config_unref(config);
    config_unref(before);
    config_report_dispose(&report);
    return good;
}

/* ---- SAVE ---- */

struct saving {
    const struct live *live;
    live_line *line;
    void *context;
};

static const char *shown(const struct setting *setting, const struct draft_entry *entry)
{
    if (entry == NULL || entry->text == NULL) {
        return setting->default_text;
    }
    return (setting->type == SETTING_SECRET || setting->type == SETTING_PASSWORD_HASH) &&
                   entry->form == FORM_PLAIN && entry->text[0] != '\0'
               ? "********"
               : entry->text;
}

/* Who will have the last word at the next start, when it is not the file. */
static char *overridden_by(const struct live *live, const struct draft_section *section,
                           const struct setting *setting)
{
    const struct draft_section *full =
        draft_find(&live->sources->full, section->section, section->name);
    const struct draft_entry *entry = full != NULL ? draft_entry(full, setting) : NULL;

    if (entry == NULL || entry->text == NULL || entry->origin.layer <= LAYER_AUTO) {
        return mem_text("");
    }
    char *origin = config_origin_text(&entry->origin);
    char *text = mem_printf("overridden by %s at the next start", origin);

    mem_free(origin);
    return text;
}

static void tell_saved(void *context, const struct draft_section *section,
                       const struct setting *setting, const struct draft_entry *main,
                       const struct draft_entry *saved)
{
    const struct saving *saving = context;
    const char *word = setting_section_name(section->section);
    char *name = mem_printf("%s%s%s%s%s", word, section->name != NULL ? " " : "",
                            section->name != NULL ? section->name : "", setting != NULL ? "." : "",
                            setting != NULL ? setting->key : "");
    char *note = setting != NULL ? overridden_by(saving->live, section, setting) : mem_text("");

    if (saving->line != NULL) {
        saving->line(saving->context, name, setting != NULL ? shown(setting, main) : "configured",
                     setting != NULL ? shown(setting, saved) : "removed", saving->live->auto_path,
                     note);
    }
    mem_free(note);
    mem_free(name);
}

/* Edits that the auto file says now are forgotten; those that environment or flags would override
 * stay, for as long as the program runs. */
static void forget_saved(struct live *live)
{
    struct config_edits left = {.items = NULL};

    for (size_t i = 0; i < live->edits.count; i++) {
        const struct config_edit *edit = &live->edits.items[i];
        enum setting_section kind = setting_section_of(edit->section);
        const struct draft_section *section = draft_find(&live->sources->full, kind, edit->name);
        const struct setting *setting;
        enum draft_form form;

        if (edit->kind == EDIT_SET && section != NULL &&
            draft_key(kind, edit->key, &setting, &form) &&
            draft_entry(section, setting)->origin.layer > LAYER_AUTO) {
            config_edits_append(&left, EDIT_SET, edit->section, edit->name, edit->key, edit->value);
        }
    }
    config_edits_dispose(&live->edits);
    live->edits = left;
}

static bool save(struct live *live, const char *who, const struct saving *saving, char **error)
{
    struct config_report report = {.messages = NULL};
    struct config *config;
    char *text;
    bool good;

    if (live->auto_path[0] == '\0') {
        *error = mem_text("there is no auto file to save to: it stands beside the configuration "
                          "file, or where [proxy] auto_file says");
        return false;
    }
    if (live->sources->is_auto_left_out) {
        *error =
            mem_printf("%s is broken and was left out at the start: mend or remove it, RELOAD, "
                       "then SAVE",
                       live->auto_path);
        return false;
    }
    text = auto_file_text(live->sources, &live->edits, tell_saved, (void *)saving, error);
    if (text == NULL) {
        return false;
    }
    good = auto_file_write(live->auto_path, text, error);
    if (good) {
        config_sources_read_auto(live->sources, text, strlen(text), &report);
        forget_saved(live);
        config = config_sources_build(live->sources, &live->edits, &live->kept, &report);
        if (config != NULL) { /* the same values, with the file as their origin */
            (void)live_publish(live, config, false, who, error);
            config_unref(config);
        }
    }
    mem_free_secret(text);
    config_report_dispose(&report);
    return good;
}

bool live_save(struct live *live, const char *who, live_line *line, void *context, char **error)
{
    struct saving saving = {.live = live, .line = line, .context = context};
    bool good;

    *error = NULL;
    pthread_mutex_lock(&live->changing);
    good = save(live, who, &saving, error);
    pthread_mutex_unlock(&live->changing);
    if (good) {
        event_ring_add(live->program->events, "config", NULL, "saved", who);
    } else {
        event_ring_alarm(live->program->events, "config", NULL, "not saved", *error);
    }
    return good;
}

/* ---- DRIFT ---- */

void live_drift(struct live *live, live_line *line, void *context)
{
    struct config_report report = {.messages = NULL};
    struct config *main;
    struct draft draft;

    pthread_mutex_lock(&live->changing);
    draft_copy(&draft, &live->sources->main, &report);
    main = config_build(&draft, live->sources->environment);
    compare(main, live->config, line, context);
    config_unref(main);
    draft_dispose(&draft);
    pthread_mutex_unlock(&live->changing);
    config_report_dispose(&report);
}
