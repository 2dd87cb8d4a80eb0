/*
 * What a session holds about its lost writes. See doubt.h.
 */
#include "proxy/client/doubt.h"

#include "health/watch.h"
#include "proxy/backend/backend.h"
#include "proxy/memory.h"
#include "proxy/worker.h"

#include <utlist.h>

struct doubt {
    struct thread_watch *watches; /* a reference to each */
    bool for_good;                /* some thread could not be watched */
};

void doubt_add(struct doubt **doubt, const struct backend *backend)
{
    struct process *process = backend->worker->process;
    const struct thread_watch wanted = {.identity = backend->identity,
                                        .opened_ns = backend->opened_ns,
                                        .thread_id = backend->thread_id};
    struct thread_watch *watch = process->watch(process, backend->server, &wanted);

    if (*doubt == NULL) {
        *doubt = mem_calloc(1, sizeof **doubt);
    }
    if (watch == NULL) {
        (*doubt)->for_good = true;
    } else {
        LL_PREPEND((*doubt)->watches, watch);
    }
}

static void settle(struct doubt *doubt, uint64_t *last_write)
{
    struct thread_watch *watch;
    struct thread_watch *next;

    LL_FOREACH_SAFE(doubt->watches, watch, next)
    {
        uint64_t gone = thread_watch_gone(watch);

        if (gone != 0) {
            *last_write = gone > *last_write ? gone : *last_write;
            LL_DELETE(doubt->watches, watch);
            thread_watch_unref(watch);
        }
    }
}

bool doubt_remains(struct doubt **doubt, uint64_t *last_write)
{
    if (*doubt == NULL) {
        return false;
    }
    settle(*doubt, last_write);
    if ((*doubt)->for_good || (*doubt)->watches != NULL) {
        return true;
    }
    doubt_free(*doubt);
    *doubt = NULL;
    return false;
}

void doubt_free(struct doubt *doubt)
{
    struct thread_watch *watch;
    struct thread_watch *next;

    if (doubt == NULL) {
        return;
    }
    LL_FOREACH_SAFE(doubt->watches, watch, next)
    {
        thread_watch_unref(watch);
    }
    mem_free(doubt);
}
