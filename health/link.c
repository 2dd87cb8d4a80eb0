/*
 * The two client libraries differ in a few options and in how to get at the socket; all of that is
 * in this file. Errors are kept as the library words them: it never puts the password there.
 */
#include "health/link.h"

#include "health/link_header.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <errmsg.h>

void link_init(struct link *link, const struct link_target *target)
{
    *link = (struct link){.target = *target};
}

void link_close(struct link *link)
{
    if (link->mysql)
        mysql_close(link->mysql);
    link->mysql = NULL;
}

bool link_is_open(const struct link *link)
{
    return link->mysql != NULL;
}

static int socket_of(MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION
    return (int)mysql_get_socket(mysql);
#else
    return (int)mysql->net.fd;
#endif
}

/* Remembers the library's error without control characters: it ends up in a log line. */
static void remember(struct link *link, const char *what)
{
    link->error = mysql_errno(link->mysql);
    if (what)
        snprintf(link->why, sizeof(link->why), "%s", what);
    else
        snprintf(link->why, sizeof(link->why), "%s (%u)", mysql_error(link->mysql), link->error);
    for (char *c = link->why; *c; c++) {
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    }
}

static enum link_result lose(struct link *link, enum link_result result, const char *what)
{
    remember(link, what);
    link_close(link);
    return result;
}

/* Where Debian and its kin keep the authorities that the system trusts. */
static const char system_authorities[] = "/etc/ssl/certs";

static enum health_tls tls_of(const struct link *link)
{
    return link->target.unix_path ? HEALTH_TLS_DISABLED : link->target.security.tls;
}

static void set_authorities(const struct link *link, MYSQL *mysql)
{
    const char *ca = link->target.security.ca;

    if (ca && ca[0])
        mysql_options(mysql, MYSQL_OPT_SSL_CA, ca);
    else
        mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, system_authorities);
}

/*
 * MariaDB's library knows three things: to use TLS if the server offers it, which it calls to
 * enforce it; with authorities, to check the chain of the certificate; and to check the name too.
 * That TLS came about is checked afterwards.
 */
static void set_security(const struct link *link, MYSQL *mysql)
{
    enum health_tls tls = tls_of(link);

    if (tls >= HEALTH_TLS_VERIFY_CA)
        set_authorities(link, mysql);
#ifdef MARIADB_PACKAGE_VERSION
    my_bool enforce = tls != HEALTH_TLS_DISABLED;
    my_bool verify = tls == HEALTH_TLS_VERIFY_IDENTITY;

    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
    static const unsigned modes[] = {
        [HEALTH_TLS_DISABLED] = SSL_MODE_DISABLED,
        [HEALTH_TLS_PREFERRED] = SSL_MODE_PREFERRED,
        [HEALTH_TLS_REQUIRED] = SSL_MODE_REQUIRED,
        [HEALTH_TLS_VERIFY_CA] = SSL_MODE_VERIFY_CA,
        [HEALTH_TLS_VERIFY_IDENTITY] = SSL_MODE_VERIFY_IDENTITY,
    };
    bool on = true;

    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[tls]);
    /* caching_sha2_password encrypts the password with this key where there is no TLS. */
    mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &on);
#endif
}

static void set_options(struct link *link, MYSQL *mysql)
{
    unsigned ms = link->target.timeout_ms < 1000 ? 1000 : link->target.timeout_ms;
    unsigned seconds = (ms + 999) / 1000; /* the library's unit */

    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!link->target.unix_path) {
        /* The libraries take the name "localhost" for a Unix socket unless told otherwise. */
        unsigned tcp = MYSQL_PROTOCOL_TCP;

        mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
    }
    set_security(link, mysql);
}

static unsigned number_of_version(const char *text)
{
    unsigned part[3] = {0};

    /* MariaDB puts "5.5.5-" before its version for the sake of old replicas. */
    if (strncmp(text, "5.5.5-", 6) == 0 && strstr(text, "MariaDB"))
        text += 6;
    if (sscanf(text, "%3u.%3u.%3u", &part[0], &part[1], &part[2]) < 2)
        return 0;
    return part[0] * 10000 + part[1] * 100 + part[2];
}

