/*
 * See ini_text.h. The library asks for a line, calls back with its key and value, and asks again:
 * so the line last handed out is the one a callback is about.
 */
#include "proxy/config/ini_text.h"

#include <ini.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 190, /* the library's buffer holds 200, its ends included */
};

struct source {
    const char *at;
    const char *end;
    const struct ini_sink *sink;
    unsigned line;
    bool in_section; /* false before the first section and after a bad one */
    bool saw_section;
};

struct slice {
    const char *data;
    size_t size;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct slice trimmed(struct slice s)
{
    while (s.size > 0 && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && is_blank(s.data[s.size - 1])) {
        s.size--;
    }
    return s;
}

/* The next line without its end and its outer blanks. */
static bool next_line(struct source *source, struct slice *line)
{
    if (source->at == source->end) {
        return false;
    }
    size_t left = (size_t)(source->end - source->at);
    const char *newline = memchr(source->at, '\n', left);
    size_t size = newline != NULL ? (size_t)(newline - source->at) : left;

    *line = trimmed((struct slice){source->at, size});
    source->at += newline != NULL ? size + 1 : size;
    source->line++;
    return true;
}

/* The first word, as far as it can be a name: the only part of a bad line that is ever shown. */
static void first_word(struct slice line, char word[INI_NAME_BYTES + 1])
{
    size_t size = 0;

    while (size < line.size && size < INI_NAME_BYTES && !is_blank(line.data[size]) &&
           line.data[size] != '=' && line.data[size] != ':' && line.data[size] != '\0') {
        size++;
    }
    memcpy(word, line.data, size);
    word[size] = '\0';
}

static void mistake(const struct source *source, struct slice line, const char *what)
{
    char word[INI_NAME_BYTES + 1];

    first_word(line, word);
    source->sink->on_mistake(source->sink->user, source->line, word[0] != '\0' ? word : "line",
                             what);
}

/* [kind] or [kind name], and nothing but a comment behind it. */
static const char *split_section(struct slice line, char kind[INI_NAME_BYTES + 1],
                                 char name[INI_NAME_BYTES + 1])
{
    const char *close = memchr(line.data, ']', line.size);

    if (close == NULL) {
        return "has no ], allowed: [SECTION] or [SECTION NAME]";
    }
    struct slice rest =
        trimmed((struct slice){close + 1, line.size - (size_t)(close + 1 - line.data)});
    struct slice inside = trimmed((struct slice){line.data + 1, (size_t)(close - line.data - 1)});
    size_t kind_size = 0;

    if (rest.size > 0 && rest.data[0] != ';' && rest.data[0] != '#') {
        return "has something behind the ], allowed: a comment";
    }
    if (inside.size > INI_NAME_BYTES) {
        return "is too long, allowed: at most 49 bytes between the brackets";
    }
    if (memchr(inside.data, ';', inside.size) != NULL) {
        return "has a semicolon in it, allowed: [SECTION] or [SECTION NAME]";
    }
    while (kind_size < inside.size && !is_blank(inside.data[kind_size])) {
        kind_size++;
    }
    memcpy(kind, inside.data, kind_size);
    kind[kind_size] = '\0';
    struct slice instance =
        trimmed((struct slice){inside.data + kind_size, inside.size - kind_size});

    memcpy(name, instance.data, instance.size);
    name[instance.size] = '\0';
    return NULL;
}

static void read_section(struct source *source, struct slice line)
{
    char kind[INI_NAME_BYTES + 1], name[INI_NAME_BYTES + 1];
    const char *wrong = split_section(line, kind, name);

    source->saw_section = true;
    source->in_section = wrong == NULL;
    if (wrong != NULL) {
        source->sink->on_mistake(source->sink->user, source->line, "section", wrong);
    } else {
        source->sink->on_section(source->sink->user, source->line, kind, name);
    }
}

/* NULL: a line that the library will split as we would. */
static const char *check_key(const struct source *source, struct slice line)
{
    size_t key_size = 0;

    while (key_size < line.size && line.data[key_size] != '=' && line.data[key_size] != ':') {
        key_size++;
    }
    struct slice key = trimmed((struct slice){line.data, key_size});

    if (key_size == line.size) {
        return "has no \"=\", allowed: KEY = VALUE";
    }
    if (key.size == 0) {
        return "has no key before the \"=\", allowed: KEY = VALUE";
    }
    for (size_t i = 0; i < key.size; i++) {
        if (is_blank(key.data[i])) {
            return "has a blank before the \"=\", allowed: KEY = VALUE";
        }
    }
    if (key.size > INI_NAME_BYTES) {
        return "is too long, allowed: at most 49 bytes before the \"=\"";
    }
    if (!source->saw_section) {
        return "stands before the first section, allowed: keys below a line such as [proxy]";
    }
    return NULL;
}

static const char *check_line(const struct source *source, struct slice line)
{
    if (line.size > LINE_MAX_BYTES) {
        return "is on a line that is too long, allowed: at most 190 bytes";
    }
    if (memchr(line.data, '\0', line.size) != NULL) {
        return "is on a line with a zero byte, allowed: text";
    }
    return line.data[0] == '[' ? NULL : check_key(source, line);
}

/* The library's reader, like fgets(): called for one line after the other. */
static char *read_line(char *room, int room_size, void *stream)
{
    struct source *source = stream;
    struct slice line;

    if (!next_line(source, &line)) {
        return NULL;
    }
    room[0] = '\0';
    if (line.size == 0 || line.data[0] == ';' || line.data[0] == '#') {
        return room;
    }
    const char *wrong = check_line(source, line);

    if (wrong != NULL) {
        mistake(source, line, wrong);
        if (line.data[0] == '[') {
            source->saw_section = true;
            source->in_section = false;
        }
    } else if (line.data[0] == '[') {
        read_section(source, line);
    } else if (source->in_section && line.size < (size_t)room_size) {
        memcpy(room, line.data, line.size);
        room[line.size] = '\0';
    }
    return room;
}

/* The library's handler. It was told of no section, so its own idea of one is always "". */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    const struct source *source = user;

    (void)section;
    source->sink->on_key(source->sink->user, source->line, key, value);
    return 1;
}

void ini_text_read(const char *text, size_t size, const struct ini_sink *sink)
{
    struct source source = {.at = text, .end = text + size, .sink = sink};

    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        source.at += 3; /* a byte order mark */
    }
    int bad_line = ini_parse_stream(read_line, &source, take_key, &source);

    if (bad_line != 0) { /* the checks above should leave nothing for the library to refuse */
        source.line = bad_line > 0 ? (unsigned)bad_line : source.line;
        sink->on_mistake(sink->user, source.line, "line", "cannot be read, allowed: KEY = VALUE");
    }
}
