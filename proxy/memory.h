/*
 * Memory that either exists or ends the program.
 *
 * A proxy that cannot get a few hundred bytes cannot serve anybody, and code
 * that pretends otherwise is never tested. So these functions never answer
 * NULL: they write one line to stderr and abort. They are for sizes that we
 * choose; a size that a peer can choose has a ceiling checked by its reader
 * before it comes here.
 */
#ifndef TIDEMARK_PROXY_MEMORY_H
#define TIDEMARK_PROXY_MEMORY_H

#include <stddef.h>

/* The bytes are not initialised. size may be 0: the result can still be freed. Owner: the caller,
 * who gives it to mem_free(). */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* count objects of size bytes each, all zero; dies too when the product overflows. */
void *mem_calloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));

/* As realloc(); old may be NULL. Not for secrets: the old copy is left unwiped. */
void *mem_realloc(void *old, size_t size) __attribute__((returns_nonnull, alloc_size(2)));

/* A copy of size bytes; data may be NULL when size is 0. */
void *mem_copy(const void *data, size_t size) __attribute__((malloc, returns_nonnull));

/* A copy of a NUL-terminated text; of at most size bytes of it, NUL-terminated; and a printed one.
 */
char *mem_text(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *mem_text_of(const char *data, size_t size) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Out of memory: says so and ends the program. */
void mem_die(void) __attribute__((noreturn));

/* As free(); NULL is fine. */
void mem_free(void *memory);

/* A copy of a NUL-terminated secret, in locked memory (locked.h) unless it is longer than any that
 * can be configured. Owner: the caller, who gives it to mem_free_secret(). */
char *mem_secret(const char *text) __attribute__((returns_nonnull, nonnull));

/* Overwrites a NUL-terminated secret, of mem_secret() or another, before freeing it; NULL is fine.
 */
void mem_free_secret(char *secret);

#endif
