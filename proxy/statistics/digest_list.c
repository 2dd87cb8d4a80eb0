#include "proxy/statistics/digest_list.h"

#include "proxy/memory.h"

#include <stdlib.h>

static void reserve(struct digest_list *list, size_t capacity)
{
    if (capacity > list->capacity) {
        list->entries = mem_realloc(list->entries, capacity * sizeof *list->entries);
        list->capacity = capacity;
    }
}

static void add(void *context, const struct digest_entry *entry)
{
    struct digest_list *list = context;

    if (list->count == list->capacity) {
        reserve(list, list->capacity * 2 + 64);
    }
    list->entries[list->count++] = *entry;
}

bool digest_list_collect(struct digest_list *list, const struct digests *digests, size_t limit)
{
    reserve(list, digests_count(digests));
    return !digests_visit(digests, &list->place, limit, add, list);
}

static int by_digest(const void *a, const void *b)
{
    const struct digest_entry *const *one = a;
    const struct digest_entry *const *two = b;

    return ((*one)->digest > (*two)->digest) - ((*one)->digest < (*two)->digest);
}

struct digest_list digest_list_merge(struct digest_list *lists, size_t count)
{
    struct digest_list all = {0};
    const struct digest_entry **sorted;
    size_t total = 0;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        total += lists[i].count;
    }
    sorted = mem_alloc(total * sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lists[i].count; k++) {
            sorted[at++] = &lists[i].entries[k];
        }
    }
    if (total > 0) {
        qsort(sorted, total, sizeof *sorted, by_digest);
    }
    reserve(&all, total);
    for (size_t i = 0; i < total; i++) {
        if (all.count > 0 && all.entries[all.count - 1].digest == sorted[i]->digest) {
            digest_entry_merge(&all.entries[all.count - 1], sorted[i]);
        } else {
            add(&all, sorted[i]);
        }
    }
    mem_free(sorted);
    for (size_t i = 0; i < count; i++) {
        digest_list_dispose(&lists[i]);
    }
    return all;
}

void digest_list_dispose(struct digest_list *list)
{
    mem_free(list->entries);
    *list = (struct digest_list){0};
}
