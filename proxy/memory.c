/*
 * See memory.h. The one idea: out of memory has one place where it is handled, mem_die().
 */
#include "proxy/memory.h"

#include "proxy/locked.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No stdio and no log here: either could ask for memory. */
void mem_die(void)
{
    static const char last_words[] = "tidemark: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, last_words, sizeof(last_words) - 1);

    (void)ignored;
    abort();
}

static void *or_die(void *memory)
{
    if (memory == NULL) {
        mem_die();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return or_die(malloc(size != 0 ? size : 1));
}

void *mem_calloc(size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        return or_die(calloc(1, 1));
    }
    return or_die(calloc(count, size));
}

void *mem_realloc(void *old, size_t size)
{
    return or_die(realloc(old, size != 0 ? size : 1));
}

void *mem_copy(const void *data, size_t size)
{
    void *copy = mem_alloc(size);

    if (size != 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *mem_text(const char *text)
{
    return mem_copy(text, strlen(text) + 1);
}

char *mem_text_of(const char *data, size_t size)
{
    size_t length = size != 0 ? strnlen(data, size) : 0;
    char *text = mem_alloc(length + 1);

    if (length != 0) {
        memcpy(text, data, length);
    }
    text[length] = '\0';
    return text;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    return or_die(text);
}

char *mem_secret(const char *text)
{
    size_t size = strlen(text) + 1;

    return size <= LOCKED_MAX ? memcpy(locked_alloc(size), text, size) : mem_text(text);
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_free_secret(char *secret)
{
    if (secret != NULL && locked_has(secret)) {
        locked_free(secret);
    } else if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}
