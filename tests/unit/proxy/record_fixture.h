/* Records of statements, as a session would make them. */
#ifndef TIDEMARK_TESTS_UNIT_PROXY_RECORD_FIXTURE_H
#define TIDEMARK_TESTS_UNIT_PROXY_RECORD_FIXTURE_H

#include "proxy/statistics/record.h"

/* A statement that ran on server 1 without an error and took 1 ms. The text and the mode are
 * borrowed. */
struct statement_record record_of(const char *sql, const struct lexer_mode *mode);

#endif
