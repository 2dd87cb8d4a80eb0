/*
 * The list of watched threads and the judgement about one. See watch.h.
 */
#include "health/watch.h"

#include "health/arena.h"

#include <stdlib.h>

/* A start that is told in whole seconds of another clock is later than a moment only with this
 * much to spare. */
enum { START_MARGIN_S = 4 };

bool thread_is_gone(const struct thread_watch *watch, const struct thread_answer *answer)
{
    const uint64_t ns_per_s = UINT64_C(1000000000);

    if (watch->identity == 0 || answer->identity != watch->identity)
        return false; /* another server answers at that address */
    if (answer->started_s > watch->opened_ns / ns_per_s + START_MARGIN_S)
        return true; /* it ended with the process; what has this number now is another one */
    return answer->sees_all && !answer->listed;
}

uint64_t thread_watch_gone(const struct thread_watch *watch)
{
    return atomic_load_explicit(&watch->gone_ns, memory_order_acquire);
}

void thread_watch_unref(struct thread_watch *watch)
{
    if (watch && atomic_fetch_sub_explicit(&watch->references, 1, memory_order_acq_rel) == 1)
        free(watch);
}

struct thread_watch *watch_list_add(struct watch_list *list, const struct thread_watch *wanted,
                                    uint64_t now, uint64_t shortest_ns)
{
    if (list->count == WATCH_MAX)
        return NULL;
    struct thread_watch *watch = health_alloc(1, sizeof(*watch));
    watch->identity = wanted->identity;
    watch->opened_ns = wanted->opened_ns;
    watch->thread_id = wanted->thread_id;
    atomic_init(&watch->gone_ns, 0);
    atomic_init(&watch->references, 2);
    list->items[list->count++] = watch;
    uint64_t earliest = list->asked_ns + shortest_ns;
    list->due_ns = now > earliest ? now : earliest;
    list->gap_ns = shortest_ns;
    return watch;
}

static void drop(struct watch_list *list, size_t index)
{
    thread_watch_unref(list->items[index]);
    list->items[index] = list->items[--list->count];
}

bool watch_list_is_needed(struct watch_list *list)
{
    for (size_t i = list->count; i-- > 0;) {
        if (atomic_load_explicit(&list->items[i]->references, memory_order_acquire) == 1)
            drop(list, i);
    }
    return list->count > 0;
}

void watch_list_asked(struct watch_list *list, uint64_t now, uint64_t longest_ns)
{
    list->asked_ns = now;
    list->due_ns = now + list->gap_ns;
    list->gap_ns = list->gap_ns < longest_ns / 2 ? list->gap_ns * 2 : longest_ns;
}

void watch_list_conclude(struct watch_list *list, size_t index, uint64_t moment)
{
    atomic_store_explicit(&list->items[index]->gone_ns, moment, memory_order_release);
    drop(list, index);
}

void watch_list_dispose(struct watch_list *list)
{
    while (list->count > 0)
        drop(list, list->count - 1);
}
