/*
 * The log: one event, one line, the subject first.
 *
 *   2026-11-21T01:02:03.456Z info session 12: closed reason="idle for 28800 s" queries=17
 *   \_ UTC, milliseconds     \_ level \_ subject  \_ message, key=value where it counts
 *
 * Levels: error = a human must act; warn = we coped; info = lifecycle; debug = per command.
 * Passwords never appear, whole statements only at debug.
 *
 * Every line is one write(2), so threads never mix their lines and no lock is taken. Control
 * characters in a message come out as \n, \t or \xNN: a peer cannot forge a line. A line that is
 * longer than LOG_LINE_MAX is cut and ends with "...".
 *
 *   log_info(log_number("session", s->id), "closed reason=%s queries=%u", reason, queries);
 *   log_warn(log_name("server", "db1"), "down why=%s", why);
 *   log_error(log_name("proxy", NULL), "cannot listen address=%s error=%s", text, uv_strerror(e));
 */
#ifndef TIDEMARK_PROXY_LOG_H
#define TIDEMARK_PROXY_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 2048 }; /* bytes, the newline included */

/* In order: a level shows itself and those before it. */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* What an event is about: "session 12" (name NULL and numbered) or "server db1" or just "proxy".
 * Borrows its texts until the call returns. */
struct log_subject {
    const char *kind;
    const char *name; /* or NULL */
    uint64_t number;
    bool numbered;
};

static inline struct log_subject log_number(const char *kind, uint64_t number)
{
    return (struct log_subject){.kind = kind, .number = number, .numbered = true};
}

static inline struct log_subject log_name(const char *kind, const char *name)
{
    return (struct log_subject){.kind = kind, .name = name};
}

/* Before log_open() the log goes to stderr at level info. path NULL or "" means stderr. A file is
 * opened for appending, mode 0640. Answers 0 or a negative errno, and then nothing has changed.
 * Not for several threads at once; logging by others meanwhile is fine. */
int log_open(const char *path, enum log_level level);

/* Opens the path of log_open() again, for whoever moves old logs away. 0 or a negative errno; the
 * old file stays in use when it fails. */
int log_reopen(void);

/* Closes a log file and goes back to stderr; when no other thread logs any more. */
void log_close(void);

/* May be called from any thread, at any time. */
void log_set_level(enum log_level level);

/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);

extern _Atomic int log_current_level; /* read through log_shows(), written by log.c alone */

static inline bool log_shows(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_current_level, memory_order_relaxed);
}

/* Copies text into to (room bytes, at least 1), control characters and DEL as \n, \r, \t or \xNN,
 * and always ends it with NUL. What does not fit is left out. Answers the length of the whole. */
size_t log_escape(char *to, size_t room, const char *text);

/* Writes the line whatever the level is; use the macros, which look first and evaluate nothing
 * when the level is not shown. errno is left as it was. */
void log_write(enum log_level level, struct log_subject subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_at(level, subject, ...)                                                                \
    do {                                                                                           \
        if (log_shows(level)) {                                                                    \
            log_write(level, subject, __VA_ARGS__);                                                \
        }                                                                                          \
    } while (0)
#define log_error(subject, ...) log_at(LOG_LEVEL_ERROR, subject, __VA_ARGS__)
#define log_warn(subject, ...) log_at(LOG_LEVEL_WARN, subject, __VA_ARGS__)
#define log_info(subject, ...) log_at(LOG_LEVEL_INFO, subject, __VA_ARGS__)
#define log_debug(subject, ...) log_at(LOG_LEVEL_DEBUG, subject, __VA_ARGS__)

#endif
