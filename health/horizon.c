/*
 * The ring is an array in time order; it is small enough that moving it is cheaper than being
 * clever about it, and the search from the newest end finds a healthy replica's horizon at once.
 */
#include "health/horizon.h"

#include <string.h>

bool history_equal(const struct history *a, const struct history *b)
{
    return a->epoch == b->epoch && strcmp(a->id, b->id) == 0;
}

void horizon_ring_init(struct horizon_ring *ring)
{
    memset(ring, 0, sizeof(*ring));
}

void horizon_ring_dispose(struct horizon_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        position_dispose(&ring->samples[i].position);
    ring->count = 0;
}

void horizon_ring_reset(struct horizon_ring *ring, const struct history *history)
{
    horizon_ring_dispose(ring);
    ring->history = *history;
}

static void drop_sample(struct horizon_ring *ring, size_t i)
{
    position_dispose(&ring->samples[i].position);
    memmove(&ring->samples[i], &ring->samples[i + 1],
            (ring->count - i - 1) * sizeof(ring->samples[0]));
    ring->count--;
}

/*
 * Drops the sample whose loss costs the least: the gap it would leave, compared with its age. So
 * the samples end up spaced in proportion to their age; the oldest and the newest always stay.
 */
static void thin(struct horizon_ring *ring, uint64_t now)
{
    size_t cheapest = 1;
    double least = 1e300;

    for (size_t i = 1; i + 1 < ring->count; i++) {
        double gap = (double)(ring->samples[i + 1].at - ring->samples[i - 1].at);
        double age = (double)(now - ring->samples[i].at) + 1;
        if (gap / age < least) {
            least = gap / age;
            cheapest = i;
        }
    }
    drop_sample(ring, cheapest);
}

enum horizon_add horizon_add(struct horizon_ring *ring, uint64_t at,
                             const struct position *position)
{
    struct sample *newest = ring->count ? &ring->samples[ring->count - 1] : NULL;

    if (position_is_empty(position) || (newest && at < newest->at))
        return HORIZON_REFUSED;
    if (newest && !position_contains(position, &newest->position)) {
        horizon_ring_dispose(ring);
        return HORIZON_SHRANK;
    }
    if (newest && position_contains(&newest->position, position)) {
        newest->at = at;
        return HORIZON_MOVED_ON;
    }
    if (ring->count == HORIZON_RING_SIZE)
        thin(ring, at);
    ring->samples[ring->count++] = (struct sample){at, position_copy(position)};
    return HORIZON_ADDED;
}

const struct sample *horizon_newest(const struct horizon_ring *ring)
{
    return ring->count ? &ring->samples[ring->count - 1] : NULL;
}

uint64_t horizon_of(const struct horizon_ring *ring, const struct position *applied,
                    const struct history *history)
{
    if (position_is_empty(applied) || !history_equal(&ring->history, history))
        return 0;
    for (size_t i = ring->count; i-- > 0;) {
        if (position_contains(applied, &ring->samples[i].position))
            return ring->samples[i].at;
    }
    return 0;
}
