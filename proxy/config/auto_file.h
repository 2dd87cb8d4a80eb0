/*
 * The auto file: what SAVE writes, and the only file that Tidemark ever writes by itself. It holds
 * what differs from the main file, so that main and auto file together say what is in force.
 */
#ifndef TIDEMARK_PROXY_CONFIG_AUTO_FILE_H
#define TIDEMARK_PROXY_CONFIG_AUTO_FILE_H

#include "proxy/config/sources.h"

/* Told of each value that is written: `main` is the main file's (text NULL: it is silent), `saved`
 * the one written (NULL: the section is written as removed). */
typedef void auto_file_value(void *context, const struct draft_section *section,
                             const struct setting *setting, const struct draft_entry *main,
                             const struct draft_entry *saved);

/* The text that makes main file and auto file together what main file, the present auto file and
 * the edits are. Owner: the caller (mem_free_secret: it has passwords). NULL: something cannot be
 * said in a file, *error (mem_free) says what. `value` may be NULL. */
char *auto_file_text(const struct config_sources *sources, const struct config_edits *edits,
                     auto_file_value *value, void *context, char **error);

/* Replaces the file: a temporary file beside it is written, synced and renamed, so that there is
 * the old text or the new one, whatever happens. Mode 0600. False: the old file is as it was,
 * *error (mem_free) says why. */
bool auto_file_write(const char *path, const char *text, char **error);

#endif
