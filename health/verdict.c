/*
 * The damping of one server's looks, and the small helpers around a look. The judgement over all
 * servers is in health/judge.c.
 */
#include "health/verdict.h"

#include "health/fingerprint.h"

#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

enum {
    TIMEOUTS_UNTIL_DOWN = 2,
    FLAP_WINDOW_S = 60,
    START_JITTER_S = 2, /* Uptime is in whole seconds, on a clock of its own */
};

const char *server_role_name(enum server_role role)
{
    switch (role) {
    case ROLE_PRIMARY:
        return "primary";
    case ROLE_REPLICA:
        return "replica";
    case ROLE_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *configured_role_name(enum configured_role role)
{
    switch (role) {
    case CONFIGURED_PRIMARY:
        return "primary";
    case CONFIGURED_REPLICA:
        return "replica";
    case CONFIGURED_AUTO:
        break;
    }
    return "auto";
}

const char *server_state_name(enum server_state state)
{
    switch (state) {
    case STATE_UP:
        return "up";
    case STATE_SUSPECT:
        return "suspect";
    case STATE_DRAINING:
        return "draining";
    case STATE_DIVERGED:
        return "diverged";
    case STATE_DOWN:
        break;
    }
    return "down";
}

void look_dispose(struct look *look)
{
    for (size_t i = 0; i < look->source_count; i++) {
        position_dispose(&look->sources[i].applied);
        position_dispose(&look->sources[i].received);
    }
    position_dispose(&look->executed);
    position_dispose(&look->logged);
    memset(look, 0, sizeof(*look));
}

uint64_t look_identity(const struct look *look)
{
    uint64_t identity = look->uuid[0] ? fingerprint_of(FINGERPRINT_START, look->uuid) : look->id;

    return identity ? identity : 1;
}

bool look_is_another_life(const struct look *before, const struct look *after)
{
    uint64_t apart = before->started_s > after->started_s ? before->started_s - after->started_s
                                                          : after->started_s - before->started_s;

    return strcmp(before->uuid, after->uuid) != 0 || before->id != after->id ||
           apart > START_JITTER_S || after->connection_id < before->connection_id;
}

static void go_down(struct damping *v, uint64_t at)
{
    const size_t kept = sizeof(v->down_at) / sizeof(v->down_at[0]);

    v->needed = 1;
    for (size_t i = 0; i + 1 < kept; i++) {
        if (v->down_at[i] && at - v->down_at[i] < FLAP_WINDOW_S * NS_PER_S)
            v->needed *= 2;
    }
    memmove(&v->down_at[1], &v->down_at[0], (kept - 1) * sizeof(v->down_at[0]));
    v->down_at[0] = at;
    v->up = false;
    v->successes = 0;
}

enum server_state verdict_after(struct damping *v, enum look_result result, uint64_t at)
{
    switch (result) {
    case LOOK_GOOD:
        v->failures = 0;
        v->successes++;
        if (!v->up && v->successes >= v->needed)
            v->up = true;
        break;
    case LOOK_TIMED_OUT:
        v->successes = 0;
        if (++v->failures >= TIMEOUTS_UNTIL_DOWN && v->up)
            go_down(v, at);
        break;
    case LOOK_REFUSED:
        v->successes = 0;
        v->failures++;
        if (v->up)
            go_down(v, at);
        break;
    }
    if (!v->up)
        return STATE_DOWN;
    return v->failures ? STATE_SUSPECT : STATE_UP;
}
