/*
 * See config.h. Loading is reading the sources and building from them, see sources.h.
 */
#include "proxy/config/config.h"

#include "proxy/config/build.h"
#include "proxy/config/report.h"
#include "proxy/config/sources.h"
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

/* One attempt; *said gets what was found. */
static struct config *attempt(struct config_sources *sources, const struct options *options,
                              char *const *environment, bool without_auto,
                              struct config_report *report)
{
    config_sources_read(sources, options, environment, without_auto, report);
    if (!sources->is_readable) {
        return NULL;
    }
    return config_sources_build(sources, NULL, NULL, report);
}

struct config *config_open(struct config_sources *sources, const struct options *options,
                           char *const *environment, bool spare_auto, struct config_report *report)
{
    struct config *config = attempt(sources, options, environment, false, report);
    struct config_report without = {.messages = NULL};

    if (config != NULL || !spare_auto || sources->auto_path[0] == '\0') {
        return config;
    }
    config_sources_dispose(sources);
    config = attempt(sources, options, environment, true, &without);
    if (config == NULL) { /* the auto file is not what is wrong */
        config_report_dispose(&without);
        return NULL;
    }
    sources->is_auto_left_out = true;
    report_as_warnings(report);
    report_warning(report,
                   &(struct config_origin){
                       .kind = CONFIG_FROM_FILE, .where = sources->auto_path, .layer = LAYER_LIVE},
                   "file", "is left out because of this: the main file alone is used");
    config_report_dispose(&without);
    return config;
}

struct config *config_load_with(const struct options *options, char *const *environment,
                                struct config_report *report)
{
    struct config_sources sources;
    struct config *config = config_open(&sources, options, environment, false, report);

    config_sources_dispose(&sources);
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
    case CONFIG_FROM_ADMIN:
        return mem_text("admin port");
    case CONFIG_FROM_START:
        return mem_text("the program's start");
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
        fprintf(to, ";     %s\n;     allowed: %s\n", setting->help, allowed);
        mem_free(allowed);
    }
}
