#include "router/statement.h"

#include <ctype.h>

static const char *const pin_names[PIN_COUNT] = {
    "transaction", "temporary-table", "user-variable", "lock-tables", "get-lock", "prepare",
    "found-rows",  "program",         "handler",       "xa",          "role",     "one-shot",
    "log-off",     "instance-lock",   "insert-id",     "tracker",     "unknown",  "cursor",
    "long-data",   "warnings",        "sequence",      "row-count",   "tracking", "replication",
};

const char *statement_class_name(enum statement_class class)
{
    switch (class) {
    case STATEMENT_READ:
        return "read";
    case STATEMENT_ADMIN:
        return "admin";
    case STATEMENT_SESSION:
        return "session";
    case STATEMENT_TRANSACTION:
        return "transaction";
    case STATEMENT_WRITE:
        return "write";
    }
    return "write";
}

const char *pin_name(unsigned pin)
{
    for (unsigned i = 0; i < PIN_COUNT; i++)
        if (pin == 1u << i)
            return pin_names[i];
    return "";
}

size_t pins_print(unsigned pins, char *text, size_t size)
{
    size_t length = 0;

    for (unsigned i = 0; i < PIN_COUNT; i++) {
        if (!(pins & 1u << i))
            continue;
        for (const char *p = length ? "," : ""; *p; p++, length++)
            if (length + 1 < size)
                text[length] = *p;
        for (const char *p = pin_names[i]; *p; p++, length++)
            if (length + 1 < size)
                text[length] = *p;
    }
    if (size)
        text[length < size ? length : size - 1] = 0;
    return length;
}

size_t name_unquote(struct bytes name, char *text, size_t size)
{
    uint8_t quote = 0;
    size_t length = 0;

    if (size == 0)
        return 0;
    if (name.size >= 2 && (name.data[0] == '`' || name.data[0] == '"')) {
        quote = name.data[0];
        name = bytes_of(name.data + 1, name.size - 2);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (length + 1 >= size) {
            text[0] = 0;
            return size;
        }
        text[length++] = (char)name.data[i];
        if (quote && name.data[i] == quote && i + 1 < name.size && name.data[i + 1] == quote)
            i++;
    }
    text[length] = 0;
    return length;
}

bool statement_is_blank(struct bytes part)
{
    for (size_t i = 0; i < part.size; i++) {
        if (!isspace(part.data[i]) && part.data[i] != ';')
            return false;
    }
    return true;
}
