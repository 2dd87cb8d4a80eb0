/*
 * A look in two or three small queries: who are you and where are you; whom do you replicate from;
 * and, of a writable server, where is your log. Names of columns are those of the manual's pages
 * "SHOW REPLICA STATUS" and MariaDB's "SHOW REPLICA STATUS".
 */
#include "health/answer.h"
#include "health/probe.h"

#include <stdio.h>
#include <string.h>

static bool is_on(struct bytes field)
{
    return !bytes_is_empty(field) && !bytes_equal_text(field, "0") &&
           !bytes_equal_text_nocase(field, "OFF");
}

/* A position that cannot be understood is none: then nothing is concluded from it. */
static struct position position_in(enum position_kind kind, struct bytes field)
{
    struct position p;

    position_parse(kind, (const char *)field.data, field.size, &p);
    return p;
}

static struct position place_in(struct bytes file, uint64_t offset)
{
    struct position p;

    position_parse_file((const char *)file.data, file.size, offset, &p);
    return p;
}

/* --- who and where ---------------------------------------------------------------------------- */

/* What the first query says about GTIDs; the sources' rows refer to it. */
struct own_gtids {
    bool in_use;             /* MySQL: gtid_mode is ON */
    struct position applied; /* what a replica has made visible; owner */
};

static void read_mysql_self(const struct answer *a, struct look *out, struct own_gtids *own)
{
    out->read_only = is_on(answer_at(a, 0));
    out->id = answer_number_at(a, 1);
    answer_copy(answer_at(a, 2), out->uuid, sizeof(out->uuid));
    own->in_use = bytes_equal_text_nocase(answer_at(a, 3), "ON");
    own->applied = (struct position){.kind = POSITION_MYSQL_GTID};
    if (own->in_use)
        own->applied = position_in(POSITION_MYSQL_GTID, answer_at(a, 4));
    out->executed = position_copy(&own->applied);
}

/* MariaDB's own writes are in the one position, what it has received in the other. */
static struct position mariadb_executed(const struct answer *a, unsigned binlog, unsigned slave)
{
    struct position logged = position_in(POSITION_MARIADB_GTID, answer_at(a, binlog));
    struct position applied = position_in(POSITION_MARIADB_GTID, answer_at(a, slave));
    struct position both = position_higher(&logged, &applied);

    position_dispose(&logged);
    position_dispose(&applied);
    return both;
}

static void read_mariadb_self(const struct answer *a, struct look *out, struct own_gtids *own)
{
    out->read_only = is_on(answer_at(a, 0));
    out->id = answer_number_at(a, 1);
    own->applied = position_in(POSITION_MARIADB_GTID, answer_at(a, 3));
    out->executed = mariadb_executed(a, 2, 3);
}

static enum link_result look_at_self(struct link *link, unsigned timeout_ms, struct look *out,
                                     struct own_gtids *own)
{
    bool is_mariadb = link->flavor == FLAVOR_MARIADB;
    MYSQL_RES *result;
    enum link_result asked =
        link_query(link,
                   is_mariadb ? "SELECT @@global.read_only, @@global.server_id, "
                                "@@global.gtid_binlog_pos, @@global.gtid_slave_pos"
                              : "SELECT @@global.read_only, @@global.server_id, "
                                "@@global.server_uuid, @@global.gtid_mode, @@global.gtid_executed",
                   timeout_ms, &result);
    struct answer a = answer_over(result);

    if (asked == LINK_OK && answer_next(&a)) {
        out->in_quorum = true;
        if (is_mariadb)
            read_mariadb_self(&a, out, own);
        else
            read_mysql_self(&a, out, own);
    }
    answer_dispose(&a);
    return asked;
}

/* --- sources ---------------------------------------------------------------------------------- */

static void read_places(const struct answer *a, struct source *s)
{
    s->applied = place_in(answer_named(a, "Relay_Source_Log_File", "Relay_Master_Log_File"),
                          answer_number_named(a, "Exec_Source_Log_Pos", "Exec_Master_Log_Pos"));
    s->received = place_in(answer_named(a, "Source_Log_File", "Master_Log_File"),
                           answer_number_named(a, "Read_Source_Log_Pos", "Read_Master_Log_Pos"));
}

static void read_gtids(const struct answer *a, bool is_mariadb, const struct own_gtids *own,
                       struct source *s)
{
    s->applied = position_copy(&own->applied);
    s->received =
        is_mariadb ? position_in(POSITION_MARIADB_GTID, answer_named(a, "Gtid_IO_Pos", NULL))
                   : position_in(POSITION_MYSQL_GTID, answer_named(a, "Retrieved_Gtid_Set", NULL));
}

