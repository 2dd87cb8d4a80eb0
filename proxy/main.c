/*
 * The program: reads the command line and the configuration, then does what it was asked to.
 */
#include "proxy/config/config.h"
#include "proxy/control.h"
#include "proxy/explain_command.h"
#include "proxy/log.h"
#include "proxy/options.h"

#include <stdio.h>
#include <string.h>

static int run(const struct options *options)
{
    struct config_report report = {0};
    struct config *config = config_load(options, &report);
    int status;

    config_report_print(&report, stderr);
    config_report_dispose(&report);
    if (config == NULL) {
        return EXIT_CONFIG;
    }
    if (options->action == OPTIONS_CHECK) {
        config_unref(config);
        return EXIT_FINE;
    }
    status = log_open(config->proxy.log_file, (enum log_level)config->proxy.log_level);
    if (status < 0) {
        fprintf(stderr, "tidemark: cannot open the log file %s: %s\n", config->proxy.log_file,
                strerror(-status));
        config_unref(config);
        return EXIT_CONFIG;
    }
    status = control_run(config);
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
    case OPTIONS_RUN:
    case OPTIONS_CHECK:
        break;
    }
    return run(&options);
}
