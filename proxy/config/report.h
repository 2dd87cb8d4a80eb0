/*
 * Writing the report: every message names its place first, so editors can jump there.
 *
 *   tidemark.ini:12: weight: "0" is out of range, allowed: 1 to 1000
 *   environment: TIDEMARK_POOL_MIN_IDLE: "x" is not a whole number, allowed: 0 to 10000
 *   command line: --workers: ...
 */
#ifndef TIDEMARK_PROXY_CONFIG_REPORT_H
#define TIDEMARK_PROXY_CONFIG_REPORT_H

#include "proxy/config/config.h"

/* key: the word at fault, shown for files only (a variable's or flag's name says it already).
 * Control characters come out escaped. Never pass a secret. */
void report_error(struct config_report *report, const struct config_origin *origin, const char *key,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
void report_warning(struct config_report *report, const struct config_origin *origin,
                    const char *key, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds a message of another report. */
void report_repeat(struct config_report *report, const struct config_message *message);

/* Errors that turned out not to matter: they are still shown, and no errors any more. */
void report_as_warnings(struct config_report *report);

/* Puts the messages into the order of the sources and their lines. */
void report_sort(struct config_report *report);

#endif
