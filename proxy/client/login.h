/*
 * Logging a client in: greeting, the exchange of its authentication plugin, its default schema.
 */
#ifndef TIDEMARK_PROXY_CLIENT_LOGIN_H
#define TIDEMARK_PROXY_CLIENT_LOGIN_H

#include "protocol/bytes.h"
#include "protocol/error.h"

struct environment;
struct session;

/* Greets, or refuses to (too many clients). Where no server was seen yet, and no server_version is
 * configured, the greeting waits: login_try_greeting is called when the topology changes. */
void login_greet(struct session *session);
void login_try_greeting(struct session *session);

/* Takes the client's packets while it logs in. */
void login_read(struct session *session);

/* COM_CHANGE_USER; `payload` with its command byte. */
void login_change_user(struct session *session, struct bytes payload);

/* The default schema could be entered on a server, or not. */
void login_schema_entered(struct session *session);
void login_schema_refused(struct session *session, const struct sql_error *error);

/* For the worker's tick: goes on with a login that was held back for failures before it. */
void login_tick(struct session *session, uint64_t now_ns);

/* [proxy] login_timeout_ms is over. */
void login_overdue(struct session *session);

/* The state that the login leaves the session in: the character sets of its collation, and this
 * schema. The caller owns the reference; NULL: the name cannot be a schema's. */
const struct environment *login_environment(struct session *session, struct bytes schema);

void login_dispose(struct session *session);

#endif
