/*
 * The sources of a configuration, read once and kept as texts, so that the configuration can be
 * built again with a change laid over them, whatever has happened to the files meanwhile.
 *
 *   main file ─▶ main;  main + auto file ─▶ saved;  main + auto + environment + flags ─▶ full
 */
#ifndef TIDEMARK_PROXY_CONFIG_SOURCES_H
#define TIDEMARK_PROXY_CONFIG_SOURCES_H

#include "proxy/config/draft.h"
#include "proxy/config/edits.h"

#include <stdbool.h>

struct config_sources {
    struct draft main, saved, full;
    struct config_report ignored;  /* what `main` and `saved` say; `full` says it again */
    char *main_path;               /* owner; NULL: no file */
    char *auto_path;               /* owner; "" when there is none */
    bool is_auto_left_out;         /* see config_open */
    bool is_readable;              /* the main file could be read, or there is none */
    char *const *environment;      /* borrower */
    const struct options *options; /* borrower */
};

/* Reads all sources; `without_auto` leaves the auto file out. What is wrong with the texts goes to
 * the report. Dispose of it in any case. */
void config_sources_read(struct config_sources *sources, const struct options *options,
                         char *const *environment, bool without_auto, struct config_report *report);

/* As if the auto file had this text; main file, environment and flags as they were read. */
void config_sources_read_auto(struct config_sources *sources, const char *text, size_t size,
                              struct config_report *report);

void config_sources_dispose(struct config_sources *sources);

/* Builds and checks the configuration, with the edits (may be NULL) laid over the sources. NULL
 * when the report has an error, older ones included. One reference for the caller. */
struct config *config_sources_build(const struct config_sources *sources,
                                    const struct config_edits *edits,
                                    const struct config_edits *kept, struct config_report *report);

#endif
