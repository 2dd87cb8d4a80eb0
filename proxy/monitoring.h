/*
 * The configuration in the health part's words.
 */
#ifndef TIDEMARK_PROXY_MONITORING_H
#define TIDEMARK_PROXY_MONITORING_H

#include "health/health.h"
#include "proxy/roster.h"

/* Borrows the server's texts. */
struct health_server monitoring_server(const struct config_server *server);

/* What the monitors' connections must be; borrows the path. */
struct health_security monitoring_security(const struct config_tls *tls);

/* Starts the monitors of the roster's servers; `options` brings the callbacks. NULL: no thread. */
struct health *monitoring_start(const struct roster *roster, struct health_options options);

#endif
