/*
 * A server connection that is opened to ask one thing and is then closed; it is never lent:
 *
 *     does the server let this account in with this secret?       the login is the question
 *     what does this query say?                                   rows, then the end
 *
 * It takes a permit if one is free, and goes without one otherwise: who logs in must not wait until
 * those who are in are done. Its group and account are stand-ins of its own, so that a name nobody
 * knows leaves no trace.
 */
#ifndef TIDEMARK_PROXY_BACKEND_ASKING_H
#define TIDEMARK_PROXY_BACKEND_ASKING_H

#include "protocol/bytes.h"
#include "protocol/error.h"
#include "proxy/credentials.h"

#include <stdbool.h>

struct backend;
struct worker;

enum { ASKING_COLUMNS = 8 }; /* no query has more */

struct asking_answer {
    bool was_refused;       /* the server itself said no, in the words of `error` */
    struct sql_error error; /* code 0: it was let in, and the query has ended well */
};

struct asking_question {
    unsigned server;
    const char *user;
    struct secret *secret; /* a reference is taken */
    const char *sql;       /* NULL: only the login */
    /* A row of `sql`; values without data are NULL. The slices are good during the call. */
    void (*on_row)(void *context, const struct bytes *values, size_t count);
    /* Once, never from within backend_ask, and not after asking_abandon. */
    void (*on_done)(void *context, const struct asking_answer *answer);
    void *context;
};

/* NULL: the worker is ending. Otherwise good until on_done. */
struct backend *backend_ask(struct worker *worker, const struct asking_question *question);

/* Nobody wants to know any more. */
void asking_abandon(struct backend *backend);

/* For backend.c, login.c and steps.c: what to log in with; the server refused the login, in these
 * words; logged in; bytes came after that; the connection is gone for good. */
struct credential asking_credential(const struct backend *backend);
void asking_refused(struct backend *backend, const struct sql_error *error);
void asking_logged_in(struct backend *backend);
void asking_read(struct backend *backend);
void asking_gone(struct backend *backend);

#endif
