/*
 * Who is the primary, and who replicates from it? First the candidates (writable, in a quorum, not
 * replicating any more), then the choice among them, in which the incumbent always wins, then the
 * others' chains of sources. Everything a server says about its source is a claim: it counts only
 * if the claim leads, through servers we look at ourselves, to the primary we chose.
 */
#include "health/verdict.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct court {
    const struct member *members;
    size_t count;
    int primary;
    int incumbent;
};

/* --- the primary ------------------------------------------------------------------------------ */

static bool still_replicates(const struct look *look)
{
    for (size_t i = 0; i < look->source_count; i++) {
        if (look->sources[i].io_running || look->sources[i].sql_running)
            return true;
    }
    return false;
}

static bool has_applied_all(const struct look *look)
{
    for (size_t i = 0; i < look->source_count; i++) {
        const struct source *s = &look->sources[i];
        if (!position_is_empty(&s->received) && !position_contains(&s->applied, &s->received))
            return false;
    }
    return true;
}

/* Why this member cannot be the primary; NULL: it can. */
static const char *why_no_candidate(const struct member *m, bool is_incumbent)
{
    if (!m->look)
        return "not seen yet";
    if (m->state == STATE_DOWN)
        return "down";
    if (m->configured == CONFIGURED_REPLICA)
        return "configured as replica";
    if (m->look->read_only)
        return "read_only is on";
    if (!m->look->in_quorum)
        return "not part of a quorum";
    if (is_incumbent || m->look->source_count == 0)
        return NULL;
    if (m->configured == CONFIGURED_AUTO && still_replicates(m->look))
        return "writable, but it replicates: set read_only or role = replica";
    if (!has_applied_all(m->look))
        return "writable, but it has not applied all it received";
    return NULL;
}

static void list_names(const struct court *c, const bool *wanted, char *out, size_t size)
{
    size_t used = strlen(out);

    for (size_t i = 0, n = 0; i < c->count && used < size; i++) {
        if (wanted[i])
            used += (size_t)snprintf(out + used, size - used, "%s%s", n++ ? ", " : "",
                                     c->members[i].name);
    }
}

/* Without an incumbent, a server that the configuration calls primary goes before the others. */
static int only_one(const struct court *c, const bool *candidate)
{
    int chosen = -1;
    size_t all = 0;
    size_t configured = 0;
    int by_configuration = -1;

    for (size_t i = 0; i < c->count; i++) {
        if (!candidate[i])
            continue;
        all++;
        chosen = (int)i;
        if (c->members[i].configured == CONFIGURED_PRIMARY) {
            configured++;
            by_configuration = (int)i;
        }
    }
    if (all == 1)
        return chosen;
    return c->incumbent < 0 && configured == 1 ? by_configuration : -1;
}

static int choose_primary(const struct court *c, char *why, size_t size)
{
    bool candidate[c->count + 1];
    size_t candidates = 0;

    for (size_t i = 0; i < c->count; i++) {
        candidate[i] = why_no_candidate(&c->members[i], (int)i == c->incumbent) == NULL;
        candidates += candidate[i];
    }
    if (c->incumbent >= 0 && (size_t)c->incumbent < c->count && candidate[c->incumbent])
        return c->incumbent;
    int chosen = only_one(c, candidate);
    if (chosen >= 0)
        return chosen;
    if (candidates == 0) {
        snprintf(why, size, c->count ? "no server is writable" : "no server is configured");
    } else {
        snprintf(why, size, "several servers are writable: ");
        list_names(c, candidate, why, size);
    }
    return -1;
}

/* --- chains of sources ------------------------------------------------------------------------ */

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

static bool same_address(const struct member *m, const struct source *s)
{
    return m->host && m->port == s->port &&
           (strcasecmp(m->host, s->host) == 0 || (is_loopback(m->host) && is_loopback(s->host)));
}

static int member_with_id(const struct court *c, uint64_t id)
{
    int found = -1;

    for (size_t i = 0; i < c->count; i++) {
        const struct look *look = c->members[i].look;
        if (!look || look->id != id)
            continue;
        if (found >= 0)
            return -1; /* an id that two servers share says nothing */
        found = (int)i;
    }
    return found;
}

/*
 * Which of the servers is this source? UUIDs are certain, ids nearly, an address last: it may be
 * written in several ways, and the server behind it may have been replaced. A server already seen
 * under another UUID is not the one.
 */
