/*
 * Starting the monitors. See monitoring.h.
 */
#include "proxy/monitoring.h"

#include "proxy/client/variables.h"
#include "proxy/memory.h"

static enum configured_role role_of(const struct config_server *server)
{
    switch ((enum config_role)server->role) {
    case CONFIG_ROLE_PRIMARY:
        return CONFIGURED_PRIMARY;
    case CONFIG_ROLE_REPLICA:
        return CONFIGURED_REPLICA;
    case CONFIG_ROLE_AUTO:
        break;
    }
    return CONFIGURED_AUTO;
}

struct health_server monitoring_server(const struct config_server *server)
{
    bool is_unix = server->address.kind == CONFIG_ADDRESS_UNIX;

    return (struct health_server){.name = server->name,
                                  .host = is_unix ? NULL : server->address.host,
                                  .port = server->address.port,
                                  .unix_path = is_unix ? server->address.host : NULL,
                                  .role = role_of(server),
                                  .weight = server->weight,
                                  .max_connections = server->max_connections,
                                  .proxy_protocol = (unsigned)server->proxy_protocol};
}

struct health_security monitoring_security(const struct config_tls *tls)
{
    static const enum health_tls modes[] = {
        [CONFIG_TLS_SERVER_DISABLED] = HEALTH_TLS_DISABLED,
        [CONFIG_TLS_SERVER_PREFERRED] = HEALTH_TLS_PREFERRED,
        [CONFIG_TLS_SERVER_REQUIRED] = HEALTH_TLS_REQUIRED,
        [CONFIG_TLS_SERVER_VERIFY_CA] = HEALTH_TLS_VERIFY_CA,
        [CONFIG_TLS_SERVER_VERIFY_IDENTITY] = HEALTH_TLS_VERIFY_IDENTITY,
    };

    return (struct health_security){.tls = modes[tls->server], .ca = tls->ca};
}

struct health *monitoring_start(const struct roster *roster, struct health_options options)
{
    const struct config_monitor *monitor = &roster->config->monitor;
    struct health_server servers[ROSTER_SERVERS];
    const char **tracked = mem_calloc(variable_count() + 1, sizeof *tracked);
    struct health *health;

    for (size_t i = 0; i < variable_count(); i++) {
        tracked[i] = variable_at((int)i)->name;
    }
    /* At the start the numbers have no holes. */
    for (unsigned i = 0; i < roster->server_count; i++) {
        servers[i] = monitoring_server(roster_server(roster, i));
    }
    options.servers = servers;
    options.server_count = roster->server_count;
    options.user = monitor->user;
    options.password = monitor->password;
    options.security = monitoring_security(&roster->config->tls);
    options.poll_ms = monitor->poll_ms;
    options.sample_min_ms = monitor->sample_min_ms;
    options.tracked = tracked;
    health = health_start(&options);
    mem_free(tracked);
    return health;
}
