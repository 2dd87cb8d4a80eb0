/*
 * A configuration file as a source of the draft: sections and keys looked up, unknown ones reported
 * with the word that was probably meant.
 */
#ifndef TIDEMARK_PROXY_CONFIG_FILE_SOURCE_H
#define TIDEMARK_PROXY_CONFIG_FILE_SOURCE_H

#include "proxy/config/draft.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads the file at path into the draft. False when it cannot be read at all, which is reported;
 * a file that does not exist is fine when may_be_missing says so. */
bool file_source_read(struct draft *draft, const char *path, enum config_layer layer,
                      bool may_be_missing);

/* The same for a text in memory; path is for messages. */
void file_source_read_text(struct draft *draft, const char *path, enum config_layer layer,
                           const char *text, size_t size);

/* Reads at most max bytes of a file, which must hold no more. *text is owned by the caller and ends
 * with NUL. 0 or a negative errno; -EFBIG when the file is larger. Used for secrets as well, so the
 * memory it used on the way is wiped. */
int file_read_whole(const char *path, size_t max, char **text, size_t *size);

#endif
