/*
 * See config.h. Loading is a list of layers written into one draft; everything hard is in the files
 * beside this one.
 */
#include "proxy/config/config.h"

#include "proxy/config/build.h"
#include "proxy/config/draft.h"
#include "proxy/config/environment_source.h"
#include "proxy/config/file_source.h"
#include "proxy/config/report.h"
#include "proxy/config/rules.h"
#include "proxy/memory.h"
#include "proxy/options.h"
#include "router/balance.h"
#include "router/route.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

/* The words of a file are the router's words, so a value here can be cast to the router's enum. */
static_assert((int)CONFIG_EVENTUAL == (int)CONSISTENCY_EVENTUAL &&
                  (int)CONFIG_BOUNDED == (int)CONSISTENCY_BOUNDED &&
                  (int)CONFIG_SESSION == (int)CONSISTENCY_SESSION &&
                  (int)CONFIG_MONOTONIC == (int)CONSISTENCY_MONOTONIC &&
                  (int)CONFIG_STRONG == (int)CONSISTENCY_STRONG,
              "enum config_consistency follows enum consistency");
static_assert((int)CONFIG_ROUND_ROBIN == (int)BALANCE_ROUND_ROBIN &&
                  (int)CONFIG_LEAST_CONNECTIONS == (int)BALANCE_LEAST_CONNECTIONS &&
                  (int)CONFIG_LEAST_LATENCY == (int)BALANCE_LEAST_LATENCY &&
                  (int)CONFIG_CLIENT_HASH == (int)BALANCE_CLIENT_HASH,
              "enum config_balance follows enum balance");

/* The auto file stands beside the main file unless a setting moves it. Owner: the caller; NULL when
 * there is none. */
static char *auto_file_path(const struct draft *draft, const char *main_path,
                            char *const *environment)
{
    const struct setting *setting = setting_find(SECTION_PROXY, "auto_file");
    const struct draft_entry *entry = draft_entry(draft_find(draft, SECTION_PROXY, NULL), setting);
    const char *path = process_environment_value(environment, "TIDEMARK_PROXY_AUTO_FILE");

    if (path != NULL) {
        return path[0] != '\0' ? mem_text(path) : NULL;
    }
    if (main_path == NULL) {
        return NULL;
    }
    path = entry->text != NULL ? entry->text : setting->default_text;
    const char *slash = strrchr(main_path, '/');

    if (path[0] == '\0') {
        return NULL;
    }
    if (path[0] == '/' || slash == NULL) {
        return mem_text(path);
    }
    return mem_printf("%.*s%s", (int)(slash + 1 - main_path), main_path, path);
}

static void read_auto_file(struct draft *draft, const char *main_path, char *const *environment)
{
    char *path = auto_file_path(draft, main_path, environment);

    if (path != NULL) {
        file_source_read(draft, path, LAYER_AUTO, true);
    }
    mem_free(path);
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

struct config *config_load_with(const struct options *options, char *const *environment,
                                struct config_report *report)
{
    const char *path = options->config_file;
    struct config *config = NULL;
    struct draft draft;

    draft_init(&draft, report);
    /* Without its file everything else would look wrong too, and none of that would help. */
    if (path == NULL || file_source_read(&draft, path, LAYER_MAIN, false)) {
        read_auto_file(&draft, path, environment);
        environment_source_read(&draft, environment);
        read_flags(&draft, options);
        config = config_build(&draft, environment);
        rules_check(config, &draft, path);
    }
    report_sort(report);
    draft_dispose(&draft);
    if (config != NULL && report->error_count != 0) {
        config_free(config);
        config = NULL;
    }
    return config;
}

struct config *config_load(const struct options *options, struct config_report *report)
{
    return config_load_with(options, environ, report);
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config *config)
{
    if (config != NULL &&
        atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) == 1) {
        config_free(config);
    }
}

const struct config_server *config_find_server(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (strcmp(config->servers[i].name, name) == 0) {
            return &config->servers[i];
        }
    }
    return NULL;
}

const struct config_user *config_find_user(const struct config *config, const char *name,
                                           size_t name_size)
{
    for (size_t i = 0; i < config->user_count; i++) {
        const char *candidate = config->users[i].name;

        if (strlen(candidate) == name_size && memcmp(candidate, name, name_size) == 0) {
            return &config->users[i];
        }
    }
    return NULL;
}

char *config_origin_text(const struct config_origin *origin)
{
    switch (origin->kind) {
    case CONFIG_FROM_DEFAULT:
        break;
    case CONFIG_FROM_FILE:
        return mem_printf("%s:%u", origin->where, origin->line);
    case CONFIG_FROM_ENVIRONMENT:
        return mem_printf("environment %s", origin->where);
    case CONFIG_FROM_FLAG:
        return mem_printf("flag %s", origin->where);
    }
    return mem_text("default");
}

static const char *word_of(enum setting_section section, const char *key, int index)
{
    return setting_find(section, key)->choices[index];
}

const char *config_consistency_name(enum config_consistency consistency)
{
    return consistency == CONFIG_CONSISTENCY_UNSET
               ? ""
               : word_of(SECTION_CONSISTENCY, "default", (int)consistency);
}

const char *config_role_name(enum config_role role)
{
    return word_of(SECTION_SERVER, "role", (int)role);
}

const char *config_balance_name(enum config_balance balance)
{
    return word_of(SECTION_POOL, "balance", (int)balance);
}

void config_print_settings(FILE *to)
{
    enum setting_section section = SECTION_COUNT;

    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &settings[i];
        char *allowed = setting_allowed(setting);

        if (setting->section != section) {
            fprintf(to, "%s[%s%s]\n", i != 0 ? "\n" : "", setting_section_name(setting->section),
                    setting_section_is_named(setting->section) ? " NAME" : "");
            section = setting->section;
        }
        fprintf(to, "%s%s = %s\n", setting->default_text != NULL ? "; " : "", setting->key,
                setting->default_text != NULL ? setting->default_text : "");
        fprintf(to, ";     %s\n;     allowed: %s%s\n", setting->help, allowed,
                setting->not_yet ? " (no effect yet)" : "");
        mem_free(allowed);
    }
}
