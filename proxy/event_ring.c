/*
 * The last events. See event_ring.h.
 */
#include "proxy/event_ring.h"

#include "proxy/clock.h"
#include "proxy/log.h"
#include "proxy/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct event_ring {
    pthread_mutex_t lock;
    uint64_t added; /* so far */
    struct event events[EVENTS_KEPT];
    struct event_count kinds[EVENT_KINDS];
    size_t kind_count;
};

struct event_ring *event_ring_new(void)
{
    struct event_ring *ring = mem_calloc(1, sizeof *ring);

    pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

void event_ring_free(struct event_ring *ring)
{
    if (ring != NULL) {
        pthread_mutex_destroy(&ring->lock);
        mem_free(ring);
    }
}

/* The last place counts whatever has found no other. */
static void count_kind(struct event_ring *ring, const char *kind)
{
    size_t at = 0;

    while (at < ring->kind_count && strcmp(ring->kinds[at].kind, kind) != 0) {
        at++;
    }
    if (at == EVENT_KINDS) {
        at = EVENT_KINDS - 1;
    } else if (at == ring->kind_count) {
        ring->kinds[ring->kind_count++].kind = at < EVENT_KINDS - 1 ? kind : "other";
    }
    ring->kinds[at].added++;
}

static void add(struct event_ring *ring, enum log_level level, const char *kind, const char *name,
                const char *what, const char *why)
{
    int64_t now;
    struct event *event;

    log_at(level, log_name(kind, name), "%s%s%s", what, why[0] != 0 ? ": " : "", why);
    now = clock_unix_us();
    pthread_mutex_lock(&ring->lock);
    event = &ring->events[ring->added % EVENTS_KEPT];
    event->number = ++ring->added;
    count_kind(ring, kind);
    event->at_unix_us = now;
    snprintf(event->subject, sizeof event->subject, "%s%s%s", kind, name != NULL ? " " : "",
             name != NULL ? name : "");
    snprintf(event->what, sizeof event->what, "%s", what);
    snprintf(event->why, sizeof event->why, "%s", why);
    pthread_mutex_unlock(&ring->lock);
}

void event_ring_add(struct event_ring *ring, const char *kind, const char *name, const char *what,
                    const char *why)
{
    add(ring, LOG_LEVEL_INFO, kind, name, what, why);
}

void event_ring_alarm(struct event_ring *ring, const char *kind, const char *name, const char *what,
                      const char *why)
{
    add(ring, LOG_LEVEL_ERROR, kind, name, what, why);
}

size_t event_ring_copy(struct event_ring *ring, struct event *events, size_t count)
{
    size_t kept;

    pthread_mutex_lock(&ring->lock);
    kept = ring->added < EVENTS_KEPT ? (size_t)ring->added : EVENTS_KEPT;
    kept = kept < count ? kept : count;
    for (size_t i = 0; i < kept; i++) {
        events[i] = ring->events[(ring->added - kept + i) % EVENTS_KEPT];
    }
    pthread_mutex_unlock(&ring->lock);
    return kept;
}

size_t event_ring_counts(struct event_ring *ring, struct event_count *counts)
{
    size_t count;

    pthread_mutex_lock(&ring->lock);
    count = ring->kind_count;
    memcpy(counts, ring->kinds, sizeof ring->kinds);
    pthread_mutex_unlock(&ring->lock);
    return count;
}
