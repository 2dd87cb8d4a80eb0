/*
 * See options.h. Flags are a table: what a flag does is its row's apply function, what it overrides
 * its row's setting, and the help text stands beside both.
 */
#include "proxy/options.h"

#include "proxy/config/setting.h"
#include "proxy/config/value.h"
#include "proxy/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

enum command { COMMAND_PROXY = 1, COMMAND_EXPLAIN = 2, COMMAND_BOTH = 3 };

struct flag {
    enum command command; /* where it may be given */
    const char *name;
    char letter;             /* 0: none */
    const char *placeholder; /* NULL: takes no value */
    enum options_action action;
    size_t text_offset;  /* of the `const char *` in struct options; 0: none */
    const char *section; /* the setting it overrides; NULL: none */
    const char *key;
    const char *help;
};

#define TEXT(field) .text_offset = offsetof(struct options, field)

static const struct flag flags[] = {
    {COMMAND_PROXY, "--config", 'c', "FILE", TEXT(config_file), .help = "the configuration file"},
    {COMMAND_PROXY, "--check", 0, NULL, OPTIONS_CHECK,
     .help = "check the configuration, print every mistake, and exit"},
    {COMMAND_PROXY, "--listen", 0, "ADDRESSES", .section = "proxy", .key = "listen",
     .help = "instead of [proxy] listen"},
    {COMMAND_PROXY, "--workers", 0, "N", .section = "proxy", .key = "workers",
     .help = "instead of [proxy] workers"},
    {COMMAND_PROXY, "--log-level", 0, "LEVEL", .section = "proxy", .key = "log_level",
     .help = "instead of [proxy] log_level"},
    {COMMAND_BOTH, "--help", 'h', NULL, OPTIONS_HELP, .help = "print this and exit"},
    {COMMAND_PROXY, "--help-config", 0, NULL, OPTIONS_HELP_CONFIG,
     .help = "print every setting with its default and exit"},
    {COMMAND_PROXY, "--version", 'V', NULL, OPTIONS_VERSION, .help = "print the version and exit"},
    {COMMAND_EXPLAIN, "--sql-mode", 0, "MODE", TEXT(explain.sql_mode),
     .help = "sql_mode of the session, such as ANSI_QUOTES"},
    {COMMAND_EXPLAIN, "--charset", 0, "NAME", TEXT(explain.charset),
     .help = "character set of the session, such as utf8mb4 or sjis"},
    {COMMAND_EXPLAIN, "--flavor", 0, "FLAVOR", TEXT(explain.flavor),
     .help = "mysql or mariadb: whose SQL it is"},
};

enum { FLAG_COUNT = sizeof(flags) / sizeof(flags[0]) };

struct parsing {
    struct options *options;
    FILE *complaints;
    enum command command;
    bool seen[FLAG_COUNT];
    bool wrong;
};

__attribute__((format(printf, 2, 3))) static void complain(struct parsing *parsing,
                                                           const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("tidemark: ", parsing->complaints);
    vfprintf(parsing->complaints, format, arguments);
    fputc('\n', parsing->complaints);
    va_end(arguments);
    parsing->wrong = true;
}

/* "--name", "--name=value" or "-n"; value is set for the second form. */
static const struct flag *find_flag(const struct parsing *parsing, const char *argument,
                                    const char **value)
{
    const char *equals = strchr(argument, '=');
    size_t size = equals != NULL ? (size_t)(equals - argument) : strlen(argument);

    *value = equals != NULL ? equals + 1 : NULL;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *flag = &flags[i];

        if ((flag->command & parsing->command) == 0) {
            continue;
        }
        if (strlen(flag->name) == size && strncmp(flag->name, argument, size) == 0) {
            return flag;
        }
        if (flag->letter != 0 && strlen(argument) == 2 && argument[1] == flag->letter) {
            *value = NULL;
            return flag;
        }
    }
    return NULL;
}

static void apply_override(struct parsing *parsing, const struct flag *flag, const char *value)
{
    struct options *options = parsing->options;
    const struct setting *setting = setting_find(setting_section_of(flag->section), flag->key);

    assert(setting != NULL && options->override_count < OPTIONS_OVERRIDES_MAX);
    char *complaint = value_complaint(setting, value);

    if (complaint != NULL) {
        complain(parsing, "%s: %s", flag->name, complaint);
        mem_free(complaint);
        return;
    }
    options->overrides[options->override_count++] = (struct option_override){
        .flag = flag->name, .section = flag->section, .key = flag->key, .value = value};
}

/* The first of --help, --version ... wins over what comes later, and over --check. */
static void apply_action(struct options *options, enum options_action action)
{
    if (options->action == OPTIONS_RUN || options->action == OPTIONS_CHECK ||
        options->action == OPTIONS_EXPLAIN) {
        options->action = action;
    }
}

static void apply_flag(struct parsing *parsing, const struct flag *flag, const char *value)
{
    if (parsing->seen[flag - flags]) {
        complain(parsing, "%s is given twice", flag->name);
        return;
    }
    parsing->seen[flag - flags] = true;
    if (flag->text_offset != 0) {
        memcpy((char *)parsing->options + flag->text_offset, &value, sizeof(value));
    } else if (flag->section != NULL) {
        apply_override(parsing, flag, value);
    } else {
        apply_action(parsing->options, flag->action);
    }
}

