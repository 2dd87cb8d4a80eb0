/*
 * See build.h. One function fills any section: it walks the table of settings and writes each value
 * at the offset the table gives.
 */
#include "proxy/config/build.h"

#include "proxy/config/report.h"
#include "proxy/config/secret.h"
#include "proxy/config/value.h"
#include "proxy/memory.h"

#include <string.h>

struct build {
    struct draft *draft;
    char *const *environment;
    struct config *config;
};

/* Relative paths start at the folder of the file they are written in. Owner: the caller. */
static char *resolved(const char *path, const struct config_origin *origin)
{
    bool is_file = origin->kind == CONFIG_FROM_FILE || origin->kind == CONFIG_FROM_ADMIN;
    const char *slash = is_file ? strrchr(origin->where, '/') : NULL;

    if (path[0] == '\0' || path[0] == '/' || slash == NULL) {
        return mem_text(path);
    }
    return mem_printf("%.*s%s", (int)(slash + 1 - origin->where), origin->where, path);
}

/* The text that the field is parsed from. Owner: the caller. */
static char *text_for(struct build *build, const struct setting *setting,
                      const struct draft_entry *entry)
{
    char *complaint = NULL;
    char *text;

    if (entry->text == NULL || entry->is_bad) {
        return setting->default_text != NULL ? mem_text(setting->default_text) : NULL;
    }
    if (entry->form == FORM_FILE) {
        char *path = resolved(entry->text, &entry->origin);

        text = secret_from_file(path, &complaint);
        mem_free(path);
    } else if (entry->form == FORM_ENV) {
        text = secret_from_environment(build->environment, entry->text, &complaint);
    } else if (setting->type == SETTING_PATH) {
        text = resolved(entry->text, &entry->origin);
    } else {
        text = mem_secret(entry->text); /* whether it is one or not: it is gone in a moment */
    }
    if (complaint != NULL) {
        char *key = mem_printf("%s%s", setting->key, draft_form_ending(entry->form));

        report_error(build->draft->report, &entry->origin, key, "%s", complaint);
        mem_free(key);
        mem_free(complaint);
        text = mem_text(setting->default_text);
    }
    return text;
}

/* What a user asked for and the program has no part for yet. */
static void check_built(struct build *build, const struct setting *setting,
                        const struct draft_entry *entry)
{
    if (entry->text == NULL || entry->is_bad || entry->text[0] == '\0') {
        return;
    }
    if (setting->type == SETTING_CHOICE) {
        unsigned bit = 1U << setting_choice_index(setting, entry->text);

        if ((setting->refused & bit) != 0) {
            report_error(build->draft->report, &entry->origin, setting->key,
                         "\"%s\" is not built yet and cannot be ignored safely, allowed for now: "
                         "%s",
                         entry->text, setting->choices[0]);
        }
    }
}

static struct config_origin owned_origin(const struct draft_entry *entry)
{
    struct config_origin origin = entry->origin;

    if (entry->text == NULL) {
        origin = (struct config_origin){.kind = CONFIG_FROM_DEFAULT};
    }
    origin.where = mem_text(origin.where != NULL ? origin.where : "");
    return origin;
}

static void add_value(struct build *build, const struct draft_section *section,
                      const struct setting *setting, const char *text)
{
    struct config *config = build->config;
    const char *shown = text == NULL ? "" : text;

    if ((setting->type == SETTING_SECRET || setting->type == SETTING_PASSWORD_HASH) &&
        shown[0] != '\0') {
        shown = "********";
    }
    config->values =
        mem_realloc(config->values, (config->value_count + 1) * sizeof(config->values[0]));
    config->values[config->value_count++] = (struct config_value){
        .setting = setting,
        .instance = section->name != NULL ? mem_text(section->name) : NULL,
        .text = mem_text(shown),
        .origin = owned_origin(draft_entry(section, setting)),
    };
}

