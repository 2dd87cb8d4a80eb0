/*
 * See file_source.h.
 */
#include "proxy/config/file_source.h"

#include "proxy/config/ini_text.h"
#include "proxy/config/report.h"
#include "proxy/config/suggest.h"
#include "proxy/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_FILE_MAX = 1 << 20 };

struct reading {
    struct draft *draft;
    struct config_origin origin;   /* of the line at hand */
    struct draft_section *section; /* NULL: unknown, its keys are skipped */
};

static void report_unknown_section(const struct reading *reading, const char *kind)
{
    struct suggestion suggestion = suggestion_for(kind);

    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        suggestion_offer(&suggestion, setting_section_name((enum setting_section)i));
    }
    if (suggestion.best != NULL) {
        report_error(reading->draft->report, &reading->origin, "section",
                     "[%s] is unknown, did you mean [%s]?", kind, suggestion.best);
    } else {
        report_error(reading->draft->report, &reading->origin, "section",
                     "[%s] is unknown, allowed: proxy, server NAME, user NAME, monitor, "
                     "consistency, pool, admin, tls, compression",
                     kind);
    }
}

static void open_section(struct reading *reading, enum setting_section kind, const char *name)
{
    struct draft_section *section = draft_find(reading->draft, kind, name);

    if (section == NULL) {
        section = draft_add(reading->draft, kind, name, reading->origin);
    } else if (section->opened_layer == reading->origin.layer) {
        report_error(reading->draft->report, &reading->origin, "section",
                     "[%s%s%s] appears a second time, first on line %u, allowed: once",
                     setting_section_name(kind), name != NULL ? " " : "", name != NULL ? name : "",
                     section->opened_line);
    }
    if (section->origin.kind == CONFIG_FROM_DEFAULT) {
        section->origin = reading->origin;
    }
    if (section->opened_layer != reading->origin.layer) {
        section->opened_layer = reading->origin.layer;
        section->opened_line = reading->origin.line;
    }
    reading->section = section;
}

static void on_section(void *user, unsigned line, const char *kind_name, const char *name)
{
    struct reading *reading = user;
    enum setting_section kind = setting_section_of(kind_name);

    reading->origin.line = line;
    reading->section = NULL;
    if (kind == SECTION_COUNT) {
        report_unknown_section(reading, kind_name);
        return;
    }
    const char *wrong = setting_name_complaint(kind, name);

    if (wrong != NULL) {
        report_error(reading->draft->report, &reading->origin, "section", "[%s%s%s] %s", kind_name,
                     name[0] != '\0' ? " " : "", name, wrong);
        return;
    }
    open_section(reading, kind, setting_section_is_named(kind) ? name : NULL);
}

/* "[pool]" or "[pool] or [proxy]"; NULL when no section has such a key. */
static char *sections_with(const char *key)
{
    char *all = NULL;

    for (size_t i = 0; i < setting_count; i++) {
        if (strcmp(settings[i].key, key) == 0) {
            char *longer = mem_printf("%s%s[%s]", all != NULL ? all : "", all != NULL ? " or " : "",
                                      setting_section_name(settings[i].section));

            mem_free(all);
            all = longer;
        }
    }
    return all;
}

static char *keys_of(enum setting_section section)
{
    char *all = mem_text("");

    for (size_t i = 0; i < setting_count; i++) {
        if (settings[i].section == section) {
            char *longer = mem_printf("%s%s%s", all, all[0] != '\0' ? ", " : "", settings[i].key);

            mem_free(all);
            all = longer;
        }
    }
    return all;
}

static void report_unknown_key(const struct reading *reading, const char *key)
{
    enum setting_section section = reading->section->section;
    const char *section_name = setting_section_name(section);
    struct suggestion suggestion = suggestion_for(key);
    char *elsewhere = sections_with(key);

    for (size_t i = 0; i < setting_count; i++) {
        if (settings[i].section == section) {
            suggestion_offer(&suggestion, settings[i].key);
        }
    }
    if (suggestion.best != NULL) {
        report_error(reading->draft->report, &reading->origin, key,
                     "is unknown in [%s], did you mean %s?", section_name, suggestion.best);
    } else if (elsewhere != NULL) {
        report_error(reading->draft->report, &reading->origin, key,
                     "is unknown in [%s], allowed in %s", section_name, elsewhere);
    } else {
        char *allowed = keys_of(section);

        report_error(reading->draft->report, &reading->origin, key,
                     "is unknown in [%s], allowed: %s", section_name, allowed);
        mem_free(allowed);
    }
    mem_free(elsewhere);
}