static int member_of_source(const struct court *c, const struct source *s)
{
    for (size_t i = 0; s->uuid[0] && i < c->count; i++) {
        const struct look *look = c->members[i].look;
        if (look && strcasecmp(look->uuid, s->uuid) == 0)
            return (int)i;
    }
    int by_id = s->uuid[0] || !s->id ? -1 : member_with_id(c, s->id);
    if (by_id >= 0)
        return by_id;
    for (size_t i = 0; i < c->count; i++) {
        const struct look *look = c->members[i].look;
        bool is_other = look && s->uuid[0] && look->uuid[0];
        if (!is_other && same_address(&c->members[i], s))
            return (int)i;
    }
    return -1;
}

static bool is_where_chains_end(const struct court *c, int member)
{
    if (c->primary >= 0)
        return member == c->primary;
    if (c->incumbent >= 0)
        return member == c->incumbent;
    const struct member *m = &c->members[member]; /* nothing known yet: any that is no replica */
    return !m->look || m->look->source_count == 0;
}

/* The index of the source through which this member receives the primary's changes; -1: none. */
static int source_to_primary(const struct court *c, const struct member *m, bool *visited)
{
    if (!m->look || visited[m - c->members])
        return -1;
    visited[m - c->members] = true; /* sources may go round in a circle */
    for (size_t i = 0; i < m->look->source_count; i++) {
        const struct source *s = &m->look->sources[i];
        int from = member_of_source(c, s);
        if (from < 0 || &c->members[from] == m)
            continue;
        if (is_where_chains_end(c, from))
            return (int)i;
        /* File and offset are those of the direct source, so they cannot be compared across one. */
        if (s->uses_gtid && source_to_primary(c, &c->members[from], visited) >= 0)
            return (int)i;
    }
    return -1;
}

/* --- one member ------------------------------------------------------------------------------- */

/* Why a member that is not the primary is no replica of it either; NULL: it is, through *source. */
static const char *why_no_replica(const struct court *c, const struct member *m, int *source)
{
    if (!m->look)
        return m->trouble && m->trouble[0] ? m->trouble : "not seen yet";
    if (!m->look->read_only && m->configured != CONFIGURED_REPLICA) {
        const char *why = why_no_candidate(m, false);
        return why              ? why
               : c->primary < 0 ? "one of several writable servers"
                                : "writable beside the primary";
    }
    if (!m->look->sources_known)
        return "the monitor's user may not see replication (REPLICATION CLIENT, SLAVE MONITOR)";
    if (m->look->source_count == 0)
        return "read_only, but no source is configured";
    bool visited[c->count + 1];
    memset(visited, 0, sizeof(visited));
    *source = source_to_primary(c, m, visited);
    return *source < 0 ? "does not replicate from the primary" : NULL;
}

static void set_why(struct judgement *j, const char *why)
{
    snprintf(j->why_not, sizeof(j->why_not), "%s", why);
}

static void judge_use(const struct member *m, struct judgement *j)
{
    const struct source *s = j->source >= 0 ? &m->look->sources[j->source] : NULL;

    if (m->state == STATE_DOWN || (m->state == STATE_SUSPECT && j->role == ROLE_REPLICA))
        set_why(j, m->trouble && m->trouble[0] ? m->trouble
                   : m->look                   ? "no answer"
                                               : "not seen yet");
    else if (j->state == STATE_DIVERGED)
        set_why(j, "it has transactions that the primary does not have");
    else if (j->state == STATE_DRAINING)
        set_why(j, "draining");
    else if (s && s->lost)
        set_why(j, "can never catch up: its source no longer has the transactions it needs");
    j->usable = j->why_not[0] == 0;
}

static void judge_member(const struct court *c, size_t i, struct judgement *j)
{
    const struct member *m = &c->members[i];
    const char *why = NULL;

    *j = (struct judgement){.source = -1, .state = m->state};
    if ((int)i == c->primary) {
        j->role = ROLE_PRIMARY;
    } else {
        why = why_no_replica(c, m, &j->source);
        j->role = why ? ROLE_UNKNOWN : ROLE_REPLICA;
    }
    if (m->state != STATE_DOWN && m->draining)
        j->state = STATE_DRAINING;
    if (m->state != STATE_DOWN && m->diverged && j->role == ROLE_REPLICA)
        j->state = STATE_DIVERGED;
    judge_use(m, j);
    if (why && (j->usable || m->state != STATE_DOWN))
        set_why(j, why);
    j->usable = j->usable && !why;
}

int judge(const struct member *members, size_t count, int incumbent, struct judgement *out,
          char why[LOOK_WHY_MAX + 1])
{
    struct court c = {members, count, -1, incumbent};
    char reason[LOOK_WHY_MAX + 1] = "";

    c.primary = choose_primary(&c, reason, sizeof(reason));
    for (size_t i = 0; i < count; i++)
        judge_member(&c, i, &out[i]);
    if (why)
        memcpy(why, c.primary < 0 ? reason : "", c.primary < 0 ? sizeof(reason) : 1);
    return c.primary;
}
