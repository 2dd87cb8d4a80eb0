/*
 * See environment_source.h. Names are matched by making the variable's name of each known key and
 * comparing; the other way round would have to guess where a section ends and a key begins.
 */
#include "proxy/config/environment_source.h"

#include "proxy/config/report.h"
#include "proxy/config/suggest.h"
#include "proxy/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "TIDEMARK_"

const char *process_environment_value(char *const *environment, const char *name)
{
    size_t size = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
            return *environment + size + 1;
        }
    }
    return NULL;
}

/* Makes text part of a variable's name, in place. */
static char *shout(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    }
    return text;
}

/* "TIDEMARK_SERVER_DB1_"; name NULL for sections that exist once. Owner: the caller. */
static char *section_prefix(enum setting_section section, const char *name)
{
    return shout(mem_printf(PREFIX "%s_%s%s", setting_section_name(section),
                            name != NULL ? name : "", name != NULL ? "_" : ""));
}

/* Which key of the section does the rest of a variable's name mean? */
static bool key_of(enum setting_section section, const char *rest, const struct setting **setting,
                   enum draft_form *form)
{
    char *key = mem_text(rest);
    bool is_upper = true;

    for (char *c = key; *c != '\0'; c++) {
        is_upper = is_upper && !islower((unsigned char)*c);
        *c = (char)tolower((unsigned char)*c);
    }
    bool found = is_upper && draft_key(section, key, setting, form);

    mem_free(key);
    return found;
}

static bool set_in(struct draft *draft, struct draft_section *section, const char *variable,
                   const char *value)
{
    char *prefix = section_prefix(section->section, section->name);
    size_t prefix_size = strlen(prefix);
    const struct setting *setting;
    enum draft_form form;
    bool is_meant = strncmp(variable, prefix, prefix_size) == 0 &&
                    key_of(section->section, variable + prefix_size, &setting, &form);

    if (is_meant) {
        draft_set(draft, section, setting, form, value,
                  (struct config_origin){.kind = CONFIG_FROM_ENVIRONMENT,
                                         .where = draft_place(draft, variable),
                                         .layer = LAYER_ENVIRONMENT});
    }
    mem_free(prefix);
    return is_meant;
}

/* A server or user of which no file has spoken: the name is what stands before a known key. */
static bool make_section(struct draft *draft, enum setting_section kind, const char *variable,
                         const char *value)
{
    char *prefix = section_prefix(kind, NULL);
    size_t prefix_size = strlen(prefix);
    bool made = false;

    if (strncmp(variable, prefix, prefix_size) == 0) {
        const char *name = variable + prefix_size;
        const struct setting *setting;
        enum draft_form form;

        for (const char *c = strchr(name, '_'); c != NULL && !made; c = strchr(c + 1, '_')) {
            if (c == name || !key_of(kind, c + 1, &setting, &form)) {
                continue;
            }
            char *lower = mem_text_of(name, (size_t)(c - name));

            for (char *l = lower; *l != '\0'; l++) {
                *l = (char)tolower((unsigned char)*l);
            }
            struct config_origin origin = {.kind = CONFIG_FROM_ENVIRONMENT,
                                           .where = draft_place(draft, variable),
                                           .layer = LAYER_ENVIRONMENT};

            made = set_in(draft, draft_add(draft, kind, lower, origin), variable, value);
            mem_free(lower);
        }
    }
    mem_free(prefix);
    return made;
}

/* Kubernetes announces every service to every container; one called "tidemark" or
 * "tidemark-proxy" gets names that look like ours: TIDEMARK_SERVICE_HOST, TIDEMARK_PROXY_PORT,
 * TIDEMARK_PROXY_PORT_6033_TCP_ADDR. They are not meant for us. */
static bool is_service_link(const char *variable)
{
    const char *port = strstr(variable, "_PORT");

    if (strstr(variable, "_SERVICE_HOST") != NULL || strstr(variable, "_SERVICE_PORT") != NULL) {
        return true;
    }
    return port != NULL && (port[5] == '\0' || (port[5] == '_' && isdigit((unsigned char)port[6])));
}

