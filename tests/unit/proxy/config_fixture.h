/*
 * Loading a configuration from texts: each test writes its files into a folder of its own, which is
 * also the working folder, so that messages say "t.ini:3: ..." everywhere.
 */
#ifndef TIDEMARK_TESTS_CONFIG_FIXTURE_H
#define TIDEMARK_TESTS_CONFIG_FIXTURE_H

#include "proxy/config/config.h"
#include "proxy/options.h"

#include <stddef.h>

/* For cmocka's group set-up and tear-down: the folder. */
int config_folder_make(void **state);
int config_folder_remove(void **state);

/* Writes a file of that name into the folder; text NULL removes it. */
void config_write_file(const char *name, const char *text);
void config_write_bytes(const char *name, const void *data, size_t size);

/* Loads t.ini with these variables ("NAME=value", NULL-terminated; NULL: none) and options (NULL:
 * only the file). *messages is the printed report; the caller frees it. */
struct config *config_from_file(char *const *environment, const struct options *options,
                                char **messages);

/* The same with t.ini written first. */
struct config *config_from_text(const char *text, char **messages);

/* What a server, user and monitor need at least, on 6 lines, ending with a newline. */
#define CONFIG_BASE                                                                                \
    "[server db1]\n"                                                                               \
    "address = 127.0.0.1\n"                                                                        \
    "[user app]\n"                                                                                 \
    "password = s\n"                                                                               \
    "[monitor]\n"                                                                                  \
    "password = m\n"

#endif
