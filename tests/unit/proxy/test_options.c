/*
 * The command line: what each one means, and what a wrong one is told.
 */
#include "proxy/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8 };

struct row {
    char *words[WORDS_MAX + 1];
    const char *expected; /* the options as text, or the complaints */
};

static char *shown(const struct options *options)
{
    static const char *const actions[] = {
        [OPTIONS_RUN] = "run",
        [OPTIONS_CHECK] = "check",
        [OPTIONS_EXPLAIN] = "explain",
        [OPTIONS_HELP] = "help",
        [OPTIONS_HELP_CONFIG] = "help-config",
        [OPTIONS_VERSION] = "version",
    };
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    fputs(actions[options->action], to);
    if (options->config_file != NULL) {
        fprintf(to, " config=%s", options->config_file);
    }
    for (size_t i = 0; i < options->override_count; i++) {
        const struct option_override *override = &options->overrides[i];

        fprintf(to, " %s:%s.%s=%s", override->flag, override->section, override->key,
                override->value);
    }
    if (options->explain.statement != NULL) {
        fprintf(to, " sql=%s", options->explain.statement);
    }
    if (options->explain.sql_mode != NULL) {
        fprintf(to, " mode=%s", options->explain.sql_mode);
    }
    if (options->explain.charset != NULL) {
        fprintf(to, " charset=%s", options->explain.charset);
    }
    if (options->explain.flavor != NULL) {
        fprintf(to, " flavor=%s", options->explain.flavor);
    }
    fclose(to);
    return text;
}

static const struct row good[] = {
    {{"--config", "f.ini"}, "run config=f.ini"},
    {{"-c", "f.ini"}, "run config=f.ini"},
    {{"--config=f=g.ini", "--check"}, "check config=f=g.ini"},
    {{"--check", "--config", "--odd"}, "check config=--odd"},
    {{"-c", "f", "--listen=[::1]:1, unix:/s", "--workers", "2", "--log-level", "debug"},
     "run config=f --listen:proxy.listen=[::1]:1, unix:/s --workers:proxy.workers=2 "
     "--log-level:proxy.log_level=debug"},
    {{"--help"}, "help"},
    {{"-h", "--version"}, "help"},
    {{"-V"}, "version"},
    {{"--check", "--version"}, "version"},
    {{"--help-config"}, "help-config"},
    {{"explain", "SELECT 1"}, "explain sql=SELECT 1"},
    {{"explain", "-"}, "explain sql=-"},
    {{"explain", ""}, "explain sql="},
    {{"explain", "--", "-- a comment"}, "explain sql=-- a comment"},
    {{"explain", "--help"}, "help"},
    {{"explain", "--sql-mode", "ANSI_QUOTES", "--charset=sjis", "--flavor", "mariadb", "SELECT 1"},
     "explain sql=SELECT 1 mode=ANSI_QUOTES charset=sjis flavor=mariadb"},
};

#define HINT "Try tidemark --help.\n"

static const struct row bad[] = {
    {{NULL},
     "tidemark: no configuration: give --config FILE, or at least one "
     "TIDEMARK_SERVER_NAME_ADDRESS in the environment\n" HINT},
    {{"--check"},
     "tidemark: no configuration: give --config FILE, or at least one "
     "TIDEMARK_SERVER_NAME_ADDRESS in the environment\n" HINT},
    {{"--config"}, "tidemark: --config needs a value: --config FILE\n" HINT},
    {{"--confg", "f"},
     "tidemark: unknown flag \"--confg\"\n"
     "tidemark: unexpected argument \"f\"; a configuration file is given with --config\n" HINT},
    {{"-x"}, "tidemark: unknown flag \"-x\"\n" HINT},
    {{"--check=yes"}, "tidemark: --check takes no value\n" HINT},
    {{"-c", "f", "-c", "g"}, "tidemark: --config is given twice\n" HINT},
    {{"-c", "f", "--workers", "0"},
     "tidemark: --workers: \"0\" is out of range, allowed: auto | 1 to 1024\n" HINT},
    {{"-c", "f", "--flavor", "mysql"},
     "tidemark: unknown flag \"--flavor\"\n"
     "tidemark: unexpected argument \"mysql\"; a configuration file is given with --config\n" HINT},
    {{"explain"}, "tidemark: explain needs a statement, or - to read statements from stdin\n" HINT},
    {{"explain", "SELECT", "1"},
     "tidemark: explain takes one statement; quote it, or use - for stdin\n" HINT},
    {{"explain", "--sql-mode"}, "tidemark: --sql-mode needs a value: --sql-mode MODE\n" HINT},
    {{"explain", "--config", "f"}, "tidemark: unknown flag \"--config\"\n" HINT},
};

/* The exit status; *complaints is owned by the caller. */
static int parse(struct options *options, char *const *words, char **complaints)
{
    char *argv[WORDS_MAX + 2] = {"tidemark"};
    int argc = 1;
    size_t size;
    FILE *to = open_memstream(complaints, &size);

    while (words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    int status = options_parse(options, argc, argv, to);

    fclose(to);
    return status;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct options options;
        char *complaints;
        int status = parse(&options, good[i].words, &complaints);
        char *text = shown(&options);

        assert_string_equal(complaints, "");
        assert_string_equal(text, good[i].expected);
        assert_int_equal(status, EXIT_FINE);
        free(text);
        free(complaints);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct options options;
        char *complaints;
        int status = parse(&options, bad[i].words, &complaints);

        assert_string_equal(complaints, bad[i].expected);
        assert_int_equal(status, EXIT_USAGE);
        free(complaints);
    }
}

static void test_a_server_in_the_environment_needs_no_file(void **state)
{
    char *const words[] = {NULL};
    struct options options;
    char *complaints;

    (void)state;
    setenv("TIDEMARK_SERVER_DB1_ADDRESS", "127.0.0.1", 1);
    assert_int_equal(parse(&options, words, &complaints), EXIT_FINE);
    assert_null(options.config_file);
    unsetenv("TIDEMARK_SERVER_DB1_ADDRESS");
    free(complaints);
}

static void test_help_names_every_flag(void **state)
{
    static const char *const flags[] = {"--config",  "--check",   "--listen",      "--workers",
                                        "--help",    "--version", "--help-config", "--sql-mode",
                                        "--charset", "--flavor",  "--log-level"};
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    (void)state;
    options_print_help(to);
    fclose(to);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        assert_non_null(strstr(text, flags[i]));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_a_server_in_the_environment_needs_no_file),
        cmocka_unit_test(test_help_names_every_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
