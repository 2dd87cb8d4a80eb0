/*
 * Sources of a configuration. See sources.h. Everything hard is in the files beside this one.
 */
#include "proxy/config/sources.h"

#include "proxy/config/build.h"
#include "proxy/config/environment_source.h"
#include "proxy/config/file_source.h"
#include "proxy/config/report.h"
#include "proxy/config/rules.h"
#include "proxy/memory.h"
#include "proxy/options.h"

#include <assert.h>
#include <string.h>

/* The auto file stands beside the main file unless a setting moves it. Owner: the caller; "" when
 * there is none. */
static char *find_auto_path(const struct draft *draft, const char *main_path,
                            char *const *environment)
{
    const struct setting *setting = setting_find(SECTION_PROXY, "auto_file");
    const struct draft_entry *entry = draft_entry(draft_find(draft, SECTION_PROXY, NULL), setting);
    const char *path = process_environment_value(environment, "TIDEMARK_PROXY_AUTO_FILE");
    const char *slash;

    if (path != NULL) {
        return mem_text(path);
    }
    if (main_path == NULL) {
        return mem_text("");
    }
    path = entry->text != NULL ? entry->text : setting->default_text;
    slash = strrchr(main_path, '/');
    if (path[0] == '\0' || path[0] == '/' || slash == NULL) {
        return mem_text(path);
    }
    return mem_printf("%.*s%s", (int)(slash + 1 - main_path), main_path, path);
}

static void read_flags(struct draft *draft, const struct options *options)
{
    for (size_t i = 0; i < options->override_count; i++) {
        const struct option_override *override = &options->overrides[i];
        enum setting_section section = setting_section_of(override->section);
        const struct setting *setting = setting_find(section, override->key);

        assert(setting != NULL);
        draft_set(draft, draft_find(draft, section, NULL), setting, FORM_PLAIN, override->value,
                  (struct config_origin){.kind = CONFIG_FROM_FLAG,
                                         .where = draft_place(draft, override->flag),
                                         .layer = LAYER_FLAGS});
    }
}

/* The upper layers, from what the auto file added to the main one. */
static void read_full(struct config_sources *sources, struct config_report *report)
{
    draft_copy(&sources->full, &sources->saved, report);
    environment_source_read(&sources->full, sources->environment);
    read_flags(&sources->full, sources->options);
}

static void report_anew(struct config_report *to, const struct config_report *from)
{
    for (size_t i = 0; i < from->count; i++) {
        report_repeat(to, &from->messages[i]);
    }
}

void config_sources_read(struct config_sources *sources, const struct options *options,
                         char *const *environment, bool without_auto, struct config_report *report)
{
    const char *path = options->config_file;

    *sources = (struct config_sources){
        .main_path = path != NULL ? mem_text(path) : NULL,
        .is_readable = true,
        .environment = environment,
        .options = options,
    };
    draft_init(&sources->main, &sources->ignored);
    if (path != NULL) {
        sources->is_readable = file_source_read(&sources->main, path, LAYER_MAIN, false);
    }
    sources->auto_path = find_auto_path(&sources->main, path, environment);
    draft_copy(&sources->saved, &sources->main, &sources->ignored);
    /* Without its file everything else would look wrong too, and none of that would help. */
    if (sources->is_readable && !without_auto && sources->auto_path[0] != '\0') {
        file_source_read(&sources->saved, sources->auto_path, LAYER_AUTO, true);
    }
    report_anew(report, &sources->ignored);
    if (sources->is_readable) {
        read_full(sources, report);
    } else {
        draft_copy(&sources->full, &sources->saved, report);
    }
}

void config_sources_read_auto(struct config_sources *sources, const char *text, size_t size,
                              struct config_report *report)
{
    draft_dispose(&sources->full);
    draft_dispose(&sources->saved);
    draft_copy(&sources->saved, &sources->main, report);
    file_source_read_text(&sources->saved, sources->auto_path, LAYER_AUTO, text, size);
    read_full(sources, report);
}

void config_sources_dispose(struct config_sources *sources)
{
    draft_dispose(&sources->full);
    draft_dispose(&sources->saved);
    draft_dispose(&sources->main);
    config_report_dispose(&sources->ignored);
    mem_free(sources->main_path);
    mem_free(sources->auto_path);
    *sources = (struct config_sources){.main_path = NULL};
}

struct config *config_sources_build(const struct config_sources *sources,
                                    const struct config_edits *edits,
                                    const struct config_edits *kept, struct config_report *report)
{
    struct config *config;
    struct draft draft;

    draft_copy(&draft, &sources->full, report);
    if (kept != NULL) {
        config_edits_apply(kept, &draft, sources->auto_path);
    }
    if (edits != NULL) {
        config_edits_apply(edits, &draft, sources->auto_path);
    }
    config = config_build(&draft, sources->environment);
    rules_check(config, &draft, sources->main_path);
    report_sort(report);
    draft_dispose(&draft);
    if (report->error_count != 0) {
        config_unref(config);
        config = NULL;
    }
    return config;
}