/* target: the section's struct, all zero. */
static void fill_section(struct build *build, const struct draft_section *section, void *target)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &settings[i];

        if (setting->section != section->section) {
            continue;
        }
        const struct draft_entry *entry = draft_entry(section, setting);
        char *text = text_for(build, setting, entry);

        if (text != NULL) {
            char *complaint = value_parse(setting, text, (char *)target + setting->offset);

            if (complaint != NULL) { /* a path grown too odd by its folder; no other text is new */
                report_error(build->draft->report, &entry->origin, setting->key, "%s", complaint);
                mem_free(complaint);
            }
        }
        check_built(build, setting, entry);
        add_value(build, section, setting, text);
        mem_free_secret(text);
    }
}

static void *grow(void *items, size_t count, size_t size)
{
    char *grown = mem_realloc(items, (count + 1) * size);

    memset(grown + count * size, 0, size);
    return grown;
}

static void *target_for(struct config *config, const struct draft_section *section)
{
    switch (section->section) {
    case SECTION_PROXY:
        return &config->proxy;
    case SECTION_SERVER:
        config->servers = grow(config->servers, config->server_count, sizeof(*config->servers));
        config->servers[config->server_count].name = mem_text(section->name);
        return &config->servers[config->server_count++];
    case SECTION_USER:
        config->users = grow(config->users, config->user_count, sizeof(*config->users));
        config->users[config->user_count].name = mem_text(section->name);
        return &config->users[config->user_count++];
    case SECTION_MONITOR:
        return &config->monitor;
    case SECTION_CONSISTENCY:
        return &config->consistency;
    case SECTION_POOL:
        return &config->pool;
    case SECTION_ADMIN:
        return &config->admin;
    case SECTION_TLS:
        return &config->tls;
    case SECTION_COMPRESSION:
        return &config->compression;
    case SECTION_COUNT:
        break;
    }
    return NULL;
}

/* A user whose only credential is a hash has no password, which is not the same as an empty one. */
static void forget_missing_password(struct build *build, const struct draft_section *section)
{
    const struct setting *password = setting_find(SECTION_USER, "password");
    struct config_user *user = &build->config->users[build->config->user_count - 1];

    const struct draft_entry *entry = draft_entry(section, password);

    if (entry->text == NULL ||
        (entry->form == FORM_PLAIN && entry->text[0] == '\0' && user->password_hash != NULL)) {
        mem_free_secret(user->password);
        user->password = NULL;
    }
}

struct config *config_build(struct draft *draft, char *const *environment)
{
    struct build build = {
        .draft = draft,
        .environment = environment,
        .config = mem_calloc(1, sizeof(struct config)),
    };

    atomic_init(&build.config->references, 1);
    for (unsigned kind = 0; kind < SECTION_COUNT; kind++) {
        for (size_t i = 0; i < draft->count; i++) {
            const struct draft_section *section = draft->sections[i];

            if (section->section != (enum setting_section)kind || section->is_removed) {
                continue;
            }
            fill_section(&build, section, target_for(build.config, section));
            if (kind == SECTION_USER) {
                forget_missing_password(&build, section);
            }
        }
    }
    return build.config;
}

static void dispose_section(enum setting_section section, void *target)
{
    for (size_t i = 0; i < setting_count; i++) {
        if (settings[i].section == section) {
            value_dispose(&settings[i], (char *)target + settings[i].offset);
        }
    }
}

void config_free(struct config *config)
{
    dispose_section(SECTION_PROXY, &config->proxy);
    dispose_section(SECTION_MONITOR, &config->monitor);
    dispose_section(SECTION_CONSISTENCY, &config->consistency);
    dispose_section(SECTION_POOL, &config->pool);
    dispose_section(SECTION_ADMIN, &config->admin);
    dispose_section(SECTION_TLS, &config->tls);
    dispose_section(SECTION_COMPRESSION, &config->compression);
    for (size_t i = 0; i < config->server_count; i++) {
        mem_free(config->servers[i].name);
        dispose_section(SECTION_SERVER, &config->servers[i]);
    }
    for (size_t i = 0; i < config->user_count; i++) {
        mem_free(config->users[i].name);
        dispose_section(SECTION_USER, &config->users[i]);
    }
    for (size_t i = 0; i < config->value_count; i++) {
        mem_free(config->values[i].instance);
        mem_free(config->values[i].text);
        mem_free(config->values[i].origin.where);
    }
    mem_free(config->servers);
    mem_free(config->users);
    mem_free(config->values);
    mem_free(config);
}