static bool is_running(struct bytes field)
{
    return !bytes_is_empty(field) && !bytes_equal_text_nocase(field, "No");
}

static void read_source(const struct answer *a, bool is_mariadb, const struct own_gtids *own,
                        struct source *s)
{
    uint64_t error = answer_number_named(a, "Last_IO_Errno", NULL);

    answer_copy(answer_named(a, "Source_UUID", "Master_UUID"), s->uuid, sizeof(s->uuid));
    s->id = answer_number_named(a, "Source_Server_Id", "Master_Server_Id");
    answer_copy(answer_named(a, "Source_Host", "Master_Host"), s->host, sizeof(s->host));
    s->port = (unsigned)answer_number_named(a, "Source_Port", "Master_Port");
    s->io_running = is_running(answer_named(a, "Replica_IO_Running", "Slave_IO_Running"));
    s->sql_running = is_running(answer_named(a, "Replica_SQL_Running", "Slave_SQL_Running"));
    /* 1236 and 13114: fatal error reading the source's log, mostly because it was purged. */
    s->lost = !s->io_running && (error == 1236 || error == 13114);
    s->uses_gtid = is_mariadb ? is_running(answer_named(a, "Using_Gtid", NULL)) : own->in_use;
    if (s->uses_gtid)
        read_gtids(a, is_mariadb, own, s);
    else
        read_places(a, s);
}

static const char *replica_status_of(const struct link *link)
{
    if (link->flavor == FLAVOR_MARIADB)
        return "SHOW ALL SLAVES STATUS";
    return link->version_number >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

static enum link_result look_at_sources(struct link *link, unsigned timeout_ms, struct look *out,
                                        const struct own_gtids *own)
{
    MYSQL_RES *result;
    enum link_result asked = link_query(link, replica_status_of(link), timeout_ms, &result);
    struct answer a = answer_over(result);

    out->sources_known = asked == LINK_OK;
    while (asked == LINK_OK && out->source_count < LOOK_SOURCES_MAX && answer_next(&a))
        read_source(&a, link->flavor == FLAVOR_MARIADB, own, &out->sources[out->source_count++]);
    answer_dispose(&a);
    return asked == LINK_SERVER_ERROR ? LINK_OK : asked; /* it may not be allowed: said elsewhere */
}

/* --- the log ---------------------------------------------------------------------------------- */

static enum link_result read_log_place(struct link *link, unsigned timeout_ms, struct position *out)
{
    MYSQL_RES *result;
    bool is_new = link->flavor == FLAVOR_MYSQL && link->version_number >= 80200;
    enum link_result asked = link_query(
        link, is_new ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", timeout_ms, &result);
    struct answer a = answer_over(result);

    if (asked == LINK_OK && answer_next(&a))
        *out = place_in(answer_at(&a, 0), answer_number_at(&a, 1));
    answer_dispose(&a);
    return asked == LINK_SERVER_ERROR ? LINK_OK : asked;
}

enum link_result look_over(struct link *link, unsigned timeout_ms, struct look *out)
{
    struct own_gtids own = {0};
    enum link_result result = look_at_self(link, timeout_ms, out, &own);

    if (result == LINK_OK)
        result = look_at_sources(link, timeout_ms, out, &own);
    if (result == LINK_OK && !out->read_only)
        result = read_log_place(link, timeout_ms, &out->logged);
    position_dispose(&own.applied);
    return result;
}

enum link_result sample_over(struct link *link, unsigned timeout_ms, bool gtid, bool place,
                             struct position *executed, struct position *logged)
{
    bool is_mariadb = link->flavor == FLAVOR_MARIADB;
    enum link_result asked = LINK_OK;
    MYSQL_RES *result;

    if (gtid) {
        asked = link_query(link,
                           is_mariadb ? "SELECT @@global.gtid_binlog_pos, @@global.gtid_slave_pos"
                                      : "SELECT @@global.gtid_executed",
                           timeout_ms, &result);
        struct answer a = answer_over(result);
        if (asked == LINK_OK && answer_next(&a))
            *executed = is_mariadb ? mariadb_executed(&a, 0, 1)
                                   : position_in(POSITION_MYSQL_GTID, answer_at(&a, 0));
        answer_dispose(&a);
    }
    if (place && asked == LINK_OK)
        asked = read_log_place(link, timeout_ms, logged);
    return asked;
}