static bool is_time_out(unsigned error, const struct timespec *since, unsigned timeout_ms)
{
    struct timespec now;

    if (error != CR_CONN_HOST_ERROR && error != CR_SERVER_LOST && error != CR_CONNECTION_ERROR)
        return false;
    /* The libraries report a time-out as any other failure; only the clock tells. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000 >=
           (long)timeout_ms * 9 / 10;
}

enum link_result link_open(struct link *link)
{
    const struct link_target *t = &link->target;
    struct timespec start;
    MYSQL_RES *none = NULL;

    if (link->mysql)
        return LINK_OK;
    link->mysql = mysql_init(NULL);
    if (!link->mysql)
        abort(); /* out of memory */
    set_options(link, link->mysql);
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (!link_connect(link, t->proxy_protocol
                                ? atomic_load_explicit(t->proxy_protocol, memory_order_relaxed)
                                : 0)) {
        bool slow = is_time_out(mysql_errno(link->mysql), &start,
                                t->timeout_ms < 1000 ? 1000 : t->timeout_ms);
        return lose(link, slow ? LINK_TIMED_OUT : LINK_LOST, NULL);
    }
    if (tls_of(link) >= HEALTH_TLS_REQUIRED && !mysql_get_ssl_cipher(link->mysql))
        return lose(link, LINK_LOST, "the server does not offer TLS, which is required");
    const char *version = mysql_get_server_info(link->mysql);
    link->flavor = strstr(version, "MariaDB") ? FLAVOR_MARIADB : FLAVOR_MYSQL;
    link->version_number = number_of_version(version);
    /* Texts that servers print depend on it; and a limit of theirs must not cut a wait short. */
    enum link_result set =
        link_query(link,
                   link->flavor == FLAVOR_MARIADB ? "SET SESSION sql_mode='', max_statement_time=0"
                                                  : "SET SESSION sql_mode='', max_execution_time=0",
                   t->timeout_ms, &none);
    return set == LINK_SERVER_ERROR ? LINK_OK : set;
}

static enum link_result wait_for_answer(struct link *link, unsigned timeout_ms)
{
    struct pollfd fds[2] = {{.fd = socket_of(link->mysql), .events = POLLIN},
                            {.fd = link->target.wake_fd, .events = POLLIN}};
    int n;

    do {
        n = poll(fds, link->target.wake_fd >= 0 ? 2 : 1, (int)timeout_ms);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return LINK_TIMED_OUT;
    return fds[0].revents ? LINK_OK : LINK_INTERRUPTED;
}

static enum link_result read_answer(struct link *link, MYSQL_RES **result)
{
    if (mysql_read_query_result(link->mysql) == 0) {
        *result = mysql_store_result(link->mysql);
        if (*result || mysql_field_count(link->mysql) == 0)
            return LINK_OK;
    }
    unsigned error = mysql_errno(link->mysql);
    if (error >= CR_MIN_ERROR && error <= CR_MAX_ERROR)
        return lose(link, LINK_LOST, NULL);
    remember(link, NULL);
    return LINK_SERVER_ERROR;
}

enum link_result link_query(struct link *link, const char *sql, unsigned timeout_ms,
                            MYSQL_RES **result)
{
    *result = NULL;
    if (!link->mysql)
        return LINK_LOST;
    if (link->target.queries)
        atomic_fetch_add_explicit(link->target.queries, 1, memory_order_relaxed);
    if (mysql_send_query(link->mysql, sql, (unsigned long)strlen(sql)) != 0)
        return lose(link, LINK_LOST, NULL);
    enum link_result waited = wait_for_answer(link, timeout_ms);
    if (waited == LINK_TIMED_OUT)
        return lose(link, waited, "no answer in time");
    if (waited != LINK_OK)
        return lose(link, waited, "interrupted");
    return read_answer(link, result);
}
