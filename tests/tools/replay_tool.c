/*
 * The session's side of tests/live/test_variables.py: it learns from what a server really sent, and
 * says what to send to another connection. Its argument is mariadb or mysql. Commands come from
 * stdin, one per line; binary data is in hexadecimal, "-" is nothing.
 *
 *     setup NAMES                  -> the SET that switches trackers on, or -
 *     session N                    -> ok; the commands below are about session N, blank at first
 *     learn STATUS BLOCK SQL       -> pins set, in decimal
 *     reset                        -> ok; the session is blank again
 *     plan FROM                    -> kind schema SET; what brings a connection in the state that
 *                                     session FROM has (or "?": unknown) to this session's
 *     copy N                       -> ok; session N gets this one's state
 *     print                        -> the session's variables
 */
#include "proxy/client/environment.h"
#include "proxy/client/replay.h"
#include "proxy/client/tracking.h"
#include "proxy/client/variables.h"
#include "router/classify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 64, LINE = 1 << 18 };

static struct environment_store *store;
static const struct environment *sessions[SESSIONS];
static unsigned pins[SESSIONS];
static size_t current;
static enum sql_flavor flavor;

/* Decodes in place. */
static struct bytes from_hex(char *text)
{
    size_t size = 0;
    char digits[3] = "";

    for (size_t i = 0; text[0] != '-' && text[i] && text[i + 1]; i += 2) {
        memcpy(digits, text + i, 2);
        text[size++] = (char)strtoul(digits, NULL, 16);
    }
    return bytes_of(text, size);
}

static void print_hex(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    if (size == 0)
        putchar('-');
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static const struct environment **session_at(size_t number)
{
    const struct environment **session = &sessions[number % SESSIONS];

    if (!*session)
        *session = environment_blank(store);
    return session;
}

static const struct environment **session(void)
{
    return session_at(current);
}

static void learn(char *status, char *block, char *sql)
{
    const struct environment **mine = session();
    struct lexer_mode mode = lexer_mode_default(flavor);
    struct ok_packet ok = {.status = (uint16_t)strtoul(status, NULL, 10),
                           .trackers = from_hex(block)};
    struct statement statement;
    struct tracking_past past;
    struct learned learned;
    struct bytes sql_mode;

    if (environment_value(*mine, variable_sql_mode(), &sql_mode))
        (void)lexer_mode_set_sql_mode(&mode, sql_mode);
    classify(from_hex(sql), false, &mode, &statement);
    past = (struct tracking_past){.pins = pins[current] | statement.pins};
    learned = tracking_learn(store, *mine, &past, &ok, &statement);
    environment_unref(*mine);
    *mine = learned.environment;
    pins[current] = past.pins | learned.pins_set;
    printf("%u\n", pins[current]);
}

static void plan(const char *from)
{
    static const char *const kinds[] = {[REPLAY_NONE] = "none",
                                        [REPLAY_STATE] = "state",
                                        [REPLAY_RESET] = "reset",
                                        [REPLAY_IMPOSSIBLE] = "impossible"};
    static char sql[REPLAY_SQL_CAPACITY];
    struct replay replay = {.sql = sql, .capacity = sizeof sql};
    const struct environment *base = NULL;
    enum replay_kind kind;

    if (from[0] != '?')
        base = *session_at(strtoul(from, NULL, 10));
    kind = replay_plan(base, *session(), &replay);
    printf("%s ", kinds[kind]);
    print_hex(replay.schema.data, replay.init_db ? replay.schema.size : 0);
    putchar(' ');
    print_hex(sql, replay.sql_size);
    putchar('\n');
}

static void print(void)
{
    struct bytes value;

    for (size_t i = 0; i < environment_variable_count(*session()); i++) {
        int variable = environment_variable_at(*session(), i, &value);

        printf("%s=%.*s;", variable_at(variable)->name, (int)value.size, (const char *)value.data);
    }
    putchar('\n');
}

static void reset(void)
{
    environment_unref(sessions[current]);
    sessions[current] = NULL;
    pins[current] = 0;
    puts("ok");
}

static void copy(const char *number)
{
    const struct environment **other = &sessions[strtoul(number, NULL, 10) % SESSIONS];
    const struct environment *old = *other;

    *other = environment_ref(*session());
    environment_unref(old);
    puts("ok");
}

static void setup(const char *names)
{
    static char sql[1 << 15];

    print_hex(sql, tracking_setup_sql(bytes_of_text(names), sql, sizeof sql));
    putchar('\n');
}

static void run(char *line)
{
    char *words[4] = {"", "", "", ""}, *rest = NULL;

    line[strcspn(line, "\n")] = 0;
    for (size_t i = 0; i < 4; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (!words[i])
            words[i] = line + LINE - 1; /* the end: an empty text */
    }
    if (strcmp(words[0], "setup") == 0)
        setup(words[1]);
    else if (strcmp(words[0], "learn") == 0)
        learn(words[1], words[2], words[3]);
    else if (strcmp(words[0], "plan") == 0)
        plan(words[1]);
    else if (strcmp(words[0], "print") == 0)
        print();
    else if (strcmp(words[0], "copy") == 0)
        copy(words[1]);
    else if (strcmp(words[0], "reset") == 0)
        reset();
    else
        printf("ok %zu\n", current = strtoul(words[1], NULL, 10) % SESSIONS);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char line[LINE];

    flavor = argc > 1 && strcmp(argv[1], "mariadb") == 0 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
    store = environment_store_new();
    while (fgets(line, sizeof line - 1, stdin))
        run(line);
    for (size_t i = 0; i < SESSIONS; i++)
        environment_unref(sessions[i]);
    environment_store_free(store);
    return 0;
}