static void offer_all(struct suggestion *suggestion, const struct draft *draft, char **words,
                      size_t *word_count)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_section *section = draft->sections[i];
        char *prefix = section_prefix(section->section, section->name);

        for (size_t j = 0; j < setting_count; j++) {
            if (settings[j].section == section->section) {
                char *word = mem_printf("%s%s", prefix, settings[j].key);

                words[*word_count] = shout(word);
                suggestion_offer(suggestion, word);
                ++*word_count;
            }
        }
        mem_free(prefix);
    }
}

/* In one of our sections an unknown key is a mistake; other names may be anybody's and are only
 * worth a warning when they look like a slip. */
static void report_unknown(const struct draft *draft, const char *variable, bool in_section)
{
    struct config_origin origin = {.kind = CONFIG_FROM_ENVIRONMENT,
                                   .where = draft->places[draft->place_count - 1],
                                   .layer = LAYER_ENVIRONMENT};
    struct suggestion suggestion = suggestion_for(variable);
    char **words = mem_calloc(draft->count * setting_count, sizeof(words[0]));
    size_t word_count = 0;

    suggestion.distance = 4; /* the long common beginning must not make everything near */
    offer_all(&suggestion, draft, words, &word_count);
    if (in_section && suggestion.best != NULL) {
        report_error(draft->report, &origin, "", "means no setting, did you mean %s?",
                     suggestion.best);
    } else if (in_section) {
        report_error(draft->report, &origin, "",
                     "means no setting, allowed: TIDEMARK_SECTION_KEY or "
                     "TIDEMARK_SECTION_NAME_KEY with a known key");
    } else if (suggestion.best != NULL) {
        report_warning(draft->report, &origin, "", "means no setting, did you mean %s?",
                       suggestion.best);
    }
    while (word_count > 0) {
        mem_free(words[--word_count]);
    }
    mem_free(words);
}

static bool begins_like_a_section(const char *variable)
{
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        char *prefix = section_prefix((enum setting_section)i, NULL);
        bool begins = strncmp(variable, prefix, strlen(prefix)) == 0;

        mem_free(prefix);
        if (begins) {
            return true;
        }
    }
    return false;
}

static void read_variable(struct draft *draft, const char *variable, const char *value)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (set_in(draft, draft->sections[i], variable, value)) {
            return;
        }
    }
    if (is_service_link(variable) || make_section(draft, SECTION_SERVER, variable, value) ||
        make_section(draft, SECTION_USER, variable, value)) {
        return;
    }
    draft_place(draft, variable);
    report_unknown(draft, variable, begins_like_a_section(variable));
}

static void report_clashes(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_section *later = draft->sections[i];

        for (size_t j = 0; j < i && later->name != NULL; j++) {
            const struct draft_section *earlier = draft->sections[j];

            if (earlier->section != later->section) {
                continue;
            }
            char *a = section_prefix(earlier->section, earlier->name);
            char *b = section_prefix(later->section, later->name);

            if (strcmp(a, b) == 0) {
                report_error(draft->report, &later->origin, "section",
                             "[%s %s] and [%s %s] have the same names %s... in the environment, "
                             "allowed: names that differ in letters and digits",
                             setting_section_name(earlier->section), earlier->name,
                             setting_section_name(later->section), later->name, a);
            }
            mem_free(a);
            mem_free(b);
        }
    }
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The order of an environment is chance; the order of servers should not be. */
void environment_source_read(struct draft *draft, char *const *environment)
{
    char **ours = NULL;
    size_t count = 0;

    report_clashes(draft);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, PREFIX, strlen(PREFIX)) == 0 &&
            strchr(*environment, '=') != NULL) {
            ours = mem_realloc(ours, (count + 1) * sizeof(ours[0]));
            ours[count++] = *environment;
        }
    }
    if (count > 1) {
        qsort(ours, count, sizeof(ours[0]), by_text);
    }
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(ours[i], '=');
        char *variable = mem_text_of(ours[i], (size_t)(equals - ours[i]));

        read_variable(draft, variable, equals + 1);
        mem_free(variable);
    }
    mem_free(ours);
}
