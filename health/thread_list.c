/*
 * Which of some threads a server's process list still has. The list shows an account without the
 * privilege PROCESS its own threads only, and says nothing about that; so an answer counts only
 * when somebody else's thread was shown, or the privilege is among the account's own.
 *
 * Manual: "The INFORMATION_SCHEMA PROCESSLIST Table", "SHOW PROCESSLIST" and "The
 * INFORMATION_SCHEMA USER_PRIVILEGES Table" of both servers. A thread leaves the list when its
 * connection ends, after the last statement that could commit.
 */
#include "health/answer.h"
#include "health/arena.h"
#include "health/probe.h"

#include <stdio.h>
#include <stdlib.h>

enum { ID_TEXT_MAX = 11 }; /* 10 digits and a comma */

static enum link_result ask_what_is_shown(struct link *link, unsigned timeout_ms, bool *sees_all)
{
    MYSQL_RES *result;
    enum link_result asked = link_query(
        link,
        "SELECT 1 FROM information_schema.PROCESSLIST"
        " WHERE USER <> SUBSTRING_INDEX(USER(), '@', 1)"
        " AND USER <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
        " UNION SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS'"
        " AND GRANTEE = CONCAT('''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',"
        " SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')",
        timeout_ms, &result);
    struct answer a = answer_over(result);

    *sees_all = asked == LINK_OK && answer_next(&a);
    answer_dispose(&a);
    return asked;
}

static void note_listed(struct answer *a, const uint32_t *ids, size_t count, bool *listed)
{
    while (answer_next(a)) {
        uint64_t id = answer_number_at(a, 0);
        for (size_t i = 0; i < count; i++)
            listed[i] = listed[i] || ids[i] == id;
    }
}

/* "SELECT ... IN (1,2,3)"; owner: the caller, free(). */
static char *lookup_sql(const uint32_t *ids, size_t count)
{
    static const char head[] = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID IN (";
    size_t size = sizeof(head) + count * ID_TEXT_MAX + 1;
    char *sql = health_alloc(size, 1);
    size_t at = (size_t)snprintf(sql, size, "%s", head);

    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(sql + at, size - at, "%s%u", i ? "," : "", (unsigned)ids[i]);
    snprintf(sql + at, size - at, ")");
    return sql;
}

enum link_result threads_over(struct link *link, unsigned timeout_ms, const uint32_t *ids,
                              size_t count, bool *listed, bool *sees_all)
{
    MYSQL_RES *result;
    enum link_result asked = ask_what_is_shown(link, timeout_ms, sees_all);

    if (asked != LINK_OK || count == 0)
        return asked;
    char *sql = lookup_sql(ids, count);
    asked = link_query(link, sql, timeout_ms, &result);
    free(sql);
    struct answer a = answer_over(result);
    if (asked == LINK_OK)
        note_listed(&a, ids, count, listed);
    answer_dispose(&a);
    return asked;
}
