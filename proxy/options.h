/*
 * The command line: what the program was asked to do, before anything is done.
 *
 *   tidemark --config FILE [--check] [--listen A] [--workers N] [--log-level L]
 *   tidemark explain [--sql-mode M] [--charset C] [--flavor F] SQL|-
 *   tidemark --help | --help-config | --version
 *
 * Parsing prints nothing and ends nothing but by its answer, so tests can call it. Flags that
 * override a setting stay text here; the configuration reads them as its last layer.
 */
#ifndef TIDEMARK_PROXY_OPTIONS_H
#define TIDEMARK_PROXY_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

/* Exit statuses of the program. */
enum {
    EXIT_FINE = 0,
    EXIT_CONFIG = 1, /* the configuration is wrong, or the start failed */
    EXIT_USAGE = 2,  /* the command line is wrong */
};

enum options_action {
    OPTIONS_RUN,
    OPTIONS_CHECK,       /* load the configuration, report, exit */
    OPTIONS_EXPLAIN,     /* proxy/explain_command.h */
    OPTIONS_HELP,        /* options_print_help() */
    OPTIONS_HELP_CONFIG, /* config_print_settings() of proxy/config/config.h */
    OPTIONS_VERSION,     /* options_print_version() */
};

enum { OPTIONS_OVERRIDES_MAX = 8 };

/* One flag that stands for a setting, such as --listen for [proxy] listen. */
struct option_override {
    const char *flag; /* "--listen" */
    const char *section;
    const char *key;
    const char *value;
};

/* All texts are borrowed: from argv, or constants. */
struct options {
    enum options_action action;
    const char *config_file; /* NULL: no file, defaults and environment only */
    struct option_override overrides[OPTIONS_OVERRIDES_MAX];
    size_t override_count;

    struct {
        const char *sql_mode;  /* NULL: the default */
        const char *charset;   /* NULL: the default */
        const char *flavor;    /* "mysql" or "mariadb"; NULL: the default */
        const char *statement; /* "-": read statements from stdin, one per line */
    } explain;
};

/* Fills *options from the command line. 0 when it can be followed; otherwise EXIT_USAGE, with what
 * is wrong and a hint written to complaints. */
int options_parse(struct options *options, int argc, char **argv, FILE *complaints)
    __attribute__((warn_unused_result));

void options_print_help(FILE *to);
void options_print_version(FILE *to);

/* The program's version: "0.1.0". */
const char *options_version(void);

#endif
