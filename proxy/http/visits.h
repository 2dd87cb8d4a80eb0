/*
 * Visits: the connections of the HTTP port, and how long each may go without finishing a request.
 * The library ends connections that are silent; one that sends a byte now and then would hold its
 * place for ever, and places are few. A thread of its own looks once a second.
 *
 * Connections are known by their socket, which is only shut down here, never closed: the library
 * then sees its end and does the rest.
 */
#ifndef TIDEMARK_PROXY_HTTP_VISITS_H
#define TIDEMARK_PROXY_HTTP_VISITS_H

struct visit;
struct visits;

/* At most `limit` visits at a time; each must finish a request every `patience_s` seconds. NULL: no
 * thread could be had. */
struct visits *visits_start(unsigned limit, unsigned patience_s);

/* When no visit is left. */
void visits_stop(struct visits *visits);

/* A connection began; NULL: there are too many, it is not watched. Any thread. */
struct visit *visits_begin(struct visits *visits, int fd);

/* It finished a request; its socket is about to be closed. The visit may be NULL. Any thread. */
void visits_renew(struct visits *visits, struct visit *visit);
void visits_end(struct visits *visits, struct visit *visit);

#endif
