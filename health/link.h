/*
 * A monitor's connection: libmysqlclient, blocking, yet never for longer than asked. The trick is
 * to send a query, to wait for the first byte of the answer with poll(), on the socket and on a
 * descriptor that interrupts, and only then to let the library read.
 *
 * A link whose query failed other than by an answer of the server is closed, for nobody knows what
 * is still in its stream.
 */
#ifndef HEALTH_LINK_H
#define HEALTH_LINK_H

#include "health/facts.h"
#include "health/security.h"

#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum link_result {
    LINK_OK,
    LINK_SERVER_ERROR, /* the server answered with an error; the link stays open */
    LINK_TIMED_OUT,
    LINK_LOST,        /* cannot connect, login refused, connection broken */
    LINK_INTERRUPTED, /* by the wake descriptor */
};

enum { LINK_WHY_MAX = 200 };

/* Where to and as whom; everything is borrowed for the link's life. */
struct link_target {
    const char *host;
    unsigned port;
    const char *unix_path;
    const char *user;
    const char *password;
    struct health_security security;
    unsigned timeout_ms; /* for connecting and as the library's own limit; at least 1000 is used */
    int wake_fd;         /* readable: give up (eventfd); -1: none */
    const atomic_uint *proxy_protocol; /* version of the PROXY header to begin with; NULL: none */
    _Atomic uint64_t *queries;         /* counted up with each query; NULL: not */
};

struct link {
    struct link_target target;
    MYSQL *mysql;   /* NULL: closed */
    unsigned error; /* of the server, after LINK_SERVER_ERROR or LINK_LOST */
    char why[LINK_WHY_MAX + 1];
    enum flavor flavor;      /* known once open */
    unsigned version_number; /* as in struct server_facts */
};

void link_init(struct link *link, const struct link_target *target);
void link_close(struct link *link);
bool link_is_open(const struct link *link);

/* Connects unless open. Blocks for the target's time-out at most. */
enum link_result link_open(struct link *link);

/*
 * Sends one query and reads its whole result. *result (owner: the caller, mysql_free_result) is
 * NULL when there is no result set. Waits timeout_ms for the answer to begin.
 */
enum link_result link_query(struct link *link, const char *sql, unsigned timeout_ms,
                            MYSQL_RES **result);

#endif
