/*
 * Memory of the health part: single blocks, and an arena for snapshots, whose many small texts are
 * made together and freed together. Running out of memory ends the program, as everywhere.
 */
#ifndef HEALTH_ARENA_H
#define HEALTH_ARENA_H

#include <stddef.h>

#define NEVER_NULL __attribute__((returns_nonnull))

/* Zeroed memory (what health_realloc() adds is not), freed with free(). */
NEVER_NULL void *health_alloc(size_t count, size_t size);
NEVER_NULL void *health_realloc(void *old, size_t count, size_t size);
NEVER_NULL char *health_text(const char *text, size_t size); /* a copy with a NUL added */

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
const char *arena_text(struct arena *arena, const char *text); /* NULL gives NULL */
const char *arena_text_of(struct arena *arena, const char *text, size_t size);

#endif