static void take_argument(struct parsing *parsing, const char *argument)
{
    if (parsing->command == COMMAND_EXPLAIN) {
        if (parsing->options->explain.statement != NULL) {
            complain(parsing, "explain takes one statement; quote it, or use - for stdin");
        }
        parsing->options->explain.statement = argument;
    } else {
        complain(parsing, "unexpected argument \"%s\"; a configuration file is given with --config",
                 argument);
    }
}

/* Answers how many arguments it took. */
static int take_flag(struct parsing *parsing, char **arguments, int count)
{
    const char *value;
    const struct flag *flag = find_flag(parsing, arguments[0], &value);
    int taken = 1;

    if (flag == NULL) {
        complain(parsing, "unknown flag \"%.*s\"", (int)strcspn(arguments[0], "= \n"),
                 arguments[0]);
        return 1;
    }
    if (flag->placeholder == NULL && value != NULL) {
        complain(parsing, "%s takes no value", flag->name);
        return 1;
    }
    if (flag->placeholder != NULL && value == NULL) {
        if (count < 2) {
            complain(parsing, "%s needs a value: %s %s", flag->name, flag->name, flag->placeholder);
            return 1;
        }
        value = arguments[1];
        taken = 2;
    }
    apply_flag(parsing, flag, value);
    return taken;
}

static void take_all(struct parsing *parsing, char **arguments, int count)
{
    bool only_arguments = false;

    while (count > 0) {
        int taken = 1;

        if (!only_arguments && strcmp(arguments[0], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && arguments[0][0] == '-' && arguments[0][1] != '\0') {
            taken = take_flag(parsing, arguments, count);
        } else {
            take_argument(parsing, arguments[0]);
        }
        arguments += taken;
        count -= taken;
    }
}

/* A proxy without a file can be configured by the environment alone, as in a container. */
static bool environment_has_server(void)
{
    static const char prefix[] = "TIDEMARK_SERVER_";

    for (char *const *variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, prefix, sizeof(prefix) - 1) == 0) {
            return true;
        }
    }
    return false;
}

static void check_completeness(struct parsing *parsing)
{
    const struct options *options = parsing->options;

    if (options->action == OPTIONS_EXPLAIN && options->explain.statement == NULL) {
        complain(parsing, "explain needs a statement, or - to read statements from stdin");
    }
    if ((options->action == OPTIONS_RUN || options->action == OPTIONS_CHECK) &&
        options->config_file == NULL && !environment_has_server()) {
        complain(parsing, "no configuration: give --config FILE, or at least one "
                          "TIDEMARK_SERVER_NAME_ADDRESS in the environment");
    }
}

int options_parse(struct options *options, int argc, char **argv, FILE *complaints)
{
    struct parsing parsing = {
        .options = options, .complaints = complaints, .command = COMMAND_PROXY};
    int first = 1;

    *options = (struct options){.action = OPTIONS_RUN};
    if (argc > 1 && strcmp(argv[1], "explain") == 0) {
        parsing.command = COMMAND_EXPLAIN;
        options->action = OPTIONS_EXPLAIN;
        first = 2;
    }
    if (argc > first) {
        take_all(&parsing, argv + first, argc - first);
    }
    if (!parsing.wrong) {
        check_completeness(&parsing);
    }
    if (parsing.wrong) {
        fputs("Try tidemark --help.\n", complaints);
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}

static void print_flags(FILE *to, enum command command)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *flag = &flags[i];
        char left[40];

        if ((flag->command & command) == 0) {
            continue;
        }
        snprintf(left, sizeof(left), "%s%s%s", flag->name, flag->placeholder != NULL ? " " : "",
                 flag->placeholder != NULL ? flag->placeholder : "");
        if (flag->letter != 0) {
            fprintf(to, "  -%c, %-22s %s\n", flag->letter, left, flag->help);
        } else {
            fprintf(to, "      %-22s %s\n", left, flag->help);
        }
    }
}

void options_print_help(FILE *to)
{
    fputs(
        "tidemark: a MySQL proxy that sends writes to the primary and reads to replicas, and lets\n"
        "every session read its own writes.\n"
        "\n"
        "  tidemark --config FILE [FLAGS]\n"
        "  tidemark explain [FLAGS] SQL    how a statement would be routed; - reads stdin\n"
        "\n"
        "Flags:\n",
        to);
    print_flags(to, COMMAND_PROXY);
    fputs("\nFlags of explain:\n", to);
    print_flags(to, COMMAND_EXPLAIN);
    fputs(
        "\n"
        "Every setting can also be given as TIDEMARK_SECTION_KEY in the environment, for example\n"
        "TIDEMARK_PROXY_LISTEN or TIDEMARK_SERVER_DB1_ADDRESS. Flags come before the environment,\n"
        "which comes before the files.\n"
        "\n"
        "Exit status: 0 fine, 1 the configuration is wrong, 2 the command line is wrong.\n",
        to);
}

void options_print_version(FILE *to)
{
    fputs("tidemark " VERSION "\n", to);
}

const char *options_version(void)
{
    return VERSION;
}
