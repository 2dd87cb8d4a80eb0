/*
 * The program: reads the command line and the configuration, then does what it was asked to.
 */
#include "proxy/config/config.h"
#include "proxy/config/sources.h"
#include "proxy/control.h"
#include "proxy/explain_command.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/options.h"
#include "proxy/tls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads certificates as a start would; nothing is written. */
static bool check_tls(const struct config_tls *config)
{
    struct config_tls readable = *config;
    char no_file[] = "";
    char *error;
    struct tls *tls;

    readable.keylog_file = no_file;
    tls = tls_new(&readable, NULL, &error);
    if (tls == NULL) {
        fprintf(stderr, "%s\n", error);
        mem_free(error);
    }
    tls_unref(tls);
    return tls != NULL;
}

static int check(const struct options *options)
{
    bool is_good;
    struct config_report report = {0};
    struct config *config = config_load(options, &report);

    config_report_print(&report, stderr);
    config_report_dispose(&report);
    is_good = config != NULL && check_tls(&config->tls);
    config_unref(config);
    return is_good ? EXIT_FINE : EXIT_CONFIG;
}

/* The configuration, with what it was built from in *sources. NULL: it is wrong, and was said. */
static struct config *open_config(const struct options *options, struct config_sources *sources)
{
    struct config_report report = {0};
    struct config *config = config_open(sources, options, environ, true, &report);

    config_report_print(&report, stderr);
    config_report_dispose(&report);
    return config;
}

static int run(const struct options *options)
{
    struct config_sources *sources = mem_calloc(1, sizeof *sources);
    struct config *config = open_config(options, sources);
    int status = 0;

    if (config != NULL) {
        status = log_open(config->proxy.log_file, (enum log_level)config->proxy.log_level);
    }
    if (status < 0) {
        fprintf(stderr, "tidemark: cannot open the log file %s: %s\n", config->proxy.log_file,
                strerror(-status));
    }
    if (config == NULL || status < 0) {
        config_sources_dispose(sources);
        mem_free(sources);
        config_unref(config);
        return EXIT_CONFIG;
    }
    status = control_run(config, sources);
    config_unref(config);
    log_close();
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, argc, argv, stderr);

    if (status != 0) {
        return status;
    }
    switch (options.action) {
    case OPTIONS_HELP:
        options_print_help(stdout);
        return EXIT_FINE;
    case OPTIONS_HELP_CONFIG:
        config_print_settings(stdout);
        return EXIT_FINE;
    case OPTIONS_VERSION:
        options_print_version(stdout);
        return EXIT_FINE;
    case OPTIONS_EXPLAIN:
        return explain_command(&options, stdin, stdout, stderr);
    case OPTIONS_CHECK:
        return check(&options);
    case OPTIONS_RUN:
        break;
    }
    return run(&options);
}
