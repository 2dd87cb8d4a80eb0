/*
 * The table `servers`: what is configured, what the monitors see, and what the pools hold. What is
 * writable is configuration (proxy/live.h), except `state`, which drains and enables.
 */
#include "proxy/admin/change.h"
#include "proxy/admin/edit.h"
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "health/topology.h"
#include "proxy/clock.h"
#include "proxy/event_ring.h"
#include "proxy/live.h"
#include "proxy/memory.h"
#include "proxy/survey.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME,
    ADDRESS,
    ROLE,
    CONFIGURED_ROLE,
    STATE,
    USABLE,
    WHY_NOT,
    WEIGHT,
    MAX_CONNECTIONS,
    LAG_MS,
    HORIZON_AGE_MS,
    LATENCY_US,
    IDLE,
    LEASED,
    OPENING,
    WAITING,
    ERRORS,
    LONGEST_WAIT_MS,
    FLAVOR,
    VERSION,
    LOOKED_MS,
    MONITOR_QUERIES,
    CHANGED_MS,
    CHANGE,
    COLUMNS
};

static const struct admin_column columns[COLUMNS] = {
    [NAME] = {"name", ADMIN_TEXT, "as in [server NAME]", false},
    [ADDRESS] = {"address", ADMIN_TEXT, "HOST[:PORT] or unix:/PATH", true},
    [ROLE] = {"role", ADMIN_TEXT, "as seen: primary, replica, unknown", false},
    [CONFIGURED_ROLE] = {"configured_role", ADMIN_TEXT, "auto, primary, replica", true},
    [STATE] = {"state", ADMIN_TEXT,
               "up, suspect, down, draining, diverged; set it to draining (no new statements) or "
               "to up (enabled again), which is not saved",
               true},
    [USABLE] = {"usable", ADMIN_INTEGER, "1: may serve what its role allows", false},
    [WHY_NOT] = {"why_not", ADMIN_TEXT, "why it is not usable; empty when it is", false},
    [WEIGHT] = {"weight", ADMIN_INTEGER,
                "its share of the reads; 0: only when no other replica can", true},
    [MAX_CONNECTIONS] = {"max_connections", ADMIN_INTEGER, "that the proxy may have to it", true},
    [LAG_MS] = {"lag_ms", ADMIN_INTEGER,
                "of a replica at the last look: milliseconds between the primary's newest position "
                "and its own; NULL: unknown",
                false},
    [HORIZON_AGE_MS] = {"horizon_age_ms", ADMIN_INTEGER,
                        "it is known to have everything that was committed up to so many "
                        "milliseconds ago; NULL: unknown. Grows while nobody needs to know better",
                        false},
    [LATENCY_US] = {"latency_us", ADMIN_INTEGER,
                    "microseconds for the monitor's query there and back, smoothed", false},
    [IDLE] = {"idle", ADMIN_INTEGER, "connections that nobody uses now", false},
    [LEASED] = {"leased", ADMIN_INTEGER, "connections that sessions hold", false},
    [OPENING] = {"opening", ADMIN_INTEGER, "connections being opened", false},
    [WAITING] = {"waiting", ADMIN_INTEGER, "sessions that wait for a connection to it", false},
    [ERRORS] = {"errors", ADMIN_INTEGER, "the monitor's looks that failed", false},
    [LONGEST_WAIT_MS] = {"longest_wait_ms", ADMIN_INTEGER,
                         "milliseconds that the first of the waiting sessions has waited so far",
                         false},
    [FLAVOR] = {"flavor", ADMIN_TEXT, "mysql, mariadb; unknown before the first look", false},
    [VERSION] = {"version", ADMIN_TEXT, "as the server calls it", false},
    [LOOKED_MS] = {"looked_ms", ADMIN_INTEGER,
                   "milliseconds since the monitor's last good look; NULL: none yet", false},
    [CHANGED_MS] = {"changed_ms", ADMIN_INTEGER,
                    "milliseconds since the last event about it; NULL: none that is remembered",
                    false},
    [CHANGE] = {"change", ADMIN_TEXT, "that event and its reason; see events", false},
    [MONITOR_QUERIES] = {"monitor_queries", ADMIN_INTEGER, "that the monitor has sent", false},
};

/* ---- rows ---- */

struct connection_counts {
    unsigned idle, leased, opening, waiting;
    uint64_t oldest_wait_ns;
};

static void count_pool(void *context, const struct pool_sight *sight)
{
    struct connection_counts *all = context;

    if (sight->server < ROSTER_SERVERS) {
        struct connection_counts *counts = &all[sight->server];

        counts->idle += sight->idle;
        counts->leased += sight->leased;
        counts->opening += sight->opening;
        counts->waiting += sight->waiting;
        if (sight->oldest_wait_ns != 0 &&
            (counts->oldest_wait_ns == 0 || sight->oldest_wait_ns < counts->oldest_wait_ns)) {
            counts->oldest_wait_ns = sight->oldest_wait_ns;
        }
    }
}

/* What the monitors know of the server under this number; NULL: nothing yet. */
static const struct server_info *info_of(const struct topology *topology, unsigned number,
                                         const struct config_server *server)
{
    const struct server_info *info =
        topology != NULL && number < topology->count ? &topology->servers[number] : NULL;

    return info != NULL && info->name != NULL && strcmp(info->name, server->name) == 0 ? info
                                                                                       : NULL;
}

