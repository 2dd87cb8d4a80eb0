/*
 * Environments as text, for the tests' tables: "schema=shop;autocommit=OFF;names=latin1".
 */
#ifndef TIDEMARK_TESTS_ENVIRONMENT_FIXTURE_H
#define TIDEMARK_TESTS_ENVIRONMENT_FIXTURE_H

#include "proxy/client/environment.h"

#include <stddef.h>

/* Assigns in the order of the text, as a session would; a reference for the caller. The test fails
 * when a variable is unknown or a ceiling is passed. */
const struct environment *environment_from_text(struct environment_store *store, const char *text);

/* In replay order; answers its argument. */
const char *environment_to_text(const struct environment *environment, char *text, size_t size);

#endif