/* "removed = on" in the auto file: what the main file has under this name does not count; what
 * follows in the section is a new one. */
static void on_removed(struct reading *reading, const char *value)
{
    if (strcmp(value, "on") != 0) {
        report_error(reading->draft->report, &reading->origin, "removed",
                     "\"%.60s\" is not allowed, allowed: on", value);
        return;
    }
    draft_clear(reading->section, reading->origin);
    reading->section->is_removed = true;
}

static void on_key(void *user, unsigned line, const char *key, const char *value)
{
    struct reading *reading = user;
    const struct setting *setting;
    enum draft_form form;

    reading->origin.line = line;
    if (reading->section == NULL) {
        return;
    }
    if (reading->origin.layer == LAYER_AUTO && strcmp(key, "removed") == 0 &&
        setting_section_is_named(reading->section->section)) {
        on_removed(reading, value);
    } else if (!draft_key(reading->section->section, key, &setting, &form)) {
        report_unknown_key(reading, key);
    } else if (reading->origin.layer == LAYER_AUTO && setting->section == SECTION_PROXY &&
               strcmp(key, "auto_file") == 0) {
        report_error(reading->draft->report, &reading->origin, key,
                     "stands in the auto file itself, allowed: in the main file");
    } else {
        draft_set(reading->draft, reading->section, setting, form, value, reading->origin);
    }
}

static void on_mistake(void *user, unsigned line, const char *word, const char *what)
{
    struct reading *reading = user;

    reading->origin.line = line;
    report_error(reading->draft->report, &reading->origin, word, "%s", what);
}

void file_source_read_text(struct draft *draft, const char *path, enum config_layer layer,
                           const char *text, size_t size)
{
    struct reading reading = {
        .draft = draft,
        .origin = {.kind = CONFIG_FROM_FILE, .where = draft_place(draft, path), .layer = layer},
    };
    const struct ini_sink sink = {
        .user = &reading,
        .on_section = on_section,
        .on_key = on_key,
        .on_mistake = on_mistake,
    };

    ini_text_read(text, size, &sink);
}

int file_read_whole(const char *path, size_t max, char **text, size_t *size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0) {
        return -errno;
    }
    char *room = mem_alloc(max + 2); /* a byte to notice a larger file, a byte for the NUL */
    size_t length = 0;
    ssize_t got;
    int error;

    do {
        got = read(descriptor, room + length, max + 1 - length);
        length += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && length <= max) || (got < 0 && errno == EINTR));
    error = got < 0 ? -errno : length > max ? -EFBIG : 0;
    close(descriptor);
    if (error == 0) {
        *text = mem_alloc(length + 1);
        memcpy(*text, room, length);
        (*text)[length] = '\0';
        *size = length;
    }
    explicit_bzero(room, max + 2);
    mem_free(room);
    return error;
}

bool file_source_read(struct draft *draft, const char *path, enum config_layer layer,
                      bool may_be_missing)
{
    char *text = NULL;
    size_t size = 0;
    int error = file_read_whole(path, CONFIG_FILE_MAX, &text, &size);

    if (error == -ENOENT && may_be_missing) {
        return true;
    }
    if (error != 0 || text == NULL) {
        struct config_origin origin = {
            .kind = CONFIG_FROM_FILE, .where = draft_place(draft, path), .layer = layer};

        report_error(draft->report, &origin, "file", "cannot be read: %s, allowed: %s",
                     strerror(-error), "a readable text of at most 1 MiB");
        return false;
    }
    file_source_read_text(draft, path, layer, text, size);
    explicit_bzero(text, size);
    mem_free(text);
    return true;
}
