/*
 * See user_variables.h.
 */
#include "proxy/client/user_variables.h"

#include "protocol/result_set.h"

#include <ctype.h>

/* The column of a user variable that was set to a string, or to an untyped NULL, has this length;
 * of one that never was set it is another (measured on both). */
#define LENGTH_OF_SET 16777215u

enum {
    LITERAL_DIGITS = 18,   /* an integer of as many fits into 63 bits */
    LITERAL_STRING = 1024, /* longer ones are read back */
};

/* ---- the list ---- */

struct bytes user_variables_next(struct bytes *list, struct bytes *expression)
{
    const uint8_t *blank = list->size == 0 ? NULL : memchr(list->data, ' ', list->size);
    const uint8_t *end = list->size == 0 ? NULL : memchr(list->data, '\n', list->size);
    struct bytes name;

    if (blank == NULL || end == NULL || blank > end) {
        *list = *expression = bytes_of(NULL, 0);
        return bytes_of(NULL, 0);
    }
    name = bytes_of(list->data, (size_t)(blank - list->data));
    *expression = bytes_of(blank + 1, (size_t)(end - blank - 1));
    *list = bytes_after(*list, (size_t)(end - list->data) + 1);
    return name;
}

bool user_variables_find(struct bytes list, struct bytes name, struct bytes *expression)
{
    struct bytes other;

    while (other = user_variables_next(&list, expression), other.size > 0) {
        if (bytes_equal(other, name)) {
            return true;
        }
    }
    return false;
}

bool user_variables_cover(struct bytes list, struct bytes few)
{
    struct bytes expression;
    struct bytes name;
    struct bytes found;

    while (name = user_variables_next(&few, &expression), name.size > 0) {
        if (!user_variables_find(list, name, &found)) {
            return false;
        }
    }
    return true;
}

static void write_line(struct writer *out, struct bytes name, struct bytes expression)
{
    write_bytes(out, name);
    write_u8(out, ' ');
    write_bytes(out, expression);
    write_u8(out, '\n');
}

static bool comes_before(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, common);

    return order != 0 ? order < 0 : a.size < b.size;
}

bool user_variables_with(struct bytes list, struct bytes name, struct bytes expression,
                         struct writer *out)
{
    struct bytes rest = list;
    struct bytes other;
    struct bytes value;
    bool is_written = false;
    unsigned count = 0;

    while (other = user_variables_next(&rest, &value), other.size > 0) {
        if (!is_written && !comes_before(other, name)) {
            write_line(out, name, expression);
            is_written = true;
            count++;
        }
        if (!bytes_equal(other, name)) {
            write_line(out, other, value);
            count++;
        }
    }
    if (!is_written) {
        write_line(out, name, expression);
        count++;
    }
    return !out->failed && count <= USER_VARIABLES_MAX && out->size <= USER_VARIABLES_MAX_SIZE;
}

struct bytes user_variable_name(struct bytes written, char out[USER_VARIABLE_NAME])
{
    const struct bytes none = {NULL, 0};

    if (written.size >= 2 && strchr("'\"`", written.data[0]) != NULL && written.data[0] != 0) {
        written = bytes_of(written.data + 1, written.size - 2);
    }
    if (written.size == 0 || written.size > USER_VARIABLE_NAME) {
        return none;
    }
    for (size_t i = 0; i < written.size; i++) {
        uint8_t c = written.data[i];

        if (c > 0x7e || !(isalnum(c) || c == '_' || c == '$' || c == '.')) {
            return none;
        }
        out[i] = (char)tolower(c);
    }
    return bytes_of(out, written.size);
}

/* ---- expressions ---- */

static void write_text(struct writer *out, const char *text)
{
    write_bytes(out, bytes_of_text(text));
}

static void write_hex(struct writer *out, struct bytes hex)
{
    write_text(out, " X'");
    write_bytes(out, hex);
    write_text(out, "'");
}

/* The character set that a collation is of: what stands before its first underscore. */
static struct bytes charset_of(struct bytes collation)
{
    const uint8_t *underscore =
        collation.size == 0 ? NULL : memchr(collation.data, '_', collation.size);

    return underscore == NULL ? collation
                              : bytes_of(collation.data, (size_t)(underscore - collation.data));
}

/* _latin1 ... COLLATE latin1_bin: the two halves. */
static void write_introducer(struct writer *out, struct bytes collation)
{
    write_u8(out, '_');
    write_bytes(out, charset_of(collation));
}

static void write_collate(struct writer *out, struct bytes collation)
{
    if (!bytes_equal_text(collation, "binary")) {
        write_text(out, " COLLATE ");
        write_bytes(out, collation);
    }
}

static bool is_plain_word(struct bytes word)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] > 0x7e || !(isalnum(word.data[i]) || word.data[i] == '_')) {
            return false;
        }
    }
    return word.size > 0;
}

/* ---- literals ---- */

