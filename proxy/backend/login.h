/*
 * Logging in to a server: greeting, login packet, the exchange of its authentication plugin, OK.
 */
#ifndef TIDEMARK_PROXY_BACKEND_LOGIN_H
#define TIDEMARK_PROXY_BACKEND_LOGIN_H

struct backend;

/* The socket is connected; the server speaks first. */
void backend_login_begin(struct backend *backend);

/* Takes what the server sent; ends in backend_logged_in or backend_fail. */
void backend_login_read(struct backend *backend);

/* The handshake that this login asked for is over. */
void backend_login_secured(struct backend *backend);

/* The login is over, in this process or before: what was agreed on about compression holds. */
void backend_login_compress(struct backend *backend);

void backend_login_dispose(struct backend *backend);

#endif
