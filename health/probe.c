/*
 * The real probe: a link, and what is known for as long as it lasts. A connection that stays open
 * proves that the server has not restarted, so its start is asked for once per connection.
 */
#include "health/probe.h"

#include "health/answer.h"
#include "health/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LISTING_TIMEOUT_MS = 5000, WAIT_GRACE_MS = 2000 };

struct probe {
    struct link link;
    unsigned timeout_ms;
    uint64_t started_s;
    bool knows_start; /* of the connection that is open */
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static struct probe *open_probe(const struct link_target *target, size_t server)
{
    struct probe *p = health_alloc(1, sizeof(*p));

    (void)server;
    link_init(&p->link, target);
    p->timeout_ms = target->timeout_ms < 1000 ? 1000 : target->timeout_ms;
    return p;
}

static void close_probe(struct probe *p)
{
    link_close(&p->link);
    free(p);
}

static enum link_result open_link(struct probe *p)
{
    if (!link_is_open(&p->link))
        p->knows_start = false;
    return link_open(&p->link);
}

static enum link_result learn_start(struct probe *p)
{
    MYSQL_RES *result;

    if (p->knows_start)
        return LINK_OK;
    enum link_result asked =
        link_query(&p->link, "SHOW GLOBAL STATUS LIKE 'Uptime'", p->timeout_ms, &result);
    struct answer a = answer_over(result);
    if (asked == LINK_OK && answer_next(&a)) {
        p->started_s = now_ns() / UINT64_C(1000000000) - answer_number_at(&a, 1);
        p->knows_start = true;
    }
    answer_dispose(&a);
    return asked;
}

static enum look_result look_result_of(enum link_result result)
{
    switch (result) {
    case LINK_OK:
        return LOOK_GOOD;
    case LINK_TIMED_OUT:
    case LINK_INTERRUPTED:
        return LOOK_TIMED_OUT;
    case LINK_SERVER_ERROR:
    case LINK_LOST:
        break;
    }
    return LOOK_REFUSED;
}

static void look_once(struct probe *p, struct look *out, bool *is_new)
{
    memset(out, 0, sizeof(*out));
    *is_new = false;
    enum link_result result = open_link(p);
    if (result == LINK_OK && !p->knows_start) {
        *is_new = true;
        result = learn_start(p);
    }
    out->at = now_ns();
    if (result == LINK_OK) {
        out->connection_id = mysql_thread_id(p->link.mysql);
        out->started_s = p->started_s;
        result = look_over(&p->link, p->timeout_ms, out);
    }
    out->done_at = now_ns();
    out->result = look_result_of(result);
    if (result != LINK_OK)
        snprintf(out->why, sizeof(out->why), "%s", p->link.why);
}

static void look(struct probe *p, struct look *out, bool *is_new)
{
    bool was_open = link_is_open(&p->link);

    look_once(p, out, is_new);
    /* An idle connection that broke says little about the server: ask again over a new one. */
    if (was_open && out->result == LOOK_REFUSED) {
        look_dispose(out);
        look_once(p, out, is_new);
    }
}

static bool sample(struct probe *p, bool gtid, bool place, struct position *executed,
                   struct position *logged)
{
    return link_is_open(&p->link) &&
           sample_over(&p->link, p->timeout_ms, gtid, place, executed, logged) == LINK_OK;
}

static enum wait_result wait_for(struct probe *p, const struct position *position,
                                 unsigned timeout_ms)
{
    bool was_open = link_is_open(&p->link);

    if (open_link(p) != LINK_OK)
        return WAIT_FAILED;
    enum wait_result result = wait_over(&p->link, position, timeout_ms);
    if (was_open && result == WAIT_FAILED && !link_is_open(&p->link) && open_link(p) == LINK_OK)
        result = wait_over(&p->link, position, timeout_ms);
    return result;
}

static bool threads(struct probe *p, const uint32_t *ids, size_t count, bool *listed,
                    bool *sees_all)
{
    enum link_result asked = LINK_LOST;

    memset(listed, 0, count * sizeof(*listed));
    if (link_is_open(&p->link))
        asked = threads_over(&p->link, p->timeout_ms, ids, count, listed, sees_all);
    if (asked == LINK_SERVER_ERROR)
        *sees_all = false; /* it may not look */
    return asked == LINK_OK || asked == LINK_SERVER_ERROR;
}

static struct server_facts *read_facts(struct probe *p, const char *const *tracked)
{
    return link_is_open(&p->link) ? facts_over(&p->link, LISTING_TIMEOUT_MS, tracked) : NULL;
}

static struct catalog *read_catalog(struct probe *p)
{
    return link_is_open(&p->link) ? catalog_over(&p->link, LISTING_TIMEOUT_MS) : NULL;
}

const struct probe_ops real_probe_ops = {
    .open = open_probe,
    .close = close_probe,
    .look = look,
    .sample = sample,
    .wait = wait_for,
    .threads = threads,
    .facts = read_facts,
    .catalog = read_catalog,
};

/*
 * The wait functions, and their time-outs' traps: MySQL's GTID wait takes 0 for "for ever",
 * MariaDB's takes NULL for it, so the number is always there and never below a millisecond. Both
 * GTID waits answer 0 when reached; the wait for a log place answers a count of events (0 or more),
 * -1 when the time is over and NULL when the applier does not run.
 */
static char *wait_query(const struct link *link, const struct position *position,
                        unsigned timeout_ms)
{
    unsigned ms = timeout_ms ? timeout_ms : 1;
    char *text = position_text_new(position);
    char *sql = NULL;
    int n = -1;

    if (position->kind == POSITION_MYSQL_GTID)
        n = asprintf(&sql, "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', %u.%03u)", text, ms / 1000,
                     ms % 1000);
    else if (position->kind == POSITION_MARIADB_GTID)
        n = asprintf(&sql, "SELECT MASTER_GTID_WAIT('%s', %u.%03u)", text, ms / 1000, ms % 1000);
    else if (position->kind == POSITION_FILE && position->place)
        n = asprintf(
            &sql, "SELECT %s('%s', %llu, %u)",
            link->flavor == FLAVOR_MYSQL && link->version_number >= 80026 ? "SOURCE_POS_WAIT"
                                                                          : "MASTER_POS_WAIT",
            position->place->file, (unsigned long long)position->place->offset, (ms + 999) / 1000);
    free(text);
    return n < 0 ? NULL : sql;
}

static enum wait_result wait_result_of(const struct position *position, struct bytes field)
{
    if (bytes_is_empty(field)) /* NULL */
        return WAIT_FAILED;
    if (bytes_equal_text(field, "0"))
        return WAIT_REACHED;
    if (position->kind == POSITION_FILE && field.data[0] != '-')
        return WAIT_REACHED;
    return WAIT_NOT_YET;
}

enum wait_result wait_over(struct link *link, const struct position *position, unsigned timeout_ms)
{
    MYSQL_RES *result;
    enum wait_result reached = WAIT_FAILED;
    char *sql = wait_query(link, position, timeout_ms);

    if (!sql)
        return WAIT_FAILED;
    enum link_result asked = link_query(link, sql, timeout_ms + WAIT_GRACE_MS, &result);
    struct answer a = answer_over(result);
    if (asked == LINK_OK && answer_next(&a))
        reached = wait_result_of(position, answer_at(&a, 0));
    answer_dispose(&a);
    free(sql);
    return reached;
}
