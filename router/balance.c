/*
 * Every algorithm gives each candidate a measure, lower is better, and the turn decides among the
 * equal ones: each gains its weight, the one that has gained most is taken and pays what all
 * gained together. Over time each is taken in proportion to its weight, without bursts.
 *
 * A session's last server is kept while its load is not clearly above the best: at most a quarter
 * and two connections more, by weight. So sessions do not hop between servers whose loads differ by
 * chance, and an idle server still gets its share.
 */
#include "router/balance.h"

enum { KEEP_CONNECTIONS = 2, KEEP_US = 500 };

struct choice {
    const struct balance_request *request;
    const struct candidate *candidates;
    size_t n;
    uint64_t may; /* bit i: candidate i may serve */
};

const char *balance_name(enum balance balance)
{
    switch (balance) {
    case BALANCE_ROUND_ROBIN:
        return "round_robin";
    case BALANCE_LEAST_CONNECTIONS:
        return "least_connections";
    case BALANCE_LEAST_LATENCY:
        return "least_latency";
    case BALANCE_CLIENT_HASH:
        return "client_hash";
    }
    return "";
}

const char *verdict_text(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_OK:
        return "may serve";
    case VERDICT_NOT_USABLE:
        return "not usable";
    case VERDICT_LAGGING:
        return "further behind than max_lag_ms";
    case VERDICT_BEHIND:
        return "horizon below the floor";
    case VERDICT_FALLBACK:
        return "the primary, used only when no replica may serve";
    case VERDICT_NO_WEIGHT:
        return "weight 0, used only when nothing else may serve";
    }
    return "";
}

enum verdict balance_verdict(const struct candidate *candidate,
                             const struct balance_request *request)
{
    if (!candidate->usable)
        return VERDICT_NOT_USABLE;
    if (candidate->is_primary)
        return request->primary_only ? VERDICT_OK : VERDICT_FALLBACK;
    if (request->primary_only)
        return VERDICT_BEHIND;
    if (candidate->horizon < request->floor)
        return VERDICT_BEHIND;
    if (candidate->horizon < request->min_horizon)
        return VERDICT_LAGGING;
    return candidate->weight == 0 ? VERDICT_NO_WEIGHT : VERDICT_OK;
}

static bool is_full(const struct candidate *candidate)
{
    return candidate->max != 0 && candidate->leased >= candidate->max;
}

static uint64_t weight_of(const struct candidate *candidate)
{
    return candidate->weight ? candidate->weight : 1;
}

/* A well mixed number of two. */
static uint64_t hash_pair(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b * UINT64_C(0x9E3779B97F4A7C15));

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* Load by weight, in thousandths of a connection, or the latency: lower is better. */
static uint64_t measure(const struct choice *choice, size_t i, enum balance by)
{
    const struct candidate *candidate = &choice->candidates[i];

    switch (by) {
    case BALANCE_ROUND_ROBIN:
    case BALANCE_CLIENT_HASH:
        return 0;
    case BALANCE_LEAST_CONNECTIONS:
        return (uint64_t)candidate->leased * 1000 / weight_of(candidate);
    case BALANCE_LEAST_LATENCY:
        return candidate->latency_us;
    }
    return 0;
}

/* The best of the candidates that may serve; the turn decides among equals. */
static int pick_by_turn(const struct choice *choice, struct balance_state *state)
{
    uint64_t best = UINT64_MAX;
    int64_t total = 0;
    enum balance by = choice->request->algorithm;
    int taken = -1;

    for (size_t i = 0; i < choice->n; i++)
        if (choice->may >> i & 1 && measure(choice, i, by) < best)
            best = measure(choice, i, by);
    for (size_t i = 0; i < choice->n; i++) {
        if (!(choice->may >> i & 1) || measure(choice, i, by) != best)
            continue;
        state->turn[i] += (int64_t)weight_of(&choice->candidates[i]);
        total += (int64_t)weight_of(&choice->candidates[i]);
        if (taken < 0 || state->turn[i] > state->turn[taken])
            taken = (int)i;
    }
    if (taken >= 0)
        state->turn[taken] -= total;
    return taken;
}

/* Each server scores each client; the highest wins. When a server goes, only its clients move.
 * With weight w a server enters w times. */
static int pick_by_hash(const struct choice *choice)
{
    uint64_t best = 0;
    int taken = -1;

    for (size_t i = 0; i < choice->n; i++) {
        uint64_t entries = weight_of(&choice->candidates[i]);

        if (!(choice->may >> i & 1))
            continue;
        for (uint64_t k = 0; k < (entries < 100 ? entries : 100); k++) {
            uint64_t score = hash_pair(choice->request->client_hash,
                                       choice->candidates[i].id + k * UINT64_C(0xD1B54A32D192ED03));

            if (taken < 0 || score > best) {
                best = score;
                taken = (int)i;
            }
        }
    }
    return taken;
}

/* Whether the session's last server is still good enough. */
static bool keeps(const struct choice *choice, size_t previous)
{
    uint64_t own, best = UINT64_MAX, slack;
    enum balance by = choice->request->algorithm;

    if (by == BALANCE_ROUND_ROBIN)
        by = BALANCE_LEAST_CONNECTIONS; /* turns are for sessions that come new */
    if (previous >= choice->n || !(choice->may >> previous & 1))
        return false;
    own = measure(choice, previous, by);
    for (size_t i = 0; i < choice->n; i++)
        if (choice->may >> i & 1 && measure(choice, i, by) < best)
            best = measure(choice, i, by);
    slack = by == BALANCE_LEAST_LATENCY
                ? KEEP_US
                : UINT64_C(1000) * KEEP_CONNECTIONS / weight_of(&choice->candidates[previous]);
    return own <= best + best / 4 + slack;
}

static uint64_t with_verdict(const struct choice *choice, enum verdict verdict)
{
    uint64_t found = 0;

    for (size_t i = 0; i < choice->n; i++)
        if (balance_verdict(&choice->candidates[i], choice->request) == verdict)
            found |= UINT64_C(1) << i;
    return found;
}

static uint64_t without_full(const struct choice *choice)
{
    uint64_t free_ones = choice->may;

    for (size_t i = 0; i < choice->n; i++)
        if (is_full(&choice->candidates[i]))
            free_ones &= ~(UINT64_C(1) << i);
    return free_ones ? free_ones : choice->may;
}

int balance_pick(const struct balance_request *request, const struct candidate *candidates,
                 size_t n, struct balance_state *state)
{
    static const enum verdict order[] = {VERDICT_OK, VERDICT_NO_WEIGHT, VERDICT_FALLBACK};
    struct choice choice = {request, candidates, n < BALANCE_SERVERS ? n : BALANCE_SERVERS, 0};

    for (size_t i = 0; i < sizeof order / sizeof order[0] && !choice.may; i++)
        choice.may = with_verdict(&choice, order[i]);
    if (!choice.may)
        return -1;
    if (request->algorithm == BALANCE_CLIENT_HASH)
        return pick_by_hash(&choice);
    choice.may = without_full(&choice);
    if (request->previous >= 0 && keeps(&choice, (size_t)request->previous))
        return request->previous;
    return pick_by_turn(&choice, state);
}
