/*
 * See secret.h. An empty secret is never what somebody wanted who named a place for it, so it is a
 * complaint too; who wants one writes it as an empty value.
 */
#include "proxy/config/secret.h"

#include "proxy/config/environment_source.h"
#include "proxy/config/file_source.h"
#include "proxy/memory.h"

#include <string.h>

#define EMPTY "is empty, allowed: a secret (an empty one is written as an empty value)"

char *secret_from_file(const char *path, char **complaint)
{
    char *text = NULL;
    size_t size = 0;
    char *secret;
    int error = file_read_whole(path, SECRET_MAX, &text, &size);

    if (error != 0) {
        *complaint = mem_printf("the file \"%.100s\" cannot be read: %s, allowed: a readable file "
                                "of at most %d bytes",
                                path, strerror(-error), SECRET_MAX);
        return NULL;
    }
    if (size > 0 && text[size - 1] == '\n') {
        text[--size] = '\0';
        if (size > 0 && text[size - 1] == '\r') {
            text[--size] = '\0';
        }
    }
    if (size == 0 || strlen(text) != size) {
        *complaint = mem_printf("the file \"%.100s\" %s", path,
                                size == 0 ? EMPTY : "has a zero byte in it, allowed: text");
        explicit_bzero(text, size);
        mem_free(text);
        return NULL;
    }
    secret = mem_secret(text);
    mem_free_secret(text);
    return secret;
}

char *secret_from_environment(char *const *environment, const char *name, char **complaint)
{
    const char *value = process_environment_value(environment, name);

    if (value == NULL || value[0] == '\0') {
        *complaint = mem_printf("the variable \"%.100s\" %s", name,
                                value != NULL ? EMPTY : "is not set, allowed: one that is");
        return NULL;
    }
    return mem_secret(value);
}
