/*
 * See log.h. The one idea: a line is put together on the stack and leaves in one write(2), so
 * neither a lock nor a heap is needed and the log works in any thread at any moment.
 */
#include "proxy/log.h"

#include "proxy/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Atomic int log_current_level = LOG_LEVEL_INFO;

/* The descriptor that writers use. Reopening puts a new file under the same number (dup3), so a
 * writer in another thread never holds a number that has been closed. */
static _Atomic int log_descriptor = STDERR_FILENO;
static char *log_path; /* owned; NULL: stderr */

const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "?";
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_current_level, (int)level, memory_order_relaxed);
}

static int open_for_append(const char *path)
{
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

    return descriptor < 0 ? -errno : descriptor;
}

/* A file that is open keeps its number: another thread may be about to write to it. */
static int take_over(int fresh)
{
    int old = atomic_load(&log_descriptor);

    if (old == STDERR_FILENO) {
        atomic_store(&log_descriptor, fresh);
        return 0;
    }
    int error = dup3(fresh, old, O_CLOEXEC) < 0 ? -errno : 0;

    close(fresh);
    return error;
}

int log_open(const char *path, enum log_level level)
{
    if (path == NULL || path[0] == '\0') {
        log_close();
        log_set_level(level);
        return 0;
    }
    int fresh = open_for_append(path);
    int error = fresh < 0 ? fresh : take_over(fresh);

    if (error == 0) {
        mem_free(log_path);
        log_path = mem_text(path);
        log_set_level(level);
    }
    return error;
}

int log_reopen(void)
{
    if (log_path == NULL) {
        return 0;
    }
    int fresh = open_for_append(log_path);

    return fresh < 0 ? fresh : take_over(fresh);
}

void log_close(void)
{
    int old = atomic_exchange(&log_descriptor, STDERR_FILENO);

    if (old != STDERR_FILENO) {
        close(old);
    }
    mem_free(log_path);
    log_path = NULL;
}

/* The name of a control character after the backslash, into at most 4 bytes; 0: not a control. */
static size_t escape_one(char to[4], unsigned char c)
{
    static const char digits[] = "0123456789abcdef";

    if (c >= 0x20 && c != 0x7f) {
        return 0;
    }
    to[0] = '\\';
    to[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 'x';
    if (to[1] != 'x') {
        return 2;
    }
    to[2] = digits[c >> 4];
    to[3] = digits[c & 15];
    return 4;
}

size_t log_escape(char *to, size_t room, const char *text)
{
    size_t whole = 0;
    size_t length = 0;

    for (; *text != '\0'; text++) {
        char escaped[4] = {*text};
        size_t size = escape_one(escaped, (unsigned char)*text);

        if (size == 0) {
            size = 1;
        }
        if (length == whole && length + size < room) {
            memcpy(to + length, escaped, size);
            length += size;
        }
        whole += size;
    }
    to[length] = '\0';
    return whole;
}

/* "2026-11-21T01:02:03.456Z"; 24 bytes. */
static size_t print_time(char *to, size_t room)
{
    struct timespec now;
    struct tm day;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    size_t length = strftime(to, room, "%Y-%m-%dT%H:%M:%S", &day);

    length += (size_t)snprintf(to + length, room - length, ".%03ldZ", now.tv_nsec / 1000000);
    return length;
}

static size_t print_subject(char *to, size_t room, struct log_subject subject)
{
    char name[128];
    int length;

    if (subject.numbered) {
        length = snprintf(to, room, "%s %llu", subject.kind, (unsigned long long)subject.number);
    } else if (subject.name != NULL) {
        log_escape(name, sizeof(name), subject.name);
        length = snprintf(to, room, "%s %s", subject.kind, name);
    } else {
        length = snprintf(to, room, "%s", subject.kind);
    }
    assert(length >= 0);
    return (size_t)length < room ? (size_t)length : room - 1;
}

/* A log that cannot be written to must not stop the proxy, so what write(2) says is only looked at
 * for being interrupted. */
static void write_line(const char *line, size_t length)
{
    int descriptor = atomic_load(&log_descriptor);
    ssize_t written;

    do {
        written = write(descriptor, line, length);
    } while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, struct log_subject subject, const char *format, ...)
{
    int saved_errno = errno;
    char message[LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    size_t room = sizeof(line) - 1; /* the newline's place is kept */
    va_list arguments;

    va_start(arguments, format);
    int wanted = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (wanted < 0) {
        return;
    }

    size_t length = print_time(line, room);

    length += (size_t)snprintf(line + length, room - length, " %s ", log_level_name(level));
    length += print_subject(line + length, room - length, subject);
    length += (size_t)snprintf(line + length, room - length, ": ");
    size_t whole = log_escape(line + length, room - length, message);
    bool cut = (size_t)wanted >= sizeof(message) || whole >= room - length;

    length += strlen(line + length);
    if (cut) {
        length = length < room - 4 ? length : room - 4;
        memcpy(line + length, "...", 3);
        length += 3;
    }
    line[length++] = '\n';
    write_line(line, length);
    errno = saved_errno;
}
