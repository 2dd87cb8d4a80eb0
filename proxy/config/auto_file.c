/*
 * What SAVE writes. See auto_file.h.
 */
#include "proxy/config/auto_file.h"

#include "proxy/config/report.h"
#include "proxy/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] =
    "# Written by SAVE on Tidemark's admin port, read after the main file: what differs from it.\n"
    "# The next SAVE writes it anew.\n";

/* ---- the text ---- */

/* A value as the file has to say it: the default where nothing is set but the main file sets it. */
static const char *text_of(const struct setting *setting, const struct draft_entry *entry)
{
    return entry->text != NULL             ? entry->text
           : setting->default_text != NULL ? setting->default_text
                                           : "";
}

/* To say what is so anyway would only be in the way of a later change of the main file. But no
 * password and an empty one are not the same. */
static bool same_entry(const struct setting *setting, const struct draft_entry *a,
                       const struct draft_entry *b)
{
    if ((a->text == NULL) != (b->text == NULL) && setting->type == SETTING_SECRET) {
        return false;
    }
    return a->form == b->form && strcmp(text_of(setting, a), text_of(setting, b)) == 0;
}

struct writing {
    FILE *out;
    auto_file_value *value;
    void *context;
};

static void write_head(const struct writing *writing, const struct draft_section *section)
{
    fprintf(writing->out, "\n[%s%s%s]\n", setting_section_name(section->section),
            section->name != NULL ? " " : "", section->name != NULL ? section->name : "");
}

static void write_section(const struct writing *writing, const struct draft_section *section,
                          const struct draft_section *main)
{
    static const struct draft_entry nothing = {.text = NULL};
    bool has_head = false;

    if (main == NULL && section->name != NULL) {
        write_head(writing, section);
        has_head = true;
    }
    for (size_t i = 0; i < setting_count; i++) {
        const struct draft_entry *entry = &section->entries[i];
        const struct draft_entry *old = main != NULL ? &main->entries[i] : &nothing;

        if (settings[i].section != section->section || same_entry(&settings[i], entry, old)) {
            continue;
        }
        if (!has_head) {
            write_head(writing, section);
            has_head = true;
        }
        fprintf(writing->out, "%s%s = %s\n", settings[i].key, draft_form_ending(entry->form),
                text_of(&settings[i], entry));
        if (writing->value != NULL) {
            writing->value(writing->context, section, &settings[i], old, entry);
        }
    }
}

static void write_removed(const struct writing *writing, const struct draft_section *main)
{
    write_head(writing, main);
    fprintf(writing->out, "removed = on\n");
    if (writing->value != NULL) {
        writing->value(writing->context, main, NULL, NULL, NULL);
    }
}

static char *write_all(const struct config_sources *sources, const struct draft *wanted,
                       auto_file_value *value, void *context)
{
    struct writing writing = {.value = value, .context = context};
    char *text = NULL;
    char *copy;
    size_t size;

    writing.out = open_memstream(&text, &size);
    if (writing.out == NULL) {
        return NULL;
    }
    fputs(header, writing.out);
    for (size_t i = 0; i < wanted->count; i++) {
        const struct draft_section *section = wanted->sections[i];
        const struct draft_section *main =
            draft_find(&sources->main, section->section, section->name);

        if (!section->is_removed) {
            write_section(&writing, section, main);
        } else if (main != NULL) {
            write_removed(&writing, main);
        }
    }
    fclose(writing.out);
    copy = mem_text(text);
    explicit_bzero(text, size);
    free(text);
    return copy;
}

/* ---- is it what was meant? ---- */

static char *difference(const struct draft *wanted, const struct draft *got)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct draft_section *section = wanted->sections[i];
        const struct draft_section *other = draft_find(got, section->section, section->name);
        const char *word = setting_section_name(section->section);
        const char *name = section->name != NULL ? section->name : "";

        if (section->is_removed && (other == NULL || other->is_removed)) {
            continue;
        }
        if (other == NULL || other->is_removed != section->is_removed) {
            return mem_printf("[%s %s] cannot be written into a file", word, name);
        }
        for (size_t j = 0; j < setting_count; j++) {
            struct draft_entry as_read = other->entries[j];

            if (settings[j].section == section->section &&
                strcmp(text_of(&settings[j], &section->entries[j]),
                       text_of(&settings[j], &as_read)) != 0) {
                return mem_printf("%s of [%s %s] has characters that cannot be written into a "
                                  "file, allowed: no \" ;\", no blanks at its ends, no line ends%s",
                                  settings[j].key, word, name,
                                  settings[j].type == SETTING_SECRET ? "; or password_file" : "");
            }
        }
    }
    return NULL;
}

/* Reads the text as the next start will. */
static char *try_out(const struct config_sources *sources, const struct draft *wanted,
                     const char *text)
{
    struct config_report report = {.messages = NULL};
    struct config *config;
    struct config_sources trial = {
        .is_readable = true,
        .auto_path = mem_text(sources->auto_path),
        .environment = sources->environment,
        .options = sources->options,
    };
    char *error;

    draft_copy(&trial.main, &sources->main, &trial.ignored);
    draft_copy(&trial.saved, &sources->main, &trial.ignored);
    draft_copy(&trial.full, &sources->main, &trial.ignored);
    config_sources_read_auto(&trial, text, strlen(text), &report);
    config = config_sources_build(&trial, NULL, NULL, &report);
    error = config == NULL ? mem_text(report.messages[0].text) : difference(wanted, &trial.saved);
    config_unref(config);
    config_sources_dispose(&trial);
    config_report_dispose(&report);
    return error;
}

char *auto_file_text(const struct config_sources *sources, const struct config_edits *edits,
                     auto_file_value *value, void *context, char **error)
{
    struct config_report report = {.messages = NULL};
    struct draft wanted;
    char *text;

    draft_copy(&wanted, &sources->saved, &report);
    config_edits_apply(edits, &wanted, sources->auto_path);
    text = write_all(sources, &wanted, value, context);
    *error = text == NULL ? mem_text("out of memory") : try_out(sources, &wanted, text);
    draft_dispose(&wanted);
    config_report_dispose(&report);
    if (*error != NULL) {
        mem_free_secret(text);
        return NULL;
    }
    return text;
}

/* ---- the file ---- */

static bool write_whole(int descriptor, const char *text)
{
    size_t size = strlen(text);

    while (size > 0) {
        ssize_t written = write(descriptor, text, size);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text += written;
        size -= (size_t)written;
    }
    return fsync(descriptor) == 0;
}

/* The name is durable only when its folder is. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? mem_text(".") : mem_text_of(path, (size_t)(slash - path + 1));
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
    mem_free(folder);
}

bool auto_file_write(const char *path, const char *text, char **error)
{
    char *temporary = mem_printf("%s.new", path);
    int descriptor;
    bool good;

    *error = NULL;
    unlink(temporary); /* left by a program that was ended while it wrote */
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    good = descriptor >= 0 && write_whole(descriptor, text);
    if (!good) {
        *error = mem_printf("cannot write %s: %s", temporary, strerror(errno));
    }
    if (descriptor >= 0 && close(descriptor) < 0 && good) {
        good = false;
        *error = mem_printf("cannot write %s: %s", temporary, strerror(errno));
    }
    if (good && rename(temporary, path) < 0) {
        good = false;
        *error = mem_printf("cannot rename %s to %s: %s", temporary, path, strerror(errno));
    }
    if (good) {
        sync_folder(path);
    } else if (descriptor >= 0) {
        unlink(temporary);
    }
    mem_free(temporary);
    return good;
}