static bool is_number(struct bytes text)
{
    unsigned digits = 0;
    unsigned points = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (c >= '0' && c <= '9') {
            digits++;
        } else if (c == '.') {
            points++;
        } else if (c != '-' || i > 0) {
            return false;
        }
    }
    return digits > 0 && digits <= LITERAL_DIGITS && points <= 1;
}

/* A string that every character set of those below writes the same way. Not the empty one, which
 * MariaDB's sql_mode EMPTY_STRING_IS_NULL reads in its own way. */
static bool is_plain_string(struct bytes text)
{
    if (text.size < 3 || text.size > LITERAL_STRING || text.data[0] != '\'' ||
        text.data[text.size - 1] != '\'') {
        return false;
    }
    for (size_t i = 1; i + 1 < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e || strchr("\\'", text.data[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_of_plain_charset(struct bytes collation)
{
    struct bytes charset = charset_of(collation);

    return is_plain_word(collation) &&
           (bytes_equal_text(charset, "utf8mb4") || bytes_equal_text(charset, "utf8mb3") ||
            bytes_equal_text(charset, "latin1"));
}

bool user_variable_of_literal(struct bytes literal, struct bytes collation, struct writer *out)
{
    if (is_number(literal)) {
        write_bytes(out, literal);
    } else if (bytes_equal_text_nocase(literal, "NULL")) {
        write_text(out, "NULL");
    } else if (bytes_equal_text_nocase(literal, "TRUE")) {
        write_text(out, "1");
    } else if (bytes_equal_text_nocase(literal, "FALSE")) {
        write_text(out, "0");
    } else if (is_plain_string(literal) && is_of_plain_charset(collation)) {
        write_introducer(out, collation);
        write_bytes(out, literal);
        write_collate(out, collation);
    } else {
        return false;
    }
    return !out->failed;
}

/* ---- answers ---- */

/* Digits, signs, points and exponents: what servers write numbers with. */
static bool is_numeric_text(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == 0 || strchr("0123456789+-.e", text.data[i]) == NULL) {
            return false;
        }
    }
    return text.size > 0;
}

static enum user_variable_state number(const struct user_variable_answer *answer,
                                       struct writer *out)
{
    struct bytes value = answer->value;
    bool is_unsigned = (answer->column.flags & COLUMN_FLAG_UNSIGNED) != 0;

    if (!is_numeric_text(value)) {
        return USER_VARIABLE_UNKNOWN;
    }
    if (answer->column.type == COLUMN_LONGLONG) {
        write_text(out, is_unsigned ? "CAST(" : "");
        write_bytes(out, value);
        write_text(out, is_unsigned ? " AS UNSIGNED)" : "");
    } else if (answer->column.type == COLUMN_NEWDECIMAL) {
        write_bytes(out, value);
        write_text(out, memchr(value.data, '.', value.size) == NULL ? "." : "");
    } else if (answer->column.type == COLUMN_DOUBLE) {
        write_bytes(out, value);
        write_text(out, memchr(value.data, 'e', value.size) == NULL ? "e0" : "");
    } else {
        return USER_VARIABLE_UNKNOWN;
    }
    return USER_VARIABLE_SET;
}

static enum user_variable_state string(const struct user_variable_answer *answer,
                                       struct writer *out)
{
    if (!is_plain_word(answer->collation)) {
        return USER_VARIABLE_UNKNOWN;
    }
    write_introducer(out, answer->collation);
    write_hex(out, answer->hex);
    write_collate(out, answer->collation);
    return USER_VARIABLE_SET;
}

/* A variable that is NULL keeps the type of the value before: it is given one first. */
static enum user_variable_state null(struct bytes name, const struct user_variable_answer *answer,
                                     struct writer *out)
{
    struct user_variable_answer before = *answer;
    enum user_variable_state state;

    if (answer->column.type == COLUMN_LONGLONG || answer->column.type == COLUMN_NEWDECIMAL ||
        answer->column.type == COLUMN_DOUBLE) {
        before.value = bytes_of_text("0");
        state = number(&before, out);
    } else if (!bytes_equal_text(answer->collation, "binary")) {
        state = string(&before, out);
    } else if (answer->column.length == LENGTH_OF_SET) {
        write_text(out, "NULL");
        return USER_VARIABLE_SET;
    } else {
        return USER_VARIABLE_UNSET;
    }
    write_text(out, ",@`");
    write_bytes(out, name);
    write_text(out, "`=NULL");
    return state;
}

static bool is_string(uint8_t type)
{
    return type == COLUMN_VAR_STRING || type == COLUMN_STRING || type == COLUMN_TINY_BLOB ||
           type == COLUMN_MEDIUM_BLOB || type == COLUMN_LONG_BLOB || type == COLUMN_BLOB;
}

enum user_variable_state user_variable_of_answer(struct bytes name,
                                                 const struct user_variable_answer *answer,
                                                 struct writer *out)
{
    enum user_variable_state state;

    if (answer->value.data == NULL) {
        state = null(name, answer, out);
    } else if (is_string(answer->column.type)) {
        state = string(answer, out);
    } else {
        state = number(answer, out);
    }
    return out->failed ? USER_VARIABLE_UNKNOWN : state;
}