static uint64_t gauge(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void add_seen(struct look_context *look, const struct server_info *info)
{
    struct admin_rows *rows = look->rows;

    admin_rows_text(rows, server_role_name(info != NULL ? info->role : ROLE_UNKNOWN));
}

static void add_state(struct look_context *look, const struct server_info *info)
{
    struct admin_rows *rows = look->rows;

    admin_rows_text(rows, server_state_name(info != NULL ? info->state : STATE_DOWN));
    admin_rows_integer(rows, info != NULL && info->usable);
    admin_rows_text(rows, info != NULL ? info->why_not : "not looked at yet");
}

static void add_horizon(struct look_context *look, const struct server_info *info)
{
    uint64_t lag = info != NULL ? gauge(&info->gauges->lag_ns) : UINT64_MAX;
    bool is_replica = info != NULL && info->role == ROLE_REPLICA;

    admin_rows_known(look->rows, is_replica && lag != UINT64_MAX, lag / 1000000);
    look_age(look, info != NULL ? server_horizon(info, look->now) : 0);
    admin_rows_known(look->rows, info != NULL && gauge(&info->gauges->latency_us) != 0,
                     info != NULL ? gauge(&info->gauges->latency_us) : 0);
}

/* The last event about a server; NULL: none. */
static const struct event *last_event(const struct event *events, size_t count, const char *server)
{
    char subject[EVENT_SUBJECT_BYTES];

    snprintf(subject, sizeof subject, "server %s", server);
    while (count > 0) {
        if (strcmp(events[--count].subject, subject) == 0) {
            return &events[count];
        }
    }
    return NULL;
}

static void add_change(struct look_context *look, const struct event *event)
{
    int64_t age;
    char *text;

    if (event == NULL) {
        admin_rows_null(look->rows);
        admin_rows_null(look->rows);
        return;
    }
    age = (clock_unix_us() - event->at_unix_us) / 1000;
    text = mem_printf("%s%s%s", event->what, event->why[0] != '\0' ? ": " : "", event->why);
    admin_rows_integer(look->rows, age > 0 ? age : 0);
    admin_rows_text(look->rows, text);
    mem_free(text);
}

static void add_server(struct look_context *look, const struct config_server *server,
                       const struct server_info *info, const struct connection_counts *counts)
{
    struct admin_rows *rows = look->rows;
    const struct server_facts *facts = info != NULL ? info->facts : NULL;

    admin_rows_text(rows, server->name);
    admin_rows_text(rows, server->address.text);
    add_seen(look, info);
    admin_rows_text(rows, config_role_name((enum config_role)server->role));
    add_state(look, info);
    admin_rows_integer(rows, server->weight);
    admin_rows_integer(rows, server->max_connections);
    add_horizon(look, info);
    admin_rows_integer(rows, counts->idle);
    admin_rows_integer(rows, counts->leased);
    admin_rows_integer(rows, counts->opening);
    admin_rows_integer(rows, counts->waiting);
    admin_rows_known(rows, true, info != NULL ? gauge(&info->gauges->errors) : 0);
    look_age(look, counts->oldest_wait_ns);
    admin_rows_text(rows, flavor_name(facts != NULL ? facts->flavor : FLAVOR_UNKNOWN));
    admin_rows_text(rows, facts != NULL ? facts->version : NULL);
    look_age(look, info != NULL ? gauge(&info->gauges->looked_ns) : 0);
    admin_rows_known(rows, true, info != NULL ? gauge(&info->gauges->queries) : 0);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);
    struct connection_counts counts[ROSTER_SERVERS] = {0};
    struct event *events = mem_calloc(EVENTS_KEPT, sizeof *events);
    size_t event_count = event_ring_copy(program->events, events, EVENTS_KEPT);
    struct topology *topology;

    survey_pools(program, count_pool, counts);
    topology = program->process->topology(program->process);
    look.now = look_now(); /* a horizon may be younger than the beginning */
    for (unsigned number = 0; number < look.roster->server_count; number++) {
        const struct config_server *server = roster_server(look.roster, number);

        if (server != NULL) {
            add_server(&look, server, info_of(topology, number, server), &counts[number]);
            add_change(&look, last_event(events, event_count, server->name));
        }
    }
    topology_unref(topology);
    mem_free(events);
    look_end(&look);
}

/* ---- changes ---- */

static const struct edit_column edits[] = {
    {ADDRESS, "address"},
    {CONFIGURED_ROLE, "role"},
    {WEIGHT, "weight"},
    {MAX_CONNECTIONS, "max_connections"},
};

/* Draining is no configuration; it is done when the rest of the statement has proved good. */
static bool set_state(const struct admin_change *change, char **error)
{
    struct bytes state = change->values[STATE].text;
    bool is_draining = bytes_equal_text(state, "draining");

    if (!is_draining && !bytes_equal_text(state, "up")) {
        *error = mem_printf("servers.state: allowed: draining | up");
        return false;
    }
    if (change->kind != ADMIN_UPDATE) {
        *error = mem_text("servers.state: a server that is being added is up as soon as it is seen "
                          "to be; allowed: nothing");
        return false;
    }
    change_drain(change->drains, change->key, is_draining);
    return true;
}

static bool change(struct program *program, struct live_edit *edit,
                   const struct admin_change *change, char **error)
{
    (void)program;
    if (!edit_row(edit, "server", change, edits, sizeof edits / sizeof edits[0], error)) {
        return false;
    }
    return change->kind == ADMIN_DELETE || !change->values[STATE].is_changed ||
           set_state(change, error);
}

const struct admin_table admin_table_servers = {
    .name = "servers",
    .help = "the servers: roles, states, horizons, connections; add, remove and change them here",
    .columns = columns,
    .column_count = COLUMNS,
    .fill = fill,
    .change = change,
};
