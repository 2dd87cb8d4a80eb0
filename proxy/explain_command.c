/*
 * See explain_command.h.
 */
#include "proxy/explain_command.h"

#include "proxy/memory.h"
#include "proxy/options.h"
#include "router/explain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLANATION_SIZE = 1024 };

static bool set_mode(struct lexer_mode *mode, const struct options *options, FILE *complaints)
{
    const char *flavor = options->explain.flavor != NULL ? options->explain.flavor : "mysql";
    bool is_mariadb = strcmp(flavor, "mariadb") == 0;

    if (!is_mariadb && strcmp(flavor, "mysql") != 0) {
        fprintf(complaints, "tidemark: --flavor: \"%.60s\" is unknown, allowed: mysql | mariadb\n",
                flavor);
        return false;
    }
    *mode = lexer_mode_default(is_mariadb ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL);
    if (options->explain.sql_mode != NULL &&
        !lexer_mode_set_sql_mode(mode, bytes_of_text(options->explain.sql_mode))) {
        fprintf(complaints,
                "tidemark: --sql-mode: \"%.60s\" is not understood, allowed: names of "
                "SQL modes, separated by commas\n",
                options->explain.sql_mode);
        return false;
    }
    if (options->explain.charset != NULL &&
        !lexer_mode_set_charset(mode, bytes_of_text(options->explain.charset))) {
        fprintf(complaints,
                "tidemark: --charset: \"%.60s\" is unknown, allowed: a character set "
                "of the servers\n",
                options->explain.charset);
        return false;
    }
    return true;
}

static void explain_one(struct bytes sql, const struct lexer_mode *mode, FILE *out)
{
    char text[EXPLANATION_SIZE];

    explain(sql, mode, text, sizeof(text));
    fputs(text, out);
    fflush(out); /* another program may be waiting for this answer before its next line */
}

static void explain_lines(const struct lexer_mode *mode, FILE *in, FILE *out)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    while ((size = getline(&line, &room, in)) >= 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
            size--;
        }
        if (size > 0) {
            explain_one(bytes_of(line, (size_t)size), mode, out);
        }
    }
    free(line);
}

int explain_command(const struct options *options, FILE *in, FILE *out, FILE *complaints)
{
    struct lexer_mode mode;

    if (!set_mode(&mode, options, complaints)) {
        return EXIT_USAGE;
    }
    if (strcmp(options->explain.statement, "-") == 0) {
        explain_lines(&mode, in, out);
    } else {
        explain_one(bytes_of_text(options->explain.statement), &mode, out);
    }
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(complaints, "tidemark: the answer cannot be written\n");
        return EXIT_CONFIG;
    }
    return EXIT_FINE;
}
