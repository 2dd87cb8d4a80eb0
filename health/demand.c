/*
 * The few atomic operations that the contract in the header rests on.
 */
#include "health/demand.h"

static void raise_to(_Atomic uint64_t *value, uint64_t to)
{
    uint64_t seen = atomic_load(value);

    while (seen < to && !atomic_compare_exchange_weak(value, &seen, to)) {
    }
}

static bool wake(atomic_bool *sleeps)
{
    return atomic_load(sleeps) && atomic_exchange(sleeps, false);
}

enum demand_wake demand_ask(struct demand *demand, uint64_t floor)
{
    raise_to(&demand->wanted, floor);
    if (!atomic_load(&demand->asked)) /* a load is cheap where all workers ask at once */
        atomic_store(&demand->asked, true);
    if (floor > atomic_load(&demand->covered))
        return wake(&demand->sampler_sleeps) ? DEMAND_SAMPLE : DEMAND_NOTHING;
    return wake(&demand->waiting_ended) ? DEMAND_WAIT : DEMAND_NOTHING;
}

bool demand_is_alive(struct demand *demand, uint64_t now)
{
    if (atomic_exchange(&demand->asked, false))
        demand->interest_until = now + DEMAND_INTEREST_NS;
    return now < demand->interest_until;
}

bool demand_may_sleep(struct demand *demand, atomic_bool *sleeps, uint64_t now)
{
    atomic_store(sleeps, true);
    if (!atomic_exchange(&demand->asked, false))
        return true;
    demand->interest_until = now + DEMAND_INTEREST_NS;
    atomic_store(sleeps, false);
    return false;
}
