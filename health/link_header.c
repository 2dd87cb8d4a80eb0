/*
 * See link_header.h. MariaDB's library has an option for such a header (MARIADB_OPT_PROXY_HEADER),
 * but sends it after the greeting, which whoever insists on a header does not send first; so the
 * connection is made step by step, and the header written when the library begins to wait for the
 * greeting. MySQL's library cannot go on with blocking calls after such a connect: built with it,
 * the monitor sends no header, which is enough for servers that accept one and do not insist.
 */
#include "health/link_header.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

static bool connect_plainly(struct link *link)
{
    const struct link_target *t = &link->target;

    return mysql_real_connect(link->mysql, t->unix_path ? "localhost" : t->host, t->user,
                              t->password, NULL, t->port, t->unix_path, 0) != NULL;
}

#ifdef MARIADB_PACKAGE_VERSION

static const char header_v1[] = "PROXY UNKNOWN\r\n";
static const char header_v2[16] = "\r\n\r\n\0\r\nQUIT\n\x20"; /* LOCAL; no family, no addresses */

static void send_header(MYSQL *mysql, unsigned version)
{
    const char *header = version == 1 ? header_v1 : header_v2;
    size_t size = version == 1 ? sizeof(header_v1) - 1 : sizeof(header_v2);

    /* The first bytes of a connection fit; a failure shows when the greeting does not come. */
    (void)!send(mysql_get_socket(mysql), header, size, MSG_NOSIGNAL);
}

/* Waits for what the library waits for; answers what has come of it, in its words. */
static int wait_for(MYSQL *mysql, int status)
{
    struct pollfd fd = {.fd = mysql_get_socket(mysql)};
    int timeout = status & MYSQL_WAIT_TIMEOUT ? (int)mysql_get_timeout_value_ms(mysql) : -1;
    int n;

    fd.events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) |
                        (status & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                        (status & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
    do {
        n = poll(&fd, 1, timeout);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return MYSQL_WAIT_TIMEOUT;
    n = (fd.revents & (POLLIN | POLLHUP | POLLERR) ? MYSQL_WAIT_READ : 0) |
        (fd.revents & (POLLOUT | POLLERR) ? MYSQL_WAIT_WRITE : 0) |
        (fd.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
    return n & status;
}

static bool connect_with_header(struct link *link, unsigned version)
{
    const struct link_target *t = &link->target;
    MYSQL *connected = NULL;
    bool sent = false;
    int status;

    mysql_options(link->mysql, MYSQL_OPT_NONBLOCK, NULL);
    status = mysql_real_connect_start(&connected, link->mysql, t->unix_path ? "localhost" : t->host,
                                      t->user, t->password, NULL, t->port, t->unix_path, 0);
    while (status) {
        if (!sent && status & MYSQL_WAIT_READ) {
            send_header(link->mysql, version);
            sent = true;
        }
        status = mysql_real_connect_cont(&connected, link->mysql, wait_for(link->mysql, status));
    }
    return connected != NULL;
}

bool link_connect(struct link *link, unsigned version)
{
    return version == 0 ? connect_plainly(link) : connect_with_header(link, version);
}

#else

bool link_connect(struct link *link, unsigned version)
{
    (void)version;
    return connect_plainly(link);
}

#endif
